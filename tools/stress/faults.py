"""Estates that kill a process while they are read, and calls that kill their own: for resume tests and chaos runs."""

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from catalog import exactly_once
from checkers.base import Dataset
from engine import writer
from engine.collect.unit import Reading
from engine.plan import PlannedUnit
from tools.stress.estate import StressEstate

BOUNDARIES = {
    "commit": (exactly_once, "add_files"),  # the one call of catalog.exactly_once that changes a table
    "write": (writer, "write_files"),  # the one call of engine.writer that makes files
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KillingEstate(StressEstate):
    """An estate that sends SIGKILL once, when unit number `strike_at` is read.

    victim   a file with the process id to kill; without the file, the process that reads the unit
    marker   made when it strikes, so that it strikes once whoever comes again
    """

    strike_at: int
    victim: Path
    marker: Path

    def collect(self, planned: PlannedUnit, datasets: Sequence[Dataset], as_of: datetime) -> list[Reading]:
        """Read a unit like any other; strike at the chosen one."""
        if planned == self.units()[self.strike_at] and self._first_time():
            pid = int(self.victim.read_text()) if self.victim.exists() else os.getpid()
            os.kill(pid, signal.SIGKILL)
        return StressEstate.collect(self, planned, datasets, as_of)

    def _first_time(self) -> bool:
        try:
            os.close(os.open(self.marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True


def kill_at(boundary: str, number: int, *, after: bool) -> None:
    """From now on this process kills itself right before (or after) its `number`-th call of a boundary."""
    module, name = BOUNDARIES[boundary]
    call: Callable[..., object] = getattr(module, name)
    seen = iter(range(1, number + 1))

    def sabotaged(*args: object, **kwargs: object) -> object:
        strikes = next(seen) == number
        if strikes and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(*args, **kwargs)
        if strikes:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(module, name, sabotaged)


def kill_after(seconds: float) -> None:
    """Kill this process that many seconds from now, whatever it is doing then."""

    def strike() -> None:
        time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=strike, daemon=True).start()
