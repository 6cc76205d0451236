"""Which files a path means: a file, a folder or a glob; and which of those are no bills."""

import glob
import os
from dataclasses import dataclass
from pathlib import Path

BILLS = (
    ".csv",
    ".csv.gz",
    ".gz",
    ".json",
    ".jsonl",
    ".ndjson",
    ".parquet",
)  # what deliveries call their parts; what is inside decides how it is read


@dataclass(frozen=True, slots=True)
class Source:
    """A file that a path means; `refused` says why it is not read."""

    path: str
    refused: str | None = None


def expand(paths: list[str]) -> list[Source]:
    """Return the files that the paths mean, sorted, each once however often it is meant.

    Of a folder and a glob, what a delivery holds beside its parts (manifests, table definitions, empty objects, folder
    markers) is refused by name. A file that is named itself is only refused when it is empty or not there.
    """
    found: dict[str, Source] = {}
    for path in paths:
        for source in _named(path) if Path(path).is_file() else _inside(path):
            found.setdefault(os.path.realpath(source.path), source)
    return sorted(found.values(), key=lambda source: source.path)


def _named(path: str) -> list[Source]:
    return [Source(path, None if Path(path).stat().st_size else "the file is empty")]


def _inside(path: str) -> list[Source]:
    if "://" in path:
        return [Source(path, "object stores are not read yet: copy the files into a local folder")]
    matches = [path] if Path(path).is_dir() else glob.glob(path, recursive=True)  # noqa: PTH207  takes absolute ones
    roots = [Path(match) for match in matches]
    files = [file for root in roots for file in (root.rglob("*") if root.is_dir() else [root]) if file.is_file()]
    if not files:
        return [Source(path, "nothing there" if Path(path).is_dir() else "no such file or folder")]
    return [Source(str(file), _refusal(file)) for file in files]


def _refusal(file: Path) -> str | None:
    if file.stat().st_size == 0:
        return "the file is empty"
    name = file.name.lower()
    if not name.endswith(BILLS) or ("manifest" in name and name.endswith(".json")):
        return "not a part of a bill by its name"
    return None
