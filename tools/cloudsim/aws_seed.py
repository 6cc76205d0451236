"""Brings the AWS part of an estate into moto: real API calls over HTTP, then backdating in moto's backends."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from typing import Any

from botocore.config import Config
from botocore.session import Session
from moto.backends import get_backend
from moto.moto_api._internal import mock_random

from tools.cloudsim.aws import CREDENTIALS
from tools.cloudsim.aws_estate import ACCOUNTS, MANAGEMENT, REGIONS
from tools.cloudsim.estate import Estate
from tools.cloudsim.resources import Address, Image, Instance, LoadBalancer, Resource, Snapshot, Volume

_MIB = 1024 * 1024
# botocore's variables as (key in files, environment variable, default, cast): nobody's real profile is looked at.
_NO_PROFILE = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
_CLIENT = Config(proxies={}, retries={"total_max_attempts": 1})
_ROOT_DEVICE = "/dev/sda1"
_DATAPOINTS_PER_CALL = 500  # PutMetricData takes 1,000
_AMAZON_IMAGE = "ami-0abcdef1234567890"  # moto takes any; the instances' image is Amazon's, not ours


def seed(url: str, estate: Estate) -> dict[str, str]:
    """Make the organization and every AWS resource; returns resource key -> real id (a load balancer's is its ARN).

    The same estate gets the same ids in every process, and an id does not depend on the other resources.
    """
    session = Session(session_vars=_NO_PROFILE)
    sts = session.create_client("sts", region_name=REGIONS[0], endpoint_url=url, config=_CLIENT, **CREDENTIALS)
    _seed_organization(session, url)
    ids: dict[str, str] = {}
    for account in ACCOUNTS:
        credentials = _credentials(sts, account)
        for region in REGIONS:
            clients = {
                service: session.create_client(
                    service, region_name=region, endpoint_url=url, config=_CLIENT, **credentials
                )
                for service in ("ec2", "elbv2", "cloudwatch")
            }
            _Place(clients, account, region, ids).seed(estate)
    mock_random.seed()  # what moto draws from now on (access keys) has to differ
    return ids


def _credentials(sts: Any, account: str) -> dict[str, str]:
    mock_random.seed(f"credentials/{account}")
    role = f"arn:aws:iam::{account}:role/cloudsim"
    keys = sts.assume_role(RoleArn=role, RoleSessionName="cloudsim")["Credentials"]
    return {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }


def _seed_organization(session: Session, url: str) -> None:
    client = session.create_client(
        "organizations", region_name=REGIONS[0], endpoint_url=url, config=_CLIENT, **CREDENTIALS
    )
    client.create_organization(FeatureSet="ALL")
    backend = get_backend("organizations")[MANAGEMENT]["aws"]
    for account, name in ACCOUNTS.items():
        if account == MANAGEMENT:
            continue
        made = client.create_account(AccountName=name, Email=f"{name}@acme.example")["CreateAccountStatus"]
        backend.get_account_by_id(made["AccountId"]).id = account  # moto draws a number; the estate has its own


@contextmanager
def _without_amazons_images() -> Iterator[None]:
    """Keep moto from loading 1,300 public images and their snapshots into each account and region."""
    name = "MOTO_EC2_LOAD_DEFAULT_AMIS"
    before = os.environ.get(name)
    os.environ[name] = "false"
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


class _Place:
    """One account and region: its clients, moto's backends behind them, and the ids given so far."""

    def __init__(self, clients: Mapping[str, Any], account: str, region: str, ids: dict[str, str]) -> None:
        self.ec2, self.elbv2, self.cloudwatch = clients["ec2"], clients["elbv2"], clients["cloudwatch"]
        self.account, self.region, self.ids = account, region, ids
        mock_random.seed(f"{account}/{region}")  # the default VPC
        with _without_amazons_images():
            self.subnets = sorted(subnet["SubnetId"] for subnet in self.ec2.describe_subnets()["Subnets"])
        self.backend = get_backend("ec2")[account][region]

    def seed(self, estate: Estate) -> None:
        roots = {each.attached_to: each for each in self._here(estate, Volume) if each.is_root}
        for instance in self._here(estate, Instance):
            self._instance(instance, roots[instance.key])
        for volume in self._here(estate, Volume):
            if not volume.is_root:
                self._volume(volume)
        for snapshot in self._here(estate, Snapshot):
            self._snapshot(snapshot)
        for image in self._here(estate, Image):
            self._image(image)
        for address in self._here(estate, Address):
            self._address(address)
        for balancer in self._here(estate, LoadBalancer):
            self._load_balancer(balancer)
        self._metrics(estate)

    def _here(self, estate: Estate, kind: Any) -> Iterator[Any]:
        for resource in estate.all(kind):
            if (resource.account_id, resource.region) == (self.account, self.region):
                mock_random.seed(resource.key)  # so that the id follows from the key
                yield resource

    def _instance(self, instance: Instance, root: Volume) -> None:
        disk = {"VolumeSize": root.size_gib, "VolumeType": root.volume_type}
        made = self.ec2.run_instances(
            ImageId=_AMAZON_IMAGE,
            MinCount=1,
            MaxCount=1,
            InstanceType=instance.instance_type,
            SubnetId=self.subnets[0],
            BlockDeviceMappings=[{"DeviceName": _ROOT_DEVICE, "Ebs": disk}],
            TagSpecifications=[_tags("instance", instance), _tags("volume", root)],
        )["Instances"][0]
        own = self.backend.get_instance(made["InstanceId"])
        (device,) = own.block_device_mapping.values()
        self.ids |= {instance.key: own.id, root.key: device.volume_id}
        if instance.stopped_at:
            self.ec2.stop_instances(InstanceIds=[own.id])
            own._reason = f"User initiated ({instance.stopped_at:%Y-%m-%d %H:%M:%S} GMT)"  # noqa: SLF001 moto has no other way
        own.launch_time = _naive(instance.launched_at)
        self._backdate_volume(root)

    def _volume(self, volume: Volume) -> None:
        provisioned = {"Iops": volume.iops, "Throughput": volume.throughput_mibps}
        self.ids[volume.key] = self.ec2.create_volume(
            AvailabilityZone=f"{self.region}a",
            Size=volume.size_gib,
            VolumeType=volume.volume_type,
            TagSpecifications=[_tags("volume", volume)],
            **{name: value for name, value in provisioned.items() if value is not None},
        )["VolumeId"]
        if volume.attached_to:
            instance = self.backend.get_instance(self.ids[volume.attached_to])
            device = f"/dev/sd{chr(ord('e') + len(instance.block_device_mapping))}"
            self.ec2.attach_volume(VolumeId=self.ids[volume.key], InstanceId=instance.id, Device=device)
        self._backdate_volume(volume)

    def _backdate_volume(self, volume: Volume) -> None:
        self.backend.volumes[self.ids[volume.key]].create_time = _naive(volume.created_at)

    def _snapshot(self, snapshot: Snapshot) -> None:
        """Make a snapshot; where its volume is gone, make one for the purpose and delete it again."""
        gone = snapshot.volume is None
        volume = self._gone_volume(snapshot) if snapshot.volume is None else self.ids[snapshot.volume]
        made = self.ec2.create_snapshot(
            VolumeId=volume, Description=snapshot.key, TagSpecifications=[_tags("snapshot", snapshot)]
        )["SnapshotId"]
        if gone:
            self.ec2.delete_volume(VolumeId=volume)
        own = self.backend.snapshots[made]
        own.start_time, own.storage_tier = _naive(snapshot.started_at), snapshot.storage_tier
        self.ids[snapshot.key] = made

    def _gone_volume(self, snapshot: Snapshot) -> str:
        zone = f"{self.region}a"
        volume: str = self.ec2.create_volume(AvailabilityZone=zone, Size=snapshot.size_gib)["VolumeId"]
        return volume

    def _image(self, image: Image) -> None:
        made = self.ec2.register_image(
            Name=image.key, RootDeviceName=_ROOT_DEVICE, TagSpecifications=[_tags("image", image)]
        )["ImageId"]
        own = self.backend.amis[made]
        # moto gives every image a snapshot of its own making: put the estate's in its place.
        del self.backend.snapshots[own.ebs_snapshot.id]
        own.ebs_snapshot = self.backend.snapshots[self.ids[image.snapshot]]
        own.creation_date = _naive(image.created_at)
        self.ids[image.key] = made

    def _address(self, address: Address) -> None:
        made = self.ec2.allocate_address(Domain="vpc", TagSpecifications=[_tags("elastic-ip", address)])
        self.ids[address.key] = made["AllocationId"]
        if address.attached_to:
            self.ec2.associate_address(AllocationId=made["AllocationId"], InstanceId=self.ids[address.attached_to])

    def _load_balancer(self, balancer: LoadBalancer) -> None:
        tags = _tags("load-balancer", balancer)["Tags"]
        arn = self.elbv2.create_load_balancer(
            Name=balancer.key, Subnets=self.subnets[:2], Type=balancer.lb_type, Tags=tags
        )["LoadBalancers"][0]["LoadBalancerArn"]
        own = get_backend("elbv2")[self.account][self.region].load_balancers[arn]
        own.created_time = f"{balancer.created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
        self.ids[balancer.key] = arn
        if balancer.has_target_group:
            self._target_group(balancer, own.vpc_id)

    def _target_group(self, balancer: LoadBalancer, vpc: str) -> None:
        protocol = "TCP" if balancer.lb_type == "network" else "HTTP"
        group = self.elbv2.create_target_group(Name=f"{balancer.key}-tg", Protocol=protocol, Port=80, VpcId=vpc)
        arn = group["TargetGroups"][0]["TargetGroupArn"]
        self.elbv2.create_listener(
            LoadBalancerArn=self.ids[balancer.key],
            Protocol=protocol,
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
        )
        if balancer.targets:
            self.elbv2.register_targets(
                TargetGroupArn=arn, Targets=[{"Id": self.ids[target]} for target in balancer.targets]
            )

    def _metrics(self, estate: Estate) -> None:
        data = [each for instance in self._here(estate, Instance) for each in self._datapoints(instance, estate.as_of)]
        for start in range(0, len(data), _DATAPOINTS_PER_CALL):
            self.cloudwatch.put_metric_data(Namespace="AWS/EC2", MetricData=data[start : start + _DATAPOINTS_PER_CALL])

    def _datapoints(self, instance: Instance, as_of: datetime) -> Iterator[dict[str, Any]]:
        """Yield one datapoint per whole UTC day before `as_of` and metric, at noon."""
        today = datetime.combine(as_of.astimezone(UTC).date(), time(12), UTC)
        dimensions = [{"Name": "InstanceId", "Value": self.ids[instance.key]}]
        for name, unit, values in _daily(instance):
            for days_ago, value in enumerate(reversed(values), start=1):
                yield {
                    "MetricName": name,
                    "Dimensions": dimensions,
                    "Timestamp": today - timedelta(days=days_ago),
                    "Value": value,
                    "Unit": unit,
                }


def _daily(instance: Instance) -> Iterator[tuple[str, str, list[float]]]:
    """Yield metric, unit and daily values; a quarter of the network's bytes come in, the rest go out."""
    yield "CPUUtilization", "Percent", list(instance.cpu_percent)
    yield "NetworkIn", "Bytes", [mib * _MIB / 4 for mib in instance.network_mib]
    yield "NetworkOut", "Bytes", [mib * _MIB * 3 / 4 for mib in instance.network_mib]


def _tags(kind: str, resource: Resource) -> dict[str, Any]:
    tags = {"Name": resource.key, **resource.tags}
    return {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _naive(at: datetime) -> datetime:
    """Moto keeps UTC times without a zone."""
    return at.astimezone(UTC).replace(tzinfo=None)
