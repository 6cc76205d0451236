"""What a run needs and whether it is there: catalog, state, credentials, Ray. Changes nothing; prints no secret."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

from catalog.state import State
from catalog.warehouse import Warehouse
from contracts.errors import FinopsError
from contracts.tables import TABLES
from contracts.units import PROVIDERS
from engine.collect.credentials import source
from engine.config import Config


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing a run needs; `detail` says what was seen, or what is wrong."""

    name: str
    holds: bool
    detail: str


def examine(config: Config) -> Iterator[Condition]:
    """Look at everything, the later also where the earlier is missing."""
    yield Condition("configuration", True, f"{config.file}: {len(config.tenants)} tenants and workspaces")  # noqa: FBT003
    yield from _database(config)
    yield from (_credentials(config, provider) for provider in PROVIDERS)
    yield _ray(config.ray.address)


def _database(config: Config) -> Iterator[Condition]:
    place = f"{config.catalog.uri}, files in {config.catalog.warehouse}"
    try:
        warehouse = Warehouse.open(config.catalog.uri, config.catalog.warehouse)
        unfinished = State.open(warehouse.uri).unfinished()
    except (FinopsError, OSError) as error:
        yield Condition("catalog", holds=False, detail=f"{place}: {error}")
        return
    yield Condition("catalog", holds=True, detail=f"{place}: {len(TABLES)} tables")
    yield Condition("state", holds=True, detail=f"{len(unfinished)} unfinished runs")


def _credentials(config: Config, provider: str) -> Condition:
    needing = sorted({tenant.id for tenant in config.tenants if getattr(tenant, provider) is not None})
    found = source(provider)
    seen = f"from {found}" if found else "none seen"
    wanted = f"for {', '.join(needing)}" if needing else "no tenant needs them"
    return Condition(f"credentials: {provider}", holds=bool(found or not needing), detail=f"{seen}; {wanted}")


def _ray(address: str) -> Condition:
    if address == "none":
        return Condition("ray", holds=True, detail="not used: runs stay in this process")
    joined = os.environ.get("RAY_ADDRESS") or (address if address != "local" else None)
    detail = f"version {version('ray')}; " + (f"runs join {joined}" if joined else "runs start their own cluster")
    return Condition("ray", holds=True, detail=detail)
