"""Identity: the fingerprint says which claim this is, the finding_id which stored row (ADR 0002)."""

from typing import Literal

import polars as pl
import polars_hash as plh

from contracts.canonical import IDENTITY

RECIPE = "finops-fingerprint-1"  # the first field of every tuple; a new recipe is a new name
FindingIdMode = Literal["stable", "per_run", "per_day"]


def fingerprint() -> pl.Expr:
    """Hash the canonical identity columns to 64 hex digits; null when one of them is null."""
    return tuple_digest(pl.lit(RECIPE), *(pl.col(name) for name in IDENTITY))


def finding_id(mode: FindingIdMode, run_id: str, run_date: str) -> pl.Expr:
    """Derive the storage id from `fingerprint`: the same for ever, per run, or per day."""
    if mode == "stable":
        return pl.col("fingerprint").str.head(32)
    scope = run_id if mode == "per_run" else run_date
    return tuple_digest(pl.col("fingerprint"), pl.lit(mode), pl.lit(scope)).str.head(32)


def tuple_digest(*fields: pl.Expr) -> pl.Expr:
    """SHA-256 (hex) of `<bytes>:<value>` for every field in turn.

    The length stands before the value, so no two different tuples make the same text, whatever separators, NULs or
    digits they hold. Null if any field is null.
    """
    parts: list[pl.Expr] = []
    for field in fields:
        parts += [field.str.len_bytes().cast(pl.String), pl.lit(":"), field]
    digest: pl.Expr = plh.concat_str(parts).chash.sha2_256()
    return digest
