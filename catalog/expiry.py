"""Snapshot expiry: forget what no release, no unfinished run and no recent reader needs; the rows stay where they are.

A snapshot may go when another one took its place before `older_than`. What was current after that may still be read by
somebody, or may just be on its way into a release.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import pairwise

from pyiceberg.table import Table as IcebergTable

from catalog.changes import committing
from catalog.exactly_once import run_of
from catalog.warehouse import Warehouse, history, retry_commit
from contracts.errors import TransientError
from contracts.tables import RELEASES, Table


@retry_commit
def expire(
    warehouse: Warehouse,
    table: Table,
    older_than: datetime,
    *,
    pinned: Mapping[str, AbstractSet[int]],
    runs: AbstractSet[str],
    dry_run: bool = False,
) -> list[int]:
    """Expire snapshots in one commit; returns their ids. Files stay until nothing refers to them (`orphans`).

    pinned   table name -> snapshots that releases name
    runs     runs whose commits are still looked up: unfinished ones
    """
    iceberg = warehouse.load(table)
    expired = [] if table is RELEASES else expirable(iceberg, older_than, pinned.get(table.name, frozenset()), runs)
    if expired and not dry_run:
        try:
            with committing(iceberg):
                iceberg.maintenance.expire_snapshots().by_ids(expired).commit()
        except ValueError as error:
            raise TransientError(f"expiry of {table.name}: another maintenance was first") from error
    return expired


def expirable(table: IcebergTable, older_than: datetime, pinned: AbstractSet[int], runs: AbstractSet[str]) -> list[int]:
    """Return the snapshots that nobody needs, oldest first; never the current one."""
    limit = older_than.timestamp() * 1000
    return [
        snapshot.snapshot_id
        for snapshot, successor in pairwise(history(table))
        if successor.timestamp_ms < limit and snapshot.snapshot_id not in pinned and run_of(snapshot) not in runs
    ]
