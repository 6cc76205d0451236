"""The same run as a submitted job, on a cluster started with token authentication."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.cloudsim.simulator import Simulator

ROOT = Path(__file__).parents[2]
RAY = Path(sys.executable).with_name("ray")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Start a head node of its own; yield the environment in which `ray job` reaches it."""
    token = tmp_path / "token"
    token.write_text("0" * 32 + os.urandom(16).hex())
    path = f"{RAY.parent}:{os.environ['PATH']}"  # a job's `python` is the one of the node it runs on
    environment = {**os.environ, "PATH": path, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
    # Whoever binds a port chooses it: one that was free a moment ago may be taken.
    ports = ["--port", "0", "--dashboard-port", "0", "--dashboard-agent-listen-port", "0"]
    # A short path: the sockets under it may be 107 bytes long.
    folder = Path("/tmp") / f"ray-{os.getpid()}"  # noqa: S108
    command = [RAY, "start", "--head", "--block", "--num-cpus", "2", "--dashboard-host", "127.0.0.1", *ports]
    head = subprocess.Popen(
        [*command, "--temp-dir", str(folder)], env=environment, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        yield {**environment, "RAY_API_SERVER_ADDRESS": announced_address(head)}
    finally:
        os.killpg(head.pid, signal.SIGKILL)
        head.communicate()
        shutil.rmtree(folder, ignore_errors=True)


def announced_address(head: subprocess.Popen[str]) -> str:
    """Wait until the head says where jobs are to be submitted; it ends with what it printed when it does not."""
    printed: list[str] = []
    for line in head.stdout or ():
        printed.append(line)
        if found := re.search(r"RAY_API_SERVER_ADDRESS='([^']+)'", line):
            return found[1]
    return pytest.fail("".join(printed))


@pytest.mark.slow
def test_a_submitted_job_runs_the_chain_on_its_cluster(
    cluster: dict[str, str], tmp_path: Path, finops: Callable[..., Any]
) -> None:
    with Simulator.start(folder=tmp_path / "estate") as simulator:
        run = ["python", "-m", "engine.cli", "run", "--tenant", "acme", "--config", str(simulator.config_path)]
        runtime = json.dumps({"env_vars": dict(simulator.environment)})
        submit = [RAY, "job", "submit", "--working-dir", ".", "--runtime-env-json", runtime]
        done = subprocess.run(
            [*submit, "--", *run, "--as-of", "2026-11-01T00:00:00Z"],
            env=cluster, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        rows = finops(simulator.child_environment()).json(
            "findings", "ls", "--tenant", "acme", "--config", simulator.config_path
        )
    assert {(row["check_id"], row["account_id"], row["resource_id"]) for row in rows} == simulator.expected
    anonymous = {key: value for key, value in cluster.items() if key != "RAY_AUTH_TOKEN_PATH"}
    refused = subprocess.run(
        [RAY, "job", "list"], env={**anonymous, "RAY_AUTH_MODE": "disabled"}, capture_output=True, check=False
    )
    assert refused.returncode != 0
