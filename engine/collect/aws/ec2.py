"""Amazon EC2: volumes, snapshots, images, addresses and instances of one account and region."""

import re
from datetime import UTC, datetime
from typing import Any

from engine.collect.aws.clients import lease
from engine.collect.request import Page, Request, Row

# "User initiated (2026-11-22 02:06:27 GMT)": the only place where EC2 says since when an instance is stopped.
_STOPPED = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)")


def fetch_volumes(request: Request) -> list[Row]:
    """Read every volume (DescribeVolumes)."""
    return [row for page in _pages(request, "describe_volumes", size=500) for row in parse_volumes(page)]


def parse_volumes(page: Page) -> list[Row]:
    """Shape a page of DescribeVolumes; of a multi-attached volume the first attachment counts."""
    return [
        _named(volume)
        | {
            "id": volume["VolumeId"],
            "volume_type": volume["VolumeType"],
            "size_gib": volume["Size"],
            "iops": volume.get("Iops"),
            "throughput_mibps": volume.get("Throughput"),
            "state": volume["State"],
            "attached_to": _attached_to(volume),
            "created_at": volume["CreateTime"],
            "encrypted": volume.get("Encrypted"),
            "snapshot_id": volume.get("SnapshotId") or None,
        }
        for volume in page["Volumes"]
    ]


def fetch_snapshots(request: Request) -> list[Row]:
    """Read the account's own snapshots (DescribeSnapshots)."""
    pages = _pages(request, "describe_snapshots", size=1000, OwnerIds=["self"])
    return [row for page in pages for row in parse_snapshots(page, request.unit.account_id)]


def parse_snapshots(page: Page, account_id: str) -> list[Row]:
    """Shape a page of DescribeSnapshots; keep what the account owns, whatever else the API returned."""
    return [
        _named(snapshot)
        | {
            "id": snapshot["SnapshotId"],
            "volume_id": snapshot.get("VolumeId"),
            "size_gib": snapshot["VolumeSize"],
            "storage_tier": snapshot.get("StorageTier", "standard"),
            "state": snapshot["State"],
            "started_at": snapshot["StartTime"],
            "description": snapshot.get("Description") or None,
        }
        for snapshot in page["Snapshots"]
        if snapshot["OwnerId"] == account_id
    ]


def fetch_images(request: Request) -> list[Row]:
    """Read the account's own images, disabled ones too, as they hold on to their snapshots (DescribeImages)."""
    pages = _pages(request, "describe_images", size=1000, Owners=["self"], IncludeDisabled=True)
    return [row for page in pages for row in parse_images(page, request.unit.account_id)]


def parse_images(page: Page, account_id: str) -> list[Row]:
    """Shape a page of DescribeImages; keep what the account owns. An image without a Name tag has its own name."""
    return [
        {"name": image.get("Name")}
        | {key: value for key, value in _named(image).items() if value is not None}
        | {
            "id": image["ImageId"],
            "state": image["State"],
            "created_at": datetime.fromisoformat(image["CreationDate"]),
            "snapshot_ids": [
                device["Ebs"]["SnapshotId"]
                for device in image.get("BlockDeviceMappings", [])
                if "SnapshotId" in device.get("Ebs", {})
            ],
        }
        for image in page["Images"]
        if image["OwnerId"] == account_id
    ]


def fetch_addresses(request: Request) -> list[Row]:
    """Read every Elastic IP address (DescribeAddresses, which has no pages)."""
    client = lease("ec2", request.unit.region, request.access)
    return parse_addresses(client.describe_addresses())


def parse_addresses(page: Page) -> list[Row]:
    """Shape the answer of DescribeAddresses."""
    return [
        _named(address)
        | {
            "id": address.get("AllocationId") or address["PublicIp"],
            "public_ip": address.get("PublicIp"),
            "association_id": address.get("AssociationId") or None,
            "instance_id": address.get("InstanceId") or None,
            "network_interface_id": address.get("NetworkInterfaceId") or None,
        }
        for address in page["Addresses"]
    ]


def fetch_instances(request: Request) -> list[Row]:
    """Read every instance, in whatever state (DescribeInstances)."""
    return [row for page in _pages(request, "describe_instances", size=1000) for row in parse_instances(page)]


def parse_instances(page: Page) -> list[Row]:
    """Shape a page of DescribeInstances."""
    return [
        _named(instance)
        | {
            "id": instance["InstanceId"],
            "instance_type": instance["InstanceType"],
            "platform": _platform(instance),
            "state": instance["State"]["Name"],
            "launched_at": instance.get("LaunchTime"),
            "stopped_at": _stopped_at(instance),
            "volume_ids": [
                device["Ebs"]["VolumeId"] for device in instance.get("BlockDeviceMappings", []) if "Ebs" in device
            ],
            "architecture": instance.get("Architecture"),
            "tenancy": instance.get("Placement", {}).get("Tenancy"),
            "lifecycle": instance.get("InstanceLifecycle"),
        }
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    ]


def _pages(request: Request, operation: str, size: int, **filters: Any) -> Any:
    """Page through an operation: unpaginated describes draw on a smaller request budget of the customer's account."""
    client = lease("ec2", request.unit.region, request.access)
    return client.get_paginator(operation).paginate(PaginationConfig={"PageSize": size}, **filters)


def _named(resource: dict[str, Any]) -> Row:
    tags = {tag["Key"]: tag.get("Value", "") for tag in resource.get("Tags", [])}
    return {"name": tags.get("Name") or None, "tags": tags}


def _attached_to(volume: dict[str, Any]) -> str | None:
    """Name what holds the volume: an instance, or another service's resource (Fargate) that attached it."""
    for attachment in volume.get("Attachments", []):
        if attachment.get("State") != "detached":
            holder: str | None = attachment.get("InstanceId") or attachment.get("AssociatedResource")
            return holder
    return None


def _platform(instance: dict[str, Any]) -> str:
    """Name the operating system as the price book does: linux, windows, rhel, suse, else PlatformDetails itself.

    PlatformDetails by the EC2 user guide, "AMI billing information".
    """
    details = instance.get("PlatformDetails") or instance.get("Platform") or "Linux/UNIX"
    known = {
        "linux/unix": "linux",
        "windows": "windows",
        "red hat enterprise linux": "rhel",
        "suse linux": "suse",
        "ubuntu pro": "ubuntu-pro",
    }
    return known.get(details.lower(), details.lower().replace(" ", "-"))


def _stopped_at(instance: dict[str, Any]) -> datetime | None:
    said = _STOPPED.search(instance.get("StateTransitionReason", ""))
    if instance["State"]["Name"] != "stopped" or said is None:
        return None
    return datetime.strptime(said[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
