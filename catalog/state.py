"""Small mutable state beside the catalog, in the same SQL database: the run ledger and the API keys."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from contracts.errors import NotFound

_METADATA = sa.MetaData()
_RUNS = sa.Table(
    "finops_runs",
    _METADATA,
    sa.Column("run_id", sa.String(96), primary_key=True),
    sa.Column("tenant_id", sa.String(63), primary_key=True),
    sa.Column("workspace", sa.String(63), nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("as_of", sa.DateTime, nullable=False),
    sa.Column("id_mode", sa.String(16), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("result", sa.JSON),
)
_KEYS = sa.Table(
    "finops_api_keys",
    _METADATA,
    sa.Column("key_id", sa.String(16), primary_key=True),
    sa.Column("tenant_id", sa.String(63), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("secret_sha256", sa.String(64), nullable=False),
    sa.Column("revoked", sa.Boolean, nullable=False, default=False),
)
_KEY_PARTS = 3  # fin_<key id>_<secret>


@dataclass(frozen=True, slots=True)
class Run:
    """One execution for one tenant and workspace; `status` is running or finished."""

    run_id: str
    tenant_id: str
    workspace: str
    sequence: int
    as_of: datetime
    id_mode: str
    status: str
    result: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as it may be shown: never its secret."""

    key_id: str
    tenant_id: str
    name: str
    revoked: bool


@dataclass(frozen=True, slots=True)
class State:
    """The database of what changes. Everything is keyed by tenant."""

    engine: sa.Engine

    @staticmethod
    def open(uri: str) -> "State":
        """Open the database at a SQLAlchemy URI and create the tables that are missing."""
        engine = sa.create_engine(uri, pool_pre_ping=True)
        _METADATA.create_all(engine)
        return State(engine)

    def start_run(self, tenant_id: str, workspace: str, as_of: datetime, id_mode: str) -> Run:
        """Enter a new run; its id is its logical time and how many runs the tenant had before."""
        with self.engine.begin() as connection:
            query = sa.select(sa.func.coalesce(sa.func.max(_RUNS.c.sequence), 0)).where(_RUNS.c.tenant_id == tenant_id)
            sequence = connection.execute(query).scalar_one() + 1
            run_id = f"{as_of.astimezone(UTC):%Y%m%dT%H%M%SZ}-{sequence}"
            values = {"run_id": run_id, "tenant_id": tenant_id, "workspace": workspace, "sequence": sequence}
            naive = as_of.astimezone(UTC).replace(tzinfo=None)
            values |= {"as_of": naive, "id_mode": id_mode, "status": "running"}
            connection.execute(_RUNS.insert().values(values))
        return self.run(tenant_id, run_id)

    def finish_run(self, tenant_id: str, run_id: str, result: dict[str, Any]) -> None:
        """Record that a run's chain is complete, and what it printed."""
        ours = (_RUNS.c.tenant_id == tenant_id) & (_RUNS.c.run_id == run_id)
        with self.engine.begin() as connection:
            connection.execute(_RUNS.update().where(ours).values(status="finished", result=result))

    def run(self, tenant_id: str, run_id: str) -> Run:
        """Return one run. Raises NotFound."""
        found = [run for run in self.runs(tenant_id) if run.run_id == run_id]
        if not found:
            raise NotFound(f"tenant {tenant_id} has no run {run_id}; `finops runs --tenant {tenant_id}` lists them")
        return found[0]

    def runs(self, tenant_id: str) -> list[Run]:
        """Return a tenant's runs, newest first."""
        query = sa.select(_RUNS).where(_RUNS.c.tenant_id == tenant_id).order_by(_RUNS.c.sequence.desc())
        with self.engine.connect() as connection:
            rows: Sequence[sa.RowMapping] = connection.execute(query).mappings().all()
        return [Run(**{**row, "as_of": row["as_of"].replace(tzinfo=UTC)}) for row in rows]

    def unfinished(self) -> set[str]:
        """Return the ids of the runs of all tenants whose chain is not complete: going on, or waiting to be resumed."""
        with self.engine.connect() as connection:
            return set(connection.execute(sa.select(_RUNS.c.run_id).where(_RUNS.c.status == "running")).scalars())

    def longest_run(self) -> timedelta:
        """Return how long the longest finished run of any tenant took, by its own account."""
        with self.engine.connect() as connection:
            results = connection.execute(sa.select(_RUNS.c.result).where(_RUNS.c.status == "finished")).scalars()
            seconds = (sum((result or {}).get("seconds", {}).values()) for result in results)
            return timedelta(seconds=max(seconds, default=0))

    def create_key(self, tenant_id: str, name: str) -> str:
        """Make an API key bound to a tenant. What is returned is stored nowhere: only its SHA-256 is kept."""
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        values = {"key_id": key_id, "tenant_id": tenant_id, "name": name, "secret_sha256": _digest(secret)}
        with self.engine.begin() as connection:
            connection.execute(_KEYS.insert().values(**values, revoked=False))
        return f"fin_{key_id}_{secret}"

    def keys(self, tenant_id: str) -> list[ApiKey]:
        """Return a tenant's keys without their secrets."""
        shown = (_KEYS.c.key_id, _KEYS.c.tenant_id, _KEYS.c.name, _KEYS.c.revoked)
        query = sa.select(*shown).where(_KEYS.c.tenant_id == tenant_id).order_by(_KEYS.c.key_id)
        with self.engine.connect() as connection:
            return [ApiKey(**row) for row in connection.execute(query).mappings()]

    def revoke_key(self, tenant_id: str, key_id: str) -> None:
        """Make a key useless from now on. Raises NotFound for a key the tenant does not have."""
        ours = (_KEYS.c.tenant_id == tenant_id) & (_KEYS.c.key_id == key_id)
        with self.engine.begin() as connection:
            if connection.execute(_KEYS.update().where(ours).values(revoked=True)).rowcount == 0:
                raise NotFound(f"tenant {tenant_id} has no key {key_id}")

    def tenant_of_key(self, presented: str) -> str | None:
        """Return whose key this is; None for a key that is malformed, unknown, wrong or revoked."""
        parts = presented.split("_", _KEY_PARTS - 1)
        if len(parts) != _KEY_PARTS or parts[0] != "fin":
            return None
        query = sa.select(_KEYS.c.tenant_id, _KEYS.c.secret_sha256).where(
            (_KEYS.c.key_id == parts[1]) & (_KEYS.c.revoked == sa.false())
        )
        with self.engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or not secrets.compare_digest(row.secret_sha256, _digest(parts[2])):
            return None
        return str(row.tenant_id)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
