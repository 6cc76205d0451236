import json
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from catalog.warehouse import Warehouse
from contracts.draft import FindingDraft
from contracts.seal import RunStamp
from contracts.tables import CORRELATED, COVERAGE, FINDINGS
from jobs.correlate import correlate, meta_findings

Claim = Callable[..., FindingDraft]
Frame = Callable[..., pl.DataFrame]


def stopped_with_attachments(claim: Claim) -> list[FindingDraft]:
    return [
        claim("aws.ec2.stopped_instance", "i-0a", "13.6", evidence={"covers": ["vol-0a", "eipalloc-0a"]}),
        claim("aws.ebs.gp2_volume", "vol-0a", "2", monthly_cost=Decimal(10), evidence={"attached_to": "i-0a"}),
        claim("aws.ec2.unassociated_address", "eipalloc-0a", "3.6", evidence={"instance_id": "i-0a"}),
    ]


def meta(drafts: list[FindingDraft], sealed: Frame, as_of: datetime) -> list[dict[str, Any]]:
    result = meta_findings(sealed(drafts, "r1", as_of), RunStamp("r1", as_of))
    assert result.rejected.is_empty()
    return result.findings.to_dicts()


def test_a_stopped_instance_is_one_decision_with_its_volumes_and_addresses(
    claim: Claim, sealed: Frame, as_of: datetime
) -> None:
    drafts = stopped_with_attachments(claim)
    (found,) = meta(drafts, sealed, as_of)
    # The instance's claim is the cost of its volume and address; what they could save alone is in it already.
    assert found["estimated"]["monthly_savings"] == Decimal("13.600000")
    assert found["check_id"] == "correlation.stopped_instance"
    assert found["resource_id"] == "i-0a"
    assert found["source_fingerprints"] == sorted(sealed(drafts, "r1", as_of)["fingerprint"])
    evidence = json.loads(found["evidence"])
    assert (evidence["gross"], evidence["double_count_removed"]) == ("19.200000", "5.600000")
    assert [member["counted"] for member in evidence["members"]].count(True) == 1


def test_a_volume_is_covered_even_when_its_own_evidence_does_not_name_the_instance(
    claim: Claim, sealed: Frame, as_of: datetime
) -> None:
    drafts = [
        claim("aws.ec2.stopped_instance", "i-0a", "8", evidence={"covers": ["vol-0a"]}),
        claim("aws.ebs.gp2_volume", "vol-0a", "2"),
    ]
    assert len(meta(drafts, sealed, as_of)) == 1


@pytest.mark.parametrize("covers", [[], None, "vol-0b", [None]])
def test_a_volume_that_covers_nothing_is_still_attached_and_still_counts(
    claim: Claim, sealed: Frame, as_of: datetime, covers: object
) -> None:
    drafts = [
        claim("aws.ec2.stopped_instance", "i-0a", "8"),
        claim("aws.ebs.gp2_volume", "vol-0a", "2", evidence={"attached_to": "i-0a", "covers": covers}),
    ]
    (found,) = meta(drafts, sealed, as_of)
    assert found["estimated"]["monthly_savings"] == Decimal(10)


def test_a_stopped_instance_alone_is_no_meta_finding(claim: Claim, sealed: Frame, as_of: datetime) -> None:
    assert meta(stopped_with_attachments(claim)[:1], sealed, as_of) == []


def test_no_findings_make_no_meta_findings(sealed: Frame, as_of: datetime) -> None:
    assert meta([], sealed, as_of) == []


def test_the_same_id_in_another_region_or_account_is_not_a_member(claim: Claim, sealed: Frame, as_of: datetime) -> None:
    head = claim("aws.ec2.stopped_instance", "i-0a", evidence={"covers": ["vol-0a"]})
    elsewhere = [
        claim("aws.ebs.gp2_volume", "vol-0a", region="eu-west-1", evidence={"attached_to": "i-0a"}),
        claim("aws.ebs.gp2_volume", "vol-0a", account_id="222222222222", evidence={"attached_to": "i-0a"}),
    ]
    assert meta([head, *elsewhere], sealed, as_of) == []


def test_two_claims_on_one_snapshot_count_once(claim: Claim, sealed: Frame, as_of: datetime) -> None:
    drafts = [
        claim("aws.ebs.unattached_volume", "vol-0b", "10"),
        claim("aws.ebs.gp2_volume", "vol-0b", "2"),
        claim("aws.ebs.old_snapshot", "snap-0b", "5", evidence={"volume_id": "vol-0b"}),
        claim("aws.ebs.orphaned_snapshot", "snap-0b", "4", evidence={"volume_id": "vol-0b"}),
    ]
    (found,) = meta(drafts, sealed, as_of)
    assert found["estimated"]["monthly_savings"] == Decimal(15)
    assert found["check_id"] == "correlation.volume_with_snapshots"
    assert found["resource_id"] == "vol-0b"
    assert len(found["source_fingerprints"]) == 4


def test_a_member_without_a_price_makes_the_sum_a_lower_bound(claim: Claim, sealed: Frame, as_of: datetime) -> None:
    drafts = [
        claim("aws.ebs.unattached_volume", "vol-0b", None),
        claim("aws.ebs.old_snapshot", "snap-0b", "5", evidence={"volume_id": "vol-0b"}),
    ]
    (found,) = meta(drafts, sealed, as_of)
    assert (found["estimated"]["monthly_savings"], found["estimated"]["status"]) == (Decimal(5), "lower_bound")


def test_nothing_known_and_several_currencies_are_unknown_with_a_reason(
    claim: Claim, sealed: Frame, as_of: datetime
) -> None:
    def estimated(volume: dict[str, Any], snapshot: dict[str, Any]) -> dict[str, Any]:
        drafts = [
            claim("aws.ebs.unattached_volume", "vol-0b", **volume),
            claim("aws.ebs.old_snapshot", "snap-0b", evidence={"volume_id": "vol-0b"}, **snapshot),
        ]
        (found,) = meta(drafts, sealed, as_of)
        answer: dict[str, Any] = found["estimated"]
        return answer

    unpriced = estimated({"saving": None}, {"saving": None})
    assert (unpriced["monthly_savings"], unpriced["status"]) == (None, "unknown")
    assert unpriced["missing_price"]
    mixed = estimated({"currency": "USD"}, {"currency": "CNY"})
    assert mixed["monthly_savings"] is None
    assert mixed["missing_price"] == "the members are in several currencies"


def test_many_members_keep_the_evidence_inside_the_contract(claim: Claim, sealed: Frame, as_of: datetime) -> None:
    snapshots = [
        claim("aws.ebs.old_snapshot", f"snap-{number:017x}", "1", evidence={"volume_id": "vol-0b"})
        for number in range(900)
    ]
    (found,) = meta([claim("aws.ebs.gp2_volume", "vol-0b", "2"), *snapshots], sealed, as_of)
    assert len(found["source_fingerprints"]) == 901
    assert found["estimated"]["monthly_savings"] == Decimal(902)
    assert json.loads(found["evidence"])["members_total"] == 901


def test_the_id_of_a_meta_finding_stays_when_its_members_and_amounts_change(
    claim: Claim, sealed: Frame, as_of: datetime
) -> None:
    drafts = stopped_with_attachments(claim)
    (whole,) = meta(drafts, sealed, as_of)
    (smaller,) = meta(drafts[:2][::-1], sealed, as_of + timedelta(days=1))
    assert whole["fingerprint"] == smaller["fingerprint"]
    assert whole["source_fingerprints"] != smaller["source_fingerprints"]


def test_correlating_again_writes_nothing_and_another_workspace_keeps_its_rows(
    warehouse: Warehouse, claim: Claim, sealed: Frame, covered: Frame, as_of: datetime
) -> None:
    def run(run_id: str, drafts: list[FindingDraft], workspace: str) -> None:
        unit = f"acme/{workspace}/aws/111111111111/us-east-1"
        warehouse.append(FINDINGS, sealed(drafts, run_id, as_of), "acme")
        warehouse.append(COVERAGE, covered(["aws.ec2.stopped_instance"], run_id, as_of.date(), unit), "acme")
        correlate(warehouse, "acme", run_id, as_of.date(), as_of)

    def workspaces() -> list[str]:
        return sorted(warehouse.scan(CORRELATED, "acme").collect()["workspace"])

    run("r1", stopped_with_attachments(claim), "prod")
    before = warehouse.snapshot_id(CORRELATED)
    correlate(warehouse, "acme", "r1", as_of.date(), as_of)
    assert warehouse.snapshot_id(CORRELATED) == before
    head = claim("aws.ebs.gp2_volume", "vol-0b", workspace="test")
    run(
        "r2",
        [head, claim("aws.ebs.old_snapshot", "snap-0b", workspace="test", evidence={"volume_id": "vol-0b"})],
        "test",
    )
    assert workspaces() == ["prod", "test"]
    run("r3", [head], "test")
    assert workspaces() == ["prod"]
