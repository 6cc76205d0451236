"""The Google Cloud part of the estate: the persistent disks of two projects."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from tools.cloudsim.resources import GcpDisk

PROJECTS = ("acme-web-prod", "acme-ml-lab")
UNATTACHED = ("gcp.compute.unattached_disk",)


def resources(as_of: datetime) -> Iterator[GcpDisk]:
    """Yield every disk; ages count back from `as_of`."""

    def ago(days: float) -> datetime:
        return as_of - timedelta(days=days)

    web: dict[str, Any] = {"account_id": PROJECTS[0], "region": "europe-west1", "zone": "europe-west1-b"}
    lab: dict[str, Any] = {"account_id": PROJECTS[1], "region": "us-central1", "zone": "us-central1-a"}
    ssd: dict[str, Any] = {"disk_type": "pd-ssd", "size_gib": 200}
    old: dict[str, Any] = {"created_at": ago(300)}
    yield GcpDisk(key="web-1", **web, disk_type="pd-balanced", size_gib=20, **old, instance="web-1")
    yield GcpDisk(key="web-cache", **web, **ssd, **old, detached_at=ago(45), waste=UNATTACHED)
    yield GcpDisk(key="web-import", **web, disk_type="pd-standard", size_gib=1000, created_at=ago(15), waste=UNATTACHED)
    yield GcpDisk(key="web-just-detached", **web, **ssd, **old, detached_at=ago(14))
    yield GcpDisk(
        key="pvc-6b0e", **web, disk_type="pd-ssd", size_gib=100, **old, tags={"goog-gke-volume": ""}
    )  # waits for its pod
    yield GcpDisk(
        key="web-ha", account_id=PROJECTS[0], region="europe-west1", disk_type="pd-ssd", size_gib=50, **old,
        waste=UNATTACHED,
    )  # fmt: skip
    yield GcpDisk(key="train-1", **lab, disk_type="pd-ssd", size_gib=500, **old, instance="train-1")
    yield GcpDisk(
        key="train-dataset", **lab, disk_type="pd-balanced", size_gib=2000, **old, detached_at=ago(100),
        tags={"team": "ml"}, waste=UNATTACHED,
    )  # fmt: skip
    yield GcpDisk(key="train-extreme", **lab, disk_type="pd-extreme", size_gib=500, **old, waste=UNATTACHED)
    yield GcpDisk(key="train-new", **lab, disk_type="pd-ssd", size_gib=100, created_at=ago(3))
    yield GcpDisk(key="train-restoring", **lab, disk_type="pd-ssd", size_gib=100, **old, status="RESTORING")
