"""What every finding really saves: at the rates that are paid, counted once per resource, never more than it costs.

Source  billing.md: amortised cost, savings from real rates; a bill of fewer than 30 days is not extrapolated.
"""

import polars as pl

from contracts.tables import CURRENT

_SAVINGS = CURRENT.polars_schema["savings"]
_MONEY = pl.Decimal(18, 6)
_DAYS, _LONGEST = 30, 31  # of the window of `cost_30d`; of a month
_CENT = pl.lit("0.01").cast(_MONEY)
_ESTIMATED, _ACTUAL = pl.col("estimated").struct, pl.col("actual").struct
_STATED = (
    pl.col("excluded_by"),
    (pl.col("lifecycle").struct.field("state") == "resolved").alias("is_resolved"),
    _ESTIMATED.field("monthly_savings").alias("gross"),
    _ESTIMATED.field("monthly_cost").alias("list_cost"),
    _ESTIMATED.field("currency", "missing_price"),
    _ACTUAL.field("cost_30d", "days_with_data"),
    _ACTUAL.field("currency").alias("billed_in"),
    _ACTUAL.field("covered_30d").fill_null(0).alias("covered"),
)
_GROSS, _LIST_COST, _COST, _COVERED, _MOST = (
    pl.col(name) for name in ("gross", "list_cost", "cost", "covered", "most")
)
_BILLED, _COMPARABLE, _AT_RATES = _COST.is_not_null(), pl.col("is_comparable"), pl.col("is_at_rates")


def savings(states: pl.DataFrame) -> pl.Series:
    """Return `savings` of every state (lifecycle, estimated, actual, excluded_by), in their order.

    Unknown is null with a reason. `gross` is the list-price estimate per month; `real` what the last 30 days would have
    saved: what was paid for the resource x list saving / list cost, without what a commitment covers.
    """
    is_short = (pl.col("days_with_data") < _DAYS) & pl.col("cost_30d").is_not_null()
    billed = (
        states.lazy()
        .select(_STATED)
        .with_columns(
            is_short=is_short.fill_null(value=False),
            is_comparable=(pl.col("billed_in") == pl.col("currency")).fill_null(value=False),
        )
        .with_columns(cost=pl.when(~pl.col("is_short")).then("cost_30d"))
    )
    # A credit can make a month's cost negative; nothing is saved then.
    paid = pl.when(_COST > _COVERED).then(_COST - _COVERED).when(_BILLED).then(0).cast(_MONEY)
    real = pl.when(_GROSS >= _LIST_COST).then("paid").when(_LIST_COST > 0).then(_share())
    priced = (
        billed.with_columns(paid=paid, is_at_rates=_COMPARABLE & _BILLED)
        .with_columns(real=real)
        .with_columns(most=pl.when(_AT_RATES).then(pl.coalesce("real", "paid")).otherwise("list_cost"))
    )
    told = pl.struct(
        gross="gross",
        net=_net(),
        currency="currency",
        excluded_by="excluded_by",
        reason=_reason(),
        # A list price is for a month, which has up to 31 days; the bill's cost is that of 30, rounded.
        overstated=pl.when(_COMPARABLE).then(_GROSS * _DAYS > (_COST + _CENT) * _LONGEST),
        basis=pl.when(_AT_RATES).then(pl.lit("actual")).otherwise(pl.lit("list")),
        real="real",
        real_currency=pl.when(pl.col("real").is_not_null()).then("billed_in"),
        covered=pl.when(_BILLED).then("covered"),
    )
    return priced.select(savings=told.cast(_SAVINGS)).collect().to_series()


def _share() -> pl.Expr:
    """Work out paid x gross / list cost, rounded half up: a quotient of integers in millionths, not of floats."""
    paid, gross, list_cost = (pl.col(name).to_physical() for name in ("paid", "gross", "list_cost"))
    return ((2 * paid * gross + list_cost) // (2 * list_cost)).reinterpret(dtype=_MONEY)


def _net() -> pl.Expr:
    return (
        pl.when("is_resolved")
        .then(None)
        .when(_GROSS.is_not_null() & pl.col("excluded_by").is_not_null())
        .then(0)
        .when(_GROSS.is_not_null() & _MOST.is_not_null())
        .then(pl.min_horizontal("gross", "most"))
    )


def _reason() -> pl.Expr:
    """Say why the net saving is not the gross one, or what it is taken from."""
    is_covered, limited = _AT_RATES & (_COVERED > 0), pl.lit("limited to what the resource costs")
    return (
        pl.when("is_resolved")
        .then(pl.lit("resolved"))
        .when(_GROSS.is_null())
        .then(pl.lit("missing price: ") + pl.col("missing_price").fill_null("not said which"))
        .when(pl.col("excluded_by").is_not_null())
        .then(pl.lit("counted in another finding"))
        .when(_MOST.is_null())
        .then(pl.lit("the cost of the resource is unknown"))
        .when(is_covered & (_MOST == 0))
        .then(pl.lit("covered by a commitment: saves nothing until it ends"))
        .when(is_covered)
        .then(pl.lit("partly covered by a commitment: that part saves nothing until it ends"))
        .when(_COMPARABLE & (_COST < _GROSS))
        .then(limited)
        .when(_AT_RATES & (_MOST < _GROSS))
        .then(pl.lit("at the rates really paid"))
        .when("is_short")
        .then(pl.format("the bill covers {} of 30 days: at list price", "days_with_data"))
        .when(_BILLED & ~_COMPARABLE)
        .then(pl.format("billed in {}: at list price", "billed_in"))
        .when(_MOST < _GROSS)
        .then(limited)
    )
