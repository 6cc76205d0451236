"""The demo, as a user starts it: twice in one folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


def _demo(folder: Path, *options: str) -> tuple[str, list[str]]:
    command = [sys.executable, "-m", "tools.cloudsim.demo", "--dir", str(folder), *options]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    document = json.loads((folder / "exports" / "findings.json").read_text("utf-8"))
    return printed, sorted(finding["fingerprint"] for finding in document["findings"])


@pytest.mark.slow
def test_a_second_demo_in_one_folder_finds_the_same_with_or_without_ray_and_none_twice(tmp_path: Path) -> None:
    printed, first = _demo(tmp_path)
    assert len(first) == len(set(first)) == 39
    assert "Waste by provider: total: findings 39" in printed
    assert printed.splitlines()[-1] == f"exports: {tmp_path / 'exports'}"
    assert "\x1b" not in printed
    assert _demo(tmp_path, "--inline")[1] == first
