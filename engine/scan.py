"""Scan a chunk of units: collect, check, seal; the whole of a task's work as plain functions."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import polars as pl
import pyarrow as pa

from checkers.base import Check, Context, Dataset
from checkers.evaluate import Judged, evaluate
from checkers.prices.book import PriceBook
from checkers.registry import datasets_of
from contracts.errors import CheckError, FinopsError
from contracts.seal import RunStamp, Sealed, seal
from contracts.tables import COVERAGE, DRAFT_SCHEMA, FINDINGS, REJECTED
from contracts.units import Unit
from engine import coverage
from engine.collect.unit import Reading, collect
from engine.plan import Gap, PlannedUnit

Collector = Callable[[PlannedUnit, Sequence[Dataset], datetime], list[Reading]]
Evaluator = Callable[[Check, Mapping[str, pl.DataFrame], Context], Judged]
IO_THREADS = 8  # units of a chunk that wait for their APIs at the same time


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a chunk of units came to: storage rows per table, each carrying the unit they belong to."""

    units: tuple[str, ...]
    tables: Mapping[str, pl.DataFrame]

    def __reduce__(self) -> tuple[Callable[..., "Scanned"], tuple[tuple[str, ...], dict[str, pa.Table]]]:
        """Travel as Arrow, whose buffers pass between processes uncopied; pickled frames cost four times the CPU."""
        oldest = pl.CompatLevel.oldest()  # Ray does not know how to pass on newer kinds of text
        return _arrived, (
            self.units,
            {name: frame.to_arrow(compat_level=oldest) for name, frame in self.tables.items()},
        )


def _arrived(units: tuple[str, ...], tables: Mapping[str, pa.Table]) -> Scanned:
    return Scanned(units, {name: pl.DataFrame(table) for name, table in tables.items()})


def scan(
    planned: Sequence[PlannedUnit | Gap],
    checks: Sequence[Check],
    stamp: RunStamp,
    collector: Collector = collect,
    evaluator: Evaluator = evaluate,
) -> Scanned:
    """Scan units of one provider with every check of that provider.

    Never raises for what a cloud or a check does: that is coverage. drafts in = findings + rejected + duplicates.
    """
    with ThreadPoolExecutor(IO_THREADS) as pool:
        readings = list(pool.map(lambda each: _read(each, checks, stamp, collector), planned))
    by_unit = {
        each.unit: {reading.dataset.name: reading for reading in read}
        for each, read in zip(planned, readings, strict=True)
    }
    return judge(by_unit, checks, stamp, evaluator)


def judge(
    readings: Mapping[Unit, Mapping[str, Reading]],
    checks: Sequence[Check],
    stamp: RunStamp,
    evaluator: Evaluator = evaluate,
) -> Scanned:
    """Judge what was read and seal the claims; the part of a scan that a replay repeats."""
    ctx = Context(as_of=stamp.as_of, prices=PriceBook.packaged())
    rows = [coverage.of_reading(unit, reading) for unit, read in readings.items() for reading in read.values()]
    drafts = [pl.DataFrame(schema=DRAFT_SCHEMA)]
    verdicts: list[tuple[Check, list[Unit], Judged]] = []
    providers = {unit.provider for unit in readings}
    frames = _frames(readings)
    for check in checks:
        if check.reads[0].provider not in providers:
            continue
        judged_units, gaps = _evaluable(check, readings)
        rows += gaps
        try:
            judged = evaluator(check, _read_by(check, frames, judged_units if gaps else None), ctx)
        except CheckError as error:
            rows += [coverage.of_gap(unit, check.id, error) for unit in judged_units]
            continue
        drafts.append(judged.drafts)
        verdicts.append((check, judged_units, judged))
    sealed = seal(pl.concat(drafts), stamp)
    rows += coverage.of_verdicts(verdicts, sealed)
    return _scanned(readings, rows, sealed, stamp)


def _read(planned: PlannedUnit | Gap, checks: Sequence[Check], stamp: RunStamp, collector: Collector) -> list[Reading]:
    wanted = [dataset for dataset in datasets_of(list(checks)) if dataset.provider == planned.unit.provider]
    if isinstance(planned, Gap):
        return [Reading(dataset, None, planned.error, 0) for dataset in wanted]
    return collector(planned, wanted, stamp.as_of)


def _evaluable(check: Check, readings: Mapping[Unit, Mapping[str, Reading]]) -> tuple[list[Unit], list[coverage.Row]]:
    """Part the units into those with every dataset of the check, and coverage rows for the others."""
    units, gaps = [], []
    for unit, read in readings.items():
        errors = [error for dataset in check.reads if (error := _error(read, dataset.name))]
        if errors:
            gaps.append(coverage.of_gap(unit, check.id, errors[0]))
        else:
            units.append(unit)
    return units, gaps


def _error(read: Mapping[str, Reading], dataset: str) -> FinopsError | None:
    return read[dataset].error


def _frames(readings: Mapping[Unit, Mapping[str, Reading]]) -> dict[str, pl.DataFrame]:
    """Put together what was read of each dataset, of all units."""
    parts: dict[str, list[pl.DataFrame]] = defaultdict(list)
    for read in readings.values():
        for name, reading in read.items():
            parts[name].append(reading.dataset.frame([]) if reading.frame is None else reading.frame)
    return {name: pl.concat(each, rechunk=True) for name, each in parts.items()}


def _read_by(check: Check, frames: Mapping[str, pl.DataFrame], units: Sequence[Unit] | None) -> dict[str, pl.DataFrame]:
    """Return the datasets of a check; of some units only, unless none are named."""
    mine = {dataset.name: frames[dataset.name] for dataset in check.reads}
    if units is None:
        return mine
    theirs = pl.col("unit_id").is_in([unit.unit_id for unit in units])
    return {name: frame.filter(theirs) for name, frame in mine.items()}


def _scanned(
    readings: Mapping[Unit, Mapping[str, Reading]], rows: list[coverage.Row], sealed: Sealed, stamp: RunStamp
) -> Scanned:
    register = coverage.frame(rows).with_columns(run_id=pl.lit(stamp.run_id), run_date=pl.lit(stamp.run_date))
    return Scanned(
        units=tuple(sorted(unit.unit_id for unit in readings)),
        tables={
            COVERAGE.name: register,
            FINDINGS.name: sealed.findings,
            REJECTED.name: sealed.rejected,
        },
    )
