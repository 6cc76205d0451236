"""What a run read and judged, and what it did not: the totals of its coverage rows."""

from typing import Any

import polars as pl

from catalog.releases import Release, read
from catalog.warehouse import Warehouse
from contracts.tables import COVERAGE

# Of several reasons why a unit is not whole, the one that a person has to act on first stands for it.
_WORST_FIRST = ("denied", "failed", "throttled", "unavailable", "not_evaluated", "ok")
_GAP = ("provider", "subject", "name", "outcome", "error_code", "permission")


def released_coverage(warehouse: Warehouse, release: Release) -> pl.DataFrame:
    """Return the coverage rows of the released run: one per unit and dataset or check, sorted by unit."""
    rows = read(warehouse, release, COVERAGE).filter(pl.col("run_id") == release.run_id).collect()
    return rows.sort("unit_id", "subject", "name")


def coverage_totals(rows: pl.DataFrame) -> dict[str, Any]:
    """Count coverage rows.

    units   outcome -> units; a unit has the worst outcome of its rows
    checks  provider -> pairs of unit and check: `ok` evaluated, of `total` planned
    gaps    what was not read or judged, and in how many units; sorted
    """
    judged = (
        rows.filter(pl.col("subject") == "check")
        .group_by("provider")
        .agg(ok=(pl.col("outcome") == "ok").sum(), total=pl.len())
    )
    gaps = rows.filter(pl.col("outcome") != "ok").group_by(_GAP).agg(units=pl.col("unit_id").n_unique())
    return {
        "units": _units_by_outcome(rows),
        "checks": {row.pop("provider"): row for row in judged.sort("provider").to_dicts()},
        "gaps": gaps.sort(_GAP, nulls_last=True).to_dicts(),
    }


def _units_by_outcome(rows: pl.DataFrame) -> dict[str, int]:
    rank = pl.col("outcome").replace_strict(_WORST_FIRST, range(len(_WORST_FIRST)), default=0)
    worst = rows.group_by("unit_id").agg(pl.col("outcome").sort_by(rank).first())
    return dict(worst.group_by("outcome").len().sort("outcome").iter_rows())
