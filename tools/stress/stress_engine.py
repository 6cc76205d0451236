"""Run a generated estate through the real chain, then again in other ways, and demand the same answer every time.

python -m tools.stress.stress_engine --n 200000 --workdir .stress --clean [--json]
    [--tenants 1] [--accounts N] [--seed 1] [--workers 2]
"""

import json
import os
import random
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as Grid

from engine.chain import Reporter
from engine.progress import reporting
from jobs.verify import verify
from tools.stress.estate import FINDINGS_PER_UNIT, REGIONS, StressEstate
from tools.stress.interrupted import Interruption, interrupt_and_resume
from tools.stress.runs import INLINE, MADE, RAW, Run, open_warehouse, run_chain, write_bills
from tools.stress.truths import older_files_read, truths

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
REPEATED_AT = 200_000  # the size at which runs are repeated; the first run, and what it says, is of full size
RESUMED_AT = 1_000_000  # the size at which a scan is killed and resumed
FIRST, REPEATED, RESUMED = "first run", "repeated runs", "killed and resumed"  # kinds of checks
_MiB = 2**20
_DISAGREED = 5  # the exit code


@dataclass(frozen=True, slots=True)
class Report:
    """What `--json` prints. `checks`: name -> whether it holds; `checked_at`: kind of check -> at how many findings."""

    estate: StressEstate
    seed: int
    workers: int
    run: Run
    checks: dict[str, bool] = field(default_factory=dict)
    checked_at: dict[str, int] = field(default_factory=dict)
    resume: list[Interruption] = field(default_factory=list)

    def add(self, kind: str, checks: dict[str, bool], estate: StressEstate) -> None:
        """Add checks of a kind, which are all made at the size of one estate."""
        self.checks.update(checks)
        self.checked_at[kind] = estate.unit_count * estate.findings_per_unit

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        stages = [stage.to_json() for stage in self.run.stages]
        return {
            "n": self.estate.findings,
            "tenants": self.estate.tenants,
            "accounts": self.estate.account_count,
            "seed": self.seed,
            "workers": self.workers,
            "findings": self.estate.unit_count * self.estate.findings_per_unit,
            "stages": stages,
            "seconds": round(sum(stage.seconds for stage in self.run.stages), 2),
            "peak_rss_bytes": max(stage.peak_rss_bytes for stage in self.run.stages),
            "checks": self.checks,
            "checked_at": self.checked_at,
            "resume": self.resume[0].to_json(),
        }


def main(
    n: Annotated[int, typer.Option("--n", min=1, help="About how many findings.")] = 200_000,
    tenants: Annotated[int, typer.Option(min=1, help="How many tenants they belong to.")] = 1,
    accounts: Annotated[int | None, typer.Option(min=1, help="How many accounts; default: small ones.")] = None,
    seed: Annotated[int, typer.Option(min=1, help="Of the shuffles and the odd chunk size.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="CPUs of the Ray cluster.")] = os.cpu_count() or 1,
    workdir: Annotated[Path, typer.Option(help="Where tables and bills go.")] = Path(".stress"),
    clean: Annotated[bool, typer.Option("--clean", help="Empty the folder first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """Run the chain, then shuffled, cut otherwise, with other workers, again, and killed; exit 5 when one differs."""
    estate = StressEstate(n, AS_OF, tenants=tenants, accounts=accounts)
    if estate.account_count < tenants:
        raise typer.BadParameter(f"{tenants} tenants need as many accounts, and there are {estate.account_count}")
    if accounts and estate.unit_count * FINDINGS_PER_UNIT > 2 * n:
        raise typer.BadParameter(f"{accounts} accounts have at least {estate.unit_count * FINDINGS_PER_UNIT} findings")
    if clean:
        shutil.rmtree(workdir, ignore_errors=True)
    with reporting() as shown:
        report = stress(estate, workdir, shown, seed=seed, workers=workers)
    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=2))
    else:
        _print(report)
    if not all(report.checks.values()):
        sys.exit(_DISAGREED)


def stress(estate: StressEstate, workdir: Path, shown: Reporter, *, seed: int, workers: int) -> Report:
    """Run the estate once at full size and judge it, then repeat it at a size that is quick to repeat."""
    shown.stage("bills are written")
    bills = write_bills(estate, workdir / "bills")
    run = run_chain(open_warehouse(workdir / "main"), estate, bills, shown, workers=workers, name="main")
    report = Report(estate, seed, workers, run)
    shown.stage("main: what it came to is checked")
    report.add(FIRST, truths(run, estate), estate)
    report.checks["older_schema_still_reads"] = older_files_read(workdir / "older")
    _repeat(report, workdir, shown)
    return report


def _repeat(report: Report, workdir: Path, shown: Reporter) -> None:
    small, run = _smaller(report.estate, REPEATED_AT), report.run
    bills = workdir / "bills"
    if small != report.estate:
        bills = write_bills(small, workdir / "repeated" / "bills")
        warehouse = open_warehouse(workdir / "repeated" / "base")
        run = run_chain(warehouse, small, bills, shown, workers=report.workers, name="base")
    known = run.digests(*RAW, *MADE)
    shown.stage("base: its tables are made again from raw")
    remade = {"verify_finds_no_difference": all(verify(run.warehouse, each).equal for each in run.releases())}
    report.add(REPEATED, remade, small)
    for name, other in _others(report, run, small, workdir, bills, shown):
        found = other.digests(*RAW, *MADE)
        report.add(REPEATED, {f"{name}_same_{table}": found[table] == known[table] for table in known}, small)
    _resume(report, run, small, workdir, shown)


def _others(
    report: Report, run: Run, small: StressEstate, workdir: Path, bills: Path, shown: Reporter
) -> Iterator[tuple[str, Run]]:
    """Run the same estate in other ways, one after the other; what a run leaves is gone when the next begins."""
    chunk_units = random.Random(report.seed).choice([3, 5, 7, 11])  # noqa: S311  a seeded choice is no cipher
    ways: dict[str, dict[str, Any]] = {
        **({} if report.workers == INLINE else {"inline": {"workers": INLINE}}),
        "shuffled": {"workers": INLINE, "estate": replace(small, shuffle=report.seed)},
        "other_chunks": {"workers": INLINE, "chunk_units": chunk_units},
        **{f"workers_{count}": {"workers": count} for count in (1, 2) if count != report.workers},
    }
    for name, way in ways.items():
        folder = workdir / "repeated" / name
        yield name, run_chain(open_warehouse(folder), way.pop("estate", small), bills, shown, name=name, **way)
        shutil.rmtree(folder)
    again = run_chain(run.warehouse, small, bills, shown, workers=report.workers, name="second_run")
    yield "second_run", again


def _resume(report: Report, run: Run, small: StressEstate, workdir: Path, shown: Reporter) -> None:
    """Kill and resume a scan, and compare its raw tables: all others are made from them."""
    estate, whole = (report.estate, report.run) if report.estate.findings <= RESUMED_AT else (small, run)
    shown.stage("killed at half, and resumed")
    resumed, cost = interrupt_and_resume(estate, workdir / "resumed", report.workers)
    found, known = resumed.digests(*RAW), whole.digests(*RAW)
    report.add(RESUMED, {f"resumed_same_{table}": found[table] == known[table] for table in known}, estate)
    report.resume.append(cost)
    shutil.rmtree(workdir / "resumed")


def _smaller(estate: StressEstate, findings: int) -> StressEstate:
    """Return the estate, or one like it of so many findings."""
    if estate.findings <= findings:
        return estate
    most = findings // (FINDINGS_PER_UNIT * len(REGIONS))
    accounts = None if estate.accounts is None else min(estate.accounts, most)
    return replace(estate, findings=findings, accounts=accounts, tenants=min(estate.tenants, most))


def _print(report: Report) -> None:
    console = Console()
    grid = Grid("stage", "rows", "seconds", "rows/s", "peak MiB")
    printed = report.to_json()
    whole = {
        "stage": "all",
        "rows": printed["findings"],
        **{key: printed[key] for key in ("seconds", "peak_rss_bytes")},
    }
    for stage in (*printed["stages"], {**whole, "rows_per_second": round(whole["rows"] / whole["seconds"])}):
        grid.add_row(
            stage["stage"],
            f"{stage['rows']:,}",
            f"{stage['seconds']:.2f}",
            f"{stage['rows_per_second']:,}",
            f"{stage['peak_rss_bytes'] / _MiB:,.0f}",
        )
    console.print(grid)
    for check, holds in report.checks.items():
        console.print(f"{'ok  ' if holds else 'FAIL'} {check}")
    for kind, findings in report.checked_at.items():
        console.print(f"{kind}: {findings:,} findings")
    cost = report.resume[0]
    console.print(f"killed with {cost.committed:,} of {cost.units:,} units safe: {cost.share:.1%} were read twice")


if __name__ == "__main__":
    typer.run(main)
