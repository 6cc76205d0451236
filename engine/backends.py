"""Which backend a run scans and reads bills on: this process or Ray."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module

from engine.driver import Backend, Job
from engine.inline import InlineBackend
from engine.writer import Limits
from jobs.costs.ingest import Read, StageAll
from jobs.costs.reading import Order

# Bytes of bills from which Ray is worth its eight seconds to start: fifteen million lines of Parquet, half a minute.
LARGE_BILLS = 1 << 30


@contextmanager
def backend_for(address: str, scanning: Job, limits: Limits | None = None) -> Iterator[Backend]:
    """Choose where to scan: `none` is this process, anything else is Ray (a submitted job joins its own cluster).

    Ray is imported only when it is used: it takes a second and 80 MB.
    """
    if address == "none":
        yield InlineBackend(scanning, limits)
        return
    joined = "auto" if "RAY_ADDRESS" in os.environ else address
    backend = import_module("engine.cluster").RayBackend(scanning, joined, limits)
    try:
        yield backend
    finally:
        backend.close()


def bills_on(address: str, large: int = LARGE_BILLS) -> StageAll:
    """Choose where bills are read: in this process, and several large files on Ray, where it may be used."""

    def stage_all(read: Callable[[Order], Read], orders: Sequence[Order]) -> Iterable[Read]:
        sizes = [order.source.size for order in orders if order.source.refused is None]
        if address == "none" or len(sizes) < 2 or sum(sizes) < large:  # noqa: PLR2004  one file is one task
            return map(read, orders)
        joined = "auto" if "RAY_ADDRESS" in os.environ else address
        reads: Iterable[Read] = import_module("engine.cluster").read_bills(orders, joined)
        return reads

    return stage_all
