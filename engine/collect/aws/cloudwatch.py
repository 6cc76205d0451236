"""Amazon CloudWatch: how busy instances were, day by day."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from checkers.aws.cloudwatch.datasets import LOOK_BACK_DAYS
from engine.collect.aws.clients import lease
from engine.collect.errors import Failure, translate
from engine.collect.request import Page, Request, Row

QUERIES_PER_CALL = 500  # GetMetricData, API reference: "up to 500 MetricDataQuery structures"
_DAY_SECONDS = 86_400
_METRICS = {"cpu": ("CPUUtilization", "Maximum"), "in": ("NetworkIn", "Sum"), "out": ("NetworkOut", "Sum")}
_RESULT_STATUS = {"Forbidden": 403, "InternalError": 500}


def fetch_instance_daily(request: Request) -> list[Row]:
    """Read the whole UTC days of the look-back before `as_of`, for the instances in `subjects` (GetMetricData)."""
    client = lease("cloudwatch", request.unit.region, request.access)
    return read_instance_daily(client, request.subjects, request.as_of)


def read_instance_daily(client: Any, instances: tuple[str, ...], as_of: datetime) -> list[Row]:
    """Ask a CloudWatch client in calls of at most 500 metrics, which are billed one by one."""
    end = datetime.combine(as_of.astimezone(UTC).date(), time(), UTC)
    window = {"StartTime": end - timedelta(days=LOOK_BACK_DAYS), "EndTime": end, "ScanBy": "TimestampAscending"}
    per_call = QUERIES_PER_CALL // len(_METRICS)
    rows: list[Row] = []
    for start in range(0, len(instances), per_call):
        some = instances[start : start + per_call]
        queries = [query for index, instance in enumerate(some) for query in _queries(index, instance)]
        pages = client.get_paginator("get_metric_data").paginate(MetricDataQueries=queries, **window)
        rows += parse_instance_daily(pages, dict(enumerate(some)))
    return rows


def parse_instance_daily(pages: Iterable[Page], instances: Mapping[int, str]) -> list[Row]:
    """Shape all pages of one GetMetricData call, whose query ids are `<metric>_<index of the instance>`.

    One row per instance and day with at least one datapoint: a day without is absent, not zero. A metric without a
    datapoint is null; so is the network sum when one direction is missing. Raises for a result that was refused.
    """
    days: dict[tuple[str, date], dict[str, float]] = defaultdict(dict)
    for page in pages:
        for result in page["MetricDataResults"]:
            _refuse_incomplete(result)
            metric, _, index = result["Id"].partition("_")
            for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                days[instances[int(index)], at.astimezone(UTC).date()][metric] = value
    return [
        {
            "id": instance,
            "day": day,
            "cpu_max_percent": values.get("cpu"),
            "network_bytes": values["in"] + values["out"] if {"in", "out"} <= values.keys() else None,
        }
        for (instance, day), values in sorted(days.items())
    ]


def _queries(index: int, instance: str) -> list[dict[str, Any]]:
    return [
        {
            "Id": f"{metric}_{index}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/EC2",
                    "MetricName": name,
                    "Dimensions": [{"Name": "InstanceId", "Value": instance}],
                },
                "Period": _DAY_SECONDS,
                "Stat": statistic,
            },
        }
        for metric, (name, statistic) in _METRICS.items()
    ]


def _refuse_incomplete(result: Mapping[str, Any]) -> None:
    """CloudWatch answers 200 even where it could not read one of the metrics."""
    status = result.get("StatusCode", "Complete")
    if status in _RESULT_STATUS:
        said = "; ".join(message.get("Value", "") for message in result.get("Messages", []))
        raise translate(Failure(said, _RESULT_STATUS[status], status), ("cloudwatch:GetMetricData",))
