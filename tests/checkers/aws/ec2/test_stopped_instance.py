"""aws.ec2.stopped_instance: what a long-stopped instance keeps."""

from decimal import Decimal
from typing import Any

import pytest

from checkers.aws.ec2.stopped_instance import CHECK

VOLUMES = [
    {"id": "vol-b", "volume_type": "gp2", "size_gib": 100, "attached_to": "i-1", "state": "in-use"},
    {"id": "vol-a", "volume_type": "gp3", "size_gib": 50, "attached_to": "i-1", "state": "in-use"},
    {"id": "vol-c", "volume_type": "gp3", "size_gib": 500, "attached_to": "i-9", "state": "in-use"},
    {"id": "vol-d", "volume_type": "gp3", "size_gib": 500, "attached_to": None, "state": "available"},
]
ADDRESS = {"id": "eipalloc-1", "instance_id": "i-1", "association_id": "eipassoc-1"}


def instance(judge: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": "i-1", "instance_type": "m5.large", "platform": "linux", "state": "stopped",
        "stopped_at": judge.days_ago(40), "volume_ids": ["vol-b", "vol-a"], **changes,
    }  # fmt: skip


def test_a_long_stopped_instance_is_claimed_at_its_volumes_and_addresses(judge: Any) -> None:
    claim = judge(CHECK, [instance(judge)], VOLUMES, [ADDRESS])["i-1"]
    assert claim["monthly_savings"] == Decimal("17.65")  # 100 x 0.10 + 50 x 0.08 + 730 x 0.005, and no compute
    assert (claim["verdict"], claim["status"], claim["action_kind"]) == ("finding", "estimated", "delete")
    assert claim["evidence"]["covers"] == ["eipalloc-1", "vol-a", "vol-b"]
    assert (claim["evidence"]["volumes"], claim["evidence"]["addresses"]) == (2, 1)


def test_the_volumes_of_another_account_are_not_claimed(judge: Any) -> None:
    elsewhere = [VOLUMES[0], VOLUMES[1] | {"unit_id": "acme/prod/aws/222222222222/us-east-1"}]
    claim = judge(CHECK, [instance(judge, volume_ids=["vol-b"])], elsewhere, [])["i-1"]
    assert (claim["monthly_savings"], claim["evidence"]["covers"]) == (Decimal("10.00"), ["vol-b"])


def test_a_volume_that_was_not_listed_makes_it_a_lower_bound(judge: Any) -> None:
    claim = judge(CHECK, [instance(judge)], VOLUMES[:1], [])["i-1"]
    assert (claim["monthly_savings"], claim["status"]) == (Decimal("10.00"), "lower_bound")


def test_one_unknown_price_leaves_the_sum_unknown(with_prices: Any, judge: Any) -> None:
    only_gp2 = with_prices({"aws/ebs/us-east-1/ebs.gp2.storage": "0.10"})
    claim = only_gp2(CHECK, [instance(judge)], VOLUMES, [])["i-1"]
    assert (claim["verdict"], claim["monthly_savings"], claim["status"]) == ("finding", None, "unknown")
    assert claim["missing_price"] == "aws/ebs/us-east-1/ebs.gp3.storage"


def test_an_instance_that_keeps_nothing_costs_nothing(judge: Any) -> None:
    assert judge(CHECK, [instance(judge, volume_ids=[])], [], [])["i-1"]["verdict"] == "ok"


def test_it_has_to_be_stopped_for_thirty_days(judge: Any) -> None:
    rows = [instance(judge, stopped_at=judge.days_ago(30)), instance(judge, id="i-9", stopped_at=judge.days_ago(29.9))]
    claims = judge(CHECK, rows, VOLUMES, [])
    assert (claims["i-1"]["verdict"], claims["i-9"]["verdict"]) == ("finding", "ok")


@pytest.mark.parametrize(
    ("changes", "verdict", "reason"),
    [
        ({"stopped_at": None}, "undetermined", "stop_time_unknown"),
        ({"state": "running", "stopped_at": None}, "ok", None),
        ({"state": "terminated"}, "not_applicable", "terminated"),
        ({"tags": {"kubernetes.io/cluster/one": "owned"}}, "not_applicable", "system_owned"),
    ],
)
def test_what_is_no_finding_says_why(judge: Any, changes: dict[str, Any], verdict: str, reason: str | None) -> None:
    claim = judge(CHECK, [instance(judge, **changes)], VOLUMES, [])["i-1"]
    assert (claim["verdict"], claim["reason"]) == (verdict, reason)
