"""Bills are loaded while a scan waits for its APIs; neither takes the other with it."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from catalog.state import State
from catalog.warehouse import Warehouse
from checkers.base import Dataset
from checkers.registry import configured
from contracts.errors import TransientError
from contracts.seal import RunStamp
from contracts.tables import COVERAGE, CUR_FACTS
from engine.chain import Chain, Reporter, RunResult
from engine.collect.unit import Reading
from engine.driver import Backend, job
from engine.inline import InlineBackend
from engine.plan import PlannedUnit
from engine.scan import Collector
from jobs.costs.ingest import Read
from tools.stress.estate import TENANT, WORKSPACE, StressEstate
from tools.stress.scan import AS_OF, open_warehouse

ESTATE = StressEstate(980, AS_OF)
LONGEST_WAIT = 60


class Broken(InlineBackend):
    def scan(self, _tasks: object) -> None:
        raise TransientError("the cluster is gone")


@dataclass(frozen=True)
class SlowApi:
    """Answers once the bill is loaded, so that a scan which had to come first would find nothing."""

    warehouse: Warehouse

    def collect(self, planned: PlannedUnit, datasets: Sequence[Dataset], as_of: datetime) -> list[Reading]:
        until = time.monotonic() + LONGEST_WAIT
        while self.warehouse.snapshot_id(CUR_FACTS) is None:
            assert time.monotonic() < until, "the bill waits for the scan"
            time.sleep(0.05)
        return ESTATE.collect(planned, datasets, as_of)


def chain(warehouse: Warehouse, said: list[str]) -> Chain:
    run = State.open(warehouse.uri).start_run(TENANT, WORKSPACE, AS_OF, "stable")
    return Chain(run, warehouse, Reporter(stage=said.append, progress=lambda _done, _total: None), RunResult(run))


def backend(made: Chain, collector: Collector, kind: type[InlineBackend] = InlineBackend) -> Backend:
    stamp, checks = RunStamp(made.run.run_id, AS_OF), configured({}, "defaults")
    return kind(job(made.warehouse, ESTATE.units(), checks, stamp, collector))


def unloadable(*_: object) -> Iterable[Read]:
    raise TransientError("the storage is away")


def test_bills_are_loaded_while_the_scan_waits(tmp_path: Path) -> None:
    warehouse, bill = open_warehouse(tmp_path), ESTATE.write_bill(tmp_path / "bill")
    made = chain(warehouse, said := [])
    made.read(ESTATE.units(), backend(made, SlowApi(warehouse).collect), [str(bill)])
    assert said == ["bills", "scan"]
    result = made.judge()
    assert result.units == {"ok": ESTATE.unit_count}
    assert result.findings == ESTATE.unit_count * ESTATE.findings_per_unit
    assert result.bills is not None
    assert sum(each["facts"] for each in result.bills["files"]) == ESTATE.bill_lines
    assert {"scan", "bills"} < result.seconds.keys()


def test_a_scan_that_cannot_go_on_does_not_lose_the_bills(tmp_path: Path) -> None:
    warehouse, bill = open_warehouse(tmp_path), ESTATE.write_bill(tmp_path / "bill")
    made = chain(warehouse, [])
    with pytest.raises(TransientError, match="the cluster is gone"):
        made.read(ESTATE.units(), backend(made, ESTATE.collect, Broken), [str(bill)])
    assert warehouse.scan(CUR_FACTS, TENANT).collect().height == ESTATE.bill_lines


def test_bills_that_cannot_be_loaded_are_told_and_the_scan_comes_to_its_end(tmp_path: Path) -> None:
    warehouse, bill = open_warehouse(tmp_path), ESTATE.write_bill(tmp_path / "bill")
    made = chain(warehouse, said := [])
    with pytest.raises(TransientError, match="the storage is away"):
        made.read(ESTATE.units(), backend(made, ESTATE.collect), [str(bill)], stage_all=unloadable)
    assert "bills: the storage is away" in said
    done = warehouse.scan(COVERAGE, TENANT).select("unit_id").collect()["unit_id"].n_unique()
    assert done == ESTATE.unit_count


def test_where_both_fail_both_are_told(tmp_path: Path) -> None:
    warehouse, bill = open_warehouse(tmp_path), ESTATE.write_bill(tmp_path / "bill")
    made = chain(warehouse, said := [])
    with pytest.raises(TransientError, match="the cluster is gone"):
        made.read(ESTATE.units(), backend(made, ESTATE.collect, Broken), [str(bill)], stage_all=unloadable)
    assert "bills: the storage is away" in said
