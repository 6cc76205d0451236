"""The whole chain of one run, stage by stage: plan, scan and bills, correlate, attribute, lifecycle, KPIs, publish."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from catalog import exactly_once
from catalog.state import Run
from catalog.warehouse import Warehouse
from checkers.registry import configured
from contracts.seal import RunStamp
from contracts.tables import COVERAGE, FINDINGS, REJECTED, Table
from engine.backends import backend_for
from engine.bills import bills_on
from engine.collect.discovery import CloudDiscovery
from engine.config import Config, Tenant
from engine.driver import Backend, Progress, drive, job
from engine.plan import Gap, PlannedUnit, plan
from jobs.correlate import correlate
from jobs.costs.attribute import attribute
from jobs.costs.ingest import StageAll, ingest
from jobs.costs.owners import Assigned
from jobs.kpis import kpis
from jobs.lifecycle import lifecycle
from jobs.publish import publish
from jobs.shards import Each


@dataclass(frozen=True, slots=True)
class Reporter:
    """Where a run says how far it is: stages and notices for people, units done of all for a progress bar."""

    stage: Callable[[str], None]
    progress: Progress


@dataclass(slots=True)
class RunResult:
    """What `finops run --json` prints."""

    run: Run
    units: dict[str, int] = field(default_factory=dict)
    findings: int = 0
    rejected: int = 0
    commits: int = 0
    release: str | None = None
    bills: dict[str, Any] | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Say whether every unit was read and judged whole."""
        return set(self.units) <= {"ok"}

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "run_id": self.run.run_id,
            "tenant_id": self.run.tenant_id,
            "workspace": self.run.workspace,
            "as_of": f"{self.run.as_of:%Y-%m-%dT%H:%M:%SZ}",
            "units": dict(sorted(self.units.items())),
            "findings": self.findings,
            "rejected": self.rejected,
            "commits": self.commits,
            "release": self.release,
            "bills": self.bills,
            "seconds": {stage: round(seconds, 3) for stage, seconds in self.seconds.items()},
        }


@dataclass(frozen=True, slots=True)
class Chain:
    """One run's chain: the run, where its tables are, and where it reports to."""

    run: Run
    warehouse: Warehouse
    reporter: Reporter
    result: RunResult

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Report a stage and time it."""
        self.reporter.stage(name)
        with self._timed(name):
            yield

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.result.seconds[name] = time.perf_counter() - started

    def read(
        self,
        units: Sequence[PlannedUnit | Gap],
        backend: Backend,
        paths: Sequence[str],
        payer_tenants: Assigned | None = None,
        stage_all: StageAll = map,
    ) -> None:
        """Scan, which waits for APIs, and load bills meanwhile. When one fails the other still comes to its end.

        Bills that cannot be loaded are reported at once and raised when the scan is done, if it could go on.
        """
        if paths:
            self.reporter.stage("bills")
        with ThreadPoolExecutor(1, "bills") as beside:
            loading = beside.submit(self.bills, paths, payer_tenants, stage_all)
            loading.add_done_callback(self._tell)
            self.scan(units, backend)
        loading.result()

    def _tell(self, loading: Future[None]) -> None:
        if error := loading.exception():
            self.reporter.stage(f"bills: {error}")

    def scan(self, units: Sequence[PlannedUnit | Gap], backend: Backend, chunk_units: int | None = None) -> None:
        """Bring every unit into the raw tables; an interrupted run goes on where its commits end."""
        with self.stage("scan"):
            drive(self.warehouse, backend, units, self.run.run_id, self.reporter.progress, chunk_units=chunk_units)

    def bills(self, paths: Sequence[str], payer_tenants: Assigned | None = None, stage_all: StageAll = map) -> None:
        """Load bills. One that is missing or broken is a notice: findings then stay estimated and say why."""
        with self._timed("bills"):
            if not paths:
                return
            run = self.run
            report = ingest(
                self.warehouse,
                run.tenant_id,
                paths,
                payer_tenants=payer_tenants,
                as_of=run.as_of,
                stage_all=stage_all,
            )
            self.result.bills = report.to_json()
        for warning in report.warnings:
            self.reporter.stage(f"bills: {warning}")

    def judge(self, each: Each = map) -> RunResult:
        """Correlate, attribute, net, measure and publish what the scan found; what is released stays until the end.

        `each` works on the parts of large jobs.
        """
        tenant_id, run_id, as_of = self.run.tenant_id, self.run.run_id, self.run.as_of
        for name, step in {"correlate": correlate, "attribute": attribute, "lifecycle": lifecycle}.items():
            with self.stage(name):
                step(self.warehouse, tenant_id, run_id, as_of.date(), as_of, each=each)
        with self.stage("kpis"):
            kpis(self.warehouse, tenant_id, as_of)
        with self.stage("publish"):
            self.result.release = publish(self.warehouse, tenant_id, run_id, as_of).release
        self._count()
        return self.result

    def _count(self) -> None:
        def rows(table: Table) -> pl.LazyFrame:
            return self.warehouse.scan(table, self.run.tenant_id).filter(pl.col("run_id") == self.run.run_id)

        outcomes = rows(COVERAGE).group_by("unit_id").agg(pl.col("outcome").unique()).collect()["outcome"].to_list()
        self.result.units = dict(Counter(unit_outcome(each) for each in outcomes))
        self.result.findings = rows(FINDINGS).select(pl.len()).collect().item()
        self.result.rejected = rows(REJECTED).select(pl.len()).collect().item()
        self.result.commits = exactly_once.commits(self.warehouse, self.run.run_id)


def execute(config: Config, tenant: Tenant, run: Run, warehouse: Warehouse, reporter: Reporter) -> RunResult:
    """Run the chain for a tenant and workspace.

    Raises FinopsError where the chain cannot go on; the release that is served then stays as it was.
    """
    chain = Chain(run, warehouse, reporter, RunResult(run))
    with chain.stage("plan"):
        planned = plan(tenant, CloudDiscovery())
        units: list[PlannedUnit | Gap] = [*planned.units, *planned.gaps]
        checks = configured(config.checks, config.file)
        scanning = job(warehouse, units, checks, RunStamp(run.run_id, run.as_of, tenant.finding_id))
    with backend_for(config.ray.address, scanning) as backend:
        paths = [bill.path for bill in tenant.bills]
        chain.read(units, backend, paths, tenant.payer_tenants, bills_on(config.ray.address))
        return chain.judge(backend.each)


def unit_outcome(outcomes: Sequence[str]) -> str:
    """Sum up a unit: ok, or the one way in which all of it failed, or partial."""
    return outcomes[0] if len(outcomes) == 1 else "partial"
