"""Scan a generated estate into a warehouse, and nothing more; as a program, one that can be made to die.

python -m tools.stress.scan FOLDER --n 2000 [--run-id ID] [--address local]
    [--die-at 2 [--boundary write] [--after]] [--die-after SECONDS]
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from catalog.warehouse import Warehouse
from checkers.base import Check
from checkers.registry import configured
from contracts.seal import RunStamp
from engine.backends import backend_for
from engine.driver import drive, job
from engine.writer import Limits
from tools.stress.estate import StressEstate
from tools.stress.faults import kill_after, kill_at

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)


def open_warehouse(folder: Path) -> Warehouse:
    """Open the embedded catalog of a folder."""
    return Warehouse.open(f"sqlite:///{folder.resolve()}/catalog.db", str(folder.resolve() / "warehouse"))


def scan_estate(
    warehouse: Warehouse,
    estate: StressEstate,
    run_id: str,
    *,
    address: str = "none",
    limits: Limits | None = None,
    checks: Sequence[Check] | None = None,
) -> None:
    """Bring an estate's units into the raw tables; all checks there are, unless others are given."""
    units = estate.units()
    stamp = RunStamp(run_id, estate.as_of)
    scanning = job(warehouse, units, checks or configured({}, "defaults"), stamp, collector=estate.collect)
    with backend_for(address, scanning, limits) as backend:
        drive(warehouse, backend, units, run_id, lambda _done, _total: None, chunk_units=1)


def main(
    folder: Path,
    n: Annotated[int, typer.Option("--n")] = 2_000,
    run_id: Annotated[str, typer.Option()] = "20261101T000000Z-1",
    address: Annotated[str, typer.Option(help="Where to scan: none is this process, local a Ray cluster.")] = "none",
    die_at: Annotated[int, typer.Option(help="Kill this process at its n-th commit; 0 is never.")] = 0,
    boundary: Annotated[str, typer.Option(help="Count these instead: commit or write (of a file).")] = "commit",
    after: Annotated[bool, typer.Option("--after", help="Right after it instead of right before.")] = False,
    die_after: Annotated[float, typer.Option(help="Kill this process so many seconds into the scan.")] = 0.0,
) -> None:
    """Scan with a flush for every unit."""
    if die_at:
        kill_at(boundary, die_at, after=after)
    warehouse = open_warehouse(folder)
    if die_after:
        kill_after(die_after)
    scan_estate(warehouse, StressEstate(n, AS_OF), run_id, address=address, limits=Limits(rows=1))


if __name__ == "__main__":
    typer.run(main)
