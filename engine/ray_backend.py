"""The backend on Ray: one task per chunk, a few writer actors.

A chunk that is large enough writes its files itself; writers bring small ones together.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import polars as pl
import ray
import stamina
from ray.exceptions import GetTimeoutError, OutOfMemoryError, RayError, RayTaskError

from catalog.files import Flush
from checkers.base import Check, Context
from checkers.evaluate import Judged, evaluate
from contracts.errors import CheckError
from engine.cluster import cause, in_order
from engine.memory import memory_limit
from engine.placement import placement
from engine.scan import Scanned, scan
from engine.work import Chunk, Ended, Job, Task
from engine.writer import Limits, Writer, only

_LOG = logging.getLogger(__name__)
MAX_WRITERS = 4
TASKS_PER_CPU = 2  # enough to keep the CPUs busy while tasks wait for APIs; bounds what is in memory
_POLL_SECONDS = 1.0  # how often chunks are looked at for one that hangs
_ITSELF = -1  # in the place of a writer: the task
_ASK_SECONDS = 5.0  # how often writers are asked for files that they closed because of their age


class _Writer(Writer):
    """A writer that says at once what it has closed: a question of its own would wait for the next chunk's rows."""

    def take(self, scanned: Scanned) -> list[Flush]:
        """Take the rows of units and return the files closed so far."""
        self.add(scanned)
        return self.drain(everything=False)


WriterActor = ray.remote(max_restarts=-1, max_task_retries=0, num_cpus=0)(_Writer)


@dataclass(slots=True)
class _Cautious:
    """Evaluates without the checks that are left out and, where wanted, each check in a process of its own."""

    task: Task
    seconds: float
    bytes: int
    deadly: dict[str, str] = field(default_factory=dict)

    def __call__(self, check: Check, frames: Mapping[str, pl.DataFrame], ctx: Context) -> Judged:
        """Do as `evaluate` does; a check that hangs or kills its process raises CheckError too."""
        if check.id in self.task.left_out:
            raise CheckError(check.id, self.task.left_out[check.id])
        return self._apart(check, frames, ctx) if self.task.apart else evaluate(check, frames, ctx)

    def _apart(self, check: Check, frames: Mapping[str, pl.DataFrame], ctx: Context) -> Judged:
        try:
            return _judged_alone(check, frames, ctx, self.bytes, self.seconds)
        except GetTimeoutError:
            self.deadly[check.id] = f"it did not end within {self.seconds:g} s"
        except RayTaskError as error:
            raise error.cause from error
        except RayError as error:
            self.deadly[check.id] = f"its process died: {cause(error)}"
        raise CheckError(check.id, self.deadly[check.id])


# A process killed for want of memory may be a bystander: Ray takes the youngest, whoever took the node's memory.
@stamina.retry(on=OutOfMemoryError, attempts=3, timeout=None, wait_initial=1.0)
def _judged_alone(check: Check, frames: Mapping[str, pl.DataFrame], ctx: Context, limit: int, seconds: float) -> Judged:
    """Evaluate in a process of its own; its time counts from when it has begun, for a process takes long to start."""
    said = EvaluateAlone.remote(check, frames, ctx, limit)
    ray.get(next(said))
    if not ray.wait([said], timeout=seconds)[0]:
        ray.cancel(said, force=True)
        raise GetTimeoutError
    judged: Judged = ray.get(next(said))
    return judged


def _evaluate_alone(
    check: Check, frames: Mapping[str, pl.DataFrame], ctx: Context, limit: int
) -> Iterator[Judged | None]:
    """Yield None when it begins, then what `evaluate` gives with so much memory: what a node lacks costs bystanders."""
    yield None
    with memory_limit(limit):
        judged = evaluate(check, frames, ctx)
    yield judged


def _scan_chunk(
    task: Task, job: Job, parts: dict[int, list[str]]
) -> tuple[dict[str, str] | Scanned | list[Flush], ...]:
    """Scan a chunk; returns the checks that were deadly, then the rows in parts, each of some of the units.

    Of a chunk that is large enough for files of its own the only part is the files, written here.
    """
    evaluator = _Cautious(task, job.check_seconds, job.check_bytes)
    scanned = scan(task.chunk, job.checks, job.stamp, job.collector, evaluator)
    if _ITSELF in parts:
        writer = Writer(job.stamp.run_id, job.locations)
        writer.add(scanned)
        return evaluator.deadly, writer.drain(everything=True)
    return evaluator.deadly, *(scanned if len(parts) == 1 else only(scanned, units) for units in parts.values())


ScanChunk = ray.remote(max_retries=0)(_scan_chunk)  # what died is found missing by the driver, and done again there
EvaluateAlone = ray.remote(max_retries=0)(_evaluate_alone)  # its caller waits for it, and lends it the CPU meanwhile


@dataclass(slots=True, eq=False)
class _Running:
    """A chunk in flight and how long it may take; its time counts from when it has a CPU.

    parts    the rows its task makes for each writer, until they are handed over; or the files that it has closed itself
    awaited  what it waits for: its task, then the writers
    """

    chunk: Chunk
    seconds: float
    scanned: ray.ObjectRef
    parts: dict[int, ray.ObjectRef]
    awaited: deque[ray.ObjectRef]
    deadly: dict[str, str] = field(default_factory=dict)
    since: float | None = None

    def is_overdue(self, now: float) -> bool:
        """Say whether it takes so long that it must hang."""
        return self.since is not None and now - self.since > self.seconds


class RayBackend:
    """Chunks as Ray tasks with a bounded number in flight; rows held by writer actors of this run.

    It works on the cluster that this process is on.
    """

    def __init__(self, job: Job, limits: Limits | None = None) -> None:
        self._cpus = max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._limits = limits or Limits(units=job.flush_units)
        self._writers: list[Any] = []
        self._job = job
        self._shared = ray.put(job)
        self._answers: list[ray.ObjectRef] = []  # of writers given rows, and tasks: the files closed then
        self._asked = time.monotonic()

    def writers(self) -> list[Any]:
        """Return the writers of this run; they are started with the first rows for them."""
        if not self._writers:
            stamp, locations = self._job.stamp, self._job.locations
            count = min(self._cpus, MAX_WRITERS)
            self._writers = [WriterActor.remote(stamp.run_id, locations, self._limits) for _ in range(count)]
        return self._writers

    def scan(self, tasks: Iterable[Task]) -> Iterator[Ended]:
        """Yield every chunk as it ends; lost is one whose worker or writer died, or that took too long.

        A chunk is in flight until the writers have its rows. That is the back-pressure: a slow disk slows collection
        down, and memory stays. Its task does not wait for them, or Ray would start another process in its place.
        """
        waiting = iter(tasks)
        running: list[_Running] = []
        while True:
            running += [self._start(task) for task in islice(waiting, self._cpus * TASKS_PER_CPU - len(running))]
            if not running:
                return
            now = time.monotonic()
            for each in running[: self._cpus]:  # Ray gives tasks their CPUs in this order
                each.since = each.since or now
            ready, _ = ray.wait([each.awaited[0] for each in running], num_returns=1, timeout=_POLL_SECONDS)
            for each in [each for each in running if each.awaited[0] in ready or each.is_overdue(now)]:
                ended = self._goes_on(each) if each.awaited[0] in ready else _hung(each)
                if ended:
                    running.remove(each)
                    yield ended

    def _start(self, task: Task) -> _Running:
        units = sorted(each.unit.unit_id for each in task.chunk)
        fills = len(units) > self._limits.units // 2
        placed = {_ITSELF: units} if fills else placement(units, self._job.tenant_units, len(self.writers()))
        returned = ScanChunk.options(num_returns=1 + len(placed)).remote(task, self._shared, placed)
        parts = dict(zip(placed, returned[1:], strict=True))
        return _Running(task.chunk, self._limit(task), returned[0], parts, deque(returned[:1]))

    def _goes_on(self, each: _Running) -> Ended | None:
        """Take what a chunk has waited for and hand its rows to the writers; when they have them, it has ended."""
        try:
            made = ray.get(each.awaited.popleft())
        except RayError as error:
            return _lost(each.chunk, cause(error))
        if each.parts:
            each.deadly = made
            answers = [
                part if at == _ITSELF else self._writers[at].take.remote(part) for at, part in each.parts.items()
            ]
            each.awaited += answers
            self._answers += answers  # read by `drain`, whatever becomes of the chunk
            each.parts = {}
        return None if each.awaited else Ended(each.chunk, deadly=each.deadly)

    def _limit(self, task: Task) -> float:
        """Return the seconds after which a chunk hangs; checks that are apart have limits of their own within."""
        apart = len(self._job.checks) * self._job.check_seconds if task.apart else 0
        return self._job.chunk_seconds + apart

    def drain(self, *, everything: bool) -> list[Flush]:
        """Return the files that the writers have closed.

        A writer that died has none, and one that does not answer is killed; the units of both are done again.
        """
        flushes: list[Flush] = []
        if everything or time.monotonic() - self._asked >= _ASK_SECONDS:
            flushes += self._asked_for(everything=everything)
        if self._answers:  # where a writer has been asked for everything, it has answered all before
            wait = self._job.writer_seconds if everything else 0
            answers, self._answers = ray.wait(self._answers, num_returns=len(self._answers), timeout=wait)
            flushes += [flush for answer in answers for flush in _closed(answer)]
        return flushes

    def _asked_for(self, *, everything: bool) -> list[Flush]:
        self._asked = time.monotonic()
        flushes: list[Flush] = []
        for writer in self._writers:
            try:
                flushes += ray.get(writer.drain.remote(everything=everything), timeout=self._job.writer_seconds)
            except GetTimeoutError:
                _LOG.warning("a writer does not answer and is killed; its units are scanned again")
                ray.kill(writer, no_restart=False)
            except RayError as error:
                _LOG.warning("a writer died (%s); its units are scanned again", cause(error))
        return flushes

    def each(self, work: Callable[[Any], Any], items: Iterable[Any], /) -> Iterator[Any]:
        """Work on the parts of a job as Ray tasks, a bounded number at a time, and yield what they made in order."""
        waiting = list(items)
        if len(waiting) <= 1:  # nothing to share out
            yield from map(work, waiting)
            return
        yield from map(ray.get, in_order(work, waiting))

    def close(self) -> None:
        """Stop the writers."""
        for writer in self._writers:
            ray.kill(writer)


def _closed(answer: ray.ObjectRef) -> list[Flush]:
    try:
        closed: list[Flush] = ray.get(answer)
    except RayError:  # its chunk is lost with it, and says why
        return []
    return closed


def _hung(each: _Running) -> Ended:
    ray.cancel(each.scanned, force=True)
    return _lost(each.chunk, f"it did not end within {each.seconds:g} s")


def _lost(chunk: Chunk, cause: str) -> Ended:
    _LOG.warning("a chunk was lost (%s); its units are scanned again", cause)
    return Ended(chunk, cause)
