"""One key for the ways in which an inventory and a bill write the same resource."""

import polars as pl

# EC2's globally unique ids: bare on some bill lines, the end of an ARN on others, in any case.
_EC2_FAMILY = r"(?i)^(i|vol|snap|ami|eni|eipalloc|nat|vpce?|subnet|sg|igw|tgw|tgw-attach|vpn|vgw|cgw|cr|pcx)-[0-9a-f]+$"
_EC2_ARN = r"^arn:[^:]*:ec2:"


def resource_key(column: str) -> pl.Expr:
    """Return the matching key of resource ids: the bare lower-case id of EC2's family, of all others the id itself.

    Names of buckets, databases and functions keep their case: their providers do not ignore it.
    """
    given = pl.col(column)
    last = given.str.extract(r"([^:/]+)$")
    bare_or_arn = (given == last) | given.str.contains(_EC2_ARN)
    return pl.when(bare_or_arn & last.str.contains(_EC2_FAMILY)).then(last.str.to_lowercase()).otherwise(given)
