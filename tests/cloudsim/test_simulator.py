"""What a running simulation hands out, what it expects to be found, and an account of it that refuses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from engine.config import load
from tools.cloudsim.aws_estate import ANALYTICS, MANAGEMENT, PAYMENTS, REGIONS
from tools.cloudsim.azure_estate import SUBSCRIPTIONS
from tools.cloudsim.gcp_estate import PROJECTS
from tools.cloudsim.simulator import Simulator

AwsClient = Callable[..., Any]


def test_the_engine_reads_the_configuration_it_writes(simulator: Simulator) -> None:
    tenant = load(simulator.config_path).tenant("acme", "prod")
    assert tenant.aws is not None
    assert tenant.aws.organization
    assert tenant.aws.role == "arn:aws:iam::{account}:role/finops-read"
    assert tenant.aws.regions == REGIONS
    assert tenant.azure is not None
    assert tenant.azure.subscriptions == SUBSCRIPTIONS
    assert tenant.gcp is not None
    assert tenant.gcp.projects == PROJECTS
    assert sorted(path.name for path in Path(tenant.bills[0].path).iterdir()) == [
        "cur-2026-09.parquet", "cur-2026-10.parquet",
    ]  # fmt: skip


def test_what_is_expected_carries_the_ids_that_a_scan_will_see(simulator: Simulator) -> None:
    expected = {check: resource for check, _, resource in sorted(simulator.expected)}
    assert len(simulator.expected) == sum(len(each.waste) for each in simulator.estate.resources)
    assert expected["aws.ebs.unattached_volume"].startswith("vol-")
    assert expected["aws.elb.load_balancer_without_targets"].startswith("arn:aws:elasticloadbalancing:")
    assert expected["azure.compute.unattached_disk"].startswith("/subscriptions/9b7d4e02")
    assert expected["gcp.compute.unattached_disk"].startswith("projects/acme-")


def test_a_denied_account_refuses_its_ec2_calls_and_no_other_account_does(
    simulator: Simulator, aws_client: AwsClient
) -> None:
    simulator.refuse(PAYMENTS)
    for region in ("us-east-1", "eu-west-1"):
        with pytest.raises(ClientError, match="UnauthorizedOperation") as refusal:
            aws_client(simulator, "ec2", PAYMENTS, region).describe_volumes()
        assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        for account in (MANAGEMENT, ANALYTICS):
            assert aws_client(simulator, "ec2", account, region).describe_volumes()["Volumes"]
    assert aws_client(simulator, "elbv2", PAYMENTS).describe_load_balancers()["LoadBalancers"]


def test_a_denied_role_cannot_be_assumed_and_the_others_can(simulator: Simulator, aws_client: AwsClient) -> None:
    simulator.refuse(ANALYTICS, "sts")
    with pytest.raises(ClientError, match="AccessDenied"):
        aws_client(simulator, "ec2", ANALYTICS)
    assert aws_client(simulator, "ec2", PAYMENTS).describe_volumes()["Volumes"]
    assert len(aws_client(simulator, "organizations").list_accounts()["Accounts"]) == 3
