"""The Iceberg tables: open, create, evolve, scan, write files, and commit them in one snapshot."""

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl
import pyarrow as pa
import stamina
from pyiceberg.exceptions import CommitFailedException, NamespaceAlreadyExistsError, TableAlreadyExistsError
from pyiceberg.expressions import And, BooleanExpression, EqualTo, IsNull, Reference
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import Snapshot
from sqlalchemy import make_url
from sqlalchemy.exc import IntegrityError, ProgrammingError

from catalog.changes import Catalog, add_files, catalog_errors
from catalog.creating import create
from catalog.files import write_files
from contracts.errors import TransientError
from contracts.tables import TABLES, Table

Rows = pl.LazyFrame | pl.DataFrame
NAMESPACE = "finops"
LOCK_TIMEOUT_SECONDS = 10  # how long one statement waits for a lock before the commit loop tries again
IDLE_SECONDS = 20  # PostgreSQL ends a transaction whose process sleeps or is cut off; the lock it holds goes with it
COMMIT_ATTEMPTS = 30
LONGEST_PAUSE_SECONDS = 2.0  # between two attempts
COMMIT_SECONDS = 40.0  # the last attempt may wait for the lock once more: the clear error comes within a minute
_FORMAT = {"format-version": "2"}  # of a table when it is made; not one of its properties afterwards
_PROPERTIES = {
    "write.parquet.compression-codec": "zstd",
    # pyiceberg's own retry re-applies an append blindly and duplicates rows; our loop looks before every attempt.
    "commit.retry.num-retries": "0",
    "commit.manifest-merge.enabled": "true",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
    "write.metadata.metrics.default": "none",
}
TENANT, COMMIT = "finops.tenant", "finops.commit"  # what a commit says of itself
_INPUTS, _PARTITION = "finops.inputs", "finops.partition"

retry_commit = stamina.retry(
    on=TransientError, attempts=COMMIT_ATTEMPTS, timeout=COMMIT_SECONDS, wait_max=LONGEST_PAUSE_SECONDS
)
_retry_open = stamina.retry(
    on=TransientError, attempts=COMMIT_ATTEMPTS, timeout=2.0 * LOCK_TIMEOUT_SECONDS, wait_max=1.0
)
# What creating a table or namespace raises when another process creates it at the same moment.
_CREATED_BY_ANOTHER = (
    CommitFailedException, IntegrityError, NamespaceAlreadyExistsError, ProgrammingError, TableAlreadyExistsError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Files:
    """Rows as the local Parquet files they lie in, for engines that read those themselves.

    Older files may lack columns of `schema`; they are null.
    """

    paths: tuple[str, ...]
    schema: pa.Schema


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A catalog and its tables. Pickled it is only its address, and opened anew, once per process."""

    catalog: Catalog
    uri: str

    @staticmethod
    def open(uri: str, location: str) -> "Warehouse":
        """Open the catalog at a SQLAlchemy `uri`; create what is missing, add the columns older tables lack.

        `location` is a local folder or an object-store URL under which data and metadata files lie.
        """
        uri = _patient(uri)

        @_retry_open
        def attempt() -> Warehouse:
            try:
                with catalog_errors("opening the catalog"):
                    warehouse = Warehouse(Catalog(NAMESPACE, uri=uri, warehouse=location, pool_pre_ping="true"), uri)
                    warehouse._create_missing()
            except _CREATED_BY_ANOTHER as error:
                raise TransientError(f"opening the catalog: {error}") from error
            return warehouse

        return attempt()

    def __reduce__(self) -> tuple[Callable[[str, str], "Warehouse"], tuple[str, str]]:
        return _reopened, (self.uri, self.catalog.properties["warehouse"])

    def load(self, table: Table) -> IcebergTable:
        """Read the table's current metadata. Raises TransientError when the catalog's database is locked or away."""
        with catalog_errors(f"reading {table.name}"):
            return self.catalog.load_table(f"{NAMESPACE}.{table.name}")

    def snapshot_id(self, table: Table) -> int | None:
        """Return the current snapshot; None while the table is empty."""
        snapshot = self.load(table).current_snapshot()
        return snapshot.snapshot_id if snapshot else None

    def scan(self, table: Table, tenant_id: str, *, snapshot_id: int | None = None) -> pl.LazyFrame:
        """Return one tenant's rows with all columns of the contract; columns older files lack are null."""
        iceberg = self.load(table)
        schema = table.polars_schema
        if iceberg.current_snapshot() is None:
            return pl.LazyFrame(schema=schema)
        rows = pl.scan_iceberg(iceberg, snapshot_id=snapshot_id)
        older = rows.collect_schema()
        # A struct that has grown since is cast: what an older snapshot's lacks is null.
        brought_up = {
            name: pl.col(name).cast(dtype) if name in older else pl.lit(None, dtype=dtype)
            for name, dtype in schema.items()
            if older.get(name) != dtype
        }
        return rows.filter(pl.col("tenant_id") == tenant_id).with_columns(**brought_up).select(schema.names())

    def source(self, table: Table, tenant_id: str) -> Files | pl.LazyFrame:
        """Return one tenant's rows of every partition as files where they are local, as `scan` does elsewhere.

        A file has the rows of one tenant, for every table is partitioned by it, and all its rows count, for a
        replacement rewrites files and never marks rows as deleted.
        """
        planned = list(self.load(table).scan(row_filter=_equals("tenant_id", tenant_id)).plan_files())
        paths = tuple(sorted(task.file.file_path for task in planned))
        if not paths or any(map(_is_remote, paths)) or any(task.delete_files for task in planned):
            return self.scan(table, tenant_id)
        return Files(paths, table.schema)

    def location(self, table: Table) -> str:
        """Return where the table's files lie; all a writer needs to know of the catalog."""
        return self.load(table).location()

    def append(self, table: Table, rows: pl.DataFrame, tenant_id: str) -> int:
        """Append one tenant's rows in one commit; returns the snapshot id."""
        return self._commit(table, self.write(table, rows), {TENANT: tenant_id}, replaced=None)

    def replace(
        self,
        table: Table,
        rows: Rows,
        tenant_id: str,
        *,
        partition: Mapping[str, str | date | None] | None = None,
        inputs: Mapping[str, str] | None = None,
    ) -> int:
        """Replace one tenant's rows (in one partition, or all of them) in one atomic commit; returns the snapshot id.

        `rows` must belong to that tenant and partition. `inputs` says what they were made from (`is_current`).
        """
        return self.swap(table, self.write(table, rows), tenant_id, partition=partition, inputs=inputs)

    def write(self, table: Table, rows: Rows) -> list[str]:
        """Write rows into files of the table and commit nothing; returns the paths, for `swap`."""
        return write_files(self.location(table), table, rows, uuid.uuid4().hex)

    def swap(
        self,
        table: Table,
        paths: Sequence[str],
        tenant_id: str,
        *,
        partition: Mapping[str, str | date | None] | None = None,
        inputs: Mapping[str, str] | None = None,
    ) -> int:
        """Do as `replace` does, with rows that `write` has written already, here or in other processes."""
        where = _equals("tenant_id", tenant_id)
        for column, value in (partition or {}).items():
            where = And(where, _equals(column, value))
        return self._commit(table, paths, _provenance(tenant_id, partition, inputs), replaced=where)

    def is_current(
        self,
        table: Table,
        tenant_id: str,
        inputs: Mapping[str, str],
        *,
        partition: Mapping[str, str | date | None] | None = None,
    ) -> bool:
        """Say whether the newest commit of this tenant and partition was made from exactly these inputs.

        Where that commit has expired nobody knows, and the answer is no.
        """
        wanted = _provenance(tenant_id, partition, inputs)
        for snapshot in lineage(self.load(table)):
            found = properties(snapshot)
            if found.get(TENANT) == tenant_id and found.get(_PARTITION) == wanted[_PARTITION]:
                return found.get(_INPUTS) == wanted[_INPUTS]
        return False

    def _commit(
        self, table: Table, paths: Sequence[str], summary: dict[str, str], *, replaced: BooleanExpression | None
    ) -> int:
        commit_id = uuid.uuid4().hex  # a reply lost after the commit is recognised by it

        @retry_commit
        def attempt() -> int:
            iceberg = self.load(table)
            for snapshot in history(iceberg):
                if properties(snapshot).get(COMMIT) == commit_id:
                    return snapshot.snapshot_id
            return add_files(iceberg, paths, {**summary, COMMIT: commit_id}, replaced=replaced)

        return attempt()

    def _create_missing(self) -> None:
        self.catalog.create_namespace_if_not_exists(NAMESPACE)
        there = {name for _, name in self.catalog.list_tables(NAMESPACE)}
        for table in TABLES.values():
            if table.name in there:
                self._evolve(table)
            else:
                create(self.catalog, f"{NAMESPACE}.{table.name}", table, {**_FORMAT, **_wanted(table)})

    def _evolve(self, table: Table) -> None:
        iceberg = self.load(table)
        if _column_names(table.schema) - set(iceberg.schema().column_names):
            with iceberg.update_schema() as update:
                update.union_by_name(table.schema)
        wanted = _wanted(table)
        if wanted.items() - iceberg.properties.items():
            with iceberg.transaction() as transaction:
                transaction.set_properties(wanted)


@cache
def _reopened(uri: str, location: str) -> Warehouse:
    return Warehouse.open(uri, location)


def history(table: IcebergTable) -> Sequence[Snapshot]:
    """Return the snapshots that are still known, oldest first."""
    return sorted(table.metadata.snapshots, key=lambda snapshot: snapshot.sequence_number or 0)


def lineage(table: IcebergTable, snapshot_id: int | None = None) -> list[Snapshot]:
    """Return a snapshot (the current one unless given) and its ancestors, newest first, as far as none has expired."""
    known = {snapshot.snapshot_id: snapshot for snapshot in table.metadata.snapshots}
    line: list[Snapshot] = []
    snapshot = known.get(snapshot_id) if snapshot_id else table.current_snapshot()
    while snapshot is not None:
        line.append(snapshot)
        snapshot = known.get(snapshot.parent_snapshot_id or 0)
    return line


def has_forgotten(table: IcebergTable) -> bool:
    """Say whether snapshots of the table have expired, and with them what their summaries said."""
    line = lineage(table)
    return bool(line) and (line[-1].sequence_number or 0) > 1  # a table's first snapshot has the number 1


def properties(snapshot: Snapshot) -> Mapping[str, str]:
    """Return what the commit said of itself."""
    return snapshot.summary.additional_properties if snapshot.summary else {}


def _is_remote(path: str) -> bool:
    return "://" in path


def _wanted(table: Table) -> dict[str, str]:
    """Return the properties of a table: bounds of the columns its files are chosen by, whole, and of no others.

    Bounds that are cut off cannot prove that a whole file is to be replaced: it would be read and written anew.
    """
    chosen_by = (*table.partition, *table.order, "payer_account_id")
    return _PROPERTIES | {
        f"write.metadata.metrics.column.{name}": "full" for name in chosen_by if name in table.schema.names
    }


def _column_names(columns: Iterable[pa.Field], parent: str = "") -> set[str]:
    """Return the names of columns and of the fields inside structs, as Iceberg writes them: `actual.cost_7d`."""
    names: set[str] = set()
    for column in columns:
        names.add(f"{parent}{column.name}")
        if pa.types.is_struct(column.type):
            names |= _column_names(column.type, f"{parent}{column.name}.")
    return names


def _patient(uri: str) -> str:
    """Say in a database URI how long to wait for locks, and make the folder of a SQLite file."""
    url = make_url(uri)
    if url.get_backend_name() == "postgresql" and "options" not in url.query:
        options = f"-c lock_timeout={LOCK_TIMEOUT_SECONDS}s -c idle_in_transaction_session_timeout={IDLE_SECONDS}s"
        url = url.update_query_dict({"options": options})
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        url = url.update_query_dict({"timeout": url.query.get("timeout", str(LOCK_TIMEOUT_SECONDS))})
    return url.render_as_string(hide_password=False)


def _equals(column: str, value: str | date | None) -> BooleanExpression:
    reference = Reference(column)
    return IsNull(reference) if value is None else EqualTo(reference, value)  # type: ignore[call-arg, arg-type]  # its pydantic signature hides its own


def _provenance(
    tenant_id: str, partition: Mapping[str, str | date | None] | None, inputs: Mapping[str, str] | None
) -> dict[str, str]:
    return {
        TENANT: tenant_id,
        _PARTITION: json.dumps({key: str(value) for key, value in (partition or {}).items()}, sort_keys=True),
        _INPUTS: json.dumps(dict(inputs or {}), sort_keys=True),
    }
