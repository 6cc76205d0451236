"""kill -9 of whoever works at a random moment, then resume: every row is there, once."""

import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import ray

from checkers.registry import configured
from contracts.seal import RunStamp
from engine.backends import backend_for
from engine.driver import drive, job
from engine.writer import Limits
from tools.stress.estate import StressEstate
from tools.stress.faults import KillingEstate
from tools.stress.oracle import complaints
from tools.stress.scan import AS_OF, open_warehouse, scan_estate

RUN = "20261101T000000Z-1"
CHECKS = configured({}, "defaults")
FINDINGS = 3_200
ESTATE = StressEstate(FINDINGS, AS_OF)
SCAN_SECONDS = 3.0  # what the program takes for the estate, so that most of the blows strike in the middle of it


def blow(rng: random.Random) -> list[str]:
    """Choose how a driver, which is also the committer, dies: at a commit, at a file, or at any time."""
    boundary = rng.choice(["commit", "write", "any time"])
    if boundary == "any time":
        return ["--die-after", f"{rng.uniform(0.01, SCAN_SECONDS):.3f}"]
    count = rng.randint(1, 2 * ESTATE.unit_count)  # coverage and findings of every unit
    return ["--die-at", str(count), "--boundary", boundary, *(["--after"] if rng.random() < 0.5 else [])]


def scan_program(folder: Path, *options: str) -> int:
    command = [sys.executable, "-m", "tools.stress.scan", str(folder), "--n", str(FINDINGS), *options]
    return subprocess.run(command, check=False, capture_output=True).returncode


@pytest.mark.chaos(few=3, full=30)
def test_a_driver_killed_at_any_moment_is_resumed_whole(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    codes = [scan_program(tmp_path, *blow(rng)) for _ in range(rng.choice([1, 1, 2]))]
    assert set(codes) <= {0, -signal.SIGKILL}
    warehouse = open_warehouse(tmp_path)
    scan_estate(warehouse, ESTATE, RUN)
    assert complaints(warehouse, ESTATE, CHECKS) == []


@pytest.mark.slow
@pytest.mark.chaos(few=0, full=5)
def test_a_driver_on_a_cluster_killed_at_any_moment_is_resumed_whole(tmp_path: Path, seed: int) -> None:
    options = ["--die-at", str(random.Random(seed).randint(1, ESTATE.unit_count)), "--address", "local"]
    assert scan_program(tmp_path, *options) == -signal.SIGKILL
    warehouse = open_warehouse(tmp_path)
    scan_estate(warehouse, ESTATE, RUN)
    assert complaints(warehouse, ESTATE, CHECKS) == []


@pytest.mark.slow
@pytest.mark.chaos(few=1, full=15)
def test_a_writer_or_worker_killed_at_any_unit_costs_only_another_scan(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    warehouse = open_warehouse(tmp_path)
    pid_file = tmp_path / "pid"
    strike_at = rng.randrange(ESTATE.unit_count)
    estate = KillingEstate(FINDINGS, AS_OF, strike_at=strike_at, victim=pid_file, marker=tmp_path / "struck")
    units = estate.units()
    scanning = job(warehouse, units, CHECKS, RunStamp(RUN, AS_OF), collector=estate.collect)
    limits = Limits(rows=rng.choice([1, 1_000, 500_000]))
    with backend_for("local", scanning, limits) as backend:
        if rng.random() < 0.5:
            writer = rng.choice(backend.writers())
            pid_file.write_text(str(ray.get(writer.__ray_call__.remote(lambda _: os.getpid()))))
        drive(warehouse, backend, units, RUN, lambda _done, _total: None, chunk_units=rng.choice([1, 2]))
    assert estate.marker.exists()
    assert complaints(warehouse, estate, CHECKS) == []


@pytest.mark.slow
@pytest.mark.chaos(few=0, full=2)
def test_a_writer_that_stops_without_dying_is_replaced(tmp_path: Path, seed: int) -> None:
    warehouse = open_warehouse(tmp_path)
    units = ESTATE.units()
    scanning = job(warehouse, units, CHECKS, RunStamp(RUN, AS_OF), collector=ESTATE.collect)
    scanning = replace(scanning, chunk_seconds=30.0, writer_seconds=20.0)
    with backend_for("local", scanning, Limits(rows=1)) as backend:
        writer = random.Random(seed).choice(backend.writers())
        os.kill(ray.get(writer.__ray_call__.remote(lambda _: os.getpid())), signal.SIGSTOP)
        drive(warehouse, backend, units, RUN, lambda _done, _total: None, chunk_units=1)
    assert complaints(warehouse, ESTATE, CHECKS) == []
