"""Gold against the file itself: what every line counts is written beside it, and every KPI of cost adds up to that."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from catalog.warehouse import Warehouse
from contracts.tables import CUR_FACTS, KPI_DAILY, KPI_MONTHLY, Table
from jobs.costs.ingest import ingest
from jobs.kpis import kpis

DAY = timedelta(days=1)
PLAN = {"savingsPlan/SavingsPlanARN": "arn:aws:savingsplans::999999999999:savingsplan/a"}
RESERVED = {"reservation/ReservationARN": "arn:aws:ec2:eu-west-1:999999999999:reserved-instances/b"}
RECURRING = {
    **PLAN,
    "savingsPlan/TotalCommitmentToDate": "17",
    "savingsPlan/UsedCommitment": "14",
    "savingsPlan/RecurringCommitmentForBillingPeriod": "4",
    "savingsPlan/NetRecurringCommitmentForBillingPeriod": "3",
}
# Every line type: its product, net unblended cost and further columns; the category and the cost at which it counts.
LINES: list[tuple[str, str, str, dict[str, str], str, str]] = [
    ("Usage", "AmazonEC2", "9.000000000001", {}, "Usage", "9.000000000001"),
    ("Usage", "AmazonS3", "0.1", {}, "Usage", "0.1"),
    (
        "SavingsPlanCoveredUsage",
        "AmazonEC2",
        "20",
        {**PLAN, "savingsPlan/NetSavingsPlanEffectiveCost": "12.6"},
        "Usage",
        "12.6",
    ),
    ("SavingsPlanNegation", "AmazonEC2", "-20", PLAN, "Usage", "0"),
    ("SavingsPlanRecurringFee", "ComputeSavingsPlans", "9", RECURRING, "Purchase", "2.25"),
    ("SavingsPlanUpfrontFee", "ComputeSavingsPlans", "75.6", PLAN, "Purchase", "0"),
    ("DiscountedUsage", "AmazonEC2", "0", {**RESERVED, "reservation/NetEffectiveCost": "4.5"}, "Usage", "4.5"),
    ("RIFee", "AmazonEC2", "3.6", {**RESERVED, "reservation/NetUnusedRecurringFee": "0.9"}, "Purchase", "0.9"),
    ("Fee", "AmazonEC2", "32.4", RESERVED, "Purchase", "0"),
    ("Fee", "AWSSupportBusiness", "100", {}, "Purchase", "100"),
    ("Refund", "AmazonEC2", "-8", {}, "Adjustment", "-8"),
    ("Tax", "", "2", {}, "Tax", "2"),
    ("Credit", "AmazonEC2", "-3", {}, "Credit", "-3"),
    ("EdpDiscount", "AmazonEC2", "", {}, "Adjustment", "0"),
    ("SomethingNew", "AmazonEC2", "1.5", {}, "Adjustment", "1.5"),
]
PLACES = [  # account, region, the value of the tag team, currency
    ("111111111111", "us-east-1", "core", "USD"),
    ("222222222222", "eu-west-1", "", "USD"),
    ("222222222222", "us-east-1", "web", "CNY"),
]
Charge = dict[str, Any]


@pytest.fixture
def charges(warehouse: Warehouse, bill: Callable[..., str], as_of: datetime) -> list[Charge]:
    """Ingest a bill of two months and tell its KPIs; returns what each of its lines counts, and where."""
    starts = [*(as_of - back * DAY for back in (1, 2, 15, 30, 31)), datetime(2026, 9, 12, 23, tzinfo=UTC)]
    made = [_charge(start, place, line) for start in starts for place in PLACES for line in LINES]
    (file,) = ingest(warehouse, "acme", [bill([line for line, _ in made])]).files
    assert (file.error, file.facts) == (None, len(made))
    kpis(warehouse, "acme", as_of)
    return [charge for _, charge in made]


def _charge(start: datetime, place: tuple[str, ...], line: tuple[Any, ...]) -> tuple[dict[str, str], Charge]:
    account, region, team, currency = place
    kind, service, net, columns, category, cost = line
    line = {
        "bill/BillingPeriodStartDate": f"{start:%Y-%m}-01T00:00:00Z",
        "lineItem/LineItemType": kind,
        "lineItem/ProductCode": service,
        "lineItem/UsageAccountId": account,
        "lineItem/UsageStartDate": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "lineItem/UsageEndDate": f"{start + (31 if kind == 'RIFee' else 1) * DAY:%Y-%m-%dT%H:%M:%SZ}",
        "lineItem/NetUnblendedCost": net,
        "lineItem/CurrencyCode": currency,
        "product/region": region,
        "resourceTags/user:team": team,
        **columns,
    }
    where = {"account": account, "region": region, "service": service or "unknown", "charge_category": category}
    return line, {**where, "tag:team": team or "untagged", "start": start, "currency": currency, "cost": Decimal(cost)}


def told(warehouse: Warehouse, table: Table, dimension: str) -> dict[tuple[str, str, str], Decimal]:
    rows = warehouse.scan(table, "acme").filter(
        pl.col("kpi").str.starts_with("cost_by_") & (pl.col("dimension") == dimension)
    )
    return {row[:3]: row[3] for row in rows.select("period", "value", "currency", "numerator").collect().iter_rows()}


def expected(charges: list[Charge], dimension: str, period: str) -> dict[tuple[str, str, str], Decimal]:
    sums: Counter[tuple[str, str, str]] = Counter()
    for charge in charges:
        sums[f"{charge['start']:{period}}", charge[dimension], charge["currency"]] += charge["cost"]
    return dict(sums)


def test_every_cost_of_gold_is_the_sum_of_the_files_lines_to_the_last_digit(
    warehouse: Warehouse, charges: list[Charge], as_of: datetime
) -> None:
    in_window = [charge for charge in charges if charge["start"] >= as_of - 30 * DAY]
    facts = warehouse.scan(CUR_FACTS, "acme").group_by("currency").agg(pl.col("cost_primary").sum()).collect()
    total = dict(facts.iter_rows())
    assert total == {each: sum(row["cost"] for row in charges if row["currency"] == each) for each in ("USD", "CNY")}
    for dimension in ("account", "service", "region", "charge_category", "tag:team"):
        assert told(warehouse, KPI_DAILY, dimension) == expected(in_window, dimension, "%Y-%m-%d")
        monthly = told(warehouse, KPI_MONTHLY, dimension)
        assert monthly == expected(charges, dimension, "%Y-%m")
        for currency, cost in total.items():
            assert sum(cell for (_, _, each), cell in monthly.items() if each == currency) == cost
