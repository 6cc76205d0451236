"""Drafts to vary."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from contracts.draft import FindingDraft
from contracts.seal import RunStamp


@pytest.fixture(scope="session")
def draft() -> Callable[..., FindingDraft]:
    def make(**changes: Any) -> FindingDraft:
        fields: dict[str, Any] = {
            "tenant_id": "acme",
            "workspace": "prod",
            "provider": "aws",
            "account_id": "111111111111",
            "region": "us-east-1",
            "unit_id": "acme/prod/aws/111111111111/us-east-1",
            "service": "ebs",
            "resource_type": "volume",
            "resource_id": "vol-0123456789abcdef0",
            "check_id": "aws.ebs.unattached_volume",
            "title": "Unattached EBS volume",
            "category": "unused",
            "action_kind": "delete",
            "monthly_savings": Decimal("8.00"),
            "monthly_cost": Decimal("8.00"),
            "currency": "USD",
            "basis": "list",
            "tags": {"team": "core"},
        }
        return FindingDraft(**{**fields, **changes})

    return make


@pytest.fixture(scope="session")
def stamp() -> RunStamp:
    return RunStamp("20261101T000000Z-1", datetime(2026, 11, 1, tzinfo=UTC))
