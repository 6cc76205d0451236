"""Where bills lie: files and folders of this machine, and object stores behind one library (S3, GCS, Azure Blob)."""

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pyarrow import fs

from contracts.errors import BillError

State = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """A file that a path means: its path or URL, its bytes and when it was written (ns since 1970).

    `refused` says why it is not read at all; `listed` that it lay in a folder and was not named itself.
    """

    path: str
    size: int = 0
    modified: int = 0
    refused: str | None = None
    listed: bool = True


def find(path: str) -> list[Found]:
    """Return the files that a path, a glob or an object-store URL means; what is not there is refused by name.

    Listings have no end but the last object. A link that leads out of its folder is refused, for a folder is what may
    be read. Credentials come from the environment, the endpoint of S3 from AWS_ENDPOINT_URL.
    """
    if is_remote(path):
        return _remote(path)
    if Path(path).is_file():
        return [_local(Path(path), listed=False)]
    roots = [path] if Path(path).is_dir() else sorted(glob.glob(path, recursive=True))  # noqa: PTH207  takes absolute ones
    found = [file for root in roots for file in (_folder(root) if Path(root).is_dir() else [_local(Path(root))])]
    return found or [Found(path, refused="nothing there" if roots else "no such file or folder", listed=False)]


def state(path: str) -> State | None:
    """Return what tells a file from what it was before; None when it is not there."""
    try:
        if is_remote(path):
            filesystem, key = _opened(path)
            info = filesystem.get_file_info(key)
            return (info.size or 0, info.mtime_ns or 0, 0) if info.type == fs.FileType.File else None
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


@contextmanager
def at_hand(path: str, folder: Path) -> Iterator[str]:
    """Give a local path under which the file can be read; a remote object is fetched to `folder` and then deleted.

    Raises BillError when it cannot be fetched.
    """
    if not is_remote(path):
        yield str(Path(path).absolute())
        return
    local = folder / "object"
    try:
        filesystem, key = _opened(path)
        with filesystem.open_input_stream(key) as remote, local.open("wb") as file:
            shutil.copyfileobj(remote, file, 1 << 22)
        yield str(local)
    except OSError as error:
        raise BillError(path, f"cannot be fetched: {_told(error)}") from error
    finally:
        local.unlink(missing_ok=True)


def is_remote(path: str) -> bool:
    """Say whether a path is a URL."""
    return "://" in path


def _remote(url: str) -> list[Found]:
    parts = urlsplit(url)
    if parts.password:
        told = f"{parts.scheme}://{parts.hostname}{parts.path}"
        return [Found(told, refused="a URL with a password in it: credentials come from elsewhere", listed=False)]
    if not parts.netloc:
        return [Found(url, refused="a URL without a bucket", listed=False)]
    try:
        filesystem, root = _opened(url)
        info = filesystem.get_file_info(root)
        if info.type == fs.FileType.File:
            return [Found(url, info.size or 0, info.mtime_ns or 0, listed=False)]
        every = filesystem.get_file_info(fs.FileSelector(root, recursive=True, allow_not_found=True))
    except (OSError, ValueError) as error:
        return [Found(url, refused=f"cannot be listed: {_told(error)}", listed=False)]
    address, mark, query = url.partition("?")
    place = address.removesuffix("/").removesuffix(root.rstrip("/").partition("/")[2]).removesuffix("/")
    bucket = root.partition("/")[0]
    files = [each for each in every if each.type == fs.FileType.File]
    return [
        Found(f"{place}{each.path.removeprefix(bucket)}{mark}{query}", each.size or 0, each.mtime_ns or 0)
        for each in files
    ] or [Found(url, refused="nothing there", listed=False)]


def _opened(url: str) -> tuple[fs.FileSystem, str]:
    """Open the object store of a URL; what Google Cloud would try for a quarter of an hour fails in one minute."""
    limited = url.startswith("gs://") and "retry_limit_seconds" not in url
    opened: tuple[fs.FileSystem, str] = fs.FileSystem.from_uri(
        f"{url}{'&' if '?' in url else '?'}retry_limit_seconds=60" if limited else url
    )
    return opened


def _folder(root: str) -> Iterator[Found]:
    inside = Path(root).resolve()
    for folder, names, files in os.walk(root, followlinks=False):
        links = [name for name in names if Path(folder, name).is_symlink()]
        for path in sorted(Path(folder, name) for name in [*files, *links]):
            if path.is_symlink() and not path.resolve().is_relative_to(inside):
                yield Found(str(path), refused="a link out of the folder that was named")
            elif path.is_file():
                yield _local(path)


def _local(path: Path, *, listed: bool = True) -> Found:
    status = path.stat()
    return Found(str(path), status.st_size, status.st_mtime_ns, listed=listed)


def _told(error: Exception) -> str:
    """Shorten a library's message to its first line."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
