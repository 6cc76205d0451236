"""`finops.toml`, read once into a frozen model; every mistake in it names the file, the key and what is allowed."""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, ValidationError, model_validator

from contracts.errors import ConfigError
from contracts.units import is_tenant_id
from jobs.costs.owners import checked

DEFAULTS = "(defaults)"  # stands for the file when none was given
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\{account\}|[0-9]{12}):role/[\w+=,.@/{}-]+")
_WORDS = {  # pydantic speaks of Python, the file is TOML
    "missing": "is required",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "tuple_type": "must be a list",
    "string_type": 'must be text in "quotes"',
    "bool_type": "must be true or false",
}


def _matching(pattern: str, allowed: str) -> AfterValidator:
    def check(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise ValueError(f"{value!r} is not {allowed}")
        return value

    return AfterValidator(check)


def _name(value: str) -> str:
    if not is_tenant_id(value):
        raise ValueError(f"{value!r} is not 2 to 63 of a-z, 0-9 and hyphen")
    return value


def _without_password(value: str) -> str:
    if urlsplit(value).password:
        raise ValueError("holds a password; allowed: the address without it, and PGPASSWORD or ~/.pgpass")
    return value


def _role(value: str) -> str:
    if _ROLE.fullmatch(value) is None:
        raise ValueError(f"{value!r} is not a role ARN; allowed: arn:aws:iam::{{account}}:role/<name>")
    return value


def _owned(value: dict[str, Any]) -> dict[str, Any]:
    try:
        checked(value, DEFAULTS)
    except ConfigError as error:
        raise ValueError(f"{error.key}: {error.reason}") from None
    return value


Name = Annotated[str, AfterValidator(_name)]
AwsAccount = Annotated[str, _matching("[0-9]{12}", "an AWS account id of 12 digits")]
AwsRegion = Annotated[str, _matching("[a-z]{2}(-[a-z]+)+-[0-9]+", "an AWS region such as eu-west-1")]
Subscription = Annotated[str, _matching("[0-9A-Za-z][0-9A-Za-z-]*", "an Azure subscription id")]
Project = Annotated[str, _matching("[a-z][a-z0-9.:-]*", "a GCP project id")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Catalog(_Model):
    """Where tables and their catalog lie; local paths are absolute once loaded."""

    uri: Annotated[str, AfterValidator(_without_password)] = "sqlite:///.finops/catalog.db"
    warehouse: str = ".finops/warehouse"


class Ray(_Model):
    """`local` starts Ray on this machine, `auto` joins the cluster it runs in, `none` runs in this process."""

    address: str = "local"


class Aws(_Model):
    """Which AWS accounts and regions; no account and no organization means the caller's own account."""

    accounts: tuple[AwsAccount, ...] = ()
    organization: Annotated[bool, Strict()] = False
    role: Annotated[str, AfterValidator(_role)] | None = None
    external_id: str | None = None
    regions: tuple[AwsRegion, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.organization and self.accounts:
            raise ValueError("accounts and organization = true exclude each other; allowed: one of the two")
        if self.external_id is not None and self.role is None:
            raise ValueError("external_id without role; allowed: role with external_id, or neither")
        literal = self.role is not None and "{account}" not in self.role
        if literal and (self.organization or len(self.accounts) > 1):
            raise ValueError("role names one account but several are read; allowed: {account} in its place")
        return self


class Azure(_Model):
    """Which Azure subscriptions."""

    subscriptions: tuple[Subscription, ...] = ()


class Gcp(_Model):
    """Which Google Cloud projects."""

    projects: tuple[Project, ...] = ()


class Bill(_Model):
    """Where billing files lie: a directory, a glob or an object-store URL."""

    path: str


class Tenant(_Model):
    """One workspace of one tenant: its clouds and its bills.

    `payer_tenants` says whose the accounts in the bills are, as in `finops costs ingest --payer-tenants`.
    """

    id: Name
    workspace: Name
    finding_id: Literal["stable", "per_run", "per_day"] = "stable"
    aws: Aws | None = None
    azure: Azure | None = None
    gcp: Gcp | None = None
    bills: tuple[Bill, ...] = ()
    payer_tenants: Annotated[dict[str, Any], AfterValidator(_owned)] | None = None


class _Document(_Model):
    """What may stand in the file."""

    catalog: Catalog = Catalog()
    ray: Ray = Ray()
    tenants: tuple[Tenant, ...] = ()
    checks: dict[str, dict[str, Any]] = Field(default_factory=dict)


class Config(_Document):
    """The configuration in force; `file` is where it came from, for messages."""

    file: str = DEFAULTS

    def tenant(self, tenant_id: str, workspace: str | None = None) -> Tenant:
        """Return one entry; the workspace may be left out where the tenant has one only.

        Raises ConfigError naming what exists.
        """
        entries = [tenant for tenant in self.tenants if tenant.id == tenant_id]
        if not entries:
            names = sorted({tenant.id for tenant in self.tenants})
            raise ConfigError(self.file, "tenants", f"no tenant {tenant_id!r}; {_choice(tenant_id, names)}")
        names = sorted(tenant.workspace for tenant in entries)
        chosen = [tenant for tenant in entries if workspace in (None, tenant.workspace)]
        if not chosen:
            reason = f"tenant {tenant_id!r} has no workspace {workspace!r}; {_choice(str(workspace), names)}"
            raise ConfigError(self.file, "tenants", reason)
        if len(chosen) > 1:
            raise ConfigError(
                self.file, "tenants", f"tenant {tenant_id!r} has several workspaces; {_choice('', names)}"
            )
        return chosen[0]


def load(path: Path | None) -> Config:
    """Read the file, or take the defaults when there is none.

    Relative paths in it count from its own folder (without a file: from the working directory).
    Raises ConfigError for whatever cannot be read or is not allowed.
    """
    file = DEFAULTS if path is None else str(path)
    document = {} if path is None else _read(path)
    try:
        parsed = _Document.model_validate(document)
    except ValidationError as error:
        raise _explain(error, file) from None  # the cause would print values, and a value may be a misplaced secret
    seen: set[tuple[str, str]] = set()
    for index, tenant in enumerate(parsed.tenants):
        if (tenant.id, tenant.workspace) in seen:
            reason = f"tenant {tenant.id!r} has workspace {tenant.workspace!r} already; allowed: another workspace"
            raise ConfigError(file, f"tenants[{index}]", reason)
        seen.add((tenant.id, tenant.workspace))
    base = Path.cwd() if path is None else path.resolve().parent
    return Config(
        file=file,
        catalog=Catalog(uri=_anchored(parsed.catalog.uri, base), warehouse=_anchored(parsed.catalog.warehouse, base)),
        ray=parsed.ray,
        tenants=tuple(_with_bills(tenant, base) for tenant in parsed.tenants),
        checks=parsed.checks,
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(str(path), "file", f"cannot be read: {error.strerror}; allowed: a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), "syntax", f"{error}; allowed: TOML 1.0 in UTF-8") from error


def _explain(error: ValidationError, file: str) -> ConfigError:
    """Turn pydantic's first complaint into file, dotted key, reason."""
    first = error.errors(include_url=False, include_input=False)[0]
    location = first["loc"]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")
    if first["type"] == "extra_forbidden":
        return ConfigError(file, key, f"is unknown; {_choice(str(location[-1]), sorted(_fields_at(location[:-1])))}")
    reason = _WORDS.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    return ConfigError(file, key or "file", reason)


def _fields_at(location: tuple[int | str, ...]) -> list[str]:
    """Name the keys that are allowed in the table at a location."""
    model: type[BaseModel] = _Document
    for name in (part for part in location if isinstance(part, str)):
        model = next(kind for kind in _models_in(model.model_fields[name].annotation))
    return list(model.model_fields)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _choice(given: str, allowed: list[str]) -> str:
    near = difflib.get_close_matches(given, allowed, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}allowed: {', '.join(allowed) or 'none is configured'}"


def _with_bills(tenant: Tenant, base: Path) -> Tenant:
    bills = tuple(Bill(path=_anchored(bill.path, base)) for bill in tenant.bills)
    return tenant.model_copy(update={"bills": bills})


def _anchored(place: str, base: Path) -> str:
    """Make a relative local path (or SQLite file) absolute; URLs and absolute paths stay as they are."""
    if place.startswith("sqlite:///"):
        file = place.removeprefix("sqlite:///")
        return place if file in ("", ":memory:") else f"sqlite:///{base / file}"
    return place if "://" in place else str(base / place)
