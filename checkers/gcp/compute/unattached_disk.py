"""Google Cloud persistent disks that no instance uses.

Why      A disk bills for its provisioned size, whether or not an instance has it attached.
Claims   The storage price of the disk; for types that bill IOPS and throughput apart (pd-extreme, hyperdisks) a lower
         bound. Not snapshots.
Skips    Disks detached (never attached: created) less than `min_age_days` ago; disks being made, restored or deleted;
         disks that a cluster manages, by their labels.
Reads    gcp.compute.disks (compute.disks.list)
Pricing  storage / <type>, or regional-<type> for a disk without a zone, USD per GiB-month
Docs     https://cloud.google.com/compute/docs/viewing-and-applying-idle-resources-recommendations
"""

from dataclasses import dataclass

import polars as pl

from checkers.base import Check, Context, claim, cost
from checkers.gcp.compute.datasets import DISKS

PROVISIONED_APART = r"^(pd-extreme|hyperdisk-.*)$"  # https://cloud.google.com/compute/disks-image-pricing


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """`min_age_days`: how long a disk must have been attached to nothing before it counts as forgotten."""

    min_age_days: int = 15


def unattached_disk(disks: pl.LazyFrame, params: Params, ctx: Context) -> pl.LazyFrame:
    """Judge every disk; claim the storage price of those attached to nothing."""
    unattached = pl.col("users").list.len().fill_null(0) == 0
    since = pl.coalesce("detached_at", "created_at")
    sku = pl.when(pl.col("zone").is_null()).then(pl.format("regional-{}", "disk_type")).otherwise("disk_type")
    apart = pl.col("disk_type").str.contains(PROVISIONED_APART)
    return claim(
        ctx.price(disks, service="storage", sku=sku),
        finding=unattached & (since <= ctx.days_ago(params.min_age_days)),
        monthly_savings=cost(pl.col("size_gib")),
        action="delete",
        evidence=("created_at", "detached_at", "disk_type", "size_gib", "unit_price", "zone"),
        status=pl.when(apart).then(pl.lit("lower_bound")).otherwise(pl.lit("estimated")),
        not_applicable={"not_ready": pl.col("status") != "READY"},
        undetermined={"age_unknown": unattached & since.is_null()},
    )


CHECK = Check(
    id="gcp.compute.unattached_disk",
    reads=(DISKS,),
    judge=unattached_disk,
    params=Params(),
    title="Disk is attached to nothing",
    category="unused",
    service="compute",
    resource_type="disk",
)
