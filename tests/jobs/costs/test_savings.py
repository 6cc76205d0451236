"""What a finding saves at the rates that are really paid."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from contracts.tables import CURRENT
from jobs.savings import savings

STRUCTS = ("lifecycle", "estimated", "actual")
SCHEMA = {"excluded_by": pl.String, **{name: CURRENT.polars_schema[name] for name in STRUCTS}}
CENT = Decimal("0.000001")


def saved(
    saving: str | Decimal, list_cost: str | Decimal | None, *, excluded_by: str | None = None, **actual: Any
) -> dict[str, Any]:
    """Net one open finding: its list saving and cost, and what `actual` says."""
    known = {"currency": "USD", "method": "exact", "days_with_data": 30, **actual} if actual else None
    state = {
        "excluded_by": excluded_by,
        "lifecycle": {"state": "open"},
        "estimated": {
            "monthly_savings": Decimal(saving),
            "monthly_cost": None if list_cost is None else Decimal(list_cost),
            "currency": "USD",
        },
        "actual": known,
    }
    (found,) = savings(pl.DataFrame([state], schema=SCHEMA))
    return dict(found)


def test_a_discount_is_kept_a_saving_is_the_same_share_of_what_is_paid() -> None:
    found = saved("2", "10", cost_30d=Decimal(7))
    assert (found["gross"], found["real"], found["net"]) == (Decimal(2), Decimal("1.4"), Decimal("1.4"))
    assert (found["basis"], found["real_currency"]) == ("actual", "USD")
    assert found["reason"] == "at the rates really paid"
    assert not found["overstated"]


def test_what_a_commitment_covers_saves_nothing_now_and_says_so() -> None:
    found = saved("10", "10", cost_30d=Decimal(7), covered_30d=Decimal(7))
    assert (found["gross"], found["real"], found["net"], found["covered"]) == (10, 0, 0, 7)
    assert found["reason"] == "covered by a commitment: saves nothing until it ends"
    partly = saved("10", "10", cost_30d=Decimal(7), covered_30d=Decimal(4))
    assert (partly["net"], partly["reason"]) == (
        3,
        "partly covered by a commitment: that part saves nothing until it ends",
    )


def test_an_estimate_above_the_cost_is_overstated_and_capped() -> None:
    found = saved("10", None, cost_30d=Decimal(4))
    assert (found["net"], found["real"], found["overstated"]) == (4, None, True)
    assert found["reason"] == "limited to what the resource costs"


def test_thirty_days_of_a_longer_month_do_not_make_an_estimate_overstated() -> None:
    october = Decimal("9.677419")  # 30 of 31 days of 10 a month
    found = saved("10", "10", cost_30d=october)
    assert (found["net"], found["overstated"]) == (october, False)


def test_a_bill_of_some_days_is_not_extrapolated() -> None:
    found = saved("10", "10", cost_30d=Decimal(1), days_with_data=3)
    assert (found["net"], found["basis"], found["real"], found["overstated"]) == (10, "list", None, None)
    assert found["reason"] == "the bill covers 3 of 30 days: at list price"


def test_another_currency_keeps_its_saving_beside_the_list_price() -> None:
    found = saved("5", "10", cost_30d=Decimal(60), currency="CNY")
    assert (found["real"], found["real_currency"]) == (30, "CNY")
    assert (found["net"], found["currency"], found["basis"]) == (5, "USD", "list")
    assert found["reason"] == "billed in CNY: at list price"


def test_a_context_without_a_cost_changes_nothing() -> None:
    found = saved("5", "10", cost_30d=None, method="scoped_rollup_usage", currency=None, days_with_data=None)
    assert (found["net"], found["basis"], found["reason"]) == (5, "list", None)


def test_a_real_saving_is_never_more_than_the_claim() -> None:
    assert saved("10", "10", cost_30d=Decimal(40))["net"] == 10


amounts = st.decimals(0, 10**9, places=6)


@given(saving=amounts, list_cost=amounts, cost=st.decimals(-(10**6), 10**9, places=6), covered=amounts)
def test_net_is_exact_and_never_more_than_the_claim_or_the_cost(
    saving: Decimal, list_cost: Decimal, cost: Decimal, covered: Decimal
) -> None:
    found = saved(saving, list_cost, cost_30d=cost, covered_30d=covered)
    paid = max(cost - covered, Decimal(0))
    real = paid
    if saving < list_cost:
        real = (paid * saving / list_cost).quantize(CENT, ROUND_HALF_UP)
    assert found["real"] == real
    assert found["net"] == min(saving, real)
    assert 0 <= found["net"] <= max(cost, 0)
