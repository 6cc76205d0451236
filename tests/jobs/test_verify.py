"""A release can be made again from what it was made from; whatever was changed since is found and named."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from catalog.expiry import expire
from catalog.releases import Release, latest, of_run
from catalog.warehouse import Warehouse
from contracts.errors import NotFound, PermanentError
from contracts.tables import CURRENT, ENRICHED, FINDINGS, KPI_DAILY, Table
from jobs.publish import publish
from jobs.verify import MADE, ROWS, verify
from tools.stress.benchmarks.contract import STAMP
from tools.stress.benchmarks.pipeline import run_chain
from tools.stress.estate import TENANT, StressEstate
from tools.stress.runs import open_warehouse

Change = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class Stored:
    """Two runs of an estate of two units, the second on a day of its own; both released."""

    warehouse: Warehouse
    releases: tuple[Release, Release]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    folder = tmp_path_factory.mktemp("verify")
    warehouse, estate = open_warehouse(folder), StressEstate(980, STAMP.as_of)
    bill = estate.write_bill(folder / "bill")
    releases = []
    for each in (estate, StressEstate(490, STAMP.as_of + timedelta(days=1))):
        run_chain(warehouse, each, bill)
        releases.append(latest(warehouse, TENANT))
    return Stored(warehouse, tuple(releases))


def parquet(rows: pl.DataFrame, size: int) -> bytes:
    """Write rows as a file of a given size: one of another size is not what the catalog says, and is not read."""
    buffer = BytesIO()
    rows.write_parquet(buffer, compression="zstd", compression_level=22, statistics=False)
    data = buffer.getvalue()
    footer = int.from_bytes(data[-8:-4], "little") + 8
    assert len(data) <= size
    return data[:-footer] + bytes(size - len(data)) + data[-footer:]


@contextmanager
def tampered(warehouse: Warehouse, table: Table, change: Change) -> Iterator[None]:
    """Change the newest file of a table behind the catalog's back, and change it back."""
    paths = [Path(task.file.file_path) for task in warehouse.load(table).scan().plan_files()]
    path = max(paths, key=lambda each: each.stat().st_mtime_ns)
    before = path.read_bytes()
    rows = pl.read_parquet(path)
    changed = change(rows).cast(rows.schema)
    assert not changed.equals(rows)
    path.write_bytes(parquet(changed, len(before)))
    try:
        yield
    finally:
        path.write_bytes(before)


@pytest.mark.slow
def test_both_runs_of_an_estate_are_made_again_as_they_were(stored: Stored) -> None:
    for release in stored.releases:
        verified = verify(stored.warehouse, release)
        assert verified.first is None
        assert verified.equal
        assert {each.table for each in verified.partitions} == {table.name for table in MADE}
        assert all(each.stored and each.stored.rows for each in verified.partitions)
        assert json.loads(json.dumps(verified.to_json()))["equal"] is True


def test_the_tables_verified_stay_as_they_were(stored: Stored) -> None:
    before = {table: stored.warehouse.snapshot_id(table) for table in (*MADE, FINDINGS)}
    verify(stored.warehouse, stored.releases[0])
    assert {table: stored.warehouse.snapshot_id(table) for table in before} == before


def one_cent_more(column: str, field: str) -> Change:
    more = pl.struct(pl.col(column).struct.field("*")).struct.with_fields(pl.field(field) + Decimal("0.01"))
    first = pl.int_range(pl.len()) == pl.col(column).struct.field(field).is_not_null().arg_max()
    return lambda rows: rows.with_columns(pl.when(first).then(more).otherwise(column).alias(column))


@pytest.mark.parametrize(
    ("table", "column", "change"),
    [
        (ENRICHED, "actual", one_cent_more("actual", "cost_30d")),
        (ENRICHED, ROWS, lambda rows: rows.head(-1)),
        (ENRICHED, ROWS, lambda rows: pl.concat([rows, rows.tail(1)])),
        (CURRENT, "savings", one_cent_more("savings", "net")),
        (KPI_DAILY, "numerator", lambda rows: rows.with_columns(pl.col("numerator") + 1)),
    ],
    ids=["cost", "missing", "twice", "net", "kpi"],
)
def test_a_tampered_file_is_a_difference_that_is_named(
    stored: Stored, table: Table, column: str, change: Change
) -> None:
    release = stored.releases[1]
    with tampered(stored.warehouse, table, change):
        verified = verify(stored.warehouse, release)
    assert not verified.equal
    assert {each.table for each in verified.partitions if not each.equal} == {table.name}
    assert verified.first is not None
    assert (verified.first.table, verified.first.column) == (table.name, column)
    assert set(verified.first.key) == set(MADE[table])
    assert verified.first.stored != verified.first.recomputed
    assert table.name in str(verified.first)


def test_a_finding_that_was_changed_is_seen_in_everything_made_from_it(stored: Stored) -> None:
    with tampered(stored.warehouse, FINDINGS, one_cent_more("estimated", "monthly_savings")):
        wrong = {each.table for each in verify(stored.warehouse, stored.releases[1]).partitions if not each.equal}
    assert {ENRICHED.name, CURRENT.name} <= wrong


def test_what_the_tables_held_before_must_not_have_expired(tmp_path: Path) -> None:
    warehouse, estate = open_warehouse(tmp_path), StressEstate(490, STAMP.as_of)
    bill = estate.write_bill(tmp_path / "bill")
    for _ in range(2):
        run_chain(warehouse, estate, bill)
    release = latest(warehouse, TENANT)
    assert release is not None
    far = STAMP.as_of + timedelta(days=36_500)
    expire(warehouse, CURRENT, far, pinned={CURRENT.name: set(release.snapshots.values())}, runs=frozenset())
    with pytest.raises(PermanentError, match="finops_findings_current: what it held before the run has expired"):
        verify(warehouse, release)


def test_a_run_is_found_by_its_name_where_one_tenant_has_it(stored: Stored) -> None:
    warehouse, (first, second) = stored.warehouse, stored.releases
    assert of_run(warehouse, first.run_id) == first
    assert of_run(warehouse, second.run_id, TENANT) == second
    with pytest.raises(NotFound, match="no one release of a run nope"):
        of_run(warehouse, "nope")
    with pytest.raises(NotFound):
        of_run(warehouse, first.run_id, "globex")
    publish(warehouse, "globex", first.run_id, first.as_of)
    with pytest.raises(NotFound, match=f"globex, {TENANT} have one: name the tenant"):
        of_run(warehouse, first.run_id)
    assert of_run(warehouse, first.run_id, TENANT) == first
