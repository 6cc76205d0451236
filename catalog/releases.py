"""Releases: the set of table snapshots that is served for a tenant, published whole or not at all."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from catalog.warehouse import Warehouse
from contracts.errors import NotFound
from contracts.tables import CURRENT, RELEASES, TABLES, Table


@dataclass(frozen=True, slots=True)
class Release:
    """What is served: for each table the snapshot that every reader sees."""

    tenant_id: str
    release: str
    sequence: int
    run_id: str
    as_of: datetime
    snapshots: dict[str, int]


def publish(warehouse: Warehouse, tenant_id: str, run_id: str, as_of: datetime, tables: Sequence[Table]) -> Release:
    """Publish the tables as they stand now; the same snapshots again are the same release, and nothing is written."""
    snapshots = {table.name: at for table in tables if (at := warehouse.snapshot_id(table)) is not None}
    before = latest(warehouse, tenant_id)
    if before and (before.run_id, before.snapshots) == (run_id, snapshots):
        return before
    named = json.dumps([tenant_id, run_id, sorted(snapshots.items())])
    release = Release(
        tenant_id=tenant_id,
        release=hashlib.sha256(named.encode()).hexdigest()[:16],
        sequence=before.sequence + 1 if before else 1,
        run_id=run_id,
        as_of=as_of,
        snapshots=snapshots,
    )
    row = {name: getattr(release, name) for name in RELEASES.schema.names}
    warehouse.append(RELEASES, pl.DataFrame([row], schema=RELEASES.polars_schema), tenant_id)
    return release


def latest(warehouse: Warehouse, tenant_id: str) -> Release | None:
    """Return the release served for a tenant; None before the first."""
    rows = warehouse.scan(RELEASES, tenant_id).sort("sequence").tail(1).collect().to_dicts()
    return Release(**rows[0]) if rows else None


def history(warehouse: Warehouse, tenant_id: str) -> list[Release]:
    """Return a tenant's releases whose findings can still be read, oldest first."""
    known = {snapshot.snapshot_id for snapshot in warehouse.load(CURRENT).metadata.snapshots}
    rows = warehouse.scan(RELEASES, tenant_id).sort("sequence").collect()
    releases = [Release(**row) for row in rows.to_dicts()]
    return [release for release in releases if release.snapshots.get(CURRENT.name) in known]


def of_run(warehouse: Warehouse, run_id: str, tenant_id: str | None = None) -> Release:
    """Return the newest release of a run, of one tenant or of the only one that has it. Raises NotFound."""
    iceberg = warehouse.load(RELEASES)
    rows = pl.scan_iceberg(iceberg) if iceberg.current_snapshot() else pl.LazyFrame(schema=RELEASES.polars_schema)
    mine = pl.lit(value=True) if tenant_id is None else pl.col("tenant_id") == tenant_id
    found = rows.filter(mine, pl.col("run_id") == run_id).sort("sequence").collect()
    tenants = found["tenant_id"].unique().sort().to_list()
    if len(tenants) != 1:
        whose = f"{', '.join(tenants)} have one: name the tenant" if tenants else "`finops runs` lists what there is"
        raise NotFound(f"there is no one release of a run {run_id}; {whose}")
    return Release(**found.tail(1).select(RELEASES.schema.names).to_dicts()[0])


def read(warehouse: Warehouse, release: Release, table: Table) -> pl.LazyFrame:
    """Return the tenant's rows of a table as they were released; no rows if the table was empty then."""
    at = release.snapshots.get(table.name)
    if at is None:
        return pl.LazyFrame(schema=TABLES[table.name].polars_schema)
    return warehouse.scan(table, release.tenant_id, snapshot_id=at)


def pinned(warehouse: Warehouse, keep: int) -> dict[str, set[int]]:
    """Return the snapshots that the last `keep` releases of every tenant name, per table name."""
    iceberg = warehouse.load(RELEASES)
    if iceberg.current_snapshot() is None:
        return {}
    last = pl.col("sequence").rank("ordinal", descending=True).over("tenant_id") <= keep
    rows = pl.scan_iceberg(iceberg).filter(last).select("snapshots").collect()
    named: dict[str, set[int]] = defaultdict(set)
    for snapshots in rows["snapshots"].to_list():
        for table, snapshot_id in dict(snapshots).items():
            named[table].add(snapshot_id)
    return dict(named)
