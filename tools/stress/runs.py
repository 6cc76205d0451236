"""A generated estate through the whole chain, as `finops run` would take a real one; and digests of what it came to."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import polars as pl

from catalog.releases import Release, latest
from catalog.state import State
from catalog.warehouse import Warehouse
from checkers.registry import configured
from contracts.seal import RunStamp
from contracts.tables import (
    ATTRIBUTION,
    CORRELATED,
    COVERAGE,
    CUR_FACTS,
    CURRENT,
    ENRICHED,
    FINDINGS,
    KPI_DAILY,
    KPI_MONTHLY,
    REJECTED,
    RELEASES,
    Table,
)
from engine.backends import backend_for
from engine.chain import Chain, Reporter, RunResult
from engine.cluster import cluster
from engine.driver import Backend, job
from engine.inline import InlineBackend
from engine.work import Job
from jobs.digest import Digest, digest
from tools.stress.estate import WORKSPACE, StressEstate
from tools.stress.stages import Stage, recording

INLINE = 0  # workers: none, this process does it all
WORKERS = 2  # of a cluster that is measured
RAW = (FINDINGS, COVERAGE, REJECTED)
MADE = (CUR_FACTS, CORRELATED, ATTRIBUTION, ENRICHED, CURRENT, KPI_DAILY, KPI_MONTHLY)
_ROWS_OF = {
    "scan": FINDINGS,
    "bills": CUR_FACTS,
    "correlate": CORRELATED,
    "attribute": ENRICHED,
    "lifecycle": CURRENT,
    "kpis": KPI_DAILY,
    "publish": RELEASES,
}
_MOVES = {"run_id"}  # what two runs of one estate at one logical time may differ in


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is over: where its tables are, its results per tenant, and its stages."""

    warehouse: Warehouse
    results: Mapping[str, RunResult]
    stages: list[Stage]

    @property
    def run_id(self) -> str:
        """Its id, which is the same for every tenant."""
        return next(iter(self.results.values())).run.run_id

    def releases(self) -> list[Release]:
        """Return what each tenant is served after it."""
        return [release for tenant_id in self.results if (release := latest(self.warehouse, tenant_id))]

    def rows(self, table: Table) -> pl.LazyFrame:
        """Return the rows of a table, of all tenants; of raw tables those of the run."""
        rows = pl.concat(self.warehouse.scan(table, tenant_id) for tenant_id in self.results)
        return rows.filter(pl.col("run_id") == self.run_id) if table in RAW else rows

    def digests(self, *tables: Table) -> dict[str, Digest]:
        """Digest tables, but for what two runs may differ in."""
        return {table.name.removeprefix("finops_"): digest(self.rows(table), without=_MOVES) for table in tables}


def open_warehouse(folder: Path) -> Warehouse:
    """Open the embedded catalog of a folder."""
    return Warehouse.open(f"sqlite:///{folder.resolve()}/catalog.db", str(folder.resolve() / "warehouse"))


@contextmanager
def backend(scanning: Job, workers: int) -> Iterator[Backend]:
    """Scan in this process, or on a Ray cluster of its own with so many CPUs."""
    if workers == INLINE:
        yield InlineBackend(scanning)
        return
    with cluster("local", workers), backend_for("local", scanning) as chosen:
        yield chosen


def scanning_of(warehouse: Warehouse, estate: StressEstate, run_id: str) -> Job:
    """Return what tasks and writers of a run have to know; the run is of all tenants at once."""
    stamp = RunStamp(run_id, estate.as_of)
    return job(warehouse, estate.units(), configured({}, "defaults"), stamp, collector=estate.collect)


def run_chain(
    warehouse: Warehouse,
    estate: StressEstate,
    bills: Path,
    shown: Reporter,
    *,
    workers: int,
    name: str,
    chunk_units: int | None = None,
) -> Run:
    """Scan all tenants in one run, then take each through bills and jobs to its release."""
    state = State.open(warehouse.uri)
    runs = [state.start_run(tenant_id, WORKSPACE, estate.as_of, "stable") for tenant_id in estate.tenant_ids()]
    results = {run.tenant_id: RunResult(run) for run in runs}
    with recording(shown, name) as recorder:
        chains = [Chain(run, warehouse, recorder.reporter, results[run.tenant_id]) for run in runs]
        with backend(scanning_of(warehouse, estate, runs[0].run_id), workers) as chosen:
            chains[0].scan(estate.units(), chosen, chunk_units)
            for chain in chains:
                recorder.reporter.stage("bills")
                chain.bills([str(bills / chain.run.tenant_id)])
                chain.judge(chosen.each)
    run = Run(warehouse, results, [])
    seconds = reduce(_added, (result.seconds for result in results.values()), Counter[str]())
    run.stages.extend(
        Stage(stage, run.rows(_ROWS_OF[stage]).select(pl.len()).collect().item(), taken, recorder.peaks.get(stage, 0))
        for stage, taken in seconds.items()
    )
    return run


def write_bills(estate: StressEstate, folder: Path) -> Path:
    """Write every tenant's bill into a folder of its name."""
    for tenant_id in estate.tenant_ids():
        estate.write_bill(folder / tenant_id, tenant_id)
    return folder


def _added(total: Counter[str], seconds: Mapping[str, float]) -> Counter[str]:
    return Counter({stage: total[stage] + seconds.get(stage, 0.0) for stage in {**total, **seconds}})
