"""Where bills are read: in this process, and several large files on Ray, one task each."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from contracts.errors import PermanentError
from jobs.costs.ingest import Read, StageAll, read_one
from jobs.costs.reading import Order
from jobs.costs.report import FileReport

# Bytes of bills from which Ray is worth its eight seconds to start: fifteen million lines of Parquet, half a minute.
LARGE_BILLS = 1 << 30
_Carried = tuple[Read, dict[str, bytes]]


def bills_on(address: str, large: int = LARGE_BILLS) -> StageAll:
    """Choose where bills are read: in this process, and several large files on Ray, where it may be used.

    Their paths must be readable on every node. A file whose reader dies is refused like one that cannot be read.
    """

    def stage_all(read: Callable[[Order], Read], orders: Sequence[Order]) -> Iterable[Read]:
        sizes = [order.source.size for order in orders if order.source.refused is None]
        if address == "none" or len(sizes) < 2 or sum(sizes) < large:  # noqa: PLR2004  one file is one task
            return map(read, orders)
        joined = "auto" if "RAY_ADDRESS" in os.environ else address
        carried: Iterator[_Carried | PermanentError] = import_module("engine.cluster").each(_carry, orders, joined)
        return map(_received, carried, orders)

    return stage_all


def _carry(order: Order) -> _Carried:
    """Read a bill into a folder of the node's own; what is in the folder comes along, one file's facts at most."""
    with TemporaryDirectory(prefix="bills-") as folder:
        read = read_one(replace(order, folder=Path(folder, "staged")))
        files = [read.staged.facts, read.staged.quarantine] if read.staged else []
        return read, {file.name: file.read_bytes() for file in files if file}


def _received(carried: _Carried | PermanentError, order: Order) -> Read:
    """Put what a task has staged where the order wants it."""
    if isinstance(carried, PermanentError):
        return Read(FileReport(path=order.source.path, error=str(carried)))
    read, files = carried
    if read.staged is None:
        return Read(read.report)
    order.folder.mkdir()
    for name, content in files.items():
        (order.folder / name).write_bytes(content)
    facts, quarantine = (_there(order.folder / f"{name}.parquet") for name in ("facts", "quarantine"))
    return Read(read.report, replace(read.staged, facts=facts, quarantine=quarantine))


def _there(place: Path) -> Path | None:
    return place if place.exists() else None
