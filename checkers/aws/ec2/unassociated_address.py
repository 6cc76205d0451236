"""Elastic IP addresses that are associated with nothing.

Why      Every public IPv4 address bills by the hour, in use or not.
Claims   The hours of a month at the price of an idle address.
Skips    Addresses associated with a network interface, also of a stopped instance (aws.ec2.stopped_instance claims
         those); addresses that a cluster manages, by their tags. Addresses brought to AWS are free, which the API does
         not say here.
Reads    aws.ec2.addresses (ec2:DescribeAddresses)
Pricing  network / public_ipv4.idle, USD per hour
Docs     https://docs.aws.amazon.com/vpc/latest/userguide/vpc-eips.html
"""

from dataclasses import dataclass

import polars as pl

from checkers.aws.ec2.datasets import ADDRESSES
from checkers.base import HOURS_PER_MONTH, Check, Context, claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """No parameters: the API does not say since when an address is unassociated."""


def unassociated_address(
    addresses: pl.LazyFrame,
    params: Params,  # noqa: ARG001 - evaluate hands every judge its parameters
    ctx: Context,
) -> pl.LazyFrame:
    """Judge every address; claim the price of those associated with nothing."""
    unused = pl.all_horizontal(pl.col("association_id", "instance_id", "network_interface_id").is_null())
    return claim(
        ctx.price(addresses, service="network", sku=pl.lit("public_ipv4.idle")),
        finding=unused,
        monthly_savings=pl.col("unit_price") * pl.lit(HOURS_PER_MONTH),
        action="release",
        evidence=("instance_id", "public_ip", "unit_price"),
    )


CHECK = Check(
    id="aws.ec2.unassociated_address",
    reads=(ADDRESSES,),
    judge=unassociated_address,
    params=Params(),
    title="Elastic IP address is associated with nothing",
    category="unused",
    service="ec2",
    resource_type="address",
    severity="low",
    effort="very_low",
)
