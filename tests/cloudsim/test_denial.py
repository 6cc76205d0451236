"""An account that refuses: its EC2 calls, or that its role be assumed; the other accounts go on answering."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.cloudsim.aws_estate import ANALYTICS, MANAGEMENT, PAYMENTS
from tools.cloudsim.simulator import Simulator

AwsClient = Callable[..., Any]


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
