"""Change a table in one commit: files in, rows out; and name what failed."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.expressions import BooleanExpression
from pyiceberg.table import CommitTableResponse
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.metadata import TableMetadata, TableMetadataV2
from pyiceberg.table.update import TableRequirement, TableUpdate
from pyiceberg.typedef import Identifier
from sqlalchemy import bindparam, select
from sqlalchemy.exc import OperationalError

from contracts.errors import PermanentError, TransientError

# To replace what is not there yet is no mistake; told once, for filters that come and go are all threads'.
warnings.filterwarnings("ignore", message="Delete operation did not match any records")
# Made once: it is asked several times a commit, and to make it takes as long as the answer.
_LOCATION = select(IcebergTables.metadata_location).where(
    IcebergTables.catalog_name == bindparam("catalog"),
    IcebergTables.table_namespace == bindparam("namespace"),
    IcebergTables.table_name == bindparam("table"),
)


def add_files(
    table: IcebergTable,
    paths: Sequence[str],
    summary: dict[str, str],
    *,
    replaced: BooleanExpression | None = None,
) -> int:
    """Commit written files (and drop the rows they replace) as one change of the table; returns the snapshot id.

    Raises as `committing` does.
    """
    with committing(table), table.transaction() as transaction:
        if replaced is not None:
            transaction.delete(replaced, snapshot_properties=summary)
        if paths:
            transaction.add_files(list(paths), snapshot_properties=summary, check_duplicate_files=False)
    snapshot = table.current_snapshot()
    return snapshot.snapshot_id if snapshot else 0


@contextmanager
def committing(table: IcebergTable) -> Iterator[None]:
    """Name what failed while a table is changed; the table then stays as it was.

    Raises TransientError when another commit was first or the catalog's database is locked or away, PermanentError
    when metadata cannot be written (a full disk).
    """
    name = ".".join(table.name())
    try:
        with catalog_errors(f"commit to {name}"):
            yield
    except CommitFailedException as error:
        raise TransientError(f"commit to {name}: {error}") from error
    except OSError as error:
        raise PermanentError(f"commit to {name}: {error}; make room or mend the storage, then resume") from error


@contextmanager
def catalog_errors(doing: str) -> Iterator[None]:
    """Raise TransientError, naming what was being done, when the catalog's database is locked or away."""
    try:
        yield
    except OperationalError as error:
        raise TransientError(f"{doing}: the catalog's database is locked or away: {error.orig}") from error


class Catalog(SqlCatalog):
    """A catalog in a SQL database, whose tables are not copied while they are changed, and are read once per version.

    The database names the file of a table's metadata, and no such file ever changes.
    """

    def __init__(self, name: str, **properties: str) -> None:
        """Open the catalog; nothing is known of its tables yet."""
        super().__init__(name, **properties)
        self._known: dict[Identifier, IcebergTable] = {}

    def load_table(self, identifier: str | Identifier) -> IcebergTable:
        """Return a table with its current metadata, to be changed by the caller."""
        known = self._known.get(self.identifier_to_tuple(identifier))
        if known is None or known.metadata_location != self._location(known.name()):
            read = super().load_table(identifier)
            known = self._remembered(read, read.metadata, read.metadata_location)
        return IcebergTable(known.name(), known.metadata, known.metadata_location, known.io, self)

    def commit_table(
        self, table: IcebergTable, requirements: tuple[TableRequirement, ...], updates: tuple[TableUpdate, ...]
    ) -> CommitTableResponse:
        """Commit updates to a table; what it has become need not be read again."""
        done = super().commit_table(table, requirements, updates)
        self._remembered(table, done.metadata, done.metadata_location)
        return done

    def _remembered(self, table: IcebergTable, metadata: TableMetadata, location: str) -> IcebergTable:
        uncopied = _Uncopied.model_construct(**dict(metadata))
        self._known[table.name()] = IcebergTable(table.name(), uncopied, location, table.io, self)
        return self._known[table.name()]

    def _location(self, identifier: Identifier) -> str | None:
        """Ask the database where a table's current metadata lies."""
        named = {
            "catalog": self.name,
            "namespace": self.namespace_to_string(self.namespace_from(identifier)),
            "table": self.table_name_from(identifier),
        }
        with self.engine.connect() as connection:
            location: str | None = connection.scalar(_LOCATION, named)
        return location


class _Uncopied(TableMetadataV2):
    """A table's metadata, of which a commit makes no deep copies: some twenty, of every snapshot known.

    It changes none of them, and they are three quarters of a commit's time.
    """

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> "_Uncopied":
        """Copy it with other values for some fields; never deeply."""
        del deep
        return super().model_copy(update=update)
