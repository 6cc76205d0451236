"""Compaction: many small data files of a partition become few of a sensible size; the rows stay the same."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import polars as pl
from pyiceberg.io.pyarrow import parquet_file_to_data_file
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table as IcebergTable
from pyiceberg.typedef import Record

from catalog.changes import committing
from catalog.files import write_files
from catalog.storage import key
from catalog.warehouse import Warehouse, retry_commit
from contracts.errors import PermanentError
from contracts.tables import Table

ROUNDS = 3  # how often it plans again when others replace the same files meanwhile
_HALF = 2**32
_SUMMARY = {"finops.maintenance": "compaction"}


@dataclass(frozen=True, slots=True)
class Sizes:
    """What is worth rewriting: at least `min_files` files of a partition, each under three quarters of the target."""

    target_bytes: int = 128 * 2**20
    min_files: int = 4


@dataclass(frozen=True, slots=True)
class Group:
    """Small files of one partition, and the one of about the target size that takes their place (none when planned)."""

    old: tuple[DataFile, ...]
    new: tuple[DataFile, ...] = ()

    @property
    def saved(self) -> int:
        """Bytes before less bytes after."""
        return sum(file.file_size_in_bytes for file in self.old) - sum(file.file_size_in_bytes for file in self.new)


def compact(
    warehouse: Warehouse, table: Table, sizes: Sizes, *, damaged: AbstractSet[str] = frozenset(), dry_run: bool = False
) -> list[Group]:
    """Rewrite the small files of a table, sorted as the contract says, in one commit; returns what was rewritten.

    Groups whose files somebody else has replaced meanwhile are left out and planned again. Files in `damaged` (keys)
    are left alone. With `dry_run` nothing is written. Raises PermanentError when the rows read back are not the rows
    there were before, or the disk is full; then nothing is committed.
    """
    done: list[Group] = []
    for _ in range(ROUNDS):
        iceberg = warehouse.load(table)
        planned = plan(iceberg, sizes, damaged)
        if dry_run or not planned:
            return done + planned
        committed = _swap(warehouse, table, [_rewrite(iceberg, table, group) for group in planned])
        done += committed
        if len(committed) == len(planned):
            break
    return done


def plan(table: IcebergTable, sizes: Sizes, damaged: AbstractSet[str] = frozenset()) -> list[Group]:
    """Choose the files to rewrite: small, whole, and several in one partition."""
    small: dict[Record, list[DataFile]] = defaultdict(list)
    for task in table.scan().plan_files():
        file = task.file
        plain = not task.delete_files and file.spec_id == table.spec().spec_id and key(file.file_path) not in damaged
        if plain and file.file_size_in_bytes < sizes.target_bytes * 3 // 4:
            small[file.partition].append(file)
    return [group for files in small.values() for group in _groups(files, sizes)]


def digest(rows: pl.LazyFrame) -> tuple[int, int, int]:
    """Return (rows, sum of upper, sum of lower hash halves): the same for the same rows in whatever order.

    It holds within one version of Polars; it is compared, never stored.
    """
    hashes = rows.select(row=pl.struct(pl.all()).hash())
    sums = hashes.select(pl.len(), upper=(pl.col("row") // _HALF).sum(), lower=(pl.col("row") % _HALF).sum())
    count, upper, lower = sums.collect(engine="streaming").row(0)
    return count, upper, lower


def _groups(files: list[DataFile], sizes: Sizes) -> Iterator[Group]:
    """Fill groups up to the target size: what one group holds is what has to fit into memory."""
    held: list[DataFile] = []
    for file in sorted(files, key=lambda each: each.file_path):
        held.append(file)
        if sum(each.file_size_in_bytes for each in held) >= sizes.target_bytes:
            yield Group(tuple(held))
            held = []
    if len(held) >= sizes.min_files:
        yield Group(tuple(held))


def _rewrite(iceberg: IcebergTable, table: Table, group: Group) -> Group:
    rows = _rows(table, [file.file_path for file in group.old])
    name = f"compacted-{uuid.uuid4().hex}"
    (path,) = write_files(iceberg.location(), table, rows.sort(table.order), name)
    before, after = digest(rows), digest(_rows(table, [path]))
    if before != after:
        raise PermanentError(
            f"compacting {table.name}: {group.old[0].file_path} and others hold {before}, {path} holds {after}; "
            "nothing was committed"
        )
    return Group(group.old, (parquet_file_to_data_file(iceberg.io, iceberg.metadata, path),))


def _rows(table: Table, paths: Sequence[str]) -> pl.LazyFrame:
    """Read files of any age with all columns of the contract."""
    return pl.scan_parquet(
        list(paths),
        schema=table.polars_schema,
        missing_columns="insert",
        cast_options=pl.ScanCastOptions(missing_struct_fields="insert"),
    )


@retry_commit
def _swap(warehouse: Warehouse, table: Table, groups: Sequence[Group]) -> list[Group]:
    """Exchange files in one commit; returns the groups that are in, without those whose old files are gone."""
    iceberg = warehouse.load(table)
    live = {task.file for task in iceberg.scan().plan_files()}
    landed = [group for group in groups if live.issuperset(group.new)]  # by an attempt whose reply was lost
    usable = [group for group in groups if live.issuperset(group.old)]
    if not usable:
        return landed
    with (
        committing(iceberg),
        iceberg.transaction() as transaction,
        transaction.update_snapshot(snapshot_properties=_SUMMARY).overwrite() as swap,
    ):
        for group in usable:
            for file in group.old:
                swap.delete_data_file(file)
            for file in group.new:
                swap.append_data_file(file)
    return landed + usable
