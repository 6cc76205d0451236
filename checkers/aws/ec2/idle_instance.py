"""EC2 instances that run and do nothing.

Why      A running instance bills by the hour, busy or not.
Claims   The hours of a month at the on-demand price of the instance type. Not its volumes and addresses: they bill on
         while it is stopped.
Skips    Instances started within the look-back of 14 days; instances with one day above either limit; nodes that a
         cluster manages, by their tags. With fewer than `min_days` days of datapoints the verdict is undetermined:
         no data is not idleness.
Reads    aws.ec2.instances (ec2:DescribeInstances), aws.cloudwatch.instance_daily (cloudwatch:GetMetricData)
Pricing  ec2 / <instance type>, USD per hour; variant <platform>, or <platform>|<spot, dedicated, host, ...> where
         neither the on-demand nor the shared price holds
Docs     https://docs.aws.amazon.com/compute-optimizer/latest/ug/view-idle-recommendations.html
"""

from dataclasses import dataclass

import polars as pl

from checkers.aws.cloudwatch.datasets import INSTANCE_DAILY, LOOK_BACK_DAYS
from checkers.aws.ec2.datasets import INSTANCES
from checkers.base import HOURS_PER_MONTH, Check, Context, claim

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """`max_cpu_percent` and `max_network_mib_per_day` bound every day; `min_days` of data are needed."""

    max_cpu_percent: float = 5.0
    max_network_mib_per_day: float = 5.0
    min_days: int = 7


def idle_instance(instances: pl.LazyFrame, daily: pl.LazyFrame, params: Params, ctx: Context) -> pl.LazyFrame:
    """Judge every instance; claim the compute of those whose every day was idle."""
    frame = instances.join(_use(daily, ctx), on=["unit_id", "id"], how="left")
    busy = (pl.col("cpu_max_percent") > params.max_cpu_percent) | (
        pl.col("network_mib_max") > params.max_network_mib_per_day
    )
    idle = ~busy.fill_null(value=False)
    days = pl.col("days").fill_null(0)
    return claim(
        ctx.price(frame, service="ec2", sku=pl.col("instance_type"), variant=_variant()),
        finding=idle & (days >= params.min_days),
        monthly_savings=pl.col("unit_price") * pl.lit(HOURS_PER_MONTH),
        action="stop",
        evidence=(
            "cpu_max_percent", "days", "instance_type", "launched_at", "lifecycle", "network_mib_max", "platform",
            "tenancy", "unit_price",
        ),
        not_applicable={
            "not_running": pl.col("state") != "running",
            "too_new": pl.col("launched_at") > ctx.days_ago(LOOK_BACK_DAYS),
        },
        undetermined={
            "no_datapoints": idle & (days == 0),
            "too_few_datapoints": idle & (days < params.min_days),
        },
    )  # fmt: skip


def _use(daily: pl.LazyFrame, ctx: Context) -> pl.LazyFrame:
    """Reduce the look-back to one row per instance: days with both metrics, and the highest day of each."""
    complete = pl.col("cpu_max_percent").is_not_null() & pl.col("network_bytes").is_not_null()
    return (
        daily.filter(pl.col("day") >= ctx.days_ago(LOOK_BACK_DAYS).dt.date())
        .group_by("unit_id", "id")
        .agg(
            pl.col("cpu_max_percent").max(),
            network_mib_max=pl.col("network_bytes").max() / MIB,
            days=pl.col("day").filter(complete).n_unique().cast(pl.Int64),
        )
    )


def _variant() -> pl.Expr:
    """Name the price an instance pays: spot and dedicated ones are on another list than the book's on-demand prices."""
    lifecycle = pl.when(pl.col("lifecycle").is_not_null()).then(pl.col("lifecycle"))
    tenancy = pl.when(pl.col("tenancy") != "default").then(pl.col("tenancy"))
    return pl.concat_str("platform", lifecycle, tenancy, separator="|", ignore_nulls=True)


CHECK = Check(
    id="aws.ec2.idle_instance",
    reads=(INSTANCES, INSTANCE_DAILY),
    judge=idle_instance,
    params=Params(),
    title="Instance runs and does nothing",
    category="idle",
    service="ec2",
    resource_type="instance",
    risk="medium",
    rollback_possible=True,
)
