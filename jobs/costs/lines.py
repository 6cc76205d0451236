"""The bill lines of matched resources, added up per window."""

from datetime import UTC, datetime, timedelta

import polars as pl

from jobs.costs.bill import PAYER, SERVICE, Bill
from jobs.costs.windows import WINDOWS, placed, windows

# What is the same of thousands of lines; a line is grouped by the number of its kind, not by all these words.
_LINE = [*SERVICE, "usage_type", "unit", "currency", "cost_basis", "commitment_id", "covered"]
_ORIGIN = ["billing_period", "source_file", "invoice_final"]
_KIND = ["region", *_LINE, *_ORIGIN]
_PLACE = ["provider", "region", "service"]
_ID = ["account_id", "resource_id", "place"]
_INVOICED = timedelta(days=15)  # after a month's end; AWS finalises within about ten days
_NEVER = datetime(2006, 1, 1, tzinfo=UTC)  # before any bill
_SUMS = [*WINDOWS, "quantity_30d"]
_COUNTS = {name: name.replace("cost_", "lines_") for name in WINDOWS}


def lines(facts: pl.LazyFrame, ids: pl.DataFrame, bill: Bill) -> pl.DataFrame:
    """Add up the lines of the given ids (with their number `id`); one row per id and kind of line with any cost.

    Cost per window in `currency` on `cost_basis`, null where no line falls into the window, and how many do. Beside it
    what the lines are, how far the bill of their service tells, and of those of the last 30 days what they come from:
    billing_periods, source_files, invoice_final, and `overdue`: whether a month has long been over without an invoice.
    """
    kinds = _kinds(facts, bill)
    ends = bill.payers["as_of"].unique().sort().to_list() or [_NEVER]  # no lines still have columns
    cells = pl.concat(_cells(facts, ids, kinds.filter(pl.col("as_of") == as_of), as_of) for as_of in ends)
    recent = pl.col("lines_30d") > 0
    added = (
        cells.lazy()
        .group_by("id", "line")
        .agg(
            pl.col(_SUMS).sum(),
            pl.col(_COUNTS.values()).sum(),
            overdue=pl.when(recent).then("overdue").any(),
            origins=pl.when(recent).then("origin"),
        )
        .collect(engine="streaming")
    )
    known = [pl.when(pl.col(count) > 0).then(name).alias(name) for name, count in _COUNTS.items()]
    what = kinds.select("line", *_LINE).unique("line")
    what = what.join(bill.services, on=SERVICE, how="left", nulls_equal=True)
    return _with_origins(added.with_columns(known), kinds).join(what, on="line")


def _kinds(facts: pl.LazyFrame, bill: Bill) -> pl.DataFrame:
    """Give numbers to kinds of lines: to what they are, where they come from, and their service and region."""
    columns = [name for name in _KIND if name != "covered"]
    kinds = facts.select(*columns, covered=_covered()).unique().collect(engine="streaming").sort(_KIND)
    closed = pl.col("billing_period").str.to_date("%Y-%m", strict=False).dt.offset_by("1mo")
    return kinds.join(bill.payers, on=PAYER, nulls_equal=True, maintain_order="left").select(
        *_KIND,
        "as_of",
        "spans",
        line=pl.struct(_LINE).rank("dense"),
        origin=pl.struct(_ORIGIN).rank("dense"),
        place=pl.struct(_PLACE).rank("dense"),
        overdue=~pl.col("invoice_final") & (closed + _INVOICED <= pl.col("as_of").dt.date()),
    )


def _cells(facts: pl.LazyFrame, ids: pl.DataFrame, kinds: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Add up, by id and kind, the lines of payers whose windows all end at one time."""
    amounts = ("usage_start", "usage_end", "cost_primary", "quantity")
    wanted = ids.join(kinds.select(*_PLACE, "place").unique(), on=_PLACE, nulls_equal=True).select("id", *_ID)
    # Columns are dropped as early as possible: a join writes every one that it passes on.
    found = (
        facts.with_columns(covered=_covered())
        .join(kinds.lazy().drop("as_of", "spans"), on=_KIND, nulls_equal=True)
        .select(*_ID, "line", "origin", "overdue", *amounts)
        .join(wanted.lazy(), on=_ID, nulls_equal=True)
        .select("id", "line", "origin", "overdue", *amounts)
    )
    counts = [pl.col(name).count().alias(count) for name, count in _COUNTS.items()]
    within = placed(found, windows(as_of), spans=bool(kinds["spans"].any()))
    sums = within.group_by("id", "line", "origin", "overdue").agg(pl.col(_SUMS).sum(), *counts)
    return sums.collect(engine="streaming")


def _covered() -> pl.Expr:
    """Say whether a commitment pays for a line: usage that it covers, not what of it is bought or left unused."""
    usage = pl.col("charge_category").fill_null("Usage") == "Usage"
    unused = pl.col("line_item_type").fill_null("").str.starts_with("Unused")
    return (pl.col("commitment_id").is_not_null() | pl.col("commitment_kind").is_not_null()) & usage & ~unused


def _with_origins(added: pl.DataFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    """Spell out the numbers of `origins`; there are few sets of them, each is spelt once."""
    numbers = pl.col("origins").list.drop_nulls().list.unique().list.sort().cast(pl.List(pl.String)).list.join(",")
    named = added.with_columns(origins=numbers)
    final = pl.col("invoice_final")
    sets = named.select("origins", origin="origins").unique()
    each = sets.with_columns(pl.col("origin").str.split(",")).explode("origin")
    known = kinds.select(*_ORIGIN, origin=pl.col("origin").cast(pl.String)).unique("origin")
    spelt = (
        each.join(known, on="origin")
        .group_by("origins")
        .agg(
            billing_periods=pl.col("billing_period").drop_nulls().unique().sort(),
            source_files=pl.col("source_file").drop_nulls().unique().sort(),
            invoice_final=pl.when(final.count() > 0).then(final.all()),
        )
    )
    return named.join(spelt, on="origins", how="left").drop("origins")
