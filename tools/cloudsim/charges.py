"""What the estate's AWS resources cost: constant charges over time at list prices, before any bill is written."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cache

from checkers.prices.book import PriceBook
from tools.cloudsim.estate import Estate
from tools.cloudsim.resources import Address, AwsResource, Instance, LoadBalancer, Snapshot, Volume

GP3_IOPS, GP3_MIBPS = 3000, 125  # included with every gp3 volume, https://aws.amazon.com/ebs/pricing/
SAVINGS_PLAN_SHARE = Decimal("0.72")  # of the on-demand price; about what one year without upfront costs
_EC2, _VPC, _ELB = "AmazonEC2", "AmazonVPC", "AWSELB"
# How usage types name region and volume type, by the CUR user guide and EBS's usage report.
_REGION_PREFIX = {"us-east-1": "", "us-west-2": "USW2-", "eu-west-1": "EU-", "ap-southeast-1": "APS1-"}
_VOLUME_USAGE = {"gp2": "gp2", "gp3": "gp3", "io1": "piops", "sc1": "sc1"}
_SNAPSHOT_USAGE = {"standard": "EBS:SnapshotUsage", "archive": "EBS:SnapshotArchiveStorage"}
_BALANCER = {"application": ("alb", "LoadBalancing:Application"), "network": ("nlb", "LoadBalancing:Network")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A quantity of one thing, billed from `begin` to `end` (UTC, exclusive) at `rate` USD per unit.

    `unit` is Hrs, or an amount per calendar month (GB-Mo, IOPS-Mo, GiBps-mo), of which every hour is its share.
    """

    resource: AwsResource
    product_code: str
    usage_type: str
    operation: str
    unit: str
    quantity: Decimal
    rate: Decimal
    begin: datetime
    end: datetime

    def usage(self, begin: datetime, end: datetime, month_hours: int) -> Decimal:
        """Return the units used between two times of one month; month_hours is the length of that month."""
        seconds = max(0, int((min(end, self.end) - max(begin, self.begin)).total_seconds()))
        hours = Decimal(seconds) / 3600
        return self.quantity * (hours if self.unit == "Hrs" else hours / month_hours)


def charges(estate: Estate) -> Iterator[Charge]:
    """Yield every charge of the estate's AWS resources, running at `as_of` or ended before.

    Raises LookupError when the price book does not have one of the prices.
    """
    instances = {instance.key: instance for instance in estate.all(Instance)}
    for volume in estate.all(Volume):
        yield from _volume(volume, estate.as_of)
    for snapshot in estate.all(Snapshot):
        yield _snapshot(snapshot, estate.as_of)
    for instance in instances.values():
        yield _instance(instance, estate.as_of)
    for address in estate.all(Address):
        yield from _address(address, instances.get(address.attached_to or ""), estate.as_of)
    for balancer in estate.all(LoadBalancer):
        yield _balancer(balancer, estate.as_of)


def _volume(volume: Volume, as_of: datetime) -> Iterator[Charge]:
    kind, prefix = _VOLUME_USAGE[volume.volume_type], _REGION_PREFIX[volume.region]
    storage = Charge(
        resource=volume,
        product_code=_EC2,
        usage_type=f"{prefix}EBS:VolumeUsage.{kind}",
        operation="CreateVolume" if kind == "sc1" else f"CreateVolume-{kind.capitalize()}",
        unit="GB-Mo",
        quantity=Decimal(volume.size_gib),
        rate=price("ebs", volume.region, f"ebs.{volume.volume_type}.storage"),
        begin=volume.created_at,
        end=as_of,
    )
    yield storage
    if volume.iops:
        sku, included = ("ebs.gp3.iops_over_3000", GP3_IOPS) if kind == "gp3" else ("ebs.io1.iops", 0)
        yield replace(
            storage,
            usage_type=f"{prefix}EBS:VolumeP-IOPS.{kind}",
            unit="IOPS-Mo",
            quantity=Decimal(volume.iops - included),
            rate=price("ebs", volume.region, sku),
        )
    if volume.throughput_mibps:
        yield replace(
            storage,
            usage_type=f"{prefix}EBS:VolumeP-Throughput.gp3",
            unit="GiBps-mo",
            quantity=Decimal(volume.throughput_mibps - GP3_MIBPS) / 1024,
            rate=price("ebs", volume.region, "ebs.gp3.throughput_over_125") * 1024,
        )


def _snapshot(snapshot: Snapshot, as_of: datetime) -> Charge:
    return Charge(
        resource=snapshot,
        product_code=_EC2,
        usage_type=_REGION_PREFIX[snapshot.region] + _SNAPSHOT_USAGE[snapshot.storage_tier],
        operation="CreateSnapshot",
        unit="GB-Mo",
        quantity=Decimal(snapshot.stored_gib),
        rate=price("ebs", snapshot.region, f"ebs.snapshot.{snapshot.storage_tier}"),
        begin=snapshot.started_at,
        end=as_of,
    )


def _instance(instance: Instance, as_of: datetime) -> Charge:
    return Charge(
        resource=instance,
        product_code=_EC2,
        usage_type=f"{_REGION_PREFIX[instance.region]}BoxUsage:{instance.instance_type}",
        operation="RunInstances",
        unit="Hrs",
        quantity=Decimal(1),
        rate=price("ec2", instance.region, instance.instance_type, "linux"),
        begin=instance.launched_at,
        end=instance.stopped_at or as_of,
    )


def _address(address: Address, holder: Instance | None, as_of: datetime) -> Iterator[Charge]:
    """Yield its time in use (while its instance runs) and its idle time."""
    prefix = _REGION_PREFIX[address.region]
    idle_from = address.allocated_at if holder is None else holder.stopped_at or as_of
    idle = Charge(
        resource=address,
        product_code=_VPC,
        usage_type=f"{prefix}PublicIPv4:IdleAddress",
        operation="AllocateAddressVPC",
        unit="Hrs",
        quantity=Decimal(1),
        rate=price("network", address.region, "public_ipv4.idle"),
        begin=idle_from,
        end=as_of,
    )
    if idle_from < as_of:
        yield idle
    if holder is not None:
        yield replace(
            idle,
            usage_type=f"{prefix}PublicIPv4:InUseAddress",
            operation="AssociateAddressVPC",
            rate=price("network", address.region, "public_ipv4.in_use"),
            begin=address.allocated_at,
            end=idle_from,
        )


def _balancer(balancer: LoadBalancer, as_of: datetime) -> Charge:
    sku, operation = _BALANCER[balancer.lb_type]
    return Charge(
        resource=balancer,
        product_code=_ELB,
        usage_type=f"{_REGION_PREFIX[balancer.region]}LoadBalancerUsage",
        operation=operation,
        unit="Hrs",
        quantity=Decimal(1),
        rate=price("network", balancer.region, sku),
        begin=balancer.created_at,
        end=as_of,
    )


@cache
def price(service: str, region: str, sku: str, variant: str = "") -> Decimal:
    """Return a list price in USD from the packaged book. Raises LookupError when it is not there."""
    found = PriceBook.packaged().lookup("aws", service, region, sku, variant)
    if found is None:
        raise LookupError(f"the price book has no {sku} of {service} in {region}: choose another resource")
    return found.unit_price
