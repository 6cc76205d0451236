"""`ray_cluster.yaml` is what Ray itself accepts, and keeps its promises."""

from pathlib import Path
from typing import Any

import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

CLUSTER = Path(__file__).parents[1] / "ray_cluster.yaml"


def loaded() -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(CLUSTER.read_text())
    return config


def test_rays_own_validator_accepts_it() -> None:
    validate_config(prepare_config(loaded()))


def test_every_node_starts_with_token_authentication() -> None:
    for commands in ("head_start_ray_commands", "worker_start_ray_commands"):
        starts = [line for line in loaded()[commands] if "ray start" in line]
        assert starts
        assert all("RAY_AUTH_MODE=token" in line for line in starts)


def test_what_to_change_is_marked() -> None:
    assert CLUSTER.read_text().count("CHANGE") >= 6
