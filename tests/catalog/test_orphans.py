"""Only files that nothing refers to are deleted, only when they are old, and only under the table's location."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import polars as pl
import pytest
from moto.server import ThreadedMotoServer
from pyarrow import fs

from catalog import exactly_once
from catalog.files import Flush, write_files
from catalog.orphans import damaged, orphans, references
from catalog.storage import Storage, key
from catalog.warehouse import Warehouse
from contracts.tables import COVERAGE, FINDINGS, KPI_DAILY, Table

Write = Callable[..., Flush]
NOW = datetime.now(UTC)
TOMORROW = NOW + timedelta(days=1)


def rows(number: int = 1) -> pl.DataFrame:
    return pl.DataFrame([{"tenant_id": "acme", "numerator": number}], schema=KPI_DAILY.polars_schema)


def found(warehouse: Warehouse, table: Table, *, older_than: datetime = TOMORROW) -> list[str]:
    """Return the orphans of a table as if every file of today were old enough."""
    listed = Storage.at(warehouse.location(table)).files()
    return [file.key for file in orphans(warehouse.load(table), listed, older_than, frozenset())]


def test_a_file_that_was_never_committed_is_an_orphan(warehouse: Warehouse) -> None:
    warehouse.append(KPI_DAILY, rows(), "acme")
    left = write_files(warehouse.location(KPI_DAILY), KPI_DAILY, rows().lazy(), "killed")
    assert found(warehouse, KPI_DAILY) == left


def test_a_young_file_is_none(warehouse: Warehouse) -> None:
    write_files(warehouse.location(KPI_DAILY), KPI_DAILY, rows().lazy(), "a-writer-is-at-it")
    assert found(warehouse, KPI_DAILY, older_than=NOW - timedelta(hours=24)) == []


def test_everything_any_snapshot_refers_to_is_live(warehouse: Warehouse) -> None:
    snapshots = [warehouse.replace(KPI_DAILY, rows(number), "acme") for number in range(5)]
    assert found(warehouse, KPI_DAILY) == []
    for number, snapshot_id in enumerate(snapshots):
        read = warehouse.scan(KPI_DAILY, "acme", snapshot_id=snapshot_id).collect()
        assert read["numerator"].cast(pl.Int64).to_list() == [number]
    named = {key(path) for path in references(warehouse.load(KPI_DAILY))}
    assert named == {str(path) for path in Path(warehouse.location(KPI_DAILY)).rglob("*.*")}


def test_neither_links_nor_what_they_point_to_are_touched(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.append(KPI_DAILY, rows(), "acme")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious.parquet").write_text("x")
    data = Path(warehouse.location(KPI_DAILY)) / "data"
    (data / "folder").symlink_to(outside)
    (data / "file.parquet").symlink_to(outside / "precious.parquet")
    os.mkfifo(data / "pipe")
    assert found(warehouse, KPI_DAILY) == []


def test_files_that_a_registered_flush_still_has_to_bring_in_are_live(warehouse: Warehouse, write: Write) -> None:
    exactly_once.register(warehouse, write(warehouse, ["u1"], flush_id="f1"))
    listed = Storage.at(warehouse.location(FINDINGS)).files()
    owed = {key(path) for table, flush in exactly_once.owed(warehouse) for path in flush.files[table.name]}
    assert len(found(warehouse, FINDINGS)) == 1
    assert orphans(warehouse.load(FINDINGS), listed, TOMORROW, owed) == []
    exactly_once.settle(warehouse, "20261101T000000Z-1")
    assert found(warehouse, FINDINGS) == []


def test_what_was_committed_after_the_listing_is_live(warehouse: Warehouse, write: Write) -> None:
    flush = write(warehouse, ["u1"], flush_id="f1")
    listed = Storage.at(warehouse.location(COVERAGE)).files()
    exactly_once.commit(warehouse, flush)
    assert orphans(warehouse.load(COVERAGE), listed, TOMORROW, frozenset()) == []


def test_a_truncated_and_a_missing_data_file_are_named(warehouse: Warehouse) -> None:
    for number in range(3):
        warehouse.append(KPI_DAILY, rows(number), "acme")
    iceberg = warehouse.load(KPI_DAILY)
    whole, short, gone = sorted(Path(task.file.file_path) for task in iceberg.scan().plan_files())
    short.write_bytes(short.read_bytes()[:-100])
    gone.unlink()
    assert damaged(iceberg, Storage.at(iceberg.location()).files()) == sorted([str(short), str(gone)])
    assert str(whole) not in damaged(iceberg, {})[1:]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/w/t/data/a b%20.parquet", "/w/t/data/a b%20.parquet"),
        ("file:///w/t/a.parquet", "/w/t/a.parquet"),
        ("s3://bucket/t/a.parquet", "bucket/t/a.parquet"),
        ("s3a://bucket/t/a#1?.parquet", "bucket/t/a#1?.parquet"),
        ("abfss://box@account.dfs.core.windows.net/t/a.parquet", "box/t/a.parquet"),
    ],
)
def test_a_file_has_one_key_however_its_path_is_spelt(path: str, expected: str) -> None:
    assert key(path) == expected


@pytest.fixture
def bucket() -> str:
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3", "us-east-1", endpoint_url=f"http://{host}:{port}", aws_access_key_id="a", aws_secret_access_key="b"
    )
    client.create_bucket(Bucket="lake")
    for name in ("w/t/data/a.parquet", "w/t/metadata/m.avro", "w/other/b.parquet"):
        client.put_object(Bucket="lake", Key=name, Body=b"1234")
    yield f"s3://a:b@lake/w/t?scheme=http&region=us-east-1&endpoint_override={host}:{port}"
    server.stop()


def test_an_object_store_is_listed_and_cleaned_like_a_disk(bucket: str) -> None:
    storage = Storage.at(bucket)
    listed = storage.files()
    assert {name: file.size for name, file in listed.items()} == {
        "lake/w/t/data/a.parquet": 4,
        "lake/w/t/metadata/m.avro": 4,
    }
    assert abs(listed["lake/w/t/data/a.parquet"].modified - datetime.now(UTC)) < timedelta(minutes=5)
    for _ in range(2):
        storage.delete(listed["lake/w/t/data/a.parquet"])
    assert set(storage.files()) == {"lake/w/t/metadata/m.avro"}


def test_a_location_without_files_lists_nothing(tmp_path: Path) -> None:
    assert Storage.at(f"{tmp_path}/nothing").files() == {}
    assert Storage("nothing", fs.LocalFileSystem()).files() == {}
