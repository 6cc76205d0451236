"""What the driver and a backend say to each other: the job, chunks to scan, and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from checkers.base import Check
from contracts.seal import RunStamp
from engine.collect.unit import collect
from engine.plan import Gap, PlannedUnit
from engine.scan import Collector

Chunk = Sequence[PlannedUnit | Gap]
CHUNK_UNITS = 16  # one Ray task; 240 to 1,800 tasks a second are free, an API call is not
CHUNK_SECONDS = 1_800.0  # a chunk that takes longer hangs: throttled units take minutes, and 8 are read at a time
CHECK_SECONDS = 120.0  # a check that takes longer over one unit hangs: thousands of resources take it milliseconds
WRITER_SECONDS = 600.0  # a writer that takes longer to answer hangs: it writes half a gigabyte at most meanwhile
CHECK_BYTES = 4 * 2**30  # what a check that is judged apart may take on top of what its process has


@dataclass(frozen=True, slots=True)
class Job:
    """What every task and writer of a run must know; small and picklable."""

    stamp: RunStamp
    checks: tuple[Check, ...]
    tenant_units: dict[str, int]
    locations: dict[str, str]
    flush_units: int = CHUNK_UNITS
    collector: Collector = collect
    chunk_seconds: float = CHUNK_SECONDS
    check_seconds: float = CHECK_SECONDS
    check_bytes: int = CHECK_BYTES
    writer_seconds: float = WRITER_SECONDS


@dataclass(frozen=True, slots=True)
class Task:
    """A chunk to scan, and how carefully.

    apart     every check in a process of its own, so that one that hangs or kills its process fails alone
    left_out  checks that are not tried any more, and why
    """

    chunk: Chunk
    apart: bool = False
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a chunk: scanned, or lost and why; and the checks whose own process was lost, and why."""

    chunk: Chunk
    lost: str | None = None
    deadly: Mapping[str, str] = field(default_factory=dict)
