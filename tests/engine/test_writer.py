"""A writer takes every unit once, closes whole units, and loses nothing to a failure."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from contracts.tables import COVERAGE, FINDINGS
from engine.scan import Scanned
from engine.writer import Limits, Writer

RUN = "20261101T000000Z-1"


def scanned(*units: str) -> Scanned:
    common = {"tenant_id": "acme", "run_id": RUN, "run_date": date(2026, 11, 1)}
    rows = [common | {"unit_id": unit} for unit in units]
    tables = {table.name: pl.DataFrame(rows, schema=table.polars_schema) for table in (COVERAGE, FINDINGS)}
    return Scanned(units, tables)


class Exhausted(Mapping[str, pl.DataFrame]):
    """Rows for which memory does not suffice."""

    def __getitem__(self, name: str) -> pl.DataFrame:
        raise MemoryError(name)

    def __iter__(self) -> Iterator[str]:
        return iter((COVERAGE.name,))

    def __len__(self) -> int:
        return 1


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    return Writer(RUN, {table.name: str(tmp_path / table.name) for table in (COVERAGE, FINDINGS)}, Limits(rows=6))


def written(writer: Writer) -> list[str]:
    flushes = writer.drain(everything=True)
    rows = [pl.read_parquet(path)["unit_id"].to_list() for flush in flushes for path in flush.files[FINDINGS.name]]
    found = sorted(unit for each in rows for unit in each)
    assert found == sorted(unit for flush in flushes for unit in flush.units)
    return found


def test_a_repetition_is_left_out_and_a_full_buffer_is_closed(writer: Writer) -> None:
    writer.add(scanned("u1", "u2"))
    assert writer.drain(everything=False) == []
    writer.add(scanned("u2", "u3"))
    (closed,) = writer.drain(everything=False)
    assert closed.units == ("u1", "u2", "u3")
    assert written(writer) == []


def test_units_for_which_memory_did_not_suffice_are_taken_when_they_come_again(writer: Writer) -> None:
    writer.add(scanned("u1"))
    with pytest.raises(MemoryError):
        writer.add(Scanned(("u1", "u2"), Exhausted()))
    writer.add(scanned("u1", "u2"))
    assert written(writer) == ["u1", "u2"]


def test_files_are_closed_after_a_number_of_units_however_few_rows_they_have(tmp_path: Path) -> None:
    locations = {table.name: str(tmp_path / table.name) for table in (COVERAGE, FINDINGS)}
    writer = Writer(RUN, locations, Limits(units=2))
    writer.add(scanned("u1"))
    assert writer.drain(everything=False) == []
    writer.add(scanned("u2", "u3"))
    writer.add(scanned("u4"))
    assert [flush.units for flush in writer.drain(everything=False)] == [("u1", "u2", "u3")]
    assert written(writer) == ["u4"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"acme": ["2", "1"]}, {"acme": ["4", "3"]}),
        ({"acme": ["4", "3"]}, {"acme": ["2", "1"]}),
        ({"acme": ["1", "3"]}, {"acme": ["2", "3"]}),
        ({"acme": ["2"], "beta": ["1"]}, {"acme": ["3"], "beta": ["4", None]}),
    ],
)
def test_rows_of_several_chunks_lie_in_the_order_of_their_table(
    tmp_path: Path, first: dict[str, list[str | None]], second: dict[str, list[str | None]]
) -> None:
    writer = Writer(RUN, {FINDINGS.name: str(tmp_path)})
    for number, accounts in enumerate((first, second)):
        rows = [
            {"tenant_id": tenant, "account_id": account, "resource_id": resource, "run_date": date(2026, 11, 1)}
            for tenant, mine in accounts.items()
            for account in mine
            for resource in ("b", "a")
        ]
        frame = pl.DataFrame(rows, schema=FINDINGS.polars_schema)
        writer.add(Scanned((f"u{number}",), {FINDINGS.name: frame}))
    (flush,) = writer.drain(everything=True)
    files = [pl.read_parquet(path) for path in flush.files[FINDINGS.name]]
    assert sum(file.height for file in files) == 2 * sum(
        len(each) for part in (first, second) for each in part.values()
    )
    assert all(file.equals(file.sort(FINDINGS.order)) for file in files)
    assert len(files) == len(first), "one of each tenant"
