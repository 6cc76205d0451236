"""Every unit is in the tables exactly once, whoever commits how often and dies when."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from catalog import exactly_once
from catalog.changes import add_files
from catalog.files import Flush
from catalog.warehouse import Warehouse
from contracts.errors import TransientError
from contracts.tables import COVERAGE, FINDINGS, Table

Write = Callable[..., Flush]


def stored(warehouse: Warehouse, table: Table) -> Counter[str]:
    return Counter(warehouse.scan(table, "acme").collect()["unit_id"].to_list())


def test_a_flush_puts_its_units_into_every_table(warehouse: Warehouse, write: Write) -> None:
    flush = write(warehouse, ["u1", "u2"], flush_id="f1")
    assert exactly_once.commit(warehouse, flush) == ("u1", "u2")
    assert stored(warehouse, FINDINGS) == {"u1": 2, "u2": 2}
    assert exactly_once.committed_units(warehouse, flush.run_id) == {"u1", "u2"}


def test_the_same_flush_twice_changes_nothing(warehouse: Warehouse, write: Write) -> None:
    flush = write(warehouse, ["u1"], flush_id="f1")
    assert [exactly_once.commit(warehouse, flush) for _ in range(2)] == [("u1",), ("u1",)]
    assert stored(warehouse, FINDINGS) == {"u1": 2}
    assert exactly_once.commits(warehouse, flush.run_id) == 2


def test_units_that_another_flush_has_made_done_are_left_out(warehouse: Warehouse, write: Write) -> None:
    exactly_once.commit(warehouse, write(warehouse, ["u1", "u2"], flush_id="f1"))
    assert exactly_once.commit(warehouse, write(warehouse, ["u2", "u3"], flush_id="f2")) == ("u3",)
    assert exactly_once.commit(warehouse, write(warehouse, ["u1", "u3"], flush_id="f3")) == ()
    assert stored(warehouse, FINDINGS) == {"u1": 2, "u2": 2, "u3": 2}
    assert stored(warehouse, COVERAGE) == {"u1": 1, "u2": 1, "u3": 1}


def test_another_run_may_hold_the_same_units(warehouse: Warehouse, write: Write) -> None:
    exactly_once.commit(warehouse, write(warehouse, ["u1"], flush_id="f1"))
    other = replace(write(warehouse, ["u1"], flush_id="f2"), run_id="another")
    assert exactly_once.commit(warehouse, other) == ("u1",)


def test_what_a_killed_committer_owes_is_settled_by_whoever_comes_next(warehouse: Warehouse, write: Write) -> None:
    flush = write(warehouse, ["u1"], flush_id="f1")
    exactly_once.register(warehouse, flush)
    assert stored(warehouse, FINDINGS) == {}
    exactly_once.settle(warehouse, flush.run_id)
    exactly_once.settle(warehouse, flush.run_id)
    assert stored(warehouse, FINDINGS) == {"u1": 2}


def test_a_stale_table_is_refused_so_that_the_loop_looks_again(warehouse: Warehouse, write: Write) -> None:
    stale = warehouse.load(COVERAGE)
    exactly_once.commit(warehouse, write(warehouse, ["u1"], flush_id="f1"))
    late = write(warehouse, ["u2"], flush_id="f2")
    with pytest.raises(TransientError, match=r"commit to .*finops_coverage"):
        add_files(stale, late.files[COVERAGE.name], {})


def test_a_locked_catalog_is_tried_again_until_it_is_free(write: Write, tmp_path: Path) -> None:
    warehouse = Warehouse.open(f"sqlite:///{tmp_path}/catalog.db?timeout=0.05", str(tmp_path / "warehouse"))
    flush = write(warehouse, ["u1"], flush_id="f1")
    lock = sqlite3.connect(tmp_path / "catalog.db")
    lock.execute("BEGIN EXCLUSIVE")
    tries: list[int] = []

    def release_at_the_second(details: RetryDetails) -> None:
        tries.append(details.retry_num)
        if len(tries) == 2:
            lock.rollback()

    set_on_retry_hooks([release_at_the_second])
    try:
        assert exactly_once.commit(warehouse, flush) == ("u1",)
    finally:
        set_on_retry_hooks(None)
        lock.close()
    assert tries == [1, 2]
    assert stored(warehouse, FINDINGS) == {"u1": 2}
