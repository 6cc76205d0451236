"""Sealing and committing findings of many tenants, against writing the sealed rows as one file."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from catalog import exactly_once
from catalog.warehouse import Warehouse
from contracts.seal import seal
from contracts.tables import COVERAGE, FINDINGS, REJECTED
from engine.driver import chunk_size
from engine.scan import Scanned
from engine.writer import Writer
from tools.stress.benchmarks.contract import STAMP
from tools.stress.benchmarks.floor import Figure, compare, timed, write_one_file
from tools.stress.drafts import DRAFTS_PER_ACCOUNT, DRAFTS_PER_UNIT, drafts
from tools.stress.runs import open_warehouse

TARGET = 3.0
TENANTS = 50
_TABLES = (COVERAGE, FINDINGS, REJECTED)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """What a task's checks have made of its units: drafts, and what was evaluated."""

    drafts: pl.DataFrame
    coverage: pl.DataFrame

    def sealed(self) -> Scanned:
        """Do what a task does after its checks."""
        sealed = seal(self.drafts, STAMP)
        units = tuple(self.coverage["unit_id"].unique().sort())
        tables = {COVERAGE.name: self.coverage, FINDINGS.name: sealed.findings, REJECTED.name: sealed.rejected}
        return Scanned(units, tables)


def write(n: int, repeat: int) -> list[Figure]:
    """Measure the way from `n` drafts of 50 tenants, in chunks of units as tasks hand them over, to committed rows."""
    batch = drafts(n, tenants=TENANTS)
    findings = seal(batch, STAMP).findings
    chunks = [_Chunk(rows, _coverage(rows)) for rows in _in_chunks(batch)]
    committed: list[pl.DataFrame] = []

    def subject(folder: Path) -> float:
        warehouse = open_warehouse(folder)
        seconds = timed(lambda: seal_and_commit(warehouse, chunks))
        committed[:] = [_digests(warehouse)]
        return seconds

    def floor(folder: Path) -> float:
        return write_one_file(findings, folder)

    def agrees() -> bool:
        return committed[0].equals(findings.select("tenant_id", "fingerprint").sort("tenant_id", "fingerprint"))

    return [compare("write", n, subject, floor, target=TARGET, repeat=repeat, agrees=agrees)]


def seal_and_commit(warehouse: Warehouse, chunks: Sequence[_Chunk]) -> None:
    """Seal as many chunks at a time as there are CPUs, as a run's tasks do, and commit what the writer closes."""
    writer = Writer(STAMP.run_id, {table.name: warehouse.location(table) for table in _TABLES})
    with ThreadPoolExecutor(pl.thread_pool_size()) as tasks:
        for scanned in tasks.map(_Chunk.sealed, chunks):
            writer.add(scanned)
            _commit(warehouse, writer, everything=False)
    _commit(warehouse, writer, everything=True)


def _commit(warehouse: Warehouse, writer: Writer, *, everything: bool) -> None:
    for flush in writer.drain(everything=everything):
        exactly_once.commit(warehouse, flush)


def _in_chunks(batch: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Cut a batch into chunks of whole accounts, about as large as a run's of so many units."""
    rows = chunk_size(batch.height // DRAFTS_PER_UNIT) * DRAFTS_PER_UNIT
    yield from batch.iter_slices(rows // DRAFTS_PER_ACCOUNT * DRAFTS_PER_ACCOUNT)


def _coverage(chunk: pl.DataFrame) -> pl.DataFrame:
    """Make a row for every unit and check with findings."""
    rows = chunk.group_by("tenant_id", "unit_id", "workspace", "provider", "account_id", "region", "check_id").agg(
        findings=pl.len()
    )
    known = rows.rename({"check_id": "name"}).with_columns(
        run_id=pl.lit(STAMP.run_id), run_date=pl.lit(STAMP.run_date), subject=pl.lit("check"), outcome=pl.lit("ok")
    )
    schema = COVERAGE.polars_schema
    absent = {name: pl.lit(None) for name in schema if name not in known.columns}
    return known.with_columns(**absent).select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def _digests(warehouse: Warehouse) -> pl.DataFrame:
    rows = [warehouse.scan(FINDINGS, f"tenant-{number:04}") for number in range(TENANTS)]
    return pl.concat(rows).select("tenant_id", "fingerprint").sort("tenant_id", "fingerprint").collect()
