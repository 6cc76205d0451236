"""A release is a set of snapshots: whole, pinned, and the same again for the same tables."""

from datetime import UTC, datetime

import polars as pl

from catalog.releases import latest, publish, read
from catalog.warehouse import Warehouse
from contracts.tables import KPI_DAILY, KPI_MONTHLY

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)


def put(warehouse: Warehouse, number: int, tenant_id: str = "acme") -> None:
    rows = pl.DataFrame([{"tenant_id": tenant_id, "period": "p", "numerator": number}], schema=KPI_DAILY.polars_schema)
    warehouse.replace(KPI_DAILY, rows, tenant_id)


def test_before_the_first_release_there_is_none(warehouse: Warehouse) -> None:
    assert latest(warehouse, "acme") is None


def test_readers_stay_on_their_release_while_tables_move_on(warehouse: Warehouse) -> None:
    put(warehouse, 1)
    first = publish(warehouse, "acme", "r1", AS_OF, [KPI_DAILY, KPI_MONTHLY])
    put(warehouse, 2)
    second = publish(warehouse, "acme", "r2", AS_OF, [KPI_DAILY, KPI_MONTHLY])
    assert latest(warehouse, "acme") == second
    assert second.sequence == 2
    numbers = [
        read(warehouse, each, KPI_DAILY).collect()["numerator"].cast(pl.Int64).item() for each in (first, second)
    ]
    assert numbers == [1, 2]
    assert read(warehouse, first, KPI_MONTHLY).collect().height == 0


def test_the_same_tables_again_are_the_same_release(warehouse: Warehouse) -> None:
    put(warehouse, 1)
    first = publish(warehouse, "acme", "r1", AS_OF, [KPI_DAILY])
    assert publish(warehouse, "acme", "r1", AS_OF, [KPI_DAILY]) == first


def test_tenants_have_releases_of_their_own(warehouse: Warehouse) -> None:
    put(warehouse, 1)
    publish(warehouse, "acme", "r1", AS_OF, [KPI_DAILY])
    assert latest(warehouse, "globex") is None
