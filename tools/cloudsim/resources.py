"""The vocabulary of the simulated estate: frozen descriptions of resources, without ids that only a cloud assigns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What every resource has.

    key         its name for people, unique in the estate; also its Name tag
    account_id  AWS account, Azure subscription or GCP project
    region      where it is billed
    waste       ids of the checks that have to find it: declared here by hand, never computed
    """

    key: str
    account_id: str
    region: str
    tags: Mapping[str, str] = field(default_factory=dict)
    waste: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance(Resource):
    """An EC2 instance (Linux, on demand).

    `cpu_percent` has the peak and `network_mib` the sum of each of the last days, newest last; empty when stopped.
    `savings_plan` says that a Savings Plan covers all its hours.
    """

    instance_type: str
    launched_at: datetime
    stopped_at: datetime | None = None
    cpu_percent: tuple[float, ...] = ()
    network_mib: tuple[float, ...] = ()
    savings_plan: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume(Resource):
    """An EBS volume; `attached_to` is an instance's key, `is_root` says that it was made with that instance."""

    size_gib: int
    created_at: datetime
    volume_type: str = "gp3"
    iops: int | None = None
    throughput_mibps: int | None = None
    attached_to: str | None = None
    is_root: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Resource):
    """An EBS snapshot; `volume` is the key of its volume, None when that is gone; `stored_gib` is what it bills for."""

    volume: str | None
    size_gib: int
    stored_gib: int
    started_at: datetime
    storage_tier: str = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(Resource):
    """An own machine image that boots from `snapshot` (a key)."""

    snapshot: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Address(Resource):
    """An Elastic IP address; `attached_to` is an instance's key."""

    allocated_at: datetime
    attached_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancer(Resource):
    """A load balancer; `targets` are instance keys, registered in its one target group if it has one."""

    created_at: datetime
    lb_type: str = "application"
    has_target_group: bool = True
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureDisk(Resource):
    """An Azure managed disk; `machine` is the name of the virtual machine that holds it."""

    resource_group: str
    sku: str
    size_gib: int
    created_at: datetime
    tier: str | None = None
    state: str = "Unattached"
    machine: str | None = None
    detached_at: datetime | None = None

    @property
    def resource_id(self) -> str:
        """The ARM id, spelt as ARM does."""
        group = f"/subscriptions/{self.account_id}/resourceGroups/{self.resource_group}"
        return f"{group}/providers/Microsoft.Compute/disks/{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpDisk(Resource):
    """A persistent disk; zonal, or regional when `zone` is None; `instance` is the name of what uses it."""

    disk_type: str
    size_gib: int
    created_at: datetime
    zone: str | None = None
    status: str = "READY"
    instance: str | None = None
    detached_at: datetime | None = None

    @property
    def scope(self) -> str:
        """Where aggregatedList puts it: `zones/<zone>` or `regions/<region>`."""
        return f"zones/{self.zone}" if self.zone else f"regions/{self.region}"

    @property
    def resource_id(self) -> str:
        """The resource path."""
        return f"projects/{self.account_id}/{self.scope}/disks/{self.key}"


AwsResource = Instance | Volume | Snapshot | Image | Address | LoadBalancer
