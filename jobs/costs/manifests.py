"""Which of the files that were found are the current delivery: what its manifest lists, else the newest of a period.

Legacy   `<prefix>/<report>/20261001-20261101/<report>-Manifest.json` lists `reportKeys`, keys from the bucket's root;
         the same manifest lies in the folder of its assembly (`assemblyId`), where older ones stay
Exports  `<prefix>/<export>/metadata/BILLING_PERIOD=2026-10/<export>-Manifest.json` lists `dataFiles`, as URLs; below
         it are folders of executions (`executionId`) where every delivery is kept
Docs     https://docs.aws.amazon.com/cur/latest/userguide/access-cur-s3.html
"""

import json
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from contracts.errors import BillError
from jobs.costs.sources import Found, at_hand, find

BILLS = (".csv", ".csv.gz", ".gz", ".json", ".jsonl", ".ndjson", ".parquet")  # what inside decides how it is read
MANIFEST_LIMIT = 1 << 25  # bytes; a key takes 200, a delivery has hundreds of parts
BATCH = 4 * 3600 * 10**9  # ns; the parts of a delivery are written together, and AWS delivers at most three times a day
# The period in a path, as deliveries spell it: BILLING_PERIOD=2026-09, year=2026/month=9, 20260901-20261001.
_PERIOD = re.compile(
    r"BILLING_PERIOD=(\d{4})-(\d\d)|year=(\d{4})/month=(\d{1,2})|(?<![^/])(\d{4})(\d\d)01-\d{8}(?![^/])"
)
_DATED = re.compile(r"([A-Za-z_]+=)?\d[\d-]*")  # a folder that is a date, or a part of one
# A folder that is one delivery of several: 20261003T080000Z, 2026-10-03T08:00:00.000Z-…, or a UUID.
_EXECUTION = re.compile(r"\d{8}T\d{6}|\d{4}-\d\d-\d\dT|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """A file of a delivery.

    refused   why it is not read
    period    the billing period it belongs to (2026-10) where path or manifest says so
    expected  a delivery has it: its period is partial without it
    export    tells the files of one export from those of another
    size      bytes
    """

    path: str
    refused: str | None = None
    period: str | None = None
    expected: bool = True
    export: str = ""
    size: int = 0


@dataclass(slots=True)
class Delivered:
    """The files that paths mean, each once and sorted, and what to tell people about how they were chosen."""

    sources: list[Source] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Manifest:
    """A manifest: where it lies, the folder of its period, the name of its report, and the keys of its parts."""

    file: Found
    home: str
    name: str
    period: str | None
    keys: tuple[str, ...]

    @property
    def order(self) -> tuple[bool, int, str]:
        """Sort the one that counts first: in the period's folder, else the newest."""
        return PurePosixPath(self.file.path).parent != PurePosixPath(self.home), -self.file.modified, self.file.path


def delivered(paths: Sequence[str]) -> Delivered:
    """Return what is to be read of files, folders, globs and URLs, and what is not, with the reason.

    A file that is named itself is read whatever lies beside it. Nothing outside of the paths is: a manifest that lists
    such a file is told.
    """
    made = Delivered()
    seen: set[str] = set()
    for path in paths:
        found = list({_identity(each.path): each for each in find(path) if _identity(each.path) not in seen}.values())
        seen.update(_identity(each.path) for each in found)
        made.sources += [_named(each) for each in found if not each.listed]
        _choose([each for each in found if each.listed], made)
    made.sources.sort(key=lambda source: source.path)
    return made


def period_of(path: str) -> str | None:
    """Return the billing period that a path spells, as 2026-10."""
    match = _PERIOD.search(path)
    if match is None:
        return None
    year, month = (int(part) for part in match.groups() if part)
    return f"{year:04}-{month:02}"


def _identity(path: str) -> str:
    return path if "://" in path else str(Path(path).resolve())


def _named(file: Found) -> Source:
    empty = None if file.size else "the file is empty"
    return Source(file.path, file.refused or empty, period_of(file.path), export=_export(file.path), size=file.size)


def _choose(files: Sequence[Found], made: Delivered) -> None:
    """Add what is current among the files of a folder."""
    index = {_text(file.path): file for file in files if file.refused is None}
    manifests = list(_current(_manifests(index.values(), made.warnings), made.warnings))
    folders = {_url(parent) for path in index for parent in PurePosixPath(path).parents}
    claimed: dict[str, Source] = {}
    taken: dict[str, _Manifest] = {}
    for manifest in manifests:
        taken.setdefault(manifest.home, manifest)
        for key in manifest.keys:
            place = _found(key, manifest, index)
            path = index[place].path if place else None
            claimed[path or key] = _part(index[place] if place else None, key, manifest)
            folder = place or _found(str(PurePosixPath(key).parent), manifest, folders)
            taken.setdefault(_territory(folder), manifest)
    read = {manifest.file.path for manifest in manifests}
    rest = [file for file in files if file.path not in claimed and file.path not in read]
    plain = [file for file in rest if _refusal(file) is None]
    stale = {
        file.path: owner for file in plain for folder, owner in taken.items() if file.path.startswith(f"{folder}/")
    }
    made.sources += claimed.values()
    made.sources += [Source(file.path, _refusal(file), expected=False) for file in rest if _refusal(file)]
    made.sources += [
        Source(path, f"not in the manifest {owner.file.path}: an earlier delivery's", expected=False)
        for path, owner in stale.items()
    ]
    _newest([file for file in plain if file.path not in stale], made)


def _refusal(file: Found) -> str | None:
    if file.refused:
        return file.refused
    if file.size == 0:
        return "the file is empty"
    name = PurePosixPath(_text(file.path)).name.lower()
    return None if name.endswith(BILLS) and not _is_manifest(name) else "not a part of a bill by its name"


def _is_manifest(name: str) -> bool:
    return "manifest" in name and name.endswith(".json")


def _manifests(files: Iterable[Found], warnings: list[str]) -> Iterator[_Manifest]:
    for file in files:
        if not _is_manifest(PurePosixPath(_text(file.path)).name.lower()):
            continue
        try:
            parsed = _parsed(file)
        except (BillError, OSError, ValueError) as error:
            warnings.append(f"{file.path}: a manifest that cannot be read ({error}): it is not followed")
            continue
        keys = parsed.get("reportKeys") or parsed.get("dataFiles") if isinstance(parsed, dict) else None
        if isinstance(keys, list) and all(isinstance(key, str) for key in keys):
            yield _manifest(file, parsed, tuple(keys))


def _parsed(file: Found) -> Any:
    if file.size > MANIFEST_LIMIT:
        raise ValueError(f"{file.size} bytes")
    with TemporaryDirectory(prefix="manifest-") as folder, at_hand(file.path, Path(folder)) as local:
        return json.loads(Path(local).read_bytes())


def _manifest(file: Found, parsed: dict[str, Any], keys: tuple[str, ...]) -> _Manifest:
    folder = PurePosixPath(_text(file.path)).parent
    execution = str(parsed.get("assemblyId") or parsed.get("executionId") or "")
    home = folder.parent if folder.name == execution or _EXECUTION.match(folder.name) else folder
    name = str(parsed.get("reportName") or parsed.get("exportName") or PurePosixPath(_text(file.path)).name)
    start = parsed.get("billingPeriod")
    begin = str(start.get("start", "")) if isinstance(start, dict) else ""
    month = re.match(r"(\d{4})-?(\d\d)", begin)
    return _Manifest(file, _url(home), name, f"{month[1]}-{month[2]}" if month else period_of(file.path), keys)


def _current(manifests: Iterable[_Manifest], warnings: list[str]) -> Iterator[_Manifest]:
    """Keep one manifest of every report and period."""
    by_home = sorted(manifests, key=lambda each: (each.home, each.name, each.order))
    for _, group in groupby(by_home, key=lambda each: (each.home, each.name)):
        first, *others = group
        if others and first.order[0]:
            warnings.append(
                f"{first.home}: no manifest of the period, only of its deliveries: {first.file.path} is the newest"
            )
        yield first


def _part(file: Found | None, key: str, manifest: _Manifest) -> Source:
    if ".." in PurePosixPath(key).parts:
        return Source(key, f"the manifest {manifest.file.path} leads out of the folder that was named", manifest.period)
    if file is None:
        reason = f"the manifest {manifest.file.path} lists it, and it is not in what was named"
        return Source(key, reason, manifest.period)
    empty = None if file.size else "the file is empty"
    export = f"{_export(file.path)}#{manifest.name}"
    return Source(file.path, empty, manifest.period or period_of(file.path), export=export, size=file.size)


def _found(key: str, manifest: _Manifest, index: Container[str]) -> str | None:
    """Find a key of a bucket in a listing, which may be a copy of the bucket or of a folder of it."""
    parts = PurePosixPath(key.partition("://")[2] or key).parts
    if ".." in parts:
        return None
    own, *above = [_url(each) for each in PurePosixPath(_text(manifest.file.path)).parents]
    for start in range(len(parts)):
        tail = "/".join(parts[start:])
        # A bare name is a part only beside its manifest: elsewhere another delivery has a part of the same name.
        for folder in [own, *above] if start < len(parts) - 1 else [own]:
            if (path := f"{folder.rstrip('/')}/{tail}") in index:
                return path
    return None


def _territory(path: str | None) -> str:
    """Return the folder in which a manifest decides: that of the period, else that of the part."""
    if path is None:
        return "\0"  # nowhere
    period = _PERIOD.search(path)
    if period:
        end = path.find("/", period.end())
        return path[: period.end()] if end < 0 or path[end - 1] == "/" else path[:end]
    return _url(PurePosixPath(_text(path)).parent)


def _newest(files: Sequence[Found], made: Delivered) -> None:
    """Add the newest delivery of every folder that is a period's and has no manifest, and all of other folders."""
    by_period = sorted(files, key=lambda file: (_territory(file.path) if period_of(file.path) else "", file.path))
    for folder, group in groupby(by_period, key=lambda file: _territory(file.path) if period_of(file.path) else ""):
        members = list(group)
        newest = max(members, key=lambda file: file.modified)
        current = [file for file in members if not folder or _same_delivery(file, newest)]
        if folder:
            made.warnings.append(
                f"{folder}: no manifest; its newest files are taken for the delivery: {len(current)} of {len(members)}"
            )
        for file in members:
            late = None if file in current else f"older than the newest delivery in {folder}, which has no manifest"
            made.sources.append(
                Source(
                    file.path,
                    late,
                    period_of(file.path),
                    expected=late is None,
                    export=_export(file.path),
                    size=file.size,
                )
            )


def _same_delivery(file: Found, newest: Found) -> bool:
    execution = _execution(file.path) == _execution(newest.path)
    return execution and newest.modified - file.modified <= BATCH


def _execution(path: str) -> str | None:
    return next((part for part in PurePosixPath(_text(path)).parent.parts if _EXECUTION.match(part)), None)


def _export(path: str) -> str:
    """Return the folders of a path up to the first that is a date or a delivery: one export has them in common."""
    kept: list[str] = []
    for part in PurePosixPath(_text(path)).parent.parts:
        if _DATED.fullmatch(part) or _EXECUTION.match(part):
            break
        kept.append(part)
    return _url(PurePosixPath(*kept))


def _text(path: str) -> str:
    """Leave the options of a URL out."""
    return path.partition("?")[0] if "://" in path else path


def _url(path: PurePosixPath) -> str:
    """Give a URL the second slash back that a path does not keep."""
    return re.sub(r"^([a-z0-9+]+):/(?!/)", r"\1://", str(path))
