"""EBS volumes that no instance uses.

Why      A volume bills for what it was provisioned with, whether or not it is attached.
Claims   The whole price of the volume: storage, provisioned IOPS and throughput. Not its snapshots, not the requests
         of a magnetic volume.
Skips    Volumes created less than `min_age_days` ago (the API does not say when a volume was detached, so that its age
         stands in); volumes that a cluster or a backup service manages, by their tags.
Reads    aws.ec2.volumes (ec2:DescribeVolumes)
Pricing  ebs / ebs.<type>.storage per GiB-month, and the IOPS and throughput prices of io1, io2 and gp3
Docs     https://docs.aws.amazon.com/ebs/latest/userguide/ebs-describing-volumes.html
"""

from dataclasses import dataclass

import polars as pl

from checkers.aws.ebs.costs import price_volumes
from checkers.aws.ec2.datasets import VOLUMES
from checkers.base import Check, Context, claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """`min_age_days`: how long a volume must have existed before it counts as forgotten."""

    min_age_days: int = 14


def unattached_volume(volumes: pl.LazyFrame, params: Params, ctx: Context) -> pl.LazyFrame:
    """Judge every volume; claim the whole price of those attached to nothing."""
    unattached = (pl.col("state") == "available") & pl.col("attached_to").is_null()
    priced = price_volumes(volumes.filter(unattached), ctx)
    return claim(
        pl.concat([priced, volumes.filter(unattached.not_().fill_null(value=True))], how="diagonal"),
        finding=unattached & (pl.col("created_at") <= ctx.days_ago(params.min_age_days)),
        monthly_savings=pl.col("volume_price"),
        action="delete",
        evidence=(
            "attached_to", "created_at", "iops", "size_gib", "snapshot_id", "throughput_mibps", "volume_type",
        ),
        prices=("volume",),
        undetermined={"age_unknown": unattached & pl.col("created_at").is_null()},
    )  # fmt: skip


CHECK = Check(
    id="aws.ebs.unattached_volume",
    reads=(VOLUMES,),
    judge=unattached_volume,
    params=Params(),
    title="Volume is attached to nothing",
    category="unused",
    service="ebs",
    resource_type="volume",
)
