"""Parquet files made elsewhere become a table's: they are moved under its location and take the place of rows there."""

import shutil
import uuid
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path

from pyarrow import fs
from pyiceberg.expressions import And, BooleanExpression, EqualTo, IsNull, Reference

from catalog.storage import is_local
from catalog.warehouse import Warehouse, add_files, history, properties, retry_commit
from contracts.errors import PermanentError
from contracts.tables import Table


def replace_by_files(
    warehouse: Warehouse, table: Table, files: Sequence[Path], tenant_id: str, *, where: Mapping[str, str | None]
) -> int:
    """Replace one tenant's rows that have the values of `where` by those of local files, in one atomic commit.

    Every file holds rows of one partition that belong there, in the table's columns; it is moved and never held in
    memory. Returns the snapshot id. Raises PermanentError when the storage does not take a file (a full disk).
    """
    replaced = reduce(And, [_is(column, value) for column, value in {"tenant_id": tenant_id, **where}.items()])
    commit_id = uuid.uuid4().hex  # a reply lost after the commit is recognised by it
    paths = [_placed(warehouse.location(table), file, f"{commit_id}-{place}") for place, file in enumerate(files)]

    @retry_commit
    def attempt() -> int:
        iceberg = warehouse.load(table)
        for snapshot in history(iceberg):
            if properties(snapshot).get("finops.commit") == commit_id:
                return snapshot.snapshot_id
        summary = {"finops.tenant": tenant_id, "finops.commit": commit_id}
        return add_files(iceberg, paths, summary, replaced=replaced)

    return attempt()


def _placed(location: str, file: Path, name: str) -> str:
    target = f"{location}/data/{name}.parquet"
    try:
        if is_local(location):
            path = Path(target.removeprefix("file://"))
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, path)
        else:
            filesystem, key = fs.FileSystem.from_uri(target)
            fs.copy_files(str(file), key, fs.LocalFileSystem(), filesystem)
    except OSError as error:
        raise PermanentError(f"writing {target}: {error}") from error
    return target


def _is(column: str, value: str | None) -> BooleanExpression:
    reference = Reference(column)
    return IsNull(reference) if value is None else EqualTo(reference, value)  # type: ignore[call-arg, arg-type]
