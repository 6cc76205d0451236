"""azure.compute.unattached_disk: the tier price of a forgotten disk."""

from decimal import Decimal
from typing import Any

import pytest

from checkers.azure.compute.unattached_disk import CHECK


def disk(judge: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": "disk-1", "name": "data", "region": "eastus", "sku": "Premium_LRS", "tier": "P10", "size_gib": 128,
        "state": "Unattached", "created_at": judge.days_ago(100), "detached_at": judge.days_ago(30), **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "usd"),
    [
        ({}, "19.71"),
        ({"tier": None}, "19.71"),  # 128 GiB is a P10
        ({"tier": None, "size_gib": 129}, "38.0121"),  # the next larger tier is billed
        ({"tier": "P15", "size_gib": 128}, "38.0121"),  # a performance tier above the size is what is billed
        ({"sku": "StandardSSD_ZRS", "tier": None}, "14.40"),
        ({"sku": "Standard_LRS", "tier": None, "size_gib": 4}, "1.536"),  # HDD tiers begin at S4
    ],
)
def test_a_forgotten_disk_is_claimed_at_the_price_of_its_tier(judge: Any, changes: dict[str, Any], usd: str) -> None:
    claim = judge(CHECK, [disk(judge, **changes)])["disk-1"]
    assert claim["monthly_savings"] == Decimal(usd)
    assert (claim["verdict"], claim["status"]) == ("finding", "estimated")


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"sku": "PremiumV2_LRS", "tier": None}, "eastus/PremiumV2_LRS/lrs"),
        ({"sku": "UltraSSD_LRS", "tier": None}, "eastus/UltraSSD_LRS/lrs"),
        ({"region": "marsnorth"}, "marsnorth/P10_LRS/lrs"),
    ],
)
def test_an_unknown_price_names_its_key(judge: Any, changes: dict[str, Any], key: str) -> None:
    claim = judge(CHECK, [disk(judge, **changes)])["disk-1"]
    assert (claim["verdict"], claim["monthly_savings"], claim["status"]) == ("finding", None, "unknown")
    assert claim["missing_price"] == f"azure/disk/{key}"


def test_a_disk_becomes_a_finding_a_week_after_it_was_detached(judge: Any) -> None:
    rows = [
        disk(judge, detached_at=judge.days_ago(7)),
        disk(judge, id="disk-2", detached_at=judge.days_ago(6.9)),
        disk(judge, id="disk-3", detached_at=None, created_at=judge.days_ago(7)),
        disk(judge, id="disk-4", detached_at=None, created_at=judge.days_ago(6.9)),
    ]
    claims = judge(CHECK, rows)
    assert [claims[f"disk-{n}"]["verdict"] for n in range(1, 5)] == ["finding", "ok", "finding", "ok"]


@pytest.mark.parametrize(
    ("changes", "verdict", "reason"),
    [
        ({"state": "Attached", "managed_by": "vm-1"}, "ok", None),
        ({"managed_by": "vm-1"}, "ok", None),
        ({"state": "Reserved"}, "not_applicable", "reserved"),
        ({"state": "ActiveSAS"}, "not_applicable", "being_transferred"),
        ({"state": "ReadyToUpload"}, "not_applicable", "being_transferred"),
        ({"name": "vm-1-ASRReplica"}, "not_applicable", "site_recovery"),
        ({"name": "ms-asr-1"}, "not_applicable", "site_recovery"),
        ({"tags": {"ASR-ReplicaDisk": "x"}}, "not_applicable", "system_owned"),
        ({"tags": {"kubernetes.io-created-for-pvc-name": "x"}}, "not_applicable", "system_owned"),
        ({"tags": {"RSVaultBackup": "x"}}, "not_applicable", "system_owned"),
        ({"created_at": None, "detached_at": None}, "undetermined", "age_unknown"),
    ],
)
def test_every_disk_gets_its_verdict(judge: Any, changes: dict[str, Any], verdict: str, reason: str | None) -> None:
    claim = judge(CHECK, [disk(judge, **changes)])["disk-1"]
    assert (claim["verdict"], claim["reason"]) == (verdict, reason)
