"""A writer: holds sealed rows per unit until there are enough of them for files of a sensible size."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from catalog.files import Flush, write_files
from contracts.tables import TABLES
from engine.scan import Scanned


@dataclass(frozen=True, slots=True)
class Limits:
    """When a writer closes its files: enough rows, bytes in memory, units or seconds since the first; the first counts.

    Rows and bytes make files of a sensible size; units and seconds are what a kill may cost. Units are not exceeded
    while chunks are of one size: files are closed when another like the last would be too many.
    """

    rows: int = 1_000_000
    bytes: int = 768 * 2**20  # about 128 MB as ZSTD Parquet
    units: int = 1_000_000  # a run says how many are a small part of it
    seconds: float = 60.0


@dataclass(slots=True)
class Writer:
    """Buffers of one run. It decides nothing and commits nothing; a unit it has seen once it takes no second time."""

    run_id: str
    locations: Mapping[str, str]
    limits: Limits = Limits()
    _held: list[Scanned] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _closed: list[Flush] = field(default_factory=list)
    _since: float = 0.0
    _rows: int = 0
    _bytes: int = 0
    _units: int = 0

    def add(self, scanned: Scanned) -> None:
        """Take the rows of units; a repetition by a task that was tried again is left out."""
        fresh = [unit for unit in scanned.units if unit not in self._seen]
        if not fresh:
            return
        taken = scanned if len(fresh) == len(scanned.units) else only(scanned, fresh)
        self._since = self._since if self._held else time.monotonic()
        self._held.append(taken)
        self._seen.update(fresh)  # now only: what memory did not suffice for may come again
        self._rows += sum(frame.height for frame in self._held[-1].tables.values())
        self._bytes += sum(int(frame.estimated_size()) for frame in self._held[-1].tables.values())
        self._units += len(fresh)
        limits = self.limits
        more = self._units + len(fresh)
        if self._rows >= limits.rows or self._bytes >= limits.bytes or more > limits.units:
            self._close()

    def drain(self, *, everything: bool) -> list[Flush]:
        """Hand over the files closed so far, to be committed; with `everything`, close what is held first."""
        if self._held and (everything or time.monotonic() - self._since >= self.limits.seconds):
            self._close()
        closed, self._closed = self._closed, []
        return closed

    def _close(self) -> None:
        flush_id = f"{self.run_id}-{uuid.uuid4().hex}"
        files = {name: self._write(name, flush_id) for name in self.locations}
        units = tuple(sorted(unit for each in self._held for unit in each.units))
        self._closed.append(Flush(flush_id, self.run_id, units, files))
        self._held, self._rows, self._bytes, self._units = [], 0, 0, 0

    def _write(self, name: str, flush_id: str) -> tuple[str, ...]:
        rows = pl.concat(each.tables[name] for each in self._held)
        if rows.is_empty():
            return ()
        table = TABLES[name]
        # Sorted here and not in the stream, which takes four times the CPU for rows that are in memory anyway.
        return tuple(write_files(self.locations[name], table, rows.sort(table.order), flush_id))


def only(scanned: Scanned, units: list[str]) -> Scanned:
    """Return the part of a chunk that belongs to some of its units."""
    kept = {name: frame.filter(pl.col("unit_id").is_in(units)) for name, frame in scanned.tables.items()}
    return Scanned(tuple(sorted(units)), kept)
