"""The keys under which an inventory and a bill know the same resource, read from ids of any form."""

import polars as pl

from jobs.costs.services import families

# EC2's globally unique ids: bare on some bill lines, the end of an ARN on others, in any case.
_EC2_ID = (
    r"(?i)^(i|vol|snap|ami|eni|eipalloc|nat|vpce?|subnet|sg|igw|tgw|tgw-attach|vpn|vgw|cgw|cr|pcx|fs)-[0-9a-f]{2,}$"
)
_EC2_SERVICES = ("ec2", "elasticfilesystem")
# A function at the edge is billed where it ran, under a name that begins with its own region.
_EDGE = r"^function:([a-z]{2}(?:-[a-z]+)+-\d)\.(.+)$"
_ANYWHERE = ("", "global", "aws-global")


def keyed(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Add the keys of the ids in `column`, which becomes `raw`. Reads provider, region and service beside it.

    key     one resource anywhere: the bare lower-case id of EC2's family, the parts of an ARN, the lower-case path of
            Azure, the path of Google Cloud; null for a bare name
    names   short names, good inside one account, region and family; null where the key says it all
    family  of the ARN's service, else of the row's
    place   the ARN's region, else the row's; '' where there is none
    Names of buckets, databases and functions keep their case: their providers do not ignore it. Rows come in any order.
    """
    given = frame.rename({column: "raw"}).with_columns(
        family=families("service", frame), place=pl.col("region").fill_null("")
    )
    is_aws, is_arn = pl.col("provider") == "aws", pl.col("raw").str.starts_with("arn:")
    bare = given.filter(is_aws, ~is_arn).with_columns(is_ec2=pl.col("raw").str.contains(_EC2_ID))
    parts = [
        bare.filter("is_ec2").with_columns(key=pl.col("raw").str.to_lowercase()),
        _named(bare.filter(~pl.col("is_ec2"))),
        _arns(given.filter(is_aws, is_arn)),
        _paths(given.filter(~is_aws)),
    ]
    keys = pl.concat(parts, how="diagonal").select(*given.columns, "key", "names")
    return keys.with_columns(place=pl.when(~pl.col("place").is_in(_ANYWHERE)).then("place").otherwise(pl.lit("")))


def _named(ids: pl.DataFrame) -> pl.DataFrame:
    """Read a bucket's name, which is unique, or any other."""
    name, bucket = pl.col("raw"), pl.col("family") == "s3"
    return ids.with_columns(
        key=pl.when(bucket).then(pl.format("s3|||{}", name)),
        names=pl.concat_list(name, name.str.strip_prefix("/")).list.unique(),
    )


def _arns(ids: pl.DataFrame) -> pl.DataFrame:
    split = ids.with_columns(
        pl.col("raw")
        .str.strip_suffix(":*")
        .str.splitn(":", 6)
        .struct.rename_fields(["arn", "partition", "of", "in", "account", "resource"])
        .struct.unnest()
    ).with_columns(pl.col("of", "in", "account", "resource").fill_null(""))
    edge = pl.col("resource").str.extract(_EDGE, 1)
    is_edge = (pl.col("of") == "lambda") & edge.is_not_null()
    split = split.with_columns(
        pl.when(is_edge).then(edge).otherwise("in").alias("in"),
        resource=pl.when(is_edge).then(pl.format("function:{}", pl.col("resource").str.extract(_EDGE, 2)))
        .when(pl.col("of") == "lambda").then(pl.col("resource").str.extract(r"^(function:[^:]+)"))
        .otherwise(pl.col("resource").str.strip_prefix("/")),
    )  # fmt: skip
    last = pl.col("resource").str.extract(r"([^:/]+)$")
    is_ec2 = pl.col("of").is_in(_EC2_SERVICES) & last.str.contains(_EC2_ID)
    short = pl.col("resource").str.replace(r"^[^:/]*[:/]", "")
    inner = (
        pl.when(pl.col("of") == "elasticloadbalancing").then(short.str.extract(r"^(?:app|net|gwy)/([^/]+)/[^/]+$"))
        .when(pl.col("of") == "apigateway").then(short.str.extract(r"^([^/]+)/"))
    )  # fmt: skip
    return split.with_columns(
        key=pl.when(is_ec2).then(last.str.to_lowercase())
        .otherwise(pl.concat_str("of", "in", "account", "resource", separator="|")),
        names=pl.when(is_ec2).then(None)
        .otherwise(pl.concat_list("resource", short, inner).list.drop_nulls().list.unique()),
        family=families("of", split),
        place=pl.when(pl.col("in") != "").then("in").otherwise("place"),
    )  # fmt: skip


def _paths(ids: pl.DataFrame) -> pl.DataFrame:
    """Read Azure's ids, which ignore case, and Google Cloud's, which begin with the host that serves them or do not."""
    google = pl.col("raw").str.replace(r"^(?://[^/]+/|https://[^/]+/[^/]+/[^/]+/)", "")
    is_google = pl.col("provider") == "gcp"
    path = pl.when(pl.col("provider") == "azure").then(pl.col("raw").str.to_lowercase()).otherwise(google)
    names = pl.concat_list(path.str.extract(r"([^/]+)$")).list.drop_nulls()
    return ids.with_columns(
        key=pl.when(~is_google | path.str.contains("/", literal=True)).then(path),
        names=pl.when(is_google).then(names),
    )
