"""EBS volumes of type gp2 that gp3 would replace for less.

Why      gp3 costs less per GiB than gp2, and its IOPS and throughput do not depend on the size.
Claims   gp2 storage less gp3 storage, less the IOPS and throughput that gp3 needs on top to match what gp2 gives.
Skips    Volumes for which the added IOPS and throughput cost more than the cheaper storage saves; volumes that a
         cluster or a backup service manages. Attached or not makes no difference: the type changes in place.
Reads    aws.ec2.volumes (ec2:DescribeVolumes)
Pricing  ebs / ebs.gp2.storage, ebs.gp3.storage per GiB-month, ebs.gp3.iops_over_3000, ebs.gp3.throughput_over_125
Docs     https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html
"""

from dataclasses import dataclass

import polars as pl

from checkers.aws.ebs.costs import GP3_INCLUDED_IOPS, GP3_INCLUDED_MIBPS
from checkers.aws.ec2.datasets import VOLUMES
from checkers.base import Check, Context, claim, cost

GP2_IOPS_PER_GIB, GP2_MAX_IOPS = 3, 16_000  # from the volume types' page (Docs); the burst below 1 TiB is 3,000
# Up to 170 GiB gp2 gives 128 MiB/s: gp3's included 125 stand for them, 2 % are not bought. Above it may reach 250.
GP2_SMALL_GIB, GP2_MAX_MIBPS = 170, 250
SKUS = {
    "gp2": "ebs.gp2.storage",
    "gp3": "ebs.gp3.storage",
    "iops": "ebs.gp3.iops_over_3000",
    "mibps": "ebs.gp3.throughput_over_125",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """`min_monthly_savings_usd`: a change that saves no more than this is not worth a finding."""

    min_monthly_savings_usd: int = 0


def gp2_volume(volumes: pl.LazyFrame, params: Params, ctx: Context) -> pl.LazyFrame:
    """Judge every volume; claim what gp3 of the same performance saves."""
    gp2 = pl.col("volume_type") == "gp2"
    size = pl.col("size_gib")
    frame = volumes.filter(gp2).with_columns(
        needed_iops=(GP2_IOPS_PER_GIB * size).clip(GP3_INCLUDED_IOPS, GP2_MAX_IOPS),
        needed_mibps=pl.when(size > GP2_SMALL_GIB).then(GP2_MAX_MIBPS).otherwise(GP3_INCLUDED_MIBPS),
    )
    for prefix, sku in SKUS.items():
        frame = ctx.price(frame, service="ebs", sku=pl.lit(sku), prefix=prefix)
    gp3_cost = (
        cost(size, "gp3")
        + cost(pl.col("needed_iops") - GP3_INCLUDED_IOPS, "iops")
        + cost(pl.col("needed_mibps") - GP3_INCLUDED_MIBPS, "mibps")
    )
    priced = frame.with_columns(gp2_cost=cost(size, "gp2")).with_columns(saving=pl.col("gp2_cost") - gp3_cost)
    others = volumes.filter(gp2.not_().fill_null(value=True))
    return claim(
        pl.concat([priced, others], how="diagonal"),
        finding=gp2 & (pl.col("saving") > params.min_monthly_savings_usd).fill_null(value=True),
        monthly_savings=pl.col("saving"),
        monthly_cost=pl.col("gp2_cost"),
        action="upgrade",
        action_from=pl.lit("gp2"),
        action_to=pl.lit("gp3"),
        evidence=("attached_to", "needed_iops", "needed_mibps", "size_gib", "state", "gp2_price", "gp3_price"),
        prices=tuple(SKUS),
    )


CHECK = Check(
    id="aws.ebs.gp2_volume",
    reads=(VOLUMES,),
    judge=gp2_volume,
    params=Params(),
    title="Volume of type gp2 costs more than gp3",
    category="outdated",
    service="ebs",
    resource_type="volume",
    severity="low",
    effort="very_low",
    risk="very_low",
    rollback_possible=True,
)
