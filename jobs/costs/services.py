"""Which service a name means: inventories, ARNs and bills call the same one differently."""

import re

import polars as pl

# Bills: product codes (AmazonEC2) or FOCUS's ServiceName (Amazon Elastic Compute Cloud); ARNs: their third part.
_FAMILIES = {
    "ec2": "ebs elasticcomputecloud elasticblockstore vpc virtualprivatecloud network ec2other",
    "elb": "elbv2 elasticloadbalancing elasticloadbalancingv2",
    "rds": "relationaldatabaseservice neptune docdb documentdb aurora",
    "s3": "simplestorageservice",
    "cloudwatch": "logs events cloudwatchlogs",
    "dynamodb": "dax",
    "efs": "elasticfilesystem",
    "emr": "elasticmapreduce",
    "es": "opensearch opensearchservice elasticsearch elasticsearchservice",
    "stepfunctions": "states",
    "sqs": "queueservice simplequeueservice",
    "sns": "simplenotificationservice",
    "ecr": "ecrpublic elasticcontainerregistry ec2containerregistry",
    "ecs": "elasticcontainerservice",
    "eks": "elasticcontainerserviceforkubernetes elastickubernetesservice",
    "waf": "wafv2 wafregional",
    "kms": "keymanagementservice",
    "route53": "route53resolver",
    "compute": "computeengine microsoftcompute virtualmachines",
    "guardduty": "",
    "lambda": "",
    "apigateway": "",
    "cloudfront": "",
    "elasticache": "",
    "redshift": "",
    "glacier": "",
    "securityhub": "",
}
_FAMILY = {name: family for family, names in _FAMILIES.items() for name in (family, *names.split())}
# What looks at resources bills under their ids, and is not their cost.
_WATCHERS = ("guardduty",)


def family(service: str | None) -> str:
    """Return the family of a service by any of its names; an unknown one is a family of its own, none is ''."""
    plain = re.sub(r"^(amazon|aws)|[^a-z0-9]", "", re.sub(r"[^a-z0-9]", "", (service or "").lower()))
    return _FAMILY.get(plain, plain)


def families(column: str, frame: pl.DataFrame) -> pl.Series:
    """Return the family of every row's service; each name is read once."""
    names = frame[column].unique()
    return frame[column].replace_strict(names, [family(name) for name in names], return_dtype=pl.String)


def is_watcher(column: str) -> pl.Expr:
    """Say whether a family bills what it looks at under the ids of what it looks at."""
    return pl.col(column).is_in(_WATCHERS)


def is_known(column: str) -> pl.Expr:
    """Say whether a family is one that this module knows by all its names."""
    return pl.col(column).is_in(list(_FAMILIES))
