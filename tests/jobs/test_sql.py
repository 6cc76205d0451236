from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from catalog.changes import add_files
from catalog.files import write_files
from catalog.warehouse import Files, Warehouse
from contracts.tables import CUR_FACTS, Table
from jobs.sql import Relation, bound, queries, query, relations, session


def costs(facts: Relation, as_of: datetime) -> pl.DataFrame:
    params = {"as_of": as_of, "since": as_of - timedelta(days=30), "unused": 1}
    return query("kpi_inputs/cost_sums", {"cur_facts": facts}, params).sort("dimension", "value")


@pytest.fixture
def facts() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "usage_start": [datetime(2026, 10, 31, 23, tzinfo=UTC)] * 2,
            "billing_period": ["2026-10"] * 2,
            "charge_category": ["Usage"] * 2,
            **{name: ["a"] * 2 for name in ("account_id", "service", "region")},
            "cost_primary": [Decimal("0.000000000001"), Decimal("0.1")],
            "currency": ["USD"] * 2,
        },
        schema_overrides={"usage_start": pl.Datetime("us", "UTC"), "cost_primary": pl.Decimal(38, 12)},
    )


def test_a_query_gives_exact_decimals_and_utc_days(facts: pl.DataFrame, as_of: datetime) -> None:
    row = costs(facts, as_of).row(0, named=True)
    assert (row["day"], row["cost"]) == ("2026-10-31", Decimal("0.100000000001"))


def test_a_lazy_input_gives_the_same_rows(facts: pl.DataFrame, as_of: datetime) -> None:
    assert costs(facts.lazy(), as_of).equals(costs(facts, as_of))


def test_the_files_of_a_table_give_the_same_rows_also_where_older_ones_lack_a_column(
    warehouse: Warehouse, facts: pl.DataFrame, as_of: datetime
) -> None:
    rows = pl.concat([facts.with_columns(tenant_id=pl.lit(each)) for each in ("acme", "other")])
    absent = {name: pl.lit(None) for name in CUR_FACTS.schema.names if name not in rows.columns}
    stored = rows.with_columns(**absent).select(CUR_FACTS.schema.names)
    older = Table(
        CUR_FACTS.name, pa.schema([field for field in CUR_FACTS.schema if field.name != "service"]), ("tenant_id",)
    )
    location = warehouse.location(CUR_FACTS)
    paths = write_files(location, older, stored.drop("service").lazy(), "older")
    paths += write_files(location, CUR_FACTS, stored.lazy(), "today")
    add_files(warehouse.load(CUR_FACTS), paths, {})
    files = warehouse.source(CUR_FACTS, "acme")
    assert isinstance(files, Files)
    assert costs(files, as_of).equals(costs(warehouse.scan(CUR_FACTS, "acme"), as_of))
    assert costs(files, as_of).filter(dimension="service")["value"].sort().to_list() == ["a", "unknown"]


def test_an_empty_table_has_no_files_and_still_all_columns(warehouse: Warehouse, as_of: datetime) -> None:
    assert costs(warehouse.source(CUR_FACTS, "acme"), as_of).is_empty()


def test_a_query_reads_no_file_but_those_of_its_inputs(warehouse: Warehouse, tmp_path: Path) -> None:
    secret = tmp_path / "secret.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(secret)
    rows = pl.DataFrame([{"tenant_id": "acme"}], schema=CUR_FACTS.polars_schema)
    warehouse.append(CUR_FACTS, rows, "acme")
    for rows_in in (warehouse.source(CUR_FACTS, "acme"), rows):
        with bound({"facts": rows_in}) as connection, pytest.raises(duckdb.Error, match="Cannot access file"):
            connection.read_parquet(str(secret)).fetchall()


def test_a_missing_parameter_is_an_error(facts: pl.DataFrame) -> None:
    with pytest.raises(duckdb.Error, match="as_of"):
        query("kpi_inputs/cost_sums", {"cur_facts": facts}, {"since": datetime(2026, 10, 1, tzinfo=UTC)})


def test_the_inputs_of_a_query_are_its_tables_without_its_own_names() -> None:
    assert relations("findings_current/lifecycle") == {"findings", "coverage", "previous"}


def test_a_folder_lists_its_queries_by_name() -> None:
    assert "kpi_daily/cost_by_service" in queries("kpi_daily")
    assert queries("kpi_daily") == sorted(queries("kpi_daily"))


def test_a_session_is_in_utc_and_closed_at_the_end() -> None:
    with session() as connection:
        assert connection.execute("SELECT current_setting('TimeZone')").fetchone() == ("UTC",)
    with pytest.raises(duckdb.Error):
        connection.execute("SELECT 1")


def test_maps_survive_a_query(facts: pl.DataFrame) -> None:
    tags = pl.Series("tags", [{"team": "a"}, None], dtype=pl.Map(pl.String, pl.String))
    with session() as connection:
        connection.register("facts", facts.with_columns(tags))
        assert connection.sql("SELECT tags FROM facts").pl().schema["tags"] == pl.Map(pl.String, pl.String)
