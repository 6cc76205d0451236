"""Context for resources the bill does not name: what everything of their kind costs in their account and region.

Never a cost: two findings of one scope have the same amount, and adding them up would count it twice.
"""

import polars as pl

from jobs.costs.lines import Billed
from jobs.costs.services import families

# How sure a context is of anything, by method; the first is of the kind of usage, the second of the whole service.
CONTEXT = {"scoped_rollup_usage": 0.40, "scoped_rollup_service": 0.25}
SHARE_RULE = "scope_cost of 30 days / scope_resource_count resources of the kind; a context, never a cost"
REASONS = ("no_resource_ids", "not_in_bill")  # the bill is there and does not name the resource
# How usage types name what a kind of resource is billed for; https://docs.aws.amazon.com/cur/latest/userguide/
_USAGE = {
    ("aws", "volume"): "EBS:Volume",
    ("aws", "snapshot"): "EBS:Snapshot",
    ("aws", "address"): "ElasticIP|PublicIPv4",
    ("aws", "instance"): "BoxUsage|SpotUsage|DedicatedUsage|HeavyUsage",
    ("aws", "load_balancer"): "LoadBalancerUsage|LCUUsage",
    ("aws", "nat_gateway"): "NatGateway",
    ("azure", "disk"): "(?i)disk",
    ("gcp", "disk"): "(?i)capacity|disk",
}
_PLACE = ["provider", "account_id", "region"]
_SCOPE = [*_PLACE, "family", "resource_type"]
_MONEY = ["currency", "cost_basis"]
_ALIKE = [*_PLACE, "service", "resource_type", "unit_id", "check_id"]
RESOURCE = ["resource_id", *_ALIKE]


def scoped(wanted: pl.DataFrame, billed: Billed, inventory: pl.DataFrame) -> pl.DataFrame:
    """Return the context of rows (`row` and RESOURCE): method, scope_cost of 30 days, scope_resource_count, share_rule.

    In their order, one per row and currency; none where nothing of the service is billed there. `inventory`
    counts what a run listed: unit_id, check_id, listed; where it does not, the count is unknown.
    """
    runs = wanted.with_columns(run=pl.struct(_ALIKE).rle_id())
    each = runs.unique("run", keep="first", maintain_order=True).drop("row", "resource_id")
    resources = each.with_columns(family=families("service", each))
    scopes = resources.select(_SCOPE).unique()
    lines = _lines(billed)
    found = scopes.join(lines.with_columns(family=families("service", lines)).drop("service"), on=[*_PLACE, "family"])
    of_usage = found.filter(_is_of_type()).pipe(_summed, "scoped_rollup_usage")
    of_service = found.join(of_usage, on=_SCOPE, how="anti").pipe(_summed, "scoped_rollup_service")
    told = resources.join(pl.concat([of_usage, of_service]), on=_SCOPE)
    counted = told.join(inventory, on=["unit_id", "check_id"], how="left").sort("run", *_MONEY)
    return (
        runs.select("row", "run")
        .join(counted, on="run", maintain_order="left_right")
        .with_columns(scope_resource_count=pl.col("listed"), share_rule=pl.lit(SHARE_RULE))
    )


def _lines(billed: Billed) -> pl.DataFrame:
    """Add up the last 30 days by service and usage type, whatever they name."""
    kinds = billed.kinds.select("kind", "provider", "region", "service", "usage_type", *_MONEY)
    of_kind = billed.cells.filter(pl.col("lines_30d") > 0).group_by("account_id", "kind").agg(pl.col("cost_30d").sum())
    return of_kind.join(kinds, on="kind")


def _is_of_type() -> pl.Expr:
    kinds = [
        (pl.col("provider") == provider)
        & (pl.col("resource_type") == kind)
        & pl.col("usage_type").str.contains(pattern).fill_null(value=False)
        for (provider, kind), pattern in _USAGE.items()
    ]
    return pl.any_horizontal(kinds)


def _summed(lines: pl.DataFrame, method: str) -> pl.DataFrame:
    return lines.group_by(*_SCOPE, *_MONEY).agg(
        scope_cost=pl.col("cost_30d").sum(),
        usage_type=pl.col("usage_type").drop_nulls().unique().sort().str.join(", "),
        method=pl.lit(method).first(),
    )
