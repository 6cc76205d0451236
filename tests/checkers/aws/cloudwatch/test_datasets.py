"""Which instances metrics are asked for: they are billed per request."""

from typing import Any

from checkers.aws.cloudwatch.datasets import INSTANCE_DAILY
from checkers.aws.ec2.datasets import INSTANCES


def test_metrics_are_asked_for_instances_that_ran_all_through_the_look_back(judge: Any) -> None:
    rows = [
        {"id": "i-long", "state": "running", "launched_at": judge.days_ago(14)},
        {"id": "i-new", "state": "running", "launched_at": judge.days_ago(13.9)},
        {"id": "i-stopped", "state": "stopped", "launched_at": judge.days_ago(100)},
        {"id": "i-unknown", "state": "running"},
    ]
    assert INSTANCE_DAILY.candidates is not None
    assert INSTANCES.frame(rows).filter(INSTANCE_DAILY.candidates(judge.as_of))["id"].to_list() == ["i-long"]
