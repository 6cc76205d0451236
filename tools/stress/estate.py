"""A generated AWS estate of any size: inventory frames per unit and a bill, known by construction.

Nothing is drawn at random: every value follows from the unit's number and the row's, so that any process can make any
unit again and the truth is plain arithmetic.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock

import polars as pl

from checkers.aws.ec2.datasets import VOLUMES
from checkers.base import Dataset
from contracts.units import UNIT_KEY, Unit
from engine.collect.unit import Reading
from engine.plan import AwsAccess, PlannedUnit

REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "ap-southeast-1")
TENANT, WORKSPACE, PAYER = "stress", "prod", "999999999999"
VOLUMES_PER_UNIT, ADDRESSES_PER_UNIT, SNAPSHOTS_PER_UNIT, INSTANCES_PER_UNIT = 320, 60, 140, 30  # of the smallest
# Half of the volumes are attached to nothing, a quarter are gp2; half of the addresses are associated with nothing; all
# snapshots are old, half are orphans; a third of the instances are stopped.
FINDINGS_PER_UNIT = (
    VOLUMES_PER_UNIT * 3 // 4 + ADDRESSES_PER_UNIT // 2 + SNAPSHOTS_PER_UNIT * 3 // 2 + INSTANCES_PER_UNIT // 3
)
_FIRST_ACCOUNT = 100_000_000_000
_GONE = 90_000_000  # added to the number of a volume that is gone; no unit has so many
_TAGS = pl.Map(pl.String, pl.String)
_SERIAL = "<unit>"  # stands in a template's ids for the number of the unit
BILL_DAYS = 3  # lines per volume in the bill
_IN_TURN = Lock()  # nothing is waited for here: threads that take turns end sooner than threads that fight for Python
_BILL_FILE_LINES = 1_000_000  # about; a delivery comes in parts


@dataclass(frozen=True, slots=True)
class StressEstate:
    """An estate of about `findings` findings. `shuffle` moves rows about without changing what is there.

    tenants    the accounts are dealt out to so many
    accounts   so many accounts of equal size, in every region; unless given, as many as the findings take
    """

    findings: int
    as_of: datetime
    shuffle: int = 0
    tenants: int = 1
    accounts: int | None = None

    @property
    def unit_count(self) -> int:
        """How many units it takes."""
        return self.accounts * len(REGIONS) if self.accounts else max(1, round(self.findings / FINDINGS_PER_UNIT))

    @property
    def account_count(self) -> int:
        """How many accounts they lie in."""
        return -(-self.unit_count // len(REGIONS))

    @property
    def size(self) -> int:
        """How many times the resources of the smallest unit every unit has."""
        return max(1, round(self.findings / (FINDINGS_PER_UNIT * self.unit_count)))

    @property
    def findings_per_unit(self) -> int:
        """What the rules find in every unit, by construction."""
        return FINDINGS_PER_UNIT * self.size

    @property
    def bill_lines(self) -> int:
        """How many lines the bills of all tenants have."""
        return self.unit_count * VOLUMES_PER_UNIT * self.size * BILL_DAYS

    def tenant_ids(self) -> list[str]:
        """Return the tenants; an only one is `TENANT`."""
        return [TENANT] if self.tenants == 1 else [f"{TENANT}-{number:04}" for number in range(self.tenants)]

    def units(self, tenant_id: str | None = None) -> list[PlannedUnit]:
        """Return the units, of one tenant or of all: one account for every four regions."""
        tenants = self.tenant_ids()
        numbers = (divmod(number, len(REGIONS)) for number in range(self.unit_count))
        made = (
            Unit(tenants[account % self.tenants], WORKSPACE, "aws", f"{_FIRST_ACCOUNT + account}", REGIONS[region])
            for account, region in numbers
        )
        return [PlannedUnit(unit, AwsAccess()) for unit in made if tenant_id in (None, unit.tenant_id)]

    def collect(self, planned: PlannedUnit, datasets: Sequence[Dataset], as_of: datetime) -> list[Reading]:
        """Stand in for the collectors: the same frames they would give, without a cloud."""
        with _IN_TURN:
            frames = [self._shuffled(self.frame(planned.unit, dataset, as_of)) for dataset in datasets]
        return [Reading(dataset, frame, None, 0) for dataset, frame in zip(datasets, frames, strict=True)]

    def frame(self, unit: Unit, dataset: Dataset, as_of: datetime) -> pl.DataFrame:
        """Return one dataset of one unit; empty for what the estate does not have."""
        template, ids = _template(dataset.name, tuple(dataset.columns.items()), as_of, self.size)
        if template.is_empty():
            return template
        own = [pl.Series(numbers.name, [f"{prefix}{_serial(unit):012x}"]) + numbers for prefix, numbers in ids]
        same = _same_in_every_row(unit, VOLUMES_PER_UNIT * self.size).head(template.height)
        # Column by column: an expression of so few rows costs ten times as much as what it does.
        frame = template.clone()
        for column in [*own, *same]:
            frame.replace_column(frame.get_column_index(column.name), column)
        return frame

    def _shuffled(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.sample(fraction=1, shuffle=True, seed=self.shuffle) if self.shuffle else frame

    def write_bill(self, folder: Path, tenant_id: str | None = None) -> Path:
        """Write a legacy CUR in Parquet with a line for every volume on each of the last days before `as_of`.

        Of one tenant or of all. Returns the folder, which then holds one or more files.
        """
        folder.mkdir(parents=True, exist_ok=True)
        days = pl.LazyFrame({"day": [self.as_of - timedelta(days=n) for n in range(1, BILL_DAYS + 1)]})
        for number, units in enumerate(self._bill_files(tenant_id), 1):
            volumes = [self.frame(each.unit, VOLUMES, self.as_of).lazy() for each in units]
            _bill_lines(pl.concat(volumes).join(days, how="cross")).sink_parquet(folder / f"cur-{number:05}.parquet")
        return folder

    def _bill_files(self, tenant_id: str | None) -> Iterator[list[PlannedUnit]]:
        units = self.units(tenant_id)
        step = max(1, _BILL_FILE_LINES // (VOLUMES_PER_UNIT * self.size * BILL_DAYS))
        return (units[start : start + step] for start in range(0, len(units), step))


def _serial(unit: Unit) -> int:
    """Return a number of its own for every unit; resource ids carry it."""
    return int(unit.account_id) * len(REGIONS) + REGIONS.index(unit.region)


@lru_cache(maxsize=64)
def _same_in_every_row(unit: Unit, rows: int) -> pl.DataFrame:
    tags = pl.Series("tags", [{"team": f"team-{_serial(unit) % 20}", "env": "prod"}], dtype=_TAGS)
    key = (pl.Series(name, [getattr(unit, name)]) for name in UNIT_KEY)
    return pl.DataFrame([each.new_from_index(0, rows) for each in (tags, *key)])


@cache
def _template(
    name: str, columns: tuple[tuple[str, pl.DataType | type[pl.DataType]], ...], as_of: datetime, size: int
) -> tuple[pl.DataFrame, tuple[tuple[str, pl.Series], ...]]:
    """Return a dataset's rows as every unit has them, and of its ids what stands before and after a unit's number."""
    made = {"aws.ec2.volumes": _volumes, "aws.ec2.addresses": _addresses}
    made |= {"aws.ec2.snapshots": _snapshots, "aws.ec2.instances": _instances}
    rows = made[name](as_of, size) if name in made else pl.DataFrame()
    schema = {**dict.fromkeys(UNIT_KEY, pl.String()), **dict(columns)}
    absent = {column: pl.lit(None) for column in schema if column not in rows.columns}
    frame = rows.with_columns(**absent).select(pl.col(column).cast(kind) for column, kind in schema.items())
    ids = (column for column in frame if column.dtype == pl.String and column.str.contains(_SERIAL, literal=True).any())
    return frame, tuple(_parted(column) for column in ids)


def _parted(ids: pl.Series) -> tuple[str, pl.Series]:
    parts = ids.str.split_exact(_SERIAL, 1).struct.unnest()
    return parts["field_0"].drop_nulls()[0], parts["field_1"].alias(ids.name)


def _rows(count: int) -> pl.DataFrame:
    return pl.DataFrame({"n": range(count)})


def _id(prefix: str, number: str = "n") -> pl.Expr:
    return pl.format(f"{prefix}-{_SERIAL}{{}}", pl.col(number).cast(pl.String).str.zfill(5))


def _ago(as_of: datetime, days: int) -> pl.Expr:
    return pl.lit(as_of - timedelta(days=days)).dt.cast_time_unit("us")


def _volumes(as_of: datetime, size: int) -> pl.DataFrame:
    """Half forgotten gp3, a quarter gp2 attached to running instances, a quarter healthy or of stopped instances."""
    kind = pl.col("n") % 4
    in_use = kind.is_in([0, 1])
    owner = pl.col("n") // 4 % (INSTANCES_PER_UNIT * size)
    return (
        _rows(VOLUMES_PER_UNIT * size)
        .with_columns(owner=owner)
        .select(
            _id("vol").alias("id"),
            volume_type=pl.when(kind == 0).then(pl.lit("gp2")).otherwise(pl.lit("gp3")),
            size_gib=10 + pl.col("n") % 90,
            iops=pl.lit(3000),
            throughput_mibps=pl.lit(125),
            state=pl.when(in_use).then(pl.lit("in-use")).otherwise(pl.lit("available")),
            attached_to=pl.when(in_use).then(_id("i", "owner")),
            created_at=_ago(as_of, 200),
        )
    )


def _addresses(as_of: datetime, size: int) -> pl.DataFrame:
    del as_of
    associated = pl.col("n") % 2 == 0
    return _rows(ADDRESSES_PER_UNIT * size).select(
        _id("eipalloc").alias("id"),
        public_ip=pl.lit("192.0.2.1"),
        association_id=pl.when(associated).then(_id("eipassoc")),
        network_interface_id=pl.when(associated).then(_id("eni")),
    )


def _snapshots(as_of: datetime, size: int) -> pl.DataFrame:
    """All old; every second one of a volume that is gone."""
    return (
        _rows(SNAPSHOTS_PER_UNIT * size)
        .with_columns(gone=pl.col("n") + _GONE)
        .select(
            _id("snap").alias("id"),
            volume_id=pl.when(pl.col("n") % 2 == 0).then(_id("vol")).otherwise(_id("vol", "gone")),
            size_gib=8 + pl.col("n") % 50,
            storage_tier=pl.lit("standard"),
            state=pl.lit("completed"),
            started_at=_ago(as_of, 150),
        )
    )


def _instances(as_of: datetime, size: int) -> pl.DataFrame:
    """Every third stopped for long; the running ones too young to be judged idle."""
    stopped = pl.col("n") % 3 == 0
    return _rows(INSTANCES_PER_UNIT * size).select(
        _id("i").alias("id"),
        instance_type=pl.lit("m5.large"),
        platform=pl.lit("linux"),
        state=pl.when(stopped).then(pl.lit("stopped")).otherwise(pl.lit("running")),
        launched_at=pl.when(stopped).then(_ago(as_of, 300)).otherwise(_ago(as_of, 3)),
        stopped_at=pl.when(stopped).then(_ago(as_of, 100)),
    )


def _bill_lines(lines: pl.LazyFrame) -> pl.LazyFrame:
    cost = (pl.col("size_gib") * 8).cast(pl.Decimal(38, 6)) / 3000
    return lines.select(
        identity_line_item_id=pl.format("{}-{}", "id", "day"),
        bill_payer_account_id=pl.lit(PAYER),
        bill_billing_period_start_date=pl.col("day").dt.truncate("1mo"),
        line_item_usage_account_id="account_id",
        line_item_line_item_type=pl.lit("Usage"),
        line_item_usage_start_date="day",
        line_item_usage_end_date=pl.col("day").dt.offset_by("1d"),
        line_item_product_code=pl.lit("AmazonEC2"),
        line_item_usage_type=pl.format("EBS:VolumeUsage.{}", "volume_type"),
        line_item_operation=pl.lit("CreateVolume-Gp3"),
        line_item_resource_id="id",
        line_item_usage_amount=pl.col("size_gib").cast(pl.Decimal(18, 6)),
        pricing_unit=pl.lit("GB-Mo"),
        line_item_unblended_cost=cost,
        pricing_public_on_demand_cost=cost,
        line_item_currency_code=pl.lit("USD"),
        product_region="region",
    )
