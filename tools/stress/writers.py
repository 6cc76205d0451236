"""Measure what the number of writers and tenants costs: files, commits and rows a second (ADR 0003).

python -m tools.stress.writers WORKDIR [--n 200000]
"""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import polars as pl
import ray
import typer

from catalog import exactly_once
from catalog.warehouse import Warehouse
from contracts.seal import RunStamp, seal
from contracts.tables import COVERAGE, FINDINGS, REJECTED, TABLES
from contracts.units import UNIT_KEY
from engine.cluster import cluster
from engine.placement import placement
from engine.ray_backend import WriterActor
from engine.scan import Scanned
from engine.work import CHUNK_UNITS
from engine.writer import Limits, only
from tools.stress.drafts import drafts
from tools.stress.scan import AS_OF, open_warehouse

WRITERS, TENANTS = (1, 4, 16), (1, 100, 2_000)
STAMP = RunStamp("20261101T000000Z-1", AS_OF)
_IN_FLIGHT = 4  # chunks, as two CPUs keep them


def chunks(n: int, tenants: int) -> Iterator[Scanned]:
    """Yield sealed chunks as tasks hand them over; with many tenants the units are small, so that each has some."""
    units = max(n // 500, tenants)
    unit = pl.int_range(n) * units // n
    batch = drafts(n).with_columns(
        tenant_id=pl.format("tenant-{}", unit % tenants), unit_id=pl.format("tenant-{}/unit-{}", unit % tenants, unit)
    )
    rows = -(-n // units) * CHUNK_UNITS
    for start in range(0, n, rows):
        sealed = seal(batch.slice(start, rows), STAMP)
        key = sealed.findings.select(UNIT_KEY).unique("unit_id")
        stamped = key.with_columns(run_id=pl.lit(STAMP.run_id), run_date=pl.lit(STAMP.run_date), outcome=pl.lit("ok"))
        schema = COVERAGE.polars_schema
        absent = {name: pl.lit(None, dtype=kind) for name, kind in schema.items() if name not in stamped.columns}
        coverage = stamped.with_columns(**absent).select(pl.col(name).cast(kind) for name, kind in schema.items())
        tables = {COVERAGE.name: coverage, FINDINGS.name: sealed.findings, REJECTED.name: sealed.rejected}
        yield Scanned(tuple(sorted(key["unit_id"])), tables)


def write_and_commit(warehouse: Warehouse, sealed: list[Scanned], writers: int) -> float:
    """Send chunks to writer actors as tasks do, drain and commit as the driver does; returns the seconds it took."""
    locations = {name: warehouse.location(TABLES[name]) for name in (COVERAGE.name, FINDINGS.name, REJECTED.name)}
    actors = [WriterActor.remote(STAMP.run_id, locations, Limits()) for _ in range(writers)]
    ray.get([actor.drain.remote(everything=False) for actor in actors])  # until they are up
    tenant_units = dict(Counter(unit.partition("/")[0] for chunk in sealed for unit in chunk.units))
    started = time.perf_counter()
    for start in range(0, len(sealed), _IN_FLIGHT):
        added = [
            actors[at].add.remote(only(chunk, units))
            for chunk in sealed[start : start + _IN_FLIGHT]
            for at, units in placement(chunk.units, tenant_units, writers).items()
        ]
        ray.get(added)
        _commit(warehouse, actors, everything=False)
    _commit(warehouse, actors, everything=True)
    seconds = time.perf_counter() - started
    for actor in actors:
        ray.kill(actor)
    return seconds


def _commit(warehouse: Warehouse, actors: list[ray.actor.ActorHandle], *, everything: bool) -> None:
    for flushes in ray.get([actor.drain.remote(everything=everything) for actor in actors]):
        for flush in flushes:
            exactly_once.commit(warehouse, flush)


def main(workdir: Path, n: Annotated[int, typer.Option("--n")] = 200_000) -> None:
    """Print a row for each number of tenants and writers."""
    with cluster("local"):
        write_and_commit(open_warehouse(workdir / "warm-up"), list(chunks(n // 10, 1)), 1)
        typer.echo("| tenants | writers | files of findings | commits | seconds | rows/s |\n|---|---|---|---|---|---|")
        for tenants in TENANTS:
            sealed = list(chunks(n, tenants))
            for writers in WRITERS:
                warehouse = open_warehouse(workdir / f"{tenants}-{writers}")
                seconds = write_and_commit(warehouse, sealed, writers)
                files = warehouse.load(FINDINGS).inspect.data_files().num_rows
                commits = exactly_once.commits(warehouse, STAMP.run_id)
                typer.echo(f"| {tenants:,} | {writers} | {files:,} | {commits} | {seconds:.1f} | {n / seconds:,.0f} |")


if __name__ == "__main__":
    typer.run(main)
