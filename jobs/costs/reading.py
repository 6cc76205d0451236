"""One bill file, read by itself and by name: its columns, its dialect, and its lines as staged facts."""

import csv
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import duckdb

from contracts.errors import BillError
from jobs.costs.dialect import Dialect, literal, quoted
from jobs.costs.dialects import recognised
from jobs.costs.opening import bounded, opened
from jobs.sql import session, statement

MEMORY = "1GB"  # what DuckDB holds before it spills beside the staged files
AHEAD = timedelta(days=400)  # a charge later than that after the logical time is a mistake, not a prepayment
STAGED_GROUP = 16_384  # lines the writer of a staged file holds; DuckDB's own 122,880 need twice the memory
_LATEST = datetime(2101, 1, 1, tzinfo=UTC)  # where nobody says what time it is
_EPOCH_DIGITS = {"s": 10, "ms": 13, "us": 16, "ns": 19}  # of an instant between 2001 and 2286


@dataclass(frozen=True, slots=True)
class Staged:
    """A file's lines in Parquet at `staged`: facts, excluded and quarantined ones, told apart by `outcome`.

    `missing` are the columns that its dialect would read and the file lacks: they are null, and a basis that needs
    one is not known.
    """

    path: str
    dialect: Dialect
    staged: Path
    missing: tuple[str, ...] = ()


def stage(path: str, target: Path, payers: Sequence[str] | None, as_of: datetime | None = None) -> Staged:
    """Read one bill and write its lines to `target`, streaming.

    `payers` are those whose lines are the tenant's; None takes all. Raises BillError with the reason when the file
    cannot be read whole, changes meanwhile, or nobody knows its columns; nothing of it is then used.
    """
    # Under a name of ours, a path is neither a glob nor a source of columns (year=2026/ would be one).
    link = target.with_suffix(".bill")
    link.symlink_to(Path(path).absolute())
    before = _state(path)
    try:
        with session() as connection:
            connection.execute(f"SET memory_limit = '{MEMORY}'")
            connection.execute(f"SET temp_directory = {literal(str(target.parent / 'spill'))}")
            dialect, missing = _stage(connection, str(link), target, payers, as_of)
    except (duckdb.Error, OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error, BillError) as error:
        told = error.reason if isinstance(error, BillError) else str(error).replace(str(link), path)
        raise BillError(
            path, _changed(path, before) or told.strip().partition("\n")[0] or type(error).__name__
        ) from error
    changed = _changed(path, before)
    if changed:
        raise BillError(path, changed)
    return Staged(path, dialect, target, missing)


def _state(path: str) -> tuple[int, int, int] | None:
    """Return what tells a file from what it was before; None when it is not there."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def _changed(path: str, before: tuple[int, int, int] | None) -> str | None:
    after = _state(path)
    return None if after == before else "the file changed while it was read: it is read when its writer is done"


def _stage(
    connection: duckdb.DuckDBPyConnection,
    path: str,
    target: Path,
    payers: Sequence[str] | None,
    as_of: datetime | None,
) -> tuple[Dialect, tuple[str, ...]]:
    rows, columns = opened(connection, path)
    dialect = recognised(columns)
    if dialect is None:
        names = ", ".join(column.name[:40] for column in columns[:5])
        raise BillError(path, f"no known bill: its {len(columns)} columns begin with {names}")
    located = dialect.locate(columns)
    lost = [name for name in dialect.required if name not in located]
    if lost:
        raise BillError(path, f"a bill of dialect {dialect.name} without {', '.join(lost)}")
    bounded(rows, columns, located.values()).project(", ".join(_projection(dialect, located))).to_view("bill")
    for name, lookup in dialect.lookups.items():
        connection.register(name, lookup)
    text = f"WITH lines AS (\n{statement(dialect.query)}\n)\n{statement('cur_facts/outcomes')}"
    horizon = as_of + AHEAD if as_of else _LATEST
    known = {"payers": payers, "horizon": horizon.isoformat()}
    params = {
        name: known[name] if name in known else name.removeprefix("has_") in located
        for name in connection.extract_statements(text)[0].named_parameters
    }
    form = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {STAGED_GROUP}"
    connection.execute(f"COPY ({text}) TO {literal(str(target))} ({form})", params)
    return dialect, tuple(name for name in dialect.reads if name not in located)


def _projection(dialect: Dialect, located: dict[str, str]) -> list[str]:
    """Select the dialect's columns in their types; `unreadable` names what a row has and nobody can read."""
    readers = {
        **dict.fromkeys(dialect.texts, _text),
        **dict.fromkeys(dialect.times, _time),
        **dict.fromkeys((*dialect.amounts, *dialect.measures), _amount),
    }
    types = {
        **dict.fromkeys(dialect.texts, "VARCHAR"),
        **dict.fromkeys(dialect.times, "TIMESTAMPTZ"),
        **dict.fromkeys((*dialect.amounts, *dialect.measures), "DECIMAL(38, 12)"),
        **dict.fromkeys(dialect.maps, "MAP(VARCHAR, VARCHAR)"),
    }
    selected = [
        f"{readers[name](located[name]) if name in readers else located[name]} AS {quoted(name)}"
        if name in located
        else f"CAST(NULL AS {kind}) AS {quoted(name)}"
        for name, kind in types.items()
    ]
    strict = [name for name in chain(dialect.times, dialect.amounts) if name in located]
    lost = (
        f"CASE WHEN {_text(located[name])} IS NOT NULL AND {readers[name](located[name])} IS NULL"
        f" THEN {literal(name)} END"
        for name in strict
    )
    return [*selected, f"concat_ws(', ', {', '.join(lost)}) AS unreadable"]


def _text(column: str) -> str:
    """Read a text; the ways in which exporters write nothing are null."""
    trimmed = f"trim(CAST({column} AS VARCHAR))"
    return f"CASE WHEN {trimmed} NOT IN ('', 'NULL', 'null', 'None', '-') THEN {trimmed} END"


def _amount(column: str) -> str:
    """Read an exact decimal of whatever type a month's file has; NaN and infinity are null."""
    return f"TRY_CAST({_text(column)} AS DECIMAL(38, 12))"


def _time(column: str) -> str:
    """Read an instant: ISO text with or without a zone (none is UTC), any timestamp type, or a count since 1970."""
    text = _text(column)
    digits = f"TRY_CAST({text} AS BIGINT)"
    scales = " ".join(
        f"WHEN {length} THEN make_timestamptz({digits} {scale})"
        for length, scale in zip(_EPOCH_DIGITS.values(), ("* 1000000", "* 1000", "", "// 1000"), strict=True)
    )
    return f"coalesce(TRY_CAST({text} AS TIMESTAMPTZ), CASE length(CAST({digits} AS VARCHAR)) {scales} END)"
