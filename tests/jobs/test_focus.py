import csv
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.warehouse import Warehouse
from contracts.errors import NotFound
from contracts.tables import CUR_FACTS
from jobs.costs.ingest import ingest
from jobs.focus import export_focus
from jobs.publish import publish
from jobs.sql import query

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SERVICES = ("provider", "service", "service_name", "service_category", "service_subcategory")
Row = dict[str, Any]
PLAN = {"commitment_id": "arn:plan", "commitment_kind": "savings_plan"}
RESERVATION = {"commitment_id": "arn:ri", "commitment_kind": "reservation"}
# unblended, net amortised, and what else a line has; every line type of AWS that FOCUS shows otherwise.
FACTS: list[tuple[str, str, Row]] = [
    ("10", "10", {"resource_id": "i-1", "region": "eu-west-1", "list_cost": Decimal(12), "tags": {"team": "core"}}),
    ("20", "14", {"line_item_type": "SavingsPlanCoveredUsage", "list_cost": Decimal(20), **PLAN}),
    ("-20", "0", {"line_item_type": "SavingsPlanNegation", "list_cost": Decimal(0), **PLAN}),
    ("17", "3", {"line_item_type": "SavingsPlanRecurringFee", "charge_category": "Purchase", **PLAN}),
    ("0", "5", {"line_item_type": "DiscountedUsage", "resource_id": "i-2", "list_cost": Decimal(8), **RESERVATION}),
    ("6", "0", {"line_item_type": "RIFee", "charge_category": "Purchase", "resource_id": "x", **RESERVATION}),
    ("2", "2", {"line_item_type": "Tax", "charge_category": "Tax", "service": None, "list_cost": Decimal(0)}),
    ("-3", "-3", {"line_item_type": "Credit", "charge_category": "Credit"}),
    ("4", "4", {"usage_type": "SpotUsage:m5.large", "list_cost": Decimal(0), "region": "global"}),
    ("100", "100", {"line_item_type": "Fee", "charge_category": "Purchase", "service": "AWSSupportBusiness"}),
    ("7", "7", {"currency": "CNY", "service": "Nobody knows it", "unit": None}),
]


def fact(unblended: str, amortized: str, **changes: Any) -> Row:
    return {
        "tenant_id": "acme",
        "provider": "aws",
        "payer_account_id": "999999999999",
        "account_id": "111111111111",
        "billing_period": "2026-10",
        "service": "AmazonEC2",
        "usage_start": AS_OF - DAY,
        "usage_end": AS_OF,
        "charge_category": "Usage",
        "line_item_type": "Usage",
        "usage_type": "BoxUsage:m5.large",
        "operation": "RunInstances",
        "quantity": Decimal(24),
        "unit": "Hrs",
        "cost_primary": Decimal(amortized),
        "unblended_cost": Decimal(unblended),
        "net_unblended_cost": Decimal(unblended),
        "net_amortized_cost": Decimal(amortized),
        "cost_basis": "net_amortized",
        "currency": "USD",
        "invoice_final": False,
        **changes,
    }


@pytest.fixture
def exported(warehouse: Warehouse, tmp_path: Path) -> Callable[..., list[Path]]:
    """Release facts and export them."""

    def made(facts: list[Row], period: str | None = None) -> list[Path]:
        warehouse.replace(CUR_FACTS, pl.DataFrame(facts, schema=CUR_FACTS.polars_schema), "acme")
        publish(warehouse, "acme", "run", AS_OF)
        return export_focus(warehouse, "acme", tmp_path / "out", period)

    return made


@pytest.fixture
def rows(exported: Callable[..., list[Path]]) -> list[Row]:
    paths = exported([fact(unblended, amortized, **changes) for unblended, amortized, changes in FACTS])
    return pl.read_parquet(paths[1]).to_dicts()


def one(rows: list[Row], line_item_type: str, category: str = "Usage") -> Row:
    (row,) = (row for row in rows if (row["x_LineItemType"], row["ChargeCategory"]) == (line_item_type, category))
    return row


def costs(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"))


def test_a_charge_on_demand_keeps_its_costs_under_the_names_of_focus(rows: list[Row]) -> None:
    (row,) = (row for row in rows if row["ResourceId"] == "i-1")
    assert costs(row) == (10, 10, 12, 10)
    assert json.loads(row["Tags"]) == {"team": "core"}
    expected = {
        "BillingPeriodStart": datetime(2026, 10, 1),  # noqa: DTZ001  as the file has it: UTC without saying so
        "BillingPeriodEnd": datetime(2026, 11, 1),  # noqa: DTZ001
        "ServiceName": "Amazon Elastic Compute Cloud",
        "ServiceCategory": "Compute",
        "ServiceSubcategory": "Virtual Machines",
        "ProviderName": "AWS",
        "RegionId": "eu-west-1",
        "RegionName": "Europe (Ireland)",
        "ResourceType": "instance",
        "PricingCategory": "Standard",
        "ChargeFrequency": "Usage-Based",
        "ConsumedQuantity": Decimal(24),
        "ConsumedUnit": "Hours",
        "x_UsageType": "BoxUsage:m5.large",
    }
    assert {name: row[name] for name in expected} == expected


def test_what_a_commitment_covers_is_billed_with_the_commitment_and_negations_are_gone(rows: list[Row]) -> None:
    covered, reserved = one(rows, "SavingsPlanCoveredUsage"), one(rows, "DiscountedUsage")
    assert costs(covered) == (0, 14, 20, 20)
    assert costs(reserved) == (0, 5, 8, None)
    for row in (covered, reserved):
        assert (row["CommitmentDiscountStatus"], row["PricingCategory"]) == ("Used", "Committed")
    assert not [row for row in rows if row["x_LineItemType"] == "SavingsPlanNegation"]


def test_a_fee_is_a_purchase_and_what_is_unused_of_it_is_usage(rows: list[Row]) -> None:
    bought, unused = one(rows, "SavingsPlanRecurringFee", "Purchase"), one(rows, "SavingsPlanRecurringFee")
    assert costs(bought) == (17, 0, None, 17)
    assert costs(unused) == (0, 3, None, None)
    assert (bought["CommitmentDiscountStatus"], unused["CommitmentDiscountStatus"]) == (None, "Unused")
    assert {bought["ResourceId"], unused["ResourceId"]} == {"arn:plan"}
    assert costs(one(rows, "RIFee", "Purchase"))[:2] == (6, 0)  # all of it was used: no second row


def test_what_has_no_price_has_no_pricing_and_what_is_unknown_is_null(rows: list[Row]) -> None:
    assert costs(one(rows, "Credit", "Credit")) == (-3, -3, -3, -3)
    tax = one(rows, "Tax", "Tax")
    assert {tax[name] for name in ("PricingCategory", "PricingQuantity", "PricingUnit", "ServiceName")} == {None}
    (spot,) = (row for row in rows if row["x_UsageType"] == "SpotUsage:m5.large")
    assert (spot["ListCost"], spot["PricingCategory"], spot["RegionId"]) == (None, "Dynamic", None)
    (strange,) = (row for row in rows if row["BillingCurrency"] == "CNY")
    assert (strange["ServiceName"], strange["ServiceCategory"]) == ("Nobody knows it", "Other")
    assert (strange["ConsumedQuantity"], strange["PricingQuantity"]) == (None, None)


def test_totals_tie_to_the_facts_and_every_null_has_its_reason(
    exported: Callable[..., list[Path]], tmp_path: Path
) -> None:
    facts = [fact(unblended, amortized, **changes) for unblended, amortized, changes in FACTS]
    september = fact("1.5", "1.5", billing_period="2026-09", cost_basis="unblended", cost_primary=Decimal("1.5"))
    paths = exported([*facts, september])
    assert [path.name for path in paths] == [
        *(f"focus_{period}.{form}" for period in ("2026-09", "2026-10") for form in ("csv", "parquet")),
        "focus.json",
    ]
    told = json.loads(paths[-1].read_text())
    assert (told["focus_version"], told["as_of"]) == ("1.2", "2026-11-01T00:00:00Z")
    before, month = told["periods"]
    assert {name: Decimal(value) for name, value in month["totals"][1].items() if name.endswith("ed_cost")} == {
        "fact_billed_cost": Decimal(136),
        "billed_cost": Decimal(136),
        "negated_cost": Decimal(0),
        "contracted_cost": Decimal(156),
    }
    assert [(each["currency"], each["facts"], each["rows"]) for each in month["totals"]] == [
        ("CNY", 1, 1),
        ("USD", 10, 10),
    ]
    assert (before["totals"][0]["billed_cost"], before["totals"][0]["effective_cost"]) == ("1.500000000000", None)
    rows = pl.read_parquet(paths[3])
    assert {each["column"]: each["rows"] for each in month["nulls"]} == {
        name: count for name, count in rows.null_count().row(0, named=True).items() if count
    }
    assert all(each["why"] for period in told["periods"] for each in period["nulls"])
    assert not list((tmp_path / "out").glob(".*"))


def test_columns_are_those_of_focus_in_its_case_then_ours_and_each_is_explained(rows: list[Row]) -> None:
    names = list(rows[0])
    explained = pl.read_csv(Path(__file__).parents[2] / "jobs" / "focus_words" / "columns.csv")["column"].to_list()
    assert names == explained
    custom = [name for name in names if name.startswith("x_")]
    assert names[-len(custom) :] == custom
    assert names[: -len(custom)] == sorted(names[: -len(custom)])
    mandatory = {
        *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodStart"),
        *("BillingPeriodEnd", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodStart"),
        *("ChargePeriodEnd", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity"),
        *("PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"),
    }
    assert mandatory <= set(names)


def test_csv_and_parquet_have_the_same_rows_and_the_same_facts_give_the_same_bytes(
    exported: Callable[..., list[Path]],
) -> None:
    facts = [fact(unblended, amortized, **changes) for unblended, amortized, changes in FACTS] * 2
    paths = exported(facts)
    first = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths[:2]]
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in exported(facts[::-1])[:2]] == first
    with paths[0].open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    frame = pl.read_parquet(paths[1])
    assert [line["BilledCost"] for line in lines] == [f"{cost:f}" for cost in frame["BilledCost"]]
    assert [line["ResourceId"] or None for line in lines] == frame["ResourceId"].to_list()
    assert {line["ChargePeriodStart"] for line in lines} == {"2026-10-31T00:00:00Z"}


def test_reading_an_export_as_a_bill_gives_the_facts_own_totals(
    exported: Callable[..., list[Path]], warehouse: Warehouse
) -> None:
    facts = [fact(unblended, amortized, **changes) for unblended, amortized, changes in FACTS]
    usd = [each for each in facts if each["currency"] == "USD"]
    (period,) = ingest(warehouse, "other", [str(exported(usd)[0])]).periods
    assert period.unblended == sum(each["unblended_cost"] for each in usd)
    assert period.amortized == sum(each["cost_primary"] for each in usd)


@settings(max_examples=25)
@given(
    charges=st.lists(
        st.tuples(st.integers(-(10**20), 10**20), st.integers(-(10**20), 10**20), st.sampled_from(FACTS)), min_size=1
    )
)
def test_an_export_adds_up_to_its_facts_whatever_they_are(charges: list[tuple[int, int, tuple[str, str, Row]]]) -> None:
    made = [
        fact(str(Decimal(billed).scaleb(-12)), str(Decimal(amortized).scaleb(-12)), **line[2])
        for billed, amortized, line in charges
    ]
    facts = pl.DataFrame(made, schema=CUR_FACTS.polars_schema)
    services = pl.DataFrame(schema=dict.fromkeys(SERVICES, pl.String))
    regions = pl.DataFrame(schema=dict.fromkeys(("provider", "region", "region_name"), pl.String))
    rows = query("focus_export/rows", {"facts": facts, "services": services, "regions": regions})
    for row in query("focus_export/totals", {"facts": facts, "exported": rows}).to_dicts():
        assert row["fact_billed_cost"] == (row["billed_cost"] or 0) + row["negated_cost"]
        negations = sum(
            each["cost_primary"]
            for each in made
            if (each["currency"], each["line_item_type"]) == (row["currency"], "SavingsPlanNegation")
        )
        assert row["fact_effective_cost"] == (row["effective_cost"] or 0) + negations


def test_a_period_without_facts_and_a_tenant_without_a_release_are_told_what_there_is(
    exported: Callable[..., list[Path]], warehouse: Warehouse, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match="no facts of 2025-01 are released; there are: 2026-10"):
        exported([fact("1", "1")], period="2025-01")
    with pytest.raises(NotFound, match="finops run --tenant nobody"):
        export_focus(warehouse, "nobody", tmp_path)
