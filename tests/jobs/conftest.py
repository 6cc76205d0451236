"""Small estates for the jobs: findings sealed through the contract, coverage rows, bill lines."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from contracts.draft import FindingDraft
from contracts.seal import RunStamp, seal
from contracts.tables import COVERAGE, CUR_FACTS

UNIT = "acme/prod/aws/111111111111/us-east-1"
_ACTIONS = {
    "aws.ebs.unattached_volume": ("delete", "unused"),
    "aws.ebs.gp2_volume": ("migrate", "outdated"),
    "aws.ebs.old_snapshot": ("delete", "unused"),
    "aws.ebs.orphaned_snapshot": ("delete", "unused"),
    "aws.ec2.unassociated_address": ("release", "unused"),
    "aws.ec2.stopped_instance": ("delete", "unused"),
}


@pytest.fixture
def as_of() -> datetime:
    return datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def claim() -> Callable[..., FindingDraft]:
    """Make a draft: `claim("aws.ebs.gp2_volume", "vol-1", "2.00", evidence…)`."""

    def made(check_id: str, resource_id: str, saving: str | None = "10", **changes: Any) -> FindingDraft:
        action, category = _ACTIONS.get(check_id, ("review", "unused"))
        evidence = changes.pop("evidence", {})
        fields: dict[str, Any] = {
            "tenant_id": "acme",
            "workspace": "prod",
            "provider": "aws",
            "account_id": "111111111111",
            "region": "us-east-1",
            "service": "ec2",
            "resource_type": "thing",
            "resource_id": resource_id,
            "check_id": check_id,
            "title": check_id,
            "category": category,
            "action_kind": action,
            "monthly_savings": None if saving is None else Decimal(saving),
            "monthly_cost": None if saving is None else Decimal(saving),
            "currency": "USD",
            "basis": "list",
            "status": "unknown" if saving is None else "estimated",
            "missing_price": "aws/ebs/us-east-1/ebs.x.storage" if saving is None else None,
            "evidence": json.dumps(evidence, sort_keys=True),
            **changes,
        }
        keys = ("tenant_id", "workspace", "provider", "account_id", "region")
        return FindingDraft(unit_id="/".join(fields[key] for key in keys), **fields)

    return made


@pytest.fixture
def sealed() -> Callable[..., pl.DataFrame]:
    """Seal drafts as findings of a run."""

    def made(drafts: Iterable[FindingDraft], run_id: str, as_of: datetime) -> pl.DataFrame:
        result = seal(FindingDraft.batch(list(drafts)), RunStamp(run_id, as_of))
        assert result.rejected.is_empty(), result.rejected.to_dicts()
        return result.findings

    return made


@pytest.fixture
def covered() -> Callable[..., pl.DataFrame]:
    """Say that a run evaluated checks for a unit, with one outcome."""

    def made(
        checks: Iterable[str], run_id: str, run_date: date, unit: str = UNIT, outcome: str = "ok", rejected: int = 0
    ) -> pl.DataFrame:
        tenant_id, workspace, provider, account_id, region = unit.split("/")
        rows = [
            {
                "tenant_id": tenant_id,
                "run_id": run_id,
                "run_date": run_date,
                "unit_id": unit,
                "workspace": workspace,
                "provider": provider,
                "account_id": account_id,
                "region": region,
                "subject": "check",
                "name": check,
                "outcome": outcome,
                "rejected": rejected,
            }
            for check in checks
        ]
        return pl.DataFrame(rows, schema=COVERAGE.polars_schema)

    return made


@pytest.fixture
def billed() -> Callable[..., pl.DataFrame]:
    """Make bill lines: (day, service, cost) with any other column changed."""

    def made(lines: Iterable[tuple[datetime, str, str]], **changes: Any) -> pl.DataFrame:
        rows = [
            {
                "tenant_id": "acme",
                "provider": "aws",
                "payer_account_id": "999999999999",
                "account_id": "111111111111",
                "billing_period": f"{start:%Y-%m}",
                "service": service,
                "usage_start": start,
                "cost_primary": Decimal(cost),
                "currency": "USD",
                **changes,
            }
            for start, service, cost in lines
        ]
        return pl.DataFrame(rows, schema=CUR_FACTS.polars_schema)

    return made


@pytest.fixture
def with_actual() -> Callable[..., pl.DataFrame]:
    """Give findings the cost a bill says of them, by resource id; the others are not on the bill."""

    def made(findings: pl.DataFrame, costs: dict[str, str], currency: str = "USD") -> pl.DataFrame:
        rows = findings.to_dicts()
        for row in rows:
            cost = costs.get(row["resource_id"])
            row["actual"] = {
                "cost_30d": None if cost is None else Decimal(cost),
                "currency": None if cost is None else currency,
                "method": "none" if cost is None else "exact",
                "reason": "not on the bill" if cost is None else None,
            }
        return pl.DataFrame(rows, schema=findings.schema)

    return made
