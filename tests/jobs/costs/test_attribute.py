from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.warehouse import Warehouse
from contracts.draft import FindingDraft
from contracts.tables import ATTRIBUTION, CORRELATED, COVERAGE, CUR_FACTS, CURRENT, ENRICHED, FINDINGS
from jobs.correlate import correlate
from jobs.costs.attribute import NOTHING_LISTED, attribute, attributed, attributed_part
from jobs.costs.bill import read_bill
from jobs.costs.ingest import ingest
from jobs.lifecycle import lifecycle

Claim = Callable[..., FindingDraft]
Frame = Callable[..., pl.DataFrame]
AS_OF = datetime(2026, 11, 10, tzinfo=UTC)
DAY = timedelta(days=1)
VOLUME = "aws.ebs.gp2_volume"
LINE = {
    "tenant_id": "acme",
    "provider": "aws",
    "payer_account_id": "999999999999",
    "account_id": "111111111111",
    "service": "AmazonEC2",
    "resource_id": "vol-0a",
    "charge_category": "Usage",
    "usage_type": "EBS:VolumeUsage.gp2",
    "quantity": Decimal(24),
    "unit": "GB-Mo",
    "cost_basis": "amortized",
    "currency": "USD",
    "source_file": "bill.csv",
    "invoice_final": False,
}


def line(start: datetime, cost: str = "1", days: float = 1, **changes: Any) -> dict[str, Any]:
    end = start + timedelta(days=days)
    when = {"usage_start": start, "usage_end": end, "billing_period": f"{start:%Y-%m}"}
    return {**LINE, **when, "cost_primary": Decimal(cost), **changes}


def frame(lines: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(lines, schema=CUR_FACTS.polars_schema)


def daily(days: int, **changes: Any) -> list[dict[str, Any]]:
    return [line(AS_OF - number * DAY, **changes) for number in range(1, days + 1)]


@pytest.fixture
def actual(claim: Claim, sealed: Frame) -> Callable[..., dict[str, Any]]:
    """Attribute one finding on `resource_id` with bill lines; return its `actual`."""

    def made(
        lines: list[dict[str, Any]], resource_id: str = "vol-0a", as_of: datetime = AS_OF, **changes: Any
    ) -> dict[str, Any]:
        findings = sealed([claim(VOLUME, resource_id, **changes)], "r1", as_of)
        (row,) = attributed(findings, frame(lines), as_of).enriched.to_dicts()
        return dict(row["actual"])

    return made


def test_a_resources_lines_are_summed_per_window_by_usage_start(actual: Callable[..., dict[str, Any]]) -> None:
    assert actual(daily(60)) == {
        "cost_7d": Decimal(7),
        "cost_30d": Decimal(30),
        "cost_mtd": Decimal(9),
        "cost_prev_month": Decimal(31),
        "currency": "USD",
        "basis": "amortized",
        "method": "exact",
        "confidence": Decimal("1.00"),
        "reason": None,
        "days_with_data": 30,
        "data_through": AS_OF,
        "covered_30d": Decimal(0),
        "includes_related": False,
    }


def test_windows_include_their_start_and_exclude_their_end(actual: Callable[..., dict[str, Any]]) -> None:
    edge = [line(AS_OF - 7 * DAY, "1"), line(AS_OF, "10"), line(AS_OF - 7 * DAY - timedelta(hours=1), "100", days=0.1)]
    assert actual(edge)["cost_7d"] == 1


def test_a_charge_over_a_month_is_spread_over_its_days(actual: Callable[..., dict[str, Any]]) -> None:
    found = actual([line(datetime(2026, 10, 1, tzinfo=UTC), "31", days=31), *daily(9)])
    assert (found["cost_30d"], found["cost_7d"], found["cost_prev_month"]) == (Decimal(21 + 9), 7, 31)


def test_a_window_that_begins_inside_a_day_takes_whole_days_of_a_spread_charge(
    actual: Callable[..., dict[str, Any]],
) -> None:
    noon = AS_OF + timedelta(hours=12)
    found = actual([line(datetime(2026, 10, 1, tzinfo=UTC), "61", days=61)], as_of=noon)
    assert (found["cost_7d"], found["cost_mtd"]) == (7, 10)


CHARGE = st.tuples(st.decimals(-(10**6), 10**6, places=12), st.integers(0, 40), st.integers(2, 40))


@settings(max_examples=10)
@given(charges=st.lists(CHARGE, min_size=10, max_size=10))  # a volume each: the bill is read once for all
def test_spreading_is_exact_to_the_last_stored_digit(charges: list[tuple[Decimal, int, int]]) -> None:
    # The probe keeps the resources matched and the windows covered, and costs nothing.
    lines, expected = [], {}
    for number, (cost, start, days) in enumerate(charges):
        volume = f"vol-{number}"
        begins = AS_OF - timedelta(days=45) + start * DAY
        lines += [line(begins, str(cost), days=days, resource_id=volume), *daily(1, cost="0", resource_id=volume)]
        inside = sum(AS_OF - 30 * DAY <= begins + day * DAY < AS_OF for day in range(days))
        share = (cost * inside / days).quantize(Decimal("1e-12"), ROUND_HALF_UP)
        expected[volume] = share.quantize(Decimal("1e-6"), ROUND_HALF_UP) if inside else Decimal(0)
    finding = {
        **dict.fromkeys(FINDINGS.schema.names),
        "provider": "aws",
        "account_id": "111111111111",
        "evidence": "{}",
    }
    rows = [{**finding, "fingerprint": volume, "resource_id": volume} for volume in expected]
    enriched = attributed(pl.DataFrame(rows, schema=FINDINGS.polars_schema), frame(lines), AS_OF).enriched.to_dicts()
    assert {row["resource_id"]: row["actual"]["cost_30d"] for row in enriched} == expected


def test_money_is_rounded_once_and_half_up(actual: Callable[..., dict[str, Any]]) -> None:
    halves = daily(3, cost="0.0000005")
    assert actual(halves)["cost_7d"] == Decimal("0.000002")
    assert actual(daily(3, cost="-0.0000005"))["cost_7d"] == Decimal("-0.000002")


def test_an_arn_on_the_bill_is_the_id_of_the_inventory(actual: Callable[..., dict[str, Any]]) -> None:
    arn = "arn:aws:ec2:us-east-1:111111111111:snapshot/snap-0AB"
    found = actual(daily(7, resource_id=arn), "snap-0ab")
    assert (found["method"], found["confidence"], found["cost_7d"]) == ("normalized_arn", Decimal("0.98"), 7)


@pytest.mark.parametrize(
    "billed",
    [
        "arn:aws:rds:us-east-1:111111111111:db:vol-0a",
        "xvol-0a",
        "VOL-0A-backup",
        "arn:aws:s3:::VOL-0A",
    ],
)
def test_a_name_that_merely_looks_alike_does_not_match(actual: Callable[..., dict[str, Any]], billed: str) -> None:
    found = actual(daily(3, resource_id=billed))
    assert (found["method"], found["reason"], found["cost_30d"]) == ("none", "not_in_bill", None)


def test_names_keep_their_case(actual: Callable[..., dict[str, Any]]) -> None:
    assert actual(daily(3, resource_id="My-Bucket"), "my-bucket")["method"] == "none"
    assert actual(daily(3, resource_id="My-Bucket"), "My-Bucket")["method"] == "exact"


def test_another_accounts_lines_are_not_this_findings(actual: Callable[..., dict[str, Any]]) -> None:
    assert actual(daily(3, account_id="222222222222"))["reason"] == "not_in_bill"


def test_a_finding_that_covers_others_costs_what_they_cost(actual: Callable[..., dict[str, Any]]) -> None:
    lines = [*daily(7), *daily(7, resource_id="vol-0b"), *daily(7, resource_id="i-0a")]
    found = actual(lines, "i-0a", evidence={"covers": ["vol-0a", "vol-0b", "vol-0a"]})
    assert (found["method"], found["confidence"], found["cost_7d"]) == ("attachment", Decimal("0.75"), 14)
    assert found["includes_related"]
    partly = actual(lines, "i-0a", evidence={"covers": ["vol-0a", "vol-0c"]})
    assert (partly["cost_7d"], partly["reason"]) == (7, "partly_in_bill")


def test_confidence_falls_with_the_days_the_bill_lacks_and_with_every_doubt(
    actual: Callable[..., dict[str, Any]],
) -> None:
    assert actual(daily(7))["confidence"] == 1
    assert actual(daily(3))["confidence"] == Decimal("0.43")  # 3 of 7 days
    late = AS_OF + 10 * DAY  # October has been over for 20 days, and still has no invoice
    open_month = [line(late - number * DAY) for number in range(1, 26)]
    assert actual(open_month, as_of=late)["confidence"] == Decimal("0.95")
    assert actual([{**each, "invoice_final": True} for each in open_month], as_of=late)["confidence"] == 1
    names = ("web", *(f"arn:aws:rds:us-east-1:111111111111:{kind}:web" for kind in ("db", "cluster")))
    lines = [each for name in names for each in daily(7, resource_id=name, service="AmazonRDS")]
    found = actual(lines, "web", service="rds")
    assert (found["method"], found["cost_7d"], found["confidence"]) == ("exact", 7, Decimal("0.95"))


def test_a_name_that_means_two_resources_has_no_cost(claim: Claim, sealed: Frame) -> None:
    arns = [f"arn:aws:rds:us-east-1:111111111111:{kind}:web" for kind in ("db", "cluster")]
    lines = [each for arn in arns for each in daily(7, resource_id=arn, service="AmazonRDS")]
    found = attributed(sealed([claim("a.a.a", "web", service="rds")], "r1", AS_OF), frame(lines), AS_OF)
    (row,) = found.enriched["actual"].to_list()
    assert (row["method"], row["reason"], row["cost_30d"]) == ("none", "ambiguous", None)
    (told,) = found.evidence.to_dicts()
    assert told["refused"] == sorted(f"{arn} (ambiguous)" for arn in arns)
    assert (told["method"], told["allocatable"], told["cost_30d"]) == ("none", False, None)


SNAPSHOTS = {"resource_id": None, "region": "us-east-1", "usage_type": "EBS:SnapshotUsage", "service": "AmazonEC2"}


def test_a_bill_without_the_resource_gives_context_and_no_cost(claim: Claim, sealed: Frame) -> None:
    lines = frame([*daily(30, **SNAPSHOTS), *daily(30, **{**SNAPSHOTS, "usage_type": "NatGateway-Hours"})])
    drafts = [claim("aws.ebs.old_snapshot", f"snap-0{each}", service="ebs", resource_type="snapshot") for each in "ab"]
    findings = sealed([*drafts, claim("a.a.a", "eni-0a", service="ec2", resource_type="interface")], "r1", AS_OF)
    listed = pl.DataFrame({"unit_id": findings["unit_id"][:1], "check_id": "aws.ebs.old_snapshot", "listed": [40]})
    found = attributed_part(findings, lines.lazy(), read_bill(lines.lazy(), AS_OF), listed)
    actuals = {row["resource_id"]: row["actual"] for row in found.enriched.to_dicts()}
    assert {key: (each["method"], each["confidence"], each["reason"]) for key, each in actuals.items()} == {
        "snap-0a": ("scoped_rollup_usage", Decimal("0.40"), "no_resource_ids"),
        "snap-0b": ("scoped_rollup_usage", Decimal("0.40"), "no_resource_ids"),
        "eni-0a": ("scoped_rollup_service", Decimal("0.25"), "no_resource_ids"),
    }
    assert {each["cost_30d"] for each in actuals.values()} == {None}
    rows = {row["resource_id"]: row for row in found.evidence.to_dicts()}
    assert {key: (each["scope_cost"], each["scope_resource_count"]) for key, each in rows.items()} == {
        "snap-0a": (30, 40),
        "snap-0b": (30, 40),
        "eni-0a": (60, None),
    }
    assert {(each["allocatable"], each["cost_30d"]) for each in rows.values()} == {(False, None)}
    assert rows["snap-0a"]["share_rule"].startswith("scope_cost of 30 days / scope_resource_count")


def test_what_a_commitment_covers_is_told_apart(claim: Claim, sealed: Frame) -> None:
    plan = {"commitment_id": "arn:aws:savingsplans::1:savingsplan/p", "line_item_type": "SavingsPlanCoveredUsage"}
    unused = {**plan, "line_item_type": "Unused Usage", "usage_type": "unused"}
    lines = [*daily(10, **plan), *daily(10), *daily(10, **unused)]
    found = attributed(sealed([claim(VOLUME, "vol-0a")], "r1", AS_OF), frame(lines), AS_OF)
    (row,) = found.enriched["actual"].to_list()
    assert (row["cost_30d"], row["covered_30d"]) == (30, 10)
    assert {(each["covered"], each["commitment_id"]) for each in found.evidence.to_dicts()} == {
        (True, plan["commitment_id"]),
        (False, plan["commitment_id"]),
        (False, None),
    }


def test_windows_of_no_given_time_end_with_the_last_complete_day_of_each_payer(claim: Claim, sealed: Frame) -> None:
    hours = [line(AS_OF + timedelta(hours=number), days=1 / 24, cost="100") for number in range(5)]
    month = line(AS_OF.replace(day=1), days=30, charge_category="Usage", cost="0", resource_id="eni-0a")
    older = [{**each, "payer_account_id": "888888888888", "resource_id": "vol-0b"} for each in daily(20)[10:]]
    facts = frame([*daily(10), *hours, month, *older]).lazy()
    bill = read_bill(facts)
    ends = {row["payer_account_id"]: row["as_of"] for row in bill.payers.to_dicts()}
    assert ends == {"999999999999": AS_OF, "888888888888": AS_OF - 10 * DAY}
    assert set(read_bill(facts, latest=AS_OF - DAY / 2).payers["as_of"]) == {AS_OF - DAY, AS_OF - 10 * DAY}
    findings = sealed([claim(VOLUME, "vol-0a"), claim(VOLUME, "vol-0b")], "r1", AS_OF)
    found = attributed_part(findings, facts, bill, NOTHING_LISTED)
    costs = {row["resource_id"]: row["actual"]["cost_7d"] for row in found.enriched.to_dicts()}
    assert costs == {"vol-0a": 7, "vol-0b": 7}


def test_accounts_apart_give_what_all_of_them_give(claim: Claim, sealed: Frame) -> None:
    accounts = [f"{number:012}" for number in range(1, 5)]
    drafts = [claim(VOLUME, "vol-0a", account_id=account) for account in accounts]
    lines = [each for days, account in enumerate(accounts) for each in daily(days, account_id=account)]
    facts = frame([*lines, *daily(3, account_id=None), *daily(9, service="AmazonS3", resource_id=None)]).lazy()
    findings, bill = sealed(drafts, "r1", AS_OF), read_bill(facts, AS_OF)
    whole = attributed_part(findings, facts, bill, NOTHING_LISTED)
    mine = pl.col("account_id")
    parts = [
        attributed_part(
            findings.filter(mine == each), facts.filter((mine == each) | mine.is_null()), bill, NOTHING_LISTED
        )
        for each in accounts
    ]
    together = pl.concat(part.enriched for part in parts).sort("fingerprint")
    assert together.to_dicts() == whole.enriched.sort("fingerprint").to_dicts()
    assert pl.concat(part.evidence for part in parts).height == whole.evidence.height == 7


def test_why_a_finding_has_no_cost_is_said(actual: Callable[..., dict[str, Any]]) -> None:
    nameless = {"resource_id": None}
    created = {"created_at": (AS_OF - timedelta(hours=1)).isoformat()}
    assert actual([])["reason"] == "no_cur"
    assert actual(daily(3), provider="gcp")["reason"] == "no_cur"
    assert actual(daily(3, **nameless))["reason"] == "no_resource_ids"
    assert actual(daily(3, resource_id="vol-0b"))["reason"] == "not_in_bill"
    assert actual([line(AS_OF - 90 * DAY), *daily(3, resource_id="vol-0b")])["reason"] == "not_in_window"
    assert actual([line(AS_OF - 90 * DAY, resource_id="vol-0b")])["reason"] == "not_in_window"
    old = [line(AS_OF - 3 * DAY, resource_id="vol-0b")]
    assert actual(old, evidence=created)["reason"] == "new_resource"


def test_currencies_are_never_added(actual: Callable[..., dict[str, Any]]) -> None:
    found = actual([*daily(3), *daily(3, currency="EUR")])
    assert (found["method"], found["reason"], found["cost_7d"]) == ("none", "mixed_currencies", None)


def test_a_window_the_bill_covers_without_a_line_costs_nothing_and_one_it_does_not_is_unknown(
    actual: Callable[..., dict[str, Any]],
) -> None:
    others = [line(AS_OF - number * DAY, resource_id="vol-0b") for number in range(3, 20)]
    found = actual([line(AS_OF - 20 * DAY), *others])
    assert (found["cost_7d"], found["cost_mtd"], found["cost_30d"]) == (0, 0, 1)
    assert (found["days_with_data"], found["data_through"]) == (18, AS_OF - 2 * DAY)
    old = actual([line(AS_OF - 20 * DAY)])
    assert (old["cost_7d"], old["cost_mtd"], old["cost_30d"], old["days_with_data"]) == (None, None, 1, 1)


def test_a_month_that_has_just_begun_has_cost_nothing_yet(actual: Callable[..., dict[str, Any]]) -> None:
    first = datetime(2026, 11, 1, tzinfo=UTC)
    found = actual([line(first - DAY)], as_of=first)
    assert (found["cost_mtd"], found["cost_prev_month"]) == (0, 1)


def test_fees_and_taxes_do_not_say_how_far_the_bill_tells(actual: Callable[..., dict[str, Any]]) -> None:
    tax = line(datetime(2026, 11, 1, tzinfo=UTC), "5", days=30, charge_category="Tax", resource_id=None)
    found = actual([tax, line(AS_OF - 4 * DAY)])
    assert (found["days_with_data"], found["data_through"]) == (1, AS_OF - 3 * DAY)


def test_evidence_adds_up_to_the_actual_cost(claim: Claim, sealed: Frame) -> None:
    lines = [
        *daily(40),
        *daily(5, usage_type="EBS:VolumeP-IOPS.piops", cost="0.25", quantity=Decimal(3), unit="IOPS-Mo"),
        *daily(2, resource_id="arn:aws:ec2:us-east-1:111111111111:volume/vol-0a", service="AmazonCloudWatch"),
    ]
    findings = sealed([claim(VOLUME, "vol-0a")], "r1", AS_OF)
    found = attributed(findings, frame(lines), AS_OF)
    rows = found.evidence.sort("lines").to_dicts()
    assert [(row["usage_type"], row["cost_30d"], row["quantity_30d"], row["lines"], row["method"]) for row in rows] == [
        ("EBS:VolumeUsage.gp2", 2, 48, 2, "normalized_arn"),
        ("EBS:VolumeP-IOPS.piops", Decimal("1.25"), 15, 5, "exact"),
        ("EBS:VolumeUsage.gp2", 30, 720, 30, "exact"),
    ]
    (enriched,) = found.enriched.to_dicts()
    assert sum(row["cost_30d"] for row in rows) == enriched["actual"]["cost_30d"] == Decimal("33.25")
    assert enriched["actual"]["method"] == "normalized_arn"
    assert rows[2]["billing_periods"] == ["2026-10", "2026-11"]
    assert (rows[2]["source_files"], rows[2]["basis"], rows[2]["invoice_final"]) == (["bill.csv"], "amortized", False)


def test_shuffled_bills_give_the_same_answer(claim: Claim, sealed: Frame) -> None:
    lines = frame([*daily(40), *daily(5, resource_id="vol-0b", cost="0.3")])
    findings = sealed([claim(VOLUME, "vol-0a"), claim(VOLUME, "vol-0b")], "r1", AS_OF)
    plain = attributed(findings, lines, AS_OF)
    shuffled = attributed(findings.reverse(), lines.sample(fraction=1, shuffle=True, seed=3).lazy(), AS_OF)
    assert shuffled.enriched.to_dicts() == plain.enriched.to_dicts()
    assert shuffled.evidence.to_dicts() == plain.evidence.to_dicts()


@pytest.fixture
def day(warehouse: Warehouse, claim: Claim, sealed: Frame, covered: Frame) -> Callable[..., None]:
    """Run a day's jobs for a stopped instance with its volume, up to attribution."""

    def made(run_id: str = "r1", workspace: str = "prod") -> None:
        drafts = [
            claim("aws.ec2.stopped_instance", "i-0a", "8", workspace=workspace, evidence={"covers": ["vol-0a"]}),
            claim("aws.ebs.gp2_volume", "vol-0a", "2", workspace=workspace, evidence={"attached_to": "i-0a"}),
        ]
        unit = f"acme/{workspace}/aws/111111111111/us-east-1"
        warehouse.append(FINDINGS, sealed(drafts, run_id, AS_OF), "acme")
        checks = ("aws.ec2.stopped_instance", "aws.ebs.gp2_volume")
        warehouse.append(COVERAGE, covered(checks, run_id, AS_OF.date(), unit), "acme")
        correlate(warehouse, "acme", run_id, AS_OF.date(), AS_OF)
        attribute(warehouse, "acme", run_id, AS_OF.date(), AS_OF)

    return made


def test_a_meta_finding_costs_what_its_distinct_resources_cost(
    warehouse: Warehouse, day: Callable[..., None], bill: Callable[..., str]
) -> None:
    lines = [{"lineItem/UsageStartDate": f"2026-11-0{number}", "lineItem/UsageEndDate": ""} for number in range(1, 8)]
    ingest(warehouse, "acme", [bill(lines)])
    day()
    rows = warehouse.scan(ENRICHED, "acme").collect().to_dicts()
    assert warehouse.scan(CORRELATED, "acme").collect().height == 1
    costs = {row["check_id"]: (row["actual"]["cost_30d"], row["actual"]["method"]) for row in rows}
    assert costs == {
        "aws.ebs.gp2_volume": (7, "exact"),
        "aws.ec2.stopped_instance": (7, "attachment"),
        "correlation.stopped_instance": (7, "attachment"),
    }
    assert {row["matched_key"] for row in warehouse.scan(ATTRIBUTION, "acme").collect().to_dicts()} == {"vol-0a"}


def test_a_meta_finding_is_not_a_current_finding(warehouse: Warehouse, day: Callable[..., None]) -> None:
    day()
    lifecycle(warehouse, "acme", "r1", AS_OF.date(), AS_OF)
    checks = warehouse.scan(CURRENT, "acme").collect()["check_id"].sort().to_list()
    assert checks == ["aws.ebs.gp2_volume", "aws.ec2.stopped_instance"]


def test_unchanged_inputs_change_nothing_and_a_new_bill_is_matched(
    warehouse: Warehouse, day: Callable[..., None]
) -> None:
    day()
    before = warehouse.snapshot_id(ENRICHED)
    attribute(warehouse, "acme", "r1", AS_OF.date(), AS_OF)
    assert warehouse.snapshot_id(ENRICHED) == before
    warehouse.append(CUR_FACTS, frame(daily(3)), "acme")
    attribute(warehouse, "acme", "r1", AS_OF.date(), AS_OF)
    rows = warehouse.scan(ENRICHED, "acme").collect()
    assert rows.height == 3
    assert set(rows["actual"].struct.field("cost_7d")) == {Decimal(3)}


def test_another_workspaces_findings_of_the_day_stay(warehouse: Warehouse, day: Callable[..., None]) -> None:
    warehouse.append(CUR_FACTS, frame(daily(3)), "acme")
    day("r1", "prod")
    day("r2", "test")
    day("r3", "prod")
    for table in (ENRICHED, ATTRIBUTION):
        assert set(warehouse.scan(table, "acme").collect()["run_id"]) == {"r2", "r3"}


def test_another_tenants_bill_is_not_seen(warehouse: Warehouse, day: Callable[..., None]) -> None:
    warehouse.append(CUR_FACTS, frame([{**each, "tenant_id": "globex"} for each in daily(3)]), "globex")
    day()
    reasons = warehouse.scan(ENRICHED, "acme").select(pl.col("actual").struct.field("reason")).collect()
    assert set(reasons["reason"]) == {"no_cur"}
