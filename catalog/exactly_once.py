"""Commit the rows of units so that every unit is in the tables exactly once, whoever is killed when (ADR 0003).

The coverage table is the register. Its commit decides that units are done; the commit's summary names them, and the
files of the sibling tables (findings, rejected) that belong to them. From these summaries a sibling is given, in one
commit, what it does not have yet: every few flushes, or by whoever comes next where somebody died. Where summaries have
expired, the rows tell.
"""

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

import polars as pl
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import Snapshot

from catalog.changes import add_files
from catalog.files import Flush, write_files
from catalog.warehouse import Warehouse, has_forgotten, history, properties, retry_commit
from contracts.tables import COVERAGE, FINDINGS, REJECTED, TABLES, Table

SIBLINGS = (FINDINGS, REJECTED)
_RUN, _FLUSH = "finops.run", "finops.flush"


@retry_commit
def committed_units(warehouse: Warehouse, run_id: str) -> set[str]:
    """Return the units of a run that are done; of a run whose snapshots have expired too."""
    return _done(warehouse.load(COVERAGE), run_id)


def commit(warehouse: Warehouse, flush: Flush) -> tuple[str, ...]:
    """Commit a flush to all its tables; returns the units it made done, without those that were done already.

    Raises TransientError when the catalog stays locked or away for about a minute.
    """
    units = register(warehouse, flush)
    settle(warehouse, flush.run_id)
    return units


@retry_commit
def register(warehouse: Warehouse, flush: Flush) -> tuple[str, ...]:
    """Make the units of a flush done that are not yet, and return them; `settle` brings their rows into the siblings.

    Safe against a race with other committers, a repetition, and a reply that was lost. Raises as `commit` does.
    """
    coverage = warehouse.load(COVERAGE)
    for earlier in _flushes(coverage, flush.run_id):
        if earlier.flush_id == flush.flush_id:
            return earlier.units
    done = _done(coverage, flush.run_id)
    fresh = tuple(unit for unit in flush.units if unit not in done)
    if not fresh:
        return ()
    if len(fresh) < len(flush.units):
        flush = _only(warehouse, flush, fresh)
    summary = {_RUN: flush.run_id, _FLUSH: json.dumps(asdict(flush), sort_keys=True)}
    add_files(coverage, flush.files[COVERAGE.name], summary)
    return flush.units


def settle(warehouse: Warehouse, run_id: str) -> None:
    """Make the commits to siblings that this run owes, whoever registered its units: one a table, for all of them."""
    for table in SIBLINGS:
        _append_owed(warehouse, table, run_id)


@retry_commit
def owed(warehouse: Warehouse, run_id: str | None = None) -> list[tuple[Table, Flush]]:
    """Return the commits to siblings that coverage has registered and nobody has made yet; of all runs unless given."""
    flushes = list(_flushes(warehouse.load(COVERAGE), run_id))
    return [(table, flush) for table in SIBLINGS for flush in _missing(warehouse.load(table), table, flushes)]


def run_of(snapshot: Snapshot) -> str | None:
    """Return the run that made a snapshot of coverage or a sibling; None for other commits."""
    return properties(snapshot).get(_RUN)


def commits(warehouse: Warehouse, run_id: str) -> int:
    """Count the snapshots a run has made in the three tables."""
    tables = (COVERAGE, *SIBLINGS)
    return sum(run_of(each) == run_id for table in tables for each in history(warehouse.load(table)))


@retry_commit
def _append_owed(warehouse: Warehouse, table: Table, run_id: str) -> None:
    flushes = list(_flushes(warehouse.load(COVERAGE), run_id))
    iceberg = warehouse.load(table)
    missing = _missing(iceberg, table, flushes)
    paths = [path for flush in missing for path in flush.files[table.name]]
    if paths:
        add_files(iceberg, paths, {_RUN: run_id, _FLUSH: " ".join(flush.flush_id for flush in missing)})


def _done(coverage: IcebergTable, run_id: str) -> set[str]:
    done = {unit for flush in _flushes(coverage, run_id) for unit in flush.units}
    if has_forgotten(coverage):
        done.update(unit for _, unit in _stored(coverage, {run_id}))
    return done


def _missing(iceberg: IcebergTable, table: Table, flushes: Sequence[Flush]) -> list[Flush]:
    """Return the flushes with rows for a sibling that it does not have: by its summaries, else by its rows."""
    known = {flush_id for snapshot in history(iceberg) for flush_id in properties(snapshot).get(_FLUSH, "").split()}
    absent = [flush for flush in flushes if flush.files.get(table.name) and flush.flush_id not in known]
    if not absent or not has_forgotten(iceberg):
        return absent
    stored = _stored(iceberg, {flush.run_id for flush in absent})
    return [flush for flush in absent if stored.isdisjoint((flush.run_id, unit) for unit in flush.units)]


def _stored(iceberg: IcebergTable, run_ids: set[str]) -> set[tuple[str, str]]:
    """Return (run, unit) of the rows that a table has of some runs."""
    rows = pl.scan_iceberg(iceberg).filter(pl.col("run_id").is_in(list(run_ids))).select("run_id", "unit_id")
    return set(rows.unique().collect().iter_rows())


def _flushes(coverage: IcebergTable, run_id: str | None) -> Iterator[Flush]:
    for snapshot in history(coverage):
        found = properties(snapshot)
        if _FLUSH in found and run_id in (None, found.get(_RUN)):
            flush = json.loads(found[_FLUSH])
            files = {table: tuple(paths) for table, paths in flush["files"].items()}
            yield Flush(flush["flush_id"], flush["run_id"], tuple(flush["units"]), files)


def _only(warehouse: Warehouse, flush: Flush, units: tuple[str, ...]) -> Flush:
    """Write the rows of some of the units again, under new names; the old files become orphans."""
    name = f"{flush.run_id}-{uuid.uuid4().hex}"
    files = {}
    for table_name, paths in flush.files.items():
        table = TABLES[table_name]
        rows = pl.scan_parquet(list(paths)).filter(pl.col("unit_id").is_in(units))
        files[table_name] = tuple(write_files(warehouse.location(table), table, rows, name))
    return replace(flush, flush_id=name, units=units, files=files)
