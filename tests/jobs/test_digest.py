"""A digest is the sum of the rows: any order, any cut; every change of a value changes it. Its definition is fixed."""

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.tables import TABLES, Table
from jobs.digest import Digest, digest, digests

TAGS = pl.Map(pl.String, pl.String)
SCHEMA = pl.Schema(
    {
        "tenant_id": pl.String,
        "count": pl.Int64,
        "open": pl.Boolean,
        "day": pl.Date,
        "at": pl.Datetime("us", "UTC"),
        "cost": pl.Decimal(18, 6),
        "money": pl.Struct({"net": pl.Decimal(18, 6), "currency": pl.String}),
        "sources": pl.List(pl.String),
        "tags": TAGS,
    }
)
ROW: dict[str, Any] = {
    "tenant_id": "acme",
    "count": -3,
    "open": True,
    "day": date(1970, 1, 2),
    "at": datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
    "cost": Decimal("1.5"),
    "money": {"net": None, "currency": "é"},
    "sources": ["b", None, "a"],
    "tags": {"b": "1", "a": "2:"},
}
TEXT = "4:acme2:-34:true1:17:10000008:1.5000005:~2:é7:1:b~1:a13:1:a2:2:1:b1:1"


def frame(*rows: dict[str, Any]) -> pl.LazyFrame:
    return pl.LazyFrame(list(rows), schema=SCHEMA)


def test_a_row_is_written_as_the_definition_says() -> None:
    total = int.from_bytes(hashlib.sha256(TEXT.encode()).digest()[:16])
    assert digest(frame(ROW)) == Digest(1, total)
    assert digest(frame(ROW, ROW)) == Digest(2, 2 * total % 2**128)
    empty = hashlib.sha256(("~" * len(SCHEMA)).encode()).digest()
    assert digest(frame({})) == Digest(1, int.from_bytes(empty[:16]))
    assert digest(frame()) == Digest(0, 0)


@pytest.mark.parametrize(
    "changed",
    [
        {"tenant_id": None},
        {"tenant_id": "~"},
        {"tenant_id": ""},
        {"count": 3},
        {"cost": Decimal("1.500001")},
        {"money": None},
        {"money": {"net": Decimal(0), "currency": "é"}},
        {"sources": ["b", "a", None]},
        {"sources": []},
        {"tags": {"b": "1", "a": "2"}},
        {"tags": {}},
        {"tags": None},
    ],
    ids=str,
)
def test_a_changed_value_changes_the_digest(changed: dict[str, Any]) -> None:
    assert digest(frame(ROW | changed)) != digest(frame(ROW))


def test_the_order_of_a_maps_entries_is_no_difference() -> None:
    assert digest(frame(ROW | {"tags": {"a": "2:", "b": "1"}})) == digest(frame(ROW))


VALUES = st.lists(st.tuples(st.text(max_size=3), st.none() | st.text(max_size=3)), max_size=8)


@given(rows=VALUES, other=VALUES)
def test_two_digests_are_the_same_for_the_same_rows_only(
    rows: list[tuple[str, str | None]], other: list[tuple[str, str | None]]
) -> None:
    def of(values: list[tuple[str, str | None]]) -> Digest:
        return digest(pl.LazyFrame(values, schema={"a": pl.String, "b": pl.String}, orient="row"))

    assert of(rows) == of(rows[::-1])
    assert (of(rows) == of(other)) == (sorted(map(repr, rows)) == sorted(map(repr, other)))


def test_partitions_have_digests_of_their_own_that_add_up() -> None:
    rows = [ROW | {"tenant_id": tenant, "count": n} for tenant in ("acme", "globex") for n in range(3)]
    parts = digests(frame(*rows), ["tenant_id", "day"])
    assert list(parts) == [("acme", "1970-01-02"), ("globex", "1970-01-02")]
    assert parts["acme", "1970-01-02"] == digest(frame(*rows[:3]))
    whole = digest(frame(*rows))
    assert whole == Digest(6, sum(each.total for each in parts.values()) % 2**128)


def test_columns_can_be_left_out() -> None:
    assert digest(frame(ROW | {"count": 9}), without={"count"}) == digest(frame(ROW), without={"count"})


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_table_can_be_digested(table: Table) -> None:
    rows = pl.LazyFrame([{"tenant_id": "acme"}, {"tenant_id": "globex"}], schema=table.polars_schema)
    assert len(digests(rows, table.partition)) == 2


def test_a_float_is_refused_as_it_has_no_one_text() -> None:
    with pytest.raises(TypeError, match="float"):
        digest(pl.LazyFrame({"a": [1.0]}))
