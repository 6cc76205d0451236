"""Committers that race for the same units, each with rows and files of its own making, as two drivers of one run would.

Every unit has `ROWS` findings whose fingerprints follow from its name, so that the truth needs no bookkeeping.
"""

import random
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import date
from threading import Barrier

import polars as pl

from catalog import exactly_once
from catalog.files import Flush, write_files
from catalog.warehouse import Warehouse
from contracts.tables import COVERAGE, FINDINGS, Table
from tools.stress.oracle import stored

RUN, TENANT = "20261101T000000Z-1", "acme"
ROWS = 3
UNITS_PER_ROUND = 5
BARRIER_SECONDS = 300.0  # a racer that never comes must not leave the others waiting


def write(warehouse: Warehouse, units: Sequence[str]) -> Flush:
    """Write the files of units as a writer does; nothing is committed."""
    name = f"{RUN}-{uuid.uuid4().hex}"
    rows = {
        FINDINGS: [{"unit_id": unit, "fingerprint": f"{unit}#{n}"} for unit in units for n in range(ROWS)],
        COVERAGE: [{"unit_id": unit, "subject": "check", "name": "race", "outcome": "ok"} for unit in units],
    }
    files = {
        table.name: tuple(write_files(warehouse.location(table), table, _frame(table, each), name))
        for table, each in rows.items()
    }
    return Flush(name, RUN, tuple(units), files)


def units_of(number: int) -> list[str]:
    """Return the units of a round."""
    return [f"round-{number}-unit-{n}" for n in range(UNITS_PER_ROUND)]


def race(uri: str, location: str, barrier: Barrier, racer: int, seed: int, rounds: int) -> None:
    """Commit the units of every round at the same moment as the others; racer 0 has all of them, the others some."""
    rng = random.Random(f"{seed}/{racer}")  # noqa: S311 - a seeded race is no cipher
    warehouse = Warehouse.open(uri, location)
    for number in range(rounds):
        units = units_of(number)
        mine = rng.sample(units, len(units) if racer == 0 else rng.randint(1, len(units)))
        flush = write(warehouse, mine)
        barrier.wait(BARRIER_SECONDS)
        time.sleep(rng.choice([0.0, 0.0, rng.random() / 20]))
        exactly_once.commit(warehouse, flush)


def open_and_commit(uri: str, location: str, barrier: Barrier, racer: int, seed: int, rounds: int) -> None:
    """Open the warehouse at the same moment as the others, then race."""
    barrier.wait(BARRIER_SECONDS)
    race(uri, location, barrier, racer, seed, rounds)


def commit_rounds(uri: str, location: str, rounds: int) -> None:
    """Commit the units of all rounds, one round after the other, as fast as it goes."""
    warehouse = Warehouse.open(uri, location)
    for number in range(rounds):
        exactly_once.commit(warehouse, write(warehouse, units_of(number)))


def complaints(warehouse: Warehouse, rounds: int) -> list[str]:
    """Say what is lost or there twice after that many rounds; empty when all is well."""
    units = [unit for number in range(rounds) for unit in units_of(number)]
    expected = {
        FINDINGS: Counter((f"{unit}#{n}",) for unit in units for n in range(ROWS)),
        COVERAGE: Counter((unit,) for unit in units),
    }
    actual = {
        FINDINGS: Counter(stored(warehouse, FINDINGS, "fingerprint")),
        COVERAGE: Counter(stored(warehouse, COVERAGE, "unit_id")),
    }
    wrong = {table.name: (expected[table] - actual[table], actual[table] - expected[table]) for table in expected}
    return [f"{name}: lost {lost}, too many {more}" for name, (lost, more) in wrong.items() if lost or more]


def _frame(table: Table, rows: list[dict[str, str]]) -> pl.LazyFrame:
    common = {"tenant_id": TENANT, "run_id": RUN, "run_date": date(2026, 11, 1)}
    return pl.LazyFrame([common | row for row in rows], schema=table.polars_schema)
