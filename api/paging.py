"""Keyset pages: one page of the rows that a filter leaves, in a total order, nulls last."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from jobs.rendering import json_value

_ROW = "__row"


@dataclass(frozen=True, slots=True)
class Key:
    """One column of an order; text, a number or a decimal, so that its values survive a cursor exactly."""

    name: str
    column: pl.Expr
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """Some rows in order, and the sort values to go on after; None on the last page."""

    rows: pl.DataFrame
    last: list[Any] | None


def by(*names: str) -> list[Key]:
    """Return an ascending order over columns."""
    return [Key(name, pl.col(name)) for name in names]


def cut(
    frame: pl.DataFrame, where: Sequence[pl.Expr], order: Sequence[Key], after: Sequence[Any] | None, limit: int
) -> Cut:
    """Return the first `limit` rows behind `after`; `order` as a whole must be unique per row.

    Sorts the order's columns only, whatever the width of the frame.
    """
    keys = frame.lazy().with_row_index(_ROW).filter(*where)
    keys = keys.select(_ROW, *(key.column.alias(key.name) for key in order))
    if after is not None:
        keys = keys.filter(_beyond(order, after, keys.collect_schema()))
    names, descending = [key.name for key in order], [key.descending for key in order]
    chosen = keys.sort(names, descending=descending, nulls_last=True).head(limit + 1).collect()
    more = chosen.height > limit
    last = [json_value(value) for value in chosen.select(names).row(limit - 1)] if more else None
    return Cut(frame[chosen[_ROW].head(limit)], last)


def _beyond(order: Sequence[Key], after: Sequence[Any], schema: pl.Schema) -> pl.Expr:
    """Say whether a row stands behind the given values: equal in the first keys, behind in the next."""
    behind = pl.lit(value=False)
    for key, value in reversed(list(zip(order, after, strict=True))):
        column = pl.col(key.name)
        if value is None:  # nulls are last: only another null can stand behind, by the keys that follow
            behind = column.is_null() & behind
            continue
        given = pl.lit(value).cast(schema[key.name])
        further = (column < given) if key.descending else (column > given)
        behind = further | column.is_null() | ((column == given) & behind)
    return behind
