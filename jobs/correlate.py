"""Findings that are one decision: each rule in `sql/findings_correlated/` makes meta-findings of a run's findings."""

from datetime import date, datetime
from functools import partial

import polars as pl

from catalog.warehouse import Warehouse
from contracts.identity import beginning
from contracts.seal import RunStamp, Sealed, seal
from contracts.tables import CORRELATED, COVERAGE, DRAFT_SCHEMA, FINDINGS, REJECTED
from jobs.covers import covers
from jobs.netting import excluded
from jobs.shards import SHARD_ROWS, Each, shards
from jobs.sql import queries, query

_KEY = ("workspace", "provider", "account_id", "region", "resource_id")
_LINKING = r'"(attached_to|instance_id|volume_id)"\s*:\s*[^\sn]'  # a text in which one of them may be more than null
_ID = pl.col("resource_id").hash()
_MONEY, _ACTION = pl.col("estimated").struct, pl.col("action").struct
_TOLD = (
    pl.col("fingerprint", *_KEY, "evidence"),
    pl.col("check_id").alias("member_check_id"),
    _ACTION.field("kind").alias("action_kind"),
    _MONEY.field("monthly_savings", "monthly_cost", "currency", "price_date"),
)
_UNREAD = ("actual", "finding_id", "source_fingerprints")  # the widest of what no meta-finding repeats
_LISTED = 100  # members in the evidence, which is limited to 65,536 bytes; source_fingerprints has all


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
    sealed = meta_findings(findings.filter(shard).select(pl.exclude(_UNREAD)).collect(), stamp)
    return warehouse.write(CORRELATED, sealed.findings), sealed.rejected


def meta_findings(findings: pl.DataFrame, stamp: RunStamp) -> Sealed:
    """Apply every rule to the findings of one run, all of an account or none.

    A meta-finding's check_id is `correlation.<rule>`, its resource the head's, its saving that of the members which
    count: one per resource.
    """
    findings = findings.rechunk()  # rows are taken out of it by their numbers, which many chunks make slow
    linked, links = _linked(findings)
    inputs = {"findings": linked, "links": links}
    members = pl.concat(
        query(rule, inputs).with_columns(check_id=pl.lit(f"correlation.{rule.rpartition('/')[2]}"))
        for rule in queries("findings_correlated")
    )
    # In the order of their heads, and so of accounts: who reads some of them skips the others.
    members = members.with_columns(linked["row"].gather(members["head"])).sort("row", "check_id", "finding").drop("row")
    told = findings.select(_TOLD)[linked["row"][members["finding"]]]
    meta = _grouped(_counted(members.hstack(told)))
    return seal(_drafts(meta, findings[linked["row"][meta["head"]]]), stamp)


def _linked(findings: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Find the findings that name another one's resource in their evidence, and those so named; no rule has others.

    Returns them: finding (a number, in the order of their fingerprints), check_id, resource (the number of the first
    finding of the same resource), row (in `findings`). And what each names: finding, link, resource.
    """
    rows = findings.select("fingerprint", "check_id", *_KEY, "evidence").with_row_index("row")
    likely = rows.select("row", "evidence").filter(pl.col("evidence").str.contains(_LINKING))
    covered = covers(rows).select("row", pl.lit("covers").alias("link"), resource_id="claimed_id")
    links = pl.concat([query("correlation_links/links", {"findings": likely}), covered])
    # Few resources have the id of another one: that alone, by its hash, leaves little to join on the whole key.
    named, links = rows.select("row", id=_ID), links.with_columns(id=_ID)
    links = links.join(named, on="id", how="semi")
    found = pl.concat([links.select("row"), named.join(links, on="id", how="semi").select("row")])
    linked = _sorted(rows.drop("evidence").join(found, on="row", how="semi")).with_row_index("finding")
    linked = linked.with_columns(resource=pl.col("finding").min().over(_KEY))
    links = links.join(linked.select("row", "finding", *_KEY[:-1]), on="row")
    links = links.join(linked.filter(pl.col("finding") == pl.col("resource")).select(*_KEY, "resource"), on=_KEY)
    return linked.select("finding", "check_id", "resource", "row"), links.select("finding", "link", "resource")


def _sorted(findings: pl.DataFrame) -> pl.DataFrame:
    """Sort by fingerprint: by the number that its first digits are, a fifth of the time, unless some begin alike."""
    order = findings.select(beginning("fingerprint")).to_series()
    if order.n_unique() < order.len():
        return findings.sort("fingerprint")
    return findings[order.arg_sort()]


def _counted(members: pl.DataFrame) -> pl.DataFrame:
    """Say of every member whether its saving counts in its meta-finding, the `scope`."""
    members = members.with_columns(scope=pl.struct("check_id", "head").rle_id())
    candidates = members.select("scope", "finding", *_KEY, "evidence", "action_kind", gross="monthly_savings")
    return members.with_columns(counted=pl.col("monthly_savings").is_not_null() & excluded(candidates).is_null())


def _grouped(members: pl.DataFrame) -> pl.DataFrame:
    """Make one row of the members of each scope, in their order: what a meta-finding says that its head does not say.

    Amounts are those of the members that count, null where none has one; `is_mixed` says that they are in several
    currencies, null that there are none.
    """
    saving = pl.col("monthly_savings")
    valued = members.with_columns(
        gross=saving,
        monthly_savings=pl.when("counted").then(saving),
        monthly_cost=pl.when("counted").then("monthly_cost"),
        currency=pl.when(saving.is_not_null()).then("currency"),
        member=pl.struct(
            check_id="member_check_id",
            counted="counted",
            fingerprint="fingerprint",
            monthly_savings=saving.cast(pl.String),
            resource_id="resource_id",
        ),
    )
    amounts = ("gross", "monthly_savings", "monthly_cost")
    groups = valued.group_by("scope", maintain_order=True).agg(
        pl.first("check_id", "title", "head"),
        *(pl.when(pl.count(name) > 0).then(pl.sum(name)).alias(name) for name in amounts),
        pl.min("currency", "price_date"),
        last_currency=pl.max("currency"),
        is_partly_priced=pl.count("gross") < pl.len(),
        source_fingerprints="fingerprint",
        members=pl.col("member").head(_LISTED),
        members_total=pl.len(),
    )
    evidence = pl.struct(
        double_count_removed=(pl.col("gross") - saving).cast(pl.String),
        gross=pl.col("gross").cast(pl.String),
        members="members",
        members_total="members_total",
    )
    is_mixed = pl.col("currency") != pl.col("last_currency")
    return groups.with_columns(is_mixed=is_mixed, evidence=evidence.struct.json_encode())


def _drafts(meta: pl.DataFrame, heads: pl.DataFrame) -> pl.DataFrame:
    """Let each meta-finding say what its head, in the same row, says, but for what it says itself."""
    is_mixed, is_summed = pl.col("is_mixed"), pl.when(~pl.col("is_mixed"))
    unpriced = pl.coalesce(_MONEY.field("missing_price"), pl.lit("no member has a known saving"))
    bound = pl.when("is_partly_priced").then(pl.lit("lower_bound")).otherwise(pl.lit("estimated"))
    drafts = meta.hstack(heads.drop(set(meta.columns) & set(heads.columns))).with_columns(
        *(_ACTION.field(part).alias(f"action_{part}") for part in ("kind", "from", "to")),
        _MONEY.field("basis", "price_source"),
        *(is_summed.then(name).alias(name) for name in ("monthly_savings", "monthly_cost", "currency")),
        status=is_summed.then(bound).otherwise(pl.lit("unknown")),
        missing_price=pl.when(is_mixed)
        .then(pl.lit("the members are in several currencies"))
        .when(is_mixed.is_null())
        .then(unpriced),
        check_version=pl.lit(1),
        facet=pl.lit(""),
    )
    return drafts.select(pl.col(name).cast(dtype) for name, dtype in DRAFT_SCHEMA.items())
