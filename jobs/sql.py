"""The runner of the queries under `sql/`: one file, one SELECT, rows in, rows out; values come as `$name`."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

FOLDER = Path(__file__).with_name("sql")
Relation = pl.LazyFrame | pl.DataFrame
# Nothing is downloaded behind our back; times are UTC wherever the machine stands.
_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


def queries(folder: str) -> list[str]:
    """Return the names (`folder/stem`) of all queries of a folder, sorted: a query exists because its file does."""
    return sorted(f"{folder}/{path.stem}" for path in (FOLDER / folder).glob("*.sql"))


def query(name: str, inputs: Mapping[str, Relation], params: Mapping[str, Any] | None = None) -> pl.DataFrame:
    """Run `sql/<name>.sql` over the inputs, each a table of its key's name; returns the rows.

    The caller hands in one tenant's rows: a query names no tenant and sees no file, so it can leak neither. `params`
    fill `$name`; those the query does not use are left out. Times with a zone stay UTC, decimals stay decimals.
    Raises duckdb.Error for a query that does not fit its inputs: a fault of ours.
    """
    text = statement(name)
    with session() as connection:
        for relation, rows in inputs.items():
            connection.register(relation, rows)
        connection.execute("SET enable_external_access = false")
        wanted = connection.extract_statements(text)[0].named_parameters
        given = {key: value for key, value in (params or {}).items() if key in wanted}
        result: pl.DataFrame = connection.sql(text, params=given).pl()
        return result


def relations(name: str) -> frozenset[str]:
    """Return the names of the inputs that `sql/<name>.sql` reads."""
    with session() as connection:
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
    connection = duckdb.connect(config=_CLOSED)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a JSON tree."""
    if isinstance(tree, dict):
        yield tree
    for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _nodes(child)
