"""Several large bills are read on Ray, and the facts are those of this process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from catalog.warehouse import Warehouse
from contracts.tables import CUR_FACTS
from engine.bills import bills_on
from jobs.costs.ingest import ingest
from jobs.costs.report import IngestReport

LINE = {"line_item_usage_start_date": "2026-10-05", "bill_payer_account_id": "999999999999"}


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    """Three bills, one of them cut off."""
    made = [tmp_path / "bills" / f"{place}.parquet" for place in range(3)]
    made[0].parent.mkdir()
    for place, path in enumerate(made):
        lines = [{**LINE, "line_item_unblended_cost": cost} for cost in (f"{place}.5", "x")]
        pl.DataFrame(lines).write_parquet(path)
    made[2].write_bytes(made[2].read_bytes()[:100])
    return [str(path) for path in made]


@pytest.mark.slow
def test_bills_read_on_ray_are_the_same_facts(tmp_path: Path, paths: list[str]) -> None:
    def loaded(name: str, stage_all: Callable[..., Any]) -> tuple[IngestReport, list[dict[str, Any]]]:
        warehouse = Warehouse.open(f"sqlite:///{tmp_path}/{name}.db", f"{tmp_path}/{name}")
        report = ingest(warehouse, "acme", paths, stage_all=stage_all)
        return report, warehouse.scan(CUR_FACTS, "acme").sort("unblended_cost").collect().to_dicts()

    assert loaded("ray", bills_on("local", large=0)) == loaded("here", map)


def test_small_bills_are_read_here(paths: list[str], tmp_path: Path) -> None:
    warehouse = Warehouse.open(f"sqlite:///{tmp_path}/catalog.db", f"{tmp_path}/warehouse")
    report = ingest(warehouse, "acme", paths, stage_all=bills_on("an address that nobody could join"))
    assert [file.facts for file in report.files] == [1, 1, 0]
