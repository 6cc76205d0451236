"""Run one check over a chunk of units: every resource gets a verdict, every finding becomes a draft."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from threading import Lock

import polars as pl

from checkers.base import Check, Context, Dataset
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


_NOTHING = Judged(
    drafts=pl.DataFrame(schema=DRAFT_SCHEMA),
    verdicts=pl.DataFrame(
        schema={**dict.fromkeys(("unit_id", "verdict", "reason"), pl.String), "resources": pl.UInt32}
    ),
    undetermined=pl.DataFrame(schema={"unit_id": pl.String, "resource_id": pl.String}),
)


class _Plan:
    """What a judge answers, asked once per process: a plan over datasets that are handed in each time it runs.

    To ask again takes as long as the answer takes to run over a few thousand rows.
    """

    def __init__(self, check: Check, ctx: Context) -> None:
        self._frames: Mapping[str, pl.DataFrame] | None = None
        self._turn = Lock()
        self._claims = check.judge(*map(self._input, check.reads), params=check.params, ctx=ctx)

    def _input(self, dataset: Dataset) -> pl.LazyFrame:
        def rows(_: pl.DataFrame) -> pl.DataFrame:
            if self._frames is None:
                raise LookupError("a judge is asked before there are rows: it cannot collect them")
            # In one piece: Polars 2.1 panics on text functions over frames of small, uneven chunks.
            return self._frames[dataset.name].rechunk()

        return pl.LazyFrame(schema=dataset.schema).map_batches(rows, schema=dataset.schema)

    def run(self, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        """Return the claims in one piece."""
        with self._turn:
            self._frames = frames
            try:
                return _collect(self._claims).rechunk()
            finally:
                self._frames = None


_plan = lru_cache(maxsize=256)(_Plan)


def _collect(plan: pl.LazyFrame) -> pl.DataFrame:
    # For so few rows, planning is most of the price: the streaming engine's is twice this one's.
    return plan.collect(engine="in-memory", optimizations=pl.QueryOptFlags.none())


def evaluate(check: Check, frames: Mapping[str, pl.DataFrame], ctx: Context) -> Judged:
    """Judge every row of the check's first dataset.

    Raises CheckError when the check raises or does not give exactly one verdict, of those there are, per resource.
    """
    resources = frames[check.reads[0].name].height
    if not resources:
        return _NOTHING
    try:
        judged = _plan(check, ctx).run(frames)
        verdicts = _collect(judged.lazy().group_by("unit_id", "verdict", "reason").len("resources"))
        said = set(verdicts["verdict"])
        unknown = _NOTHING.undetermined
        if "undetermined" in said:
            unknown = judged.filter(pl.col("verdict") == "undetermined").select(unknown.columns).sort(pl.all())
    except (Exception, pl.exceptions.PanicException) as error:  # whatever a rule raises is its own failure
        first_line = str(error).partition("\n")[0]  # Polars adds the whole plan
        raise CheckError(check.id, f"{type(error).__name__}: {first_line}") from error
    if strange := said - set(VERDICTS):
        raise CheckError(check.id, f"verdicts that do not exist: {', '.join(sorted(map(repr, strange)))}")
    if judged.height != resources:
        raise CheckError(check.id, f"{judged.height} verdicts for {resources} resources")
    drafts = _NOTHING.drafts
    if "finding" in said:
        found = judged.lazy().filter(pl.col("verdict") == "finding")
        drafts = _collect(found.select(_as_draft(check, tuple(judged["evidence"].struct.schema.items()))))
    return Judged(drafts=drafts, verdicts=verdicts, undetermined=unknown)


@cache
def _as_draft(check: Check, evidence: tuple[tuple[str, pl.DataType], ...]) -> list[pl.Expr]:
    """Bring findings of a check, with such fields in their evidence, to the draft schema."""
    made = {
        "check_id": pl.lit(check.id),
        "check_version": pl.lit(check.version),
        "title": pl.lit(check.title),
        "category": pl.lit(check.category),
        "service": pl.lit(check.service),
        "resource_type": pl.lit(check.resource_type),
        "severity": pl.lit(check.severity),
        "confidence": pl.lit(check.confidence),
        "effort": pl.lit(check.effort),
        "risk": pl.lit(check.risk),
        "restart_needed": pl.lit(check.restart_needed),
        "rollback_possible": pl.lit(check.rollback_possible),
        "source_fingerprints": pl.lit(None),
        "evidence": _canonical_json(evidence),
    }
    return [made.get(name, pl.col(name)).cast(dtype).alias(name) for name, dtype in DRAFT_SCHEMA.items()]


def _canonical_json(fields: tuple[tuple[str, pl.DataType], ...]) -> pl.Expr:
    """Write the evidence as JSON, its keys in the order of its fields; decimals are strings without padding zeros."""
    values = [(name, kind, pl.col("evidence").struct.field(name)) for name, kind in fields]
    written = [
        value.cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".").alias(name)
        if isinstance(kind, pl.Decimal) and kind.scale
        else value.alias(name)
        for name, kind, value in values
    ]
    return pl.struct(written).struct.json_encode()
