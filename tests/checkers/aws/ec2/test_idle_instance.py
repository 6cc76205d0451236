"""aws.ec2.idle_instance: the compute of an instance whose every day was idle."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from checkers.aws.ec2.idle_instance import CHECK

MIB = 1024 * 1024


def instance(judge: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": "i-1", "instance_type": "m5.large", "platform": "linux", "state": "running", "tenancy": "default",
        "launched_at": judge.days_ago(100), **changes,
    }  # fmt: skip


def days(
    judge: Any, count: int, cpu: float | None = 1.0, network: float | None = 1.0 * MIB, **changes: Any
) -> list[dict[str, Any]]:
    first = judge.as_of.date()
    return [
        {"id": "i-1", "day": first - timedelta(days=1 + n), "cpu_max_percent": cpu, "network_bytes": network, **changes}
        for n in range(count)
    ]


def test_an_idle_instance_is_claimed_at_its_on_demand_price(judge: Any) -> None:
    claim = judge(CHECK, [instance(judge)], days(judge, 14))["i-1"]
    assert claim["monthly_savings"] == Decimal("70.08")  # 730 h x 0.096
    assert (claim["verdict"], claim["action_kind"]) == ("finding", "stop")
    assert (claim["evidence"]["days"], claim["evidence"]["network_mib_max"]) == (14, 1.0)


@pytest.mark.parametrize("busy", [{"cpu": 5.1}, {"network": 5.1 * MIB}])
def test_one_busy_day_is_enough_to_be_ok(judge: Any, busy: dict[str, float]) -> None:
    metrics = days(judge, 13) + days(judge, 14, **busy)[-1:]
    assert judge(CHECK, [instance(judge)], metrics)["i-1"]["verdict"] == "ok"


def test_a_day_at_the_limits_is_idle(judge: Any) -> None:
    assert judge(CHECK, [instance(judge)], days(judge, 14, cpu=5.0, network=5.0 * MIB))["i-1"]["verdict"] == "finding"


@pytest.mark.parametrize(
    ("count", "verdict", "reason"),
    [(0, "undetermined", "no_datapoints"), (6, "undetermined", "too_few_datapoints"), (7, "finding", None)],
)
def test_no_data_is_not_idleness(judge: Any, count: int, verdict: str, reason: str | None) -> None:
    claim = judge(CHECK, [instance(judge)], days(judge, count))["i-1"]
    assert (claim["verdict"], claim["reason"]) == (verdict, reason)


def test_a_day_with_one_metric_is_no_day(judge: Any) -> None:
    claim = judge(CHECK, [instance(judge)], days(judge, 14, network=None))["i-1"]
    assert (claim["verdict"], claim["reason"]) == ("undetermined", "no_datapoints")


def test_days_before_the_look_back_do_not_count(judge: Any) -> None:
    before = [day | {"cpu_max_percent": 90.0} for day in days(judge, 20)[14:]]
    assert judge(CHECK, [instance(judge)], days(judge, 14) + before)["i-1"]["verdict"] == "finding"


def test_the_metrics_of_another_account_are_not_its_own(judge: Any) -> None:
    elsewhere = days(judge, 14, unit_id="acme/prod/aws/222222222222/us-east-1")
    assert judge(CHECK, [instance(judge)], elsewhere)["i-1"]["reason"] == "no_datapoints"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": "stopped"}, "not_running"),
        ({"tags": {"kubernetes.io/cluster/one": "owned"}}, "system_owned"),
    ],
)
def test_what_cannot_be_idle_is_not_applicable(judge: Any, changes: dict[str, Any], reason: str | None) -> None:
    claim = judge(CHECK, [instance(judge, **changes)], [])["i-1"]
    assert (claim["verdict"], claim["reason"]) == ("not_applicable", reason)


def test_an_instance_started_within_the_look_back_is_too_new(judge: Any) -> None:
    rows = [
        instance(judge, launched_at=judge.days_ago(13.9)),
        instance(judge, id="i-2", launched_at=judge.days_ago(14)),
    ]
    claims = judge(CHECK, rows, days(judge, 14) + days(judge, 14, id="i-2"))
    assert claims["i-1"]["reason"] == "too_new"
    assert claims["i-2"]["verdict"] == "finding"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"platform": "windows"}, "m5.large/windows"),
        ({"lifecycle": "spot"}, "m5.large/linux|spot"),
        ({"tenancy": "dedicated"}, "m5.large/linux|dedicated"),
        ({"instance_type": "z9.huge"}, "z9.huge/linux"),
    ],
)
def test_an_instance_on_another_price_list_has_no_amount(judge: Any, changes: dict[str, Any], key: str) -> None:
    claim = judge(CHECK, [instance(judge, **changes)], days(judge, 14))["i-1"]
    assert (claim["verdict"], claim["monthly_savings"], claim["status"]) == ("finding", None, "unknown")
    assert claim["missing_price"] == f"aws/ec2/us-east-1/{key}"
