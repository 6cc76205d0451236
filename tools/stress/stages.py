"""The stage table of a run: rows, seconds, and the most memory that the whole process tree held meanwhile."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.chain import Reporter
from tools.stress.benchmarks.floor import tree_rss

_SAMPLE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a run, of all tenants together."""

    stage: str
    rows: int
    seconds: float
    peak_rss_bytes: int

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**asdict(self), "seconds": round(self.seconds, 2), "rows_per_second": round(self.rows / self.seconds)}


@dataclass(slots=True)
class Recorder:
    """Passes on what a run reports, and remembers the peak of memory of each stage."""

    shown: Reporter
    prefix: str
    peaks: dict[str, int] = field(default_factory=dict)
    _now: str = ""

    @property
    def reporter(self) -> Reporter:
        """Return where the run reports to."""
        return Reporter(stage=self._enter, progress=self.shown.progress)

    def sample(self) -> None:
        """Take a look at the memory."""
        self.peaks[self._now] = max(self.peaks.get(self._now, 0), tree_rss())

    def _enter(self, stage: str) -> None:
        self._now = stage.partition(":")[0]  # what is told of a stage comes after a colon
        self.sample()
        self.shown.stage(f"{self.prefix}: {stage}")


@contextmanager
def recording(shown: Reporter, prefix: str) -> Iterator[Recorder]:
    """Record the stages that are reported until the block ends; on a system without /proc memory is 0."""
    recorder, ended = Recorder(shown, prefix), threading.Event()

    def sample() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            recorder.sample()

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield recorder
    finally:
        ended.set()
        sampler.join()
