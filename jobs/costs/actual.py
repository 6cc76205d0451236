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
_STRUCT = ENRICHED.polars_schema["actual"]
_MONEY = 6  # decimals
_CREATED = r'"created_at": ?"([^"]+)"'


def judged(
    findings: pl.DataFrame,
    claims: pl.DataFrame,
    found: Matched,
    costs: pl.DataFrame,
    kinds: pl.DataFrame,
    bill: Bill,
) -> pl.DataFrame:
    """Add up the lines of every finding, in their order; `unmatched` says why one has none.

    `costs` are the lines of each finding (`row`), sorted; `kinds` is what the lines are.
    """
    rows = findings.select("provider").with_row_index("row")
    rows = rows.join(bill.providers, on="provider", how="left", maintain_order="left")
    for told in (_sums(costs, kinds), _parts(claims, costs), _seen(claims, found)):
        rows = rows.join(told, on="row", how="left", maintain_order="left")
    return rows.with_columns(unmatched=_unmatched()).pipe(_new_resources, findings)


def actual(rows: pl.DataFrame, contexts: pl.DataFrame) -> pl.Series:
    """Return `actual` of every judged row, in their order.

    A window the bill covers without a line costs 0, one it does not cover is unknown. Without a match every cost is
    null, with a reason; a context (row, method) gives its method and confidence, and no cost.
    """
    scopes = contexts.select("row", scope="method").unique("row")
    rows = rows.join(scopes, on="row", how="left", maintain_order="left")
    context = pl.col("scope").replace_strict(list(CONTEXT), list(CONTEXT.values()), return_dtype=pl.Float64)
    known = pl.col("unmatched").is_null()
    fields: dict[str, pl.Expr] = {
        **{name: pl.when(known).then(_cost(name)) for name in WINDOWS},
        "currency": pl.when(known).then("currency"),
        "basis": pl.when(known).then(_bases()),
        "method": pl.when(known)
        .then(pl.col("grade").replace_strict(range(len(METHODS)), METHODS, return_dtype=pl.String))
        .otherwise(pl.col("scope").fill_null("none")),
        "confidence": pl.when(known).then(_confidence()).otherwise(context.fill_null(0)),
        "reason": pl.coalesce(
            "unmatched", pl.when(pl.col("matched") < pl.col("claimed")).then(pl.lit("partly_in_bill"))
        ),
        "days_with_data": pl.when(known).then(pl.col("days_30d").fill_null(0)),
        "data_through": pl.when(known).then("data_through"),
        "covered_30d": pl.when(known, pl.col("cost_30d").is_not_null()).then(_rounded("covered_30d").fill_null(0)),
        "includes_related": pl.when(known).then(pl.col("related").fill_null(value=False)),
    }
    named = [value.alias(name) for name, value in fields.items()]
    return rows.select(actual=pl.struct(named).cast(_STRUCT)).to_series()


def _sums(costs: pl.DataFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    """Add up the lines of every row; a sum is as sure as its least sure line, and as complete as its service."""
    days = list(DAYS.values())
    what = kinds.select("covered", "currency", "cost_basis", "data_through", "as_of", *days)[costs["kind"]]
    return (
        costs.hstack(what)
        .with_columns(pl.col("row").set_sorted())
        .group_by("row")
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


def _parts(claims: pl.DataFrame, costs: pl.DataFrame) -> pl.DataFrame:
    """Count, of findings that claim other resources, how many they claim and how many of them the bill has."""
    claimed = claims.filter("related").group_by("row").agg(claimed=pl.len(), related=pl.lit(value=True).first())
    matched = costs.filter(pl.col("claim").is_in(claims.filter("related")["claim"].implode()))
    return claimed.join(matched.group_by("row").agg(matched=pl.col("claim").n_unique()), on="row", how="left")


def _seen(claims: pl.DataFrame, found: Matched) -> pl.DataFrame:
    """Say of which rows the bill has an id at all, in whatever time, and of which it has several of one name."""
    rows = claims.select("claim", "row")
    ids = found.pairs.join(rows, on="claim").select("row").unique().with_columns(on_bill=pl.lit(value=True))
    unclear = found.refused.filter(pl.col("why") == "ambiguous").join(rows, on="claim").select("row").unique()
    return ids.join(unclear.with_columns(ambiguous=pl.lit(value=True)), on="row", how="full", coalesce=True)


def _unmatched() -> pl.Expr:
    """Say why a row has no cost; null where it has one."""
    reasons = {
        "mixed_currencies": pl.col("currency") != pl.col("other_currency"),
        "": pl.col("grade").is_not_null(),
        "no_cur": pl.col("names_resources").is_null(),
        "no_resource_ids": ~pl.col("names_resources"),
        "ambiguous": pl.col("ambiguous"),
        "not_in_window": pl.col("on_bill") | ~pl.col("in_windows"),
    }
    first = pl.coalesce(
        *(pl.when(holds).then(pl.lit(reason)) for reason, holds in reasons.items()), pl.lit("not_in_bill")
    )
    return pl.when(first != "").then(first)


def _new_resources(rows: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
    """Tell the resources made after the bill's last usage from those it really lacks."""
    missing = (
        rows.select("row", "through", "unmatched")
        .with_columns(findings["evidence"])
        .filter(pl.col("unmatched") == "not_in_bill")
    )
    created = (
        pl.col("evidence").str.extract(_CREATED).str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    )
    new = missing.filter(created >= pl.col("through"))["row"]
    return rows.with_columns(
        unmatched=pl.when(pl.col("row").is_in(new.implode())).then(pl.lit("new_resource")).otherwise("unmatched")
    )


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
