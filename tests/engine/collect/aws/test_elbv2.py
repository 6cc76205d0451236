"""ELBv2: load balancers and the targets behind them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from checkers.aws.elbv2.datasets import LOAD_BALANCERS
from engine.collect import collect
from engine.collect.aws.elbv2 import parse_load_balancers
from engine.plan import PlannedUnit

ACME = "111111111111"
MADE = datetime(2026, 1, 2, tzinfo=UTC)


def balancer(name: str) -> dict[str, Any]:
    return {
        "LoadBalancerArn": f"arn:{name}",
        "LoadBalancerName": name,
        "Type": "application",
        "State": {"Code": "active"},
        "Scheme": "internal",
        "CreatedTime": MADE,
    }


def health(*states: str) -> dict[str, Any]:
    return {"TargetHealthDescriptions": [{"TargetHealth": {"State": state}} for state in states]}


def test_targets_are_counted_over_all_groups_of_a_load_balancer() -> None:
    groups = [
        {"TargetGroupArn": "tg-1", "LoadBalancerArns": ["arn:a", "arn:b"]},
        {"TargetGroupArn": "tg-2", "LoadBalancerArns": ["arn:a"]},
    ]
    answers = {"tg-1": health("healthy", "unhealthy"), "tg-2": health("healthy")}
    tags = [{"ResourceArn": "arn:a", "Tags": [{"Key": "team", "Value": "x"}]}]
    page = {"LoadBalancers": [balancer("a"), balancer("b"), balancer("c")]}
    rows = parse_load_balancers(page, groups, answers, tags)
    counts = ("target_groups", "targets", "healthy_targets")
    assert [tuple(row[name] for name in counts) for row in rows] == [(2, 3, 2), (1, 2, 1), (0, 0, 0)]
    assert rows[0]["tags"] == {"team": "x"}
    assert rows[1]["tags"] == {}


def test_load_balancers_are_read_from_a_server_with_the_tags_of_all(
    owner: Callable[..., Any], aws_unit: Callable[..., PlannedUnit], as_of: datetime
) -> None:
    elb, ec2 = owner("elbv2", ACME), owner("ec2", ACME)
    subnets = ec2.describe_subnets()["Subnets"][:2]
    names = [f"lb-{index:02}" for index in range(22)]  # one more batch of tags than fits a call
    arns = {}
    for name in names:
        made = elb.create_load_balancer(
            Name=name, Subnets=[subnet["SubnetId"] for subnet in subnets], Tags=[{"Key": "n", "Value": name}]
        )
        arns[name] = made["LoadBalancers"][0]["LoadBalancerArn"]
    group = elb.create_target_group(Name="used", Protocol="HTTP", Port=80, VpcId=subnets[0]["VpcId"])
    elb.create_target_group(Name="loose", Protocol="HTTP", Port=80, VpcId=subnets[0]["VpcId"])
    group_arn = group["TargetGroups"][0]["TargetGroupArn"]
    machine = ec2.run_instances(ImageId="ami-0abcdef1234567890", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    elb.register_targets(TargetGroupArn=group_arn, Targets=[{"Id": machine}])
    elb.create_listener(
        LoadBalancerArn=arns["lb-00"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group_arn}],
    )
    (reading,) = collect(aws_unit(ACME), [LOAD_BALANCERS], as_of)
    assert reading.error is None
    assert reading.frame is not None
    assert reading.frame.schema == LOAD_BALANCERS.schema
    frame = reading.frame.sort("name")
    assert frame["id"].to_list() == [arns[name] for name in names]
    assert [dict(tags)["n"] for tags in frame["tags"].to_list()] == names
    assert frame["targets"].to_list() == [1] + [0] * 21
    assert frame["target_groups"].to_list() == [1] + [0] * 21
