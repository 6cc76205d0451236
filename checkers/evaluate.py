"""Run one check over a chunk of units: every resource gets a verdict, every finding becomes a draft."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from checkers.base import Check, Context
from contracts.errors import CheckError
from contracts.tables import DRAFT_SCHEMA
from contracts.vocabulary import VERDICTS


@dataclass(frozen=True, slots=True)
class Judged:
    """What a check said.

    drafts    draft schema, one row per finding
    verdicts  unit_id, verdict, reason, resources: how many resources of a unit got which verdict for which reason
    undetermined  unit_id, resource_id: of which resources the check could not tell
    """

    drafts: pl.DataFrame
    verdicts: pl.DataFrame
    undetermined: pl.DataFrame


def evaluate(check: Check, frames: Mapping[str, pl.DataFrame], ctx: Context) -> Judged:
    """Judge every row of the check's first dataset.

    Raises CheckError when the check raises or does not give exactly one verdict, of those there are, per resource.
    """
    inputs = [frames[dataset.name] for dataset in check.reads]
    try:
        # In one piece each: Polars 2.1 panics on text functions over frames of small, uneven chunks.
        claims = check.judge(*(frame.rechunk().lazy() for frame in inputs), params=check.params, ctx=ctx)
        # For so few rows, planning is most of the price: the streaming engine's is twice this one's.
        judged = claims.collect(engine="in-memory", optimizations=pl.QueryOptFlags.none())
        verdicts = judged.group_by("unit_id", "verdict", "reason").len("resources").sort("unit_id", "verdict", "reason")
        unknown = judged.filter(pl.col("verdict") == "undetermined").select("unit_id", "resource_id").sort(pl.all())
    except (Exception, pl.exceptions.PanicException) as error:  # whatever a rule raises is its own failure
        first_line = str(error).partition("\n")[0]  # Polars adds the whole plan
        raise CheckError(check.id, f"{type(error).__name__}: {first_line}") from error
    strange = set(verdicts["verdict"]) - set(VERDICTS)
    if strange:
        raise CheckError(check.id, f"verdicts that do not exist: {', '.join(sorted(map(repr, strange)))}")
    if judged.height != inputs[0].height:
        raise CheckError(check.id, f"{judged.height} verdicts for {inputs[0].height} resources")
    drafts = _drafts(check, judged.filter(pl.col("verdict") == "finding"))
    return Judged(drafts=drafts, verdicts=verdicts, undetermined=unknown)


def _drafts(check: Check, found: pl.DataFrame) -> pl.DataFrame:
    facts = {
        "check_id": check.id,
        "check_version": check.version,
        "title": check.title,
        "category": check.category,
        "service": check.service,
        "resource_type": check.resource_type,
        "severity": check.severity,
        "confidence": check.confidence,
        "effort": check.effort,
        "risk": check.risk,
        "restart_needed": check.restart_needed,
        "rollback_possible": check.rollback_possible,
    }
    drafts = found.with_columns(
        **{name: pl.lit(value) for name, value in facts.items()},
        source_fingerprints=pl.lit(None),
        evidence=_canonical_json("evidence", found),
    )
    return drafts.select(pl.col(name).cast(dtype) for name, dtype in DRAFT_SCHEMA.items())


def _canonical_json(column: str, frame: pl.DataFrame) -> pl.Expr:
    """Write a struct as JSON, its keys in the order of its fields; decimals are strings without padding zeros."""
    fields = [(name, kind, pl.col(column).struct.field(name)) for name, kind in frame[column].struct.schema.items()]
    written = [
        value.cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".").alias(name)
        if isinstance(kind, pl.Decimal) and kind.scale
        else value.alias(name)
        for name, kind, value in fields
    ]
    return pl.struct(written).struct.json_encode()
