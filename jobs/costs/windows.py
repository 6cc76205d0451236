"""The windows in which cost is told, relative to the logical time: seven and thirty days, this month, the last one."""

from datetime import datetime, time, timedelta

import polars as pl

TIME = pl.Datetime("us", "UTC")


def windows(as_of: datetime) -> pl.DataFrame:
    """Return name, since, until (exclusive), and both rounded up to a day; all in UTC, ending at or before `as_of`."""
    month = as_of.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    previous = (month - timedelta(days=1)).replace(day=1)
    bounds = {
        "cost_7d": (as_of - timedelta(days=7), as_of),
        "cost_30d": (as_of - timedelta(days=30), as_of),
        "cost_mtd": (month, as_of),
        "cost_prev_month": (previous, month),
    }
    rows = [(name, since, until, _next_day(since), _next_day(until)) for name, (since, until) in bounds.items()]
    columns = ("since", "until", "since_day", "until_day")
    return pl.DataFrame(rows, schema={"name": pl.String, **dict.fromkeys(columns, TIME)}, orient="row")


def _next_day(at: datetime) -> datetime:
    """Return the first midnight at or after an instant."""
    midnight = datetime.combine(at.date(), time(0), at.tzinfo)
    return midnight if midnight == at else midnight + timedelta(days=1)
