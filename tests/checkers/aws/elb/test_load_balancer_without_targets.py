"""aws.elb.load_balancer_without_targets: the hours of a load balancer with nothing behind it."""

from decimal import Decimal
from typing import Any

import pytest

from checkers.aws.elb.load_balancer_without_targets import CHECK


def balancer(judge: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": "arn:1", "lb_type": "application", "state": "active", "created_at": judge.days_ago(10),
        "target_groups": 1, "targets": 0, "healthy_targets": 0, **changes,
    }  # fmt: skip


@pytest.mark.parametrize("lb_type", ["application", "network"])
def test_a_load_balancer_without_targets_costs_its_hours(judge: Any, lb_type: str) -> None:
    claim = judge(CHECK, [balancer(judge, lb_type=lb_type)])["arn:1"]
    assert claim["monthly_savings"] == Decimal("16.425")  # 730 h x 0.0225
    assert (claim["verdict"], claim["action_kind"]) == ("finding", "delete")


def test_one_without_a_target_group_has_no_targets_either(judge: Any) -> None:
    assert judge(CHECK, [balancer(judge, target_groups=0, targets=None)])["arn:1"]["verdict"] == "finding"


def test_a_gateway_load_balancer_has_no_known_price(judge: Any) -> None:
    claim = judge(CHECK, [balancer(judge, lb_type="gateway")])["arn:1"]
    assert (claim["verdict"], claim["monthly_savings"]) == ("finding", None)
    assert claim["missing_price"] == "aws/network/us-east-1/gwlb"


@pytest.mark.parametrize(
    ("changes", "verdict", "reason"),
    [
        ({"targets": 2, "healthy_targets": 2}, "ok", None),
        ({"targets": 2, "healthy_targets": 0}, "ok", None),  # an outage is not waste
        ({"state": "active_impaired"}, "finding", None),
        ({"state": "provisioning"}, "not_applicable", "not_active"),
        ({"state": "failed"}, "not_applicable", "not_active"),
        ({"tags": {"kubernetes.io/cluster/one": "owned"}}, "not_applicable", "system_owned"),
        ({"targets": None}, "undetermined", "targets_unknown"),
        ({"created_at": None}, "undetermined", "age_unknown"),
    ],
)
def test_every_load_balancer_gets_its_verdict(
    judge: Any, changes: dict[str, Any], verdict: str, reason: str | None
) -> None:
    claim = judge(CHECK, [balancer(judge, **changes)])["arn:1"]
    assert (claim["verdict"], claim["reason"]) == (verdict, reason)


def test_a_new_load_balancer_is_given_a_day(judge: Any) -> None:
    rows = [balancer(judge, created_at=judge.days_ago(1)), balancer(judge, id="arn:2", created_at=judge.days_ago(0.9))]
    claims = judge(CHECK, rows)
    assert (claims["arn:1"]["verdict"], claims["arn:2"]["verdict"]) == ("finding", "ok")
