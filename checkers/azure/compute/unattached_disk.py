"""Azure managed disks that no machine uses.

Why      A managed disk bills for its tier, whether or not a machine has it attached.
Claims   The monthly price of the disk's tier. Not operations on standard disks, not snapshots.
Skips    Disks detached (never attached: created) less than `min_age_days` ago; disks reserved for a deallocated
         machine or being exported or uploaded; disks that Kubernetes, Site Recovery or Backup manages, by tag or name.
Reads    azure.compute.disks (Microsoft.Compute/disks/read)
Pricing  disk / <tier>_<redundancy>, USD per disk and month; Premium SSD v2 and Ultra disks have no tier:
         their price is unknown
Docs     https://learn.microsoft.com/azure/virtual-machines/disks-find-unattached-portal
"""

from dataclasses import dataclass

import polars as pl

from checkers.azure.compute.datasets import DISKS
from checkers.base import Check, Context, claim

FAMILIES = {"Premium": "P", "StandardSSD": "E", "Standard": "S"}
# A disk is billed as the next larger tier: (largest size in GiB, number), https://learn.microsoft.com/azure/virtual-machines/disks-types
TIERS = (
    (4, 1), (8, 2), (16, 3), (32, 4), (64, 6), (128, 10), (256, 15), (512, 20), (1024, 30), (2048, 40), (4096, 50),
    (8192, 60), (16384, 70), (32767, 80),
)  # fmt: skip
SMALLEST_STANDARD = 4  # HDD tiers begin at S4 (32 GiB), same page
TRANSFERRED = ("ActiveSAS", "ActiveSASFrozen", "ReadyToUpload", "ActiveUpload")
SITE_RECOVERY_NAMES = r"(?i)(-ASRReplica$|^ms-asr-|^asrseeddisk)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """`min_age_days`: how long a disk must have been attached to nothing before it counts as forgotten."""

    min_age_days: int = 7


def unattached_disk(disks: pl.LazyFrame, params: Params, ctx: Context) -> pl.LazyFrame:
    """Judge every disk; claim the tier price of those attached to nothing."""
    frame = disks.with_columns(
        billed_tier=pl.coalesce("tier", _tier_of_size()),
        redundancy=pl.col("sku").str.extract(r"_([A-Z]+)$"),
        since=pl.coalesce("detached_at", "created_at"),
    )
    unattached = (pl.col("state") == "Unattached") & pl.col("managed_by").is_null()
    # A sku without tiers is asked for by its own name: the book does not have it, and the missing key says what is.
    sku = pl.coalesce(pl.concat_str("billed_tier", "redundancy", separator="_"), "sku")
    return claim(
        ctx.price(frame, service="disk", sku=sku, variant=pl.col("redundancy").str.to_lowercase()),
        finding=unattached & (pl.col("since") <= ctx.days_ago(params.min_age_days)),
        monthly_savings=pl.col("unit_price"),
        action="delete",
        evidence=("billed_tier", "created_at", "detached_at", "size_gib", "sku", "state"),
        not_applicable={
            "reserved": pl.col("state") == "Reserved",
            "being_transferred": pl.col("state").is_in(TRANSFERRED),
            "site_recovery": pl.col("name").str.contains(SITE_RECOVERY_NAMES),
        },
        undetermined={"age_unknown": unattached & pl.col("since").is_null()},
    )


def _tier_of_size() -> pl.Expr:
    """Name the tier a disk is billed as by its size; null for a family without tiers or an impossible size."""
    size = pl.col("size_gib")
    number = pl.coalesce(pl.when(size <= largest).then(tier) for largest, tier in TIERS)
    family = pl.col("sku").str.extract(r"^([A-Za-z]+)_").replace_strict(FAMILIES, default=None, return_dtype=pl.String)
    smallest = pl.when(family == "S").then(pl.max_horizontal(number, SMALLEST_STANDARD)).otherwise(number)
    return pl.concat_str(family, smallest.cast(pl.String))


CHECK = Check(
    id="azure.compute.unattached_disk",
    reads=(DISKS,),
    judge=unattached_disk,
    params=Params(),
    title="Disk is attached to nothing",
    category="unused",
    service="compute",
    resource_type="disk",
)
