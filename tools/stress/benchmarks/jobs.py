"""The jobs over committed tables, each against one hand-written DuckDB query over the same Parquet files.

The job reads, decides and commits; the floor reads, answers the same for this estate's data, and writes one file.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl

from catalog.warehouse import Warehouse
from contracts.tables import (
    ATTRIBUTION,
    CORRELATED,
    COVERAGE,
    CUR_FACTS,
    CUR_INGESTS,
    CURRENT,
    ENRICHED,
    FINDINGS,
    KPI_DAILY,
    KPI_MONTHLY,
    Table,
)
from jobs.correlate import correlate
from jobs.costs.attribute import attribute
from jobs.kpis import kpis
from jobs.lifecycle import lifecycle
from tools.stress.benchmarks.contract import STAMP
from tools.stress.benchmarks.floor import Figure, compare, timed
from tools.stress.benchmarks.pipeline import run_chain
from tools.stress.estate import TENANT, StressEstate
from tools.stress.runs import open_warehouse

TARGET = 2.0
_QUERIES = Path(__file__).with_name("sql")
_PER_RUN = {"correlate": correlate, "attribute": attribute, "lifecycle": lifecycle}


@dataclass(frozen=True, slots=True)
class _Job:
    """A job: the tables its floor reads, the tables it writes, and the columns in which both must agree."""

    name: str
    reads: Sequence[Table]
    writes: Sequence[Table]
    answer: Callable[[pl.DataFrame], pl.DataFrame]


def _correlated(rows: pl.DataFrame) -> pl.DataFrame:
    if "estimated" in rows.columns and "monthly_savings" not in rows.columns:
        rows = rows.unnest("estimated")
    return rows.select("check_id", "resource_id", "source_fingerprints", "monthly_savings", "monthly_cost")


def _actual(rows: pl.DataFrame) -> pl.DataFrame:
    costs = [pl.col("actual").struct.field(f"cost_{window}") for window in ("7d", "30d", "mtd", "prev_month")]
    # A meta-finding's fingerprint is its own in the floor's input too: it reads the job's.
    method = pl.col("actual").struct.field("method")
    # What a scope costs is context beside an unmatched finding; the floor does not look for it.
    matched = pl.when(~method.str.starts_with("scoped")).then(method).otherwise(pl.lit("none")).alias("method")
    return rows.select("fingerprint", matched, *costs)


def _current(rows: pl.DataFrame) -> pl.DataFrame:
    savings = [pl.col("savings").struct.field(name) for name in ("gross", "net", "excluded_by")]
    return rows.select("fingerprint", pl.col("lifecycle").struct.field("state"), *savings)


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("period", "kpi", "value", "numerator")


JOBS = (
    _Job("correlate", [FINDINGS], [CORRELATED], _correlated),
    _Job("attribute", [FINDINGS, CORRELATED, CUR_FACTS], [ENRICHED, ATTRIBUTION], _actual),
    _Job("lifecycle", [ENRICHED], [CURRENT], _current),
    _Job("kpis", [CURRENT, COVERAGE, CUR_FACTS, CUR_INGESTS], [KPI_DAILY, KPI_MONTHLY], _told),
)


def jobs(n: int, repeat: int) -> list[Figure]:
    """Measure correlation, attribution, lifecycle and KPIs over one scanned estate: each, and all of them together."""
    estate = StressEstate(n, STAMP.as_of)
    with TemporaryDirectory(prefix="bench-") as scratch:
        warehouse = open_warehouse(Path(scratch))
        result, _ = run_chain(warehouse, estate, estate.write_bill(Path(scratch, "bill")))
        figures = [_measure(warehouse, job, result.run.run_id, n, repeat) for job in JOBS]
    return [*figures, _together(figures)]


def _measure(warehouse: Warehouse, job: _Job, run_id: str, n: int, repeat: int) -> Figure:
    answers: list[pl.DataFrame] = []

    def subject(folder: Path) -> float:
        del folder
        for table in job.writes:
            _forget(warehouse, table)
        return timed(partial(run_job, warehouse, job.name, run_id))

    def floor(folder: Path) -> float:
        files = {table.name: data_files(warehouse, table) for table in job.reads}
        return timed(lambda: answers.append(_in_one_query(job, files, folder)))

    def agrees() -> bool:
        written = pl.concat(warehouse.scan(table, TENANT) for table in _answering(job)).collect()
        mine = _sorted(job.answer(written))
        return all(mine.equals(_sorted(each)) for each in answers)

    return compare(f"jobs_{job.name}", n, subject, floor, target=TARGET, repeat=repeat, agrees=agrees)


def _forget(warehouse: Warehouse, table: Table) -> None:
    """Empty a table as if its job had never run: with unchanged inputs a job does nothing."""
    partition = {"run_date": STAMP.run_date} if "run_date" in table.partition else {}
    warehouse.replace(table, pl.DataFrame(schema=table.polars_schema), TENANT, partition=partition)


def _answering(job: _Job) -> Sequence[Table]:
    """Return the tables whose rows the floor gives as well; all of a job's but the evidence of attribution."""
    return [table for table in job.writes if table is not ATTRIBUTION]


def run_job(warehouse: Warehouse, name: str, run_id: str) -> None:
    """Run one job of the chain."""
    if name in _PER_RUN:
        _PER_RUN[name](warehouse, TENANT, run_id, STAMP.run_date, STAMP.as_of)
    else:
        kpis(warehouse, TENANT, STAMP.as_of)


def data_files(warehouse: Warehouse, table: Table) -> list[str]:
    """Return the paths of a table's live Parquet files."""
    return [task.file.file_path for task in warehouse.load(table).scan().plan_files()]


def _in_one_query(job: _Job, files: dict[str, list[str]], folder: Path) -> pl.DataFrame:
    """Answer in one query and write the answer; only the columns to compare are kept."""
    statement = (_QUERIES / f"{job.name}.sql").read_text(encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, paths in files.items():
            connection.read_parquet(paths).create_view(_relation(name))
        params = {"as_of": STAMP.as_of} if "$as_of" in statement else {}
        rows = connection.sql(statement, params=params).pl()
    rows.write_parquet(folder / "answer.parquet", compression="zstd")
    return job.answer(rows)


def _relation(table: str) -> str:
    """Shorten finops_findings_current to current, and finops_findings to findings."""
    return table.removeprefix("finops_").removeprefix("findings_")


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    keys = [name for name, dtype in rows.schema.items() if dtype == pl.String]
    return rows.sort(keys, nulls_last=True)


def _together(figures: Sequence[Figure]) -> Figure:
    subject = sum(figure.subject_seconds for figure in figures)
    floor = sum(figure.floor_seconds for figure in figures)
    return Figure(
        name="jobs",
        n=figures[0].n,
        subject_seconds=subject,
        floor_seconds=floor,
        ratio=subject / floor,
        target=TARGET,
        agrees=all(figure.agrees for figure in figures),
        peak_rss_bytes=max(figure.peak_rss_bytes for figure in figures),
    )
