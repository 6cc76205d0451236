"""The simulated estate and the command line, as a user has them."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

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


@pytest.fixture(scope="session")
def finops() -> Callable[[Mapping[str, str]], Finops]:
    return Finops
