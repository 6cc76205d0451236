"""Load balancers with nothing registered behind them.

Why      A load balancer bills by the hour, also with nobody to send traffic to.
Claims   The hours of a month. Not capacity units: without targets there is next to no traffic.
Skips    Load balancers younger than `min_age_days`, or still being made; those with registered targets, even when all
         of them are unhealthy (that is an outage, not waste); those that a cluster manages, by their tags. Listeners
         are not read: one that only redirects or answers by itself needs no targets, so look before deleting.
Reads    aws.elbv2.load_balancers (elasticloadbalancing:DescribeLoadBalancers, DescribeTargetGroups,
         DescribeTargetHealth, DescribeTags)
Pricing  network / alb, nlb or gwlb, USD per hour
Docs     https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works.html
"""

from dataclasses import dataclass

import polars as pl

from checkers.aws.elbv2.datasets import LOAD_BALANCERS
from checkers.base import HOURS_PER_MONTH, Check, Context, claim

SKUS = {"application": "alb", "network": "nlb", "gateway": "gwlb"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """`min_age_days`: how long a new load balancer may wait for its first target."""

    min_age_days: int = 1


def load_balancer_without_targets(balancers: pl.LazyFrame, params: Params, ctx: Context) -> pl.LazyFrame:
    """Judge every load balancer; claim the hours of those without a registered target."""
    targets = pl.when(pl.col("target_groups") == 0).then(0).otherwise(pl.col("targets"))
    return claim(
        ctx.price(balancers, service="network", sku=pl.col("lb_type").replace(SKUS)),
        finding=(targets == 0) & (pl.col("created_at") <= ctx.days_ago(params.min_age_days)),
        monthly_savings=pl.col("unit_price") * pl.lit(HOURS_PER_MONTH),
        action="delete",
        evidence=("created_at", "lb_type", "scheme", "target_groups", "targets", "unit_price"),
        not_applicable={"not_active": pl.col("state").is_in(["active", "active_impaired"]).not_()},
        undetermined={
            "targets_unknown": targets.is_null(),
            "age_unknown": (targets == 0) & pl.col("created_at").is_null(),
        },
    )


CHECK = Check(
    id="aws.elb.load_balancer_without_targets",
    reads=(LOAD_BALANCERS,),
    judge=load_balancer_without_targets,
    params=Params(),
    title="Load balancer has no registered targets",
    category="unused",
    service="elb",
    resource_type="load_balancer",
    confidence="medium",
)
