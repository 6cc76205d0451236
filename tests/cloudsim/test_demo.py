"""The demo, as a user starts it: twice in one folder."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def _demo(folder: Path, *options: str) -> str:
    command = [sys.executable, "-m", "tools.cloudsim.demo", "--dir", str(folder), *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _exported(folder: Path, name: str) -> list[dict[str, Any]]:
    document = json.loads((folder / "exports" / f"{name}.json").read_text("utf-8"))
    rows: list[dict[str, Any]] = document[name]
    return rows


def _fingerprints(folder: Path) -> list[str]:
    return sorted(finding["fingerprint"] for finding in _exported(folder, "findings"))


def _lost(folder: Path) -> list[dict[str, Any]]:
    """Return the coverage of what was not read, not judged or not taken, with the reason."""
    rows = _exported(folder, "coverage")
    return [row for row in rows if row["outcome"] != "ok" or row["rejected"] or row["duplicates"]]


@pytest.mark.slow
def test_a_second_demo_in_one_folder_finds_the_same_with_or_without_ray_and_none_twice(tmp_path: Path) -> None:
    printed = _demo(tmp_path)
    assert _lost(tmp_path) == []
    first = _fingerprints(tmp_path)
    assert len(first) == len(set(first)) == 39, printed
    assert "Waste by provider: total: findings 39" in printed
    assert printed.splitlines()[-1] == f"exports: {tmp_path / 'exports'}"
    assert "\x1b" not in printed
    _demo(tmp_path, "--inline")
    assert _fingerprints(tmp_path) == first
