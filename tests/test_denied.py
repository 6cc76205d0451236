"""One account refuses: its gaps name the permission, the others are whole, and nothing of it reads as "no waste"."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.cloudsim.aws_estate import ACCOUNTS, PAYMENTS
from tools.cloudsim.simulator import Simulator

AS_OF = ("--as-of", "2026-11-01T00:00:00Z", "--inline")
TENANT = ("--tenant", "acme")
DENIED = PAYMENTS


@pytest.fixture
def config(simulator: Simulator, tmp_path: Path) -> tuple[str, Path]:
    """Name the configuration in a folder of the test's own, and so with a catalog of its own; nobody refuses."""
    simulator.refuse(None)
    shutil.copytree(simulator.config_path.parent, tmp_path, dirs_exist_ok=True)
    return "--config", tmp_path / simulator.config_path.name


@pytest.fixture
def cli(simulator: Simulator, finops: Callable[..., Any]) -> Any:
    return finops(simulator.child_environment())


@pytest.mark.slow
def test_a_denied_account_is_coverage_and_its_findings_stay_open(
    simulator: Simulator, cli: Any, config: tuple[str, Path]
) -> None:
    assert cli.json("run", *TENANT, *config, *AS_OF)["units"].keys() == {"ok"}
    simulator.refuse(DENIED)
    cli("run", *TENANT, *config, *AS_OF, "--require-coverage", code=3)
    result = cli.json("runs", *TENANT, *config)[0]
    assert result["units"].pop("ok") == len(ACCOUNTS) * 4 + 4 - 4
    assert sum(result["units"].values()) == 4
    still_read = [key for key in simulator.expected if key[1] != DENIED or key[0].startswith("aws.elb.")]
    assert result["findings"] == len(still_read)
    rows = cli.json("findings", "ls", *TENANT, *config)
    coverage = cli.json("coverage", *TENANT, *config)
    assert "ec2:DescribeVolumes" in cli("coverage", *TENANT, *config)
    assert {(row["check_id"], row["account_id"], row["resource_id"]) for row in rows} == simulator.expected
    unseen = [row for row in rows if row["account_id"] == DENIED and row["service"] != "elb"]
    assert unseen
    assert {row["lifecycle"]["reason"] for row in unseen} == {"not evaluated: denied"}
    gaps = [row for row in coverage["coverage"] if row["outcome"] != "ok"]
    assert {row["account_id"] for row in gaps} == {DENIED}
    assert {row["outcome"] for row in gaps} == {"denied"}
    assert "ec2:DescribeVolumes" in {row["permission"] for row in gaps}


@pytest.mark.slow
def test_a_role_that_may_not_be_assumed_is_coverage_too(
    simulator: Simulator, cli: Any, config: tuple[str, Path]
) -> None:
    simulator.refuse(DENIED, "sts")
    result = cli.json("run", *TENANT, *config, *AS_OF)
    rows = cli.json("findings", "ls", *TENANT, *config)
    coverage = cli.json("coverage", *TENANT, *config)
    assert result["units"]["denied"] == 4
    assert {(row["check_id"], row["account_id"], row["resource_id"]) for row in rows} == {
        key for key in simulator.expected if key[1] != DENIED
    }
    assert {row["permission"] for row in coverage["coverage"] if row["outcome"] != "ok"} == {"sts:AssumeRole"}
