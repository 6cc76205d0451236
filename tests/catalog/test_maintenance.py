"""Maintenance as a whole: what it reports, that a dry run changes nothing, and that nobody is disturbed by it."""

import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from catalog import exactly_once
from catalog.files import Flush, write_files
from catalog.maintenance import Policy, maintain
from catalog.orphans import references
from catalog.releases import publish, read
from catalog.state import State
from catalog.warehouse import Warehouse, history
from checkers.base import Dataset
from contracts.tables import COVERAGE, FINDINGS, KPI_DAILY, TABLES
from engine.collect.unit import Reading
from engine.plan import PlannedUnit
from engine.writer import Limits
from tools.stress.estate import StressEstate
from tools.stress.scan import open_warehouse, scan_estate

Write = Callable[..., Flush]
RUN = "20261101T000000Z-1"
AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=30)
UNITS = 10  # findings follow every four of them, so that maintenance meets two such commits of either run
CONTEXT = multiprocessing.get_context("spawn")


@pytest.fixture
def state(warehouse: Warehouse) -> State:
    return State.open(warehouse.uri)


def used(warehouse: Warehouse, write: Write) -> None:
    """Commit five flushes of a run, and leave a file behind as a killed writer does."""
    for n in range(5):
        exactly_once.commit(warehouse, write(warehouse, [f"u{n}"], flush_id=f"f{n}"))
    write(warehouse, ["killed"], flush_id="killed")


def everything(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*.*") if path.suffix in {".parquet", ".avro"}}


def test_it_reports_what_it_did_per_table(warehouse: Warehouse, write: Write, state: State) -> None:
    used(warehouse, write)
    first = maintain(warehouse, state, NOW).to_json()["tables"][FINDINGS.name]
    assert (first["files_before"], first["files_after"]) == (5, 1)
    assert 0 < first["bytes_after"] < first["bytes_before"]
    assert (first["snapshots_expired"], first["orphans"], first["damaged"]) == (0, (), ())
    report = maintain(warehouse, state, LATER)
    second = report.tables[FINDINGS.name]
    assert (second.files_before, second.files_after, second.snapshots_expired) == (1, 1, 5)
    parquet = [path for path in second.orphans if path.endswith(".parquet")]
    assert len(parquet) == 6, "five that were compacted, one that was never committed"
    assert second.orphan_bytes > 0
    assert json.loads(json.dumps(report.to_json()))["dry_run"] is False
    assert set(report.tables) == set(TABLES)
    assert warehouse.scan(FINDINGS, "acme").collect().height == 10
    third = maintain(warehouse, state, LATER).tables[FINDINGS.name]
    assert (third.snapshots_expired, third.orphans) == (0, ())


def test_a_dry_run_says_the_same_and_changes_nothing(
    warehouse: Warehouse, write: Write, state: State, tmp_path: Path
) -> None:
    used(warehouse, write)
    before = everything(tmp_path)
    snapshots = [len(history(warehouse.load(table))) for table in TABLES.values()]
    told = maintain(warehouse, state, LATER, dry_run=True).tables[FINDINGS.name]
    assert (told.files_before, told.files_after, told.bytes_after, told.snapshots_expired) == (5, 1, None, 4)
    assert len(told.orphans) == 1
    assert everything(tmp_path) == before
    assert [len(history(warehouse.load(table))) for table in TABLES.values()] == snapshots


def test_a_released_snapshot_is_read_from_the_same_files_after_maintenance(
    warehouse: Warehouse, write: Write, state: State
) -> None:
    used(warehouse, write)
    release = publish(warehouse, "acme", RUN, AS_OF, [FINDINGS])
    before = read(warehouse, release, FINDINGS).collect()
    maintain(warehouse, state, LATER)
    maintain(warehouse, state, LATER)
    assert read(warehouse, release, FINDINGS).collect().equals(before)


def test_orphans_are_left_for_three_times_the_longest_run(warehouse: Warehouse, write: Write, state: State) -> None:
    used(warehouse, write)
    run = state.start_run("acme", "prod", AS_OF, "stable")
    in_two_days = NOW + timedelta(days=2)
    assert maintain(warehouse, state, in_two_days, dry_run=True).tables[FINDINGS.name].orphans
    state.finish_run("acme", run.run_id, {"seconds": {"scan": 16 * 3600, "bills": 4 * 3600}})
    assert state.longest_run() == timedelta(hours=20)
    assert not maintain(warehouse, state, in_two_days, dry_run=True).tables[FINDINGS.name].orphans


def test_an_unfinished_run_can_still_be_settled(warehouse: Warehouse, write: Write, state: State) -> None:
    run = state.start_run("acme", "prod", AS_OF, "stable")
    assert run.run_id == RUN
    assert state.unfinished() == {RUN}
    for n in range(3):
        exactly_once.register(warehouse, write(warehouse, [f"u{n}"], flush_id=f"f{n}"))
    maintain(warehouse, state, LATER)
    exactly_once.settle(warehouse, RUN)
    assert warehouse.scan(FINDINGS, "acme").collect().height == 6


def test_what_is_owed_survives_though_no_ledger_knows_the_run(warehouse: Warehouse, write: Write, state: State) -> None:
    for n in range(3):
        exactly_once.register(warehouse, write(warehouse, [f"u{n}"], flush_id=f"f{n}"))
    maintain(warehouse, state, LATER)
    exactly_once.settle(warehouse, RUN)
    assert warehouse.scan(FINDINGS, "acme").collect().height == 6


def test_a_damaged_file_is_reported_and_no_orphan_is_deleted_beside_it(
    warehouse: Warehouse, write: Write, state: State
) -> None:
    used(warehouse, write)
    iceberg = warehouse.load(FINDINGS)
    path = min(Path(task.file.file_path) for task in iceberg.scan().plan_files())
    path.write_bytes(path.read_bytes()[:-10])
    report = maintain(warehouse, state, LATER)
    assert report.damaged == [str(path)]
    assert report.tables[FINDINGS.name].orphans == ()
    assert report.tables[FINDINGS.name].files_after == 2, "four whole ones are compacted, the damaged one stays"
    assert warehouse.scan(COVERAGE, "acme").collect().height == 5


def test_a_second_maintenance_at_the_same_time_does_no_harm(warehouse: Warehouse, write: Write, state: State) -> None:
    """Both compact and expire the same; files are young, as all are that somebody may be reading."""
    used(warehouse, write)
    soon, policy = datetime.now(UTC) + timedelta(hours=1), Policy(snapshots_for=timedelta(0))
    failures: list[Exception] = []

    def work() -> None:
        try:
            opened = Warehouse.open(warehouse.uri, str(Path(warehouse.location(FINDINGS)).parents[1]))
            maintain(opened, state, soon, policy=policy)
        except Exception as error:  # noqa: BLE001  a thread hands over whatever it met
            failures.append(error)

    both = [threading.Thread(target=work) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert failures == []
    assert warehouse.scan(FINDINGS, "acme").collect()["unit_id"].n_unique() == 5
    assert warehouse.scan(FINDINGS, "acme").collect().height == 10


@dataclass(frozen=True, slots=True)
class PacedEstate(StressEstate):
    """An estate of which a unit is read when its reader is given a turn."""

    turns: Any = None

    def collect(self, planned: PlannedUnit, datasets: Sequence[Dataset], as_of: datetime) -> list[Reading]:
        self.turns.acquire()
        return StressEstate.collect(self, planned, datasets, as_of)


def _write_in_turns(folder: Path, run: str, turns: Any) -> None:
    scan_estate(open_warehouse(folder), PacedEstate(UNITS * 490, AS_OF, turns=turns), run, limits=Limits(rows=1))


def _wait_for_units(warehouse: Warehouse, runs: Sequence[str], count: int) -> None:
    """Wait until every run has `count` units registered, so that none of its committers is in the middle of one."""
    while any(len(exactly_once.committed_units(warehouse, run)) < count for run in runs):
        time.sleep(0.05)


@pytest.mark.slow
def test_runs_write_and_readers_read_while_maintenance_goes_on(tmp_path: Path) -> None:
    """Each pass goes on beside one unit of either run: as harsh as may be, whatever the speed of anybody.

    Files age two days as soon as they are committed; snapshots go that were replaced before the unit was begun.
    """
    warehouse = open_warehouse(tmp_path)
    state = State.open(warehouse.uri)
    rows = pl.DataFrame([{"tenant_id": "acme", "numerator": n} for n in range(3)], schema=KPI_DAILY.polars_schema)
    warehouse.append(KPI_DAILY, rows, "acme")
    release = publish(warehouse, "acme", "r", AS_OF, [KPI_DAILY, FINDINGS])
    runs = [f"20261101T000000Z-{number}" for number in (1, 2)]
    turns = [CONTEXT.Semaphore(0) for _ in runs]
    writers = [
        CONTEXT.Process(target=_write_in_turns, args=(tmp_path, run, turn), daemon=True)
        for run, turn in zip(runs, turns, strict=True)
    ]
    seen: list[int] = []
    stop = threading.Event()

    def keep_reading() -> None:
        while not (seen and stop.is_set()):
            seen.append(read(warehouse, release, KPI_DAILY).collect().height)

    reader = threading.Thread(target=keep_reading)
    reports = []
    for each in (*writers, reader):
        each.start()
    try:
        for whole in range(UNITS):
            _wait_for_units(warehouse, runs, whole)
            begun = datetime.now(UTC)
            for turn in turns:
                turn.release()
            _age(warehouse)
            reports.append(maintain(warehouse, state, begun, policy=Policy(snapshots_for=timedelta(0))))
            warehouse.replace(KPI_DAILY, rows, "acme")
        for writer in writers:
            writer.join()
    finally:
        stop.set()
        reader.join()
        for writer in writers:
            writer.kill()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert set(seen) == {3}
    assert sum(report.tables[FINDINGS.name].snapshots_expired for report in reports) > 0
    assert sum(len(report.tables[FINDINGS.name].orphans) for report in reports) > 0
    assert [path for report in reports for path in report.damaged] == []
    stored = warehouse.scan(FINDINGS, "stress").group_by("run_id").agg(pl.len(), pl.col("fingerprint").n_unique())
    expected = UNITS * 490  # of the generator: so many findings a unit
    assert sorted(stored.collect().rows()) == [(run, expected, expected) for run in runs]
    units = warehouse.scan(COVERAGE, "stress").group_by("run_id", "unit_id", "subject", "name").len().collect()
    assert units["len"].to_list() == [1] * units.height
    assert units["unit_id"].n_unique() == UNITS


def _age(warehouse: Warehouse) -> None:
    """Make what is committed two days old; what a writer has not committed stays young, as it is in life."""
    aged = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    for table in (FINDINGS, COVERAGE, KPI_DAILY):
        for path in references(warehouse.load(table)):
            with suppress(FileNotFoundError):  # a commit has cleaned up old metadata meanwhile
                os.utime(path, (aged, aged))


def test_files_of_writers_are_never_compacted_before_they_are_committed(
    warehouse: Warehouse, write: Write, state: State
) -> None:
    used(warehouse, write)
    left = write_files(warehouse.location(FINDINGS), FINDINGS, warehouse.scan(FINDINGS, "acme"), "uncommitted")
    maintain(warehouse, state, NOW)
    assert warehouse.scan(FINDINGS, "acme").collect().height == 10
    assert all(Path(path).exists() for path in left)
