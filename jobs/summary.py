"""The numbers of a release on one page: findings, money, coverage, KPIs."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from catalog.releases import Release, read
from catalog.warehouse import Warehouse
from contracts.tables import ATTRIBUTION, CURRENT, KPI_DAILY, KPI_MONTHLY
from contracts.vocabulary import OPEN_STATES
from jobs.coverage import coverage_totals, released_coverage
from jobs.rendering import document_head, json_value

_WITHOUT_COST = ("none", "scoped_rollup_usage", "scoped_rollup_service")  # a context is not a cost
# What makes two evidence lines the same line of the bill, whichever findings they stand under.
_BILL_LINE = (
    *("provider", "payer_account_id", "account_id", "region", "matched_key", "service", "usage_type", "unit"),
    *("currency", "basis", "commitment_id", "covered"),
)


def summary_document(warehouse: Warehouse, release: Release) -> dict[str, Any]:
    """Return the summary of a release.

    Counts and money are of open findings. An amount is null, never 0, when nothing in it is known, and when it would
    add up several currencies; `by_currency` then has the parts.
    """
    findings = _open_findings(warehouse, release)
    return {
        **document_head(release),
        "findings": findings.height,
        **{f"by_{name}": _grouped(findings, column) for name, column in _GROUPS.items()},
        "estimated": {**_total(findings), "by_currency": _by_currency(findings)},
        "actual": _actual(warehouse, release, findings),
        "coverage": coverage_totals(released_coverage(warehouse, release)),
        "kpis": _kpis(warehouse, release),
    }


_GROUPS = {"provider": "provider", "check": "check_id", "category": "category", "severity": "severity"}


def _open_findings(warehouse: Warehouse, release: Release) -> pl.DataFrame:
    savings = pl.col("savings").struct
    rows = read(warehouse, release, CURRENT).filter(pl.col("lifecycle").struct.field("state").is_in(OPEN_STATES))
    return rows.select(
        *("fingerprint", "run_id", *_GROUPS.values()),
        gross=savings.field("gross"),
        net=savings.field("net"),
        currency=savings.field("currency"),
        method=pl.col("actual").struct.field("method").fill_null("none"),
    ).collect()


def _sums() -> dict[str, pl.Expr]:
    known = pl.col("gross").is_not_null()
    currencies = pl.col("currency").filter(known)
    summable = (currencies.n_unique() == 1) | (pl.len() == 0)
    return {
        "gross": pl.when(summable).then(pl.col("gross").sum()),
        "net": pl.when(summable).then(pl.col("net").sum()),
        "currency": pl.when(summable).then(currencies.first()),
        "unknown_price": (~known).sum(),
    }


def _grouped(findings: pl.DataFrame, column: str) -> dict[str, Any]:
    groups = findings.group_by(column).agg(findings=pl.len(), **_sums()).sort(column)
    return {row.pop(column): json_value(row) for row in groups.to_dicts()}


def _total(findings: pl.DataFrame) -> dict[str, Any]:
    total: dict[str, Any] = json_value(findings.select(**_sums()).row(0, named=True))
    return total


def _by_currency(findings: pl.DataFrame) -> list[dict[str, Any]]:
    known = findings.filter(pl.col("gross").is_not_null())
    sums = known.group_by("currency").agg(pl.col("gross").sum(), pl.col("net").sum()).sort("currency")
    return [json_value(row) for row in sums.to_dicts()]


def _actual(warehouse: Warehouse, release: Release, findings: pl.DataFrame) -> dict[str, Any]:
    """Sum the bill over distinct resources: two findings on one resource have one cost."""
    lines = read(warehouse, release, ATTRIBUTION).collect().join(findings, on=["fingerprint", "run_id"], how="semi")
    distinct = lines.sort("run_date", "fingerprint").unique(_BILL_LINE, keep="last")
    billed = distinct.filter(pl.col("cost_30d").is_not_null())
    sums = billed.group_by("currency").agg(pl.col("cost_30d").sum()).sort("currency").to_dicts()
    only = sums[0] if len(sums) == 1 else {"cost_30d": None, "currency": None}
    return {
        **json_value(only),
        "by_currency": json_value(sums),
        "attributed_findings": findings.filter(~pl.col("method").is_in(_WITHOUT_COST)).height,
        "methods": dict(findings.group_by("method").len().sort("method").iter_rows()),
    }


def _kpis(warehouse: Warehouse, release: Release) -> dict[str, Any]:
    """Return the KPIs of the day and month of `as_of`, and of the last whole month before."""
    month = release.as_of.date().replace(day=1)
    return {
        "daily": _kpi_rows(read(warehouse, release, KPI_DAILY), release.as_of.date().isoformat()),
        "monthly": _kpi_rows(read(warehouse, release, KPI_MONTHLY), _month(month - timedelta(days=1)), _month(month)),
    }


def _month(day: date) -> str:
    return day.isoformat()[:7]


def _kpi_rows(table: pl.LazyFrame, *periods: str) -> list[dict[str, Any]]:
    rows = table.filter(pl.col("period").is_in(periods)).drop("tenant_id").collect()
    shown = rows.sort("period", "kpi", "dimension", "value", "currency", nulls_last=True).to_dicts()
    return [json_value(row) for row in shown]
