"""Maintenance of the tables: compact, expire, clean up; safe while runs write and readers read, and repeatable."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from catalog import exactly_once
from catalog.compaction import Sizes, compact
from catalog.expiry import expire
from catalog.orphans import damaged, orphans
from catalog.releases import pinned
from catalog.state import State
from catalog.storage import Storage, key
from catalog.warehouse import Warehouse
from contracts.tables import TABLES, Table

ORPHAN_AGE = timedelta(hours=24)  # shorter ages have destroyed tables: apache/iceberg#4194
RUN_FACTOR = 3  # a file may belong to a run that takes three times as long as the longest so far


@dataclass(frozen=True, slots=True)
class Policy:
    """What is kept, and what is worth rewriting."""

    releases: int = 10  # of each tenant
    snapshots_for: timedelta = timedelta(days=7)
    sizes: Sizes = field(default_factory=Sizes)


@dataclass(frozen=True, slots=True)
class TableReport:
    """What was done to a table, or with a dry run would be.

    files, bytes   current data files: before, and after the compaction; a dry run cannot know the bytes after
    orphans        files deleted
    damaged        data files that are missing or truncated: left alone, and no orphan of the table is deleted
    """

    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int | None
    snapshots_expired: int
    orphans: tuple[str, ...]
    orphan_bytes: int
    damaged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What `finops jobs maintain --json` prints."""

    dry_run: bool
    tables: Mapping[str, TableReport]

    @property
    def damaged(self) -> list[str]:
        """Every damaged file of every table."""
        return [path for table in self.tables.values() for path in table.damaged]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"dry_run": self.dry_run, "tables": {name: asdict(table) for name, table in self.tables.items()}}


@dataclass(frozen=True, slots=True)
class _Bounds:
    """How far it may go: ages, what others still need, and whether anything is changed at all."""

    expire_before: datetime
    delete_before: datetime
    pinned: Mapping[str, AbstractSet[int]]
    runs: AbstractSet[str]
    owed: AbstractSet[str]
    dry_run: bool


def maintain(
    warehouse: Warehouse, state: State, now: datetime, *, policy: Policy | None = None, dry_run: bool = False
) -> Report:
    """Compact every table, expire its snapshots and delete its orphans, in this order; with `dry_run` only say so.

    `now` is compared with the ages of snapshots and files. Raises TransientError when the catalog stays locked or
    away; what was done until then is done, and the next maintenance goes on from there.
    """
    chosen = policy or Policy()
    owed = exactly_once.owed(warehouse)
    bounds = _Bounds(
        expire_before=now - chosen.snapshots_for,
        delete_before=now - max(ORPHAN_AGE, RUN_FACTOR * state.longest_run()),
        pinned=pinned(warehouse, chosen.releases),
        # Until a flush is whole its registration must not be forgotten, whatever the ledger says of its run.
        runs=state.unfinished() | {flush.run_id for _, flush in owed},
        owed={key(path) for table, flush in owed for path in flush.files[table.name]},
        dry_run=dry_run,
    )
    return Report(dry_run, {name: _maintain(warehouse, table, chosen.sizes, bounds) for name, table in TABLES.items()})


def _maintain(warehouse: Warehouse, table: Table, sizes: Sizes, bounds: _Bounds) -> TableReport:
    before = warehouse.load(table)
    storage = Storage.at(before.location())
    listed = storage.files()
    sizes_before = [task.file.file_size_in_bytes for task in before.scan().plan_files()]
    broken = damaged(before, listed)
    groups = compact(warehouse, table, sizes, damaged=set(broken), dry_run=bounds.dry_run)
    expired = expire(
        warehouse, table, bounds.expire_before, pinned=bounds.pinned, runs=bounds.runs, dry_run=bounds.dry_run
    )
    found = [] if broken else orphans(warehouse.load(table), listed, bounds.delete_before, bounds.owed)
    if not bounds.dry_run:
        for file in found:
            storage.delete(file)
    return TableReport(
        files_before=len(sizes_before),
        files_after=len(sizes_before) - sum(len(group.old) - 1 for group in groups),
        bytes_before=sum(sizes_before),
        bytes_after=None if bounds.dry_run else sum(sizes_before) - sum(group.saved for group in groups),
        snapshots_expired=len(expired),
        orphans=tuple(file.key for file in found),
        orphan_bytes=sum(file.size for file in found),
        damaged=tuple(broken),
    )
