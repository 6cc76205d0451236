from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl
import pytest

from catalog.warehouse import Warehouse
from contracts.tables import CUR_FACTS
from jobs.costs.ingest import ingest

Bill = Callable[..., str]
SP, RI = "arn:aws:savingsplans::999999999999:savingsplan/a", "arn:aws:ec2:eu-west-1:999999999999:reserved-instances/b"
TYPE, COST, NET = "lineItem/LineItemType", "lineItem/UnblendedCost", "lineItem/NetUnblendedCost"
PLAN, RESERVED = {"savingsPlan/SavingsPlanARN": SP}, {"reservation/ReservationARN": RI}
REFUND = {"lineItem/ProductCode": "ComputeSavingsPlans"}
# A month with every line type, at a discount of 10 %: what stands net is what the payer pays.
MONTH: list[dict[str, Any]] = [
    {TYPE: "Usage", COST: "10", NET: "9"},
    {
        TYPE: "SavingsPlanCoveredUsage",
        COST: "20",
        NET: "20",
        **PLAN,
        "savingsPlan/SavingsPlanEffectiveCost": "14",
        "savingsPlan/NetSavingsPlanEffectiveCost": "12.6",
    },
    {TYPE: "SavingsPlanNegation", COST: "-20", NET: "-20", **PLAN},
    {
        TYPE: "SavingsPlanRecurringFee",
        COST: "10",
        NET: "9",
        **PLAN,
        "savingsPlan/TotalCommitmentToDate": "17",
        "savingsPlan/UsedCommitment": "14",
        "savingsPlan/AmortizedUpfrontCommitmentForBillingPeriod": "7",
        "savingsPlan/NetAmortizedUpfrontCommitmentForBillingPeriod": "6.3",
        "savingsPlan/RecurringCommitmentForBillingPeriod": "3",
        "savingsPlan/NetRecurringCommitmentForBillingPeriod": "2",
    },
    {TYPE: "SavingsPlanUpfrontFee", COST: "84", NET: "75.6", **PLAN},
    {
        TYPE: "DiscountedUsage",
        COST: "0",
        NET: "0",
        **RESERVED,
        "reservation/EffectiveCost": "5",
        "reservation/NetEffectiveCost": "4.5",
    },
    {
        TYPE: "RIFee",
        COST: "4",
        NET: "3.6",
        **RESERVED,
        "reservation/AmortizedUpfrontFeeForBillingPeriod": "3",
        "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": "1",
        "reservation/UnusedRecurringFee": "1",
        "reservation/NetUnusedAmortizedUpfrontFeeForBillingPeriod": "0.9",
        "reservation/NetUnusedRecurringFee": "0.9",
    },
    {TYPE: "Fee", COST: "36", NET: "32.4", **RESERVED},
    {TYPE: "Fee", COST: "100", NET: "100"},
    {TYPE: "FlatRateSubscription", COST: "15", NET: "15"},
    {
        TYPE: "Refund",
        COST: "-6",
        NET: "-6",
        **REFUND,
        "lineItem/LineItemDescription": "Refund for one-time fee for Savings Plan ID 1",
    },
    {TYPE: "Refund", COST: "-8", NET: "-8", "lineItem/LineItemDescription": "EDP refund"},
    {TYPE: "Tax", COST: "2", NET: "2"},
    {TYPE: "Credit", COST: "-3", NET: "-3"},
    {TYPE: "EdpDiscount", COST: "-14.2", NET: ""},
    {TYPE: "SomethingNew", COST: "1.5", NET: "1.5"},
]


def amount(row: dict[str, Any], column: str) -> Decimal:
    return Decimal(row.get(column) or "0")


def amortised(row: dict[str, Any], net: str) -> Decimal:
    """Work out one line as a person would from the rules, net or gross."""
    kind, unblended = row[TYPE], amount(row, NET if net else COST)
    upfront_refund = row.get("lineItem/LineItemDescription", "").startswith("Refund for one-time fee")
    if kind in {"SavingsPlanNegation", "SavingsPlanUpfrontFee"} or upfront_refund:
        return Decimal(0)
    if kind == "SavingsPlanCoveredUsage":
        return amount(row, f"savingsPlan/{net}SavingsPlanEffectiveCost")
    if kind == "SavingsPlanRecurringFee":
        unused = amount(row, "savingsPlan/TotalCommitmentToDate") - amount(row, "savingsPlan/UsedCommitment")
        recurring = "RecurringCommitmentForBillingPeriod"
        ratio = amount(row, f"savingsPlan/Net{recurring}") / amount(row, f"savingsPlan/{recurring}")
        return (unused * ratio if net else unused).quantize(Decimal("1e-12"), ROUND_HALF_UP)
    if kind == "DiscountedUsage":
        return amount(row, f"reservation/{net}EffectiveCost")
    if kind == "RIFee":
        parts = ("UnusedAmortizedUpfrontFeeForBillingPeriod", "UnusedRecurringFee")
        return sum((amount(row, f"reservation/{net}{part}") for part in parts), Decimal(0))
    return Decimal(0) if kind == "Fee" and row.get("reservation/ReservationARN") else unblended


def by_type(warehouse: Warehouse, column: str) -> list[tuple[str, Decimal | None]]:
    rows = warehouse.scan(CUR_FACTS, "acme").select("line_item_type", column).collect().rows()
    return sorted(rows, key=repr)


def test_every_line_type_is_amortised_as_an_independent_reading_says(warehouse: Warehouse, bill: Bill) -> None:
    (period,) = ingest(warehouse, "acme", [bill(MONTH)]).periods
    assert by_type(warehouse, "amortized_cost") == sorted(
        ((row[TYPE], amortised(row, "").quantize(Decimal("1e-12"))) for row in MONTH), key=repr
    )
    assert by_type(warehouse, "net_amortized_cost") == sorted(
        ((row[TYPE], amortised(row, "Net").quantize(Decimal("1e-12"))) for row in MONTH), key=repr
    )
    assert period.amortized == sum(amortised(row, "") for row in MONTH)
    assert period.residual == 0
    assert (period.unblended, period.net_unblended) == (
        sum(amount(row, COST) for row in MONTH),
        sum(amount(row, NET) for row in MONTH),
    )


def test_the_best_basis_that_every_line_has_is_the_primary_cost(warehouse: Warehouse, bill: Bill) -> None:
    (period,) = ingest(warehouse, "acme", [bill(MONTH)]).periods
    assert period.cost_basis == "net_amortized"
    rows = warehouse.scan(CUR_FACTS, "acme").collect()
    assert rows["cost_primary"].equals(rows["net_amortized_cost"].alias("cost_primary"))
    assert set(rows["cost_basis"]) == {"net_amortized"}


@pytest.mark.parametrize(
    ("without", "basis"),
    [
        ({NET}, "amortized"),
        ({"savingsPlan/NetSavingsPlanEffectiveCost"}, "amortized"),
        ({"reservation/EffectiveCost", "reservation/NetEffectiveCost"}, "net_unblended"),
        ({"reservation/EffectiveCost", NET}, "unblended"),
        ({TYPE}, "net_unblended"),
    ],
)
def test_a_basis_some_line_lacks_falls_one_step_for_the_whole_period(
    warehouse: Warehouse, bill: Bill, without: set[str], basis: str
) -> None:
    lines = [row for row in MONTH if row[TYPE] != "EdpDiscount"] if TYPE in without else MONTH
    (period,) = ingest(warehouse, "acme", [bill(lines, without=frozenset(without))]).periods
    assert period.cost_basis == basis
    rows = warehouse.scan(CUR_FACTS, "acme").collect()
    assert rows["cost_primary"].equals(rows[f"{basis}_cost"].alias("cost_primary"))


def test_two_files_of_a_period_share_one_basis_and_payers_have_their_own(warehouse: Warehouse, bill: Bill) -> None:
    net = [{COST: "10", NET: "9"}]
    paths = [
        bill(net, "1.csv"),
        bill([{COST: "5"}], "2.csv"),
        bill([{**net[0], "bill/PayerAccountId": "888888888888"}], "3.csv"),
    ]
    periods = ingest(warehouse, "acme", paths).periods
    assert [(period.payer, period.cost_basis, period.net_unblended) for period in periods] == [
        ("888888888888", "net_amortized", Decimal(9)),
        ("999999999999", "amortized", None),
    ]


def test_an_all_upfront_plan_is_discounted_by_its_upfront_part(warehouse: Warehouse, bill: Bill) -> None:
    fee = {**MONTH[3], "savingsPlan/RecurringCommitmentForBillingPeriod": "0"}
    ingest(warehouse, "acme", [bill([fee])])
    assert by_type(warehouse, "net_amortized_cost") == [("SavingsPlanRecurringFee", Decimal("2.7"))]


def test_charges_are_categorised_in_the_words_of_focus(warehouse: Warehouse, bill: Bill) -> None:
    ingest(warehouse, "acme", [bill(MONTH)])
    rows = warehouse.scan(CUR_FACTS, "acme").select("line_item_type", "charge_category", "charge_class").unique()
    assert dict(rows.select("line_item_type", "charge_category").collect().rows()) == {
        **dict.fromkeys(("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage", "SavingsPlanNegation"), "Usage"),
        **dict.fromkeys(("Fee", "RIFee", "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee"), "Purchase"),
        "FlatRateSubscription": "Purchase",
        "Tax": "Tax",
        "Credit": "Credit",
        **dict.fromkeys(("Refund", "EdpDiscount", "SomethingNew"), "Adjustment"),
    }
    assert rows.filter(pl.col("charge_class") == "Correction").collect()["line_item_type"].to_list() == ["Refund"]


def test_a_commitment_is_named_with_its_kind(warehouse: Warehouse, bill: Bill) -> None:
    ingest(warehouse, "acme", [bill(MONTH)])
    rows = warehouse.scan(CUR_FACTS, "acme").select("commitment_id", "commitment_kind").unique().collect().rows()
    assert set(rows) == {(SP, "savings_plan"), (RI, "reservation"), (None, None)}
