"""The windows in which cost is told, relative to a logical time, and what of a bill line falls into each; in UTC."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal

import polars as pl

TIME = pl.Datetime("us", "UTC")
COST = pl.Decimal(38, 12)
DAY = timedelta(days=1)
WINDOWS = ("cost_7d", "cost_30d", "cost_mtd", "cost_prev_month")
_UNIT = pl.lit(Decimal("1e-12"), dtype=COST)  # what a stored amount counts in


@dataclass(frozen=True, slots=True)
class Window:
    """A window's name and its bounds; `until` is exclusive."""

    name: str
    since: datetime
    until: datetime


def windows(as_of: datetime) -> tuple[Window, ...]:
    """Return the windows that end at or before a logical time: seven and thirty days, this month, the one before."""
    month = midnight(as_of).replace(day=1)
    previous = (month - DAY).replace(day=1)
    return (
        Window("cost_7d", as_of - 7 * DAY, as_of),
        Window("cost_30d", as_of - 30 * DAY, as_of),
        Window("cost_mtd", month, as_of),
        Window("cost_prev_month", previous, month),
    )


def midnight(at: datetime) -> datetime:
    """Return the beginning of an instant's day."""
    return datetime.combine(at.date(), time(0), at.tzinfo)


def placed(lines: pl.LazyFrame, within: tuple[Window, ...], *, spans: bool = True) -> pl.LazyFrame:
    """Add what of every line falls into each window: its cost under the window's name, and `quantity_30d`; else null.

    A line counts where it starts. One that spans more than a day counts day by day, each with its exact share of the
    time (rounded half up at the twelfth decimal): a monthly fee is not the cost of the day on which it is written.
    Lines that touch no window are left out. `spans` says whether any line may be that long.
    """
    first, last = min(window.since for window in within), max(window.until for window in within)
    start, end = pl.col("usage_start"), pl.max_horizontal("usage_end", "usage_start")
    long = (end - start > DAY).fill_null(value=False)
    whole = lines.filter(start >= first, start < last, ~long) if spans else lines.filter(start >= first, start < last)
    counted = whole.with_columns(_whole("cost_primary", each).alias(each.name) for each in within).with_columns(
        _whole("quantity", within[1]).alias("quantity_30d")
    )
    if not spans:
        return counted
    spread = lines.filter(long, start < _next_midnight(last), end >= first)
    shared = spread.with_columns(_share("cost_primary", each).alias(each.name) for each in within).with_columns(
        _share("quantity", within[1]).alias("quantity_30d")
    )
    return pl.concat([counted, shared.filter(pl.any_horizontal(pl.col(WINDOWS).is_not_null()))])


def _whole(amount: str, window: Window) -> pl.Expr:
    start = pl.col("usage_start")
    return pl.when(start >= window.since, start < window.until).then(amount)


def _share(amount: str, window: Window) -> pl.Expr:
    """Return the share of those days of a long line that start inside a window; its first day starts with the line."""
    start, end = pl.col("usage_start"), pl.max_horizontal("usage_end", "usage_start")
    begins = pl.when(start >= window.since).then(start).otherwise(_next_midnight(window.since))
    ends = pl.when(start >= window.until).then(start).otherwise(_next_midnight(window.until))
    inside = (pl.min_horizontal(end, ends) - begins).dt.total_microseconds().cast(pl.Int128)
    span = (end - start).dt.total_microseconds().cast(pl.Int128)
    # Decimal division rounds to its operands' decimals: shares are quotients of integers, in units of 1e-12.
    units = pl.col(amount).cast(COST).to_physical()
    share = (2 * units.abs() * inside + span) // (2 * span) * units.sign()
    return pl.when(inside > 0).then(share.cast(pl.Decimal(38, 0)) * _UNIT)


def _next_midnight(at: datetime) -> datetime:
    """Return the first midnight at or after an instant."""
    day = midnight(at)
    return day if day == at else day + DAY
