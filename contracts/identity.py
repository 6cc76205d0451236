"""Identity: the fingerprint says which claim this is, the finding_id which stored row (ADR 0002)."""

from typing import Literal

import polars as pl
import polars_hash as plh

from contracts.canonical import IDENTITY

RECIPE = "finops-fingerprint-1"  # the first field of every tuple; a new recipe is a new name
_PLACE = IDENTITY[:5]  # tenant, workspace, provider, account, region
FindingIdMode = Literal["stable", "per_run", "per_day"]


def place(frame: pl.DataFrame) -> pl.Series:
    """Return `__place`, which `fingerprint` reads: the beginning of every row's tuple, up to the region.

    Neighbouring rows are mostly of one unit, for which it is written once.
    """
    run = frame.select(pl.struct(_PLACE).rle_id()).to_series()
    first = frame.select(_PLACE).filter(run.is_first_distinct())
    written = first.select(_written(pl.lit(RECIPE), *map(pl.col, _PLACE))).to_series()
    return written.gather(run).alias("__place")


def fingerprint() -> pl.Expr:
    """Hash the canonical identity columns to 64 hex digits, with `place` before the others; null when one is null."""
    claim = (pl.col(name) for name in IDENTITY[len(_PLACE) :])
    return _digest(pl.concat_str("__place", _written(*claim)))


def beginning(column: str) -> pl.Expr:
    """Return the first 16 digits of fingerprints as numbers, which sort as they do; null for what is none."""
    return (
        pl.col(column).str.head(16).str.decode("hex", strict=False).bin.reinterpret(dtype=pl.UInt64, endianness="big")
    )


def finding_id(mode: FindingIdMode, run_id: str, run_date: str) -> pl.Expr:
    """Derive the storage id from `fingerprint`: the same for ever, per run, or per day."""
    if mode == "stable":
        return pl.col("fingerprint").str.head(32)
    scope = run_id if mode == "per_run" else run_date
    return _digest(_written(pl.col("fingerprint"), pl.lit(mode), pl.lit(scope))).str.head(32)


def _written(*fields: pl.Expr) -> pl.Expr:
    """Write a tuple as `<bytes>:<value>` for every field in turn.

    The length stands before the value, so no two different tuples make the same text, whatever separators, NULs or
    digits they hold. Null if any field is null.
    """
    parts: list[pl.Expr] = []
    for field in fields:
        parts += [field.str.len_bytes().cast(pl.String), pl.lit(":"), field]
    return pl.concat_str(parts)


def _digest(text: pl.Expr) -> pl.Expr:
    digest: pl.Expr = plh.concat_str(text).chash.sha2_256()
    return digest
