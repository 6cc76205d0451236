"""A full disk, a catalog that stays locked, a damaged file: a clear error, nothing lost, nothing twice."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import stamina

from catalog import exactly_once
from catalog.files import Flush, write_files
from catalog.warehouse import COMMIT_SECONDS, LOCK_TIMEOUT_SECONDS, LONGEST_PAUSE_SECONDS, Warehouse
from contracts.errors import PermanentError, TransientError
from contracts.tables import COVERAGE, FINDINGS, KPI_DAILY

Write = Callable[..., Flush]
SCAN = [sys.executable, "-m", "tools.stress.scan"]
UNITS, FINDINGS_PER_UNIT = 6, 490  # what the generator makes of --n 3000


def scan(folder: Path, *limits: str) -> subprocess.CompletedProcess[str]:
    command = [*limits, *SCAN, str(folder), "--n", "3000"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def stored(folder: Path) -> Counter[str]:
    warehouse = Warehouse.open(f"sqlite:///{folder}/catalog.db", str(folder / "warehouse"))
    rows = warehouse.scan(FINDINGS, "stress").collect()
    assert rows["fingerprint"].n_unique() == rows.height
    assert rows["unit_id"].n_unique() * FINDINGS_PER_UNIT == rows.height, "no unit in parts"
    coverage = warehouse.scan(COVERAGE, "stress").group_by("unit_id", "subject", "name").len().collect()
    assert set(coverage["len"].to_list()) <= {1}
    return Counter(coverage["unit_id"].unique().to_list())


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system; the test after this one needs no rights")
def test_a_full_disk_ends_the_run_with_its_name_and_resume_brings_everything_once(tmp_path: Path) -> None:
    disk = tmp_path / "warehouse"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", disk], check=False).returncode:  # noqa: S607
        pytest.skip("no right to mount")
    try:
        died = scan(tmp_path)
        assert died.returncode != 0
        told = " ".join(died.stderr.replace("│", " ").split())  # a traceback in a frame, broken into lines
        assert "make room or mend the storage, then resume" in told
        assert "PermanentError" in told
        assert 0 < len(stored(tmp_path)) < UNITS
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)  # noqa: S607
        assert scan(tmp_path).returncode == 0
        assert len(stored(tmp_path)) == UNITS
    finally:
        subprocess.run(["umount", disk], check=True)  # noqa: S607


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("prlimit") is None, reason="needs prlimit of util-linux")
def test_a_file_that_may_not_grow_is_like_a_full_disk(tmp_path: Path) -> None:
    Warehouse.open(f"sqlite:///{tmp_path}/catalog.db", str(tmp_path / "warehouse"))
    died = scan(tmp_path, "prlimit", "--fsize=40000")
    assert died.returncode != 0
    assert "PermanentError: writing finops_findings" in died.stderr
    assert stored(tmp_path) == {}
    assert scan(tmp_path).returncode == 0
    assert len(stored(tmp_path)) == UNITS


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    rows = pl.LazyFrame([{"tenant_id": "acme"}], schema=KPI_DAILY.polars_schema)
    with pytest.raises(PermanentError, match=rf"writing finops_kpi_daily under {tmp_path}"):
        write_files(str(tmp_path), KPI_DAILY, rows, "x")


def test_a_catalog_that_stays_locked_is_a_clear_error_and_nothing_is_lost(tmp_path: Path, write: Write) -> None:
    """The real waits are `make chaos`'s; here every statement waits a moment and every call tries twice."""
    uri, location = f"sqlite:///{tmp_path}/catalog.db?timeout=0.05", str(tmp_path / "warehouse")
    warehouse = Warehouse.open(uri, location)
    flush = write(warehouse, ["u1"], flush_id="f1")
    lock = sqlite3.connect(tmp_path / "catalog.db")
    lock.execute("BEGIN EXCLUSIVE")
    with stamina.set_testing(testing=True, attempts=2):
        with pytest.raises(TransientError, match="the catalog's database is locked"):
            exactly_once.commit(warehouse, flush)
        with pytest.raises(TransientError, match="opening the catalog: the catalog's database is locked"):
            Warehouse.open(uri, location)
    lock.rollback()
    lock.close()
    assert exactly_once.commit(warehouse, flush) == ("u1",)
    assert warehouse.scan(FINDINGS, "acme").collect().height == 2


def test_a_call_on_a_locked_catalog_gives_up_within_a_minute() -> None:
    last_attempt = LOCK_TIMEOUT_SECONDS + LONGEST_PAUSE_SECONDS
    assert COMMIT_SECONDS + last_attempt < 60


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_truncated_file_is_never_read_as_fewer_rows_and_harms_nobody_else(warehouse: Warehouse, kept: float) -> None:
    for tenant_id in ("acme", "globex"):
        rows = pl.DataFrame([{"tenant_id": tenant_id}], schema=KPI_DAILY.polars_schema)
        warehouse.append(KPI_DAILY, rows, tenant_id)
    broken = max(Path(task.file.file_path) for task in warehouse.load(KPI_DAILY).scan().plan_files())
    (owner,) = pl.read_parquet(broken)["tenant_id"]
    broken.write_bytes(broken.read_bytes()[: int(broken.stat().st_size * kept)])
    with pytest.raises((pl.exceptions.PanicException, pl.exceptions.ComputeError)):
        warehouse.scan(KPI_DAILY, owner).collect()
    (other,) = {"acme", "globex"} - {owner}
    assert warehouse.scan(KPI_DAILY, other).collect().height == 1
