"""Parquet files of tables before anybody commits them; all that a writer needs of the catalog, without Iceberg."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from contracts.errors import PermanentError
from contracts.tables import Table

_ROW_GROUP = 1 << 15  # rows that a writer holds and a reader skips at a time; in larger ones files are no smaller


@dataclass(frozen=True, slots=True)
class Flush:
    """Files that a writer has closed and nobody has committed: whole units of one run.

    files   table name -> paths; every row belongs to one of `units`
    """

    flush_id: str
    run_id: str
    units: tuple[str, ...]
    files: Mapping[str, tuple[str, ...]]


def write_files(location: str, table: Table, rows: pl.LazyFrame | pl.DataFrame, name: str) -> list[str]:
    """Write rows as ZSTD Parquet, one file per partition, named after `name`; nothing is committed.

    Returns the paths. Raises PermanentError when the storage does not take them (a full disk); a partial file is an
    orphan, never a row.
    """
    written: list[str] = []
    try:
        rows.lazy().select(pl.col(column).cast(dtype) for column, dtype in table.polars_schema.items()).sink_parquet(
            _target(f"{location}/data", table, rows, name),
            compression="zstd",
            compression_level=1,  # files as small as at the default 3, in four fifths of the time
            row_group_size=_ROW_GROUP,
            mkdir=True,
            sinked_paths_callback=lambda args: written.extend(sunk.path for sunk in args.paths),
        )
    except (OSError, pl.exceptions.ComputeError) as error:
        # Where a full disk cuts off the last bytes, Polars says no more than "transport error".
        told = f"writing {table.name} under {location}: {error}; make room or mend the storage, then resume"
        raise PermanentError(told) from error
    return written


def _target(folder: str, table: Table, rows: pl.LazyFrame | pl.DataFrame, name: str) -> str | pl.PartitionBy:
    """Name one file for rows seen to be of one partition: cutting copies all of them."""
    if isinstance(rows, pl.DataFrame) and all(rows[column].n_unique() == 1 for column in table.partition):
        return f"{folder}/{name}-{uuid.uuid4().hex}.parquet"
    return pl.PartitionBy(
        folder,
        key=list(table.partition),
        include_key=True,
        approximate_bytes_per_file=None,  # who writes says how much; estimating it costs as much as writing
        file_path_provider=lambda args: f"{name}-{args.index_in_partition}-{uuid.uuid4().hex}.parquet",
    )
