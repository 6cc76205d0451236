"""Canonical form: one spelling for one thing, per provider, so that identity does not depend on who wrote it down."""

import polars as pl

# Ids that EC2's API treats without regard to case: a known prefix, a hyphen, hexadecimal digits.
_EC2_FAMILY = (
    r"(?i)^(i|vol|snap|ami|eni|eipalloc|eipassoc|nat|vpc|vpce|subnet|sg|rtb|igw|tgw|vpn|vgw|cgw|lt|fs|cr|dopt|acl|pcx)"
    r"-[0-9a-f]+$"
)
IDENTITY = ("tenant_id", "workspace", "provider", "account_id", "region", "check_id", "resource_id", "facet")
_DUBIOUS = r"[^!-~]|[A-Z]"  # a text of other characters only is its own canonical form
_NOT_ASCII = r"[^\x00-\x7F]"  # only such a text has Unicode forms
_AWS_ACCOUNT_DIGITS = 12


def canonicalise(frame: pl.DataFrame) -> pl.DataFrame:
    """Bring the identity columns of a frame to canonical form, rows in their order.

    The same as `frame.with_columns(canonical_identity())`, but only values that may change are looked at closely.
    """
    frame = frame.with_columns(pl.col("facet").fill_null(""))
    # Of all but the resource id there are few values: accounts, regions, checks.
    values = {name: pl.col(name) if name == "resource_id" else pl.col(name).unique() for name in IDENTITY}
    dubious = frame.select(_dubious(name, value).any().alias(name) for name, value in values.items())
    return frame.with_columns(_canonical(frame, name) for name in IDENTITY if dubious[name].item())


def _canonical(frame: pl.DataFrame, name: str) -> pl.Series:
    rows = frame.select(_dubious(name, pl.col(name))).to_series().arg_true()
    close = frame.select({"provider", name})[rows]
    ascii_only = not close.select(pl.any_horizontal(pl.all().str.contains(_NOT_ASCII).any())).item()
    expressions = dict(zip(IDENTITY, canonical_identity(ascii_only=ascii_only), strict=True))
    return frame[name].scatter(rows, close.select(expressions[name]).to_series())


def _dubious(name: str, value: pl.Expr) -> pl.Expr:
    """Say of a value whether it may not be its own canonical form; null if it is null."""
    unlike = value.str.contains(_DUBIOUS)
    return unlike | (value.str.len_bytes() < _AWS_ACCOUNT_DIGITS) if name == "account_id" else unlike


def canonical_identity(*, ascii_only: bool = False) -> list[pl.Expr]:
    """Return the identity columns in canonical form, under their own names.

    Trimmed and Unicode NFC everywhere; lower case where the provider ignores case (Azure ids and regions, EC2-family
    ids, account ids and regions of all); AWS account ids padded to 12 digits. A missing facet is the empty string;
    every other null stays null. `ascii_only` says that no value needs the Unicode part, which costs the most by far.
    """

    def text(name: str) -> pl.Expr:
        stripped = pl.col(name).str.strip_chars()
        return stripped if ascii_only else stripped.str.normalize("NFC")

    provider = text("provider").str.to_lowercase()
    aws, azure = provider == "aws", provider == "azure"
    account = text("account_id").str.to_lowercase()
    region = text("region").str.to_lowercase()
    resource = text("resource_id")
    lower_resource = azure | (aws & resource.str.contains(_EC2_FAMILY))
    return [
        text("tenant_id"),
        text("workspace"),
        provider,
        pl.when(aws & account.str.contains(r"^[0-9]{1,11}$")).then(account.str.zfill(12)).otherwise(account),
        pl.when(azure).then(region.str.replace_all(" ", "", literal=True)).otherwise(region),
        text("check_id"),
        pl.when(lower_resource).then(resource.str.to_lowercase()).otherwise(resource),
        text("facet").fill_null(""),
    ]
