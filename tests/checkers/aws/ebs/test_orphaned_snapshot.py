"""aws.ebs.orphaned_snapshot: an upper bound for snapshots whose volume is gone."""

from decimal import Decimal
from typing import Any

import pytest

from checkers.aws.ebs.orphaned_snapshot import CHECK


def snapshot(judge: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": "snap-1", "volume_id": "vol-gone", "size_gib": 40, "storage_tier": "standard", "state": "completed",
        "started_at": judge.days_ago(10), **changes,
    }  # fmt: skip


def test_a_snapshot_without_its_volume_costs_at_most_the_size_of_it(judge: Any) -> None:
    claim = judge(CHECK, [snapshot(judge)], [{"id": "vol-other"}], [])["snap-1"]
    assert claim["monthly_savings"] == Decimal("2.00")
    assert (claim["verdict"], claim["status"]) == ("finding", "upper_bound")
    assert claim["evidence"]["volume_id"] == "vol-gone"


def test_a_snapshot_whose_volume_is_there_is_ok(judge: Any) -> None:
    assert judge(CHECK, [snapshot(judge)], [{"id": "vol-gone"}], [])["snap-1"]["verdict"] == "ok"


def test_the_same_volume_id_in_another_account_is_another_volume(judge: Any) -> None:
    elsewhere = {"id": "vol-gone", "unit_id": "acme/prod/aws/222222222222/us-east-1"}
    assert judge(CHECK, [snapshot(judge)], [elsewhere], [])["snap-1"]["verdict"] == "finding"


@pytest.mark.parametrize("volume_id", ["vol-ffffffff", None])
def test_a_copy_does_not_say_what_it_is_of(judge: Any, volume_id: str | None) -> None:
    claim = judge(CHECK, [snapshot(judge, volume_id=volume_id)], [], [])["snap-1"]
    assert (claim["verdict"], claim["reason"]) == ("not_applicable", "source_unknown")


def test_a_snapshot_that_an_own_image_uses_is_not_applicable(judge: Any) -> None:
    claim = judge(CHECK, [snapshot(judge)], [], [{"id": "ami-1", "snapshot_ids": ["snap-1"]}])["snap-1"]
    assert (claim["verdict"], claim["reason"]) == ("not_applicable", "used_by_image")


def test_a_backup_is_not_applicable(judge: Any) -> None:
    claim = judge(CHECK, [snapshot(judge, tags={"aws:backup:source-resource": "x"})], [], [])["snap-1"]
    assert (claim["verdict"], claim["reason"]) == ("not_applicable", "system_owned")


def test_a_snapshot_is_given_three_days(judge: Any) -> None:
    rows = [snapshot(judge, started_at=judge.days_ago(3)), snapshot(judge, id="snap-2", started_at=judge.days_ago(2.9))]
    claims = judge(CHECK, rows, [], [])
    assert (claims["snap-1"]["verdict"], claims["snap-2"]["verdict"]) == ("finding", "ok")


def test_an_unknown_age_matters_only_without_the_volume(judge: Any) -> None:
    rows = [snapshot(judge, started_at=None), snapshot(judge, id="snap-2", volume_id="vol-1", started_at=None)]
    claims = judge(CHECK, rows, [{"id": "vol-1"}], [])
    assert (claims["snap-1"]["verdict"], claims["snap-2"]["verdict"]) == ("undetermined", "ok")


def test_an_unknown_price_names_its_key(unpriced: Any) -> None:
    claim = unpriced(CHECK, [snapshot(unpriced)], [], [])["snap-1"]
    assert (claim["monthly_savings"], claim["missing_price"]) == (None, "aws/ebs/us-east-1/ebs.snapshot.standard")
