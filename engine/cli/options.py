"""What commands share: their options, the configuration with its catalog opened, the logical time."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from catalog.releases import Release, latest
from catalog.state import Run, State
from catalog.warehouse import Warehouse
from contracts.errors import NotFound
from engine.config import Config, load

TIMES = ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"]
TenantOption = Annotated[str, typer.Option("--tenant", help="Tenant id.")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", envvar="FINOPS_CONFIG", help="finops.toml; default: all defaults.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout.")]
AsOfOption = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=TIMES, help="Logical time, UTC. Default: now."),
]


@dataclass(frozen=True, slots=True)
class Opened:
    """A configuration with its catalog and state opened."""

    config: Config
    warehouse: Warehouse
    state: State

    def release(self, tenant_id: str) -> Release:
        """Return what is served for a tenant. Raises NotFound before the first run."""
        release = latest(self.warehouse, tenant_id)
        if release is None:
            raise NotFound(f"tenant {tenant_id} has no release yet; `finops run --tenant {tenant_id}` makes one")
        return release


def open_at(config: Path | None) -> Opened:
    """Read the configuration and open what it names; creates the tables that are missing."""
    loaded = load(config)
    warehouse = Warehouse.open(loaded.catalog.uri, loaded.catalog.warehouse)
    return Opened(loaded, warehouse, State.open(warehouse.uri))


def latest_run(config: Path | None, tenant: str) -> tuple[Opened, Run]:
    """Open the configuration, and return it with the tenant's newest run. Raises NotFound before the first one."""
    opened = open_at(config)
    ledger = opened.state.runs(tenant)
    if not ledger:
        raise NotFound(f"tenant {tenant} has no run yet; `finops run --tenant {tenant}` makes one")
    return opened, ledger[0]


def logical_time(given: datetime | None) -> datetime:
    """Return the logical time; the only place below which no clock is read."""
    if given is None:
        return datetime.now(UTC).replace(microsecond=0)
    return given.replace(tzinfo=UTC)
