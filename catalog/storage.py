"""The files under a table's location, on a local disk or in an object store: list them, delete one."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG

from pyarrow import fs


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that lies there, whether a table knows it or not; `modified` is UTC."""

    key: str
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class Storage:
    """The place under one root. Nothing outside the root is listed or deleted, and no symbolic link is followed."""

    root: str
    objects: fs.FileSystem | None

    @staticmethod
    def at(location: str) -> "Storage":
        """Open a local folder (a path or a file: URL) or an object-store URL; credentials come from the environment."""
        if is_local(location):
            return Storage(key(location), None)
        filesystem, root = fs.FileSystem.from_uri(location)
        return Storage(root, filesystem)

    def files(self) -> dict[str, StoredFile]:
        """Return every regular file by its `key`."""
        listed = self._local() if self.objects is None else self._remote(self.objects)
        return {each.key: each for each in listed}

    def delete(self, file: StoredFile) -> None:
        """Delete a file that `files` has listed; one that is gone already is fine."""
        if self.objects is None:
            Path(file.key).unlink(missing_ok=True)
        elif self.objects.get_file_info(file.key).type == fs.FileType.File:
            self.objects.delete_file(file.key)

    def _local(self) -> Iterator[StoredFile]:
        for folder, _, names in os.walk(self.root, followlinks=False):
            for path in (Path(folder, name) for name in names):
                try:
                    found = path.lstat()
                except FileNotFoundError:  # a commit has cleaned up after itself meanwhile
                    continue
                if S_ISREG(found.st_mode):
                    yield StoredFile(str(path), found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def _remote(self, filesystem: fs.FileSystem) -> Iterator[StoredFile]:
        for found in filesystem.get_file_info(fs.FileSelector(self.root, recursive=True, allow_not_found=True)):
            if found.type == fs.FileType.File:
                yield StoredFile(found.path, found.size, found.mtime.astimezone(UTC))


def key(path: str) -> str:
    """Return what a path is listed as: an absolute local path, or bucket and key however the scheme is spelt."""
    if is_local(path):
        return str(Path(path.removeprefix("file://")).absolute())
    scheme, _, rest = path.partition("://")
    bucket, slash, name = rest.partition("/")
    if scheme.startswith("abfs"):  # container@account
        bucket = bucket.partition("@")[0]
    return f"{bucket}{slash}{name}"


def is_local(path: str) -> bool:
    """Say whether a place is on a disk of this machine."""
    return "://" not in path or path.startswith("file://")
