from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from catalog.warehouse import Warehouse
from contracts.draft import FindingDraft
from contracts.tables import COVERAGE, CUR_FACTS, CURRENT, KPI_DAILY, KPI_MONTHLY, Table
from jobs.kpis import kpis
from jobs.lifecycle import brought_up

Claim = Callable[..., FindingDraft]
Frame = Callable[..., pl.DataFrame]
DAY = timedelta(days=1)


def rows(warehouse: Warehouse, table: Table, kpi: str) -> list[tuple[Any, ...]]:
    found = warehouse.scan(table, "acme").filter(pl.col("kpi") == kpi).sort("period", "value", "currency").collect()
    return found.select("period", "dimension", "value", "numerator", "denominator", "currency").rows()


@pytest.fixture
def current(sealed: Frame, as_of: datetime) -> Callable[[list[FindingDraft]], pl.DataFrame]:
    """Make the current findings of one run."""

    def made(drafts: list[FindingDraft]) -> pl.DataFrame:
        coverage, previous = pl.DataFrame(schema=COVERAGE.polars_schema), pl.DataFrame(schema=CURRENT.polars_schema)
        return brought_up(sealed(drafts, "r1", as_of), coverage, previous, as_of)

    return made


def test_savings_by_category_count_a_resource_once_and_keep_currencies_apart(
    warehouse: Warehouse, current: Frame, claim: Claim, as_of: datetime
) -> None:
    drafts = [
        claim("aws.ebs.unattached_volume", "vol-0a", "8"),
        claim("aws.ebs.gp2_volume", "vol-0a", "2"),
        claim("aws.ebs.unattached_volume", "vol-0b", None),
        claim("aws.ebs.unattached_volume", "vol-0c", "5", currency="CNY"),
    ]
    warehouse.replace(CURRENT, current(drafts), "acme")
    kpis(warehouse, "acme", as_of)
    expected = [
        ("category", "outdated", Decimal(0), Decimal(2), "USD"),
        ("category", "unused", Decimal(5), Decimal(5), "CNY"),
        ("category", "unused", Decimal(8), Decimal(8), "USD"),
    ]
    assert rows(warehouse, KPI_DAILY, "savings_by_category") == [("2026-11-01", *row) for row in expected]
    assert rows(warehouse, KPI_MONTHLY, "savings_by_category") == [("2026-11", *row) for row in expected]


def test_open_findings_are_counted_by_severity(
    warehouse: Warehouse, current: Frame, claim: Claim, as_of: datetime
) -> None:
    drafts = [claim("a.a.a", f"vol-0{each}", severity="high" if each == "a" else "low") for each in "abc"]
    warehouse.replace(CURRENT, current(drafts), "acme")
    kpis(warehouse, "acme", as_of)
    for table, period in ((KPI_DAILY, "2026-11-01"), (KPI_MONTHLY, "2026-11")):
        assert rows(warehouse, table, "open_findings_by_severity") == [
            (period, "severity", "high", Decimal(1), None, None),
            (period, "severity", "low", Decimal(2), None, None),
        ]


def test_costs_by_service_tie_to_the_facts(warehouse: Warehouse, billed: Frame, as_of: datetime) -> None:
    usd = billed([(as_of - DAY * back, f"Service{back % 3}", f"0.{back:012d}") for back in range(1, 60)])
    cny = billed([(as_of - DAY, "Service1", "7")], currency="CNY")
    warehouse.append(CUR_FACTS, pl.concat([usd, cny]), "acme")
    kpis(warehouse, "acme", as_of)
    daily, monthly = (rows(warehouse, table, "cost_by_service") for table in (KPI_DAILY, KPI_MONTHLY))
    assert sum(row[3] for row in monthly if row[5] == "USD") == usd["cost_primary"].sum()
    window = usd.filter(pl.col("usage_start") >= as_of - 30 * DAY)
    assert sum(row[3] for row in daily if row[5] == "USD") == window["cost_primary"].sum()
    assert [row for row in monthly if row[5] == "CNY"] == [("2026-10", "service", "Service1", Decimal(7), None, "CNY")]
    assert {row[0] for row in daily} == {f"{as_of - DAY * back:%Y-%m-%d}" for back in range(1, 31)}


def test_coverage_is_what_was_evaluated_of_what_was_planned(
    warehouse: Warehouse, covered: Frame, as_of: datetime
) -> None:
    checks = ["aws.ebs.gp2_volume", "aws.ebs.old_snapshot", "aws.ebs.unattached_volume"]
    denied = "acme/prod/aws/222222222222/us-east-1"
    azure = "acme/prod/azure/sub-1/global"
    parts = [
        covered(checks, "r1", as_of.date()),
        covered(checks, "r1", as_of.date(), denied, outcome="denied"),
        covered(checks[:1], "r2", as_of.date(), denied),  # the second run of the day could read one of them
        covered(["azure.compute.unattached_disk"], "r1", as_of.date(), azure, outcome="failed"),
    ]
    warehouse.append(COVERAGE, pl.concat(parts), "acme")
    kpis(warehouse, "acme", as_of)
    for table, period in ((KPI_DAILY, "2026-11-01"), (KPI_MONTHLY, "2026-11")):
        assert rows(warehouse, table, "coverage") == [
            (period, "provider", "aws", Decimal(4), Decimal(6), None),
            (period, "provider", "azure", Decimal(0), Decimal(1), None),
        ]


def test_a_months_coverage_is_that_of_the_last_try(warehouse: Warehouse, covered: Frame, as_of: datetime) -> None:
    later = as_of + 5 * DAY
    warehouse.append(COVERAGE, covered(["a.a.a", "a.a.b"], "r1", as_of.date()), "acme")
    warehouse.append(COVERAGE, covered(["a.a.a"], "r2", later.date(), outcome="throttled"), "acme")
    kpis(warehouse, "acme", later)
    assert rows(warehouse, KPI_MONTHLY, "coverage") == [("2026-11", "provider", "aws", Decimal(1), Decimal(2), None)]
    assert rows(warehouse, KPI_DAILY, "coverage") == [("2026-11-06", "provider", "aws", Decimal(0), Decimal(1), None)]


def test_the_past_stays_as_told_but_a_corrected_bill_corrects_it(
    warehouse: Warehouse, current: Frame, billed: Frame, claim: Claim, as_of: datetime
) -> None:
    warehouse.replace(CURRENT, current([claim("a.a.a", "vol-0a", severity="high")]), "acme")
    warehouse.append(CUR_FACTS, billed([(as_of - DAY, "AmazonEC2", "5"), (as_of - 2 * DAY, "AmazonEC2", "1")]), "acme")
    kpis(warehouse, "acme", as_of)
    warehouse.replace(CURRENT, current([]), "acme")
    warehouse.replace(CUR_FACTS, billed([(as_of - DAY, "AmazonEC2", "4")]), "acme")
    kpis(warehouse, "acme", as_of + DAY)
    assert [row[0] for row in rows(warehouse, KPI_DAILY, "open_findings_by_severity")] == ["2026-11-01"]
    assert rows(warehouse, KPI_MONTHLY, "open_findings_by_severity") == []
    assert [(row[0], row[3]) for row in rows(warehouse, KPI_DAILY, "cost_by_service")] == [("2026-10-31", Decimal(4))]


def test_the_same_inputs_write_nothing_again(warehouse: Warehouse, billed: Frame, as_of: datetime) -> None:
    warehouse.append(CUR_FACTS, billed([(as_of - DAY, "AmazonEC2", "5")]), "acme")
    kpis(warehouse, "acme", as_of)
    before = [warehouse.snapshot_id(table) for table in (KPI_DAILY, KPI_MONTHLY)]
    kpis(warehouse, "acme", as_of)
    assert [warehouse.snapshot_id(table) for table in (KPI_DAILY, KPI_MONTHLY)] == before
    kpis(warehouse, "acme", as_of + timedelta(hours=1))
    assert len(rows(warehouse, KPI_DAILY, "cost_by_service")) == 1
