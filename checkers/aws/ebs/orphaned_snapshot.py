"""EBS snapshots whose volume no longer exists.

Why      Snapshots stay when their volume is deleted, and nothing reminds of them.
Claims   The volume's size at the price of the snapshot's tier: an upper bound, because snapshots are incremental.
Skips    Snapshots younger than `min_age_days` (a volume may be on its way out by plan); those that an image of this
         account uses; those that AWS Backup or Data Lifecycle Manager keeps, by their tags; copies, which do not say
         what volume they are of; snapshots not yet complete.
Reads    aws.ec2.snapshots (ec2:DescribeSnapshots), aws.ec2.volumes (ec2:DescribeVolumes),
         aws.ec2.images (ec2:DescribeImages)
Pricing  ebs / ebs.snapshot.<tier>, USD per GiB-month
Docs     https://docs.aws.amazon.com/ebs/latest/userguide/ebs-deleting-snapshot.html
"""

from dataclasses import dataclass

import polars as pl

from checkers.aws.ebs.costs import price_snapshots
from checkers.aws.ec2.datasets import IMAGES, SNAPSHOTS, VOLUMES
from checkers.base import Check, Context, claim, cost, flagged

COPIED_FROM = "vol-ffffffff"  # what the API gives as the volume of a copied snapshot (API reference, type Snapshot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """`min_age_days`: how long after it was made a snapshot may still be waiting for its turn."""

    min_age_days: int = 3


def orphaned_snapshot(
    snapshots: pl.LazyFrame, volumes: pl.LazyFrame, images: pl.LazyFrame, params: Params, ctx: Context
) -> pl.LazyFrame:
    """Judge every snapshot; claim the upper bound of what those without a volume cost."""
    imaged = flagged(snapshots, "in_image", column="id", among=images.explode("snapshot_ids"), id_column="snapshot_ids")
    frame = flagged(imaged, "volume_exists", column="volume_id", among=volumes)
    orphaned = ~pl.col("volume_exists")
    return claim(
        price_snapshots(frame, ctx),
        finding=orphaned & (pl.col("started_at") <= ctx.days_ago(params.min_age_days)),
        monthly_savings=cost(pl.col("size_gib")),
        action="delete",
        evidence=("description", "size_gib", "started_at", "storage_tier", "unit_price", "volume_id"),
        status="upper_bound",
        not_applicable={
            "used_by_image": pl.col("in_image"),
            "source_unknown": pl.col("volume_id").fill_null(COPIED_FROM) == COPIED_FROM,
            "not_completed": pl.col("state") != "completed",
        },
        undetermined={"age_unknown": orphaned & pl.col("started_at").is_null()},
    )


CHECK = Check(
    id="aws.ebs.orphaned_snapshot",
    reads=(SNAPSHOTS, VOLUMES, IMAGES),
    judge=orphaned_snapshot,
    params=Params(),
    title="Snapshot of a volume that no longer exists",
    category="unused",
    service="ebs",
    resource_type="snapshot",
    severity="low",
    confidence="medium",
    risk="medium",
)
