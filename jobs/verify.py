"""Make a run's tables again from the raw ones, beside the stored ones, and say whether they are the same."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from catalog.releases import Release, read
from catalog.replay import before, replica
from catalog.warehouse import Warehouse
from contracts.tables import (
    ATTRIBUTION,
    CORRELATED,
    COVERAGE,
    CUR_FACTS,
    CUR_INGESTS,
    CURRENT,
    ENRICHED,
    FINDINGS,
    KPI_DAILY,
    KPI_MONTHLY,
    Table,
)
from jobs.correlate import correlate
from jobs.costs.attribute import attribute
from jobs.digest import Digest, digests, row_hash
from jobs.kpis import kpis
from jobs.lifecycle import lifecycle
from jobs.rendering import json_value

_KPI_KEY = ("period", "kpi", "dimension", "value", "currency")
# What the jobs make, in their order, and what tells the rows of a partition apart.
MADE: Mapping[Table, Sequence[str]] = {
    CORRELATED: ("fingerprint",),
    ATTRIBUTION: (
        *("fingerprint", "matched_key", "payer_account_id", "region", "service", "usage_type"),
        *("commitment_id", "unit", "currency"),
    ),
    ENRICHED: ("fingerprint",),
    CURRENT: ("fingerprint",),
    KPI_DAILY: _KPI_KEY,
    KPI_MONTHLY: _KPI_KEY,
}
ROWS = "rows"  # the column of a difference in how often a row is there
_HASH = "__hash"


@dataclass(frozen=True, slots=True)
class Partition:
    """The digests of one partition of a table: as stored, and as made again; None where there are no rows."""

    table: str
    partition: tuple[str, ...]
    stored: Digest | None
    recomputed: Digest | None

    @property
    def equal(self) -> bool:
        """Say whether both hold the same rows."""
        return self.stored == self.recomputed


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs, or with the column `rows` how often the row is there."""

    table: str
    partition: tuple[str, ...]
    key: dict[str, Any]
    column: str
    stored: Any
    recomputed: Any

    def __str__(self) -> str:
        key = ", ".join(f"{name}={value}" for name, value in self.key.items())
        where = f"{self.table} {'/'.join(self.partition)}: {key}: {self.column}"
        return f"{where}: stored {self.stored!r}, recomputed {self.recomputed!r}"


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of making a release again."""

    release: Release
    partitions: list[Partition]
    first: Difference | None

    @property
    def equal(self) -> bool:
        """Say whether every partition of every table is the same."""
        return all(each.equal for each in self.partitions)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a digest is its rows and its sum in hexadecimal."""
        shown = [
            {
                "table": each.table,
                "partition": list(each.partition),
                "stored": str(each.stored) if each.stored else None,
                "recomputed": str(each.recomputed) if each.recomputed else None,
                "equal": each.equal,
            }
            for each in self.partitions
        ]
        return {
            "tenant_id": self.release.tenant_id,
            "run_id": self.release.run_id,
            "release": self.release.release,
            "equal": self.equal,
            "partitions": shown,
            "first_difference": asdict(self.first) if self.first else None,
        }


def verify(warehouse: Warehouse, release: Release) -> Verified:
    """Make the tables of a release again with the jobs that made them, and compare digests.

    From the run's findings, the coverage and facts that the release names, and what the made tables held before; in a
    temporary catalog over the same files. Raises PermanentError where that has expired.
    """
    with TemporaryDirectory(prefix="verify-") as folder:
        again = _made_again(warehouse, release, Path(folder))
        partitions = [each for table in MADE for each in _compared(table, *_sides(table, warehouse, again, release))]
        wrong = next((each for each in partitions if not each.equal), None)
        first = None
        if wrong:
            table = next(table for table in MADE if table.name == wrong.table)
            first = _first_difference(table, wrong.partition, *_sides(table, warehouse, again, release))
    return Verified(release, partitions, first)


def _made_again(warehouse: Warehouse, release: Release, folder: Path) -> Warehouse:
    tenant_id, run_id, as_of = release.tenant_id, release.run_id, release.as_of
    made = {table: before(warehouse, table, tenant_id, release.snapshots.get(table.name)) for table in MADE}
    # Findings are not released: they are only ever added to, and the jobs read those of the run.
    read_ = {table: release.snapshots.get(table.name) for table in (COVERAGE, CUR_FACTS, CUR_INGESTS)}
    read_[FINDINGS] = warehouse.snapshot_id(FINDINGS)
    again = replica(warehouse, tenant_id, {**read_, **made}, folder)
    for step in (correlate, attribute, lifecycle):
        step(again, tenant_id, run_id, as_of.date(), as_of)
    kpis(again, tenant_id, as_of)
    return again


def _sides(table: Table, warehouse: Warehouse, again: Warehouse, release: Release) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Return the stored and the remade rows, of the run's day where a table has days."""
    of_day = pl.col("run_date") == release.as_of.date() if "run_date" in table.partition else pl.lit(value=True)
    stored, recomputed = read(warehouse, release, table), again.scan(table, release.tenant_id)
    return stored.filter(of_day), recomputed.filter(of_day)


def _compared(table: Table, stored: pl.LazyFrame, recomputed: pl.LazyFrame) -> Iterator[Partition]:
    one, other = digests(stored, table.partition), digests(recomputed, table.partition)
    for partition in sorted({*one, *other}):
        yield Partition(table.name, partition, one.get(partition), other.get(partition))


def _first_difference(
    table: Table, partition: tuple[str, ...], stored: pl.LazyFrame, recomputed: pl.LazyFrame
) -> Difference:
    key = list(MADE[table])
    sides = [_hashed(rows, table, partition) for rows in (stored, recomputed)]
    counts = [rows.group_by(_HASH).len().collect(engine="streaming") for rows in sides]
    both = counts[0].join(counts[1], on=_HASH, how="full", coalesce=True, suffix="_again")
    odd = both.filter(pl.col("len").ne_missing(pl.col("len_again"))).select(_HASH).lazy()
    rows = [side.join(odd, on=_HASH, how="semi").sort(key, nulls_last=True).collect() for side in sides]
    first = pl.concat([each.select(key) for each in rows]).sort(key, nulls_last=True).head(1)
    found = [each.join(first, on=key, nulls_equal=True, how="semi").drop(_HASH) for each in rows]
    named: dict[str, Any] = json_value(first.to_dicts()[0])
    if [each.height for each in found] != [1, 1]:
        return Difference(table.name, partition, named, ROWS, *(each.height for each in found))
    one, other = (json_value(each.to_dicts()[0]) for each in found)
    column = next(name for name in table.schema.names if one[name] != other[name])
    return Difference(table.name, partition, named, column, one[column], other[column])


def _hashed(rows: pl.LazyFrame, table: Table, partition: tuple[str, ...]) -> pl.LazyFrame:
    here = [pl.col(name).cast(pl.String) == value for name, value in zip(table.partition, partition, strict=True)]
    return rows.filter(here).with_columns(row_hash(table.polars_schema).alias(_HASH))
