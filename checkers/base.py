"""What a checker is made of: datasets it reads, the check itself, the context it judges in, the claim it returns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import polars as pl

from contracts.units import UNIT_KEY

HOURS_PER_MONTH = Decimal(730)  # design.md section 5: a month is 730 hours
MONEY = pl.Decimal(38, 6)
TAGS = pl.Map(pl.String, pl.String)
TIME = pl.Datetime("us", "UTC")

# Tags by which a system, not a person, says a resource is its own (EKS and AKS volumes, AWS Backup, DLM, ASR, GKE).
_SYSTEM_TAG_KEYS = (
    r"^(kubernetes\.io/created-for/.*|kubernetes\.io-created-for-.*|ebs\.csi\.aws\.com/cluster|CSIVolumeName"
    r"|kubernetes\.io/cluster/.*|aws:backup:source-resource|aws:dlm:.*|dlm:managed|ASR-ReplicaDisk|asrseeddisk"
    r"|ms-asr-.*|RSVaultBackup|goog-gke-volume|goog-k8s-.*)$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One kind of inventory or metric.

    name         `<provider>.<service>.<kind>`; also its collector's key
    columns      what a row holds beside the unit key (`contracts.units.UNIT_KEY`); `id` names the row inside its unit
    permissions  what the role needs, in the provider's notation
    of           for metrics: the inventory dataset whose rows are asked for ...
    candidates   ... and which of them, given the logical time; metrics are billed per request
    """

    name: str
    columns: Mapping[str, pl.DataType | type[pl.DataType]] = field(compare=False)  # the name says which they are
    permissions: tuple[str, ...]
    of: "Dataset | None" = None
    candidates: Callable[[datetime], pl.Expr] | None = None

    @property
    def provider(self) -> str:
        """The cloud it comes from: the first part of its name."""
        return self.name.partition(".")[0]

    @property
    def schema(self) -> pl.Schema:
        """The whole frame: unit key, then columns."""
        return pl.Schema({**dict.fromkeys(UNIT_KEY, pl.String()), **self.columns})

    def frame(self, rows: list[dict[str, Any]]) -> pl.DataFrame:
        """Build a frame of exactly this schema; a missing column is null."""
        return pl.DataFrame(rows, schema=self.schema, orient="row")


class Prices(Protocol):
    """The price book as a checker sees it. Hashable: a check is asked once for all contexts that are equal."""

    def keyed(self, service: str) -> pl.LazyFrame:
        """Return key, price, basis, date, source of one service, of all providers.

        The key, `<provider>/<service>/<region>/<sku>` and where there is one `/<variant>`, is unique.
        """
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """All that a judgement may depend on beside its datasets: the logical time and the prices."""

    as_of: datetime
    prices: Prices

    def days_ago(self, days: int) -> pl.Expr:
        """Return the instant `days` before the logical time."""
        return pl.lit(self.as_of - timedelta(days=days), dtype=TIME)

    def price(
        self, frame: pl.LazyFrame, *, service: str, sku: pl.Expr, variant: pl.Expr | str = "", prefix: str = "unit"
    ) -> pl.LazyFrame:
        """Join list prices on (provider, region, sku, variant), one row in, one row out, order kept.

        Adds `<prefix>_price` (decimal, null when the book does not have it), `<prefix>_price_key`,
        `<prefix>_price_basis`, `<prefix>_price_date`, `<prefix>_price_source`. `claim` reads them all.
        A null `sku` means that there is nothing to price: everything added is null, and no key counts as missing.
        """
        renamed = self.prices.keyed(service).select(
            pl.col("key").alias(f"{prefix}_price_key"),
            pl.col("price").alias(f"{prefix}_price"),
            pl.col("basis", "date", "source").name.prefix(f"{prefix}_price_"),
        )
        prices = renamed.collect().lazy()  # here, once, and not whenever the plan runs
        keyed = frame.with_columns(price_key(service, sku, variant).alias(f"{prefix}_price_key"))
        return keyed.join(prices, on=f"{prefix}_price_key", how="left", maintain_order="left")


def price_key(service: str, sku: pl.Expr, variant: pl.Expr | str = "") -> pl.Expr:
    """Name a price as `Prices` does, of a row's provider and region; null where one of the parts is null."""
    key = pl.concat_str("provider", pl.lit(service), "region", sku, separator="/")
    if isinstance(variant, pl.Expr):
        return pl.concat_str(key, variant, separator="/").str.strip_chars_end("/")
    return pl.concat_str(key, pl.lit(variant), separator="/") if variant else key


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A rule: `judge(*datasets, params, ctx)` returns one `claim` row per row of the first dataset in `reads`."""

    id: str
    reads: tuple[Dataset, ...]
    judge: Callable[..., pl.LazyFrame]
    params: Any
    title: str
    category: str
    service: str
    resource_type: str
    severity: str = "medium"
    confidence: str = "high"
    effort: str = "low"
    risk: str = "low"
    restart_needed: bool = False
    rollback_possible: bool = False
    version: int = 1


def system_owned() -> pl.Expr:
    """Say whether a resource's tags show that a system manages it: never a finding by default."""
    keys = pl.col("tags").map.keys()
    return keys.list.eval(pl.element().str.contains(_SYSTEM_TAG_KEYS)).list.any().fill_null(value=False)


def cost(quantity: pl.Expr, prefix: str = "unit") -> pl.Expr:
    """Multiply a quantity by its price; a quantity of 0 costs 0 even where the price is unknown."""
    return pl.when(quantity == 0).then(0).otherwise(quantity * pl.col(f"{prefix}_price"))


def flagged(frame: pl.LazyFrame, flag: str, *, column: str, among: pl.LazyFrame, id_column: str = "id") -> pl.LazyFrame:
    """Add the Boolean `flag`: whether `column` names something in `id_column` of `among` in the same unit.

    One row in, one row out, order kept; a null names nothing.
    """
    known = among.select("unit_id", pl.col(id_column).alias(column)).drop_nulls().unique()
    known = known.with_columns(pl.lit(value=True).alias(flag))
    joined = frame.join(known, on=["unit_id", column], how="left", maintain_order="left")
    return joined.with_columns(pl.col(flag).fill_null(value=False))


def claim(
    frame: pl.LazyFrame,
    *,
    finding: pl.Expr,
    monthly_savings: pl.Expr,
    action: str,
    evidence: tuple[str, ...],
    monthly_cost: pl.Expr | None = None,
    action_from: pl.Expr | None = None,
    action_to: pl.Expr | None = None,
    prices: tuple[str, ...] = ("unit",),
    status: pl.Expr | str = "estimated",
    not_applicable: Mapping[str, pl.Expr] | None = None,
    undetermined: Mapping[str, pl.Expr] | None = None,
) -> pl.LazyFrame:
    """Judge every row: what a checker ends with.

    The frame has the unit key, `id`, `name` and `tags`. Verdict: the first of `not_applicable` that holds (what a
    system owns never applies), else the first of `undetermined`, else `finding`, else ok; a null `finding` is
    undetermined. `monthly_savings` and `monthly_cost` (default: the saving) are in the book's currency, USD; null
    when a price in `prices` (the prefixes given to `Context.price`) is missing, and the missing key is named.
    `status` says what the saving is when it is known: estimated, upper_bound or lower_bound.
    `evidence` names the columns to keep; they stay a struct here, and `evaluate` writes those of findings as JSON.
    """
    excluded = {"system_owned": system_owned(), **(not_applicable or {})}
    unknown = {**(undetermined or {}), "not_comparable": finding.is_null()}
    # What several columns ask for stands in one of its own: Polars would work it out for each of them.
    reason, saving = pl.col("__reason"), pl.col("__saving")
    frame = frame.with_columns(
        __reason=pl.coalesce(*(pl.when(holds).then(pl.lit(name)) for name, holds in {**excluded, **unknown}.items())),
        __saving=monthly_savings.cast(MONEY),
    )
    dates = [pl.col(f"{prefix}_price_date") for prefix in prices]
    return frame.select(
        *(pl.col(name) for name in UNIT_KEY),
        pl.col("id").alias("resource_id"),
        pl.col("name").alias("resource_name"),
        pl.col("tags"),
        pl.lit("").alias("facet"),
        pl.when(reason.is_in(list(excluded)))
        .then(pl.lit("not_applicable"))
        .when(reason.is_not_null())
        .then(pl.lit("undetermined"))
        .when(finding)
        .then(pl.lit("finding"))
        .otherwise(pl.lit("ok"))
        .alias("verdict"),
        reason.alias("reason"),
        pl.lit(action).alias("action_kind"),
        _text(action_from).alias("action_from"),
        _text(action_to).alias("action_to"),
        saving.alias("monthly_savings"),
        (saving if monthly_cost is None else monthly_cost.cast(MONEY)).alias("monthly_cost"),
        pl.lit("USD").alias("currency"),
        pl.coalesce(*(pl.col(f"{prefix}_price_basis") for prefix in prices), pl.lit("unknown")).alias("basis"),
        pl.when(saving.is_null())
        .then(pl.lit("unknown"))
        .otherwise(pl.lit(status) if isinstance(status, str) else status)
        .alias("status"),
        pl.when(saving.is_null()).then(_missing(prices)).alias("missing_price"),
        pl.min_horizontal(dates).alias("price_date"),
        pl.coalesce(*(pl.col(f"{prefix}_price_source") for prefix in prices)).alias("price_source"),
        pl.struct(sorted(evidence)).alias("evidence"),
    )


def _missing(prices: tuple[str, ...]) -> pl.Expr:
    keys = (pl.when(pl.col(f"{prefix}_price").is_null()).then(pl.col(f"{prefix}_price_key")) for prefix in prices)
    return pl.coalesce(*keys, pl.lit("a quantity of the formula is unknown"))


def _text(value: pl.Expr | None) -> pl.Expr:
    return pl.lit(None, dtype=pl.String) if value is None else value.cast(pl.String)
