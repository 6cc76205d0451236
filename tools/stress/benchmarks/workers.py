"""Scanning on a Ray cluster of two CPUs against scanning in one process; and what a kill at half costs there."""

from pathlib import Path
from tempfile import TemporaryDirectory

from contracts.tables import FINDINGS
from engine.driver import chunk_size, drive
from jobs.digest import Digest, digest
from tools.stress.benchmarks.contract import STAMP
from tools.stress.benchmarks.floor import Figure, compare, timed, watched
from tools.stress.estate import TENANT, StressEstate
from tools.stress.interrupted import interrupt_and_resume
from tools.stress.runs import INLINE, RAW, WORKERS, backend, open_warehouse, scanning_of

RAY_TARGET = 1.6
RESUME_TARGET = 0.05


def ray(n: int, repeat: int) -> list[Figure]:
    """Measure inventory, checks, sealing and writing: how many times faster two workers are than one process.

    From the first task to the last commit: the cluster and its processes are up by then, which takes some seconds
    whatever there is to scan.
    """
    estate = StressEstate(n, STAMP.as_of)
    found: set[Digest] = set()

    def scan(folder: Path, workers: int) -> float:
        seconds, digested = _scan(estate, folder, workers)
        found.add(digested)
        return seconds

    def alone(folder: Path) -> float:
        return scan(folder, INLINE)

    def together(folder: Path) -> float:
        return scan(folder, WORKERS)

    def agrees() -> bool:
        return len(found) == 1

    return [compare("ray", n, alone, together, target=RAY_TARGET, repeat=repeat, agrees=agrees, at_least=True)]


def resume(n: int, repeat: int) -> list[Figure]:
    """Kill the driver of a scan at half and resume it, once: `ratio` is the share of units that were read twice.

    Seconds are of both attempts with their clusters' starts; the floor's of an undisturbed scan in one process.
    """
    del repeat
    estate = StressEstate(n, STAMP.as_of)
    with TemporaryDirectory(prefix="bench-") as scratch, watched() as peak:
        floor, undisturbed = _scan(estate, Path(scratch, "undisturbed"), INLINE)
        resumed = []
        seconds = timed(lambda: resumed.append(interrupt_and_resume(estate, Path(scratch, "killed"), WORKERS)))
        run, cost = resumed[0]
        same = run.digests(*RAW)["findings"] == undisturbed
    return [
        Figure(
            name="resume",
            n=n,
            subject_seconds=seconds,
            floor_seconds=floor,
            ratio=cost.share,
            target=RESUME_TARGET,
            agrees=same,
            peak_rss_bytes=peak.rss_bytes,
        )
    ]


def _scan(estate: StressEstate, folder: Path, workers: int) -> tuple[float, Digest]:
    warehouse = open_warehouse(folder)
    units, scanning = estate.units(), scanning_of(warehouse, estate, STAMP.run_id)
    with backend(scanning, workers) as chosen:
        list(chosen.each(chunk_size, range(2 * WORKERS)))  # every worker loads the engine for it, and is up after it
        seconds = timed(lambda: drive(warehouse, chosen, units, STAMP.run_id, lambda _done, _total: None))
    return seconds, digest(warehouse.scan(FINDINGS, TENANT), without={"run_id"})
