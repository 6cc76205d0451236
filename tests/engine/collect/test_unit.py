"""One unit: a reading per dataset, errors carried and not raised, secrets kept out of them."""

import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest

from checkers.aws.cloudwatch.datasets import INSTANCE_DAILY
from checkers.aws.ec2.datasets import INSTANCES, VOLUMES
from checkers.azure.compute.datasets import DISKS as AZURE_DISKS
from contracts.errors import AccessDenied, PermanentError, TransientError, UnitUnavailable
from contracts.units import Unit
from engine.collect import Reading, collect
from engine.plan import AwsAccess, PlannedUnit

Answer = tuple[int, dict[str, str], bytes]
Serve = Callable[[Callable[[str, str], Answer]], str]
OWN = PlannedUnit(Unit("acme", "prod", "aws", "111111111111", "eu-west-1"), AwsAccess())
NO_VOLUMES = (
    b'<DescribeVolumesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><volumeSet/></DescribeVolumesResponse>'
)
ASSUMED = (
    b'<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
    b"<SecretAccessKey>wJalrXUtnFEMI</SecretAccessKey>"
)


def refused(code: str, status: int = 403) -> Answer:
    text = f"<Response><Errors><Error><Code>{code}</Code><Message>said so</Message></Error></Errors></Response>"
    return status, {}, text.encode()


def action(body: str) -> str:
    return parse_qs(body)["Action"][0]


def volumes(readings: list[Reading]) -> Reading:
    return next(reading for reading in readings if reading.dataset is VOLUMES)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("UnauthorizedOperation", 403, AccessDenied),
        ("OptInRequired", 401, UnitUnavailable),
        ("AuthFailure", 401, UnitUnavailable),
        ("InvalidParameterValue", 400, PermanentError),
    ],
)
def test_a_refused_call_is_an_error_with_its_permission_and_never_an_empty_frame(
    serve: Serve, aws_environment: Callable[[str], None], code: str, status: int, kind: type[Exception]
) -> None:
    aws_environment(serve(lambda *_: refused(code, status)))
    (reading,) = collect(OWN, [VOLUMES], datetime(2026, 11, 20, tzinfo=UTC))
    assert reading.frame is None
    assert type(reading.error) is kind
    assert "said so" in str(reading.error)
    assert reading.duration_ms >= 0
    if isinstance(reading.error, AccessDenied):
        assert reading.error.permission == "ec2:DescribeVolumes"
    assert str(pickle.loads(pickle.dumps(reading)).error) == str(reading.error)  # noqa: S301 as Ray moves it


def test_one_refused_dataset_does_not_stop_the_others_but_its_metrics(
    serve: Serve, aws_environment: Callable[[str], None], as_of: datetime
) -> None:
    asked: list[str] = []

    def reply(_path: str, body: str) -> Answer:
        asked.append(action(body))
        return refused("UnauthorizedOperation") if action(body) == "DescribeInstances" else (200, {}, NO_VOLUMES)

    aws_environment(serve(reply))
    daily, instances, disks = collect(OWN, [INSTANCE_DAILY, INSTANCES, VOLUMES], as_of)
    assert isinstance(instances.error, AccessDenied)
    assert daily.error is instances.error
    assert disks.error is None
    assert disks.frame is not None
    assert asked == ["DescribeInstances", "DescribeVolumes"]


def test_a_throttled_call_is_tried_again(serve: Serve, aws_environment: Callable[[str], None], as_of: datetime) -> None:
    answers = [refused("RequestLimitExceeded", 503), (200, {}, NO_VOLUMES)]
    aws_environment(serve(lambda *_: answers.pop(0)))
    assert volumes(collect(OWN, [VOLUMES], as_of)).error is None
    assert answers == []


def test_a_call_that_stays_throttled_is_given_up_as_passing(
    serve: Serve, aws_environment: Callable[[str], None], as_of: datetime
) -> None:
    calls: list[str] = []

    def reply(path: str, _body: str) -> Answer:
        calls.append(path)
        return refused("RequestLimitExceeded", 503)

    aws_environment(serve(reply))
    assert type(volumes(collect(OWN, [VOLUMES], as_of)).error) is TransientError
    assert len(calls) == 4


def test_a_body_that_was_cut_off_is_asked_for_once_more(
    serve: Serve, aws_environment: Callable[[str], None], as_of: datetime
) -> None:
    answers: list[Answer] = [(200, {}, NO_VOLUMES[:90]), (200, {}, NO_VOLUMES)]
    aws_environment(serve(lambda *_: answers.pop(0)))
    assert volumes(collect(OWN, [VOLUMES], as_of)).error is None
    assert answers == []


def test_a_body_that_stays_cut_off_is_a_passing_error(
    serve: Serve, aws_environment: Callable[[str], None], as_of: datetime
) -> None:
    calls: list[str] = []

    def reply(path: str, _body: str) -> Answer:
        calls.append(path)
        return 200, {}, NO_VOLUMES[:90]

    aws_environment(serve(reply))
    error = volumes(collect(OWN, [VOLUMES], as_of)).error
    assert isinstance(error, TransientError)
    assert "cut off" in str(error)
    assert len(calls) == 2


def test_a_connection_that_breaks_in_the_body_is_a_passing_error(
    serve: Serve, aws_environment: Callable[[str], None], as_of: datetime
) -> None:
    aws_environment(serve(lambda *_: (200, {"Content-Length": "5000"}, NO_VOLUMES[:90])))
    assert isinstance(volumes(collect(OWN, [VOLUMES], as_of)).error, TransientError)


def test_a_server_that_is_not_there_is_a_passing_error(aws_environment: Callable[[str], None], as_of: datetime) -> None:
    aws_environment("http://127.0.0.1:9")
    assert type(volumes(collect(OWN, [VOLUMES], as_of)).error) is TransientError


def test_an_answer_of_another_shape_is_an_error_of_its_dataset(
    serve: Serve, aws_environment: Callable[[str], None], as_of: datetime
) -> None:
    odd = NO_VOLUMES.replace(b"<volumeSet/>", b"<volumeSet><item><size>many</size></item></volumeSet>")
    aws_environment(serve(lambda *_: (200, {}, odd)))
    error = volumes(collect(OWN, [VOLUMES], as_of)).error
    assert error is not None
    assert error.code in {"failed", "throttled"}


def test_a_refused_role_denies_every_dataset_with_one_call(
    serve: Serve, aws_environment: Callable[[str], None], aws_unit: Callable[..., PlannedUnit], as_of: datetime
) -> None:
    asked: list[str] = []

    def reply(_path: str, body: str) -> Answer:
        asked.append(action(body))
        return 403, {}, b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"

    aws_environment(serve(reply))
    readings = collect(aws_unit("111111111111"), [VOLUMES, INSTANCES, INSTANCE_DAILY], as_of)
    permissions = [reading.error.permission for reading in readings if isinstance(reading.error, AccessDenied)]
    assert permissions == ["sts:AssumeRole"] * 3
    assert asked == ["AssumeRole"]


def test_a_secret_in_a_broken_answer_reaches_neither_error_nor_log(
    serve: Serve,
    aws_environment: Callable[[str], None],
    aws_unit: Callable[..., PlannedUnit],
    as_of: datetime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    aws_environment(serve(lambda *_: (200, {}, ASSUMED)))
    (reading,) = collect(aws_unit("111111111111"), [VOLUMES], as_of)
    assert isinstance(reading.error, TransientError)
    assert reading.error.__suppress_context__
    assert "wJalrXUtnFEMI" not in str(reading.error)
    assert "wJalrXUtnFEMI" not in caplog.text
    assert "an-external-id" not in caplog.text


def test_without_credentials_the_unit_is_denied(
    serve: Serve, aws_environment: Callable[[str], None], set_environment: Callable[..., None], as_of: datetime
) -> None:
    aws_environment(serve(lambda *_: (200, {}, NO_VOLUMES)))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ.pop(name)
    set_environment(AWS_CONFIG_FILE="/nonexistent", AWS_SHARED_CREDENTIALS_FILE="/nonexistent")
    error = volumes(collect(OWN, [VOLUMES], as_of)).error
    assert isinstance(error, AccessDenied)
    assert error.permission == "sts:GetCallerIdentity"


def test_only_datasets_of_the_units_cloud_are_read(
    serve: Serve, aws_environment: Callable[[str], None], as_of: datetime
) -> None:
    aws_environment(serve(lambda *_: (200, {}, NO_VOLUMES)))
    readings = collect(OWN, [AZURE_DISKS, VOLUMES], as_of)
    assert [reading.dataset.name for reading in readings] == ["aws.ec2.volumes"]


def test_importing_the_collectors_imports_no_cloud_sdk() -> None:
    probe = (
        "import sys, engine.collect\n"
        "print([name for name in ('botocore', 'boto3', 'azure.core', 'google.api_core') if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
