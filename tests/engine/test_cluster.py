"""Jobs worked on by Ray tasks give what they give in one process."""

from collections.abc import Iterator
from functools import partial

import polars as pl
import pytest

from catalog.warehouse import Warehouse
from checkers.registry import configured
from contracts.errors import PermanentError
from contracts.seal import RunStamp
from contracts.tables import CORRELATED, CURRENT
from engine.backends import backend_for
from engine.driver import Backend, job
from jobs.correlate import correlate
from jobs.lifecycle import lifecycle
from jobs.shards import Each
from tools.stress.estate import TENANT, StressEstate
from tools.stress.scan import AS_OF, open_warehouse, scan_estate

RUN = "20261101T000000Z-1"
ESTATE = StressEstate(8_000, AS_OF)  # four accounts


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = open_warehouse(tmp_path_factory.mktemp("estate"))
    scan_estate(warehouse, ESTATE, RUN)
    return warehouse


@pytest.fixture(scope="module")
def backend(warehouse: Warehouse) -> Iterator[Backend]:
    scanning = job(warehouse, ESTATE.units(), configured({}, "defaults"), RunStamp(RUN, AS_OF))
    with backend_for("local", scanning) as backend:
        yield backend


def made(warehouse: Warehouse, each: Each, shard_rows: int) -> list[pl.DataFrame]:
    # As if no job had run yet: with unchanged inputs a job does nothing.
    for table, partition in ((CORRELATED, {"run_date": AS_OF.date()}), (CURRENT, {})):
        warehouse.replace(table, pl.DataFrame(schema=table.polars_schema), TENANT, partition=partition)
    for step in (correlate, lifecycle):
        step(warehouse, TENANT, RUN, AS_OF.date(), AS_OF, shard_rows=shard_rows, each=each)
    return [warehouse.scan(table, TENANT).collect().sort("fingerprint") for table in (CORRELATED, CURRENT)]


@pytest.mark.slow
def test_jobs_on_a_cluster_give_the_same_rows_as_in_one_process(warehouse: Warehouse, backend: Backend) -> None:
    here, there = made(warehouse, map, 1_000_000), made(warehouse, backend.each, 1)
    assert [frame.height for frame in here] == [ESTATE.unit_count * 80, ESTATE.unit_count * ESTATE.findings_per_unit]
    assert all(one.equals(other) for one, other in zip(here, there, strict=True))


@pytest.mark.slow
def test_parts_come_back_in_order_and_an_error_of_one_is_that_error(backend: Backend) -> None:
    assert list(backend.each(partial(pow, 2), range(10))) == [2**n for n in range(10)]
    with pytest.raises(PermanentError, match="poison 3"):
        list(backend.each(_refuse_three, range(10)))


def _refuse_three(number: int) -> int:
    if number == 3:
        raise PermanentError(f"poison {number}")
    return number
