"""Two tenants with released tables, each full of its own canary, behind the real application."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from starlette.testclient import TestClient

from api.app import create_app
from catalog.releases import Release, latest, read
from catalog.state import State
from catalog.warehouse import Warehouse
from contracts.draft import FindingDraft
from contracts.seal import RunStamp, seal
from contracts.tables import CORRELATED, COVERAGE, CURRENT, KPI_DAILY, KPI_MONTHLY
from jobs.publish import publish

AS_OF = datetime(2026, 11, 1, 6, tzinfo=UTC)
TENANTS = ("acme", "globex")
RESOURCES = 23


def canary(tenant: str) -> str:
    return f"canary-of-{tenant}"


@dataclass
class Estate:
    uri: str
    folder: Path
    warehouse: Warehouse
    state: State
    keys: dict[str, str]
    client: TestClient

    def get(self, path: str, tenant: str = "acme", **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.keys[tenant]}", **options.pop("headers", {})}
        return self.client.get(path, headers=headers, **options)

    def walk(self, path: str, tenant: str = "acme", between: Callable[[], object] = lambda: None) -> list[Any]:
        """Follow `page.next` to the end."""
        found: list[Any] = []
        address = path
        while True:
            page = self.get(address, tenant)
            assert page.status_code == 200, page.text
            found.extend(page.json()["data"])
            cursor = page.json()["page"]["next"]
            if cursor is None:
                return found
            between()
            address = f"{path}{'&' if '?' in path else '?'}cursor={cursor}"

    def write_unreleased(self, tenant: str) -> None:
        self.warehouse.replace(CURRENT, read(self.warehouse, self.release_of(tenant), CURRENT).head(2), tenant)

    def release_of(self, tenant: str) -> Release:
        found = latest(self.warehouse, tenant)
        assert found
        return found

    def release(self, tenant: str, resources: int = RESOURCES, days: int = 0) -> Release:
        return release(self.warehouse, tenant, resources, AS_OF + timedelta(days=days))


@pytest.fixture(scope="module")
def estate(new_warehouse: Callable[[Path], Warehouse], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    folder = tmp_path_factory.mktemp("estate")
    yield from open_estate(folder, new_warehouse(folder))


@pytest.fixture
def own_estate(warehouse: Warehouse, tmp_path: Path) -> Iterator[Estate]:
    """Give an estate that the test may change."""
    yield from open_estate(tmp_path, warehouse)


def open_estate(folder: Path, warehouse: Warehouse) -> Iterator[Estate]:
    uri = f"sqlite:///{folder}/catalog.db"
    state = State.open(warehouse.uri)
    for tenant in TENANTS:
        run = state.start_run(tenant, "prod", AS_OF, "stable")
        release(warehouse, tenant, RESOURCES, AS_OF)
        state.finish_run(tenant, run.run_id, {"units": {canary(tenant): 1}, "bills": {"files": ["/srv/bills"]}})
    keys = {tenant: state.create_key(tenant, "test") for tenant in TENANTS}
    with TestClient(create_app(warehouse, state, b"k" * 32), raise_server_exceptions=False) as client:
        yield Estate(uri, folder / "warehouse", warehouse, state, keys, client)
    state.engine.dispose()


def release(warehouse: Warehouse, tenant: str, resources: int, as_of: datetime) -> Release:
    stamp = RunStamp(f"{as_of:%Y%m%dT%H%M%SZ}-1", as_of)
    current = _current([_draft(tenant, number) for number in range(resources)], stamp)
    warehouse.replace(CURRENT, current, tenant)
    day = {"run_date": stamp.run_date}
    warehouse.replace(CORRELATED, _correlated(tenant, current, stamp), tenant, partition=day)
    warehouse.replace(COVERAGE, _coverage(tenant, stamp), tenant, partition=day)
    for table, period in ((KPI_DAILY, "2026-11-01"), (KPI_MONTHLY, "2026-11")):
        warehouse.replace(table, _kpis(tenant, period), tenant)
    return publish(warehouse, tenant, stamp.run_id, as_of)


def _draft(tenant: str, number: int) -> FindingDraft:
    """Vary everything that can be filtered by; amounts repeat, and every fifth is unknown."""
    provider = ("aws", "azure", "gcp")[number % 3]
    saving = None if number % 5 == 4 else Decimal(number % 4) + Decimal("0.5")
    return FindingDraft(
        tenant_id=tenant,
        workspace="prod",
        provider=provider,
        account_id=f"{number % 2 + 1:012}",
        region=("us-east-1", "eu-west-1")[number % 2],
        unit_id=f"{tenant}/prod/{provider}/1/us-east-1",
        service="ebs",
        resource_type="volume",
        resource_id=f"vol-{number:017x}",
        resource_name=f"{canary(tenant)} {number}",
        check_id=("aws.ebs.unattached_volume", "aws.ebs.gp2_volume")[number % 2],
        title=canary(tenant),
        category=("unused", "outdated")[number % 2],
        severity=("low", "medium", "high")[number % 3],
        action_kind="delete",
        monthly_savings=saving,
        monthly_cost=saving,
        currency="USD",
        basis="list",
        status="unknown" if saving is None else "estimated",
        missing_price="aws/ebs/us-east-1/x" if saving is None else None,
        evidence=f'{{"seen":"{canary(tenant)}"}}',
        tags={"team": ("core", "web'; DROP")[number % 2], "owner": canary(tenant)},
    )


def _current(drafts: list[FindingDraft], stamp: RunStamp) -> pl.DataFrame:
    sealed = seal(FindingDraft.batch(drafts), stamp)
    assert sealed.rejected.is_empty()
    number = pl.int_range(pl.len())
    state = pl.when(number % 7 == 6).then(pl.lit("resolved")).when(number % 7 == 5).then(pl.lit("reopened"))
    seen = pl.lit(stamp.as_of) - pl.duration(days=number % 3)
    amount = pl.col("estimated").struct.field("monthly_savings")
    added = sealed.findings.with_columns(
        lifecycle=pl.struct(
            state=state.otherwise(pl.lit("open")),
            first_seen=seen,
            last_seen=seen,
            resolved_at=pl.lit(None),
            reopened_at=pl.lit(None),
            reason=pl.lit(None),
        ),
        savings=pl.struct(
            gross=amount,
            net=amount,
            currency=pl.lit("USD"),
            excluded_by=pl.lit(None),
            reason=pl.lit(None),
            overstated=pl.lit(value=False),
        ),
    )
    return added.select(pl.col(name).cast(dtype) for name, dtype in CURRENT.polars_schema.items())


def _correlated(tenant: str, current: pl.DataFrame, stamp: RunStamp) -> pl.DataFrame:
    open_now = current.filter(pl.col("lifecycle").struct.field("state") != "resolved")["fingerprint"].to_list()
    draft = {
        **{name: getattr(_draft(tenant, 0), name) for name in FindingDraft.__slots__},
        "check_id": "correlation.stopped_instance",
    }
    drafts = [
        FindingDraft(
            **{**draft, "resource_id": f"i-{number:017x}", "source_fingerprints": open_now[number : number + 2]}
        )
        for number in range(3)
    ]
    return seal(FindingDraft.batch(drafts), stamp).findings


def _coverage(tenant: str, stamp: RunStamp) -> pl.DataFrame:
    row: dict[str, Any] = dict.fromkeys(COVERAGE.schema.names)
    row |= {"tenant_id": tenant, "run_id": stamp.run_id, "run_date": stamp.run_date, "workspace": "prod"}
    row |= {"provider": "aws", "account_id": "000000000001", "subject": "check", "outcome": "ok"}
    rows = [
        {**row, "unit_id": f"{tenant}/prod/aws/1/{region}", "region": region, "name": name}
        for region in ("us-east-1", "eu-west-1")
        for name in ("aws.ebs.unattached_volume", "aws.ebs.gp2_volume")
    ]
    rows[0] |= {"outcome": "denied", "permission": "ec2:DescribeVolumes", "message": canary(tenant)}
    return pl.DataFrame(rows, schema=COVERAGE.polars_schema)


def _kpis(tenant: str, period: str) -> pl.DataFrame:
    rows = [
        {"tenant_id": tenant, "period": period, "kpi": kpi, "dimension": "service", "value": value}
        | {"numerator": Decimal("3.25"), "denominator": None, "currency": currency}
        for kpi in ("cost_by_service", "coverage")
        for value in ("ebs", canary(tenant))
        for currency in ("USD", None)
    ]
    return pl.DataFrame(rows, schema=KPI_DAILY.polars_schema)
