"""What the checks read of Elastic Load Balancing v2: load balancers with the number of their targets."""

import polars as pl

from checkers.base import TAGS, TIME, Dataset

LOAD_BALANCERS = Dataset(
    name="aws.elbv2.load_balancers",
    columns={
        "id": pl.String,  # ARN
        "name": pl.String,
        "tags": TAGS,
        "lb_type": pl.String,  # application, network, gateway
        "state": pl.String,  # provisioning, active, active_impaired, failed
        "scheme": pl.String,
        "created_at": TIME,
        "target_groups": pl.Int64,
        "targets": pl.Int64,  # registered, whatever their health; null when that could not be read
        "healthy_targets": pl.Int64,
    },
    permissions=(
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
        "elasticloadbalancing:DescribeTags",
    ),
)
