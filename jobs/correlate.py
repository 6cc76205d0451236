"""Findings that are one decision: each rule in `sql/findings_correlated/` makes meta-findings of a run's findings."""

from collections.abc import Iterator
from datetime import date, datetime

import polars as pl

from catalog.warehouse import Warehouse
from contracts.seal import RunStamp, Sealed, seal
from contracts.tables import CORRELATED, COVERAGE, DRAFT_SCHEMA, FINDINGS, REJECTED
from jobs.netting import standing
from jobs.shards import shards
from jobs.sql import queries, query

_KEY = ("workspace", "provider", "account_id", "region", "resource_id")
_LINKED = ("fingerprint", "check_id", *_KEY, "evidence")


def correlate(warehouse: Warehouse, tenant_id: str, run_id: str, run_date: date, as_of: datetime) -> None:
    """Replace the tenant's meta-findings of a day by those of a run; unchanged inputs mean nothing to do.

    Meta-findings that another workspace's run made on the same day stay.
    """
    inputs = {
        "run_id": run_id,
        "as_of": as_of.isoformat(),
        FINDINGS.name: str(warehouse.snapshot_id(FINDINGS)),
    }
    partition = {"run_date": run_date}
    if warehouse.is_current(CORRELATED, tenant_id, inputs, partition=partition):
        return
    of_day = pl.col("run_date") == run_date
    of_run = of_day & (pl.col("run_id") == run_id)
    findings = warehouse.scan(FINDINGS, tenant_id).filter(of_run)
    mine = warehouse.scan(COVERAGE, tenant_id).filter(of_run).select("workspace").collect().to_series()
    others = warehouse.scan(CORRELATED, tenant_id).filter(
        of_day & (pl.col("run_id") != run_id) & ~pl.col("workspace").is_in(mine.unique().to_list())
    )

    def parts() -> Iterator[pl.LazyFrame | pl.DataFrame]:
        yield others
        for shard in shards([findings]):
            sealed = meta_findings(findings.filter(shard).collect(), tenant_id, RunStamp(run_id, as_of))
            if not sealed.rejected.is_empty():
                warehouse.append(REJECTED, sealed.rejected, tenant_id)
            yield sealed.findings

    warehouse.replace(CORRELATED, parts(), tenant_id, partition=partition, inputs=inputs)


def meta_findings(findings: pl.DataFrame, tenant_id: str, stamp: RunStamp) -> Sealed:
    """Apply every rule to the findings of one run, all of an account or none.

    A meta-finding's check_id is `correlation.<rule>`, its resource the head's, its saving that of the members which
    count: one per resource.
    """
    links = query("correlation_links/links", {"findings": findings.select(_LINKED)})
    members = pl.concat(
        query(rule, {"findings": links}).with_columns(check_id=pl.lit(f"correlation.{rule.rpartition('/')[2]}"))
        for rule in queries("findings_correlated")
    )
    scope = pl.concat_str("check_id", "head_fingerprint", separator="/")
    candidates = findings.join(members.select("fingerprint", scope=scope), on="fingerprint")
    drafts = query(
        "correlation_drafts/draft",
        {
            "members": members,
            "findings": candidates.select("fingerprint", "check_id", "resource_id", "estimated").unique("fingerprint"),
            "heads": findings.join(members, left_on="fingerprint", right_on="head_fingerprint", how="semi"),
            "standing": standing(candidates),
        },
    )
    named = drafts.with_columns(tenant_id=pl.lit(tenant_id))
    return seal(named.select(pl.col(name).cast(dtype) for name, dtype in DRAFT_SCHEMA.items()), stamp)
