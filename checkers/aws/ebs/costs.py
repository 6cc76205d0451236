"""What EBS volumes and snapshots cost a month at list price."""

import polars as pl

from checkers.base import Context, cost

# Included with every gp3 volume; io2 IOPS get cheaper above each bound (the book's tiers say where).
GP3_INCLUDED_IOPS = 3000
GP3_INCLUDED_MIBPS = 125
IO2_TIER_1, IO2_TIER_2 = 32_000, 64_000

_PARTS = ("storage", "iops", "iops_tier2", "iops_tier3", "throughput")


def price_volumes(volumes: pl.LazyFrame, ctx: Context) -> pl.LazyFrame:
    """Price volumes as a whole: storage, provisioned IOPS and provisioned throughput.

    Takes rows of VOLUMES; returns their columns and `volume_price` (USD a month, null when one of the prices is
    unknown) with `volume_price_key`, `_basis`, `_date`, `_source`, as `Context.price` would name them. A gp3 volume
    without figures has what is included; magnetic volumes are priced without their requests.
    """
    parts = _volume_parts()
    frame = volumes.with_columns(quantity.alias(f"{part}_quantity") for part, (_, quantity) in parts.items())
    for part, (sku, _) in parts.items():
        asked = pl.when(pl.col(f"{part}_quantity") != 0).then(sku)
        frame = ctx.price(frame, service="ebs", sku=asked, prefix=part)
    costs = {part: cost(pl.col(f"{part}_quantity"), part) for part in _PARTS}
    missing = [pl.when(costs[part].is_null()).then(pl.col(f"{part}_price_key")) for part in _PARTS]
    first = {fact: pl.coalesce(f"{part}_price_{fact}" for part in _PARTS) for fact in ("basis", "source")}
    return frame.select(
        *volumes.collect_schema().names(),
        volume_price=pl.sum_horizontal(*costs.values(), ignore_nulls=False),
        volume_price_key=pl.coalesce(missing),
        volume_price_basis=first["basis"],
        volume_price_date=pl.min_horizontal(f"{part}_price_date" for part in _PARTS),
        volume_price_source=first["source"],
    )


def price_snapshots(snapshots: pl.LazyFrame, ctx: Context) -> pl.LazyFrame:
    """Add the price of a GiB-month in the snapshot's tier (`unit_price` and its facts)."""
    return ctx.price(snapshots, service="ebs", sku=pl.format("ebs.snapshot.{}", "storage_tier"))


def _volume_parts() -> dict[str, tuple[pl.Expr, pl.Expr]]:
    """Map each part of a volume's bill to its sku and its quantity."""
    kind, iops = pl.col("volume_type"), pl.col("iops")
    gp3, io1, io2 = kind == "gp3", kind == "io1", kind == "io2"
    extra_iops = (iops.fill_null(GP3_INCLUDED_IOPS) - GP3_INCLUDED_IOPS).clip(0)
    extra_mibps = (pl.col("throughput_mibps").fill_null(GP3_INCLUDED_MIBPS) - GP3_INCLUDED_MIBPS).clip(0)
    tier_2 = (iops - IO2_TIER_1).clip(0, IO2_TIER_2 - IO2_TIER_1)
    iops_skus = {"gp3": "ebs.gp3.iops_over_3000", "io1": "ebs.io1.iops", "io2": "ebs.io2.iops_tier1_0_32000"}
    return {
        "storage": (pl.format("ebs.{}.storage", kind), pl.col("size_gib")),
        "iops": (
            kind.replace_strict(iops_skus, default=None, return_dtype=pl.String),
            pl.when(gp3).then(extra_iops).when(io1).then(iops).when(io2).then(iops.clip(0, IO2_TIER_1)).otherwise(0),
        ),
        "iops_tier2": (pl.lit("ebs.io2.iops_tier2_32001_64000"), pl.when(io2).then(tier_2).otherwise(0)),
        "iops_tier3": (
            pl.lit("ebs.io2.iops_tier3_over_64000"),
            pl.when(io2).then((iops - IO2_TIER_2).clip(0)).otherwise(0),
        ),
        "throughput": (pl.lit("ebs.gp3.throughput_over_125"), pl.when(gp3).then(extra_mibps).otherwise(0)),
    }
