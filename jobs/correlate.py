"""Findings that are one decision: each rule in `sql/findings_correlated/` makes meta-findings of a run's findings."""

from datetime import date, datetime

import polars as pl

from catalog.warehouse import Warehouse
from contracts.seal import RunStamp, Sealed, seal
from contracts.tables import CORRELATED, COVERAGE, DRAFT_SCHEMA, FINDINGS, REJECTED
from jobs.netting import standing
from jobs.sql import queries, query


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
    sealed = meta_findings(
        warehouse.scan(FINDINGS, tenant_id).filter(of_run).collect(), tenant_id, RunStamp(run_id, as_of)
    )
    mine = warehouse.scan(COVERAGE, tenant_id).filter(of_run).select("workspace").collect().to_series()
    others = warehouse.scan(CORRELATED, tenant_id).filter(
        of_day & (pl.col("run_id") != run_id) & ~pl.col("workspace").is_in(mine.unique().to_list())
    )
    if not sealed.rejected.is_empty():
        warehouse.append(REJECTED, sealed.rejected, tenant_id)
    rows = pl.concat([others.collect(), sealed.findings])
    warehouse.replace(CORRELATED, rows, tenant_id, partition=partition, inputs=inputs)


def meta_findings(findings: pl.DataFrame, tenant_id: str, stamp: RunStamp) -> Sealed:
    """Apply every rule to the findings of one run.

    A meta-finding's check_id is `correlation.<rule>`, its resource the head's, its saving that of the members which
    count: one per resource.
    """
    members = pl.concat(
        query(rule, {"findings": findings}).with_columns(check_id=pl.lit(f"correlation.{rule.rpartition('/')[2]}"))
        for rule in queries("findings_correlated")
    )
    scope = pl.concat_str("check_id", "head_fingerprint", separator="/")
    candidates = findings.join(members.select("fingerprint", scope=scope), on="fingerprint")
    drafts = query(
        "correlation_drafts/draft",
        {"members": members, "findings": findings, "standing": standing(candidates)},
    )
    named = drafts.with_columns(tenant_id=pl.lit(tenant_id))
    return seal(named.select(pl.col(name).cast(dtype) for name, dtype in DRAFT_SCHEMA.items()), stamp)
