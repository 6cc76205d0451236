"""Staged bills become the facts of their payers and periods, one commit each, and every ingest is written down."""

import hashlib
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

import polars as pl

from catalog.placing import replace_by_files
from catalog.warehouse import Warehouse
from contracts.tables import CUR_FACTS, CUR_INGESTS, CUR_QUARANTINE
from jobs.costs.parts import BILL, parts
from jobs.costs.reading import Staged
from jobs.costs.report import SUMS, known_sum, violations
from jobs.sql import query

READING = "1"  # raise it when the same bytes give other facts: then they are loaded again
_KEYS = (*BILL, "currency")
_COLUMNS = {"payer": "payer_account_id", "billing_period": "billing_period", "currency": "currency"}
_UNKNOWN = "unknown"  # the billing period of lines whose dates cannot be read


def load(
    warehouse: Warehouse,
    tenant_id: str,
    staged: Sequence[Staged],
    partial: AbstractSet[str],
    as_of: datetime | None,
) -> pl.DataFrame:
    """Replace every payer and period that the files have facts of; a delivery that is known already changes nothing.

    Returns, changed or not, one row per payer, period and currency with the columns of `finops_cur_ingests`, and
    `was_final`: whether all facts that made way were invoiced. `partial` are periods of which a file is missing.
    """
    told = _told(staged)
    before = _before(warehouse, tenant_id, told)
    rows = told.join(before, on=_KEYS, how="left", nulls_equal=True).with_columns(
        pl.col("replaced").fill_null(0),
        tenant_id=pl.lit(tenant_id),
        as_of=pl.lit(as_of, pl.Datetime("us", "UTC")),
        status=pl.when(pl.col("billing_period").is_in(list(partial))).then(pl.lit("partial")).otherwise(pl.lit("ok")),
        **{f"delta_{name}": pl.col(name) - pl.col(f"old_{name}") for name in SUMS},
    )
    rows = rows.join(_deliveries(staged, told), on=BILL, nulls_equal=True).sort(_KEYS, nulls_last=True)
    told_of = [violations(row, as_of) for row in rows.iter_rows(named=True)]
    rows = rows.with_columns(warnings=pl.Series(told_of, dtype=pl.List(pl.String)))
    log = warehouse.scan(CUR_INGESTS, tenant_id).collect()
    changed = rows.filter(~_is_known(log, rows))
    if changed.height:
        _replace_quarantine(warehouse, tenant_id, staged, changed)
        _replace_facts(warehouse, tenant_id, staged, changed)
        _write_down(warehouse, tenant_id, changed, log["sequence"].n_unique() + 1)
    return rows


def _told(staged: Sequence[Staged]) -> pl.DataFrame:
    """Return payer, billing period and currency with their totals, and what of them was passed over."""
    totals = query("bill_periods/totals", {"sums": pl.concat(each.sums for each in staged)})
    passed = pl.concat(each.passed_over for each in staged).with_columns(pl.col("billing_period").fill_null(_UNKNOWN))
    is_kept = pl.col("outcome") == "quarantined"
    kept_cost = pl.when(is_kept).then("cost")
    counts = (
        passed.with_columns(kept_cost=kept_cost)
        .group_by(_KEYS)
        .agg(
            excluded=pl.col("lines").filter(~is_kept).sum(),
            quarantined=pl.col("lines").filter(is_kept).sum(),
            quarantined_cost=known_sum("kept_cost"),
        )
    )
    every = totals.join(counts, on=_KEYS, how="full", coalesce=True, nulls_equal=True)
    return every.with_columns(pl.col("rows", "excluded", "quarantined").fill_null(0))


def _before(warehouse: Warehouse, tenant_id: str, told: pl.DataFrame) -> pl.DataFrame:
    """Count and add up the facts that the new ones replace; a sum is null where a line lacks its basis."""
    bills = told.lazy().filter(pl.col("rows") > 0).select(BILL).unique()
    facts = warehouse.scan(CUR_FACTS, tenant_id).select(
        *(pl.col(column).alias(name) for name, column in {**_COLUMNS, **SUMS}.items()), "invoice_final"
    )
    same = facts.filter(pl.col("billing_period").is_in(told["billing_period"].unique().to_list()))
    sums = {f"old_{name}": pl.when(pl.col(name).is_not_null().all()).then(pl.col(name).sum()) for name in SUMS}
    return (
        same.join(bills, on=BILL, how="semi", nulls_equal=True)
        .group_by(_KEYS)
        .agg(replaced=pl.len().cast(pl.Int64), was_final=pl.col("invoice_final").all(ignore_nulls=False), **sums)
        .collect(engine="streaming")
    )


def _deliveries(staged: Sequence[Staged], told: pl.DataFrame) -> pl.DataFrame:
    """Return per payer and period its files, a hash of what they hold and what became of it, and what they lack."""
    of_file = [
        pl.concat([each.sums.select(BILL), each.passed_over.select(BILL)])
        .unique()
        .with_columns(
            pl.col("billing_period").fill_null(_UNKNOWN),
            file=pl.lit(each.source.path),
            digest=pl.lit(each.digest),
            lacks=pl.lit(f"{each.source.path}: no {', '.join(each.missing)}" if each.missing else None, pl.String),
        )
        for each in staged
    ]
    files = pl.concat(of_file).group_by(BILL)
    listed = files.agg(
        source_files=pl.col("file").sort(), digests=pl.col("digest").sort(), lacks=pl.col("lacks").drop_nulls().sort()
    )
    counts = told.group_by(BILL).agg(counts=pl.concat_str("rows", "excluded", "quarantined", separator=":").sort())
    hashed = pl.concat_list("digests", "counts").list.join(",").map_elements(_hash, return_dtype=pl.String)
    return listed.join(counts, on=BILL, nulls_equal=True).select(*BILL, "source_files", "lacks", delivery=hashed)


def _hash(text: str) -> str:
    return hashlib.sha256(f"{READING},{text}".encode()).hexdigest()


def _is_known(log: pl.DataFrame, rows: pl.DataFrame) -> pl.Series:
    """Say of every row whether the newest ingest of its payer and period was the same and its facts are still there."""
    newest = (
        log.sort("sequence")
        .group_by("payer_account_id", "billing_period")
        .agg(pl.col("delivery", "status").last())
        .rename({"payer_account_id": "payer", "delivery": "known", "status": "known_status"})
    )
    joined = rows.join(newest, on=BILL, how="left", nulls_equal=True, maintain_order="left")
    same = (pl.col("known") == pl.col("delivery")) & (pl.col("known_status") == pl.col("status"))
    there = (pl.col("replaced") == pl.col("rows")).all().over(BILL)
    return joined.select((same & there).fill_null(value=False)).to_series()


def _replace_facts(warehouse: Warehouse, tenant_id: str, staged: Sequence[Staged], changed: pl.DataFrame) -> None:
    """Commit the facts of every changed payer and period."""
    bases = changed.filter(pl.col("rows") > 0).select(*BILL, "cost_basis").unique()
    every = [part for each in staged for part in parts(each, bases)]
    for payer, period in bases.select(BILL).sort(BILL).iter_rows():
        files = [part.file for part in every if (part.payer, part.billing_period) == (payer, period)]
        where = {"billing_period": period, "payer_account_id": payer}
        replace_by_files(warehouse, CUR_FACTS, files, tenant_id, where=where)


def _replace_quarantine(warehouse: Warehouse, tenant_id: str, staged: Sequence[Staged], changed: pl.DataFrame) -> None:
    """Replace the quarantined lines of every changed payer and period; those of other payers stay."""
    files = [each.quarantine for each in staged if each.quarantine]
    known = warehouse.scan(CUR_QUARANTINE, tenant_id)
    held = set(known.select("billing_period").unique().collect()["billing_period"])
    bills = changed.lazy().select(pl.col("payer").alias("payer_account_id"), "billing_period").unique()
    keys = ("payer_account_id", "billing_period")
    for period in changed["billing_period"].unique().sort():
        in_period = pl.col("billing_period") == period
        new = [
            pl.scan_parquet(file).filter(in_period).join(bills, on=keys, how="semi", nulls_equal=True) for file in files
        ]
        kept = changed.filter(in_period)["quarantined"].sum()
        if kept or period in held:
            rows = pl.concat([known.filter(in_period).join(bills, on=keys, how="anti", nulls_equal=True), *new])
            warehouse.replace(CUR_QUARANTINE, rows, tenant_id, partition={"billing_period": period})


def _write_down(warehouse: Warehouse, tenant_id: str, changed: pl.DataFrame, sequence: int) -> None:
    rows = changed.rename({"payer": "payer_account_id"}).with_columns(
        sequence=pl.lit(sequence), warnings=pl.concat_list("warnings", "lacks")
    )
    warehouse.append(
        CUR_INGESTS,
        rows.select(pl.col(name).cast(dtype) for name, dtype in CUR_INGESTS.polars_schema.items()),
        tenant_id,
    )
