"""aws.ebs.old_snapshot: an upper bound for what nobody restores."""

from decimal import Decimal
from typing import Any

import pytest

from checkers.aws.ebs.old_snapshot import CHECK


def snapshot(judge: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": "snap-1", "volume_id": "vol-1", "size_gib": 100, "storage_tier": "standard", "state": "completed",
        "started_at": judge.days_ago(120), **changes,
    }  # fmt: skip


def test_an_old_snapshot_costs_at_most_the_size_of_its_volume(judge: Any) -> None:
    claim = judge(CHECK, [snapshot(judge)], [])["snap-1"]
    assert claim["monthly_savings"] == Decimal("5.00")
    assert (claim["verdict"], claim["status"]) == ("finding", "upper_bound")
    assert claim["evidence"]["volume_id"] == "vol-1"


def test_an_archived_snapshot_has_the_price_of_the_archive(judge: Any) -> None:
    claim = judge(CHECK, [snapshot(judge, storage_tier="archive")], [])["snap-1"]
    assert claim["monthly_savings"] == Decimal("1.25")


def test_a_snapshot_that_an_own_image_uses_is_not_applicable(judge: Any) -> None:
    image = {"id": "ami-1", "snapshot_ids": ["snap-0", "snap-1"]}
    claim = judge(CHECK, [snapshot(judge)], [image])["snap-1"]
    assert (claim["verdict"], claim["reason"]) == ("not_applicable", "used_by_image")


def test_an_image_of_another_account_uses_nothing_here(judge: Any) -> None:
    image = {"id": "ami-1", "snapshot_ids": ["snap-1"], "unit_id": "acme/prod/aws/222222222222/us-east-1"}
    assert judge(CHECK, [snapshot(judge)], [image])["snap-1"]["verdict"] == "finding"


def test_images_without_snapshots_change_nothing(judge: Any) -> None:
    images = [{"id": "ami-1", "snapshot_ids": []}, {"id": "ami-2", "snapshot_ids": None}]
    assert judge(CHECK, [snapshot(judge)], images)["snap-1"]["verdict"] == "finding"


def test_a_snapshot_becomes_a_finding_on_the_day_it_is_old_enough(judge: Any) -> None:
    rows = [snapshot(judge, started_at=judge.days_ago(90)), snapshot(judge, id="snap-2", started_at=judge.days_ago(89))]
    claims = judge(CHECK, rows, [])
    assert (claims["snap-1"]["verdict"], claims["snap-2"]["verdict"]) == ("finding", "ok")


@pytest.mark.parametrize(
    ("changes", "verdict", "reason"),
    [
        ({"tags": {"aws:backup:source-resource": "x"}}, "not_applicable", "system_owned"),
        ({"tags": {"aws:dlm:lifecycle-policy-id": "x"}}, "not_applicable", "system_owned"),
        ({"tags": {"dlm:managed": "true"}}, "not_applicable", "system_owned"),
        ({"state": "pending"}, "not_applicable", "not_completed"),
        ({"started_at": None}, "undetermined", "age_unknown"),
    ],
)
def test_what_is_not_judged_says_why(judge: Any, changes: dict[str, Any], verdict: str, reason: str | None) -> None:
    claim = judge(CHECK, [snapshot(judge, **changes)], [])["snap-1"]
    assert (claim["verdict"], claim["reason"]) == (verdict, reason)


def test_an_unknown_price_names_its_key(unpriced: Any) -> None:
    claim = unpriced(CHECK, [snapshot(unpriced)], [])["snap-1"]
    assert (claim["monthly_savings"], claim["status"]) == (None, "unknown")
    assert claim["missing_price"] == "aws/ebs/us-east-1/ebs.snapshot.standard"
