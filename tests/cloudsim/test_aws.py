"""moto, seeded: the real SDK sees the estate as it is at its logical time."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tools.cloudsim.aws_estate import ACCOUNTS, ANALYTICS, MANAGEMENT, PAYMENTS, REGIONS
from tools.cloudsim.resources import Address, Instance, LoadBalancer, Snapshot, Volume
from tools.cloudsim.simulator import Simulator

AwsClient = Callable[..., Any]
SEED_AND_PRINT = """
from tools.cloudsim.aws import AwsServer
from tools.cloudsim.aws_seed import seed
from tools.cloudsim.estate import build_estate
server = AwsServer()
print(sorted(seed(server.url, build_estate()).items()))
server.stop()
"""


def _own_snapshots(ec2: Any, account: str) -> list[dict[str, Any]]:
    return [each for each in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] if each["OwnerId"] == account]


def test_the_organization_has_the_three_accounts(simulator: Simulator, aws_client: AwsClient) -> None:
    listed = aws_client(simulator, "organizations").list_accounts()["Accounts"]
    assert {(each["Id"], each["Status"]) for each in listed} == {(account, "ACTIVE") for account in ACCOUNTS}
    assert aws_client(simulator, "sts").get_caller_identity()["Account"] == MANAGEMENT


def test_every_account_and_region_has_its_resources_and_no_others(simulator: Simulator, aws_client: AwsClient) -> None:
    for account in ACCOUNTS:
        for region in REGIONS:
            ec2 = aws_client(simulator, "ec2", account, region)
            seen = {
                Volume: [each["VolumeId"] for each in ec2.describe_volumes()["Volumes"]],
                Snapshot: [each["SnapshotId"] for each in _own_snapshots(ec2, account)],
                Address: [each["AllocationId"] for each in ec2.describe_addresses()["Addresses"]],
                Instance: [
                    each["InstanceId"]
                    for group in ec2.describe_instances()["Reservations"]
                    for each in group["Instances"]
                ],
                LoadBalancer: [
                    each["LoadBalancerArn"]
                    for each in aws_client(simulator, "elbv2", account, region).describe_load_balancers()[
                        "LoadBalancers"
                    ]
                ],
            }
            for kind, ids in seen.items():
                here = [
                    each for each in simulator.estate.all(kind) if (each.account_id, each.region) == (account, region)
                ]
                assert sorted(ids) == sorted(simulator.ids[each.key] for each in here)


def test_ages_show_over_http(simulator: Simulator, aws_client: AwsClient) -> None:
    as_of, ids = simulator.estate.as_of, simulator.ids
    shop = aws_client(simulator, "ec2", PAYMENTS, "us-east-1")
    (volume,) = shop.describe_volumes(VolumeIds=[ids["forgotten-db"]])["Volumes"]
    assert volume["CreateTime"] == as_of - timedelta(days=240)
    assert {"Key": "Name", "Value": "forgotten-db"} in volume["Tags"]
    (snapshot,) = shop.describe_snapshots(SnapshotIds=[ids["forgotten-db-180d"]])["Snapshots"]
    assert (snapshot["StartTime"], snapshot["VolumeId"]) == (as_of - timedelta(days=180), ids["forgotten-db"])
    data = aws_client(simulator, "elbv2", ANALYTICS, "eu-west-1")
    (balancer,) = data.describe_load_balancers(LoadBalancerArns=[ids["rolling-out"]])["LoadBalancers"]
    assert balancer["CreatedTime"] == as_of - timedelta(hours=12)


def test_a_stopped_instance_says_since_when_and_keeps_volumes_and_address(
    simulator: Simulator, aws_client: AwsClient
) -> None:
    ec2, ids = aws_client(simulator, "ec2", PAYMENTS, "us-west-2"), simulator.ids
    (group,) = ec2.describe_instances(InstanceIds=[ids["migration-host"]])["Reservations"]
    (host,) = group["Instances"]
    stopped = simulator.estate.as_of - timedelta(days=120)
    assert host["State"]["Name"] == "stopped"
    assert host["StateTransitionReason"] == f"User initiated ({stopped:%Y-%m-%d %H:%M:%S} GMT)"
    assert {each["Ebs"]["VolumeId"] for each in host["BlockDeviceMappings"]} == {
        ids["migration-root"], ids["migration-data"],
    }  # fmt: skip
    (address,) = ec2.describe_addresses(AllocationIds=[ids["migration-ip"]])["Addresses"]
    assert address["InstanceId"] == host["InstanceId"]


def test_a_dropped_volumes_snapshot_names_a_volume_that_is_not_there(
    simulator: Simulator, aws_client: AwsClient
) -> None:
    ec2 = aws_client(simulator, "ec2", ANALYTICS, "us-west-2")
    (snapshot,) = ec2.describe_snapshots(SnapshotIds=[simulator.ids["dropped-cluster"]])["Snapshots"]
    assert snapshot["VolumeSize"] == 400
    assert snapshot["VolumeId"] not in {each["VolumeId"] for each in ec2.describe_volumes()["Volumes"]}


def test_the_golden_image_boots_from_the_estates_snapshot(simulator: Simulator, aws_client: AwsClient) -> None:
    ec2 = aws_client(simulator, "ec2", ANALYTICS, "us-west-2")
    (image,) = ec2.describe_images(Owners=["self"])["Images"]
    assert image["ImageId"] == simulator.ids["golden-image"]
    assert image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"] == simulator.ids["golden-disk"]


def test_metrics_have_one_value_for_each_day_before_the_logical_time(
    simulator: Simulator, aws_client: AwsClient
) -> None:
    cloudwatch = aws_client(simulator, "cloudwatch", PAYMENTS, "us-east-1")
    as_of = simulator.estate.as_of
    query = {
        "Namespace": "AWS/EC2",
        "MetricName": "CPUUtilization",
        "Dimensions": [{"Name": "InstanceId", "Value": simulator.ids["once-busy"]}],
    }
    (result,) = cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": {"Metric": query, "Period": 86_400, "Stat": "Maximum"}}],
        StartTime=as_of - timedelta(days=14),
        EndTime=as_of,
    )["MetricDataResults"]
    assert sorted(result["Values"]) == [1.25] * 13 + [5.5]
    assert len({at.date() for at in result["Timestamps"]}) == 14


def test_load_balancers_have_the_targets_of_the_estate(simulator: Simulator, aws_client: AwsClient) -> None:
    elbv2, ids = aws_client(simulator, "elbv2", PAYMENTS, "us-east-1"), simulator.ids
    registered: dict[str, list[str]] = {}
    for group in elbv2.describe_target_groups()["TargetGroups"]:
        health = elbv2.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
        registered |= {arn: sorted(each["Target"]["Id"] for each in health) for arn in group["LoadBalancerArns"]}
    assert registered == {
        ids["shop-front"]: sorted(ids[key] for key in ("payments-web-us-east-1", "once-busy")),
        ids["black-friday"]: [],
    }  # and none for k8s-checkout, which has no target group


@pytest.mark.slow
def test_seeding_in_another_process_gives_the_same_ids(simulator: Simulator) -> None:
    command = [sys.executable, "-W", "ignore", "-c", SEED_AND_PRINT]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    aws_keys = {
        each.key for kind in (Instance, Volume, Snapshot, Address, LoadBalancer) for each in simulator.estate.all(kind)
    }
    aws_keys.add("golden-image")
    assert printed.strip() == str(sorted((key, simulator.ids[key]) for key in aws_keys))
