"""What the whole bill of a tenant tells, whichever of its resources are asked about: how far, of what, which days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from jobs.costs.windows import DAY, TIME, WINDOWS, midnight, windows

PAYER = ("provider", "payer_account_id")
SERVICE = (*PAYER, "service")
# What many lines have in common, and often all of them: where, what else, where from.
PLACE = ("region", "service", "provider")
LINE = (*PLACE, "payer_account_id", "usage_type", "unit", "currency", "cost_basis", "commitment_id")
ORIGIN = ("billing_period", "source_file", "invoice_final")
DAYS = {name: name.replace("cost_", "days_") for name in WINDOWS}


@dataclass(frozen=True, slots=True)
class Bill:
    """What is told of a tenant's whole bill; made once from all facts and handed to every part of the work.

    payers     provider, payer_account_id, as_of, spans: where the payer's windows end, and whether it has lines of more
               than a day
    services   provider, payer_account_id, service, as_of, data_through, days_7d, days_30d, days_mtd, days_prev_month:
               the instant up to which there is usage, at most as_of, and the days with usage in each window
    providers  provider, names_resources, in_windows, through: whether any line names a resource, whether any falls
               into a window, and the last usage there is
    alike      those of LINE and ORIGIN that are the same in every line, and what they are
    """

    payers: pl.DataFrame
    services: pl.DataFrame
    providers: pl.DataFrame
    alike: Mapping[str, str | bool | None]


def read_bill(facts: pl.LazyFrame, as_of: datetime | None = None, latest: datetime | None = None) -> Bill:
    """Read what all facts of a tenant tell.

    Windows end at `as_of`; where it is not given, at the end of the last complete day in each payer's bill, and not
    after `latest`. Usage lines only say how far a bill tells: fees and taxes are dated to the whole month before it is
    over. Of a bill that has lines of a day or less, these say it; a line of a month may be written before its end.
    """
    days = _days(facts)
    payers = _payers(days.filter("used"), days, as_of, latest)
    return Bill(payers, _services(days.filter("used"), payers), _providers(days, payers), _alike(facts))


def _days(facts: pl.LazyFrame) -> pl.DataFrame:
    """Return what there is per service and pair of first and last usage day: little, however long the bill is."""
    start, end = pl.col("usage_start"), pl.max_horizontal("usage_end", "usage_start")
    last = pl.when(end - start > DAY).then(end - pl.duration(microseconds=1)).otherwise(start)
    return (
        facts.group_by(
            *SERVICE,
            used=pl.col("charge_category").fill_null("Usage") == "Usage",
            first_day=start.dt.date(),
            last_day=last.dt.date(),
        )
        .agg(since=start.min(), through=end.max(), names_resources=pl.col("resource_id").is_not_null().any())
        .collect(engine="streaming")
    )


def _alike(facts: pl.LazyFrame) -> Mapping[str, str | bool | None]:
    for first in facts.select(LINE + ORIGIN).head(1).collect(engine="streaming").to_dicts():
        others = [facts.filter(pl.col(name).ne_missing(value)).select(name).head(1) for name, value in first.items()]
        found = pl.collect_all(others, engine="streaming")  # each skips all row groups whose statistics say it
        return {name: value for (name, value), other in zip(first.items(), found, strict=True) if other.is_empty()}
    return {}


def _payers(used: pl.DataFrame, days: pl.DataFrame, as_of: datetime | None, latest: datetime | None) -> pl.DataFrame:
    payers = days.group_by(PAYER).agg(spans=(pl.col("first_day") < pl.col("last_day")).any())
    if as_of is not None:
        return payers.with_columns(as_of=pl.lit(as_of, dtype=TIME))
    short = pl.col("through").filter(pl.col("first_day") == pl.col("last_day")).max()
    ends = used.group_by(PAYER).agg(as_of=pl.coalesce(short, pl.col("through").max()).dt.truncate("1d"))
    known = payers.join(ends, on=PAYER, how="left", nulls_equal=True)
    end = pl.coalesce("as_of", pl.lit(days["through"].max(), dtype=TIME))
    return known.with_columns(end if latest is None else pl.min_horizontal(end, pl.lit(midnight(latest), dtype=TIME)))


def _services(used: pl.DataFrame, payers: pl.DataFrame) -> pl.DataFrame:
    told = used.join(payers, on=PAYER, nulls_equal=True)
    through = told.group_by(*SERVICE, "as_of").agg(
        data_through=pl.min_horizontal(pl.col("through").max(), pl.col("as_of").first())
    )
    every = told.select(*SERVICE, "as_of", day=pl.date_ranges("first_day", "last_day")).explode("day").unique()
    begin = pl.col("day").cast(TIME)
    inside = (begin >= pl.col("since")) & (begin < pl.col("until"))
    counted = (
        every.join(_bounds(payers["as_of"].unique().to_list()), on="as_of")
        .group_by(SERVICE)
        .agg(((pl.col("name") == name) & inside).sum().alias(days) for name, days in DAYS.items())
    )
    return through.join(counted, on=SERVICE, nulls_equal=True)


def _bounds(ends: list[datetime]) -> pl.DataFrame:
    rows = [(as_of, each.name, each.since, each.until) for as_of in ends for each in windows(as_of)]
    return pl.DataFrame(rows, {"as_of": TIME, "name": pl.String, "since": TIME, "until": TIME}, orient="row")


def _providers(days: pl.DataFrame, payers: pl.DataFrame) -> pl.DataFrame:
    bounds = (
        _bounds(payers["as_of"].unique().to_list())
        .group_by("as_of")
        .agg(first=pl.col("since").min(), last=pl.col("until").max())
    )
    placed = days.join(payers, on=PAYER, nulls_equal=True).join(bounds, on="as_of")
    return placed.group_by("provider").agg(
        names_resources=pl.col("names_resources").any(),
        in_windows=((pl.col("since") < pl.col("last")) & (pl.col("through") >= pl.col("first"))).any(),
        through=pl.col("through").filter("used").max(),
    )
