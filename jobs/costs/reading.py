"""One bill file, read by itself and by name in one pass: its columns, its dialect, its facts as the table has them."""

import csv
import hashlib
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

import duckdb
import polars as pl

from contracts.errors import BillError
from jobs.costs.dialect import Column, Dialect, literal, quoted
from jobs.costs.dialects import recognised
from jobs.costs.manifests import Source
from jobs.costs.opening import bounded, is_parquet, opened, read_as_they_are
from jobs.costs.owners import Owners
from jobs.costs.sources import at_hand, state
from jobs.sql import session, statement

MEMORY = "1GB"  # what DuckDB holds before it spills beside the staged files
THREADS = 4  # each holds a row group of all columns, which cannot spill
AHEAD = timedelta(days=400)  # a charge later than that after the logical time is a mistake, not a prepayment
BILLS_LIMIT = 1000  # payers, periods and currencies in one file: each payer and period becomes a file of its own
# Half of DuckDB's row group is half of the memory; a quick compression takes a sixth less time, a twelfth more bytes.
PARQUET = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 61440"
_LATEST = "2101-01-01"  # where nobody says what time it is
_EPOCH_DIGITS = {"s": 10, "ms": 13, "us": 16, "ns": 19}  # of an instant between 2001 and 2286
_NOTHING = ("", "NULL", "null", "None", "-")  # what exporters write for it
_BLANK = 8  # bytes, with spaces around it
_EXACT = 4096  # below it two neighbouring doubles are less than 1e-12 apart, so that one decimal of 12 places is meant


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be read into `folder` (one of its own), for which tenant, under whose accounts, at what time."""

    source: Source
    folder: Path
    tenant_id: str
    owners: Owners | None
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Staged:
    """A file's lines: facts in Parquet at `facts` (None when there are none), and what is not a fact.

    sums         of the facts, as bill_periods/sums.sql gives them
    passed_over  of the other lines, as cur_facts/passed_over.sql gives them
    quarantine   the quarantined lines in Parquet
    digest       SHA-256 of the file
    missing      amounts its dialect would read and the file lacks: null, and a basis that needs one is not known
    """

    source: Source
    dialect: str
    facts: Path | None
    sums: pl.DataFrame
    passed_over: pl.DataFrame
    quarantine: Path | None
    digest: str
    missing: tuple[str, ...] = ()

    @property
    def bills(self) -> pl.DataFrame:
        """Return its payers and periods, each once."""
        return self.sums.select("payer", "billing_period").unique(maintain_order=True)


def stage(order: Order) -> Staged:
    """Read one bill and write its lines to files of the order's folder, streaming.

    Raises BillError with the reason when the file cannot be read whole, changes meanwhile, or nobody knows its columns;
    nothing of it is then used.
    """
    path = order.source.path
    order.folder.mkdir()
    before = state(path)
    try:
        with at_hand(path, order.folder) as local:
            # Under a name of ours, a path is neither a glob nor a source of columns (year=2026/ would be one).
            link = order.folder / "bill"
            link.symlink_to(local)
            staged = _read(link, order)
    except (duckdb.Error, OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error, BillError) as error:
        told = error.reason if isinstance(error, BillError) else str(error).replace(str(order.folder / "bill"), path)
        reason = _changed(path, before) or told.strip().partition("\n")[0] or type(error).__name__
        raise BillError(path, reason) from error
    changed = _changed(path, before)
    if changed:
        raise BillError(path, changed)
    return staged


def _changed(path: str, before: tuple[int, int, int] | None) -> str | None:
    after = state(path)
    return None if after == before else "the file changed while it was read: it is read when its writer is done"


def _read(link: Path, order: Order) -> Staged:
    with session() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        connection.execute(f"SET temp_directory = {literal(str(order.folder / 'spill'))}")
        ((cpus,),) = connection.execute("SELECT current_setting('threads')").fetchall()
        connection.execute(f"SET threads = {min(cpus, THREADS)}")
        connection.execute("CREATE TEMP SEQUENCE passed_over")
        dialect, located = _lines(connection, str(link), order)
        facts = _written(connection, "facts", located, order)
        ((skipped,),) = connection.execute("SELECT coalesce(last_value, 0) FROM duckdb_sequences()").fetchall()
        passed_over = _query(connection, "passed_over", located, order) if skipped else _none_passed_over()
        if passed_over["lines"].sum() != skipped:
            raise BillError(
                str(link), f"{skipped} lines are no facts, and {passed_over['lines'].sum()} when counted again"
            )
        kept = passed_over.filter(pl.col("outcome") == "quarantined")
        quarantine = _written(connection, "quarantine", located, order) if kept.height else None
        connection.read_parquet(str(facts)).to_view("staged")
        sums = connection.sql(statement("bill_periods/sums")).pl()
    if sums.height > BILLS_LIMIT:
        raise BillError(str(link), f"{sums.height} payers and periods in one file: no bill has so many")
    with link.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    missing = tuple(name for name in (*dialect.amounts, *dialect.measures) if name not in located)
    return Staged(
        order.source, dialect.name, facts if sums.height else None, sums, passed_over, quarantine, digest, missing
    )


def _lines(connection: duckdb.DuckDBPyConnection, path: str, order: Order) -> tuple[Dialect, dict[str, str]]:
    """Make the views `bill` and `outcomes` over a file; return its dialect and where the dialect's columns are."""
    rows, columns = opened(connection, path)
    dialect = recognised(columns)
    if dialect is None:
        names = ", ".join(column.name[:40] for column in columns[:5])
        raise BillError(path, f"no known bill: its {len(columns)} columns begin with {names}")
    located = dialect.locate(columns)
    lost = [name for name in dialect.required if name not in located]
    if lost:
        raise BillError(path, f"a bill of dialect {dialect.name} without {', '.join(lost)}")
    line = read_as_they_are(columns, located.values())
    safe = bounded(rows, columns, located.values())
    if "tags" in located and is_parquet(path):
        safe, located = _with_tags(rows, safe, columns, located)
    found = [f"{sql} AS {quoted(name)}" for name, sql in located.items()]
    raw = safe.project(", ".join([*found, f"{line} AS line"]))
    _typed(dialect, raw).to_view("bill")
    for name, lookup in dialect.lookups.items():
        connection.register(name, lookup)
    connection.register("owners", (order.owners or Owners({})).of(order.tenant_id))
    return dialect, {"query": dialect.query, **located}


def _with_tags(
    rows: duckdb.DuckDBPyRelation, safe: duckdb.DuckDBPyRelation, columns: list[Column], located: dict[str, str]
) -> tuple[duckdb.DuckDBPyRelation, dict[str, str]]:
    """Make the tags once of each combination that a file has, not of each line; a map costs as much as ten columns."""
    sources = [column for column in columns if column.sql in located["tags"]]
    names = ", ".join(f"{column.sql} AS {quoted(f'tagged {place}')}" for place, column in enumerate(sources))
    each = bounded(rows, sources, [located["tags"]]).project(", ".join(column.sql for column in sources)).distinct()
    sets = each.project(f"{names}, {located['tags']} AS {quoted('the tags')}").set_alias("tag_sets")
    same = (f"{column.sql} IS NOT DISTINCT FROM {quoted(f'tagged {place}')}" for place, column in enumerate(sources))
    return safe.join(sets, " AND ".join(same), how="left"), {**located, "tags": quoted("the tags")}


def _text_of(name: str, located: dict[str, str]) -> str:
    lines, outcomes = statement(located["query"]), statement("cur_facts/outcomes")
    return f"WITH lines AS (\n{lines}\n),\noutcomes AS (\n{outcomes}\n)\n{statement(f'cur_facts/{name}')}"


def _params(
    connection: duckdb.DuckDBPyConnection, text: str, located: dict[str, str], order: Order
) -> dict[str, str | bool]:
    horizon = f"{order.as_of + AHEAD:%Y-%m-%d}" if order.as_of else _LATEST
    known: dict[str, str | bool] = {
        "horizon": horizon,
        "has_owners": order.owners is not None,
        "source": order.source.path,
    }
    names = connection.extract_statements(text)[0].named_parameters
    return {name: known[name] if name in known else name.removeprefix("has_") in located for name in names}


def _query(connection: duckdb.DuckDBPyConnection, name: str, located: dict[str, str], order: Order) -> pl.DataFrame:
    text = _text_of(name, located)
    rows: pl.DataFrame = connection.sql(text, params=_params(connection, text, located, order)).pl()
    return rows


def _written(connection: duckdb.DuckDBPyConnection, name: str, located: dict[str, str], order: Order) -> Path:
    target = order.folder / f"{name}.parquet"
    # A text of few values costs an eighth as an enumeration: nobody looks up every row's.
    owner, source = (f"CAST({text} AS ENUM({text}))" for text in map(literal, (order.tenant_id, order.source.path)))
    text = f"SELECT {owner} AS tenant_id, * REPLACE ({source} AS source_file) FROM (\n{_text_of(name, located)}\n)"  # noqa: S608  quoted above
    connection.execute(
        f"COPY ({text}) TO {literal(str(target))} ({PARQUET})", _params(connection, text, located, order)
    )
    return target


def _none_passed_over() -> pl.DataFrame:
    texts = dict.fromkeys(("payer", "billing_period", "currency", "outcome", "reason"), pl.String)
    return pl.DataFrame(schema={**texts, "lines": pl.Int64, "cost": pl.Decimal(38, 12)})


def _typed(dialect: Dialect, raw: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Give the dialect's columns their types; `unreadable` names what a row has and nobody can read.

    One step at a time: what stands twice in one projection is worked out for every row, needed or not.
    """
    texts, times = set(dialect.texts), set(dialect.times)
    kinds = {name: "VARCHAR" if name in texts else str(kind) for name, kind in zip(raw.columns, raw.types, strict=True)}
    clean = {
        name: _text(name, is_text=name in texts) if kind == "VARCHAR" and name != "line" else quoted(name)
        for name, kind in kinds.items()
    }
    given = raw.project(", ".join(f"{sql} AS {quoted(name)}" for name, sql in clean.items()))
    readers = {name: _time if name in times else _amount for name in (*times, *dialect.amounts, *dialect.measures)}
    types = {
        **dict.fromkeys(dialect.texts, "VARCHAR"),
        **dict.fromkeys(dialect.times, "TIMESTAMP"),
        **dict.fromkeys((*dialect.amounts, *dialect.measures), "DECIMAL(38, 12)"),
        **dict.fromkeys(dialect.maps, "MAP(VARCHAR, VARCHAR)"),
    }
    read = [
        f"{readers[name](quoted(name), kinds[name]) if name in readers else quoted(name)} AS {quoted(name)}"
        if name in kinds
        else f"CAST(NULL AS {kind}) AS {quoted(name)}"
        for name, kind in types.items()
    ]
    strict = {name: quoted(f"given {name}") for name in chain(dialect.times, dialect.amounts) if name in kinds}
    kept = [f"{quoted(name)} AS {raw}" for name, raw in strict.items()]
    typed = given.project(", ".join([*read, *kept, "line"]))
    lost = {name: f"({raw} IS NOT NULL AND {quoted(name)} IS NULL)" for name, raw in strict.items()}
    names = ", ".join(f"CASE WHEN {test} THEN {literal(name)} END" for name, test in lost.items())
    unreadable = f"CASE WHEN {' OR '.join(lost.values())} THEN concat_ws(', ', {names}) ELSE '' END"
    amount = f"CAST({strict[dialect.required[0]]} AS VARCHAR)"
    return typed.project(", ".join([*map(quoted, types), f"{unreadable} AS unreadable", f"{amount} AS amount", "line"]))


def _text(name: str, *, is_text: bool) -> str:
    """Read a text; the ways in which exporters write nothing are null."""
    text = f"CAST({quoted(name)} AS VARCHAR)" if is_text else quoted(name)
    # Not IN: it would become a join, and there is one for every column.
    nothing = " OR ".join(f"trim({text}) = {literal(each)}" for each in _NOTHING)
    return f"CASE WHEN strlen({text}) <= {_BLANK} AND ({nothing}) THEN NULL ELSE trim({text}) END"


def _amount(column: str, kind: str) -> str:
    """Read an exact decimal of whatever type a month's file has; NaN and infinity are null.

    Of a double, the decimal with the fewest digits is meant: it is read as text, and directly where that is the same.
    """
    if kind not in {"DOUBLE", "FLOAT"}:
        return f"TRY_CAST({column} AS DECIMAL(38, 12))"
    direct = f"TRY_CAST({column} AS DECIMAL(18, 12))"
    same = f"abs({column}) < {_EXACT} AND CAST({direct} AS {kind}) = {column}" if kind == "DOUBLE" else "false"
    text = f"TRY_CAST(CAST({column} AS VARCHAR) AS DECIMAL(38, 12))"
    return f"CASE WHEN {same} THEN CAST({direct} AS DECIMAL(38, 12)) ELSE {text} END"


def _time(column: str, kind: str) -> str:
    """Read an instant as UTC: ISO text with or without a zone (none is UTC), any timestamp type, a count since 1970."""
    if kind == "TIMESTAMP":
        return f"CASE WHEN isfinite({column}) THEN {column} END"
    text = f"CAST({column} AS VARCHAR)"
    digits = f"TRY_CAST({text} AS BIGINT)"
    scales = " ".join(
        f"WHEN {length} THEN make_timestamp({digits} {scale})"
        for length, scale in zip(_EPOCH_DIGITS.values(), ("* 1000000", "* 1000", "", "// 1000"), strict=True)
    )
    instant = f"CAST(TRY_CAST({text} AS TIMESTAMPTZ) AS TIMESTAMP)"
    return f"coalesce({instant}, CASE length(CAST({digits} AS VARCHAR)) {scales} END)"
