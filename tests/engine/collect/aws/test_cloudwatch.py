"""CloudWatch: days with datapoints, calls of at most 500 metrics, asked for candidates only."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from checkers.aws.cloudwatch.datasets import INSTANCE_DAILY
from checkers.aws.ec2.datasets import INSTANCES
from contracts.errors import AccessDenied, TransientError
from engine.collect import collect
from engine.collect.aws.cloudwatch import parse_instance_daily, read_instance_daily
from engine.plan import PlannedUnit

ACME = "111111111111"
DAY = datetime(2026, 11, 19, tzinfo=UTC)


class RecordingClient:
    """A CloudWatch client that answers nothing and remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def get_paginator(self, operation: str) -> "RecordingClient":
        assert operation == "get_metric_data"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self.calls.append(asked)
        yield {"MetricDataResults": []}


def result(query: str, *values: float, day: datetime = DAY, status: str = "Complete") -> dict[str, Any]:
    stamps = [day + timedelta(days=index) for index in range(len(values))]
    return {"Id": query, "Timestamps": stamps, "Values": list(values), "StatusCode": status}


def test_no_call_asks_for_more_than_500_metrics_and_every_instance_is_asked_for_once(as_of: datetime) -> None:
    client = RecordingClient()
    instances = tuple(f"i-{number}" for number in range(400))
    assert read_instance_daily(client, instances, as_of) == []
    sizes = [len(call["MetricDataQueries"]) for call in client.calls]
    assert sizes == [498, 498, 204]
    asked = [
        (query["MetricStat"]["Metric"]["Dimensions"][0]["Value"], query["MetricStat"]["Metric"]["MetricName"])
        for call in client.calls
        for query in call["MetricDataQueries"]
    ]
    assert len(set(asked)) == 1200


def test_the_window_is_the_14_whole_utc_days_before_the_logical_time(as_of: datetime) -> None:
    client = RecordingClient()
    read_instance_daily(client, ("i-1",), as_of)
    (call,) = client.calls
    assert call["EndTime"] == datetime(2026, 11, 20, tzinfo=UTC)
    assert call["StartTime"] == datetime(2026, 11, 6, tzinfo=UTC)
    stats = {
        query["MetricStat"]["Metric"]["MetricName"]: (query["MetricStat"]["Stat"], query["MetricStat"]["Period"])
        for query in call["MetricDataQueries"]
    }
    assert stats == {"CPUUtilization": ("Maximum", 86400), "NetworkIn": ("Sum", 86400), "NetworkOut": ("Sum", 86400)}


def test_without_instances_nothing_is_asked(as_of: datetime) -> None:
    client = RecordingClient()
    assert read_instance_daily(client, (), as_of) == []
    assert client.calls == []


def test_a_day_without_datapoints_is_absent_and_half_a_sum_is_unknown() -> None:
    pages = [
        {"MetricDataResults": [result("cpu_0", 1.5, 2.5), result("in_0", 100.0), result("cpu_1")]},
        {"MetricDataResults": [result("out_0", 11.0, 22.0), result("in_1"), result("out_1")]},
    ]
    assert parse_instance_daily(pages, {0: "i-a", 1: "i-b"}) == [
        {"id": "i-a", "day": date(2026, 11, 19), "cpu_max_percent": 1.5, "network_bytes": 111.0},
        {"id": "i-a", "day": date(2026, 11, 20), "cpu_max_percent": 2.5, "network_bytes": None},
    ]


@pytest.mark.parametrize(("status", "error"), [("Forbidden", AccessDenied), ("InternalError", TransientError)])
def test_a_metric_that_was_refused_inside_a_good_answer_is_an_error(status: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_instance_daily([{"MetricDataResults": [result("cpu_0", status=status)]}], {0: "i-a"})


def test_metrics_are_read_from_a_server_for_the_candidates_of_the_inventory(
    owner: Callable[..., Any], aws_unit: Callable[..., PlannedUnit]
) -> None:
    ec2, cloudwatch = owner("ec2", ACME), owner("cloudwatch", ACME)
    made = ec2.run_instances(ImageId="ami-0abcdef1234567890", MinCount=2, MaxCount=2)["Instances"]
    running, stopped = (each["InstanceId"] for each in made)
    ec2.stop_instances(InstanceIds=[stopped])
    as_of = datetime.now(UTC) + timedelta(days=20)  # moto starts instances now; the candidates run since 14 days
    for machine in (running, stopped):
        for name, value in (("CPUUtilization", 3.0), ("NetworkIn", 10.0), ("NetworkOut", 5.0)):
            cloudwatch.put_metric_data(
                Namespace="AWS/EC2",
                MetricData=[
                    {
                        "MetricName": name,
                        "Dimensions": [{"Name": "InstanceId", "Value": machine}],
                        "Timestamp": as_of - timedelta(days=days),
                        "Value": value * days,
                    }
                    for days in (3, 5)
                ],
            )
    readings = collect(aws_unit(ACME), [INSTANCE_DAILY, INSTANCES], as_of)
    daily = readings[0]
    assert [reading.dataset.name for reading in readings] == ["aws.cloudwatch.instance_daily", "aws.ec2.instances"]
    assert daily.error is None
    assert daily.frame is not None
    assert daily.frame.schema == INSTANCE_DAILY.schema
    assert set(daily.frame["id"]) == {running}
    assert daily.frame["day"].to_list() == [(as_of - timedelta(days=days)).date() for days in (5, 3)]
    assert daily.frame["cpu_max_percent"].to_list() == [15.0, 9.0]
    assert daily.frame["network_bytes"].to_list() == [75.0, 45.0]
