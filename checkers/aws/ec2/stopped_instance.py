"""EC2 instances that have been stopped for a long time.

Why      A stopped instance bills no compute, but its volumes and Elastic IP addresses bill on.
Claims   The whole price of the volumes attached to it and of the addresses associated with it; never compute. A lower
         bound when the instance names volumes that were not listed as its own.
Skips    Instances stopped for less than `min_stopped_days`; instances that hold neither volume nor address; nodes that
         a cluster manages, by their tags. The time of the stop is parsed from the transition reason; where that does
         not say, the verdict is undetermined.
Reads    aws.ec2.instances (ec2:DescribeInstances), aws.ec2.volumes (ec2:DescribeVolumes),
         aws.ec2.addresses (ec2:DescribeAddresses)
Pricing  ebs / all parts of a volume; network / public_ipv4.idle, USD per hour
Docs     https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Stop_Start.html
"""

from dataclasses import dataclass

import polars as pl

from checkers.aws.ebs.costs import price_volumes
from checkers.aws.ec2.datasets import ADDRESSES, INSTANCES, VOLUMES
from checkers.base import HOURS_PER_MONTH, Check, Context, claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """`min_stopped_days`: how long an instance must have been stopped before nobody is expected to start it."""

    min_stopped_days: int = 30


def stopped_instance(
    instances: pl.LazyFrame, volumes: pl.LazyFrame, addresses: pl.LazyFrame, params: Params, ctx: Context
) -> pl.LazyFrame:
    """Judge every instance; claim what the long-stopped ones keep."""
    stopped = pl.col("state") == "stopped"
    owners = instances.filter(stopped).select("unit_id", instance_id="id")
    frame = instances.join(_kept(owners, volumes, addresses, ctx), on=["unit_id", "id"], how="left")
    listed = pl.col("volumes").fill_null(0) >= pl.col("volume_ids").list.len().fill_null(0)
    since = pl.col("stopped_at")
    return claim(
        frame,
        finding=stopped & pl.col("covers").is_not_null() & (since <= ctx.days_ago(params.min_stopped_days)),
        monthly_savings=pl.col("kept_price"),
        action="delete",
        evidence=("addresses", "covers", "instance_type", "stopped_at", "volumes"),
        prices=("kept",),
        status=pl.when(listed).then(pl.lit("estimated")).otherwise(pl.lit("lower_bound")),
        not_applicable={"terminated": pl.col("state").is_in(["shutting-down", "terminated"])},
        undetermined={"stop_time_unknown": stopped & pl.col("covers").is_not_null() & since.is_null()},
    )


def _kept(owners: pl.LazyFrame, volumes: pl.LazyFrame, addresses: pl.LazyFrame, ctx: Context) -> pl.LazyFrame:
    """Sum what instances keep: unit_id, id, covers (sorted ids), counts, `kept_price` with its facts."""
    key = ["unit_id", "instance_id"]
    attached = volumes.rename({"attached_to": "instance_id"}).join(owners, on=key, how="semi")
    associated = ctx.price(
        addresses.join(owners, on=key, how="semi"), service="network", sku=pl.lit("public_ipv4.idle")
    ).with_columns(pl.col("unit_price") * pl.lit(HOURS_PER_MONTH))
    parts = pl.concat(
        [
            _part(price_volumes(attached, ctx), "volume", is_volume=True),
            _part(associated, "unit", is_volume=False),
        ]
    )
    return (
        parts.group_by("unit_id", id="instance_id")
        .agg(
            covers=pl.col("id").sort(),
            volumes=pl.col("is_volume").sum().cast(pl.Int64),
            addresses=pl.col("is_volume").not_().sum().cast(pl.Int64),
            kept_price=pl.when(pl.col("price").is_null().any()).then(None).otherwise(pl.col("price").sum()),
            kept_price_key=pl.col("key").filter(pl.col("price").is_null()).min(),
            kept_price_basis=pl.col("basis").min(),  # the smallest, so that the order of the rows does not matter
            kept_price_date=pl.col("date").min(),
            kept_price_source=pl.col("source").min(),
        )
    )  # fmt: skip


def _part(priced: pl.LazyFrame, prefix: str, *, is_volume: bool) -> pl.LazyFrame:
    facts = {fact: pl.col(f"{prefix}_price_{fact}") for fact in ("key", "basis", "date", "source")}
    return priced.select(
        "unit_id", "instance_id", "id", is_volume=pl.lit(is_volume), price=pl.col(f"{prefix}_price"), **facts
    )


CHECK = Check(
    id="aws.ec2.stopped_instance",
    reads=(INSTANCES, VOLUMES, ADDRESSES),
    judge=stopped_instance,
    params=Params(),
    title="Instance has been stopped for a long time",
    category="unused",
    service="ec2",
    resource_type="instance",
    confidence="medium",
    risk="medium",
)
