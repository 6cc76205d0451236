"""Finding checks by their path, and what the configuration may change."""

import dataclasses
from typing import Any

import pytest

from checkers.registry import all_checks, configured, datasets_of
from contracts.errors import ConfigError

VOLUME = "aws.ebs.unattached_volume"


def test_every_check_is_found_under_its_id_in_order() -> None:
    assert all_checks()[VOLUME].id == VOLUME
    assert list(all_checks()) == sorted(all_checks())
    assert {check_id.partition(".")[0] for check_id in all_checks()} == {"aws", "azure", "gcp"}


def test_without_overrides_every_check_runs_with_its_defaults() -> None:
    assert configured({}, "finops.toml") == list(all_checks().values())


def test_a_parameter_can_be_changed_for_one_check() -> None:
    changed = {check.id: check for check in configured({VOLUME: {"min_age_days": 30}}, "finops.toml")}
    assert changed[VOLUME].params.min_age_days == 30
    assert all_checks()[VOLUME].params.min_age_days == 14


def test_a_whole_number_will_do_for_a_ratio() -> None:
    changed = configured({"aws.ec2.idle_instance": {"max_cpu_percent": 3}}, "finops.toml")
    assert next(check for check in changed if check.id == "aws.ec2.idle_instance").params.max_cpu_percent == 3


def test_a_disabled_check_does_not_run() -> None:
    assert VOLUME not in [check.id for check in configured({VOLUME: {"enabled": False}}, "finops.toml")]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"aws.ebs.unatached_volume": {}},
            r"finops\.toml: checks\.'aws\.ebs\.unatached_volume': no such check; allowed: ",
        ),
        ({VOLUME: {"min_age": 3}}, r"min_age: no such parameter; allowed: enabled, min_age_days"),
        ({VOLUME: {"min_age_days": "3"}}, "'3' is not of type int"),
        ({VOLUME: {"min_age_days": True}}, "True is not of type int"),
    ],
)
def test_a_mistake_names_file_key_and_what_is_allowed(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        configured(overrides, "finops.toml")


def test_what_is_read_stands_once_and_metrics_after_their_inventory() -> None:
    names = [dataset.name for dataset in datasets_of(list(all_checks().values()))]
    assert len(names) == len(set(names))
    assert names.index("aws.ec2.instances") < names.index("aws.cloudwatch.instance_daily")


def test_metrics_bring_the_inventory_they_are_asked_for() -> None:
    idle = all_checks()["aws.ec2.idle_instance"]
    names = [dataset.name for dataset in datasets_of([dataclasses.replace(idle, reads=idle.reads[1:])])]
    assert names == ["aws.ec2.instances", "aws.cloudwatch.instance_daily"]
