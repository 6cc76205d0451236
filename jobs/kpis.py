"""KPIs per day and month: every query in `sql/kpi_daily/` and `sql/kpi_monthly/` is one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import polars as pl

from catalog.warehouse import Warehouse
from contracts.tables import COVERAGE, CUR_FACTS, CUR_INGESTS, CURRENT, KPI_DAILY, KPI_MONTHLY, Table
from jobs.sql import bound, keep, queries, relations, run

COST_DAYS = 30  # the whole days before as_of whose cost is told day by day
_INPUTS = {"findings_current": CURRENT, "coverage": COVERAGE, "cur_facts": CUR_FACTS, "cur_ingests": CUR_INGESTS}
_SUMS = "kpi_inputs"
_PAST = {"cur_facts", "cur_ingests", "cost_sums", "tag_sums", "usage_sums"}  # relations that hold the past themselves


def kpis(warehouse: Warehouse, tenant_id: str, as_of: datetime) -> None:
    """Compute the KPIs of the day and the month of `as_of`, one commit per table; unchanged inputs mean nothing to do.

    Findings and coverage are told as they are now, so their earlier periods stay as they were told then. Cost comes
    from facts that hold the past themselves, so the periods they tell are rebuilt, and a corrected bill corrects them.
    """
    inputs = {
        "as_of": as_of.isoformat(),
        **{table.name: str(warehouse.snapshot_id(table)) for table in _INPUTS.values()},
    }
    grains = [each for each in _grains(as_of) if not warehouse.is_current(each.table, tenant_id, inputs)]
    if not grains:
        return
    with bound({name: warehouse.source(table, tenant_id) for name, table in _INPUTS.items()}) as connection:
        _add_up(connection, as_of)
        for grain in grains:
            earlier = warehouse.scan(grain.table, tenant_id).collect()
            rows = _told(connection, earlier, tenant_id, as_of, grain)
            warehouse.replace(grain.table, rows, tenant_id, inputs=inputs)


@dataclass(frozen=True, slots=True)
class _Grain:
    """A length of period: `now` is the one `as_of` lies in, `since` the first one whose cost is rebuilt."""

    table: Table
    folder: str
    now: str
    since: str


def _grains(as_of: datetime) -> list[_Grain]:
    day = as_of.date()
    return [
        _Grain(KPI_DAILY, "kpi_daily", day.isoformat(), (day - timedelta(days=COST_DAYS)).isoformat()),
        _Grain(KPI_MONTHLY, "kpi_monthly", f"{day:%Y-%m}", ""),
    ]


def _add_up(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> None:
    """Add the relations of `sql/kpi_inputs/`, in which the large tables are added up once for all KPIs."""
    params = {"as_of": as_of, "since": as_of - timedelta(days=COST_DAYS)}
    for name in queries(_SUMS):
        keep(connection, name, params)


def _told(
    connection: duckdb.DuckDBPyConnection, earlier: pl.DataFrame, tenant_id: str, as_of: datetime, grain: _Grain
) -> pl.DataFrame:
    """Return all rows of the grain: those told now, and of the earlier ones those that these do not replace."""
    told: list[pl.DataFrame] = []
    for name in queries(grain.folder):
        kpi, rows = name.rpartition("/")[2], run(connection, name, {"as_of": as_of})
        rows = rows.with_columns(tenant_id=pl.lit(tenant_id), kpi=pl.lit(kpi))
        told.append(rows.select(pl.col(column).cast(dtype) for column, dtype in grain.table.polars_schema.items()))
        rebuilt = pl.col("period") >= grain.since if relations(name) & _PAST else pl.col("period") == grain.now
        earlier = earlier.filter(~(rebuilt & (pl.col("kpi") == kpi)))
    return pl.concat([earlier, *told]).sort("period", "kpi", "dimension", "value", "currency", nulls_last=True)
