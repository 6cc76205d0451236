"""The backend without Ray: the same steps in this process, for tests, debugging and replay."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from catalog.files import Flush
from engine.scan import scan
from engine.work import Ended, Job, Task
from engine.writer import Limits, Writer


class InlineBackend:
    """One writer, one chunk at a time."""

    def __init__(self, job: Job, limits: Limits | None = None) -> None:
        """Hold the job and an empty writer."""
        self._job = job
        self._writer = Writer(job.stamp.run_id, job.locations, limits or Limits(units=job.flush_units))

    def scan(self, tasks: Iterable[Task]) -> Iterator[Ended]:
        """Scan one chunk after the other; what hangs or dies takes this process with it, so nothing is ever lost."""
        for task in tasks:
            self._writer.add(scan(task.chunk, self._job.checks, self._job.stamp, self._job.collector))
            yield Ended(task.chunk)

    @staticmethod
    def each(work: Callable[[Any], Any], items: Iterable[Any], /) -> Iterator[Any]:
        """Work on the parts of a job one after the other."""
        return map(work, items)

    def drain(self, *, everything: bool) -> list[Flush]:
        """Return the writer's closed files."""
        return self._writer.drain(everything=everything)
