"""Drive a run's scan: hand chunks to a backend, commit what its writers close, until every unit is in the tables."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from catalog import exactly_once
from catalog.files import Flush
from catalog.warehouse import Warehouse
from checkers.base import Check
from contracts.errors import PermanentError, TransientError
from contracts.seal import RunStamp
from contracts.tables import COVERAGE, FINDINGS, REJECTED
from engine.collect.unit import collect
from engine.plan import Gap, PlannedUnit
from engine.scan import Collector
from engine.work import CHUNK_UNITS, Chunk, Ended, Job, Task

Progress = Callable[[int, int], None]
MAX_CHUNK_UNITS = 64  # of large runs: rules over a chunk have a fixed price each, and a chunk must fit in memory
PARTS = 61  # that a large run has at least: of chunks, so that a lost one is no loss, and of flushes; a kill costs both
SETTLED_FLUSHES = 4  # whose findings are committed together; coverage, which decides, has a commit for each
APART_ATTEMPTS = 2  # at a unit alone: the first may be killed as a bystander, for the memory that another took
MAX_LOST = 3  # chunks that may be lost before their units are looked into, and units a check may kill


class Backend(Protocol):
    """Where chunks are scanned and rows are held: this process, or a Ray cluster."""

    def scan(self, tasks: Iterable[Task]) -> Iterator[Ended]:
        """Scan chunks and yield each as it ends; takes a task when it has room for it, so that memory is bounded."""
        ...

    def drain(self, *, everything: bool) -> list[Flush]:
        """Return the files that the writers have closed."""
        ...

    def each(self, work: Callable[[Any], Any], items: Iterable[Any], /) -> Iterator[Any]:
        """Work on the parts of a job (`jobs.shards.Each`)."""
        ...


def job(
    warehouse: Warehouse,
    planned: Sequence[PlannedUnit | Gap],
    checks: Sequence[Check],
    stamp: RunStamp,
    collector: Collector = collect,
) -> Job:
    """Bring together what the tasks and writers of a run share."""
    tables = (COVERAGE, FINDINGS, REJECTED)
    return Job(
        stamp=stamp,
        checks=tuple(checks),
        tenant_units=dict(Counter(each.unit.tenant_id for each in planned)),
        locations={table.name: warehouse.location(table) for table in tables},
        flush_units=max(CHUNK_UNITS, len(planned) // PARTS),
        collector=collector,
    )


def chunk_size(units: int) -> int:
    """Return how many units of a run a task scans."""
    return max(CHUNK_UNITS, min(MAX_CHUNK_UNITS, units // PARTS))


def drive(
    warehouse: Warehouse,
    backend: Backend,
    planned: Sequence[PlannedUnit | Gap],
    run_id: str,
    progress: Progress,
    *,
    chunk_units: int | None = None,
) -> None:
    """Bring every unit into the tables exactly once; what an earlier attempt at this run committed is not done again.

    Units that were lost with their chunk, or are missing after two attempts, are scanned one by one with every check
    apart, twice if need be; those that are missing even then are written down as failed, with the cause. Raises
    TransientError when that could not be committed either.
    """
    size = chunk_units or chunk_size(len(planned))
    exactly_once.settle(warehouse, run_id)
    sweep = _Sweep(warehouse, backend, run_id, len(planned), progress)
    left = sweep.missing(planned)
    while left:
        sweep.run(left, size)
        left = sweep.missing(left)
        suspects = [each for each in left if sweep.is_suspect(each)]
        if suspects:
            for _ in range(APART_ATTEMPTS):
                sweep.run(sweep.missing(suspects), 1, apart=True)
            sweep.run([sweep.gap(each) for each in sweep.missing(suspects)], size, apart=True)
            left = [each for each in left if not sweep.is_suspect(each)]
    lost = {each.unit.unit_id for each in sweep.missing(planned)}
    if lost:
        raise TransientError(f"{len(lost)} units could not be committed, e.g. {min(lost)}; resume run {run_id}")


@dataclass(slots=True)
class _Sweep:
    """Goes over units, commits what the writers close, and remembers what was tried and lost."""

    warehouse: Warehouse
    backend: Backend
    run_id: str
    total: int
    progress: Progress
    _done: int = 0
    _registered: int = 0
    _tried: Counter[str] = field(default_factory=Counter)
    _causes: dict[str, str] = field(default_factory=dict)
    _killed: Counter[str] = field(default_factory=Counter)
    _left_out: dict[str, str] = field(default_factory=dict)

    def missing(self, planned: Sequence[PlannedUnit | Gap]) -> list[PlannedUnit | Gap]:
        """Return those that are not in the tables."""
        done = exactly_once.committed_units(self.warehouse, self.run_id)
        self._done = len(done)
        self.progress(self._done, self.total)
        return [each for each in planned if each.unit.unit_id not in done]

    def is_suspect(self, each: PlannedUnit | Gap) -> bool:
        """Say whether a unit may be what kills its process: its chunk was lost, or two attempts came to nothing."""
        unit_id = each.unit.unit_id
        return unit_id in self._causes or self._tried[unit_id] > 1

    def gap(self, each: PlannedUnit | Gap) -> Gap:
        """Give a unit up, and say what became of the last attempt."""
        cause = self._causes.get(each.unit.unit_id, "the writer that held its rows died")
        return Gap(each.unit, PermanentError(f"the unit could not be scanned, the last attempt ended so: {cause}"))

    def run(self, units: Sequence[PlannedUnit | Gap], size: int, *, apart: bool = False) -> None:
        """Scan units in chunks; together, only until a few chunks were lost: what killed those may kill them all."""
        lost = 0

        def tasks() -> Iterator[Task]:
            for chunk in _chunks(units, size):
                if lost >= MAX_LOST and not apart:
                    return
                yield Task(chunk, apart, dict(self._left_out))

        for ended in self.backend.scan(tasks()):
            lost += ended.lost is not None
            self._register(self.backend.drain(everything=False))
            self._note(ended)
        self._register(self.backend.drain(everything=True))
        exactly_once.settle(self.warehouse, self.run_id)

    def _note(self, ended: Ended) -> None:
        unit_ids = [each.unit.unit_id for each in ended.chunk]
        self._tried.update(unit_ids)
        if ended.lost is not None:
            self._causes.update(dict.fromkeys(unit_ids, ended.lost))
        for check_id, cause in ended.deadly.items():
            self._killed[check_id] += 1
            if self._killed[check_id] >= MAX_LOST:
                self._left_out[check_id] = f"left out after {MAX_LOST} units of this run: {cause}"
        self._done += 0 if ended.lost else len(unit_ids)
        self.progress(self._done, self.total)

    def _register(self, flushes: list[Flush]) -> None:
        for flush in flushes:
            exactly_once.register(self.warehouse, flush)
            self._registered += 1
            if self._registered % SETTLED_FLUSHES == 0:
                exactly_once.settle(self.warehouse, self.run_id)


def _chunks(planned: Sequence[PlannedUnit | Gap], size: int) -> Iterator[Chunk]:
    """Cut units into chunks of one provider each: a worker then loads one cloud's SDK, not three."""
    for provider in sorted({each.unit.provider for each in planned}):
        units = [each for each in planned if each.unit.provider == provider]
        yield from (units[start : start + size] for start in range(0, len(units), size))
