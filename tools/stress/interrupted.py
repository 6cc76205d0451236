"""A scan whose driver is killed when half of its units are done, and then resumed; and what was read twice."""

import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from catalog import exactly_once
from catalog.state import State
from catalog.warehouse import Warehouse
from checkers.base import Dataset
from engine.chain import RunResult
from engine.collect.unit import Reading
from engine.driver import drive
from engine.plan import PlannedUnit
from tools.stress.estate import WORKSPACE, StressEstate
from tools.stress.runs import Run, backend, open_warehouse, scanning_of


@dataclass(frozen=True, slots=True, kw_only=True)
class CountingEstate(StressEstate):
    """An estate that writes down every unit that is read, whoever reads it."""

    register: Path

    def collect(self, planned: PlannedUnit, datasets: Sequence[Dataset], as_of: datetime) -> list[Reading]:
        """Read a unit like any other, and write a line."""
        readings = StressEstate.collect(self, planned, datasets, as_of)
        with self.register.open("a", encoding="ascii") as register:
            register.write(f"{planned.unit.unit_id}\n")
        return readings


@dataclass(frozen=True, slots=True)
class Interruption:
    """What a kill cost: `repeated` units of all were read twice, though `committed` were safe when it struck."""

    units: int
    committed: int
    repeated: int

    @property
    def share(self) -> float:
        """The part of the units that was done twice."""
        return self.repeated / self.units

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**asdict(self), "share": round(self.share, 4)}


def interrupt_and_resume(estate: StressEstate, folder: Path, workers: int) -> tuple[Run, Interruption]:
    """Scan in a process that kills itself when half of the units are done, then scan again in this one.

    The run has no stages, and its tables are the raw ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counting = CountingEstate(
        **{name: getattr(estate, name) for name in StressEstate.__slots__}, register=folder / "register"
    )
    driver = multiprocessing.get_context("spawn").Process(target=_scan_to_half, args=(counting, folder, workers))
    driver.start()
    driver.join()
    if driver.exitcode != -signal.SIGKILL:
        raise RuntimeError(f"the driver was to be killed and ended with {driver.exitcode}")
    warehouse = open_warehouse(folder)
    state = State.open(warehouse.uri)
    runs = {tenant_id: RunResult(state.runs(tenant_id)[0]) for tenant_id in estate.tenant_ids()}
    resumed = Run(warehouse, runs, [])
    committed = len(exactly_once.committed_units(warehouse, resumed.run_id))
    _scan(counting, warehouse, resumed.run_id, workers, None)
    read = Counter(counting.register.read_text(encoding="ascii").split())
    return resumed, Interruption(len(read), committed, sum(times > 1 for times in read.values()))


def _scan_to_half(estate: CountingEstate, folder: Path, workers: int) -> None:
    warehouse = open_warehouse(folder)
    state = State.open(warehouse.uri)
    runs = [state.start_run(tenant_id, WORKSPACE, estate.as_of, "stable") for tenant_id in estate.tenant_ids()]
    _scan(estate, warehouse, runs[0].run_id, workers, max(1, estate.unit_count // 2))


def _scan(estate: CountingEstate, warehouse: Warehouse, run_id: str, workers: int, die_at: int | None) -> None:
    def progress(done: int, _total: int) -> None:
        if die_at is not None and done >= die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    with backend(scanning_of(warehouse, estate, run_id), workers) as chosen:
        drive(warehouse, chosen, estate.units(), run_id, progress)
