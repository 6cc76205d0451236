"""The read-only policy: what the datasets declare and no more."""

from checkers.aws.cloudwatch.datasets import INSTANCE_DAILY
from checkers.aws.ec2.datasets import SNAPSHOTS, VOLUMES
from checkers.gcp.compute.datasets import DISKS
from engine.collect.policy import aws_policy


def test_the_policy_allows_what_the_datasets_need_and_finding_accounts_and_regions() -> None:
    policy = aws_policy([VOLUMES, SNAPSHOTS, INSTANCE_DAILY, VOLUMES, DISKS])
    actions = [statement["Action"] for statement in policy["Statement"]]
    assert actions == [
        ["cloudwatch:GetMetricData", "ec2:DescribeRegions", "ec2:DescribeSnapshots", "ec2:DescribeVolumes"],
        ["organizations:ListAccounts"],
        ["sts:AssumeRole"],
    ]
    assert policy["Version"] == "2012-10-17"


def test_a_role_may_be_assumed_under_its_name_only() -> None:
    policy = aws_policy([VOLUMES], "arn:aws:iam::*:role/audit")
    assert policy["Statement"][-1]["Resource"] == "arn:aws:iam::*:role/audit"


def test_nothing_in_the_policy_writes() -> None:
    verbs = ("Describe", "Get", "List", "AssumeRole")
    for statement in aws_policy([VOLUMES, SNAPSHOTS, INSTANCE_DAILY])["Statement"]:
        assert all(action.partition(":")[2].startswith(verbs) for action in statement["Action"])
