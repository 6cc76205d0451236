"""Read one unit: every dataset of its provider, each with a frame or with the reason why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from time import perf_counter

import polars as pl
import stamina

from checkers.base import Dataset
from contracts.errors import AccessDenied, FinopsError, PermanentError, UnitUnavailable
from engine.collect.errors import TruncatedAnswer, translate
from engine.collect.quiet import quiet_sdks
from engine.collect.request import Request, Row
from engine.plan import PlannedUnit

_ACCOUNT_WIDE = ("sts:AssumeRole", "sts:GetCallerIdentity")  # what, when refused, is refused for every dataset
# What code that reads an answer raises when the answer is not of the documented shape.
_MALFORMED = (KeyError, IndexError, TypeError, ValueError, AttributeError, pl.exceptions.PolarsError)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one dataset of one unit came to: a frame of the dataset's schema, or an error; never both, never neither."""

    dataset: Dataset
    frame: pl.DataFrame | None
    error: FinopsError | None
    duration_ms: int


def collect(planned: PlannedUnit, datasets: Sequence[Dataset], as_of: datetime) -> list[Reading]:
    """Read the datasets of the unit's provider, in the order given; each one once.

    A metric is asked for the candidates in its inventory only, and shares the inventory's error. Nothing that a
    cloud does raises here. Safe to call from several threads.
    """
    quiet_sdks()
    wanted = [dataset for dataset in datasets if dataset.provider == planned.unit.provider]
    readings: dict[str, Reading] = {}
    for dataset in sorted(wanted, key=lambda dataset: dataset.of is not None):
        error = _foreseen(dataset, readings)
        readings[dataset.name] = Reading(dataset, None, error, 0) if error else _read(dataset, planned, as_of, readings)
    return [readings[dataset.name] for dataset in wanted]


def _foreseen(dataset: Dataset, readings: dict[str, Reading]) -> FinopsError | None:
    """Return the error that this dataset will meet as well: its inventory's, or one about the whole unit."""
    if dataset.of is not None and (error := readings[dataset.of.name].error):
        return error
    errors = (reading.error for reading in readings.values())
    return next((error for error in errors if _is_unit_wide(error)), None)


def _is_unit_wide(error: FinopsError | None) -> bool:
    if isinstance(error, AccessDenied):
        return error.permission in _ACCOUNT_WIDE
    return isinstance(error, UnitUnavailable)


def _read(dataset: Dataset, planned: PlannedUnit, as_of: datetime, readings: dict[str, Reading]) -> Reading:
    started = perf_counter()
    frame, error = None, None
    try:
        request = Request(planned.unit, planned.access, as_of, _subjects(dataset, as_of, readings))
        frame = _framed(dataset, planned, _fetch(dataset, request))
    except FinopsError as known:
        error = known
    except _MALFORMED as surprise:
        error = PermanentError(f"{dataset.name}: unexpected answer ({type(surprise).__name__}: {surprise})")
    return Reading(dataset, frame, error, round((perf_counter() - started) * 1000))


def _subjects(dataset: Dataset, as_of: datetime, readings: dict[str, Reading]) -> tuple[str, ...]:
    if dataset.of is None or dataset.candidates is None:
        return ()
    inventory = readings[dataset.of.name].frame
    return () if inventory is None else tuple(inventory.filter(dataset.candidates(as_of))["id"].sort())


def _fetch(dataset: Dataset, request: Request) -> list[Row]:
    """Ask the dataset's collector; a body that was cut off is asked for once more, which no SDK does by itself."""
    rows: list[Row] = []
    for attempt in stamina.retry_context(on=TruncatedAnswer, attempts=2, timeout=None, wait_initial=0.2):
        with attempt:
            rows = _ask(dataset, request)
    return rows


def _ask(dataset: Dataset, request: Request) -> list[Row]:
    provider, service, kind = dataset.name.split(".")
    # By name and late: an SDK weighs up to 100 MB and 5 s, and a worker reads one cloud.
    failures = import_module(f"engine.collect.{provider}.failures")
    fetch = getattr(import_module(f"engine.collect.{provider}.{service}"), f"fetch_{kind}")
    try:
        rows: list[Row] = fetch(request)
    except failures.SDK_ERRORS as error:
        # Without its cause: an SDK's exception may quote the answer, and AssumeRole's answer is a secret.
        raise translate(failures.failure(error), dataset.permissions) from None
    return rows


def _framed(dataset: Dataset, planned: PlannedUnit, rows: list[Row]) -> pl.DataFrame:
    """Put the unit key before every row; a row may know its region better than the unit does."""
    unit = planned.unit
    key = {
        "tenant_id": unit.tenant_id,
        "workspace": unit.workspace,
        "provider": unit.provider,
        "account_id": unit.account_id,
        "region": unit.region,
        "unit_id": unit.unit_id,
    }
    frame = dataset.frame([key | row for row in rows])
    # A list that changes while it is paged through may name a resource twice.
    return frame if dataset.of else frame.unique("id", keep="last", maintain_order=True)
