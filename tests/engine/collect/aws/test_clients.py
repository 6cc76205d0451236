"""Clients: shared, bounded, one role each, and made safely in several threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from checkers.aws.ec2.datasets import VOLUMES
from contracts.errors import AccessDenied
from engine.collect import collect
from engine.collect.aws.clients import home_region, lease
from engine.plan import AwsAccess, AzureAccess, PlannedUnit

ROLE = AwsAccess("arn:aws:iam::111111111111:role/finops-read")


def test_a_client_is_made_once_per_role_region_and_service(moto: str) -> None:
    assert moto
    first = lease("ec2", "eu-west-1", ROLE)
    assert lease("ec2", "eu-west-1", ROLE) is first
    assert lease("ec2", "us-east-1", ROLE) is not first
    assert lease("ec2", "eu-west-1", AwsAccess()) is not first
    assert lease("ec2", "eu-west-1", AwsAccess(ROLE.role_arn, "x")) is not first


def test_a_role_acts_in_its_own_account(moto: str) -> None:
    assert moto
    assert lease("sts", "eu-west-1", ROLE).get_caller_identity()["Account"] == "111111111111"
    assert lease("sts", "eu-west-1", AwsAccess()).get_caller_identity()["Account"] == "123456789012"


def test_a_client_gives_up_in_time_and_retries_by_the_standard(moto: str) -> None:
    assert moto
    config = lease("ec2", "eu-west-1", ROLE).meta.config
    assert (config.connect_timeout, config.read_timeout) == (5, 30)
    assert config.retries == {"mode": "standard", "total_max_attempts": 4}


def test_the_role_and_external_id_of_the_configuration_are_sent(
    serve: Callable[..., str], aws_environment: Callable[[str], None]
) -> None:
    bodies: list[str] = []

    def reply(_path: str, body: str) -> tuple[int, dict[str, str], bytes]:
        bodies.append(body)
        return 403, {}, b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"

    aws_environment(serve(reply))
    client = lease("ec2", "eu-west-1", AwsAccess(ROLE.role_arn, "only-us"))
    with pytest.raises(AccessDenied, match="sts:AssumeRole"):
        client.describe_volumes()
    assert "RoleArn=arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2Ffinops-read" in bodies[0]
    assert "ExternalId=only-us" in bodies[0]


def test_credentials_that_end_soon_are_renewed_in_the_middle_of_a_scan(
    serve: Callable[..., str],
    aws_environment: Callable[[str], None],
    aws_unit: Callable[..., PlannedUnit],
    as_of: datetime,
) -> None:
    asked: list[str] = []
    ends = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    assumed = (
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SessionToken>T</SessionToken>"
        f"<SecretAccessKey>S</SecretAccessKey><Expiration>{ends}</Expiration></Credentials></AssumeRoleResult>"
        "</AssumeRoleResponse>"
    )

    def reply(_path: str, body: str) -> tuple[int, dict[str, str], bytes]:
        asked.append(parse_qs(body)["Action"][0])
        answer = (
            assumed if asked[-1] == "AssumeRole" else "<DescribeVolumesResponse><volumeSet/></DescribeVolumesResponse>"
        )
        return 200, {}, answer.encode()

    aws_environment(serve(reply))
    for _ in range(2):
        (reading,) = collect(aws_unit("111111111111"), [VOLUMES], as_of)
        assert reading.error is None
    assert asked == ["AssumeRole", "DescribeVolumes"] * 2


def test_units_are_collected_in_many_threads_without_mixing(
    owner: Callable[..., Any], aws_unit: Callable[..., PlannedUnit], as_of: datetime
) -> None:
    accounts = [f"{number}" * 12 for number in range(1, 9)]
    for size, account in enumerate(accounts, 1):
        owner("ec2", account).create_volume(AvailabilityZone="eu-west-1a", Size=size)
    with ThreadPoolExecutor(8) as pool:
        readings = list(pool.map(lambda account: collect(aws_unit(account), [VOLUMES], as_of)[0], accounts))
    sizes = [reading.frame["size_gib"].to_list() for reading in readings if reading.frame is not None]
    assert sizes == [[1], [2], [3], [4], [5], [6], [7], [8]]


@pytest.mark.parametrize(
    ("role", "region"),
    [
        ("arn:aws:iam::111111111111:role/r", "us-east-1"),
        ("arn:aws-cn:iam::111111111111:role/r", "cn-north-1"),
        ("arn:aws-us-gov:iam::111111111111:role/r", "us-gov-west-1"),
    ],
)
def test_without_a_configured_region_each_partition_has_its_own_home(
    set_environment: Callable[..., None], aws_environment: Callable[[str], None], role: str, region: str
) -> None:
    aws_environment("http://127.0.0.1:9")
    set_environment(AWS_DEFAULT_REGION="", AWS_CONFIG_FILE="/nonexistent")
    assert home_region(AwsAccess(role)) == region


def test_an_azure_access_does_not_open_aws() -> None:
    with pytest.raises(TypeError, match="AwsAccess"):
        lease("ec2", "eu-west-1", AzureAccess())
