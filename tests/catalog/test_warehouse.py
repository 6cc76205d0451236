"""Tables: tenants apart, partitions replaced whole, old files readable, provenance kept."""

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from catalog.changes import add_files
from catalog.files import write_files
from catalog.warehouse import Warehouse
from contracts.tables import KPI_DAILY, TABLES, Table


def kpis(tenant_id: str, *rows: tuple[str, int]) -> pl.DataFrame:
    named: list[dict[str, Any]] = [{"tenant_id": tenant_id, "period": period, "numerator": n} for period, n in rows]
    return pl.DataFrame(named, schema=KPI_DAILY.polars_schema)


def values(warehouse: Warehouse, tenant_id: str) -> list[tuple[str, int]]:
    rows = warehouse.scan(KPI_DAILY, tenant_id).select("period", pl.col("numerator").cast(pl.Int64)).collect()
    return sorted(rows.rows())


def test_every_table_of_the_contract_is_there_and_empty(warehouse: Warehouse) -> None:
    for table in TABLES.values():
        rows = warehouse.scan(table, "acme").collect()
        assert rows.height == 0
        assert rows.schema == table.polars_schema


def test_a_tenant_sees_its_own_rows_only(warehouse: Warehouse) -> None:
    warehouse.replace(KPI_DAILY, kpis("acme", ("2026-10-01", 1)), "acme")
    warehouse.replace(KPI_DAILY, kpis("globex", ("2026-10-01", 2)), "globex")
    assert values(warehouse, "acme") == [("2026-10-01", 1)]
    assert values(warehouse, "globex") == [("2026-10-01", 2)]


def test_replacing_a_partition_leaves_the_others(warehouse: Warehouse) -> None:
    warehouse.replace(KPI_DAILY, kpis("acme", ("2026-10-01", 1), ("2026-10-02", 2)), "acme")
    warehouse.replace(KPI_DAILY, kpis("acme", ("2026-10-02", 3)), "acme", partition={"period": "2026-10-02"})
    assert values(warehouse, "acme") == [("2026-10-01", 1), ("2026-10-02", 3)]


def test_replacing_by_nothing_empties_the_partition(warehouse: Warehouse) -> None:
    warehouse.replace(KPI_DAILY, kpis("acme", ("2026-10-01", 1)), "acme")
    warehouse.replace(KPI_DAILY, kpis("acme"), "acme")
    assert values(warehouse, "acme") == []


def test_an_older_snapshot_still_reads_as_it_was(warehouse: Warehouse) -> None:
    before = warehouse.replace(KPI_DAILY, kpis("acme", ("2026-10-01", 1)), "acme")
    warehouse.replace(KPI_DAILY, kpis("acme", ("2026-10-01", 9)), "acme")
    rows = warehouse.scan(KPI_DAILY, "acme", snapshot_id=before).collect()
    assert rows["numerator"].cast(pl.Int64).to_list() == [1]


def test_inputs_say_whether_there_is_anything_to_do(warehouse: Warehouse) -> None:
    day = {"period": "2026-10-01"}
    assert not warehouse.is_current(KPI_DAILY, "acme", {"facts": "1"}, partition=day)
    warehouse.replace(KPI_DAILY, kpis("acme", ("2026-10-01", 1)), "acme", partition=day, inputs={"facts": "1"})
    warehouse.replace(KPI_DAILY, kpis("globex", ("2026-10-01", 1)), "globex", partition=day, inputs={"facts": "2"})
    assert warehouse.is_current(KPI_DAILY, "acme", {"facts": "1"}, partition=day)
    assert not warehouse.is_current(KPI_DAILY, "acme", {"facts": "2"}, partition=day)
    assert not warehouse.is_current(KPI_DAILY, "acme", {"facts": "1"}, partition={"period": "2026-10-02"})


@pytest.mark.parametrize("tenant_id", ["a" * 63, "a-b", "00"])
def test_every_allowed_tenant_id_is_a_partition(warehouse: Warehouse, tenant_id: str) -> None:
    warehouse.replace(KPI_DAILY, kpis(tenant_id, ("2026-10-01", 1)), tenant_id)
    assert values(warehouse, tenant_id) == [("2026-10-01", 1)]


def test_files_of_an_older_schema_read_with_nulls_in_the_new_columns(tmp_path: Path) -> None:
    uri, location = f"sqlite:///{tmp_path}/c.db", str(tmp_path / "w")
    warehouse = Warehouse.open(uri, location)
    older = Table(
        "finops_older", pa.schema([field for field in KPI_DAILY.schema if field.name != "currency"]), ("tenant_id",)
    )
    created = warehouse.catalog.create_table_transaction("finops.finops_older", older.schema)
    with created as transaction, transaction.update_spec() as spec:
        spec.add_identity("tenant_id")
    rows = kpis("acme", ("2026-10-01", 1)).drop("currency").lazy()
    add_files(warehouse.load(older), write_files(warehouse.location(older), older, rows, "old"), {})
    newer = Table("finops_older", KPI_DAILY.schema, ("tenant_id",))
    warehouse._evolve(newer)
    new_rows = kpis("acme", ("2026-10-02", 2)).with_columns(currency=pl.lit("USD")).lazy()
    add_files(warehouse.load(newer), write_files(warehouse.location(newer), newer, new_rows, "new"), {})
    read = warehouse.scan(newer, "acme").sort("period").collect()
    assert read["currency"].to_list() == [None, "USD"]


def test_a_struct_that_has_grown_reads_with_nulls_in_what_older_files_and_snapshots_lack(tmp_path: Path) -> None:
    def table(*fields: str) -> Table:
        cost = pa.struct([pa.field(name, pa.int64()) for name in fields])
        schema = pa.schema([pa.field("tenant_id", pa.string()), pa.field("cost", cost)])
        return Table("finops_older", schema, ("tenant_id",))

    older, newer = table("billed"), table("billed", "covered")
    warehouse = Warehouse.open(f"sqlite:///{tmp_path}/c.db", str(tmp_path / "w"))
    created = warehouse.catalog.create_table_transaction("finops.finops_older", older.schema)
    with created as transaction, transaction.update_spec() as spec:
        spec.add_identity("tenant_id")
    first = warehouse.append(older, pl.DataFrame([{"tenant_id": "acme", "cost": {"billed": 1}}]), "acme")
    warehouse._evolve(newer)
    warehouse.append(newer, pl.DataFrame([{"tenant_id": "acme", "cost": {"billed": 2, "covered": 3}}]), "acme")
    now = warehouse.scan(newer, "acme").collect()["cost"].to_list()
    assert sorted(now, key=lambda cost: cost["billed"]) == [
        {"billed": 1, "covered": None},
        {"billed": 2, "covered": 3},
    ]
    then = warehouse.scan(newer, "acme", snapshot_id=first).collect()["cost"].to_list()
    assert then == [{"billed": 1, "covered": None}]


def test_opening_tables_that_are_as_they_should_be_changes_none_of_them(tmp_path: Path) -> None:
    uri, location = f"sqlite:///{tmp_path}/c.db", str(tmp_path / "w")
    made, again = Warehouse.open(uri, location), Warehouse.open(uri, location)
    for table in TABLES.values():
        assert again.load(table).metadata_location == made.load(table).metadata_location
