"""Elastic Load Balancing v2: load balancers of one account and region, with the number of targets behind them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from engine.collect.aws.clients import lease
from engine.collect.request import Page, Request, Row

_TAGS_PER_CALL = 20  # DescribeTags, API reference: "up to 20 resources in a single call"


def fetch_load_balancers(request: Request) -> list[Row]:
    """Read load balancers, their target groups, the targets in these, and tags.

    DescribeLoadBalancers and DescribeTargetGroups once per region, DescribeTargetHealth once per group in use.
    """
    client = lease("elbv2", request.unit.region, request.access)
    balancers = list(client.get_paginator("describe_load_balancers").paginate(PaginationConfig={"PageSize": 400}))
    arns = [balancer["LoadBalancerArn"] for page in balancers for balancer in page["LoadBalancers"]]
    if not arns:
        return []
    groups = [
        group
        for page in client.get_paginator("describe_target_groups").paginate(PaginationConfig={"PageSize": 400})
        for group in page["TargetGroups"]
        if group.get("LoadBalancerArns")
    ]
    health = {
        group["TargetGroupArn"]: client.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
        for group in groups
    }
    tags = [
        description
        for start in range(0, len(arns), _TAGS_PER_CALL)
        for description in client.describe_tags(ResourceArns=arns[start : start + _TAGS_PER_CALL])["TagDescriptions"]
    ]
    return [row for page in balancers for row in parse_load_balancers(page, groups, health, tags)]


def parse_load_balancers(
    page: Page, groups: Sequence[Mapping[str, Any]], health: Mapping[str, Page], tags: Sequence[Mapping[str, Any]]
) -> list[Row]:
    """Shape a page of DescribeLoadBalancers.

    `groups` are the region's target groups, `health` the answer of DescribeTargetHealth per group ARN, `tags` the
    descriptions of DescribeTags. A target counts once per group and port it is registered with.
    """
    count, registered, healthy = Counter[str](), Counter[str](), Counter[str]()
    for group in groups:
        states = [each["TargetHealth"]["State"] for each in health[group["TargetGroupArn"]]["TargetHealthDescriptions"]]
        for arn in group["LoadBalancerArns"]:
            count[arn] += 1
            registered[arn] += len(states)
            healthy[arn] += states.count("healthy")
    tagged = {each["ResourceArn"]: {tag["Key"]: tag.get("Value", "") for tag in each["Tags"]} for each in tags}
    return [
        {
            "id": arn,
            "name": balancer["LoadBalancerName"],
            "tags": tagged.get(arn, {}),
            "lb_type": balancer["Type"],
            "state": balancer["State"]["Code"],
            "scheme": balancer.get("Scheme"),
            "created_at": balancer["CreatedTime"],
            "target_groups": count[arn],
            "targets": registered[arn],
            "healthy_targets": healthy[arn],
        }
        for balancer in page["LoadBalancers"]
        for arn in (balancer["LoadBalancerArn"],)
    ]
