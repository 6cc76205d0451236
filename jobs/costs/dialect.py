"""What a dialect of bills is made of: a recogniser, where its columns are, and the query that makes facts of them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

TAG_LIMIT = 4096  # bytes; AWS and Azure allow a tag's value 256 characters, Google Cloud 63


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a bill file, or a field of one: its name as delivered, the SQL that reads it, and its DuckDB type."""

    name: str
    sql: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One kind of bill.

    name        what reports call it
    rank        dialects are asked in this order; a narrower one comes before the wider one it looks like
    recognise   says by the columns' names and types whether a file is of this dialect
    locate      maps the query's columns to SQL expressions over the file's; what the file lacks is absent
    texts, times, amounts, measures   the columns the query reads, by how they are read; a missing one is null; a time
                or amount that cannot be read puts its row into quarantine, a measure is merely unknown then
    required    of these, the ones without which a file says nothing
    maps        columns of type MAP(VARCHAR, VARCHAR)
    query       the SELECT, a name under `sql/`, over `bill` and the lookups; `$has_<column>` is whether a file has it
    """

    name: str
    rank: int
    recognise: Callable[[Sequence[Column]], bool]
    locate: Callable[[Sequence[Column]], dict[str, str]]
    texts: tuple[str, ...]
    times: tuple[str, ...]
    amounts: tuple[str, ...]
    measures: tuple[str, ...]
    required: tuple[str, ...]
    query: str
    maps: tuple[str, ...] = ("tags",)
    lookups: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def reads(self) -> tuple[str, ...]:
        """Every column the query reads."""
        return (*self.texts, *self.times, *self.amounts, *self.measures, *self.maps)


def quoted(identifier: str) -> str:
    """Return an SQL identifier; a column may be called anything."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return an SQL string; tag keys and column names may hold anything."""
    return "'" + text.replace("'", "''") + "'"


def snake(name: str) -> str:
    """Spell a slash name as Athena does: `savingsPlan/SavingsPlanARN` is `savings_plan_savings_plan_a_r_n`."""
    prefix, slash, rest = name.partition("/")
    if not slash:
        return name.lower()
    return re.sub("_+", "_", "_".join(re.sub("([A-Z])", r"_\1", part) for part in (prefix, rest))).lower()


def text_of(column: Column) -> str:
    """Read a column as text, a nested one as JSON."""
    nested = column.kind.endswith("[]") or column.kind.startswith(("MAP(", "STRUCT("))
    return f"CAST({f'to_json({column.sql})' if nested else column.sql} AS VARCHAR)"


def records(column: Column, *fields: str) -> str:
    """Read a list of records as a list of structs of texts, whatever it is delivered as; null when it is no such list.

    Exports flattened by scripts hold the list as JSON or as Python writes it: both are read. A field that a record
    lacks is null; of JSON, others are ignored.
    """
    shape = f"STRUCT({', '.join(f'{quoted(field)} VARCHAR' for field in fields)})[]"
    text = text_of(column)
    return f"coalesce(TRY_CAST(TRY_CAST({text} AS JSON) AS {shape}), TRY_CAST({text} AS {shape}))"


def entries(column: Column) -> str:
    """Read a MAP, STRUCT, list of {key, value}, or JSON text as a list of {key, value}; null when it is none of them.

    Text may lack its outer braces, as Azure's tags do, and may repeat a key: every entry is in the list.
    """
    if column.kind.startswith("MAP("):
        return f"map_entries(CAST({column.sql} AS MAP(VARCHAR, VARCHAR)))"
    if column.kind.startswith("STRUCT(") and not column.kind.endswith("[]"):
        return f"map_entries(CAST(to_json({column.sql}) AS MAP(VARCHAR, VARCHAR)))"
    text = f"trim({text_of(column)})"
    braced = f"CASE WHEN left({text}, 1) IN ('{{', '[') THEN {text} ELSE '{{' || {text} || '}}' END"
    parsed = f"TRY_CAST({braced} AS JSON)"
    zipped = f"list_zip(json_keys({parsed}), json_extract_string({parsed}, '$.*'))"
    return (
        f"CASE WHEN json_type({parsed}) = 'OBJECT'"
        f" THEN list_transform({zipped}, lambda each: {{'key': each[1], 'value': each[2]}})"
        f" ELSE {records(column, 'key', 'value')} END"
    )


def value_of(column: Column, key: str) -> str:
    """Read one key's value of what `entries` reads."""
    return f"list_filter({entries(column)}, lambda each: each.key = {literal(key)})[-1].value"


def merged(pairs: str) -> str:
    """Make a map of a list of {key, value}: blank values left out, of one key the last one stays.

    A value beyond TAG_LIMIT is an error of the query: a small file can hold gigabytes of them.
    """
    refusal = literal(f"a tag of more than {TAG_LIMIT} bytes: no bill has one")
    long = f"strlen(each.value) > {TAG_LIMIT}"
    kept = f"list_filter({pairs}, lambda each: CASE WHEN {long} THEN error({refusal}) ELSE trim(each.value) <> '' END)"
    return (
        f"map_from_entries(list_filter({kept}, lambda each, position: NOT list_contains("
        f"list_transform({kept}[position + 1:], lambda later: later.key), each.key)))"
    )
