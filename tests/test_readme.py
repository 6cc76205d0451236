"""What the README shows is what the code says."""

import json
import re
from pathlib import Path

from checkers.registry import configured, datasets_of
from engine.collect.policy import aws_policy
from engine.config import load

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def block(language: str) -> str:
    return README.split(f"```{language}\n", 1)[1].split("```", 1)[0]


def test_the_policy_is_the_one_that_the_datasets_declare() -> None:
    assert json.loads(block("json")) == aws_policy(datasets_of(configured({}, "defaults")))


def test_the_policy_changes_nothing_anywhere() -> None:
    actions = [action for statement in json.loads(block("json"))["Statement"] for action in statement["Action"]]
    assert all(re.fullmatch(r"[a-z0-9]+:(Describe|Get|List)\w+|sts:AssumeRole", action) for action in actions)


def test_the_configuration_loads_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "finops.toml"
    path.write_text(block("toml"))
    config = load(path)
    assert config.tenant("acme").aws is not None
    min_age = {check.id: check.params for check in configured(config.checks, config.file)}
    assert min_age["aws.ebs.unattached_volume"].min_age_days == 30


def test_every_folder_of_the_layout_is_there() -> None:
    named = re.findall(r"^\| `([a-z]+)/`", README, flags=re.MULTILINE)
    assert len(named) == 8
    assert all((ROOT / name).is_dir() for name in named)


def test_every_target_it_names_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"(?:`|    )make ([a-z]+)", README)) <= targets
