"""Bills in object stores: listed to the end, fetched one by one, named by their URL, refused clearly."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from catalog.warehouse import Warehouse
from contracts.tables import CUR_FACTS
from jobs.costs.ingest import ingest
from jobs.costs.sources import find

Bill = Callable[..., str]
MONTH = "cur/20261001-20261101"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def put(server: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes], None]:
    """Put an object into a bucket that the environment points at, as it would at Amazon's."""
    environment = {"AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", "us-east-1")
    client.create_bucket(Bucket="bills")
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="bills"):
        if found := [{"Key": each["Key"]} for each in page.get("Contents", [])]:
            client.delete_objects(Bucket="bills", Delete={"Objects": found})
    return lambda key, body: client.put_object(Bucket="bills", Key=key, Body=body) and None


def test_a_delivery_in_a_bucket_is_read_by_its_manifest(
    warehouse: Warehouse, bill: Bill, put: Callable[[str, bytes], None]
) -> None:
    part = Path(bill([{"lineItem/UnblendedCost": "2.5"}], "part.csv.gz")).read_bytes()
    put(f"acme/{MONTH}/new/cur-1.csv.gz", part)
    put(f"acme/{MONTH}/old/cur-1.csv.gz", gzip.compress(b"stale"))
    keys = [f"acme/{MONTH}/new/cur-1.csv.gz", f"globex/{MONTH}/new/cur-9.csv.gz"]
    put(f"acme/{MONTH}/cur-Manifest.json", json.dumps({"assemblyId": "new", "reportKeys": keys}).encode())
    put(f"globex/{MONTH}/new/cur-9.csv.gz", part)
    report = ingest(warehouse, "acme", ["s3://bills/acme/"])
    errors = {file.path: file.error for file in report.files}
    assert errors[f"s3://bills/acme/{MONTH}/new/cur-1.csv.gz"] is None
    assert "an earlier delivery's" in str(errors[f"s3://bills/acme/{MONTH}/old/cur-1.csv.gz"])
    assert "not in what was named" in str(errors[keys[1]])
    assert [(period.unblended, period.status) for period in report.periods] == [(2.5, "partial")]
    assert set(warehouse.scan(CUR_FACTS, "acme").collect()["source_file"]) == {
        f"s3://bills/acme/{MONTH}/new/cur-1.csv.gz"
    }


def test_an_object_may_be_named_itself(warehouse: Warehouse, bill: Bill, put: Callable[[str, bytes], None]) -> None:
    put("one.csv", Path(bill([{}])).read_bytes())
    (file,) = ingest(warehouse, "acme", ["s3://bills/one.csv"]).files
    assert (file.path, file.error, file.facts) == ("s3://bills/one.csv", None, 1)


def test_a_bucket_of_more_than_a_thousand_objects_is_listed_whole(put: Callable[[str, bytes], None]) -> None:
    """Row 20: a page of a listing has a thousand."""
    put("many/0.csv", b"x")
    backend = s3_backends["123456789012"]["aws"]
    for place in range(1, 1001):
        backend.put_object("bills", f"many/{place}.csv", b"x")
    assert len({each.path for each in find("s3://bills/many")}) == 1001


def test_what_a_bucket_does_not_have_is_named(put: Callable[[str, bytes], None]) -> None:
    del put
    for url in ("s3://bills/nowhere", "s3://nobody/x"):
        (found,) = find(url)
        assert (found.path, found.refused) == (url, "nothing there")


@pytest.mark.parametrize(
    "url",
    [
        "gs://anonymous@bucket/x?endpoint_override=127.0.0.1:1&scheme=http&retry_limit_seconds=1",
        "ftp://bucket/x",
        "s3:///x",
    ],
)
def test_a_store_that_cannot_be_reached_is_named_with_its_reason(url: str) -> None:
    (found,) = find(url)
    assert (found.path, found.listed) == (url, False)
    assert found.refused


def test_a_url_with_a_password_is_not_even_shown() -> None:
    (found,) = find("s3://key:secret@bucket/x")
    assert "secret" not in str(found)
    assert found.refused
