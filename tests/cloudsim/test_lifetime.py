"""A simulation begins anew each time, and leaves nothing behind when it ends, however it ends."""

import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from tools.cloudsim.simulator import Simulator

pytestmark = pytest.mark.slow
ENDPOINTS = ("AWS_ENDPOINT_URL", "FINOPS_AZURE_ENDPOINT_URL", "FINOPS_GCP_ENDPOINT_URL")


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((str(parts.hostname), int(parts.port or 0))) == 0


def _listening() -> set[int]:
    """Return the ports this process listens on: whoever is given a port that was closed here is not seen."""
    connections = psutil.Process().net_connections("tcp")
    return {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}


def _ports(running: Simulator) -> set[int]:
    return {int(urlsplit(running.environment[variable]).port or 0) for variable in ENDPOINTS}


def test_two_simulations_give_the_same_ids_and_expectation_and_end_with_their_servers(tmp_path: Path) -> None:
    seen = []
    for name in ("first", "second"):
        with Simulator.start(folder=tmp_path / name) as running:
            urls = [running.environment[variable] for variable in ENDPOINTS]
            assert {urlsplit(url).hostname for url in urls} == {"127.0.0.1"}
            assert all(map(_answers, urls))
            assert _ports(running) <= _listening()
            bills = [path.read_bytes() for path in sorted((tmp_path / name / "bills").iterdir())]
            seen.append((dict(running.ids), running.expected, bills))
        assert not _ports(running) & _listening()
    assert seen[0] == seen[1]


def test_the_servers_end_also_when_the_simulation_is_left_by_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Simulator.start(folder=tmp_path) as running:
        raise KeyboardInterrupt
    assert not _ports(running) & _listening()


def test_a_users_own_aws_profile_is_neither_needed_nor_handed_on(tmp_path: Path) -> None:
    os.environ["AWS_PROFILE"] = "somebodys-real-one"
    try:
        with Simulator.start(folder=tmp_path) as running:
            child = running.child_environment()
    finally:
        del os.environ["AWS_PROFILE"]
    assert "AWS_PROFILE" not in child
    assert child["AWS_ACCESS_KEY_ID"] == "testing"
