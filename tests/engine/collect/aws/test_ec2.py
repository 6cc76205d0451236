"""EC2: the shapes of its answers, and the whole way from a real server to frames."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from moto.backends import get_backend

from checkers.aws.ec2.datasets import ADDRESSES, IMAGES, INSTANCES, SNAPSHOTS, VOLUMES
from engine.collect import collect
from engine.collect.aws.ec2 import parse_addresses, parse_images, parse_instances, parse_snapshots, parse_volumes
from engine.plan import PlannedUnit

ACME, OTHER = "111111111111", "222222222222"
MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_volume_has_the_name_of_its_tag_and_is_attached_to_its_instance() -> None:
    page = {
        "Volumes": [
            {
                "VolumeId": "vol-1",
                "VolumeType": "gp3",
                "Size": 100,
                "Iops": 3000,
                "Throughput": 125,
                "State": "in-use",
                "Attachments": [{"InstanceId": "i-1", "State": "attached"}],
                "CreateTime": MADE,
                "Encrypted": True,
                "SnapshotId": "snap-1",
                "Tags": [{"Key": "Name", "Value": "data"}, {"Key": "team", "Value": ""}],
            }
        ]
    }
    assert parse_volumes(page) == [
        {
            "id": "vol-1",
            "name": "data",
            "tags": {"Name": "data", "team": ""},
            "volume_type": "gp3",
            "size_gib": 100,
            "iops": 3000,
            "throughput_mibps": 125,
            "state": "in-use",
            "attached_to": "i-1",
            "created_at": MADE,
            "encrypted": True,
            "snapshot_id": "snap-1",
        }
    ]


def test_what_a_volume_does_not_say_is_null() -> None:
    volume = {"VolumeId": "vol-1", "VolumeType": "standard", "Size": 1, "State": "available", "CreateTime": MADE}
    (row,) = parse_volumes({"Volumes": [volume | {"SnapshotId": "", "Attachments": []}]})
    unknown = ("name", "iops", "throughput_mibps", "attached_to", "encrypted", "snapshot_id")
    assert [row[column] for column in unknown] == [None] * 6
    assert row["tags"] == {}


def test_a_volume_of_another_service_is_not_unattached() -> None:
    attachment = {"AssociatedResource": "arn:aws:ecs:eu-west-1:111111111111:task/t", "State": "attached"}
    volume = {"VolumeId": "vol-1", "VolumeType": "gp3", "Size": 1, "State": "in-use", "CreateTime": MADE}
    (row,) = parse_volumes({"Volumes": [volume | {"Attachments": [attachment]}]})
    assert row["attached_to"] == "arn:aws:ecs:eu-west-1:111111111111:task/t"


def test_snapshots_of_other_owners_are_left_out() -> None:
    snapshot = {
        "SnapshotId": "snap-1",
        "OwnerId": ACME,
        "VolumeId": "vol-1",
        "VolumeSize": 8,
        "State": "completed",
        "StartTime": MADE,
        "Description": "",
    }
    page = {"Snapshots": [snapshot, snapshot | {"SnapshotId": "snap-2", "OwnerId": OTHER}]}
    (row,) = parse_snapshots(page, ACME)
    assert row["id"] == "snap-1"
    assert row["storage_tier"] == "standard"
    assert row["description"] is None


def test_an_image_holds_the_snapshots_of_its_devices_and_keeps_its_own_name() -> None:
    image = {
        "ImageId": "ami-1",
        "OwnerId": ACME,
        "Name": "base",
        "State": "available",
        "CreationDate": "2026-01-02T03:04:05.000Z",
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": "snap-1"}},
            {"DeviceName": "/dev/sdb", "VirtualName": "ephemeral0"},
            {"DeviceName": "/dev/sdc", "Ebs": {"VolumeSize": 8}},
        ],
    }
    (row,) = parse_images({"Images": [image, image | {"OwnerId": OTHER}]}, ACME)
    assert row["snapshot_ids"] == ["snap-1"]
    assert row["name"] == "base"
    assert row["created_at"] == MADE


def test_an_address_without_an_allocation_is_named_by_itself() -> None:
    page = {"Addresses": [{"PublicIp": "203.0.113.7", "InstanceId": ""}, {"AllocationId": "eipalloc-1"}]}
    classic, vpc = parse_addresses(page)
    assert (classic["id"], classic["public_ip"], classic["instance_id"]) == ("203.0.113.7", "203.0.113.7", None)
    assert (vpc["id"], vpc["association_id"]) == ("eipalloc-1", None)


def instance(**changes: Any) -> dict[str, Any]:
    base = {"InstanceId": "i-1", "InstanceType": "m5.large", "State": {"Name": "stopped"}, "LaunchTime": MADE}
    (row,) = parse_instances({"Reservations": [{"Instances": [base | changes]}]})
    return row


@pytest.mark.parametrize(
    ("state", "reason", "stopped_at"),
    [
        ("stopped", "User initiated (2026-01-02 03:04:05 GMT)", MADE),
        ("stopped", "User initiated (2026-01-02 03:04:05 UTC)", MADE),
        ("stopped", "Server.ScheduledStop: Stopped due to scheduled retirement", None),
        ("stopped", "", None),
        ("terminated", "User initiated (2026-01-02 03:04:05 GMT)", None),
    ],
)
def test_since_when_an_instance_is_stopped_is_known_only_where_ec2_says_it(
    state: str, reason: str, stopped_at: datetime | None
) -> None:
    assert instance(State={"Name": state}, StateTransitionReason=reason)["stopped_at"] == stopped_at


@pytest.mark.parametrize(
    ("details", "platform"),
    [
        ("Linux/UNIX", "linux"),
        ("Windows", "windows"),
        ("Red Hat Enterprise Linux", "rhel"),
        ("SUSE Linux", "suse"),
        ("Windows with SQL Server Standard", "windows-with-sql-server-standard"),
        (None, "linux"),
    ],
)
def test_a_platform_has_the_price_books_name(details: str | None, platform: str) -> None:
    assert instance(PlatformDetails=details)["platform"] == platform


def test_an_instance_names_its_volumes() -> None:
    row = instance(BlockDeviceMappings=[{"Ebs": {"VolumeId": "vol-1"}}, {"Ebs": {"VolumeId": "vol-2"}}])
    assert row["volume_ids"] == ["vol-1", "vol-2"]


def test_two_accounts_and_regions_are_read_apart(
    owner: Callable[..., Any], aws_unit: Callable[..., PlannedUnit], as_of: datetime
) -> None:
    for account, size in ((ACME, 10), (OTHER, 20)):
        owner("ec2", account).create_volume(AvailabilityZone="eu-west-1a", Size=size, VolumeType="gp3")
    for account, size in ((ACME, 10), (OTHER, 20)):
        (reading,) = collect(aws_unit(account), [VOLUMES], as_of)
        assert reading.error is None
        assert reading.frame is not None
        assert reading.frame.schema == VOLUMES.schema
        assert reading.frame["size_gib"].to_list() == [size]
        assert reading.frame["unit_id"].to_list() == [f"acme/prod/aws/{account}/eu-west-1"]
    (elsewhere,) = collect(aws_unit(ACME, "us-east-1"), [VOLUMES], as_of)
    assert elsewhere.frame is not None
    assert elsewhere.frame.height == 0


@pytest.mark.usefixtures("moto")
def test_more_than_a_page_of_volumes_is_read_once_each(aws_unit: Callable[..., PlannedUnit], as_of: datetime) -> None:
    backend = get_backend("ec2")[ACME]["eu-west-1"]  # so many calls over HTTP take ten seconds
    made = {backend.create_volume(size=1, zone_name="eu-west-1a").id for _ in range(520)}
    (reading,) = collect(aws_unit(ACME), [VOLUMES], as_of)
    assert reading.frame is not None
    assert reading.frame.height == 520
    assert set(reading.frame["id"]) == made


def test_everything_of_ec2_is_read_from_a_server(
    owner: Callable[..., Any],
    aws_unit: Callable[..., PlannedUnit],
    as_of: datetime,
    set_environment: Callable[..., None],
) -> None:
    set_environment(MOTO_EC2_LOAD_DEFAULT_AMIS="true")
    ec2 = owner("ec2", ACME)
    images = ec2.describe_images(Owners=["amazon"])["Images"]
    image = next(each["ImageId"] for each in images if each.get("Platform") != "windows")
    reserved = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro")
    machine = reserved["Instances"][0]["InstanceId"]
    own_image = ec2.create_image(InstanceId=machine, Name="golden")["ImageId"]
    ec2.stop_instances(InstanceIds=[machine])
    allocation = ec2.allocate_address(Domain="vpc")["AllocationId"]
    volume = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=5)["VolumeId"]
    snapshot = ec2.create_snapshot(VolumeId=volume, Description="before")["SnapshotId"]

    readings = collect(aws_unit(ACME), [VOLUMES, SNAPSHOTS, IMAGES, ADDRESSES, INSTANCES], as_of)

    assert [reading.error for reading in readings] == [None] * 5
    frames = {each.dataset.name: each.frame for each in readings if each.frame is not None}
    assert all(frames[each.dataset.name].schema == each.dataset.schema for each in readings)
    instances, volumes, snapshots = frames[INSTANCES.name], frames[VOLUMES.name], frames[SNAPSHOTS.name]
    assert instances["id"].to_list() == [machine]
    assert instances["state"].to_list() == ["stopped"]
    assert instances["stopped_at"].null_count() == 0
    assert instances["platform"].to_list() == ["linux"]
    (attached,) = instances["volume_ids"].to_list()
    assert set(volumes["id"]) == {volume, *attached}
    assert volumes.filter(id=attached[0])["attached_to"].to_list() == [machine]
    assert snapshot in set(snapshots["id"])
    assert snapshots.height <= 3, "moto lists hundreds of snapshots of other owners"
    assert frames[IMAGES.name]["id"].to_list() == [own_image]
    assert set(frames[IMAGES.name]["snapshot_ids"].to_list()[0]) <= set(snapshots["id"])
    assert frames[ADDRESSES.name]["id"].to_list() == [allocation]
    assert frames[ADDRESSES.name]["association_id"].to_list() == [None]
