"""Parquet files made elsewhere become a table's: they are moved under its location and take the place of rows there."""

import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from pyarrow import fs

from catalog.storage import is_local
from catalog.warehouse import Warehouse
from contracts.errors import PermanentError
from contracts.tables import Table


def replace_by_files(
    warehouse: Warehouse, table: Table, files: Sequence[Path], tenant_id: str, *, where: Mapping[str, str | None]
) -> int:
    """Replace one tenant's rows that have the values of `where` by those of local files, in one atomic commit.

    Every file holds rows of one partition that belong there, in the table's columns; it is moved and never held in
    memory. Returns the snapshot id. Raises PermanentError when the storage does not take a file (a full disk).
    """
    location, name = warehouse.location(table), uuid.uuid4().hex
    paths = [_placed(location, file, f"{name}-{place}") for place, file in enumerate(files)]
    return warehouse.swap(table, paths, tenant_id, partition=where)


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
