"""Coverage rows: for every unit what was read and judged, and what was not and why."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from checkers.evaluate import Judged
from contracts.errors import AccessDenied, FinopsError
from contracts.seal import Sealed
from contracts.tables import COVERAGE
from contracts.units import Unit
from contracts.vocabulary import OUTCOMES
from engine.collect.unit import Reading

Row = dict[str, Any]
_ROW_SCHEMA = pl.Schema(
    (name, dtype) for name, dtype in COVERAGE.polars_schema.items() if name not in {"run_id", "run_date"}
)
_MESSAGE_LIMIT = 500  # characters; a provider's error page is not evidence


def frame(rows: Sequence[Row]) -> pl.DataFrame:
    """Bring rows to the table's columns, but for the run."""
    columns = {name: [row.get(name) for row in rows] for name in _ROW_SCHEMA}
    told = pl.Series([reasons is not None for reasons in columns["reasons"]], dtype=pl.Boolean)
    columns["reasons"] = [reasons or None for reasons in columns["reasons"]]  # an empty map costs Polars ten nulls
    none = pl.lit(pl.Series([{}], dtype=_ROW_SCHEMA["reasons"]))
    return pl.DataFrame(columns, schema=_ROW_SCHEMA).with_columns(
        reasons=pl.when(told).then(pl.col("reasons").fill_null(none))
    )


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


def of_verdicts(check_id: str, units: Sequence[Unit], judged: Judged, sealed: Sealed) -> Iterator[Row]:
    """Count what a check said of each unit it judged, and what became of its drafts."""
    counts: dict[str, Counter[str]] = {unit.unit_id: Counter() for unit in units}
    reasons: dict[str, Counter[str]] = {unit.unit_id: Counter() for unit in units}
    for unit_id, verdict, reason, resources in judged.verdicts.iter_rows():
        counts[unit_id][verdict] += resources
        if reason is not None and verdict in {"not_applicable", "undetermined"}:
            reasons[unit_id][f"{verdict}: {reason}"] += resources
    unknown = dict(judged.undetermined.group_by("unit_id").agg(pl.col("resource_id").sort()).iter_rows())
    rejected, duplicates = _per_unit(sealed.rejected, check_id), _per_unit(sealed.duplicates, check_id)
    for unit in units:
        said = counts[unit.unit_id]
        lost = {"rejected": rejected[unit.unit_id], "duplicates": duplicates[unit.unit_id]}
        yield _row(unit, "check", check_id, None) | {
            "rows": said.total(),
            "findings": said["finding"] - sum(lost.values()),
            **{verdict: said[verdict] for verdict in ("ok", "not_applicable", "undetermined")},
            **lost,
            "reasons": dict(sorted(reasons[unit.unit_id].items())),
            "undetermined_ids": unknown.get(unit.unit_id),
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


def _per_unit(rows: pl.DataFrame, check_id: str) -> Counter[str]:
    return Counter(rows.filter(pl.col("check_id") == check_id)["unit_id"].to_list())
