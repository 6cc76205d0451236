"""The least that the engine must be allowed to do, generated from what the datasets declare."""

from collections.abc import Iterable
from typing import Any

from checkers.base import Dataset

ROLE_ARN = "arn:aws:iam::*:role/finops-read"  # the role of the README's example


def aws_policy(datasets: Iterable[Dataset], role_arn: str = ROLE_ARN) -> dict[str, Any]:
    """Return an IAM policy document; reading only.

    The first statement is for the role in every account that is read, the second for the caller who finds the
    accounts and assumes the role there. GetCallerIdentity needs no permission.
    """
    reads = {name for dataset in datasets if dataset.provider == "aws" for name in dataset.permissions}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "FinopsRead",
                "Effect": "Allow",
                "Action": sorted(reads | {"ec2:DescribeRegions"}),
                "Resource": "*",
            },
            {
                "Sid": "FinopsFindAccounts",
                "Effect": "Allow",
                "Action": ["organizations:ListAccounts"],
                "Resource": "*",
            },
            {"Sid": "FinopsAssumeRole", "Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": role_arn},
        ],
    }
