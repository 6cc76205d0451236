"""Compaction changes files, never rows; whoever was first wins and nobody loses."""

from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.changes import add_files
from catalog.compaction import Sizes, _rewrite, _swap, compact, digest, plan
from catalog.files import write_files
from catalog.warehouse import Warehouse
from contracts.tables import FINDINGS, KPI_DAILY, TABLES, Table

ANY = Sizes(min_files=2)


def kpis(period: str, *numbers: int, tenant_id: str = "acme") -> pl.DataFrame:
    rows: list[dict[str, Any]] = [{"tenant_id": tenant_id, "period": period, "numerator": n} for n in numbers]
    return pl.DataFrame(rows, schema=KPI_DAILY.polars_schema)


def put(warehouse: Warehouse, period: str, *numbers: int, tenant_id: str = "acme") -> int:
    return warehouse.append(KPI_DAILY, kpis(period, *numbers, tenant_id=tenant_id), tenant_id)


def numbers(warehouse: Warehouse, tenant_id: str = "acme", snapshot_id: int | None = None) -> list[int]:
    rows = warehouse.scan(KPI_DAILY, tenant_id, snapshot_id=snapshot_id)
    return sorted(rows.select(pl.col("numerator").cast(pl.Int64)).collect()["numerator"].to_list())


def files(warehouse: Warehouse, table: Table = KPI_DAILY) -> list[str]:
    return sorted(task.file.file_path for task in warehouse.load(table).scan().plan_files())


def test_small_files_become_one_with_the_same_rows(warehouse: Warehouse) -> None:
    before = [put(warehouse, "2026-11-01", n, n + 10) for n in range(4)][-1]
    (group,) = compact(warehouse, KPI_DAILY, Sizes())
    assert len(group.old) == 4
    assert len(files(warehouse)) == 1
    assert numbers(warehouse) == numbers(warehouse, snapshot_id=before) == [0, 1, 2, 3, 10, 11, 12, 13]
    assert compact(warehouse, KPI_DAILY, Sizes()) == []


def test_a_compacted_file_lies_in_the_order_of_the_contract(warehouse: Warehouse) -> None:
    for name in ("c", "a", "b"):
        warehouse.append(KPI_DAILY, kpis("2026-11-01", 1).with_columns(kpi=pl.lit(name)), "acme")
    compact(warehouse, KPI_DAILY, ANY)
    (path,) = files(warehouse)
    assert pq.read_table(path)["kpi"].to_pylist() == ["a", "b", "c"]


def test_partitions_stay_apart_and_few_files_stay_as_they_are(warehouse: Warehouse) -> None:
    for n in range(4):
        put(warehouse, "2026-11-01", n)
        put(warehouse, "2026-11-01", n + 10, tenant_id="globex")
    put(warehouse, "2026-11-02", 20)
    assert len(compact(warehouse, KPI_DAILY, Sizes())) == 2
    assert len(files(warehouse)) == 3
    assert numbers(warehouse) == [0, 1, 2, 3, 20]
    assert numbers(warehouse, "globex") == [10, 11, 12, 13]


def test_files_are_cut_at_the_target_and_big_ones_left_alone(warehouse: Warehouse) -> None:
    for _ in range(6):
        put(warehouse, "2026-11-01", 1)
    size = max(task.file.file_size_in_bytes for task in warehouse.load(KPI_DAILY).scan().plan_files())
    assert plan(warehouse.load(KPI_DAILY), Sizes(target_bytes=size, min_files=2)) == []
    cut = plan(warehouse.load(KPI_DAILY), Sizes(target_bytes=size * 2, min_files=2))
    assert [len(group.old) for group in cut] == [2, 2, 2]


def test_a_dry_run_only_plans(warehouse: Warehouse) -> None:
    for n in range(4):
        put(warehouse, "2026-11-01", n)
    before = files(warehouse)
    assert [len(group.old) for group in compact(warehouse, KPI_DAILY, ANY, dry_run=True)] == [4]
    assert files(warehouse) == before


def test_rows_that_came_meanwhile_stay(warehouse: Warehouse) -> None:
    for n in range(4):
        put(warehouse, "2026-11-01", n)
    iceberg = warehouse.load(KPI_DAILY)
    written = [_rewrite(iceberg, KPI_DAILY, group) for group in plan(iceberg, ANY)]
    put(warehouse, "2026-11-01", 9)
    assert _swap(warehouse, KPI_DAILY, written) == written
    assert numbers(warehouse) == [0, 1, 2, 3, 9]
    assert _swap(warehouse, KPI_DAILY, written) == written, "a lost reply: it is in, and not put in again"
    assert numbers(warehouse) == [0, 1, 2, 3, 9]


def test_rows_that_were_replaced_meanwhile_do_not_come_back(warehouse: Warehouse) -> None:
    for n in range(4):
        put(warehouse, "2026-11-01", n)
        put(warehouse, "2026-11-02", n + 10)
    iceberg = warehouse.load(KPI_DAILY)
    written = [_rewrite(iceberg, KPI_DAILY, group) for group in plan(iceberg, ANY)]
    warehouse.replace(KPI_DAILY, kpis("2026-11-01", 7), "acme", partition={"period": "2026-11-01"})
    assert len(_swap(warehouse, KPI_DAILY, written)) == 1
    assert numbers(warehouse) == [7, 10, 11, 12, 13]


def test_files_of_an_older_schema_are_compacted_with_nulls_in_the_new_columns(warehouse: Warehouse) -> None:
    older = Table(
        "finops_older", pa.schema([each for each in KPI_DAILY.schema if each.name != "currency"]), ("tenant_id",)
    )
    created = warehouse.catalog.create_table_transaction("finops.finops_older", older.schema)
    with created as transaction, transaction.update_spec() as spec:
        spec.add_identity("tenant_id")
    newer = Table("finops_older", KPI_DAILY.schema, ("tenant_id",), ("numerator",))
    for n, table in enumerate((older, newer)):
        warehouse._evolve(table)
        rows = kpis("2026-11-01", n).with_columns(currency=pl.lit("USD")).select(table.polars_schema.names()).lazy()
        add_files(warehouse.load(table), write_files(warehouse.location(table), table, rows, f"f{n}"), {})
    assert len(compact(warehouse, newer, ANY)) == 1
    assert warehouse.scan(newer, "acme").collect().sort("numerator")["currency"].to_list() == [None, "USD"]


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_table_can_be_compacted(warehouse: Warehouse, table: Table) -> None:
    assert set(table.order) <= set(table.schema.names)
    rows = pl.DataFrame([{"tenant_id": "acme"}], schema=table.polars_schema)
    for _ in range(2):
        warehouse.append(table, rows, "acme")
    assert len(compact(warehouse, table, ANY)) == 1
    assert warehouse.scan(table, "acme").collect().height == 2


ROWS = st.lists(st.tuples(st.text(max_size=3), st.integers(0, 3)), max_size=8)


@given(rows=ROWS, other=ROWS)
def test_a_digest_is_the_same_for_the_same_rows_only(rows: list[tuple[str, int]], other: list[tuple[str, int]]) -> None:
    def of(values: list[tuple[str, int]]) -> tuple[int, int, int]:
        return digest(pl.LazyFrame(values, schema={"a": pl.String, "b": pl.Int64}, orient="row"))

    assert of(rows) == of(rows[::-1])
    assert (of(rows) == of(other)) == (sorted(rows) == sorted(other))


def test_findings_with_tags_and_money_keep_their_digest(warehouse: Warehouse) -> None:
    row = {"tenant_id": "acme", "tags": {"b": "1", "a": "2"}, "estimated": {"monthly_savings": 1, "currency": "USD"}}
    rows = pl.DataFrame([row], schema=FINDINGS.polars_schema)
    for _ in range(2):
        warehouse.append(FINDINGS, rows, "acme")
    compact(warehouse, FINDINGS, ANY)
    assert warehouse.scan(FINDINGS, "acme").collect().equals(pl.concat([rows, rows]))
