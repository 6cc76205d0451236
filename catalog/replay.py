"""The tables as they were before a change, in a catalog of its own, so that the change can be made again beside it."""

from collections.abc import Mapping
from itertools import dropwhile
from pathlib import Path

from pyiceberg.expressions import EqualTo, Reference

from catalog.changes import add_files
from catalog.warehouse import COMMIT, TENANT, Warehouse, lineage, properties
from contracts.errors import PermanentError
from contracts.tables import Table


def replica(warehouse: Warehouse, tenant_id: str, snapshots: Mapping[Table, int | None], folder: Path) -> Warehouse:
    """Open a catalog in an empty folder whose tables hold a tenant's rows as of some snapshots (None: no rows).

    Its tables refer to the same data files, which nobody changes; what is written to it stays in the folder.
    """
    copy = Warehouse.open(f"sqlite:///{folder}/catalog.db", str(folder / "warehouse"))
    mine = EqualTo(Reference("tenant_id"), tenant_id)  # type: ignore[call-arg, arg-type]  # its pydantic signature hides its own
    for table, at in snapshots.items():
        if at is not None:
            planned = warehouse.load(table).scan(mine, snapshot_id=at).plan_files()
            add_files(copy.load(table), sorted(task.file.file_path for task in planned), {})
    return copy


def before(warehouse: Warehouse, table: Table, tenant_id: str, snapshot_id: int | None) -> int | None:
    """Return the snapshot on which a tenant's newest commit up to `snapshot_id` was made; None for an empty table.

    Raises PermanentError when maintenance has expired it.
    """
    if snapshot_id is None:
        return None
    line = lineage(warehouse.load(table), snapshot_id)
    theirs = list(dropwhile(lambda snapshot: properties(snapshot).get(TENANT) != tenant_id, line))
    older = list(dropwhile(lambda snapshot: properties(snapshot).get(COMMIT) == properties(theirs[0])[COMMIT], theirs))
    if older:
        return older[0].snapshot_id
    if not line or (line[-1].sequence_number or 0) > 1:  # a table's first snapshot has the number 1
        raise PermanentError(f"{table.name}: what it held before the run has expired, so it cannot be made again")
    return None
