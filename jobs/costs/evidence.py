"""The billing lines behind each finding's cost: the rows of `finops_cost_attribution`."""

import polars as pl

from jobs.costs.matching import CONFIDENCE, METHODS, Matched
from jobs.costs.windows import WINDOWS

_ROW = (
    *("row", "line", "resource_id", "account_id", "region", "matched_key", "method", "confidence", "provider"),
    *("payer_account_id", "service", "usage_type", *WINDOWS, "quantity_30d", "unit", "currency", "basis", "lines"),
    *("billing_periods", "source_files", "invoice_final", "commitment_id", "covered", "includes_related"),
    *("days_with_data", "data_through", "refused", "allocatable"),
)
_FINDING = ("run_id", "run_date", "fingerprint", "finding_id")


def evidence(
    findings: pl.DataFrame, claims: pl.DataFrame, ids: pl.DataFrame, found: Matched, costs: pl.DataFrame
) -> pl.DataFrame:
    """Return one row per finding, claimed resource, id on the bill and kind of line; a finding's rows are its cost.

    What looked alike and was refused stands beside each row as `id (why)`; of a finding without any cost it is told
    in a row of its own, method `none`.
    """
    named = claims.select("claim", resource_id="claimed_id")
    refused = _refused(claims, ids, found)
    rows = (
        costs.lazy()
        .join(ids.lazy().select("id", "account_id", "region", matched_key="resource_id"), on="id")
        .join(named.lazy(), on="claim")
        .join(refused.lazy(), on="row", how="left")
        .with_columns(
            method=pl.col("grade").replace_strict(range(len(METHODS)), METHODS, return_dtype=pl.String),
            confidence=pl.col("grade").replace_strict(
                range(len(METHODS)), list(CONFIDENCE.values()), return_dtype=pl.Float64
            ),
            includes_related=pl.col("related"),
            basis=pl.col("cost_basis"),
            days_with_data=pl.col("days_30d"),
            lines=pl.col("lines_30d"),
            allocatable=pl.lit(value=True),
        )
        .select(*_ROW)
        .sort("row", "resource_id", "matched_key", "line", "region")
        .collect()
    )
    return rows.hstack(findings.select(_FINDING)[rows["row"]])


def _refused(claims: pl.DataFrame, ids: pl.DataFrame, found: Matched) -> pl.DataFrame:
    """Return row and what was refused to it, sorted."""
    told = found.refused.join(claims.select("claim", "row"), on="claim").join(ids.select("id", "resource_id"), on="id")
    return told.group_by("row").agg(refused=pl.format("{} ({})", "resource_id", "why").unique().sort())
