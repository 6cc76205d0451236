from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.warehouse import Warehouse
from contracts.draft import FindingDraft
from contracts.tables import COVERAGE, CUR_FACTS, CUR_INGESTS, CURRENT, KPI_DAILY, KPI_MONTHLY, Table
from jobs.kpis import kpis
from jobs.lifecycle import brought_up
from jobs.sql import query

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


def lines(billed: Frame, rows: list[dict[str, Any]], at: datetime) -> pl.DataFrame:
    """Make amortised facts of one day: `cost` and what else a row names; usage of AmazonEC2 where it does not."""
    common = {
        "cost_basis": "net_amortized",
        "charge_category": "Usage",
        "line_item_type": "Usage",
        "usage_end": at + DAY,
    }
    frames = []
    for row in rows:
        listed = {"list_cost": Decimal(row["list"])} if "list" in row else {}
        rest = {name: value for name, value in row.items() if name not in {"cost", "list", "service"}}
        frames.append(billed([(at, row.get("service", "AmazonEC2"), row["cost"])], **{**common, **listed, **rest}))
    return pl.concat(frames)


def ratios(warehouse: Warehouse, table: Table, kpi: str) -> list[tuple[Any, ...]]:
    return [(row[2], row[3], row[4], row[5]) for row in rows(warehouse, table, kpi)]


PLAN = {"commitment_id": "arn:a", "commitment_kind": "savings_plan"}
RESERVATION = {"commitment_id": "arn:b", "commitment_kind": "reservation"}
COMMITTED: list[dict[str, Any]] = [
    {"cost": "7", "list": "10", "usage_type": "BoxUsage:m5.large"},
    {
        "cost": "6",
        "list": "10",
        "usage_type": "BoxUsage:m7g.large",
        "line_item_type": "SavingsPlanCoveredUsage",
        **PLAN,
    },
    {"cost": "0", "list": "0", "usage_type": "BoxUsage:m7g.large", "line_item_type": "SavingsPlanNegation", **PLAN},
    {"cost": "2", "charge_category": "Purchase", "line_item_type": "SavingsPlanRecurringFee", **PLAN},
    {"cost": "0", "charge_category": "Purchase", "line_item_type": "SavingsPlanUpfrontFee", "list": "99", **PLAN},
    {
        "cost": "3",
        "list": "5",
        "usage_type": "EU-BoxUsage:g4dn.xlarge",
        "line_item_type": "DiscountedUsage",
        **RESERVATION,
    },
    {"cost": "-1", "charge_category": "Adjustment", "line_item_type": "EdpDiscount"},
    {"cost": "4", "list": "0", "usage_type": "USW2-SpotUsage:c6gn.large", "operation": "RunInstances:SV001"},
    {"cost": "5", "list": "5", "usage_type": "BoxUsage:t3.large", "operation": "RunInstances:0002"},
    {"cost": "9", "charge_category": "Tax", "line_item_type": "Tax"},
]


def test_what_is_saved_of_the_list_price_counts_discounts_and_unused_commitments_but_no_purchase_tax_or_unknown_price(
    warehouse: Warehouse, billed: Frame, as_of: datetime
) -> None:
    warehouse.append(CUR_FACTS, lines(billed, COMMITTED, as_of - DAY), "acme")
    kpis(warehouse, "acme", as_of)
    for table in (KPI_DAILY, KPI_MONTHLY):
        assert ratios(warehouse, table, "effective_savings_rate") == [
            ("aws", Decimal(30 - 7 - 6 - 3 - 5 - 2 + 1), Decimal(30), "USD")
        ]


def test_commitments_are_told_by_what_of_them_was_used_and_what_was_paid_for_nothing(
    warehouse: Warehouse, billed: Frame, as_of: datetime
) -> None:
    month = as_of.replace(month=10)
    fee = {"cost": "1", "charge_category": "Purchase", "line_item_type": "RIFee", **RESERVATION, "usage_end": as_of}
    azure = {"provider": "azure", "commitment_kind": "savings_plan", "commitment_id": "/x"}
    google = {"provider": "gcp", "commitment_kind": "committed_use_discount", "line_item_type": "regular"}
    bill = [
        *COMMITTED,
        {"cost": "12", **azure},
        {"cost": "8", **azure, "line_item_type": "UnusedSavingsPlan"},
        {"cost": "3", "charge_category": "Purchase", "unblended_cost": Decimal(10), **google},
        {"cost": "40", **google},  # what the discount does not cover is in it: the fee tells
    ]
    warehouse.append(CUR_FACTS, lines(billed, bill, as_of - DAY), "acme")
    warehouse.append(CUR_FACTS, lines(billed, [fee], month), "acme")
    kpis(warehouse, "acme", as_of)
    used = [
        ("committed_use_discount", Decimal(7), Decimal(10), "USD"),
        ("reservation", Decimal(3), Decimal(4), "USD"),
        ("savings_plan", Decimal(18), Decimal(28), "USD"),
    ]
    assert ratios(warehouse, KPI_MONTHLY, "commitment_utilisation") == used
    # One fee for the month says nothing of a day.
    assert ratios(warehouse, KPI_DAILY, "commitment_utilisation") == [used[0], used[2]]
    assert ratios(warehouse, KPI_MONTHLY, "commitment_waste") == [
        ("committed_use_discount", Decimal(3), None, "USD"),
        ("reservation", Decimal(1), None, "USD"),
        ("savings_plan", Decimal(10), None, "USD"),
    ]


def test_coverage_is_of_what_a_commitment_could_cover_at_list_prices(
    warehouse: Warehouse, billed: Frame, as_of: datetime
) -> None:
    bill = [
        *COMMITTED,
        {"cost": "1", "list": "1", "usage_type": "EBS:VolumeUsage.gp3"},
        {"cost": "8", "list": "8", "service": "AWSLambda", "usage_type": "EU-Lambda-GB-Second-ARM"},
        {"cost": "2", "service": "AmazonRDS", "usage_type": "Multi-AZUsage:db.m6g.large"},  # its list price is unknown
        {"cost": "2", "list": "2", "service": "AmazonECS", "usage_type": "USE1-SpotUsage-Fargate-GB-Hours"},
    ]
    warehouse.append(CUR_FACTS, lines(billed, bill, as_of - DAY), "acme")
    kpis(warehouse, "acme", as_of)
    for table in (KPI_DAILY, KPI_MONTHLY):
        assert ratios(warehouse, table, "commitment_coverage") == [
            ("AWSLambda", Decimal(0), Decimal(8), "USD"),
            ("AmazonEC2", Decimal(15), Decimal(30), "USD"),
        ]


def test_shares_are_of_cost_by_usage_type_and_family(warehouse: Warehouse, billed: Frame, as_of: datetime) -> None:
    volumes = [
        {"cost": "3", "usage_type": "EBS:VolumeUsage.gp2", "resource_id": "vol-0a"},
        {"cost": "5", "usage_type": "USW2-EBS:VolumeUsage.gp3"},
        {"cost": "2", "usage_type": "EBS:VolumeP-IOPS.gp3"},
        {"cost": "1", "usage_type": "BoxUsage:m6g.large", "service": "ElasticMapReduce"},
    ]
    warehouse.append(CUR_FACTS, lines(billed, [*COMMITTED, *volumes], as_of - DAY), "acme")
    kpis(warehouse, "acme", as_of)
    expected = {
        "gp3_share": (Decimal(5), Decimal(8)),
        "graviton_share": (Decimal(10), Decimal(20)),  # g4dn is a graphics card, and 5 are Windows'
        "spot_share": (Decimal(4), Decimal(25)),
        "resource_coverage": (Decimal(3), Decimal(36)),
    }
    for table in (KPI_DAILY, KPI_MONTHLY):
        for kpi, parts in expected.items():
            assert ratios(warehouse, table, kpi) == [("aws", *parts, "USD")]


@pytest.mark.parametrize(
    ("lost", "unknown"),
    [
        ({"list": None}, {"effective_savings_rate", "commitment_coverage"}),
        (
            {"cost_basis": "unblended"},
            {"effective_savings_rate", "commitment_utilisation", "commitment_waste", "graviton_share", "spot_share"},
        ),
        ({"usage_type": None}, {"commitment_coverage", "gp3_share", "graviton_share", "spot_share"}),
    ],
)
def test_what_a_bill_cannot_tell_has_no_row_and_never_0(
    warehouse: Warehouse, billed: Frame, as_of: datetime, lost: dict[str, Any], unknown: set[str]
) -> None:
    bill = [{name: value for name, value in {**row, **lost}.items() if name != "list" or value} for row in COMMITTED]
    warehouse.append(CUR_FACTS, lines(billed, bill, as_of - DAY), "acme")
    kpis(warehouse, "acme", as_of)
    for table in (KPI_DAILY, KPI_MONTHLY):
        found = set(warehouse.scan(table, "acme").collect()["kpi"])
        assert "cost_by_account" in found
        assert not found & {*unknown, "attribution_coverage"}


def test_a_resource_is_attributed_when_lines_of_its_own_are_on_the_bill(
    warehouse: Warehouse, current: Frame, claim: Claim, as_of: datetime
) -> None:
    drafts = [
        claim("aws.ebs.unattached_volume", "vol-0a", "8"),
        claim("aws.ebs.gp2_volume", "vol-0a", "2"),
        *(claim("aws.ebs.gp2_volume", f"vol-0{each}", "3") for each in "bc"),
        claim("aws.ebs.gp2_volume", "vol-0d", None),
    ]
    methods = {"vol-0a": "exact", "vol-0b": "scoped_rollup_usage"}
    found = [
        {**row, "actual": {"method": methods.get(row["resource_id"], "none")}} for row in current(drafts).to_dicts()
    ]
    warehouse.replace(CURRENT, pl.DataFrame(found, schema=CURRENT.polars_schema), "acme")
    kpis(warehouse, "acme", as_of)
    for table in (KPI_DAILY, KPI_MONTHLY):
        assert ratios(warehouse, table, "attribution_coverage") == [("aws", Decimal(8), Decimal(14), "USD")]


def test_freshness_is_days_from_the_last_usage_to_the_logical_time_and_stays_as_told(
    warehouse: Warehouse, billed: Frame, as_of: datetime
) -> None:
    tax = {"cost": "1", "charge_category": "Tax", "usage_end": as_of}
    warehouse.append(CUR_FACTS, lines(billed, [{"cost": "1"}], as_of - 3 * DAY), "acme")
    warehouse.append(CUR_FACTS, lines(billed, [tax], as_of - DAY), "acme")
    for at in (as_of, as_of + timedelta(hours=18)):
        kpis(warehouse, "acme", at)
    assert rows(warehouse, KPI_DAILY, "freshness_days") == [
        ("2026-11-01", "payer", "999999999999", Decimal("2.75"), None, None)
    ]
    kpis(warehouse, "acme", as_of + 2 * DAY)
    told = rows(warehouse, KPI_DAILY, "freshness_days")
    assert [(row[0], row[3]) for row in told] == [("2026-11-01", Decimal("2.75")), ("2026-11-03", Decimal(4))]


def ingested(sequence: int, at: datetime | None, period: str, cost: str, delta: str | None, payer: str = "1") -> Any:
    return {
        "tenant_id": "acme",
        "sequence": sequence,
        "as_of": at,
        "payer_account_id": payer,
        "billing_period": period,
        "currency": "USD",
        "rows": 1,
        "replaced": int(delta is not None),
        "unblended": Decimal(cost),
        "delta_unblended": None if delta is None else Decimal(delta),
    }


def test_a_month_is_restated_by_what_deliveries_after_its_end_changed(warehouse: Warehouse, as_of: datetime) -> None:
    log = [
        ingested(1, as_of - 20 * DAY, "2026-10", "60", None),
        ingested(2, as_of - 10 * DAY, "2026-10", "90", "30"),  # the month was not over: it grew
        ingested(3, as_of + 2 * DAY, "2026-10", "110", "20"),
        ingested(4, as_of + 5 * DAY, "2026-10", "105", "-5"),
        ingested(4, as_of + 5 * DAY, "2026-11", "9", "4"),
        ingested(5, None, "2026-09", "50", "7"),  # nobody knows when
        ingested(6, as_of + 5 * DAY, "2026-10", "8", None, payer="2"),
    ]
    warehouse.append(CUR_INGESTS, pl.DataFrame(log, schema=CUR_INGESTS.polars_schema), "acme")
    kpis(warehouse, "acme", as_of + 5 * DAY)
    assert [(row[0], row[2], row[3], row[4]) for row in rows(warehouse, KPI_MONTHLY, "restated_share")] == [
        ("2026-10", "1", Decimal(25), Decimal(105)),
        ("2026-10", "2", Decimal(0), Decimal(8)),
    ]
    assert [(row[0], row[2], row[3], row[4]) for row in rows(warehouse, KPI_DAILY, "restated_share")] == [
        ("2026-11-03", "1", Decimal(20), Decimal(110)),
        ("2026-11-06", "1", Decimal(5), Decimal(105)),
    ]


@given(
    charges=st.lists(
        st.tuples(
            st.integers(0, 40), st.sampled_from(["USD", "CNY"]), st.integers(-(10**20), 10**20), st.integers(0, 70)
        ),
        min_size=1,
        max_size=120,
    )
)
@example(charges=[(1, "USD", owner, owner) for owner in range(1, 71)])
def test_every_tag_key_adds_up_to_all_facts_however_many_values_it_has(
    charges: list[tuple[int, str, int, int]],
) -> None:
    until = datetime(2026, 11, 1, tzinfo=UTC)
    facts = pl.DataFrame(
        [
            {
                "usage_start": until - DAY * back,
                "currency": currency,
                "cost_primary": Decimal(cost).scaleb(-12),
                "tags": {"owner": f"o{owner}", **({"team": "core"} if owner % 2 else {})} if owner else None,
            }
            for back, currency, cost, owner in charges
        ],
        schema=CUR_FACTS.polars_schema,
    )
    sums = query("kpi_inputs/tag_sums", {"cur_facts": facts}, {"as_of": until, "since": until - 30 * DAY})
    assert sums.height == sums.unique(["month", "day", "key", "value", "currency"]).height
    for currency, key in {(row[1], key) for row in charges for key in sums["key"]}:
        of_key = sums.filter((pl.col("currency") == currency) & (pl.col("key") == key))
        assert of_key["cost"].sum() == sum(Decimal(row[2]).scaleb(-12) for row in charges if row[1] == currency)
        assert of_key["value"].n_unique() <= 52


@given(
    charges=st.lists(
        st.tuples(
            st.integers(0, 40),
            st.sampled_from(["USD", "CNY", None]),
            st.integers(-(10**20), 10**20),
            st.tuples(*[st.sampled_from(["a", "b", "unknown", None])] * 4),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_every_dimension_adds_up_to_all_facts_and_names_what_is_unknown(charges: list[tuple[Any, ...]]) -> None:
    until, dimensions = datetime(2026, 11, 1, tzinfo=UTC), ("account_id", "service", "region", "charge_category")
    facts = pl.DataFrame(
        [
            {
                "usage_start": until - DAY * back,
                "currency": currency,
                "cost_primary": Decimal(cost).scaleb(-12),
                **dict(zip(dimensions, where, strict=True)),
            }
            for back, currency, cost, where in charges
        ],
        schema=CUR_FACTS.polars_schema,
    )
    sums = query("kpi_inputs/cost_sums", {"cur_facts": facts}, {"as_of": until, "since": until - 30 * DAY})
    assert sums.height == sums.unique(["month", "day", "dimension", "value", "currency"]).height
    assert set(sums["dimension"]) == {"account", "service", "region", "charge_category"}
    for (_, currency), of in sums.group_by("dimension", "currency"):
        assert of["cost"].sum() == sum(Decimal(row[2]).scaleb(-12) for row in charges if row[1] == currency)
        in_window = [row for row in charges if row[1] == currency and 1 <= row[0] <= 30]
        told = of.filter(pl.col("day").is_not_null())["cost"]
        assert told.sum() == sum(Decimal(row[2]).scaleb(-12) for row in in_window)
