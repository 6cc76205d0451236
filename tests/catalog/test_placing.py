"""Files made elsewhere become a table's rows, in an object store as on a disk."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import polars as pl
import pytest
from moto.server import ThreadedMotoServer

from catalog.placing import _placed, replace_by_files
from catalog.warehouse import Warehouse
from contracts.errors import PermanentError
from contracts.tables import CUR_FACTS

LONG = "/providers/microsoft.billing/billingaccounts/8611537"  # longer than the bounds that pyiceberg keeps by default


def facts(folder: Path, payer: str | None, cost: int) -> Path:
    line = {"tenant_id": "acme", "billing_period": "2026-10", "payer_account_id": payer, "unblended_cost": cost}
    path = folder / f"{cost}.parquet"
    pl.DataFrame([line], schema=CUR_FACTS.polars_schema).write_parquet(path)
    return path


@pytest.mark.parametrize("others", [None, f"{LONG}1"])
def test_files_replace_the_rows_of_a_payer_and_no_other_file(
    warehouse: Warehouse, tmp_path: Path, others: str | None
) -> None:
    for payer, cost in ((LONG, 1), (others, 2), (LONG, 3)):
        where = {"billing_period": "2026-10", "payer_account_id": payer}
        replace_by_files(warehouse, CUR_FACTS, [facts(tmp_path, payer, cost)], "acme", where=where)
    assert sorted(warehouse.scan(CUR_FACTS, "acme").collect()["unblended_cost"]) == [2, 3]
    names = {Path(task.file.file_path).name[-7:] for task in warehouse.load(CUR_FACTS).scan().plan_files()}
    assert names == {"0.parquet"[-7:]}  # as they were placed: none was written anew to keep some of its rows
    assert not list(tmp_path.glob("*.parquet"))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "ENDPOINT_URL": f"http://{host}:{port}",
        "ACCESS_KEY_ID": "a",
        "SECRET_ACCESS_KEY": "b",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    boto3.client("s3", "us-east-1").create_bucket(Bucket="lake")
    yield "s3://lake/warehouse"
    server.stop()


def test_a_file_is_placed_in_an_object_store(bucket: str, tmp_path: Path) -> None:
    file = facts(tmp_path, LONG, 1)
    assert _placed(bucket, file, "name") == f"{bucket}/data/name.parquet"
    placed = boto3.client("s3", "us-east-1").get_object(Bucket="lake", Key="warehouse/data/name.parquet")
    assert placed["Body"].read() == file.read_bytes()


def test_a_store_that_takes_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(PermanentError, match=r"writing .*/data/name\.parquet"):
        _placed(str(tmp_path), facts(tmp_path, LONG, 1), "name")
