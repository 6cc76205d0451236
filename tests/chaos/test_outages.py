"""A database that loses its reply, goes away for a while, or is locked: the run waits, and is whole."""

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from catalog.warehouse import Warehouse
from checkers.registry import configured
from contracts.errors import TransientError
from contracts.tables import RELEASES
from tools.stress import race
from tools.stress.estate import StressEstate
from tools.stress.oracle import complaints, stored
from tools.stress.proxy import CuttingProxy
from tools.stress.scan import AS_OF, open_warehouse, scan_estate

RUN = "20261101T000000Z-1"
CHECKS = configured({}, "defaults")
ESTATE = StressEstate(2_400, AS_OF)
LOCKED_SECONDS = 8


@pytest.mark.chaos(few=1, full=10)
@pytest.mark.parametrize("forwarded", [True, False], ids=["the reply", "the commit"])
def test_a_connection_cut_at_a_commit_loses_nothing_and_repeats_nothing(
    postgres: Any, tmp_path: Path, seed: int, forwarded: bool
) -> None:
    rng = random.Random(seed)
    database, location, rounds = postgres.create_database(), str(tmp_path / "warehouse"), 4
    Warehouse.open(postgres.uri(database), location)
    cut_at = set(rng.sample(range(1, 2 * rounds + 1), 3))
    with CuttingProxy(postgres.socket, cut_at, forwarded=forwarded).running() as proxy:
        race.commit_rounds(f"postgresql+psycopg://postgres@127.0.0.1:{proxy.port}/{database}", location, rounds)
    assert proxy.cuts == len(cut_at)
    assert race.complaints(Warehouse.open(postgres.uri(database), location), rounds) == []


@pytest.mark.chaos(few=1, full=1)
def test_an_append_whose_reply_was_lost_is_found_and_not_repeated(postgres: Any, tmp_path: Path, seed: int) -> None:
    database, location = postgres.create_database(), str(tmp_path / "warehouse")
    Warehouse.open(postgres.uri(database), location)
    release = pl.DataFrame({"tenant_id": ["acme"], "release": [f"r{seed}"]})
    columns = {name: pl.lit(None) for name in RELEASES.polars_schema if name not in release.columns}
    with CuttingProxy(postgres.socket, {1}, forwarded=True).running() as proxy:
        through = Warehouse.open(f"postgresql+psycopg://postgres@127.0.0.1:{proxy.port}/{database}", location)
        through.append(RELEASES, release.with_columns(**columns), "acme")
    assert proxy.cuts == 1
    assert stored(through.open(postgres.uri(database), location), RELEASES, "release") == [(f"r{seed}",)]


def after(seconds: float, action: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(seconds, action)
    timer.start()
    return timer


@pytest.mark.chaos(few=1, full=8)
def test_a_postgres_that_restarts_in_the_middle_of_a_run_is_waited_for(
    postgres: Any, tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    warehouse = Warehouse.open(postgres.uri(postgres.create_database()), str(tmp_path / "warehouse"))

    def restart() -> None:
        postgres.crash()
        time.sleep(rng.uniform(0.5, 3))
        postgres.start()

    restarting = after(rng.uniform(0.1, 1.5), restart)
    scan_estate(warehouse, ESTATE, RUN)
    restarting.join()
    scan_estate(warehouse, ESTATE, RUN)
    assert complaints(warehouse, ESTATE, CHECKS) == []


@pytest.mark.chaos(few=0, full=1)
@pytest.mark.usefixtures("seed")
def test_a_sqlite_that_stays_locked_is_a_clear_error_within_a_minute(tmp_path: Path) -> None:
    warehouse = open_warehouse(tmp_path)
    lock = sqlite3.connect(tmp_path / "catalog.db")
    lock.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    with pytest.raises(TransientError, match="the catalog's database is locked"):
        scan_estate(warehouse, ESTATE, RUN)
    assert time.monotonic() - started < 60
    lock.close()
    scan_estate(warehouse, ESTATE, RUN)
    assert complaints(warehouse, ESTATE, CHECKS) == []


@pytest.mark.chaos(few=1, full=1)
@pytest.mark.usefixtures("seed")
def test_a_locked_sqlite_is_waited_for(tmp_path: Path) -> None:
    warehouse = open_warehouse(tmp_path)
    lock = sqlite3.connect(tmp_path / "catalog.db", check_same_thread=False, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    releasing = after(LOCKED_SECONDS, lambda: (lock.execute("ROLLBACK"), lock.close()))
    scan_estate(warehouse, ESTATE, RUN)
    waited = time.monotonic() - started
    releasing.join()
    assert waited >= LOCKED_SECONDS
    assert complaints(warehouse, ESTATE, CHECKS) == []
