"""Bill lines added up: read once, per resource, window and kind of line."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from contracts.tables import CUR_FACTS
from jobs.costs.bill import LINE, ORIGIN, PAYER, PLACE, SERVICE, Bill
from jobs.costs.windows import DAY, WINDOWS, placed, windows

# What kinds of lines are, in the order in which they are numbered.
_LINE = [*LINE, "covered"]
_KIND = [*_LINE, *ORIGIN]
_RESOURCE = ["account_id", "resource_id"]
_INVOICED = timedelta(days=15)  # after a month's end; AWS finalises within about ten days
_NEVER = datetime(2006, 1, 1, tzinfo=UTC)  # before any bill
_SUMS = [*WINDOWS, "quantity_30d"]
_COUNTS = {name: name.replace("cost_", "lines_") for name in WINDOWS}


@dataclass(frozen=True, slots=True)
class Billed:
    """What some bill lines name and cost; `id` and `kind` are row numbers of the frames so called.

    ids    id, provider, account_id, region, service, resource_id (null: what names nothing); sorted
    cells  account_id, resource_id, id, kind, and per window the sum (cost_30d) and number (lines_30d) of its lines, and
           quantity_30d; null where the resource is named outside the windows only; sorted
    kinds  what the lines are and come from; how far the bill of their service tells; `overdue`: whether their month has
           long been over without an invoice
    """

    ids: pl.DataFrame
    cells: pl.DataFrame
    kinds: pl.DataFrame


def billed_ids(facts: pl.LazyFrame) -> pl.LazyFrame:
    """Return the distinct resources of bill lines, with the services and regions they are billed under."""
    return facts.select(*_RESOURCE, *PLACE).filter(pl.col("resource_id").is_not_null()).unique()


def billed(facts: pl.LazyFrame, bill: Bill) -> Billed:
    """Add up bill lines, those that name no resource too, and list what any of them names."""
    ends = bill.payers["as_of"].unique().sort().to_list() or [_NEVER]  # no lines still have columns
    since = max(min(each.since for each in windows(as_of)) for as_of in ends)
    start = pl.col("usage_start")
    others = facts.filter(~start.is_between(since, ends[0], closed="left") | (pl.col("usage_end") - start > DAY))
    unlike = [name for name in _KIND if name not in bill.alike]
    sums = [_summed(facts, unlike, bill.payers, as_of, alone=len(ends) == 1) for as_of in ends]
    elsewhere = billed_ids(others).select(pl.exclude(bill.alike))
    found = pl.concat([*sums, elsewhere], how="diagonal").collect(engine="streaming").with_row_index("cell")
    # Grouped again by kind, each of them is sorted and numbered as one row.
    alike = (pl.lit(value, CUR_FACTS.polars_schema[name]).alias(name) for name, value in bill.alike.items())
    kinds = found.group_by(unlike).agg("cell").with_columns(alike).sort(_KIND).with_row_index("kind")
    numbers = kinds.select("kind", "cell").explode("cell").sort("cell")["kind"]
    cells = found.drop("cell", *unlike).with_columns(numbers).sort(*_RESOURCE, "kind")
    kinds = _told(kinds.select("kind", *_KIND), bill)
    cells = cells.hstack(kinds.select("place")[cells["kind"]])
    cells = cells.with_columns(id=_changes([*_RESOURCE, "place"]).cum_sum() - 1)
    named = cells.filter(_changes(["id"])).select("id", "kind", *_RESOURCE)
    ids = named.hstack(kinds.select(PLACE)[named["kind"]]).drop("kind")
    return Billed(ids, cells, kinds)


def lines(billed: Billed, ids: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the lines of some ids: one row per id and kind of line, whatever its origin, with any cost; sorted.

    Costs and quantity are null where no line falls into the window. `kind` is one of the row's kinds, `set` the row of
    the second frame that says what its lines of the last 30 days come from: billing_periods, source_files,
    invoice_final.
    """
    mine = billed.cells.join(ids, on="id", how="semi", maintain_order="left").filter(pl.col("lines_30d").is_not_null())
    mine = mine.hstack(billed.kinds.select("line", "origin", "overdue")[mine["kind"]])
    recent = pl.col("lines_30d") > 0
    added = (
        mine.group_by(number=_changes(["id", "line"]).cum_sum(), maintain_order=True)
        .agg(
            pl.col("id", "kind").first(),
            pl.col(_SUMS).sum(),
            pl.col(_COUNTS.values()).sum(),
            overdue=(recent & pl.col("overdue")).any(),
            origins=pl.col("origin").filter(recent),
        )
        .drop("number")
    )
    known = [pl.when(pl.col(count) > 0).then(name).alias(name) for name, count in _COUNTS.items()]
    sets = added.select("origins").unique().with_row_index("set")
    numbered = added.join(sets, on="origins", maintain_order="left").drop("origins").with_columns(known)
    return numbered, _spelt(sets, billed.kinds)


def _summed(
    facts: pl.LazyFrame, unlike: list[str], payers: pl.DataFrame, as_of: datetime, *, alone: bool
) -> pl.LazyFrame:
    """Add up, by resource and what kinds differ in, the lines of payers whose windows all end at one time."""
    these = payers.filter(pl.col("as_of") == as_of)
    mine = facts if alone else facts.join(these.lazy(), on=PAYER, how="semi", nulls_equal=True)
    within = placed(mine.with_columns(covered=_covered()), windows(as_of), spans=bool(these["spans"].any()))
    counts = [pl.col(name).count().alias(count) for name, count in _COUNTS.items()]
    return within.group_by(*_RESOURCE, *unlike).agg(pl.col(_SUMS).sum(), *counts)


def _told(kinds: pl.DataFrame, bill: Bill) -> pl.DataFrame:
    """Say what is known of every kind; `place`, `line` and `origin` number what some of them have in common."""
    closed = pl.col("billing_period").str.to_date("%Y-%m", strict=False).dt.offset_by("1mo")
    payers = bill.payers.select(*PAYER, end="as_of")
    known = kinds.join(payers, on=PAYER, how="left", nulls_equal=True, maintain_order="left")
    known = known.join(bill.services, on=SERVICE, how="left", nulls_equal=True, maintain_order="left")
    return known.with_columns(
        place=pl.struct(PLACE).rle_id(),
        line=pl.struct(_LINE).rle_id(),
        origin=pl.struct(ORIGIN).rank("dense"),
        overdue=~pl.col("invoice_final") & (closed + _INVOICED <= pl.col("end").dt.date()),
    )


def _changes(columns: list[str]) -> pl.Expr:
    """Say of every row whether it differs from the one before; the first one does, one of the columns being no null."""
    return pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in columns)


def _covered() -> pl.Expr:
    """Say whether a commitment pays for a line: usage that it covers, not what of it is bought or left unused."""
    usage = pl.col("charge_category").fill_null("Usage") == "Usage"
    unused = pl.col("line_item_type").fill_null("").str.starts_with("Unused")
    return (pl.col("commitment_id").is_not_null() | pl.col("commitment_kind").is_not_null()) & usage & ~unused


def _spelt(sets: pl.DataFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    """Spell out the numbers of `origins`; there are few sets of them."""
    final = pl.col("invoice_final")
    known = kinds.select(*ORIGIN, origins="origin").unique("origins")
    spelt = (
        sets.explode("origins")
        .join(known, on="origins")
        .group_by("set")
        .agg(
            billing_periods=pl.col("billing_period").drop_nulls().unique().sort(),
            source_files=pl.col("source_file").drop_nulls().unique().sort(),
            invoice_final=pl.when(final.count() > 0).then(final.all()),
        )
    )
    return sets.select("set").join(spelt, on="set", how="left", maintain_order="left")
