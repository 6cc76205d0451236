"""Checks that raise, babble, hang, crash their process or eat its memory: they fail alone, where they struck."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import psutil
import pytest

from catalog.warehouse import Warehouse
from checkers.base import Check, Dataset
from checkers.registry import configured
from contracts.seal import RunStamp
from contracts.tables import COVERAGE
from engine.backends import backend_for
from engine.cluster import cluster
from engine.collect.unit import Reading
from engine.driver import MAX_LOST, drive, job
from engine.plan import PlannedUnit
from engine.scan import Collector
from engine.writer import Limits
from tools.stress.estate import StressEstate
from tools.stress.oracle import complaints, stored
from tools.stress.poison import poison
from tools.stress.scan import AS_OF, open_warehouse, scan_estate

RUN = "20261101T000000Z-1"
HEALTHY = configured({}, "defaults")
ESTATE = StressEstate(3_000, AS_OF)
TWO_UNITS = StressEstate(1_000, AS_OF)
UNITS = [each.unit.unit_id for each in ESTATE.units()]
# A chunk that is only slow is done again, a check is not; its time counts from when its process has begun.
CHUNK_SECONDS, CHECK_SECONDS = 15.0, 15.0
RAY_THRESHOLD = "RAY_memory_usage_threshold"
HEADROOM_BYTES = 5 * 2**30  # how much may be eaten before the cluster calls it too much


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[None]:
    """Be on a cluster that kills what eats more than some gigabytes, as one does with all memory by default."""
    memory = psutil.virtual_memory()
    threshold = min(0.95, (memory.total - memory.available + HEADROOM_BYTES) / memory.total)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(RAY_THRESHOLD, f"{threshold:.3f}")
        with cluster("local"):
            yield


def scan_on_a_cluster(
    warehouse: Warehouse,
    checks: tuple[Check, ...],
    estate: StressEstate = ESTATE,
    collector: Collector | None = None,
    chunk_seconds: float = CHUNK_SECONDS,
) -> None:
    units = estate.units()
    scanning = job(warehouse, units, checks, RunStamp(RUN, AS_OF), collector=collector or estate.collect)
    scanning = replace(scanning, chunk_seconds=chunk_seconds, check_seconds=CHECK_SECONDS, check_bytes=2**30)
    with backend_for("local", scanning, Limits(rows=1)) as backend:
        drive(warehouse, backend, units, RUN, lambda _done, _total: None, chunk_units=2)


def messages(warehouse: Warehouse, check: Check) -> list[str]:
    rows = stored(warehouse, COVERAGE, "unit_id", "name", "message")
    return [str(message) for _, name, message in sorted(rows) if name == check.id and message]


@pytest.mark.chaos(few=1, full=1)
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("raises", "PermanentError: poison"),
        ("babbles", "verdicts that do not exist: 'banana'"),
        ("forgets", "verdicts for 320 resources"),
        ("returns_nothing", "NoneType"),
        ("shuffles_columns", "ColumnNotFoundError"),
    ],
)
def test_a_check_that_answers_wrongly_fails_and_the_others_do_not(tmp_path: Path, kind: str, said: str) -> None:
    warehouse, bad = open_warehouse(tmp_path), poison(kind, UNITS[0])
    scan_estate(warehouse, ESTATE, RUN, checks=(*HEALTHY, bad))
    assert said in messages(warehouse, bad)[0]
    assert complaints(warehouse, ESTATE, (*HEALTHY, bad), failed={(UNITS[0], bad.id)}) == []


@pytest.mark.slow
@pytest.mark.chaos(few=1, full=3)
@pytest.mark.usefixtures("ray_cluster")
def test_checks_that_hang_eat_all_memory_or_kill_their_process_fail_alone_on_the_unit_they_struck(
    tmp_path: Path, seed: int
) -> None:
    struck = {"hangs": UNITS[seed % 2], "aborts": UNITS[3], "eats": UNITS[5]}
    said = {"hangs": f"did not end within {CHECK_SECONDS:g} s", "aborts": "its process died", "eats": "MemoryError"}
    poisons = {kind: poison(kind, unit_id) for kind, unit_id in struck.items()}
    warehouse, checks = open_warehouse(tmp_path), (*HEALTHY, *poisons.values())
    scan_on_a_cluster(warehouse, checks)
    failed = {(unit_id, poisons[kind].id) for kind, unit_id in struck.items()}
    assert complaints(warehouse, ESTATE, checks, failed=failed) == []
    for kind, check in poisons.items():
        assert [said[kind] in message for message in messages(warehouse, check)] == [True]


def _killed_at_first(deaths: Path, unit: PlannedUnit, datasets: Sequence[Dataset], as_of: datetime) -> list[Reading]:
    """Kill the process twice when it is given the first unit: with its chunk, and alone."""
    death = deaths / str(len(list(deaths.iterdir())))
    if unit.unit.unit_id == UNITS[0] and death.name in ("0", "1"):
        death.touch()
        os.abort()
    return TWO_UNITS.collect(unit, datasets, as_of)


@pytest.mark.slow
@pytest.mark.usefixtures("ray_cluster")
def test_a_unit_whose_process_is_killed_twice_as_a_bystander_is_scanned_at_last(tmp_path: Path) -> None:
    warehouse, deaths = open_warehouse(tmp_path / "tables"), tmp_path / "deaths"
    deaths.mkdir()
    scan_on_a_cluster(warehouse, HEALTHY, TWO_UNITS, partial(_killed_at_first, deaths), chunk_seconds=300)
    assert len(list(deaths.iterdir())) == 2
    assert complaints(warehouse, TWO_UNITS, HEALTHY) == []


@pytest.mark.slow
@pytest.mark.chaos(few=0, full=1)
@pytest.mark.usefixtures("seed", "ray_cluster")
def test_a_check_that_crashes_on_every_unit_is_left_out_after_a_few(tmp_path: Path) -> None:
    estate, aborts = StressEstate(6_000, AS_OF), poison("aborts")
    warehouse, checks = open_warehouse(tmp_path), (*HEALTHY, aborts)
    scan_on_a_cluster(warehouse, checks, estate)
    units = [each.unit.unit_id for each in estate.units()]
    assert complaints(warehouse, estate, checks, failed={(unit, aborts.id) for unit in units}) == []
    died = ["left out" not in said for said in messages(warehouse, aborts)]
    assert MAX_LOST <= sum(died) < len(units)
