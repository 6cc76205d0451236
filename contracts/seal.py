"""The way from drafts to findings: conform, canonicalise, validate, identify, cast; on whole batches.

Nothing reaches a table but through `seal`, and nothing is dropped on the way:
drafts in = findings + rejected + duplicates.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache

import polars as pl

from contracts import vocabulary as words
from contracts.canonical import canonicalise
from contracts.errors import ContractError
from contracts.identity import FindingIdMode, finding_id, fingerprint, place
from contracts.tables import DRAFT_SCHEMA, FINDINGS, REJECTED, SCHEMA_VERSION
from contracts.units import PROVIDERS, TENANT_ID

UNATTRIBUTED = "unattributed"  # the partition of rejects whose tenant is missing or malformed
_FINDING_SCHEMA = FINDINGS.polars_schema
_REJECTED_SCHEMA = REJECTED.polars_schema
_FINGERPRINT = fingerprint()
_UNREADABLE = "__unreadable"
_ALL_READABLE = pl.lit(None, dtype=pl.List(pl.String)).alias(_UNREADABLE)
_MONEY_LIMIT = 10**12  # decimal(18,6) holds 12 digits before the point
_SIZES = {"resource_id": 2048, "resource_name": 2048, "facet": 512, "title": 512, "evidence": 65_536}  # bytes
_SLICE_ROWS = 20_000  # below that, sharing the work costs more than it saves
_MAX_TAGS = 500  # AWS allows 50 a resource, Azure 50, GCP 64 labels; ten times that is an attack
_REQUIRED = (
    "tenant_id", "workspace", "provider", "account_id", "region", "unit_id", "service", "resource_type", "resource_id",
    "check_id", "check_version", "title", "category", "severity", "confidence", "effort", "risk", "action_kind",
    "status",
)  # fmt: skip
_ENUMS = {
    "provider": PROVIDERS,
    "category": words.CATEGORIES,
    "severity": words.SEVERITIES,
    "confidence": words.CONFIDENCES,
    "effort": words.EFFORTS,
    "risk": words.RISKS,
    "action_kind": words.ACTIONS,
    "status": words.ESTIMATE_STATUSES,
}


@dataclass(frozen=True, slots=True)
class RunStamp:
    """What a run adds to every finding it seals: who it is and the logical time it judges at."""

    run_id: str
    as_of: datetime
    id_mode: FindingIdMode = "stable"

    @property
    def run_date(self) -> date:
        """The UTC day of `as_of`; the partition of everything the run writes."""
        return self.as_of.date()


@dataclass(frozen=True, slots=True)
class Sealed:
    """What became of a batch of drafts; `findings.height + rejected.height + duplicates` is what went in."""

    findings: pl.DataFrame
    rejected: pl.DataFrame
    duplicates: pl.DataFrame


def seal(drafts: pl.DataFrame, stamp: RunStamp) -> Sealed:
    """Seal a batch of drafts, in any order and of any types.

    findings    storage schema, one row per fingerprint; in the order given as long as there are no duplicates
    rejected    storage schema of `finops_rejected`, with every reason and the raw draft
    duplicates  unit_id and check_id of drafts whose fingerprint stands in `findings` already
    """
    drafts = drafts.rechunk()  # once here; columns of unlike chunks are aligned again in every step below
    conformed = canonicalise(_conform(drafts))
    judged = _on_all_threads(conformed.with_columns(place(conformed)), bad=_refused(), fingerprint=_FINGERPRINT)
    bad = judged["bad"]
    rejected = _reject(drafts.filter(bad), conformed.filter(bad), stamp)
    good = conformed.with_columns(judged["fingerprint"]).filter(~bad)
    kept = _first_of_each(good)
    duplicates = good.height - kept.height
    if kept.height + rejected.height + duplicates != drafts.height:
        raise ContractError("drafts", f"{drafts.height} in, {kept.height} + {rejected.height} + {duplicates} out")
    repeated = good.filter(pl.col("fingerprint").cum_count().over("fingerprint") > 1) if duplicates else good.clear()
    return Sealed(kept.select(_stored(stamp)), rejected, repeated.select("unit_id", "check_id"))


def _conform(drafts: pl.DataFrame) -> pl.DataFrame:
    """Bring any frame to the draft schema; what cannot be read is null, and named in `__unreadable`."""
    if drafts.schema == DRAFT_SCHEMA:
        return drafts.with_columns(_ALL_READABLE)
    columns: dict[str, pl.Series] = {}
    unreadable: list[pl.Expr] = []
    for name, dtype in DRAFT_SCHEMA.items():
        if name not in drafts.columns:
            columns[name] = pl.Series(name, [None], dtype=dtype).new_from_index(0, drafts.height)
            continue
        given = drafts[name]
        columns[name] = given if given.dtype == dtype else _read_as(given, dtype)
        if columns[name].null_count() != given.null_count():
            lost = pl.Series(f"__{name}", columns[name].is_null() & given.is_not_null())
            columns[lost.name] = lost
            unreadable.append(pl.when(pl.col(lost.name)).then(pl.lit(f"{name}: cannot be read as {dtype}")))
    frame = pl.DataFrame(columns)
    reasons = pl.concat_list(unreadable).list.drop_nulls().alias(_UNREADABLE) if unreadable else _ALL_READABLE
    return frame.select(*DRAFT_SCHEMA.names(), reasons)


def _read_as(given: pl.Series, dtype: pl.DataType) -> pl.Series:
    nothing = pl.Series(given.name, [None], dtype=dtype).new_from_index(0, given.len())
    try:
        read = given.cast(dtype, strict=False)
    except pl.exceptions.PolarsError:  # a type with no way to the wanted one: nothing in it can be read
        return nothing
    return read if read.dtype == dtype else nothing  # an empty struct casts to itself


def _on_all_threads(frame: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    """Evaluate row-wise expressions slice by slice: Polars gives one expression over one frame to one thread."""
    rows = max(_SLICE_ROWS, -(-frame.height // pl.thread_pool_size()))
    slices = [frame.slice(start, rows) for start in range(0, frame.height, rows)] or [frame]
    plans = [each.lazy().select(**columns) for each in slices]
    return pl.concat(pl.collect_all(plans, optimizations=pl.QueryOptFlags.none()), rechunk=True)


@cache
def _refused() -> pl.Expr:
    """Say of a row whether one of the rules refuses it; the highest, because planning `any` of so many is slow."""
    return pl.max_horizontal(*_rules().values()).fill_null(value=False)


def _rules() -> dict[str, pl.Expr]:
    """Map every reason for refusal to the condition under which it holds."""
    rules = {f"{name}: is missing": _blank(name) for name in _REQUIRED}
    for name in ("tenant_id", "workspace"):
        malformed = ~pl.col(name).str.contains(f"^{TENANT_ID.pattern}$")
        rules[f"{name}: must be 2 to 63 of a-z, 0-9 and hyphen"] = malformed & ~_blank(name)
    for name, allowed in _ENUMS.items():
        rules[f"{name}: must be one of {', '.join(allowed)}"] = ~pl.col(name).is_in(allowed) & ~_blank(name)
    for name in ("monthly_savings", "monthly_cost"):
        rules[f"{name}: is negative"] = pl.col(name) < 0
        rules[f"{name}: does not fit decimal(18,6)"] = pl.col(name).abs() >= _MONEY_LIMIT
    amounts = pl.col("monthly_savings").is_not_null() | pl.col("monthly_cost").is_not_null()
    known = pl.col("monthly_savings").is_not_null()
    rules["currency: must be three capital letters beside an amount"] = amounts & ~(
        pl.col("currency").str.contains("^[A-Z]{3}$").fill_null(value=False)
    )
    rules["status: must be unknown exactly when monthly_savings is null"] = known == (pl.col("status") == "unknown")
    rules["missing_price: must say why monthly_savings is unknown"] = (pl.col("status") == "unknown") & _blank(
        "missing_price"
    )
    for name, limit in _SIZES.items():
        rules[f"{name}: is longer than {limit} bytes"] = pl.col(name).str.len_bytes() > limit
    rules[f"tags: more than {_MAX_TAGS}"] = pl.col("tags").map.len() > _MAX_TAGS
    rules["evidence: is not a JSON object"] = ~(
        pl.col("evidence").str.starts_with("{") & pl.col("evidence").str.ends_with("}")
    )
    rules["the draft has values that cannot be read"] = pl.col(_UNREADABLE).list.len() > 0
    return rules


def _blank(name: str) -> pl.Expr:
    column = pl.col(name)
    return column.is_null() | (column == "") if DRAFT_SCHEMA[name] == pl.String else column.is_null()


def _reject(raw: pl.DataFrame, conformed: pl.DataFrame, stamp: RunStamp) -> pl.DataFrame:
    if raw.is_empty():
        return pl.DataFrame(schema=_REJECTED_SCHEMA)
    reasons = [pl.when(condition).then(pl.lit(reason)) for reason, condition in _rules().items()]
    well_named = pl.col("tenant_id").str.contains(f"^{TENANT_ID.pattern}$").fill_null(value=False)
    rows = conformed.select(
        tenant_id=pl.when(well_named).then("tenant_id").otherwise(pl.lit(UNATTRIBUTED)),
        run_id=pl.lit(stamp.run_id),
        run_date=pl.lit(stamp.run_date),
        unit_id="unit_id",
        check_id="check_id",
        resource_id="resource_id",
        reasons=pl.concat_list(
            *reasons, pl.col(_UNREADABLE).fill_null(pl.lit([], dtype=pl.List(pl.String)))
        ).list.drop_nulls(),
    )
    drafts = [json.dumps(row, default=repr, sort_keys=True, ensure_ascii=False) for row in raw.iter_rows(named=True)]
    return rows.with_columns(draft=pl.Series(drafts, dtype=pl.String)).select(
        pl.col(name).cast(dtype) for name, dtype in _REJECTED_SCHEMA.items()
    )


def _first_of_each(good: pl.DataFrame) -> pl.DataFrame:
    """Keep one draft per fingerprint: the same one whichever order they came in."""
    if good["fingerprint"].n_unique() == good.height:
        return good
    tie = pl.struct(pl.exclude("tags")).struct.json_encode()
    ordered = good.with_columns(__tie=tie).sort("fingerprint", "__tie")
    return ordered.unique("fingerprint", keep="first", maintain_order=True).drop("__tie")


@lru_cache(maxsize=8)
def _stored(stamp: RunStamp) -> list[pl.Expr]:
    """Bring what is good to the storage schema."""
    added = {
        "schema_version": pl.lit(SCHEMA_VERSION),
        "finding_id": finding_id(stamp.id_mode, stamp.run_id, stamp.run_date.isoformat()),
        "run_id": pl.lit(stamp.run_id),
        "run_date": pl.lit(stamp.run_date),
        "detected_at": pl.lit(stamp.as_of),
        "action": pl.struct(pl.col(f"action_{part}").alias(part) for part in ("kind", "from", "to")),
        "estimated": pl.struct(
            *(pl.col(name).cast(pl.Decimal(18, 6)) for name in ("monthly_savings", "monthly_cost")),
            *("currency", "basis", "status", "missing_price", "price_date", "price_source"),
        ),
        "actual": pl.lit(None),
    }
    return [added.get(name, pl.col(name)).cast(dtype).alias(name) for name, dtype in _FINDING_SCHEMA.items()]
