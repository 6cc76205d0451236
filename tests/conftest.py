"""A new warehouse, the simulated estate, and the command line as a user has it."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from catalog.changes import Catalog
from catalog.warehouse import Warehouse
from tools.cloudsim.simulator import Simulator
from tools.stress.scan import open_warehouse

# No example may take too long and none is drawn by chance: a slow machine and a new day change no outcome.
settings.register_profile(
    "suite", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")
ROOT = Path(__file__).parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first: what a worker is given last should be short."""
    slow = {item.path for item in items if "slow" in item.keywords}
    items.sort(key=lambda item: item.path not in slow)


@dataclass(frozen=True)
class Finops:
    """`finops` in a process of its own, from the root of the tree."""

    environment: Mapping[str, str]

    def __call__(self, *arguments: str | Path, code: int = 0) -> str:
        command = [sys.executable, "-m", "engine.cli", *map(str, arguments)]
        done = subprocess.run(
            command, env=dict(self.environment), cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr + done.stdout
        return done.stdout if code == 0 else done.stderr

    def json(self, *arguments: str | Path) -> Any:
        return json.loads(self(*arguments, "--json"))


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """One simulation per test module, stopped before anything else starts moto in this process."""
    with Simulator.start(folder=tmp_path_factory.mktemp("estate")) as running:
        yield running


@pytest.fixture(scope="session")
def finops() -> Callable[[Mapping[str, str]], Finops]:
    return Finops


@pytest.fixture(scope="session")
def new_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Warehouse]:
    """Open a new warehouse in a folder: a copy of one, for making the tables takes longer than most tests."""
    made = tmp_path_factory.mktemp("new")
    new = open_warehouse(made)

    def copied(folder: Path) -> Warehouse:
        moved = str(made), str(folder)
        shutil.copytree(made, folder, dirs_exist_ok=True)
        for metadata in folder.rglob("*.metadata.json"):
            metadata.write_text(metadata.read_text().replace(*moved))
        with closing(sqlite3.connect(folder / "catalog.db")) as catalog, catalog:
            catalog.execute("UPDATE iceberg_tables SET metadata_location = replace(metadata_location, ?, ?)", moved)
        properties = {name: value.replace(*moved) for name, value in new.catalog.properties.items()}
        return Warehouse(Catalog(new.catalog.name, **properties), new.uri.replace(*moved))

    return copied


@pytest.fixture
def warehouse(new_warehouse: Callable[[Path], Warehouse], tmp_path: Path) -> Warehouse:
    return new_warehouse(tmp_path)
