import os
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--format", "focus", "--version", "1.4"), "'1.4' is not one of '1.2'"),
        (("--period", "2026-10"), "--version and --period are for --format focus"),
    ],
)
def test_an_export_that_there_is_not_names_what_is_allowed(
    finops: Any, tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    command = ("export", "--tenant", "acme", "--to", tmp_path / "out", *options)
    output = finops(os.environ | {"COLUMNS": "200"})(*command, code=2)
    assert told in " ".join(output.replace("│", " ").split())
    assert not (tmp_path / "out").exists()
