"""Run a generated estate through the real chain, then again in other ways, and demand the same answer every time.

python -m tools.stress.stress_engine --n 200000 --workdir .stress --clean [--json]
"""

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer
from rich.console import Console
from rich.table import Table as Grid

from catalog.state import State
from catalog.warehouse import Warehouse, add_files, write_files
from checkers.registry import configured
from contracts.seal import RunStamp
from contracts.tables import (
    CORRELATED,
    COVERAGE,
    CUR_FACTS,
    CURRENT,
    ENRICHED,
    FINDINGS,
    KPI_DAILY,
    KPI_MONTHLY,
    RELEASES,
    Table,
)
from engine.backends import backend_for
from engine.chain import Chain, RunResult
from engine.driver import job
from engine.progress import reporting
from tools.stress.estate import TENANT, WORKSPACE, StressEstate

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
_MOVES = {"run_id", "detected_at", "lifecycle"}  # what two runs may differ in
_STAGE_TABLES = {
    "scan": FINDINGS,
    "bills": CUR_FACTS,
    "correlate": CORRELATED,
    "attribute": ENRICHED,
    "lifecycle": CURRENT,
    "kpis": KPI_DAILY,
    "publish": RELEASES,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to, as order-independent digests of its tables."""

    findings: str
    current: str
    correlated: str
    kpis: str


def main(
    n: Annotated[int, typer.Option("--n", min=1, help="About how many findings.")] = 200_000,
    workdir: Annotated[Path, typer.Option(help="Where tables and bill go.")] = Path(".stress"),
    clean: Annotated[bool, typer.Option("--clean", help="Empty the folder first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """Run the chain, shuffle, re-chunk, repeat; exit 5 when one answer differs."""
    if clean:
        shutil.rmtree(workdir, ignore_errors=True)
    report = stress(StressEstate(n, AS_OF), workdir)
    if as_json:
        typer.echo(json.dumps(report, indent=2, sort_keys=True))
    else:
        _print(report)
    if not all(report["checks"].values()):
        sys.exit(5)


def stress(estate: StressEstate, workdir: Path) -> dict[str, Any]:
    """Return stages (rows, seconds) of the first run and what every comparison said."""
    estate.write_bill(workdir / "bill")
    first, stages = _run(estate, workdir, "first", address="local")
    again, _ = _run(estate, workdir, "first", address="local")
    other = StressEstate(estate.findings, estate.as_of, shuffle=1)
    shuffled, _ = _run(other, workdir, "shuffled", address="none", chunk_units=7)
    expected = estate.unit_count * estate.findings_per_unit
    checks = {
        "findings_are_what_was_generated": stages[0]["rows"] == expected,
        **{f"second_run_same_{name}": value == asdict(again)[name] for name, value in asdict(first).items()},
        **{f"shuffled_inline_same_{name}": value == asdict(shuffled)[name] for name, value in asdict(first).items()},
        "older_schema_still_reads": _older_files_read(workdir / "older"),
    }
    return {"n": estate.findings, "findings": expected, "stages": stages, "checks": checks}


def _run(
    estate: StressEstate, workdir: Path, name: str, *, address: str, chunk_units: int | None = None
) -> tuple[Outcome, list[dict[str, Any]]]:
    folder = workdir / name
    warehouse = Warehouse.open(f"sqlite:///{folder.resolve()}/catalog.db", str(folder.resolve() / "warehouse"))
    run = State.open(warehouse.uri).start_run(TENANT, WORKSPACE, estate.as_of, "stable")
    units = estate.units()
    scanning = job(
        warehouse, units, configured({}, "defaults"), RunStamp(run.run_id, run.as_of), collector=estate.collect
    )
    with reporting() as reporter:
        reporter.stage(f"{name}: {len(units)} units on {'this process' if address == 'none' else 'Ray'}")
        chain = Chain(run, warehouse, reporter, RunResult(run))
        with backend_for(address, scanning) as backend:
            chain.scan(units, backend, chunk_units)
        chain.bills([str(workdir / "bill")])
        result = chain.judge()
    return _outcome(warehouse, run.run_id), list(_stages(warehouse, result))


def _stages(warehouse: Warehouse, result: RunResult) -> Iterator[dict[str, Any]]:
    for stage, seconds in result.seconds.items():
        rows = _of_run(warehouse, _STAGE_TABLES[stage], result.run.run_id)
        count = rows.select(pl.len()).collect().item()
        yield {"stage": stage, "rows": count, "seconds": round(seconds, 2)}


def _of_run(warehouse: Warehouse, table: Table, run_id: str) -> pl.LazyFrame:
    rows = warehouse.scan(table, TENANT)
    return rows.filter(pl.col("run_id") == run_id) if table in (FINDINGS, COVERAGE) else rows


def _outcome(warehouse: Warehouse, run_id: str) -> Outcome:
    def digest(*tables: Table) -> str:
        return hashlib.sha256(
            "".join(_digest(_of_run(warehouse, table, run_id)) for table in tables).encode()
        ).hexdigest()

    return Outcome(digest(FINDINGS), digest(CURRENT), digest(CORRELATED), digest(KPI_DAILY, KPI_MONTHLY))


def _digest(rows: pl.LazyFrame) -> str:
    """Hash rows whatever their order: every row as JSON, hashed, sorted, hashed."""
    schema = rows.collect_schema()
    kept = [name for name in schema if name not in _MOVES]
    as_entries = [pl.col(name).map.entries() if isinstance(schema[name], pl.Map) else pl.col(name) for name in kept]
    lines = rows.select(row=pl.struct(as_entries).struct.json_encode()).collect()["row"].sort()
    state = hashlib.sha256()
    for line in lines:
        state.update(line.encode())
    return state.hexdigest()


def _older_files_read(folder: Path) -> bool:
    """Commit a file that lacks columns of today's schema, and read it beside a file of today."""
    warehouse = Warehouse.open(f"sqlite:///{folder.resolve()}/catalog.db", str(folder.resolve() / "warehouse"))
    row = pl.LazyFrame([{"tenant_id": TENANT, "run_date": AS_OF.date()}], schema=FINDINGS.polars_schema)
    older = Table(FINDINGS.name, FINDINGS.schema.remove(FINDINGS.schema.get_field_index("facet")), FINDINGS.partition)
    location = warehouse.location(FINDINGS)
    paths = [*write_files(location, older, row.drop("facet"), "older"), *write_files(location, FINDINGS, row, "today")]
    add_files(warehouse.load(FINDINGS), paths, {})
    read = warehouse.scan(FINDINGS, TENANT).collect()
    return read.height == len(paths) and read.schema == FINDINGS.polars_schema


def _print(report: dict[str, Any]) -> None:
    console = Console()
    grid = Grid("stage", "rows", "seconds")
    for stage in report["stages"]:
        grid.add_row(stage["stage"], f"{stage['rows']:,}", f"{stage['seconds']:.2f}")
    console.print(grid)
    for check, holds in report["checks"].items():
        console.print(f"{'ok  ' if holds else 'FAIL'} {check}")


if __name__ == "__main__":
    typer.run(main)
