"""Coverage rows: for every unit what was read and judged, and what was not and why."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from checkers.base import Check
from checkers.evaluate import Judged
from contracts.errors import AccessDenied, FinopsError
from contracts.seal import Sealed
from contracts.tables import COVERAGE
from contracts.units import Unit
from contracts.vocabulary import OUTCOMES
from engine.collect.unit import Reading

Row = dict[str, Any]
_MESSAGE_LIMIT = 500  # characters; a provider's error page is not evidence


def frame(rows: Sequence[Row]) -> pl.DataFrame:
    """Bring rows to the table's columns; what a row does not say is null."""
    return pl.DataFrame(pa.Table.from_pylist(rows, schema=COVERAGE.schema))  # Polars takes 60 times as long over maps


def of_reading(unit: Unit, reading: Reading) -> Row:
    """Say how reading one dataset of one unit went, and how many rows it gave."""
    rows = None if reading.frame is None else reading.frame.height
    return _row(unit, "dataset", reading.dataset.name, reading.error) | {
        "rows": rows,
        "duration_ms": reading.duration_ms,
    }


def of_gap(unit: Unit, check_id: str, error: FinopsError) -> Row:
    """Say that a check did not judge a unit, and why."""
    return _row(unit, "check", check_id, error)


def of_verdicts(said: Sequence[tuple[Check, Sequence[Unit], Judged]], sealed: Sealed) -> Iterator[Row]:
    """Count what each check said of each unit it judged, and what became of its drafts."""
    rejected, duplicates = _per_check_and_unit(sealed.rejected), _per_check_and_unit(sealed.duplicates)
    for check, units, judged in said:
        counts: dict[str, Counter[str]] = {unit.unit_id: Counter() for unit in units}
        reasons: dict[str, Counter[str]] = defaultdict(Counter)
        unknown: dict[str, list[str]] = defaultdict(list)
        for unit_id, verdict, reason, resources in judged.verdicts.iter_rows():
            counts[unit_id][verdict] += resources
            if reason is not None and verdict in {"not_applicable", "undetermined"}:
                reasons[unit_id][f"{verdict}: {reason}"] += resources
        for unit_id, resource_id in judged.undetermined.iter_rows():
            unknown[unit_id].append(resource_id)
        for unit in units:
            key = unit.unit_id
            got, lost = counts[key], (rejected[check.id, key], duplicates[check.id, key])
            yield _row(unit, "check", check.id, None) | {
                "rows": got.total(),
                "findings": got["finding"] - sum(lost),
                "ok": got["ok"],
                "not_applicable": got["not_applicable"],
                "undetermined": got["undetermined"],
                "rejected": lost[0],
                "duplicates": lost[1],
                "reasons": sorted(reasons[key].items()),
                "undetermined_ids": unknown.get(key),
            }


def _row(unit: Unit, subject: str, name: str, error: FinopsError | None) -> Row:
    code = error.code if error else None
    return {
        "tenant_id": unit.tenant_id,
        "unit_id": unit.unit_id,
        "workspace": unit.workspace,
        "provider": unit.provider,
        "account_id": unit.account_id,
        "region": unit.region,
        "subject": subject,
        "name": name,
        "outcome": "ok" if code is None else code if code in OUTCOMES else "failed",
        "error_code": code,
        "permission": error.permission if isinstance(error, AccessDenied) else None,
        "message": str(error)[:_MESSAGE_LIMIT] if error else None,
    }


def _per_check_and_unit(rows: pl.DataFrame) -> Counter[tuple[str, str]]:
    return Counter(rows.select("check_id", "unit_id").iter_rows())
