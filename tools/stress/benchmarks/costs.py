"""Bills: reading one into facts, against DuckDB rewriting the same file with the same columns."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from jobs.costs.ingest import ingest
from jobs.costs.report import IngestReport
from tools.stress.benchmarks.attribution import attribution
from tools.stress.benchmarks.floor import Figure, compare, timed
from tools.stress.estate import TENANT
from tools.stress.runs import open_warehouse

TARGET = 1.5
_BILL = Path(__file__).with_name("sql") / "bill.sql"


def costs(n: int, repeat: int) -> list[Figure]:
    """Measure what bills cost; `n` is how many lines they have."""
    return [*parse(n, repeat), *attribution(n, repeat)]


def parse(n: int, repeat: int) -> list[Figure]:
    """Measure a legacy CUR of `n` lines from the file to committed facts, with its checks and its log."""
    reports: list[IngestReport] = []
    with TemporaryDirectory(prefix="bench-") as scratch:
        bill = write_bill(Path(scratch), n)

        def subject(folder: Path) -> float:
            warehouse = open_warehouse(folder)
            return timed(lambda: reports.append(ingest(warehouse, TENANT, [str(bill)])))

        def floor(folder: Path) -> float:
            return timed(partial(_rewrite, bill, folder / "floor.parquet"))

        def agrees() -> bool:
            return all(_totals(report) == _independent(bill) for report in reports)

        return [compare("costs_parse", n, subject, floor, target=TARGET, repeat=repeat, agrees=agrees)]


def write_bill(folder: Path, lines: int) -> Path:
    """Write a bill of so many lines, the same for the same number."""
    path = folder / "cur.snappy.parquet"
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        query = _BILL.read_text(encoding="utf-8")
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION snappy)", {"lines": lines})
    return path


def _rewrite(bill: Path, target: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.read_parquet(str(bill)).write_parquet(str(target), compression="zstd")


def _totals(report: IngestReport) -> list[tuple[Any, ...]]:
    return [(each.rows, each.unblended, each.net_unblended, each.list) for each in report.periods]


def _independent(bill: Path) -> list[tuple[Any, ...]]:
    """Add the bill up in one query, each double as the text that it is written as."""
    names = ("line_item_unblended_cost", "line_item_net_unblended_cost", "pricing_public_on_demand_cost")
    sums = ", ".join(f"sum(CAST(CAST({name} AS VARCHAR) AS DECIMAL(38, 12)))" for name in names)
    with duckdb.connect() as connection:
        return connection.read_parquet(str(bill)).aggregate(f"count(*), {sums}").fetchall()
