"""Batches of drafts such as checks make them: several tenants, three clouds, evidence and tags of realistic size."""

from datetime import date

import polars as pl
import polars_hash as plh

from contracts.tables import DRAFT_SCHEMA
from contracts.units import GLOBAL

DRAFTS_PER_UNIT = 500
_REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "ap-southeast-1")
DRAFTS_PER_ACCOUNT = DRAFTS_PER_UNIT * len(_REGIONS)  # of Azure and GCP an account is one unit
_FIRST_ACCOUNT = 100_000_000_000
_TEAMS = 40
_CHECKS = pl.DataFrame(
    [
        ("aws.ebs.unattached_volume", "ebs", "volume", "vol", "Unattached EBS volume", "unused", "delete"),
        ("aws.ebs.old_snapshot", "ebs", "snapshot", "snap", "Old EBS snapshot", "unused", "delete"),
        ("aws.ebs.gp2_volume", "ebs", "volume", "vol", "gp2 volume that gp3 replaces", "outdated", "migrate"),
        ("aws.ec2.unassociated_address", "ec2", "address", "eipalloc", "Unassociated address", "unused", "release"),
        ("aws.ec2.idle_instance", "ec2", "instance", "i", "Idle EC2 instance", "idle", "stop"),
        ("azure.compute.unattached_disk", "compute", "disk", "disk", "Unattached managed disk", "unused", "delete"),
        ("gcp.compute.unattached_disk", "compute", "disk", "disk", "Unattached persistent disk", "unused", "delete"),
    ],
    schema=["check_id", "service", "resource_type", "prefix", "title", "category", "action_kind"],
    orient="row",
)
_AWS_DRAWS = (0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4)  # rows of _CHECKS: mostly volumes and snapshots
_AZURE, _GCP = 5, 6


def drafts(count: int, *, tenants: int = 50, seed: int = 0) -> pl.DataFrame:
    """Make `count` good drafts of different resources, unit by unit, in the draft schema; a seed is a batch."""
    rows = (
        pl.select(n=pl.int_range(count, dtype=pl.Int64))
        .with_columns(
            unit=pl.col("n") // DRAFTS_PER_UNIT,
            digest=plh.concat_str(pl.lit(f"{seed}/"), pl.col("n").cast(pl.String)).chash.sha2_256(),
        )
        .with_columns(drawn=_hex(0, 8).str.to_integer(base=16, dtype=pl.Int64))
    )
    made = rows.hstack(_CHECKS[rows.select(_check(tenants)).to_series()]).with_columns(_place(tenants))
    made = made.with_columns(_resource(), _unit_id(), _evidence(), _tags(), *_judgement())
    absent = {name: pl.lit(None) for name in DRAFT_SCHEMA if name not in made.columns}
    return made.with_columns(**absent).select(pl.col(name).cast(dtype) for name, dtype in DRAFT_SCHEMA.items())


def _hex(start: int, digits: int) -> pl.Expr:
    return pl.col("digest").str.slice(start, digits)


def _check(tenants: int) -> pl.Expr:
    """Draw the row of _CHECKS; of twenty accounts 17 are AWS's, two Azure's, one GCP's."""
    aws = pl.lit(pl.Series(_AWS_DRAWS)).gather(pl.col("drawn") % len(_AWS_DRAWS))
    kind = (_account() + _account() // tenants) % 20  # so that every tenant has accounts of every cloud
    return pl.when(kind == 1).then(pl.lit(_GCP)).when(kind % 10 == 0).then(pl.lit(_AZURE)).otherwise(aws)


def _account() -> pl.Expr:
    return pl.col("unit") // len(_REGIONS)


def _place(tenants: int) -> list[pl.Expr]:
    aws, azure = _is("aws"), _is("azure")
    number = (_FIRST_ACCOUNT + _account()).cast(pl.String)
    subscription = pl.format("00000000-0000-4000-8000-{}", number)
    region = pl.lit(pl.Series(_REGIONS)).gather(pl.col("unit") % len(_REGIONS))
    return [
        pl.format("tenant-{}", (_account() % tenants).cast(pl.String).str.zfill(4)).alias("tenant_id"),
        pl.lit("prod").alias("workspace"),
        pl.col("check_id").str.split(".").list.first().alias("provider"),
        pl.when(aws).then(number).when(azure).then(subscription).otherwise(pl.format("project-{}", number))
        .alias("account_id"),
        pl.when(azure).then(pl.lit("westeurope")).when(aws).then(region).otherwise(pl.lit("europe-west1"))
        .alias("region"),
    ]  # fmt: skip


def _is(provider: str) -> pl.Expr:
    return pl.col("check_id").str.starts_with(f"{provider}.")


def _resource() -> pl.Expr:
    """Make ids as the clouds spell them; Azure's in mixed case, as its API delivers them."""
    azure = pl.format(
        "/subscriptions/{}/resourceGroups/RG-Prod-{}/providers/Microsoft.Compute/disks/Disk-{}",
        "account_id", pl.col("drawn") % 20, _hex(8, 12),
    )  # fmt: skip
    gcp = pl.format("projects/{}/zones/europe-west1-b/disks/disk-{}", "account_id", _hex(8, 12))
    aws = pl.format("{}-{}", "prefix", _hex(8, 17))
    return pl.when(_is("azure")).then(azure).when(_is("gcp")).then(gcp).otherwise(aws).alias("resource_id")


def _unit_id() -> pl.Expr:
    region = pl.when(_is("aws")).then("region").otherwise(pl.lit(GLOBAL))
    return pl.concat_str("tenant_id", "workspace", "provider", "account_id", region, separator="/").alias("unit_id")


def _size_gib() -> pl.Expr:
    return 1 + pl.col("drawn") % 2_000


def _evidence() -> pl.Expr:
    facts = pl.struct(
        attached_to=pl.lit(None, dtype=pl.String),
        created_at=pl.format("2026-0{}-1{}T08:00:00.000000Z", 1 + pl.col("drawn") % 9, pl.col("drawn") % 10),
        iops=pl.lit(3_000),
        size_gib=_size_gib(),
        snapshot_id=pl.format("snap-{}", _hex(30, 17)),
        unit_price=pl.lit("0.08"),
        volume_type=pl.lit("gp3"),
    )
    return facts.struct.json_encode().alias("evidence")


def _tags() -> pl.Expr:
    """Four tags: the name is each resource's own, the others are shared."""
    values = {
        "Name": pl.format("node-{}", _hex(50, 8)),
        "env": pl.lit("prod"),
        "owner": pl.format("team-{}@example.com", pl.col("drawn") % _TEAMS),
        "team": pl.format("team-{}", pl.col("drawn") % _TEAMS),
    }
    entries = [pl.struct(key=pl.lit(key), value=value) for key, value in values.items()]
    return pl.concat_list(entries).cast(pl.Map(pl.String, pl.String)).alias("tags")


def _judgement() -> list[pl.Expr]:
    price = (_size_gib() * 8).cast(pl.Decimal(38, 6)) / 100
    words = {"severity": "medium", "confidence": "high", "effort": "low", "risk": "low", "action_from": "in use"}
    money = {"currency": "USD", "basis": "list", "status": "estimated", "price_source": "packaged price book"}
    return [
        pl.lit(1).alias("check_version"),
        pl.format("node-{}", _hex(50, 8)).alias("resource_name"),
        pl.lit("").alias("facet"),
        *(pl.lit(value).alias(name) for name, value in {**words, **money}.items()),
        pl.lit(value=False).alias("restart_needed"),
        pl.lit(value=False).alias("rollback_possible"),
        price.alias("monthly_savings"),
        price.alias("monthly_cost"),
        pl.lit(date(2026, 10, 1)).alias("price_date"),
    ]
