"""gcp.compute.unattached_disk: the storage price of a forgotten disk."""

from decimal import Decimal
from typing import Any

import pytest

from checkers.gcp.compute.unattached_disk import CHECK


def disk(judge: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": "disk-1", "name": "data", "region": "us-central1", "zone": "us-central1-a", "disk_type": "pd-ssd",
        "size_gib": 100, "status": "READY", "users": [], "created_at": judge.days_ago(100),
        "detached_at": judge.days_ago(30), **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "usd", "status"),
    [
        ({}, "17.00", "estimated"),
        ({"zone": None}, "34.00", "estimated"),  # a regional disk is stored twice
        ({"disk_type": "pd-extreme"}, "12.50", "lower_bound"),  # its IOPS are billed apart
    ],
)
def test_a_forgotten_disk_is_claimed_at_its_storage_price(
    judge: Any, changes: dict[str, Any], usd: str, status: str
) -> None:
    claim = judge(CHECK, [disk(judge, **changes)])["disk-1"]
    assert (claim["monthly_savings"], claim["status"]) == (Decimal(usd), status)
    assert claim["verdict"] == "finding"


def test_an_unknown_price_names_its_key(judge: Any) -> None:
    claim = judge(CHECK, [disk(judge, disk_type="hyperdisk-balanced")])["disk-1"]
    assert (claim["verdict"], claim["monthly_savings"], claim["status"]) == ("finding", None, "unknown")
    assert claim["missing_price"] == "gcp/storage/us-central1/hyperdisk-balanced"


def test_a_disk_becomes_a_finding_fifteen_days_after_it_was_detached(judge: Any) -> None:
    rows = [
        disk(judge, detached_at=judge.days_ago(15)),
        disk(judge, id="disk-2", detached_at=judge.days_ago(14.9)),
        disk(judge, id="disk-3", detached_at=None, created_at=judge.days_ago(15)),
        disk(judge, id="disk-4", detached_at=None, created_at=judge.days_ago(14.9)),
    ]
    claims = judge(CHECK, rows)
    assert [claims[f"disk-{n}"]["verdict"] for n in range(1, 5)] == ["finding", "ok", "finding", "ok"]


@pytest.mark.parametrize(
    ("changes", "verdict", "reason"),
    [
        ({"users": None}, "finding", None),
        ({"users": ["instances/vm-1"]}, "ok", None),
        ({"status": "CREATING"}, "not_applicable", "not_ready"),
        ({"tags": {"goog-gke-volume": ""}}, "not_applicable", "system_owned"),
        ({"tags": {"goog-k8s-cluster-name": "one"}}, "not_applicable", "system_owned"),
        ({"created_at": None, "detached_at": None}, "undetermined", "age_unknown"),
    ],
)
def test_every_disk_gets_its_verdict(judge: Any, changes: dict[str, Any], verdict: str, reason: str | None) -> None:
    claim = judge(CHECK, [disk(judge, **changes)])["disk-1"]
    assert (claim["verdict"], claim["reason"]) == (verdict, reason)
