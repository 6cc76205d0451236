"""Digests of rows: the same for the same rows in any order, and in every version of every engine.

A row's text is its columns' in the order of the schema, each written so that no two different values look the same:

null            `~`
any other value `<bytes>:<text>`, the length in bytes of the UTF-8 text before it; the text is
  string        itself
  integer       decimal digits, `-` before a negative one
  boolean       `true` or `false`
  date          days since 1970-01-01, as an integer
  time          microseconds since 1970-01-01T00:00:00Z, as an integer
  decimal       all digits of its scale, `-` before a negative one: `1.500000`
  struct        the fields as a row's columns
  list          the elements as a row's columns, in their order
  map           of every entry key and value as a row's columns; entries in the order of that text, by code point

A row's number is the first 16 bytes of the SHA-256 of its text, big endian. A digest is how many rows there are and the
sum of their numbers modulo 2**128: a row that is missing, there twice or changed changes it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
import polars_hash as plh

_WORDS = range(4)  # the 16 bytes are added up as four numbers of 32 bits, which 2**31 rows do not overflow
_HEX_DIGITS = 8
_MODULUS = 2**128
Kind = pl.DataType | pl.datatypes.DataTypeClass


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """How many rows, and the sum of their numbers."""

    rows: int
    total: int

    def __add__(self, other: "Digest") -> "Digest":
        return Digest(self.rows + other.rows, (self.total + other.total) % _MODULUS)

    def __str__(self) -> str:
        return f"{self.rows}:{self.total:032x}"


def digest(rows: pl.LazyFrame, *, without: Collection[str] = ()) -> Digest:
    """Digest all rows, leaving columns out if wanted."""
    sums = _numbers(rows, (), without).sum()
    counted = rows.select(pl.len())
    (total,), (count,) = (each.rows() for each in pl.collect_all([sums, counted], engine="streaming"))
    return _digest(count[0], total)


def digests(
    rows: pl.LazyFrame, partition: Sequence[str], *, without: Collection[str] = ()
) -> Mapping[tuple[str, ...], Digest]:
    """Digest the rows of every partition; its key is the texts of its columns, and an empty one is not there."""
    key = [pl.col(name).cast(pl.String).alias(f"__{name}") for name in partition]
    words = [f"__{word}" for word in _WORDS]
    sums = _numbers(rows, key, without).group_by([f"__{name}" for name in partition])
    found = sums.agg(pl.len().alias("__rows"), pl.col(words).sum()).collect(engine="streaming")
    width = len(partition)
    return {row[:width]: _digest(row[width], row[width + 1 :]) for row in sorted(found.rows(), key=str)}


def row_hash(schema: Mapping[str, pl.DataType], *, without: Collection[str] = ()) -> pl.Expr:
    """SHA-256 (hex) of a row's text."""
    columns = [_text(pl.col(name), dtype) for name, dtype in schema.items() if name not in without]
    hashed: pl.Expr = plh.concat_str(columns).chash.sha2_256()
    return hashed


def _numbers(rows: pl.LazyFrame, key: Sequence[pl.Expr], without: Collection[str]) -> pl.LazyFrame:
    hashed = rows.select(*key, __hash=row_hash(rows.collect_schema(), without=without))
    words = {
        f"__{word}": pl.col("__hash").str.slice(word * _HEX_DIGITS, _HEX_DIGITS).str.to_integer(base=16, dtype=pl.Int64)
        for word in _WORDS
    }
    return hashed.with_columns(**words).drop("__hash")


def _digest(rows: int, words: Sequence[int]) -> Digest:
    total = 0
    for word in words:
        total = (total << 32) + word
    return Digest(rows, total % _MODULUS)


def _text(value: pl.Expr, dtype: Kind) -> pl.Expr:
    """Write a value and its length, or that it is null."""
    text = _bare(value, dtype)
    return pl.concat_str(text.str.len_bytes().cast(pl.String), pl.lit(":"), text).fill_null("~")


def _bare(value: pl.Expr, dtype: Kind) -> pl.Expr:
    """Write a value; null if it is null."""
    if isinstance(dtype, pl.Struct):
        fields = [_text(value.struct.field(field.name), field.dtype) for field in dtype.fields]
        return pl.when(value.is_not_null()).then(pl.concat_str(fields))
    if isinstance(dtype, pl.List):
        return value.list.eval(_text(pl.element(), dtype.inner)).list.join("")
    if isinstance(dtype, pl.Map):
        entry = (_text(pl.element().struct.field(part), getattr(dtype, part)) for part in ("key", "value"))
        return value.map.entries().list.eval(pl.concat_str(*entry)).list.sort().list.join("")
    if isinstance(dtype, pl.Datetime):
        return value.dt.timestamp("us").cast(pl.String)
    if isinstance(dtype, pl.Date):
        return value.cast(pl.Int64).cast(pl.String)
    if dtype.is_float():
        raise TypeError("a float has no text that every engine writes alike")
    return value.cast(pl.String)
