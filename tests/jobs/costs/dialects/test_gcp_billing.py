from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from catalog.warehouse import Warehouse
from jobs.costs.ingest import ingest

Facts = Callable[..., list[dict[str, Any]]]
Written = Callable[..., str]
CREDIT = {"name": "c", "amount": -0.5, "full_name": None, "id": "c1", "type": "PROMOTION"}
ROW: dict[str, Any] = {
    "billing_account_id": "000000-B0BBA4-940A77",
    "service": {"id": "6F81", "description": "Compute Engine"},
    "sku": {"id": "D5A4", "description": "SSD backed PD Capacity"},
    "usage_start_time": "2026-09-30 23:00:00+00:00",
    "usage_end_time": "2026-10-01 00:00:00+00:00",
    "project": {"id": "shop"},
    "labels": [{"key": "team", "value": "a"}, {"key": "team", "value": "b"}],
    "location": {"location": "us", "region": "us-west1"},
    "resource": {"name": "d1", "global_name": "//compute.googleapis.com/projects/shop/zones/us-west1-a/disks/d1"},
    "cost": 2.000000000001,
    "cost_at_list": 4.0,
    "currency": "USD",
    "usage": {
        "amount": 24909.0,
        "unit": "bytes",
        "amount_in_pricing_units": 2.5e-05,
        "pricing_unit": "gibibyte",
    },
    "credits": [CREDIT],
    "invoice": {"month": "202610"},
    "cost_type": "regular",
}


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """Flatten as scripts do: dotted names, lists as Python writes them."""
    lines = {}
    for name, value in row.items():
        lines |= {f"{name}.{key}": each for key, each in value.items()} if isinstance(value, dict) else {name: value}
    return {name: str(value) for name, value in lines.items() if value is not None}


@pytest.fixture(params=["bill.csv", "bill.parquet", "bill.jsonl"])
def export(written: Written, request: pytest.FixtureRequest) -> Callable[..., str]:
    """Write rows in every form the export has."""
    form = flat if request.param == "bill.csv" else dict
    return lambda rows: written([form(row) for row in rows], request.param)


def test_every_form_of_the_export_is_the_same_fact(facts: Facts, export: Callable[..., str]) -> None:
    (fact,) = facts(export([ROW]))
    assert fact["unblended_cost"] == fact["net_unblended_cost"] == Decimal("1.500000000001")
    assert fact["amortized_cost"] == fact["net_amortized_cost"] == Decimal("1.500000000001")
    assert (fact["list_cost"], fact["currency"]) == (4, "USD")
    assert (fact["provider"], fact["payer_account_id"], fact["account_id"]) == ("gcp", "000000-B0BBA4-940A77", "shop")
    assert (fact["region"], fact["service"]) == ("us-west1", "Compute Engine")
    assert fact["resource_id"] == "//compute.googleapis.com/projects/shop/zones/us-west1-a/disks/d1"
    assert (fact["usage_type"], fact["quantity"]) == ("SSD backed PD Capacity", Decimal("0.000025"))
    assert (fact["unit"], fact["tags"]) == ("gibibyte", {"team": "b"})


def test_the_invoice_month_is_the_period_and_the_usage_keeps_its_day(facts: Facts, export: Callable[..., str]) -> None:
    """Row 12: usage of the last hour of September on October's invoice."""
    (fact,) = facts(export([ROW]))
    assert (fact["billing_period"], fact["usage_start"]) == ("2026-10", datetime(2026, 9, 30, 23, tzinfo=UTC))
    assert facts(export([{**ROW, "invoice": {"month": None}}]))[0]["billing_period"] == "2026-09"


def test_a_tax_without_project_and_place_is_a_fact(facts: Facts, export: Callable[..., str]) -> None:
    tax = {**ROW, "project": {"id": None}, "location": {"location": None, "region": None}, "cost_type": "tax"}
    (fact,) = facts(export([{**tax, "credits": []}]))
    assert (fact["account_id"], fact["region"], fact["charge_category"]) == (None, "global", "Tax")
    assert fact["unblended_cost"] == Decimal("2.000000000001")


def committed(cost: str, credit: str) -> dict[str, Any]:
    amount = {**CREDIT, "type": "COMMITTED_USAGE_DISCOUNT", "id": "cud", "amount": float(credit)}
    return {**ROW, "cost": float(cost), "credits": [amount] if float(credit) else []}


FEE = {"sku": {"id": "F", "description": "Commitment v1: Cpu in Americas for 1 Year"}}


def test_a_commitments_fee_goes_to_what_it_covers(
    warehouse: Warehouse, facts: Facts, export: Callable[..., str]
) -> None:
    path = export([committed("60", "-60"), committed("45", "-30"), {**committed("66", "0"), **FEE}])
    found = facts(path)
    assert [fact["unblended_cost"] for fact in found] == [0, 15, 66]
    assert [fact["amortized_cost"] for fact in found] == [
        Decimal("43.99999999998"),
        Decimal("36.99999999999"),
        *_rest(),
    ]
    assert [fact["charge_category"] for fact in found] == ["Usage", "Usage", "Purchase"]
    assert [fact["commitment_id"] for fact in found] == ["cud", "cud", None]
    (period,) = ingest(warehouse, "acme", [path]).periods
    assert (period.amortized, period.residual) == (period.unblended, 0)


def _rest() -> list[Decimal]:
    """Rates are cut at 1e-12; what that leaves stays with the fee, so that nothing is lost."""
    return [Decimal("0.00000000003")]


def test_what_a_commitment_leaves_unused_stays_with_its_fee(facts: Facts, export: Callable[..., str]) -> None:
    """A share is at most the credit: an instance never costs more than without the commitment."""
    fees = [{**committed("60", "0"), **FEE}, {**committed("20", "0"), **FEE}]
    found = facts(export([committed("30", "-30"), *fees]))
    assert [fact["amortized_cost"] for fact in found] == [30, 0, 50]


@pytest.mark.parametrize("credits_", ["[{'amount': -0.5", "[{'amount': 'much', 'type': 'x'}]", "[{'price': 1}]"])
def test_credits_nobody_can_read_keep_the_line_back(warehouse: Warehouse, written: Written, credits_: str) -> None:
    (file,) = ingest(warehouse, "acme", [written([{**flat(ROW), "credits": credits_}])]).files
    assert (file.facts, file.quarantined) == (0, 1)
    assert "credits_total" in next(iter(file.reasons))


def test_json_lines_without_empty_fields_and_numbers_of_any_length_are_exact(facts: Facts, written: Written) -> None:
    sparse = {name: ROW[name] for name in ("usage_start_time", "sku", "cost", "credits", "invoice", "currency")}
    path = written([sparse, {**ROW, "cost": "123456789012.123456789012"}], "bill.jsonl")
    assert [fact["unblended_cost"] for fact in facts(path)] == [
        Decimal("1.500000000001"),
        Decimal("123456789011.623456789012"),
    ]
