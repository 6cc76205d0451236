"""What is served: a tenant's releases and, in a bounded cache, the rows of the recent ones."""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import polars as pl

from api.problems import Problem
from catalog.releases import Release
from catalog.warehouse import Warehouse, history
from contracts.errors import ContractError
from contracts.tables import RELEASES, Table

FRAMES = 24  # a handful of tenants with all their lists open
FRAME_BYTES = 1 << 30
_TENANTS = 256
_LOADS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class View:
    """Rows of a release as they are served: the tables they are made from, and how."""

    name: str
    tables: tuple[Table, ...]
    load: Callable[[Warehouse, Release], pl.DataFrame]


class Released:
    """Releases never change, so their rows may be kept; the least recently used go first."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._loader = ThreadPoolExecutor(_LOADS_AT_ONCE, "finops-load")
        self._frames: OrderedDict[tuple[str, str, str], Future[pl.DataFrame]] = OrderedDict()
        self._lock = Lock()
        self._releases = lru_cache(maxsize=_TENANTS)(self._read_releases)

    def release(self, tenant_id: str, name: str | None = None) -> Release:
        """Return a release of a tenant, by default the latest. Raises Problem when there is none or it is unknown."""
        known = self._releases(tenant_id, self._warehouse.snapshot_id(RELEASES))
        if not known:
            raise Problem("no_release", "No run of this tenant has been published yet.")
        found = list(known.values())[-1] if name is None else known.get(name)
        if found is None:
            raise _gone()
        return found

    def rows(self, view: View, release: Release) -> pl.DataFrame:
        """Return the rows of a view; requests at once load them once. Raises Problem when the release has expired."""
        key = (release.tenant_id, release.release, view.name)
        with self._lock:
            frame = self._frames.get(key)
            if frame is None or _failed(frame):
                frame = self._frames[key] = self._loader.submit(self._load, view, release)
            self._frames.move_to_end(key)
            self._evict()
        return frame.result()

    def _evict(self) -> None:
        """Drop the frames that stand behind FRAMES newer ones or behind FRAME_BYTES of them, never the newest."""
        number, size = 0, 0.0
        for key, frame in reversed(list(self._frames.items())):
            if number and (number >= FRAMES or size > FRAME_BYTES):
                del self._frames[key]
                continue
            number += 1
            size += frame.result().estimated_size() if frame.done() and not _failed(frame) else 0

    def _load(self, view: View, release: Release) -> pl.DataFrame:
        for table in view.tables:
            at = release.snapshots.get(table.name)
            if at is not None and at not in {each.snapshot_id for each in history(self._warehouse.load(table))}:
                raise _gone()
        frame = view.load(self._warehouse, release).rechunk()
        if set(frame["tenant_id"].unique()) - {release.tenant_id}:
            raise ContractError("tenant_id", f"{view.name}: rows of another tenant")
        return frame

    def _read_releases(self, tenant_id: str, at: int | None) -> dict[str, Release]:
        rows = self._warehouse.scan(RELEASES, tenant_id, snapshot_id=at).sort("sequence").collect()
        return {row["release"]: Release(**row) for row in rows.to_dicts()}


def _failed(frame: Future[pl.DataFrame]) -> bool:
    return frame.done() and frame.exception() is not None


def _gone() -> Problem:
    return Problem("release_gone", "Its snapshots have expired; begin again without the cursor.")
