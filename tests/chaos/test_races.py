"""Processes that commit the same units at the same moment, or stop in the middle and wake up later."""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from tools.stress import race

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_600 if os.environ.get("FINOPS_CHAOS_ROUNDS") else 900)]
RACERS = 4
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([race.__name__])  # loaded once: racers start at the same moment, and soon


def start_together(target: Callable[..., None], catalog: Any, seed: int, rounds: int) -> None:
    barrier = CONTEXT.Barrier(RACERS)
    racers = [
        CONTEXT.Process(target=target, daemon=True, args=(catalog.uri, catalog.location, barrier, racer, seed, rounds))
        for racer in range(RACERS)
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert [racer.exitcode for racer in racers] == [0] * RACERS


@pytest.mark.chaos(few=4, full=200)
def test_four_processes_racing_for_the_same_units_leave_each_once(catalog: Any, seed: int, rounds: int) -> None:
    warehouse = catalog.open()
    start_together(race.race, catalog, seed, rounds)
    assert race.complaints(warehouse, rounds) == []


@pytest.mark.chaos(few=1, full=10)
def test_a_warehouse_that_is_opened_for_the_first_time_by_four_processes_is_one(catalog: Any, seed: int) -> None:
    start_together(race.open_and_commit, catalog, seed, 1)
    assert race.complaints(catalog.open(), 1) == []


@pytest.mark.chaos(few=1, full=3)
def test_a_committer_that_sleeps_while_another_does_its_work_wakes_up_to_nothing(
    catalog: Any, seed: int, is_full: bool
) -> None:
    rng = random.Random(seed)
    rounds = 20 if is_full else 8
    warehouse = catalog.open()
    sleeper, other = (
        CONTEXT.Process(target=race.commit_rounds, daemon=True, args=(catalog.uri, catalog.location, rounds))
        for _ in range(2)
    )
    sleeper.start()
    while not race.complaints(warehouse, 0):  # its first rows are there: it is in the middle of its loop
        time.sleep(0.05)
    time.sleep(rng.random() / 2)
    os.kill(sleeper.pid, signal.SIGSTOP)
    asleep_until = time.monotonic() + (30 if is_full else 3)
    other.start()
    time.sleep(max(0.0, asleep_until - time.monotonic()))
    os.kill(sleeper.pid, signal.SIGCONT)
    sleeper.join()
    other.join()
    assert (sleeper.exitcode, other.exitcode) == (0, 0)
    assert race.complaints(catalog.open(), rounds) == []
