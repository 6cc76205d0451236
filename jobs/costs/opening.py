"""How a bill file is opened: what is inside says how it is read, and what no bill has inside is refused by name."""

import csv
import gzip
import json
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import duckdb

from contracts.errors import BillError
from jobs.costs.dialect import Column, literal, quoted

# What no bill reaches. A file beyond is broken or made to fill memory and disk; it is named and skipped.
HEADER_LIMIT = 1 << 20  # characters of a CSV header: a report has some hundred columns, never a megabyte of names
VALUE_LIMIT = 1 << 16  # bytes of one value: the longest are 50 tags of 128 + 256 characters as JSON
CHUNK_LIMIT = 1 << 29  # bytes of one column of one Parquet row group, decoded: writers make groups of about 128 MiB
LINES_LIMIT = 1_000_000_000  # lines of one file: the largest months have a tenth of that, in many files
LINES_PER_BYTE = 100  # of Parquet: even equal lines, which no bill has, take more with a dozen columns
LINES_FLOOR = 10_000_000  # lines that are read whatever they take
GZIP_RATIO = 250  # decoded bytes per byte: reports have 10 to 60, a line repeated for ever has up to 1000
GZIP_SAMPLE = 1 << 26  # decoded bytes by which a file is judged; what follows is streamed and needs no memory

Compression = Literal["gzip", "none"]
_PARQUET, _GZIP = b"PAR1", b"\x1f\x8b"
_DELIMITERS = ",;\t|"  # a spreadsheet saves CSV with semicolons where the comma is the decimal mark


def is_parquet(path: str) -> bool:
    """Say whether a file is Parquet, by its first bytes."""
    with Path(path).open("rb") as file:
        return file.read(4) == _PARQUET


def opened(connection: duckdb.DuckDBPyConnection, path: str) -> tuple[duckdb.DuckDBPyRelation, list[Column]]:
    """Open Parquet, CSV or JSON (the last two also gzipped) and name its columns, fields of records as `record.field`.

    Raises BillError for a file beyond the limits, and csv.Error, OSError or duckdb.Error for one that cannot be read.
    """
    with Path(path).open("rb") as file:
        magic = file.read(4)
    if magic == _PARQUET:
        return _parquet(connection, path)
    compressed = magic.startswith(_GZIP)
    if compressed:
        _check_expansion(path)
    first = _first_line(path, compressed=compressed)
    compression: Compression = "gzip" if compressed else "none"
    if first.lstrip().startswith(("{", "[")):
        return _json(connection, path, compression)
    return _csv(connection, path, first, compression)


def bounded(
    rows: duckdb.DuckDBPyRelation, columns: Sequence[Column], expressions: Iterable[str]
) -> duckdb.DuckDBPyRelation:
    """Make a long text that one of the expressions reads an error of the query, before anything is done with it.

    One long value and a million references to it are small in a Parquet file and would fill the memory.
    """
    read = " ".join(expressions)
    lengths = [f"strlen({column.sql})" for column in columns if column.kind == "VARCHAR" and column.sql in read]
    refusal = literal(f"a value of more than {VALUE_LIMIT} bytes: no bill has one")
    return rows.filter(
        f"CASE WHEN coalesce(greatest(0, {', '.join(lengths)}), 0) > {VALUE_LIMIT} THEN error({refusal}) ELSE true END"
    )


def read_as_they_are(columns: Sequence[Column], expressions: Iterable[str]) -> str:
    """Make a line's JSON of the columns that the expressions read, under the file's names and in its own text."""
    read = " ".join(expressions)
    own = [column for column in columns if column.sql in read and '"."' not in column.sql]
    fields = ", ".join(f"{literal(each.name)}, CAST({each.sql} AS VARCHAR)" for each in own)
    return f"CAST(json_object({fields}) AS VARCHAR)"


def _parquet(connection: duckdb.DuckDBPyConnection, path: str) -> tuple[duckdb.DuckDBPyRelation, list[Column]]:
    ((lines,),) = connection.execute("SELECT num_rows FROM parquet_file_metadata($1)", [path]).fetchall()
    size = Path(path).stat().st_size
    if lines > min(LINES_LIMIT, max(LINES_FLOOR, size * LINES_PER_BYTE)):
        raise BillError(path, f"{lines} lines in {size} bytes: no bill has so many")
    chunks = (
        "SELECT path_in_schema, total_uncompressed_size FROM parquet_metadata($1) WHERE total_uncompressed_size > $2"
    )
    for name, decoded in connection.execute(chunks, [path, CHUNK_LIMIT]).fetchall():
        raise BillError(path, f"column {name} decodes to {decoded} bytes in one row group, more than {CHUNK_LIMIT}")
    # Old writers leave out that their bytes are text.
    rows = connection.read_parquet(path, binary_as_string=True)
    return rows, _columns(rows)


def _json(
    connection: duckdb.DuckDBPyConnection, path: str, compression: Compression
) -> tuple[duckdb.DuckDBPyRelation, list[Column]]:
    """Open a JSON file of records, one a line or in one list; every scalar is text, as it is written."""
    text = "SELECT json_group_structure(json) FROM read_json_objects($1, compression = $2)"
    ((found,),) = connection.execute(text, [path, compression]).fetchall()
    structure = json.loads(found or "null")
    if not isinstance(structure, dict):
        raise csv.Error("JSON that is no list of records")
    if len({name.lower() for name in structure}) < len(structure):
        return _apart(connection, path, compression, structure)
    types = {name: _textual(kind) for name, kind in structure.items()}
    rows = connection.read_json(path, columns=types, compression=compression)
    return rows, _columns(rows)


def _apart(
    connection: duckdb.DuckDBPyConnection, path: str, compression: Compression, names: Iterable[str]
) -> tuple[duckdb.DuckDBPyRelation, list[Column]]:
    """Open JSON with keys that differ in case only, such as tags: no record can hold both, so each is looked up."""
    rows = connection.sql(
        "SELECT json FROM read_json_objects($path, compression = $compression)",
        params={"path": path, "compression": compression},
    )
    pointers = {name: literal("/" + name.replace("~", "~0").replace("/", "~1")) for name in names}
    return rows, [
        Column(name, f"json_extract_string(json, {pointer})", "VARCHAR") for name, pointer in pointers.items()
    ]


def _textual(structure: Any) -> str:
    """Return the DuckDB type of a JSON structure with texts for its scalars."""
    if isinstance(structure, dict):
        return f"STRUCT({', '.join(f'{quoted(name)} {_textual(kind)}' for name, kind in structure.items())})"
    return f"{_textual(structure[0])}[]" if isinstance(structure, list) else "VARCHAR"


def _csv(
    connection: duckdb.DuckDBPyConnection, path: str, header: str, compression: Compression
) -> tuple[duckdb.DuckDBPyRelation, list[Column]]:
    if len(header) == HEADER_LIMIT:
        raise csv.Error("no header line")
    delimiter = max(_DELIMITERS, key=lambda mark: len(next(csv.reader([header], delimiter=mark), [])))
    names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
    if not names:
        raise csv.Error("no header line")
    identifiers = [f"c{place}" for place in range(len(names))]
    rows = connection.read_csv(
        path,
        columns=dict.fromkeys(identifiers, "VARCHAR"),
        auto_detect=False,  # what is not said here would be guessed from the first lines
        header=True,
        sep=delimiter,
        quotechar='"',
        escapechar='"',
        compression=compression,
    )
    # A line of CSV is at most 2 MB, as DuckDB's reader has it, and so is a value.
    return rows, [Column(name, quoted(each), "VARCHAR") for name, each in zip(names, identifiers, strict=True)]


def _first_line(path: str, *, compressed: bool) -> str:
    opener: Any = gzip.open if compressed else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        line: str = file.readline(HEADER_LIMIT)
    return line


def _check_expansion(path: str) -> None:
    """Refuse a gzip file that grows as none of a bill does."""
    decoded = 0
    with Path(path).open("rb") as file, gzip.open(file) as inside:
        while decoded < GZIP_SAMPLE and (block := len(inside.read(1 << 20))):
            decoded += block
        read = file.tell()
    if decoded >= GZIP_SAMPLE and decoded > read * GZIP_RATIO:
        raise BillError(path, f"{read} bytes decode to {decoded} and more: no bill compresses so well")


def _columns(rows: duckdb.DuckDBPyRelation) -> list[Column]:
    named = zip(rows.columns, rows.types, strict=True)
    return list(chain.from_iterable(_nested(name, quoted(name), kind) for name, kind in named))


def _nested(name: str, sql: str, kind: Any) -> list[Column]:
    """Return a column and, of a record, its fields; one that has no value in the whole file is as good as absent."""
    if kind.id == "null":
        return []
    fields = kind.children if kind.id == "struct" else []
    inside = chain.from_iterable(_nested(f"{name}.{each}", f"{sql}.{quoted(each)}", of) for each, of in fields)
    return [Column(name, sql, str(kind)), *inside]
