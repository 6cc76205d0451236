"""What changed between two releases of a tenant: what is new, what is gone, and what saves more or less than before."""

from typing import Any

import polars as pl

from catalog.releases import Release, read
from catalog.warehouse import Warehouse
from contracts.tables import CURRENT
from contracts.vocabulary import OPEN_STATES
from jobs.rendering import document_head, finding_json, json_value

_ORDER = ("provider", "account_id", "region", "check_id", "resource_id", "fingerprint")
_NAMED = ("fingerprint", "finding_id", "check_id", "provider", "account_id", "region", "resource_id")


def diff(warehouse: Warehouse, earlier: Release, later: Release) -> dict[str, Any]:
    """Compare the open findings of two releases.

    new, resolved   findings that only the later, only the earlier has, as each of them tells
    changed         findings of both whose net saving differs; unknown is null, and not the same as 0
    All sorted by provider, account, region, check and resource.
    """
    before, after = (_open(warehouse, release) for release in (earlier, later))
    both = after.join(before.select("fingerprint", before="savings"), on="fingerprint", how="inner").sort(_ORDER)
    net = [pl.col(column).struct.field("net") for column in ("before", "savings")]
    changed = both.filter(net[0].ne_missing(net[1])).select(
        *_NAMED, net_before=net[0], net_after=net[1], currency=pl.col("savings").struct.field("currency")
    )
    return {
        **document_head(later),
        "earlier": document_head(earlier),
        "new": _shown(after.join(before, on="fingerprint", how="anti")),
        "resolved": _shown(before.join(after, on="fingerprint", how="anti")),
        "changed": [json_value(row) for row in changed.to_dicts()],
    }


def _open(warehouse: Warehouse, release: Release) -> pl.DataFrame:
    is_open = pl.col("lifecycle").struct.field("state").is_in(OPEN_STATES)
    return read(warehouse, release, CURRENT).filter(is_open).collect()


def _shown(findings: pl.DataFrame) -> list[dict[str, Any]]:
    return [finding_json(row) for row in findings.sort(_ORDER).iter_rows(named=True)]
