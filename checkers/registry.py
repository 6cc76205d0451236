"""Find the checks and datasets: the path is the registration, and a check's id is its path."""

import dataclasses
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

import checkers
from checkers.base import Check, Dataset
from contracts.errors import ConfigError

_PARTS = 4  # checkers.<provider>.<service>.<check>


@cache
def all_checks() -> Mapping[str, Check]:
    """Return every check under its id, sorted by id. Raises ValueError for an id that is not its path."""
    found: dict[str, Check] = {}
    for module in pkgutil.walk_packages(checkers.__path__, "checkers."):
        check = getattr(import_module(module.name), "CHECK", None)
        if module.name.count(".") != _PARTS - 1 or check is None:
            continue
        if module.name != f"checkers.{check.id}":
            message = f"{module.name}: its CHECK calls itself {check.id!r}; the id is the path"
            raise ValueError(message)
        found[check.id] = check
    return dict(sorted(found.items()))


def datasets_of(checks: list[Check]) -> list[Dataset]:
    """Return what the checks read, each once; an inventory stands before the metrics asked for its rows."""
    read = {dataset.name: dataset for check in checks for dataset in check.reads}
    parents = {dataset.of.name: dataset.of for dataset in read.values() if dataset.of}
    return sorted((parents | read).values(), key=lambda dataset: (dataset.of is not None, dataset.name))


def configured(overrides: Mapping[str, Mapping[str, Any]], file: str) -> list[Check]:
    """Return every enabled check with its parameters.

    `overrides` is the `[checks]` part of the configuration: per check id `enabled` and the fields of its `Params`.
    Raises ConfigError naming file and key for an unknown check or parameter, or a value of the wrong type.
    """
    checks = all_checks()
    for check_id in overrides:
        if check_id not in checks:
            raise ConfigError(file, f"checks.{check_id!r}", f"no such check; allowed: {', '.join(checks)}")
    return [
        _with_params(check, overrides.get(check.id, {}), file)
        for check in checks.values()
        if overrides.get(check.id, {}).get("enabled", True)
    ]


def _with_params(check: Check, values: Mapping[str, Any], file: str) -> Check:
    fields = {field.name: field for field in dataclasses.fields(check.params)}
    changes = {key: value for key, value in values.items() if key != "enabled"}
    for key, value in changes.items():
        where = f"checks.{check.id!r}.{key}"
        if key not in fields:
            raise ConfigError(file, where, f"no such parameter; allowed: enabled, {', '.join(fields)}")
        default = getattr(check.params, key)
        if type(value) is not type(default) and not (isinstance(default, float) and isinstance(value, int)):
            raise ConfigError(file, where, f"{value!r} is not of type {type(default).__name__}")
    return dataclasses.replace(check, params=dataclasses.replace(check.params, **changes))
