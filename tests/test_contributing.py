"""The recipes of CONTRIBUTING.md work as they stand there: followed in a copy of the tree."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RECIPES = (ROOT / "CONTRIBUTING.md").read_text()


def recipe(language: str) -> tuple[str, str]:
    """Return the path that the text before the block names last, and the block."""
    before, block = RECIPES.split(f"```{language}\n", 1)
    paths: list[str] = re.findall(r"`((?:checkers|jobs)/[\w/]+\.\w+)`", before)
    return paths[-1], block.split("```", 1)[0]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for package in ("contracts", "checkers", "catalog", "jobs"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for language in ("python", "sql"):
        path, text = recipe(language)
        assert not (tmp_path / path).exists()
        (tmp_path / path).write_text(text)
    return tmp_path


def run(tree: Path, program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_checker_is_there_once_its_file_is(tree: Path) -> None:
    program = """
from datetime import UTC, datetime
from checkers.base import Context
from checkers.evaluate import evaluate
from checkers.prices.book import PriceBook
from checkers.registry import all_checks
check = all_checks()["aws.ebs.magnetic_volume"]
key = {"provider": "aws", "region": "us-east-1", "unit_id": "u", "tags": {}}
rows = [key | {"id": "vol-1", "volume_type": "standard", "size_gib": 8}, key | {"id": "vol-2", "volume_type": "gp3"}]
frame = check.reads[0].frame(rows)
judged = evaluate(check, {check.reads[0].name: frame}, Context(datetime(2026, 11, 1, tzinfo=UTC), PriceBook.packaged()))
row = judged.drafts.row(0, named=True)
print(judged.drafts.height, row["resource_id"], row["monthly_savings"], row["monthly_cost"])
"""
    assert run(tree, program) == "1 vol-1 0.000000 0.400000"


def test_a_kpi_is_there_once_its_file_is(tree: Path) -> None:
    program = """
from datetime import UTC, datetime
import polars as pl
from contracts.tables import CURRENT
from jobs.sql import queries, query
name = "kpi_daily/open_findings_by_provider"
assert name in queries("kpi_daily")
rows = [{"provider": "aws", "lifecycle": {"state": state}} for state in ("open", "reopened", "resolved")]
current = pl.DataFrame(rows, schema=CURRENT.polars_schema)
print(query(name, {"findings_current": current}, {"as_of": datetime(2026, 11, 1, tzinfo=UTC)}).rows())
"""
    assert run(tree, program) == "[('2026-11-01', 'provider', 'aws', 2, None, None)]"
