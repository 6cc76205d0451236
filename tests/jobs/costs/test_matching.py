"""The forms in which bills and inventories write the same resource, and what only looks alike."""

import polars as pl
import pytest

from jobs.costs.matching import METHODS, matched

AWS, PLACE = "111111111111", "us-east-1"
ARN = f"arn:aws:{{}}:{PLACE}:{AWS}:{{}}"
WHERE = {"provider": "aws", "account_id": AWS, "region": PLACE}
SCHEMA = dict.fromkeys(("provider", "account_id", "region", "service"), pl.String)


def claim(resource: str, service: str = "ec2", **changes: str | None) -> dict[str, str | None]:
    return {**WHERE, "service": service, "claimed_id": resource, **changes}


def billed(resource: str, service: str = "AmazonEC2", **changes: str | None) -> dict[str, str | None]:
    return {**WHERE, "service": service, "resource_id": resource, **changes}


def outcome(
    claimed: dict[str, str | None], *lines: dict[str, str | None]
) -> tuple[dict[str | None, str], dict[str | None, str]]:
    """Return how each id on the bill is the claimed resource, and why the others are not."""
    claims = pl.DataFrame([claimed], schema={**SCHEMA, "claimed_id": pl.String}).with_row_index("claim")
    ids = pl.DataFrame(list(lines), schema={**SCHEMA, "resource_id": pl.String}).with_row_index("id")
    found = matched(claims, ids)
    taken = {lines[row["id"]]["resource_id"]: METHODS[row["grade"]] for row in found.pairs.to_dicts()}
    return taken, {lines[row["id"]]["resource_id"]: row["why"] for row in found.refused.to_dicts()}


FORMS = [
    # the claim, the id on the bill and its service, the method
    (claim("i-0abc12"), billed("i-0abc12"), "exact"),
    (claim("i-0abc12"), billed("I-0ABC12"), "normalized_arn"),
    (claim("i-0abc12"), billed(ARN.format("ec2", "instance/i-0abc12"), "AmazonCloudWatch"), "normalized_arn"),
    (claim(ARN.format("ec2", "instance/i-0abc12")), billed("i-0abc12"), "normalized_arn"),
    (claim("vol-0abc12", "ebs"), billed("vol-0abc12"), "exact"),
    (claim("snap-0abc12", "ebs"), billed(ARN.format("ec2", "snapshot/snap-0abc12")), "normalized_arn"),
    (claim("nat-0abc12"), billed(ARN.format("ec2", "natgateway/nat-0abc12")), "normalized_arn"),
    (
        claim("eipalloc-0abc12"),
        billed(ARN.format("ec2", "elastic-ip/eipalloc-0abc12"), "AmazonVPC"),
        "normalized_arn",
    ),
    (
        claim("eni-0abc12"),
        billed(ARN.format("ec2", "network-interface/eni-0abc12"), "AmazonVPC"),
        "normalized_arn",
    ),
    (claim("vpn-0abc12"), billed("vpn-0abc12", "AmazonVPC"), "exact"),
    (claim("vpce-0abc12"), billed(ARN.format("ec2", "vpc-endpoint/vpce-0abc12"), "AmazonVPC"), "normalized_arn"),
    (claim("fs-0abc12", "efs"), billed(ARN.format("elasticfilesystem", "file-system/fs-0abc12"), "AmazonEFS"),
     "normalized_arn"),
    (claim("Prod-DB", "rds"), billed(ARN.format("rds", "db:Prod-DB"), "AmazonRDS"), "normalized_name"),
    (claim(ARN.format("rds", "db:Prod-DB"), "rds"), billed(ARN.format("rds", "db:Prod-DB"), "AmazonRDS"), "exact"),
    (claim("cluster-ABC7XYZ", "rds"), billed(ARN.format("rds", "cluster:cluster-ABC7XYZ"), "AmazonRDS"),
     "normalized_name"),
    (claim("web", "elbv2"), billed(ARN.format("elasticloadbalancing", "loadbalancer/app/web/50dc6c495c0c9188"),
     "AWSELB"), "normalized_name"),
    (claim("app/web/50dc6c495c0c9188", "elbv2"),
     billed(ARN.format("elasticloadbalancing", "loadbalancer/app/web/50dc6c495c0c9188"), "AWSELB"),
     "normalized_name"),
    (claim("old-web", "elb"), billed(ARN.format("elasticloadbalancing", "loadbalancer/old-web"), "AWSELB"),
     "normalized_name"),
    (claim("My-Bucket", "s3"), billed("My-Bucket", "AmazonS3"), "exact"),
    (claim("arn:aws:s3:::My-Bucket", "s3"), billed("My-Bucket", "AmazonS3"), "normalized_arn"),
    (claim("orders", "dynamodb"), billed(ARN.format("dynamodb", "table/orders"), "AmazonDynamoDB"), "normalized_name"),
    (claim("resize", "lambda"), billed(ARN.format("lambda", "function:resize"), "AWSLambda"), "normalized_name"),
    (claim(ARN.format("lambda", "function:resize:$LATEST"), "lambda"),
     billed(ARN.format("lambda", "function:resize"), "AWSLambda"), "normalized_arn"),
    # at the edge: billed in another region, under the name of its own
    (claim(ARN.format("lambda", "function:resize"), "lambda"),
     billed(f"arn:aws:lambda:eu-west-1:{AWS}:function:us-east-1.resize", "AWSLambda", region="eu-west-1"),
     "normalized_arn"),
    (claim("E123", "cloudfront", region="global"),
     billed(f"arn:aws:cloudfront::{AWS}:distribution/E123", "AmazonCloudFront", region=None), "normalized_name"),
    (claim("Z123", "route53", region="global"),
     billed("arn:aws:route53:::hostedzone/Z123", "AmazonRoute53", region=None), "normalized_name"),
    (claim("a1b2c3", "apigateway"),
     billed(f"arn:aws:apigateway:{PLACE}::/restapis/a1b2c3/stages/prod", "AmazonApiGateway"), "normalized_name"),
    (claim("jobs", "sqs"), billed(ARN.format("sqs", "jobs"), "AWSQueueService"), "normalized_name"),
    (claim("alerts", "sns"), billed(ARN.format("sns", "alerts"), "AmazonSNS"), "normalized_name"),
    (claim("flow", "stepfunctions"), billed(ARN.format("states", "stateMachine:flow"), "AmazonStates"),
     "normalized_name"),
    (claim("team/app", "ecr"), billed(ARN.format("ecr", "repository/team/app"), "AmazonECR"), "normalized_name"),
    (claim("1234-ab", "kms"), billed(ARN.format("kms", "key/1234-ab"), "awskms"), "normalized_name"),
    (claim("prod", "eks"), billed(ARN.format("eks", "cluster/prod"), "AmazonEKS"), "normalized_name"),
    (claim("prod/0f9e", "ecs"), billed(ARN.format("ecs", "task/prod/0f9e"), "AmazonECS"), "normalized_name"),
    (claim(ARN.format("logs", "log-group:/aws/lambda/resize:*"), "logs"),
     billed(ARN.format("logs", "log-group:/aws/lambda/resize"), "AmazonCloudWatch"), "normalized_arn"),
    (claim("/aws/lambda/resize", "logs"), billed(ARN.format("logs", "log-group:/aws/lambda/resize"),
     "AmazonCloudWatch"), "normalized_name"),
    (claim("cache", "elasticache"), billed(ARN.format("elasticache", "cluster:cache"), "AmazonElastiCache"),
     "normalized_name"),
    (claim("search", "opensearch"), billed(ARN.format("es", "domain/search"), "AmazonES"), "normalized_name"),
    (claim("dwh", "redshift"), billed(ARN.format("redshift", "cluster:dwh"), "AmazonRedshift"), "normalized_name"),
    (claim("0ab-uuid", "wafv2"), billed(ARN.format("wafv2", "regional/webacl/web/0ab-uuid"), "awswaf"), None),
    # Azure ignores case; Google Cloud's ids begin with a host or do not
    (claim("/subscriptions/s/resourcegroups/rg/providers/microsoft.compute/disks/d", "compute", provider="azure"),
     billed("/subscriptions/S/resourceGroups/RG/providers/Microsoft.Compute/disks/D", "Storage", provider="azure"),
     "normalized_arn"),
    (claim("projects/p/zones/z/disks/data", "compute", provider="gcp"),
     billed("//compute.googleapis.com/projects/p/zones/z/disks/data", "Compute Engine", provider="gcp"),
     "normalized_arn"),
    (claim("projects/p/zones/z/disks/data", "compute", provider="gcp"),
     billed("data", "Compute Engine", provider="gcp"), "normalized_name"),
]  # fmt: skip


@pytest.mark.parametrize(("claimed", "line", "method"), FORMS, ids=str)
def test_every_form_of_an_id_is_the_resource_it_names(
    claimed: dict[str, str | None], line: dict[str, str | None], method: str | None
) -> None:
    taken, _ = outcome(claimed, line)
    assert taken == ({line["resource_id"]: method} if method else {})


@pytest.mark.parametrize(
    "line",
    [
        billed("xweb", "AWSELB"),
        billed(ARN.format("elasticloadbalancing", "loadbalancer/app/xweb/50dc6c495c0c9188"), "AWSELB"),
        billed(ARN.format("elasticloadbalancing", "loadbalancer/app/WEB/50dc6c495c0c9188"), "AWSELB"),
        billed("web", "AWSELB", account_id="222222222222"),
        billed("web", "AWSELB", provider="gcp"),
    ],
)
def test_what_ends_alike_is_written_otherwise_or_lies_elsewhere_is_not_looked_at(line: dict[str, str | None]) -> None:
    assert outcome(claim("web", "elbv2"), line) == ({}, {})


def test_a_name_is_good_in_its_region_and_service_only() -> None:
    elsewhere = billed("arn:aws:rds:eu-west-1:111111111111:db:web", "AmazonRDS")
    another = billed(ARN.format("ecr", "repository/web"), "AmazonECR")
    assert outcome(claim("web", "rds"), elsewhere, another) == (
        {},
        {elsewhere["resource_id"]: "other_region", another["resource_id"]: "other_service"},
    )


def test_a_name_of_two_resources_is_ambiguous_and_takes_neither() -> None:
    instance, cluster = (billed(ARN.format("rds", each), "AmazonRDS") for each in ("db:web", "cluster:web"))
    assert outcome(claim("web", "rds"), instance, cluster) == (
        {},
        {instance["resource_id"]: "ambiguous", cluster["resource_id"]: "ambiguous"},
    )
    known = outcome(claim(str(instance["resource_id"]), "rds"), instance, cluster)
    assert known == ({instance["resource_id"]: "exact"}, {cluster["resource_id"]: "other_resource"})


def test_all_three_forms_of_an_instance_are_its_own_but_not_what_watches_it() -> None:
    arn = ARN.format("ec2", "instance/i-0abc12")
    lines = billed("i-0abc12"), billed(arn, "AmazonCloudWatch"), billed("i-0abc12", "AmazonGuardDuty")
    taken, refused = outcome(claim("i-0abc12"), *lines)
    assert taken == {"i-0abc12": "exact", arn: "normalized_arn"}
    assert refused == {"i-0abc12": "other_service"}


def test_a_line_of_no_account_is_taken_by_a_unique_id_only() -> None:
    taken, _ = outcome(claim("vol-0abc12", "ebs"), billed("vol-0abc12", account_id=None))
    assert taken == {"vol-0abc12": "id_only"}
    assert outcome(claim("web", "rds"), billed("web", "AmazonRDS", account_id=None)) == ({}, {})
