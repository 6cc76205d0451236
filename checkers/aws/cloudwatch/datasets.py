"""What the checks read of Amazon CloudWatch: how busy instances were, day by day."""

from datetime import datetime, timedelta

import polars as pl

from checkers.aws.ec2.datasets import INSTANCES
from checkers.base import TIME, Dataset

LOOK_BACK_DAYS = 14  # the window in which Trusted Advisor and Compute Optimizer call an instance idle


def running_the_whole_time(as_of: datetime) -> pl.Expr:
    """Select the instances worth asking for: running, and since before the look-back began."""
    begin = as_of - timedelta(days=LOOK_BACK_DAYS)
    return (pl.col("state") == "running") & (pl.col("launched_at") <= pl.lit(begin, dtype=TIME))


INSTANCE_DAILY = Dataset(
    name="aws.cloudwatch.instance_daily",
    columns={
        "id": pl.String,  # instance id; no row for a day without a datapoint
        "day": pl.Date,
        "cpu_max_percent": pl.Float64,  # CPUUtilization, Maximum of the day
        "network_bytes": pl.Float64,  # NetworkIn + NetworkOut, Sum of the day
    },
    permissions=("cloudwatch:GetMetricData",),
    of=INSTANCES,
    candidates=running_the_whole_time,
)
