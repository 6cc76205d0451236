"""`finops costs ingest` as a user has it: JSON on stdout, warnings on stderr, exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LINE = "line_item_unblended_cost,line_item_usage_start_date,bill_payer_account_id,line_item_usage_account_id\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "finops.toml").write_text("")
    (tmp_path / "map.toml").write_text('["999999999999"]\n"111111111111" = "acme"\n"*" = "globex"\n')
    (tmp_path / "bill.csv").write_text(
        f"{LINE}1.50,2026-10-05,999999999999,111111111111\n7,2026-10-05,999999999999,2\n9,2030-01-01,999999999999,111111111111\n"
    )
    return tmp_path


def ingested(folder: Path, *arguments: str | Path) -> tuple[int, Any, str]:
    command = [
        sys.executable,
        "-m",
        "engine.cli",
        "costs",
        "ingest",
        "--tenant",
        "acme",
        "--config",
        folder / "finops.toml",
    ]
    done = subprocess.run(
        [*map(str, command), *map(str, arguments), "--json"],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout or "null"), done.stderr


def test_files_periods_and_warnings_are_printed(folder: Path) -> None:
    options = ("--payer-tenants", folder / "map.toml", "--as-of", "2026-11-01")
    code, printed, warnings = ingested(folder, *options, folder / "bill.csv", folder / "gone.csv")
    assert code == 0
    assert [list(file) for file in printed["files"]] == [
        ["dialect", "error", "excluded", "facts", "path", "quarantined", "rows"]
    ] * 2
    assert [(file["rows"], file["facts"], file["quarantined"]) for file in printed["files"]] == [(3, 1, 2), (0, 0, 0)]
    (period,) = printed["periods"]
    assert (period["payer"], period["billing_period"], period["unblended"]) == ("999999999999", "2026-10", "1.5")
    assert [each["reason"] for each in printed["quarantined"]] == [
        "account of somebody else",
        "later than a bill can be: after 2027-12-06",
    ]
    assert warnings == f"finops: {folder}/gone.csv: no such file or folder\n"


def test_nothing_readable_is_exit_2_and_so_is_a_map_that_is_none(folder: Path) -> None:
    assert ingested(folder, folder / "gone.csv")[0] == 2
    (folder / "map.toml").write_text('"999999999999" = 7')
    code, printed, error = ingested(folder, "--payer-tenants", folder / "map.toml", folder / "bill.csv")
    assert (code, printed) == (2, None)
    assert f"{folder}/map.toml: 999999999999: 7 is no tenant's id" in error
