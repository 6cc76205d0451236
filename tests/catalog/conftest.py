"""Closed files of units to commit to a warehouse."""

from collections.abc import Callable
from datetime import date

import polars as pl
import pytest

from catalog.files import Flush, write_files
from catalog.warehouse import Warehouse
from contracts.tables import COVERAGE, FINDINGS, Table

RUN = "20261101T000000Z-1"
Write = Callable[..., Flush]


@pytest.fixture(scope="session")
def write() -> Write:
    """Write the files of units as a writer does: one coverage row and `rows` findings per unit."""

    def frame(table: Table, rows: list[dict[str, object]]) -> pl.LazyFrame:
        common = {"tenant_id": "acme", "run_id": RUN, "run_date": date(2026, 11, 1)}
        return pl.LazyFrame([common | row for row in rows], schema=table.polars_schema)

    def write(warehouse: Warehouse, units: list[str], *, flush_id: str, rows: int = 2) -> Flush:
        findings = [{"unit_id": unit, "fingerprint": f"{unit}-{n}"} for unit in units for n in range(rows)]
        coverage = [{"unit_id": unit, "subject": "check", "outcome": "ok"} for unit in units]
        files = {
            FINDINGS.name: write_files(warehouse.location(FINDINGS), FINDINGS, frame(FINDINGS, findings), flush_id),
            COVERAGE.name: write_files(warehouse.location(COVERAGE), COVERAGE, frame(COVERAGE, coverage), flush_id),
        }
        return Flush(flush_id, RUN, tuple(units), {name: tuple(paths) for name, paths in files.items()})

    return write
