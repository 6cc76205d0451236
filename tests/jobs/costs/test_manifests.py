"""Deliveries as AWS writes them, in folders: which of the files are the current one."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from jobs.costs.manifests import Delivered, delivered

Put = Callable[..., Path]
HOUR = 3600
MONTH, PERIOD = "cur/20261001-20261101", {"start": "20261001T000000.000Z", "end": "20261101T000000.000Z"}
OLD, NEW = "20261002T080000Z", "20261003T080000Z"
EXPORT = "cur2/{}/BILLING_PERIOD=2026-10"


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Write a file below `bills/`, so many hours after the first delivery."""

    def made(name: str, content: Any = "x", hours: float = 0) -> Path:
        path = tmp_path / "bills" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        os.utime(path, (1e9 + hours * HOUR,) * 2)
        return path

    return made


@pytest.fixture
def found(tmp_path: Path) -> Callable[..., tuple[list[str], dict[str, str], Delivered]]:
    """Look into `bills/` or a folder of it; return what is read, what is not and why, by its place in `bills/`."""

    def made(folder: str = "") -> tuple[list[str], dict[str, str], Delivered]:
        chosen = delivered([str(tmp_path / "bills" / folder)])
        places = {source: source.path.removeprefix(f"{tmp_path}/bills/") for source in chosen.sources}
        read = [place for source, place in places.items() if source.refused is None]
        return read, {place: source.refused for source, place in places.items() if source.refused}, chosen

    return made


def legacy(assembly: str, keys: Sequence[str], **changes: Any) -> dict[str, Any]:
    return {
        "assemblyId": assembly,
        "reportName": "cur",
        "billingPeriod": PERIOD,
        "reportKeys": [f"prefix/{key}" for key in keys],
        **changes,
    }


def test_only_the_assembly_of_the_root_manifest_is_read(put: Put, found: Callable[..., Any]) -> None:
    """Row 7: two assemblies of one period nearly double it."""
    for assembly in (OLD, NEW):
        put(f"{MONTH}/{assembly}/cur-1.csv.gz")
        put(f"{MONTH}/{assembly}/cur-Manifest.json", legacy(assembly, [f"{MONTH}/{assembly}/cur-1.csv.gz"]))
    put(f"{MONTH}/cur-Manifest.json", legacy(OLD, [f"{MONTH}/{OLD}/cur-1.csv.gz"]))
    read, refused, chosen = found()
    assert read == [f"{MONTH}/{OLD}/cur-1.csv.gz"]
    assert "an earlier delivery's" in refused[f"{MONTH}/{NEW}/cur-1.csv.gz"]
    assert not chosen.warnings
    assert {source.period for source in chosen.sources if source.refused is None} == {"2026-10"}


def test_a_part_that_the_manifest_does_not_list_is_stale(put: Put, found: Callable[..., Any]) -> None:
    """Row 8: a new delivery may have fewer parts than the one it overwrote."""
    put(f"{MONTH}/cur-Manifest.json", legacy(NEW, [f"{MONTH}/cur-1.csv.gz"]))
    put(f"{MONTH}/cur-1.csv.gz")
    put(f"{MONTH}/cur-2.csv.gz")
    read, refused, _ = found()
    assert read == [f"{MONTH}/cur-1.csv.gz"]
    assert list(refused) == [f"{MONTH}/cur-2.csv.gz"]


def test_athenas_folders_are_ruled_by_the_manifest_beside_them(put: Put, found: Callable[..., Any]) -> None:
    part, stale = "cur/cur/year=2026/month=10/cur-1.snappy.parquet", "cur/cur/year=2026/month=10/cur-2.snappy.parquet"
    other = "cur/cur/year=2026/month=9/cur-1.snappy.parquet"
    for name in (part, stale, other):
        put(name)
    put(f"{MONTH}/cur-Manifest.json", legacy(NEW, [part]))
    read, refused, chosen = found()
    assert read == [part, other]
    assert list(refused) == [stale]
    assert len(chosen.warnings) == 1
    assert "month=9: no manifest" in chosen.warnings[0]


def test_data_exports_list_their_files_as_urls(put: Put, found: Callable[..., Any]) -> None:
    data, metadata = EXPORT.format("data"), EXPORT.format("metadata")
    for execution in (OLD, NEW):
        put(f"{data}/{execution}/cur2-1.snappy.parquet")
        manifest = {
            "executionId": execution,
            "exportName": "cur2",
            "dataFiles": [f"s3://bucket/{data}/{execution}/cur2-1.snappy.parquet"],
        }
        put(f"{metadata}/{execution}/cur2-Manifest.json", manifest, hours=(OLD, NEW).index(execution))
    read, refused, chosen = found()
    assert read == [f"{data}/{NEW}/cur2-1.snappy.parquet"]
    assert f"{data}/{OLD}/cur2-1.snappy.parquet" in refused
    assert ["the newest" in warning for warning in chosen.warnings] == [True]


def test_a_copy_of_one_folder_of_the_bucket_is_understood(put: Put, found: Callable[..., Any]) -> None:
    put(f"{MONTH}/cur-Manifest.json", legacy(NEW, [f"{MONTH}/{NEW}/cur-1.csv.gz"]))
    put(f"{MONTH}/{NEW}/cur-1.csv.gz")
    assert found(MONTH)[0] == [f"{MONTH}/{NEW}/cur-1.csv.gz"]


def test_what_a_manifest_lists_and_is_not_there_is_named(put: Put, found: Callable[..., Any]) -> None:
    put(f"{MONTH}/cur-Manifest.json", legacy(NEW, [f"{MONTH}/{NEW}/cur-{part}.csv.gz" for part in (1, 2)]))
    put(f"{MONTH}/{NEW}/cur-1.csv.gz")
    put(f"{MONTH}/{OLD}/cur-2.csv.gz")
    read, refused, chosen = found()
    assert read == [f"{MONTH}/{NEW}/cur-1.csv.gz"]
    missing = f"prefix/{MONTH}/{NEW}/cur-2.csv.gz"
    assert "it is not in what was named" in refused[missing]
    assert [(source.period, source.expected) for source in chosen.sources if source.path == missing] == [
        ("2026-10", True)
    ]
    assert "an earlier delivery's" in refused[f"{MONTH}/{OLD}/cur-2.csv.gz"]


def test_a_delivery_whose_parts_are_all_gone_reads_nothing_old(put: Put, found: Callable[..., Any]) -> None:
    data, metadata = EXPORT.format("data"), EXPORT.format("metadata")
    put(f"{data}/stale-1.snappy.parquet")
    put(f"{metadata}/cur2-Manifest.json", {"exportName": "cur2", "dataFiles": [f"s3://bucket/{data}/cur2-1.parquet"]})
    assert found()[0] == []


@pytest.mark.parametrize("key", ["../../secret.csv", f"{MONTH}/../../../secret.csv", "/etc/passwd"])
def test_a_manifest_leads_nowhere_but_into_what_was_named(
    put: Put, found: Callable[..., Any], tmp_path: Path, key: str
) -> None:
    (tmp_path / "secret.csv").write_text("x")
    put(f"{MONTH}/cur-Manifest.json", legacy(NEW, [], reportKeys=[key]))
    read, refused, _ = found()
    assert read == []
    assert list(refused) == [key]


def test_links_out_of_the_folder_are_refused_by_name(put: Put, found: Callable[..., Any], tmp_path: Path) -> None:
    """A tenant names a folder, and nothing but that folder is read."""
    own = put("d/own.csv")
    (tmp_path / "secret.csv").write_text("x")
    (own.parent / "link.csv").symlink_to(tmp_path / "secret.csv")
    (own.parent / "folder").symlink_to(tmp_path)
    (own.parent / "again.csv").symlink_to(own)
    read, refused, _ = found()
    assert len(read) == 1
    assert refused == dict.fromkeys(("d/folder", "d/link.csv"), "a link out of the folder that was named")


def test_without_a_manifest_the_newest_batch_of_a_period_counts(put: Put, found: Callable[..., Any]) -> None:
    """Row 8: parts of a delivery are written together."""
    folder = EXPORT.format("data")
    put(f"{folder}/1.parquet", hours=24)
    put(f"{folder}/2.parquet", hours=25)
    put(f"{folder}/3.parquet", hours=0)
    put("BILLING_PERIOD=2026-09/1.parquet", hours=0)
    put("plain/2026-08.parquet", hours=0)
    put("plain/2026-07.parquet", hours=999)
    read, refused, chosen = found()
    assert read == [
        "BILLING_PERIOD=2026-09/1.parquet",
        f"{folder}/1.parquet",
        f"{folder}/2.parquet",
        "plain/2026-07.parquet",
        "plain/2026-08.parquet",
    ]
    assert list(refused) == [f"{folder}/3.parquet"]
    assert [warning.partition(": ")[2] for warning in chosen.warnings] == [
        "no manifest; its newest files are taken for the delivery: 1 of 1",
        "no manifest; its newest files are taken for the delivery: 2 of 3",
    ]


def test_without_a_manifest_deliveries_are_not_mixed(put: Put, found: Callable[..., Any]) -> None:
    put(f"{MONTH}/{OLD}/cur-1.csv.gz", hours=0)
    put(f"{MONTH}/{NEW}/cur-1.csv.gz", hours=1)
    assert found()[0] == [f"{MONTH}/{NEW}/cur-1.csv.gz"]


@pytest.mark.parametrize("content", ["{", "[]", '{"reportKeys": 7}', '{"reportKeys": [7]}', "\x00"])
def test_a_manifest_that_is_none_is_not_followed(put: Put, found: Callable[..., Any], content: str) -> None:
    put(f"{MONTH}/cur-Manifest.json", content)
    put(f"{MONTH}/cur-1.csv")
    read, refused, _ = found()
    assert read == [f"{MONTH}/cur-1.csv"]
    assert refused == {f"{MONTH}/cur-Manifest.json": "not a part of a bill by its name"}


def test_two_reports_beside_each_other_have_a_manifest_each(put: Put, found: Callable[..., Any]) -> None:
    """Row 21: which of them counts is for the reader of their contents to say."""
    for name in ("daily", "hourly"):
        put(f"{MONTH}/{name}-Manifest.json", legacy(NEW, [f"{MONTH}/{name}-1.csv"], reportName=name))
        put(f"{MONTH}/{name}-1.csv")
    read, _, chosen = found()
    assert read == [f"{MONTH}/daily-1.csv", f"{MONTH}/hourly-1.csv"]
    assert len({source.export for source in chosen.sources}) == 2
