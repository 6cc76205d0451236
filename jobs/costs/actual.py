"""A finding's `actual`: its lines added up, how sure the match is, and why there is none where there is none."""

import polars as pl

from contracts.tables import ENRICHED
from jobs.costs.bill import DAYS, Bill
from jobs.costs.matching import CONFIDENCE, METHODS, Matched
from jobs.costs.scope import CONTEXT
from jobs.costs.windows import WINDOWS

# Of each of two doubts: a month that is long over and has no invoice, other resources of the same name.
DOUBT = 0.95
_WEEK = 7
_KINDS = pl.Series(dtype=ENRICHED.polars_schema["actual"]).struct.schema  # of the fields
_MONEY = 6  # decimals
_MISSING = "not_in_bill"
_CREATED = r'"created_at": ?"([^"]+)"'


def summed(costs: pl.DataFrame, claims: pl.DataFrame, found: Matched, kinds: pl.DataFrame) -> pl.DataFrame:
    """Add up the lines of every finding (`row`) that has any; `kinds` is what the lines are.

    A sum is as sure as its least sure line, and as complete as its service; `is_mixed` says that there is none, for the
    lines are in several currencies. `costs` are sorted by row, and so are the sums.
    """
    related = claims.filter("related").group_by("row").agg(claimed=pl.len())
    matched = costs.filter("related").group_by("row").agg(matched=pl.col("claim").n_unique())
    rows = _sums(costs, kinds)
    for told in (related, matched, _ambiguous(claims, found)):
        rows = rows.join(told, on="row", how="left", maintain_order="left")
    return rows.with_columns(is_mixed=(pl.col("currency") != pl.col("other_currency")).fill_null(value=False))


def unmatched(
    findings: pl.DataFrame, claims: pl.DataFrame, found: Matched, sums: pl.DataFrame, bill: Bill
) -> pl.DataFrame:
    """Say why findings have no cost: row and reason, in their order; those that have one are left out."""
    rows = findings.select("provider", "evidence").with_row_index("row")
    rows = rows.join(sums.filter(~pl.col("is_mixed")), on="row", how="anti", maintain_order="left")
    rows = rows.join(bill.providers, on="provider", how="left", maintain_order="left")
    on_bill = claims.select("row")[found.pairs["claim"]].unique().with_columns(on_bill=pl.lit(value=True))
    for told in (sums.filter("is_mixed").select("row", "is_mixed"), on_bill, _ambiguous(claims, found)):
        rows = rows.join(told, on="row", how="left", maintain_order="left")
    reasons = {
        "mixed_currencies": pl.col("is_mixed"),
        "no_cur": pl.col("names_resources").is_null(),
        "no_resource_ids": ~pl.col("names_resources"),
        "ambiguous": pl.col("ambiguous"),
        "not_in_window": pl.col("on_bill") | ~pl.col("in_windows"),
    }
    first = pl.coalesce(*(pl.when(holds).then(pl.lit(each)) for each, holds in reasons.items()), pl.lit(_MISSING))
    told = rows.with_columns(reason=first)
    return told.select("row", reason=pl.when(_is_new()).then(pl.lit("new_resource")).otherwise("reason"))


def actual(sums: pl.DataFrame, without: pl.DataFrame, contexts: pl.DataFrame) -> pl.Series:
    """Return `actual` of every finding, in their order, from the sums of some and the reasons of those `without` one.

    A window the bill covers without a line costs 0, one it does not cover is unknown. Without a match every cost is
    null, with a reason; a context (row, method) gives its method and confidence, and no cost.
    """
    grades = range(len(METHODS))
    partly = pl.when(pl.col("matched") < pl.col("claimed")).then(pl.lit("partly_in_bill"))
    fields: dict[str, pl.Expr | str] = {
        **{name: _cost(name) for name in WINDOWS},
        "currency": "currency",
        "basis": _bases(),
        "method": pl.col("grade").replace_strict(grades, METHODS, return_dtype=pl.String),
        "confidence": _confidence(),
        "reason": partly,
        "days_with_data": pl.col("days_30d").fill_null(0),
        "data_through": "data_through",
        "covered_30d": _rounded("covered_30d"),
        "includes_related": pl.col("claimed").is_not_null(),
    }
    known = sums.filter(~pl.col("is_mixed")).select("row", **fields).cast(_KINDS)
    scopes = contexts.select("row", scope="method").unique("row")
    sure = pl.col("scope").replace_strict(list(CONTEXT), list(CONTEXT.values()), return_dtype=pl.Float64)
    unknown = without.join(scopes, on="row", how="left").select(
        "row",
        "reason",
        method=pl.col("scope").fill_null("none"),
        confidence=sure.fill_null(0).cast(_KINDS["confidence"]),
    )
    every = pl.concat([known, unknown], how="diagonal").sort("row")
    return every.select(actual=pl.struct(list(_KINDS))).to_series()


def _sums(costs: pl.DataFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    days = list(DAYS.values())
    what = kinds.select("covered", "currency", "cost_basis", "data_through", "as_of", *days)[costs["kind"]]
    return (
        costs.hstack(what)
        .with_columns(pl.col("row").set_sorted())
        .group_by("row", maintain_order=True)
        .agg(
            pl.col(WINDOWS).sum(),
            *(pl.col(name).count().alias(f"has_{name}") for name in WINDOWS),
            covered_30d=pl.when("covered").then("cost_30d").sum(),
            grade=pl.col("grade").max(),
            currency=pl.col("currency").min(),
            other_currency=pl.col("currency").max(),
            basis=pl.col("cost_basis").min(),
            other_basis=pl.col("cost_basis").max(),
            overdue=pl.col("overdue").any(),
            data_through=pl.col("data_through").min(),
            as_of=pl.col("as_of").min(),
            **{name: pl.col(name).min() for name in days},
        )
    )


def _ambiguous(claims: pl.DataFrame, found: Matched) -> pl.DataFrame:
    """Say for which rows the bill has several resources of one name."""
    unclear = claims.select("row")[found.refused.filter(pl.col("why") == "ambiguous")["claim"]]
    return unclear.unique().with_columns(ambiguous=pl.lit(value=True))


def _is_new() -> pl.Expr:
    """Tell the resources made after the bill's last usage from those it really lacks."""
    lacking = pl.when(pl.col("reason") == _MISSING).then("evidence")
    made = lacking.str.extract(_CREATED).str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    return made >= pl.col("through")


def _cost(name: str) -> pl.Expr:
    told = pl.col(DAYS[name]) > 0
    if name == "cost_mtd":  # the first moment of a month has no month to date yet: nothing was spent in no time
        told |= pl.col("as_of") == pl.col("as_of").dt.truncate("1mo")
    return pl.when(told.fill_null(value=False) | (pl.col(f"has_{name}") > 0)).then(_rounded(name))


def _bases() -> pl.Expr:
    """Name the basis, or both where two payers' bills are on different ones."""
    one, other = pl.col("basis"), pl.col("other_basis")
    return pl.when(one == other).then(one).otherwise(pl.format("{}+{}", one, other))


def _rounded(name: str) -> pl.Expr:
    return pl.col(name).round(_MONEY, mode="half_away_from_zero")


def _confidence() -> pl.Expr:
    sure = pl.col("grade").replace_strict(range(len(METHODS)), list(CONFIDENCE.values()), return_dtype=pl.Float64)
    days = pl.col("days_7d").fill_null(0).clip(upper_bound=_WEEK) / _WEEK
    doubts = pl.col("overdue").fill_null(value=False).cast(pl.Int8) + pl.col("ambiguous").fill_null(value=False).cast(
        pl.Int8
    )
    return (sure * days * pl.lit(DOUBT).pow(doubts)).round(2)
