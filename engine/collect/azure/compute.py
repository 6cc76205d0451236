"""Azure compute: managed disks of one subscription."""

from datetime import UTC, datetime

from engine.collect.azure.clients import lease_compute
from engine.collect.request import Page, Request, Row


def fetch_disks(request: Request) -> list[Row]:
    """Read every disk of the subscription, whatever its region (Disks - List)."""
    client = lease_compute(request.unit.account_id)
    pages = client.disks.list().by_page()
    return [row for page in pages for row in parse_disks({"value": [disk.as_dict() for disk in page]})]


def parse_disks(page: Page) -> list[Row]:
    """Shape a page of Disks - List; `region` is the disk's location."""
    return [
        {
            "region": disk["location"],
            "id": disk["id"],
            "name": disk["name"],
            "tags": disk.get("tags") or {},
            "sku": disk.get("sku", {}).get("name"),
            "tier": properties.get("tier"),
            "size_gib": properties.get("diskSizeGB"),
            "state": properties.get("diskState"),
            "managed_by": disk.get("managedBy") or None,
            "created_at": _time(properties.get("timeCreated")),
            "detached_at": _time(properties.get("LastOwnershipUpdateTime")),
        }
        for disk in page["value"]
        for properties in (disk.get("properties", {}),)
    ]


def _time(text: str | None) -> datetime | None:
    """Read ARM's times: ISO 8601 with up to seven decimals of a second, of which Python keeps six."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
