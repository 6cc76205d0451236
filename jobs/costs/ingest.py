"""Bills into `finops_cur_facts`: every (payer, billing period) of the files given replaces what was known of it."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from catalog.warehouse import Warehouse
from contracts.errors import BillError
from contracts.tables import CUR_FACTS
from jobs.costs.reading import Staged, stage
from jobs.costs.report import FileReport, IngestReport, PeriodReport
from jobs.costs.sources import Source, expand
from jobs.sql import session, statement

BASES = ("net_amortized", "amortized", "net_unblended", "unblended")
_BILL = ("payer_account_id", "billing_period")
# The period in a path, as deliveries spell it: BILLING_PERIOD=2026-09, year=2026/month=9, 20260901-20261001.
_PERIOD_IN_PATH = re.compile(r"BILLING_PERIOD=(\d{4})-(\d\d)|year=(\d{4})/month=(\d{1,2})|(\d{4})(\d\d)01-\d{8}")


def ingest(
    warehouse: Warehouse,
    tenant_id: str,
    paths: Sequence[str],
    *,
    payer_tenants: Mapping[str, str] | None = None,
    as_of: datetime | None = None,
) -> IngestReport:
    """Load the bills that `paths` (files, folders, globs) mean; the same delivery again gives the same facts.

    Files of one payer and period are parts of one delivery. A file that cannot be read is named, skipped, and makes
    its period partial where the path says which that is; the others load. With `payer_tenants`, lines of a payer that
    is another tenant's or nobody's are quarantined; with `as_of`, so are charges far in its future. Memory does not
    grow with the bill: lines go through files.
    """
    payers = None if payer_tenants is None else _payers_of(tenant_id, payer_tenants)
    with TemporaryDirectory(prefix="bills-") as folder:
        read = [
            _read(source, Path(folder, f"{place}.parquet"), payers, as_of)
            for place, source in enumerate(expand(list(paths)))
        ]
        files = [report for report, _ in read]
        staged = [each for _, each in read if each]
        if not any(file.facts for file in files):
            return IngestReport(files, [])
        totals = _totals(staged)
        replaced = _known(warehouse, tenant_id, totals)
        for period in totals["billing_period"].unique().sort():
            _replace(warehouse, tenant_id, period, staged, totals)
    return IngestReport(files, _periods(totals, replaced, _partial(files)))


def _payers_of(tenant_id: str, payer_tenants: Mapping[str, str]) -> list[str]:
    # An AWS payer may have lost the zeros in front; others' ids are as they are.
    mine = (payer for payer, owner in payer_tenants.items() if owner == tenant_id)
    return [spelled for payer in mine for spelled in (payer, payer.zfill(12))]


def _read(
    source: Source, target: Path, payers: Sequence[str] | None, as_of: datetime | None
) -> tuple[FileReport, Staged | None]:
    if source.refused:
        return FileReport(path=source.path, error=source.refused), None
    try:
        staged = stage(source.path, target, payers, as_of)
    except BillError as error:
        return FileReport(path=source.path, error=error.reason), None
    lines = pl.scan_parquet(target).group_by("outcome", "reason").len().collect()
    counts: dict[str, int] = dict(lines.group_by("outcome").agg(pl.col("len").sum()).iter_rows())
    quarantined = lines.filter(pl.col("outcome") == "quarantined").sort("reason")
    report = FileReport(
        path=source.path,
        dialect=staged.dialect.name,
        rows=sum(counts.values()),
        facts=counts.get("fact", 0),
        excluded=counts.get("excluded", 0),
        quarantined=counts.get("quarantined", 0),
        reasons=dict(quarantined.select("reason", "len").iter_rows()),
    )
    return report, staged


def _totals(staged: Sequence[Staged]) -> pl.DataFrame:
    """Add up the staged facts per payer, period and currency, and choose the one basis of each payer and period."""
    with session() as connection:
        lines = connection.read_parquet([str(each.staged) for each in staged])
        connection.register("staged", lines.filter("outcome = 'fact'"))
        totals: pl.DataFrame = connection.sql(statement("bill_periods/totals")).pl()
        return totals


def _known(warehouse: Warehouse, tenant_id: str, totals: pl.DataFrame) -> pl.DataFrame:
    """Count the facts that the new ones replace."""
    before = warehouse.scan(CUR_FACTS, tenant_id).select(*_BILL, "currency")
    bills = totals.lazy().select(pl.col("payer").alias("payer_account_id"), "billing_period").unique()
    same = before.join(bills, on=_BILL, how="semi", nulls_equal=True)
    return same.group_by(*_BILL, "currency").agg(replaced=pl.len().cast(pl.Int64)).collect()


def _replace(warehouse: Warehouse, tenant_id: str, period: str, staged: Sequence[Staged], totals: pl.DataFrame) -> None:
    """Commit a billing period: the new facts of its payers, and what is known of other payers as it was."""
    bases = totals.filter(pl.col("billing_period") == period).select(
        pl.col("payer").alias("payer_account_id"), "billing_period", "cost_basis"
    )
    others = (
        warehouse.scan(CUR_FACTS, tenant_id)
        .filter(pl.col("billing_period") == period)
        .join(bases.lazy(), on=_BILL, how="anti", nulls_equal=True)
    )
    facts = [_facts(each, tenant_id, bases.unique()) for each in staged]
    rows = pl.concat([others, *facts])
    warehouse.replace(CUR_FACTS, rows, tenant_id, partition={"billing_period": period})


def _facts(staged: Staged, tenant_id: str, bases: pl.DataFrame) -> pl.LazyFrame:
    """Give one file's facts of a period their primary cost and everything else the table has."""
    primary = pl.coalesce(pl.when(pl.col("cost_basis") == basis).then(f"{basis}_cost") for basis in BASES)
    lines = pl.scan_parquet(staged.staged).filter(pl.col("outcome") == "fact")
    return (
        lines.join(bases.lazy(), on=_BILL, nulls_equal=True)
        .with_columns(
            tenant_id=pl.lit(tenant_id),
            source_file=pl.lit(staged.path),
            cost_primary=primary,
        )
        .select(pl.col(name).cast(dtype) for name, dtype in CUR_FACTS.polars_schema.items())
    )


def _partial(files: Sequence[FileReport]) -> set[str]:
    """Return the billing periods of which a file is known to be missing."""
    found = (_PERIOD_IN_PATH.search(file.path) for file in files if file.error)
    numbers = ([int(part) for part in match.groups() if part] for match in found if match)
    return {f"{year:04}-{month:02}" for year, month in numbers}


def _periods(totals: pl.DataFrame, replaced: pl.DataFrame, partial: set[str]) -> list[PeriodReport]:
    """Report every payer, period and currency that has new facts."""
    keys = {"payer": "payer_account_id", "billing_period": "billing_period", "currency": "currency"}
    rows = totals.join(replaced, left_on=list(keys), right_on=list(keys.values()), how="left", nulls_equal=True)
    status = pl.when(pl.col("billing_period").is_in(list(partial))).then(pl.lit("partial")).otherwise(pl.lit("ok"))
    shown = rows.with_columns(pl.col("replaced").fill_null(0), status=status)
    return [
        PeriodReport(**row)
        for row in shown.sort("payer", "billing_period", "currency", nulls_last=True).iter_rows(named=True)
    ]
