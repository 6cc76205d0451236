"""Findings that are one decision: each rule in `sql/findings_correlated/` makes meta-findings of a run's findings."""

from datetime import date, datetime
from functools import partial

import polars as pl

from catalog.warehouse import Warehouse
from contracts.seal import RunStamp, Sealed, seal
from contracts.tables import CORRELATED, COVERAGE, DRAFT_SCHEMA, FINDINGS, REJECTED
from jobs.netting import NETTED, standing
from jobs.shards import SHARD_ROWS, Each, shards
from jobs.sql import queries, query

_KEY = ("workspace", "provider", "account_id", "region", "resource_id")
_PRICED = ("monthly_savings", "monthly_cost", "currency", "price_date")
_LINKED = ("fingerprint", "check_id", *_KEY, "evidence")


def correlate(
    warehouse: Warehouse,
    tenant_id: str,
    run_id: str,
    run_date: date,
    as_of: datetime,
    *,
    shard_rows: int = SHARD_ROWS,
    each: Each = map,
) -> None:
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

    work = partial(_correlated, warehouse, findings, RunStamp(run_id, as_of))
    written = warehouse.write(CORRELATED, others)
    for paths, rejected in each(work, shards([findings], shard_rows)):
        written += paths
        if not rejected.is_empty():
            warehouse.append(REJECTED, rejected, tenant_id)
    warehouse.swap(CORRELATED, written, tenant_id, partition=partition, inputs=inputs)


def _correlated(
    warehouse: Warehouse, findings: pl.LazyFrame, stamp: RunStamp, shard: pl.Expr
) -> tuple[list[str], pl.DataFrame]:
    """Write the meta-findings of some accounts; returns the files, and what was refused."""
    sealed = meta_findings(findings.filter(shard).collect(), stamp)
    return warehouse.write(CORRELATED, sealed.findings), sealed.rejected


def meta_findings(findings: pl.DataFrame, stamp: RunStamp) -> Sealed:
    """Apply every rule to the findings of one run, all of an account or none.

    A meta-finding's check_id is `correlation.<rule>`, its resource the head's, its saving that of the members which
    count: one per resource.
    """
    links = query("correlation_links/links", {"findings": findings.select(_LINKED)})
    members = pl.concat(
        query(rule, {"findings": links}).with_columns(check_id=pl.lit(f"correlation.{rule.rpartition('/')[2]}"))
        for rule in queries("findings_correlated")
    )
    priced = pl.col("estimated").struct
    told = findings.select(
        "fingerprint", pl.col("check_id").alias("member_check_id"), "resource_id", *map(priced.field, _PRICED)
    )
    scope = pl.concat_str("check_id", "head_fingerprint", separator="/")
    candidates = findings.select(NETTED).join(members.select("fingerprint", scope=scope), on="fingerprint")
    meta = query(
        "correlation_drafts/draft", {"members": members.join(told, on="fingerprint"), "standing": standing(candidates)}
    )
    return seal(_drafts(meta, findings), stamp)


def _drafts(meta: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
    """Let each meta-finding say what its head says, but for what it says itself."""
    heads = findings.drop(*(name for name in meta.columns if name in findings.columns)).with_columns(
        head_fingerprint=findings["fingerprint"]
    )
    estimated, action = pl.col("estimated").struct, pl.col("action").struct
    reason = pl.coalesce(estimated.field("missing_price"), pl.lit("no member has a known saving"))
    drafts = meta.join(heads, on="head_fingerprint", maintain_order="left").with_columns(
        *(action.field(part).alias(f"action_{part}") for part in ("kind", "from", "to")),
        *(estimated.field(name) for name in ("basis", "price_source")),
        missing_price=pl.when("is_unpriced").then(reason).otherwise("missing_price"),
        check_version=pl.lit(1),
        facet=pl.lit(""),
    )
    return drafts.select(pl.col(name).cast(dtype) for name, dtype in DRAFT_SCHEMA.items())
