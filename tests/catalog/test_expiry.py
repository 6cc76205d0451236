"""Snapshots go when nobody needs them; releases, unfinished runs and exactly-once stay whole."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from catalog import exactly_once
from catalog.expiry import expire
from catalog.files import Flush
from catalog.releases import pinned, publish, read
from catalog.warehouse import Warehouse, has_forgotten, history
from contracts.tables import COVERAGE, FINDINGS, KPI_DAILY, RELEASES, Table

Write = Callable[..., Flush]
AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
FAR = datetime(2100, 1, 1, tzinfo=UTC)  # everything is older
RUN = "20261101T000000Z-1"


def put(warehouse: Warehouse, number: int, **inputs: str) -> int:
    rows = pl.DataFrame([{"tenant_id": "acme", "numerator": number}], schema=KPI_DAILY.polars_schema)
    return warehouse.replace(KPI_DAILY, rows, "acme", inputs=inputs)


def forget(warehouse: Warehouse, *tables: Table, runs: frozenset[str] = frozenset()) -> list[int]:
    """Expire all that may go however young it is."""
    return [each for table in tables for each in expire(warehouse, table, FAR, pinned={}, runs=runs)]


def known(warehouse: Warehouse, table: Table) -> list[int]:
    return [snapshot.snapshot_id for snapshot in history(warehouse.load(table))]


def test_the_last_releases_of_every_tenant_stay_readable(warehouse: Warehouse) -> None:
    releases = []
    for number in range(4):
        put(warehouse, number)
        tenants = ("acme", "globex") if number == 0 else ("acme",)
        releases += [publish(warehouse, each, f"r{number}", AS_OF, [KPI_DAILY]) for each in tenants]
    expire(warehouse, KPI_DAILY, FAR, pinned=pinned(warehouse, keep=2), runs=frozenset())
    kept = [each for each in releases if each.snapshots[KPI_DAILY.name] in known(warehouse, KPI_DAILY)]
    assert [(each.tenant_id, each.run_id) for each in kept] == [
        ("acme", "r0"),  # the only release globex has names the same snapshot
        ("globex", "r0"),
        ("acme", "r2"),
        ("acme", "r3"),
    ]
    assert [read(warehouse, each, KPI_DAILY).collect().height for each in kept] == [1, 0, 1, 1]


def test_without_a_release_nothing_is_pinned(warehouse: Warehouse) -> None:
    assert pinned(warehouse, keep=10) == {}


def test_what_was_current_within_the_age_stays(warehouse: Warehouse) -> None:
    for number in range(3):
        put(warehouse, number)
    replaced = [each.timestamp_ms for each in history(warehouse.load(KPI_DAILY))]
    before = known(warehouse, KPI_DAILY)
    limit = datetime.fromtimestamp(replaced[-1] / 1000, UTC)
    expire(warehouse, KPI_DAILY, limit - timedelta(days=1), pinned={}, runs=frozenset())
    assert known(warehouse, KPI_DAILY) == before
    expire(warehouse, KPI_DAILY, limit, pinned={}, runs=frozenset())
    assert known(warehouse, KPI_DAILY)[-2:] == before[-2:]
    assert before[0] not in known(warehouse, KPI_DAILY)


def test_the_table_of_releases_keeps_everything(warehouse: Warehouse) -> None:
    for number in range(3):
        put(warehouse, number)
        publish(warehouse, "acme", f"r{number}", AS_OF, [KPI_DAILY])
    assert forget(warehouse, RELEASES) == []


def test_a_dry_run_expires_nothing(warehouse: Warehouse) -> None:
    for number in range(3):
        put(warehouse, number)
    before = known(warehouse, KPI_DAILY)
    assert expire(warehouse, KPI_DAILY, FAR, pinned={}, runs=frozenset(), dry_run=True)
    assert known(warehouse, KPI_DAILY) == before


def test_an_unfinished_run_keeps_its_commits(warehouse: Warehouse, write: Write) -> None:
    for number in range(3):
        exactly_once.commit(warehouse, write(warehouse, [f"u{number}"], flush_id=f"f{number}"))
    assert forget(warehouse, COVERAGE, FINDINGS, runs=frozenset({RUN})) == []
    assert len(forget(warehouse, COVERAGE, FINDINGS)) == 4


def stored(warehouse: Warehouse, table: Table) -> Counter[str]:
    return Counter(warehouse.scan(table, "acme").collect()["unit_id"].to_list())


@pytest.mark.parametrize("expired", [(COVERAGE,), (FINDINGS,), (COVERAGE, FINDINGS)], ids=str)
def test_a_forgotten_run_can_be_resumed_without_a_duplicate(
    warehouse: Warehouse, write: Write, expired: tuple[Table, ...]
) -> None:
    flushes = [write(warehouse, [f"u{n}"], flush_id=f"f{n}") for n in range(3)]
    for flush in flushes:
        exactly_once.commit(warehouse, flush)
    forget(warehouse, *expired)
    assert all(has_forgotten(warehouse.load(table)) for table in expired)
    assert exactly_once.committed_units(warehouse, RUN) == {"u0", "u1", "u2"}
    assert exactly_once.owed(warehouse) == []
    exactly_once.settle(warehouse, RUN)
    again = write(warehouse, ["u0", "u1", "u3"], flush_id="again")
    assert exactly_once.commit(warehouse, again) == ("u3",)
    assert stored(warehouse, FINDINGS) == {"u0": 2, "u1": 2, "u2": 2, "u3": 2}
    assert stored(warehouse, COVERAGE) == {"u0": 1, "u1": 1, "u2": 1, "u3": 1}


def test_what_is_owed_is_told_from_what_was_forgotten(warehouse: Warehouse, write: Write) -> None:
    for number in range(3):
        exactly_once.commit(warehouse, write(warehouse, [f"u{number}"], flush_id=f"f{number}"))
    exactly_once.register(warehouse, write(warehouse, ["u9"], flush_id="f9"))
    forget(warehouse, FINDINGS)
    assert [(table.name, flush.flush_id) for table, flush in exactly_once.owed(warehouse)] == [(FINDINGS.name, "f9")]
    exactly_once.settle(warehouse, RUN)
    assert stored(warehouse, FINDINGS) == {"u0": 2, "u1": 2, "u2": 2, "u9": 2}


def test_inputs_of_a_commit_that_was_forgotten_are_not_those_of_an_older_one(warehouse: Warehouse) -> None:
    first = put(warehouse, 1, facts="1")
    put(warehouse, 2, facts="2")
    rows = pl.DataFrame([{"tenant_id": "globex"}], schema=KPI_DAILY.polars_schema)
    warehouse.replace(KPI_DAILY, rows, "globex")
    expire(warehouse, KPI_DAILY, FAR, pinned={KPI_DAILY.name: {first}}, runs=frozenset())
    assert first in known(warehouse, KPI_DAILY)
    assert not warehouse.is_current(KPI_DAILY, "acme", {"facts": "1"})
