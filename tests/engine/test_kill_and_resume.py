"""kill -9 of the driver, a writer or a worker at any point, then resume: nothing lost, nothing twice.

The judge is plain Python over what the estate was built to hold, not the engine.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from catalog.warehouse import Warehouse
from checkers.registry import configured
from contracts.seal import RunStamp
from contracts.tables import COVERAGE, FINDINGS
from engine.backends import backend_for
from engine.cluster import cluster
from engine.driver import drive, job
from engine.placement import placement
from engine.ray_backend import RayBackend
from engine.work import Task
from engine.writer import Limits
from tools.stress.estate import TENANT, StressEstate
from tools.stress.faults import KillingEstate
from tools.stress.scan import AS_OF, open_warehouse, scan_estate

RUN = "20261101T000000Z-1"
ESTATE = StressEstate(1_600, AS_OF)


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[None]:
    with cluster("local", 2):
        yield


def assert_whole(warehouse: Warehouse, estate: StressEstate = ESTATE) -> None:
    findings = warehouse.scan(FINDINGS, TENANT).select("unit_id", "fingerprint").collect()
    units = {each.unit.unit_id for each in estate.units()}
    assert Counter(findings["unit_id"].to_list()) == dict.fromkeys(units, estate.findings_per_unit)
    assert findings["fingerprint"].n_unique() == findings.height
    checks = warehouse.scan(COVERAGE, TENANT).select("unit_id", "subject", "name", "outcome").collect()
    assert set(checks["unit_id"]) == units
    assert checks.select("unit_id", "subject", "name").is_unique().all()
    assert set(checks["outcome"]) == {"ok"}


def scan_program(folder: Path, *options: str) -> int:
    command = [sys.executable, "-m", "tools.stress.scan", str(folder), "--n", str(ESTATE.findings), *options]
    return subprocess.run(command, check=False, capture_output=True).returncode


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("commit", [1, 2, 3, 4])
def test_a_driver_killed_around_any_commit_is_resumed_whole(tmp_path: Path, commit: int, after: bool) -> None:
    options = ["--die-at", str(commit), *(["--after"] if after else [])]
    assert scan_program(tmp_path, *options) == -signal.SIGKILL
    scan_estate(open_warehouse(tmp_path), ESTATE, RUN)
    assert_whole(open_warehouse(tmp_path))


@pytest.mark.slow
def test_a_driver_killed_again_and_again_still_ends_whole(tmp_path: Path) -> None:
    codes = [scan_program(tmp_path, "--die-at", "2") for _ in range(3)]
    assert codes[0] == -signal.SIGKILL
    scan_estate(open_warehouse(tmp_path), ESTATE, RUN)
    assert_whole(open_warehouse(tmp_path))


def test_resuming_a_whole_run_changes_nothing(tmp_path: Path) -> None:
    warehouse = open_warehouse(tmp_path)
    scan_estate(warehouse, ESTATE, RUN)
    before = warehouse.snapshot_id(FINDINGS)
    scan_estate(warehouse, ESTATE, RUN)
    assert warehouse.snapshot_id(FINDINGS) == before
    assert_whole(warehouse)


@pytest.mark.slow
@pytest.mark.usefixtures("ray_cluster")
@pytest.mark.parametrize("victim", ["writer", "worker"])
def test_a_killed_ray_process_costs_its_units_another_scan_and_nothing_else(tmp_path: Path, victim: str) -> None:
    warehouse = open_warehouse(tmp_path)
    pid_file = tmp_path / "pid"
    estate = KillingEstate(1_600, AS_OF, strike_at=2, victim=pid_file, marker=tmp_path / "struck")
    units = estate.units()
    scanning = job(warehouse, units, configured({}, "defaults"), RunStamp(RUN, AS_OF), collector=estate.collect)
    with backend_for("local", scanning, Limits(rows=1)) as backend:
        if victim == "writer":
            pid_file.write_text(str(ray.get(backend.writers()[0].__ray_call__.remote(lambda _: os.getpid()))))
        drive(warehouse, backend, units, RUN, lambda _done, _total: None, chunk_units=1)
    assert estate.marker.exists()
    assert_whole(warehouse, estate)


@pytest.mark.slow
@pytest.mark.usefixtures("ray_cluster")
def test_what_a_writer_has_closed_is_not_lost_with_a_chunk_of_which_another_writer_died(tmp_path: Path) -> None:
    warehouse = open_warehouse(tmp_path)
    estate = StressEstate(8_000, AS_OF, tenants=4)
    checks, stamp = configured({}, "defaults"), RunStamp(RUN, AS_OF)
    scanning = job(warehouse, estate.units(), checks, stamp, collector=estate.collect)
    placed = placement(sorted(each.unit.unit_id for each in estate.units()), scanning.tenant_units, 2)
    (dead, lost), (_, kept) = placed.items()
    with backend_for("local", scanning, Limits(rows=1)) as backend:
        assert isinstance(backend, RayBackend)
        ray.kill(backend.writers()[dead])
        (ended,) = backend.scan([Task(estate.units())])
        flushes = [*backend.drain(everything=False), *backend.drain(everything=True)]
    assert ended.lost
    assert sorted(unit for flush in flushes for unit in flush.units) == sorted(kept)
    assert set(kept).isdisjoint(lost)


@pytest.mark.usefixtures("ray_cluster")
def test_a_chunk_large_enough_for_files_of_its_own_passes_no_writer(tmp_path: Path) -> None:
    warehouse = open_warehouse(tmp_path)
    units = ESTATE.units()[:3]
    checks, stamp = configured({}, "defaults"), RunStamp(RUN, AS_OF)
    scanning = job(warehouse, units, checks, stamp, collector=ESTATE.collect)
    with backend_for("local", scanning, Limits(units=3)) as backend:
        assert isinstance(backend, RayBackend)
        (large,) = backend.scan([Task(units[:2])])
        written = backend.drain(everything=False)
        (small,) = backend.scan([Task(units[2:])])
        held = backend.drain(everything=False)
        closed = backend.drain(everything=True)
    assert [large.lost, small.lost, held] == [None, None, []]
    assert [flush.units for flush in (*written, *closed)] == [
        tuple(sorted(each.unit.unit_id for each in part)) for part in (units[:2], units[2:])
    ]
