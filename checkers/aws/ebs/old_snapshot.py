"""EBS snapshots older than anybody is likely to restore.

Why      A snapshot bills for its blocks until somebody deletes it; most outlive what they were made for.
Claims   The volume's size at the price of the snapshot's tier: an upper bound, because snapshots are incremental and
         deleting one frees only the blocks that no other snapshot needs.
Skips    Snapshots that an image of this account uses; those that AWS Backup or Data Lifecycle Manager keeps, by their
         tags; snapshots not yet complete.
Reads    aws.ec2.snapshots (ec2:DescribeSnapshots), aws.ec2.images (ec2:DescribeImages)
Pricing  ebs / ebs.snapshot.<tier>, USD per GiB-month
Docs     https://docs.aws.amazon.com/ebs/latest/userguide/how_snapshots_work.html
"""

from dataclasses import dataclass

import polars as pl

from checkers.aws.ebs.costs import price_snapshots
from checkers.aws.ec2.datasets import IMAGES, SNAPSHOTS
from checkers.base import Check, Context, claim, cost, flagged


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """`min_age_days`: from which age a snapshot counts as old."""

    min_age_days: int = 90


def old_snapshot(snapshots: pl.LazyFrame, images: pl.LazyFrame, params: Params, ctx: Context) -> pl.LazyFrame:
    """Judge every snapshot; claim the upper bound of what the old ones cost."""
    imaged = flagged(snapshots, "in_image", column="id", among=images.explode("snapshot_ids"), id_column="snapshot_ids")
    return claim(
        price_snapshots(imaged, ctx),
        finding=pl.col("started_at") <= ctx.days_ago(params.min_age_days),
        monthly_savings=cost(pl.col("size_gib")),
        action="delete",
        evidence=("description", "size_gib", "started_at", "storage_tier", "unit_price", "volume_id"),
        status="upper_bound",
        not_applicable={"used_by_image": pl.col("in_image"), "not_completed": pl.col("state") != "completed"},
        undetermined={"age_unknown": pl.col("started_at").is_null()},
    )


CHECK = Check(
    id="aws.ebs.old_snapshot",
    reads=(SNAPSHOTS, IMAGES),
    judge=old_snapshot,
    params=Params(),
    title="Snapshot is older than anybody is likely to restore",
    category="unused",
    service="ebs",
    resource_type="snapshot",
    severity="low",
    confidence="medium",
    risk="medium",
)
