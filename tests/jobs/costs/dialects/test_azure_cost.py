from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from catalog.warehouse import Warehouse
from jobs.costs.ingest import ingest

Facts = Callable[..., list[dict[str, Any]]]
Written = Callable[..., str]
ROW: dict[str, Any] = {
    "BillingAccountId": "8611537",
    "BillingPeriodStartDate": "10/01/2026",
    "SubscriptionId": "AB-1",
    "Date": "10/22/2026",
    "MeterId": "m1",
    "MeterCategory": "Storage",
    "MeterName": "P10 Disks",
    "Quantity": "2",
    "EffectivePrice": "1.5",
    "Cost": "3",
    "PayGPrice": "2",
    "UnitOfMeasure": "1/Month",
    "BillingCurrency": "eur",
    "ResourceLocation": "West Europe",
    "ConsumedService": "Microsoft.Compute",
    "ResourceId": "/subscriptions/AB-1/resourceGroups/RG/disks/D",
    "Tags": '"env": "prod","org": "trey"',
    "ChargeType": "Usage",
    "PricingModel": "OnDemand",
    "reservationId": "",
}
RESERVED = {"PricingModel": "Reservation", "reservationId": "R-1"}


def bases(fact: dict[str, Any]) -> tuple[Decimal | None, ...]:
    names = ("unblended_cost", "net_unblended_cost", "amortized_cost", "net_amortized_cost")
    return tuple(fact[name] for name in names)


def test_an_actual_export_gives_the_unblended_cost_alone(facts: Facts, written: Written) -> None:
    purchase = {**ROW, **RESERVED, "ChargeType": "Purchase", "Cost": "84"}
    covered = {**ROW, **RESERVED, "Cost": "0"}
    found = facts(written([ROW, purchase, covered]))
    assert [bases(fact) for fact in found] == [(cost, None, None, None) for cost in (0, 3, 84)]
    assert {fact["cost_basis"] for fact in found} == {"unblended"}
    assert [fact["charge_category"] for fact in found] == ["Usage", "Usage", "Purchase"]


def test_an_amortised_export_gives_the_amortised_cost_alone(warehouse: Warehouse, written: Written) -> None:
    covered = {**ROW, **RESERVED, "Cost": "2"}
    unused = {**ROW, **RESERVED, "ChargeType": "UnusedReservation", "Cost": "1"}
    report = ingest(warehouse, "acme", [written([ROW, covered, unused])])
    (period,) = report.periods
    assert (period.unblended, period.amortized, period.cost_basis) == (None, 6, "net_amortized")
    assert report.to_json()["totals"] == [{"currency": "EUR", "rows": 3, "unblended": None}]


def test_without_commitments_an_export_is_both(facts: Facts, written: Written) -> None:
    assert bases(facts(written([ROW]))[0]) == (3, None, 3, 3)


def test_a_line_has_everything_a_fact_has(facts: Facts, written: Written) -> None:
    (fact,) = facts(written([ROW]))
    assert (fact["provider"], fact["payer_account_id"], fact["account_id"]) == ("azure", "8611537", "ab-1")
    assert (fact["region"], fact["service"], fact["currency"]) == ("westeurope", "Microsoft.Compute", "EUR")
    assert fact["resource_id"] == "/subscriptions/ab-1/resourcegroups/rg/disks/d"
    assert (fact["usage_start"], fact["usage_end"]) == (
        datetime(2026, 10, 22, tzinfo=UTC),
        datetime(2026, 10, 23, tzinfo=UTC),
    )
    assert (fact["billing_period"], fact["usage_type"], fact["unit"]) == ("2026-10", "P10 Disks", "1/Month")
    assert fact["tags"] == {"env": "prod", "org": "trey"}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, 4),
        ({"PaygCostInBillingCurrency": "7"}, 7),
        ({"UnitOfMeasure": "10K", "Quantity": "20000", "Cost": "3"}, 4),
        ({"UnitOfMeasure": "10K"}, 4),
        ({"UnitOfMeasure": "3 Hours", "Quantity": "5", "PayGPrice": "1", "Cost": "1"}, Decimal("1.666666666667")),
        ({"PayGPrice": ""}, None),
    ],
)
def test_the_list_cost_minds_the_block_a_price_is_for(
    facts: Facts, written: Written, row: dict[str, str], expected: Decimal | None
) -> None:
    """A line whose own price times quantity is its cost counts blocks already."""
    assert facts(written([{**ROW, **row}]))[0]["list_cost"] == expected


def test_a_german_spreadsheet_is_read_like_its_original(facts: Facts, written: Written) -> None:
    """Row 19: localised headers, decimal comma, semicolons, BOM, CRLF."""
    names = {
        "Abonnement-GUID (SubscriptionGuid)": "AB-1",
        "Abonnement-ID (SubscriptionId)": "4711",
        "Datum (Date)": "22.10.2026",
        "ID der Verbrauchseinheit (MeterId)": "m1",
        "Kosten (Cost)": "1.234,5",
        "Verbrauchte Menge (Quantity)": "0,25",
        "Währung (Currency)": "EUR",
        "Instanz-ID (InstanceId)": "/subscriptions/AB-1/x",
    }
    (fact,) = facts(written([names], delimiter=";"))
    assert (fact["account_id"], fact["payer_account_id"]) == ("ab-1", "ab-1")
    assert (fact["unblended_cost"], fact["quantity"]) == (Decimal("1234.5"), Decimal("0.25"))
    assert (fact["usage_start"].day, fact["currency"], fact["region"]) == (22, "EUR", "global")


@pytest.mark.parametrize("date", ["10/22/2026", "2026-10-22", "2026-10-22T00:00:00Z", "22.10.2026", "20261022"])
def test_a_date_of_any_agreement_is_the_same_day(facts: Facts, written: Written, date: str) -> None:
    assert facts(written([{**ROW, "Date": date}]))[0]["usage_start"] == datetime(2026, 10, 22, tzinfo=UTC)


@pytest.mark.parametrize(("cost", "expected"), [("0,5", "0.5"), ("1,234.5", "1234.5"), ("-8E-8", "-0.00000008")])
def test_an_amount_of_either_decimal_mark_is_the_same(facts: Facts, written: Written, cost: str, expected: str) -> None:
    assert facts(written([{**ROW, "Cost": cost}]))[0]["unblended_cost"] == Decimal(expected)


def test_a_day_before_its_month_is_no_date(warehouse: Warehouse, written: Written) -> None:
    (file,) = ingest(warehouse, "acme", [written([{**ROW, "Date": "22/10/2026"}])]).files
    assert file.reasons == {"cannot be read: usage_date": 1}


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (RESERVED, "reservation"),
        ({"PricingModel": "SavingsPlan", "benefitId": "/providers/x/savingsPlans/S"}, "savings_plan"),
        ({"PricingModel": "", "benefitId": "/providers/x/savingsPlans/S"}, "savings_plan"),
        ({}, None),
    ],
)
def test_a_commitment_is_named_with_its_kind(
    facts: Facts, written: Written, row: dict[str, str], kind: str | None
) -> None:
    (fact,) = facts(written([{**ROW, **row}]))
    assert (fact["commitment_kind"], fact["commitment_id"] is None) == (kind, kind is None)


def test_charges_are_categorised_in_the_words_of_focus(facts: Facts, written: Written) -> None:
    kinds = ["Usage", "Purchase", "UnusedSavingsPlan", "Refund", "Tax", "RoundingAdjustment"]
    found = facts(written([{**ROW, "ChargeType": kind, "Cost": str(cost)} for cost, kind in enumerate(kinds)]))
    by_type = {fact["line_item_type"]: (fact["charge_category"], fact["charge_class"]) for fact in found}
    assert by_type == {
        "Usage": ("Usage", None),
        "Purchase": ("Purchase", None),
        "UnusedSavingsPlan": ("Usage", None),
        "Refund": ("Adjustment", "Correction"),
        "Tax": ("Tax", None),
        "RoundingAdjustment": ("Adjustment", None),
    }
