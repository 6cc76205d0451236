"""The runner of the queries under `sql/`: one file, one SELECT, rows in, rows out; values come as `$name`."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl

from catalog.warehouse import Files

FOLDER = Path(__file__).with_name("sql")
MEMORY = "1GB"  # what a query over files holds before it spills
Relation = pl.LazyFrame | pl.DataFrame | Files
# Nothing is downloaded behind our back; times are UTC wherever the machine stands.
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": pl.thread_pool_size(),  # a worker that shares its machine has been told how many it may have
}
# A bar that shows progress would stand among the data on stdout.
_SESSION = "SET TimeZone = 'UTC'; SET enable_progress_bar = false"


def queries(folder: str) -> list[str]:
    """Return the names (`folder/stem`) of all queries of a folder, sorted: a query exists because its file does."""
    return sorted(f"{folder}/{path.stem}" for path in (FOLDER / folder).glob("*.sql"))


def query(name: str, inputs: Mapping[str, Relation], params: Mapping[str, Any] | None = None) -> pl.DataFrame:
    """Run `sql/<name>.sql` over the inputs, each a table of its key's name; returns the rows.

    The caller hands in one tenant's rows: a query names no tenant and sees no file but those of its inputs, so it can
    leak neither. `params` fill `$name`; those the query does not use are left out. Times with a zone stay UTC, decimals
    stay decimals. Raises duckdb.Error for a query that does not fit its inputs: a fault of ours.
    """
    with bound(inputs) as connection:
        return run(connection, name, params or {})


def run(connection: duckdb.DuckDBPyConnection, name: str, params: Mapping[str, Any]) -> pl.DataFrame:
    """Run `sql/<name>.sql` as `query` does, over what the connection sees: for many queries over the same inputs."""
    text = statement(name)
    result: pl.DataFrame = connection.sql(text, params=_given(connection, text, params)).pl()
    return result


def keep(connection: duckdb.DuckDBPyConnection, name: str, params: Mapping[str, Any]) -> None:
    """Run `sql/<name>.sql` as `run` does, and keep its rows in the session as a table of the query's own name."""
    text = statement(name)
    made = f"CREATE TEMP TABLE {name.rpartition('/')[2]} AS {text}"
    connection.execute(made, _given(connection, text, params))


@cache
def relations(name: str) -> frozenset[str]:
    """Return the names of the inputs that `sql/<name>.sql` reads."""
    with bound({}) as connection:
        row = connection.execute("SELECT json_serialize_sql($1)", [statement(name)]).fetchone()
    tree = json.loads(row[0]) if row else {}
    read = {node["table_name"] for node in _nodes(tree) if node.get("type") == "BASE_TABLE"}
    defined = {entry["key"] for node in _nodes(tree) if "cte_map" in node for entry in node["cte_map"]["map"]}
    return frozenset(read - defined)


def statement(name: str) -> str:
    """Return the text of `sql/<name>.sql`, for those who run it in a session of their own."""
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


@contextmanager
def session() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open DuckDB in memory, in UTC, without extensions from elsewhere; closed at the end."""
    connection = duckdb.connect(config=_SETTINGS)
    try:
        connection.execute(_SESSION)
        yield connection
    finally:
        connection.close()


@contextmanager
def bound(inputs: Mapping[str, Relation]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection that sees the inputs and nothing else, under their names."""
    files = {name: rows for name, rows in inputs.items() if isinstance(rows, Files)}
    with _reading(files) if files else _closed().cursor() as connection:
        connection.execute(_SESSION)
        for name, rows in inputs.items():
            if not isinstance(rows, Files):
                connection.register(name, rows)
        yield connection


@cache
def _closed() -> duckdb.DuckDBPyConnection:
    """Open the database of this process that reads no file; opening one takes 20 times as long as a small query."""
    return duckdb.connect(config={**_SETTINGS, "enable_external_access": "false"})


@contextmanager
def _reading(files: Mapping[str, Files]) -> Iterator[duckdb.DuckDBPyConnection]:
    with TemporaryDirectory(prefix="queries-") as spill, session() as connection:
        connection.execute("SET memory_limit = $1", [MEMORY])
        connection.execute("SET temp_directory = $1", [spill])
        connection.execute("SET allowed_paths = $1", [[path for each in files.values() for path in each.paths]])
        connection.execute("SET enable_external_access = false")
        for name, each in files.items():
            rows = connection.read_parquet(list(each.paths), union_by_name=True, hive_partitioning=False)
            empty = connection.from_arrow(each.schema.empty_table())
            kinds = dict(zip(empty.columns, empty.types, strict=True))
            added = (f'NULL::{kind} AS "{column}"' for column, kind in kinds.items() if column not in rows.columns)
            rows.project(", ".join(["*", *added])).create_view(name)
        yield connection


def _given(connection: duckdb.DuckDBPyConnection, text: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the values that the query does not use."""
    wanted = connection.extract_statements(text)[0].named_parameters
    return {key: value for key, value in params.items() if key in wanted}


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a JSON tree."""
    if isinstance(tree, dict):
        yield tree
    for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _nodes(child)
