"""The Azure part of the estate: the managed disks of two subscriptions."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from tools.cloudsim.resources import AzureDisk

SUBSCRIPTIONS = ("3f2a1c7e-5b64-4d09-9c51-0a8f6e2d7b10", "9b7d4e02-1a3c-4f68-8e25-c46b90d1f5a3")
UNATTACHED = ("azure.compute.unattached_disk",)


def resources(as_of: datetime) -> Iterator[AzureDisk]:
    """Yield every disk; ages count back from `as_of`."""

    def ago(days: float) -> datetime:
        return as_of - timedelta(days=days)

    shop: dict[str, Any] = {"account_id": SUBSCRIPTIONS[0], "region": "westeurope", "resource_group": "RG-Shop"}
    lab: dict[str, Any] = {"account_id": SUBSCRIPTIONS[1], "region": "eastus", "resource_group": "rg-lab"}
    old: dict[str, Any] = {"created_at": ago(400)}
    premium: dict[str, Any] = {"sku": "Premium_LRS", "size_gib": 128, "tier": "P10"}
    yield AzureDisk(key="shop-vm-os", **shop, **premium, **old, state="Attached", machine="shop-vm")
    yield AzureDisk(key="Shop-Orders-Data", **shop, **premium, **old, detached_at=ago(60), waste=UNATTACHED)
    yield AzureDisk(key="shop-never-used", **shop, sku="StandardSSD_LRS", size_gib=256, **old, waste=UNATTACHED)
    yield AzureDisk(key="shop-at-limit", **shop, **premium, **old, detached_at=ago(7), waste=UNATTACHED)
    yield AzureDisk(key="shop-just-detached", **shop, **premium, **old, detached_at=ago(6))
    yield AzureDisk(key="shop-new", **shop, **premium, created_at=ago(2))
    yield AzureDisk(key="shop-deallocated", **shop, **premium, **old, state="Reserved", machine="shop-batch")
    yield AzureDisk(
        key="lab-scratch", **lab, tags={"owner": "qa"}, sku="Standard_LRS", size_gib=1000, **old, waste=UNATTACHED
    )
    yield AzureDisk(key="lab-zonal", **lab, sku="Premium_ZRS", size_gib=500, tier="P20", **old, waste=UNATTACHED)
    # Premium SSD v2 has no tier, and the price book none for it: found all the same, its saving unknown.
    yield AzureDisk(key="lab-v2", **lab, sku="PremiumV2_LRS", size_gib=512, **old, waste=UNATTACHED)
    yield AzureDisk(key="lab-exporting", **lab, **premium, **old, state="ActiveSAS")
    yield AzureDisk(key="lab-replica-ASRReplica", **lab, **premium, **old)
    yield AzureDisk(
        key="pvc-0d2e", **lab, **premium, **old, tags={"kubernetes.io-created-for-pvc-name": "data-redis-0"}
    )
    yield AzureDisk(key="lab-vm-os", **lab, **premium, **old, state="Attached", machine="lab-vm")
