"""The whole chain over a generated estate, against writing the findings it makes as one file."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from catalog.state import State
from catalog.warehouse import Warehouse
from checkers.registry import configured
from contracts.seal import RunStamp
from contracts.tables import CURRENT, FINDINGS
from engine.chain import Chain, Reporter, RunResult, unit_outcome
from engine.driver import job
from tools.stress.benchmarks.contract import STAMP
from tools.stress.benchmarks.floor import Figure, compare, write_one_file
from tools.stress.estate import TENANT, WORKSPACE, StressEstate
from tools.stress.runs import INLINE, WORKERS, backend, open_warehouse

TARGET = 15.0
_SILENT = Reporter(stage=lambda _text: None, progress=lambda _done, _total: None)


def pipeline(n: int, repeat: int) -> list[Figure]:
    """Measure inventory, checks, sealing, writing, the bill, and all jobs up to the release: as `finops run`, on Ray.

    And in one process. From the first task to the release: the cluster and its processes are up by then.
    """
    return [measured("pipeline", n, repeat, WORKERS), measured("pipeline_one_process", n, repeat, INLINE)]


def measured(name: str, n: int, repeat: int, workers: int) -> Figure:
    """Measure the chain on so many Ray workers, or in this process."""
    estate = StressEstate(n, STAMP.as_of)
    expected = estate.unit_count * estate.findings_per_unit
    current: list[int] = []
    with TemporaryDirectory(prefix="bench-") as scratch:
        made, bill = Path(scratch, "findings.parquet"), estate.write_bill(Path(scratch, "bill"))

        def subject(folder: Path) -> float:
            warehouse = open_warehouse(folder)
            _, seconds = run_chain(warehouse, estate, bill, workers)
            # On disk until the floor needs them, so that they are in the subject's memory at no time.
            warehouse.scan(FINDINGS, TENANT).sink_parquet(made)
            current.append(warehouse.scan(CURRENT, TENANT).select(pl.len()).collect().item())
            return seconds

        def floor(folder: Path) -> float:
            return write_one_file(pl.read_parquet(made), folder)

        def agrees() -> bool:
            found = pl.scan_parquet(made).select(pl.col("fingerprint").n_unique()).collect().item()
            return {found, *current} == {expected}

        return compare(name, expected, subject, floor, target=TARGET, repeat=repeat, agrees=agrees)


def run_chain(warehouse: Warehouse, estate: StressEstate, bill: Path, workers: int = INLINE) -> tuple[RunResult, float]:
    """Run every stage of the chain once, as `finops run` does, without a cloud; returns its seconds, too."""
    run = State.open(warehouse.uri).start_run(TENANT, WORKSPACE, estate.as_of, "stable")
    units, checks = estate.units(), configured({}, "defaults")
    scanning = job(warehouse, units, checks, RunStamp(run.run_id, run.as_of), collector=estate.collect)
    chain = Chain(run, warehouse, _SILENT, RunResult(run))
    with backend(scanning, workers) as chosen:
        list(chosen.each(unit_outcome, [("ok",)] * 2 * workers))  # every worker loads the engine for it
        started = time.perf_counter()
        chain.read(units, chosen, [str(bill)])
        return chain.judge(chosen.each), time.perf_counter() - started
