import gzip
import json
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.warehouse import Warehouse
from contracts.tables import CUR_FACTS
from jobs.costs.dialect import TAG_LIMIT
from jobs.costs.ingest import ingest
from jobs.costs.opening import GZIP_SAMPLE, HEADER_LIMIT, LINES_FLOOR, VALUE_LIMIT

Written = Callable[..., str]
Bill = Callable[..., str]
COST = "line_item_unblended_cost"
LINE: dict[str, Any] = {
    COST: "1",
    "line_item_usage_start_date": "2026-10-05",
    "bill_payer_account_id": "999999999999",
    "line_item_resource_id": "vol-0a",
}


def costs(warehouse: Warehouse, *paths: str) -> list[Decimal]:
    report = ingest(warehouse, "acme", paths)
    assert {file.error for file in report.files} == {None}, report
    return sorted(warehouse.scan(CUR_FACTS, "acme").collect()["unblended_cost"])


def error_of(warehouse: Warehouse, path: str | Path) -> str:
    (file,) = ingest(warehouse, "acme", [str(path)]).files
    assert file.error
    assert warehouse.scan(CUR_FACTS, "acme").collect().is_empty()
    return file.error


def test_months_of_other_types_and_columns_add_up_in_any_order(warehouse: Warehouse, written: Written) -> None:
    """Rows 2 and 22: each file is read alone and by name, whatever the first one of a delivery looks like."""
    net = {"line_item_line_item_type": "Usage", "line_item_net_unblended_cost": 7.5}
    one, two = written([{**LINE, COST: 8}], "1.parquet"), written([{**LINE, COST: "1.0E-7", **net}], "2.parquet")
    three = written([{**LINE, COST: Decimal("2.50")}], "3.parquet")
    expected = [Decimal("0.0000001"), Decimal("2.5"), Decimal(8)]
    assert costs(warehouse, one, two, three) == costs(warehouse, three, two, one) == expected
    assert set(warehouse.scan(CUR_FACTS, "acme").collect()["net_unblended_cost"]) == {None, Decimal("7.5")}


def test_minus_zero_residues_and_negative_costs_are_kept(warehouse: Warehouse, written: Written) -> None:
    """Row 26: only what is no number at all is unknown."""
    given = [-0.0, 1e-10, -3.5, 0.1 + 0.2]
    path = written([{**LINE, COST: cost} for cost in given], "part.parquet")
    assert costs(warehouse, path) == [Decimal("-3.5"), Decimal(0), Decimal("1e-10"), Decimal("0.3")]


def test_a_line_id_that_comes_twice_is_two_lines(warehouse: Warehouse, written: Written) -> None:
    """Row 11: ids are unique in a partition only; equal lines are equal charges."""
    line = {**LINE, "identity_line_item_id": "a"}
    assert costs(warehouse, written([line, line])) == [1, 1]


def test_an_account_under_two_payers_is_in_both_bills(warehouse: Warehouse, written: Written) -> None:
    """Row 24: an account that moved is billed by both, and nothing of it is a duplicate."""
    line = {**LINE, "line_item_usage_account_id": "111111111111"}
    periods = ingest(warehouse, "acme", [written([line, {**line, "bill_payer_account_id": "888888888888"}])]).periods
    assert [(period.payer, period.unblended) for period in periods] == [("888888888888", 1), ("999999999999", 1)]


def test_column_names_may_hold_anything(warehouse: Warehouse, written: Written) -> None:
    """Row 23: a tag's key becomes a column's name, with whatever people put into it."""
    tags = {"resource_tags_user_a.b/c": "1", 'resource_tags_user_x "y", z': "2", "resource_tags_user_ключ": "3"}
    costs(warehouse, written([{**LINE, **tags}], "part.parquet"))
    (fact,) = warehouse.scan(CUR_FACTS, "acme").collect().to_dicts()
    assert fact["tags"] == {"a.b/c": "1", 'x "y", z': "2", "ключ": "3"}


def test_bom_crlf_and_quoted_json_are_nothing_special(warehouse: Warehouse, tmp_path: Path) -> None:
    """Row 19: what spreadsheets and exporters add to a CSV."""
    tags = json.dumps({"user_team": 'a, "b"\r\nc'}).replace('"', '""')
    text = f'{",".join(LINE)},resource_tags\r\n{",".join(LINE.values())},"{tags}"\r\n'
    path = tmp_path / "bill.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert costs(warehouse, str(path)) == [1]
    assert warehouse.scan(CUR_FACTS, "acme").collect()["tags"].to_list() == [{"team": 'a, "b"\r\nc'}]


def test_a_column_without_any_value_is_absent(warehouse: Warehouse, written: Written) -> None:
    """Row 1: pandas and others write a column of nothing without a type."""
    path = written([{**LINE, "line_item_net_unblended_cost": None, "product": {"region": None}}], "part.parquet")
    (period,) = ingest(warehouse, "acme", [path]).periods
    assert (period.unblended, period.net_unblended) == (1, None)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_csv_may_be_separated_otherwise(warehouse: Warehouse, written: Written, delimiter: str) -> None:
    assert costs(warehouse, written([LINE], delimiter=delimiter)) == [1]


@pytest.mark.parametrize("text", ["{}", "[1, 2]", '{"a": 1', "[]", '"text"'])
def test_json_that_is_no_bill_is_named(warehouse: Warehouse, tmp_path: Path, text: str) -> None:
    path = tmp_path / "bill.json"
    path.write_text(text)
    assert error_of(warehouse, path)


def test_a_json_list_is_read_like_json_lines(warehouse: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "bill.json.gz"
    path.write_bytes(gzip.compress(json.dumps([LINE, {**LINE, COST: 0.25}]).encode()))
    assert costs(warehouse, str(path)) == [Decimal("0.25"), 1]


def test_manifests_beside_a_bill_are_not_read(warehouse: Warehouse, written: Written, tmp_path: Path) -> None:
    """Row 9: a delivery holds more than its parts."""
    written([LINE], "d/part.csv")
    (tmp_path / "d" / "cur-Manifest.json").write_text("{}")
    files = ingest(warehouse, "acme", [str(tmp_path / "d")]).files
    assert [file.error for file in files] == ["not a part of a bill by its name", None]


def test_a_folder_of_more_than_a_thousand_files_is_read_whole(warehouse: Warehouse, tmp_path: Path) -> None:
    """Row 20: nothing ends at the page size of a listing."""
    folder = tmp_path / "d"
    folder.mkdir()
    for place in range(1001):
        (folder / f"{place}.csv").touch()
    assert len(ingest(warehouse, "acme", [str(folder)]).files) == 1001


def test_a_long_value_and_many_references_to_it_are_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    """A few kilobytes in the file, two hundred gigabytes in memory."""
    lines = 200_000
    bomb = pa.DictionaryArray.from_arrays(pa.array([0] * lines, pa.int32()), pa.array(["x" * 1_000_000]))
    table = pa.table({**{name: [value] * lines for name, value in LINE.items()}, "line_item_resource_id": bomb})
    path = tmp_path / "part.parquet"
    pq.write_table(table, path, store_schema=False)
    assert path.stat().st_size < 1_000_000
    assert f"a value of more than {VALUE_LIMIT} bytes" in error_of(warehouse, path)


def test_tags_that_no_cloud_allows_are_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    lines = 1000
    tags = pa.array([[("k", "x" * (TAG_LIMIT + 1))]] * lines, pa.map_(pa.string(), pa.string()))
    table = pa.table({**{name: [value] * lines for name, value in LINE.items()}, "resource_tags": tags})
    pq.write_table(table, tmp_path / "part.parquet", compression="zstd")
    assert f"a tag of more than {TAG_LIMIT} bytes" in error_of(warehouse, tmp_path / "part.parquet")


def test_a_column_that_decodes_to_gigabytes_is_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    long = "\0" * 64_000_000
    table = pa.table({**{name: [value] * 9 for name, value in LINE.items()}, "line_item_resource_id": [long] * 9})
    path = tmp_path / "part.parquet"
    pq.write_table(table, path, use_dictionary=False, compression="zstd")
    assert path.stat().st_size < 1_000_000
    assert "column line_item_resource_id decodes to 5760000" in error_of(warehouse, path)


def test_more_lines_than_a_file_can_hold_are_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    lines = LINES_FLOOR + 1
    path = tmp_path / "part.parquet"
    nothing = pa.array([None], pa.string()).take(pa.array([0]))
    with pq.ParquetWriter(path, pa.schema([(COST, pa.string())])) as writer:
        writer.write_table(
            pa.table({COST: pa.concat_arrays([nothing]).take(pa.repeat(0, lines))}), row_group_size=lines
        )
    assert f"{lines} lines in {path.stat().st_size} bytes" in error_of(warehouse, path)


@pytest.mark.parametrize("content", ["line", "zeros"])
def test_a_gzip_that_grows_a_thousandfold_is_refused(warehouse: Warehouse, tmp_path: Path, content: str) -> None:
    block = b"\0" * (1 << 20) if content == "zeros" else (f"{','.join(LINE.values())}\n".encode() * 30_000)
    path = tmp_path / "bill.csv.gz"
    with gzip.open(path, "wb") as file:
        file.write(f"{','.join(LINE)}\n".encode())
        for _ in range(GZIP_SAMPLE // len(block) + 2):
            file.write(block)
    assert "no bill compresses so well" in error_of(warehouse, path)


def test_a_header_or_a_line_without_end_is_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "header.csv").write_text("a," * HEADER_LIMIT)
    assert error_of(warehouse, tmp_path / "header.csv") == "no header line"
    (tmp_path / "line.csv").write_text(f"{','.join(LINE)}\n{'x' * 4_000_000}\n")
    assert "line" in error_of(warehouse, tmp_path / "line.csv").lower()


def test_a_file_that_grows_while_it_is_read_is_named_and_read_when_it_is_done(
    warehouse: Warehouse, written: Written
) -> None:
    path = Path(written([LINE] * 1000))
    line, done = ",".join(LINE.values()) + "\r\n", threading.Event()
    grown = threading.Event()

    def grow() -> None:
        while not done.wait(0.001):
            with path.open("a") as file:
                file.write(line)
            grown.set()

    writer = threading.Thread(target=grow)
    writer.start()
    grown.wait()
    error = None
    try:
        while error is None:  # until a line comes while the file is read: how soon is the scheduler's business
            error = ingest(warehouse, "acme", [str(path)]).files[0].error
    finally:
        done.set()
        writer.join()
    assert error == "the file changed while it was read: it is read when its writer is done"
    assert len(costs(warehouse, str(path))) == path.read_text().count("vol-0a")
