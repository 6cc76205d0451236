"""How a benchmark measures: subject and floor in turns, medians, peak memory; and the floor most of them share."""

import os
import resource
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

_SAMPLE_SECONDS = 0.05
Measured = Callable[[Path], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the result.

    seconds      medians; `ratio` is the median of the ratios of neighbouring runs, so that a busy machine cancels out
    target       what `ratio` must not exceed, or with `at_least` must reach
    agrees       whether subject and floor gave the same answer; a ratio of different answers is worth nothing
    """

    name: str
    n: int
    subject_seconds: float
    floor_seconds: float
    ratio: float
    target: float
    agrees: bool
    peak_rss_bytes: int
    at_least: bool = False

    @property
    def reached(self) -> bool:
        """Say whether the target is met."""
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**asdict(self), "rows_per_second": round(self.n / self.subject_seconds), "reached": self.reached}


@dataclass(slots=True)
class Peak:
    """The most memory that this process and its children held at one moment."""

    rss_bytes: int = 0


@contextmanager
def watched() -> Iterator[Peak]:
    """Sample the resident memory of this process and all its children until the block ends."""
    peak, ended = Peak(), threading.Event()

    def sample() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            peak.rss_bytes = max(peak.rss_bytes, tree_rss())

    sampler = threading.Thread(target=sample, daemon=True)
    peak.rss_bytes = tree_rss()
    sampler.start()
    try:
        yield peak
    finally:
        ended.set()
        sampler.join()


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that a piece of work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compare(
    name: str,
    n: int,
    subject: Measured,
    floor: Measured,
    *,
    target: float,
    repeat: int,
    agrees: Callable[[], bool],
    at_least: bool = False,
) -> Figure:
    """Run subject and floor in turns, each time in an empty folder; memory is the subject's.

    Both return their seconds, so that what they prepare is not counted. `agrees` is asked at the end.
    """
    pairs: list[tuple[float, float]] = []
    rss: list[int] = []
    for _ in range(repeat):
        with watched() as peak:
            seconds = _in_empty_folder(subject)
        rss.append(peak.rss_bytes)
        pairs.append((seconds, _in_empty_folder(floor)))
    return Figure(
        name=name,
        n=n,
        subject_seconds=statistics.median(subject_ for subject_, _ in pairs),
        floor_seconds=statistics.median(floor_ for _, floor_ in pairs),
        ratio=statistics.median(subject_ / floor_ for subject_, floor_ in pairs),
        target=target,
        agrees=agrees(),
        peak_rss_bytes=max(rss),
        at_least=at_least,
    )


def write_one_file(rows: pl.DataFrame, folder: Path) -> float:
    """Write sealed rows as one ZSTD Parquet file with Polars: the floor of most benchmarks; returns the seconds."""
    return timed(lambda: rows.write_parquet(folder / "floor.parquet", compression="zstd"))


def _in_empty_folder(work: Measured) -> float:
    with TemporaryDirectory(prefix="bench-") as folder:
        return work(Path(folder))


def tree_rss() -> int:
    """Add up the resident memory of this process and its descendants, from Linux's /proc; elsewhere 0."""
    parents = {int(stat.parent.name): _parent(stat) for stat in Path("/proc").glob("[0-9]*/stat")}
    tree = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in tree} - tree:
        tree |= more
    return sum(_rss(pid) for pid in tree)


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:  # it ended a moment ago
        return 0


def _rss(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:  # the same
        return 0
