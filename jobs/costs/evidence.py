"""The billing lines behind each finding's cost: the rows of `finops_cost_attribution`."""

import polars as pl

from contracts.tables import ATTRIBUTION
from jobs.costs.lines import Billed
from jobs.costs.matching import CONFIDENCE, METHODS, Matched
from jobs.costs.scope import CONTEXT
from jobs.costs.windows import WINDOWS

EVIDENCE = pl.Schema({name: kind for name, kind in ATTRIBUTION.polars_schema.items() if name != "tenant_id"})
_FINDING = ("run_id", "run_date", "fingerprint", "finding_id")
_RESOURCE = ("resource_id", "provider", "account_id", "region")


def evidence(
    findings: pl.DataFrame,
    claims: pl.DataFrame,
    billed: Billed,
    found: Matched,
    costs: pl.DataFrame,
    origins: pl.DataFrame,
    contexts: pl.DataFrame,
) -> pl.DataFrame:
    """Return one row per finding, claimed resource, id on the bill and kind of line; a finding's rows are its cost.

    What looked alike and was refused stands beside each row as `id (why)`. A finding without any cost has a row for
    its context, or one of method `none` where something was refused to it: neither is `allocatable`.
    """
    refused = _refused(claims, billed.ids, found)
    told = pl.concat([costs.select("row"), contexts.select("row")])
    without = pl.concat(
        [
            _contexts(contexts),
            refused.join(told, on="row", how="anti").select(
                "row",
                method=pl.lit("none"),
                confidence=pl.lit(0.0),
                allocatable=pl.lit(value=False),
            ),
        ],
        how="diagonal",
    )
    about = findings.select(*_RESOURCE, reason=pl.col("actual").struct.field("reason"))
    without = without.hstack(about[without["row"]])
    rows = pl.concat([_lines(costs, claims, billed, origins), without], how="diagonal_relaxed")
    rows = rows.join(refused, on="row", how="left", maintain_order="left")
    rows = rows.hstack(findings.select(_FINDING)[rows["row"]])
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in EVIDENCE.items()
    )


def _lines(costs: pl.DataFrame, claims: pl.DataFrame, billed: Billed, origins: pl.DataFrame) -> pl.DataFrame:
    """Spell out the numbers of claims, ids, kinds and origins, which are the numbers of their rows."""
    grades = range(len(METHODS))
    what = ("provider", "payer_account_id", "service", "usage_type", "unit", "currency", "commitment_id", "covered")
    kinds = billed.kinds.select(*what, "data_through", basis="cost_basis", days_with_data="days_30d")
    return pl.concat(
        [
            costs.select(
                *("row", *WINDOWS, "quantity_30d"),
                method=pl.col("grade").replace_strict(grades, METHODS, return_dtype=pl.String),
                confidence=pl.col("grade").replace_strict(grades, list(CONFIDENCE.values()), return_dtype=pl.Float64),
                includes_related=pl.col("related"),
                lines=pl.col("lines_30d"),
                allocatable=pl.lit(value=True),
            ),
            claims.select(resource_id="claimed_id")[costs["claim"]],
            billed.ids.select("account_id", "region", matched_key="resource_id")[costs["id"]],
            kinds[costs["kind"]],
            origins.drop("set")[costs["set"]],
        ],
        how="horizontal",
    )


def _contexts(contexts: pl.DataFrame) -> pl.DataFrame:
    return contexts.select(
        *("row", "service", "usage_type", "currency", "method", "scope_cost", "scope_resource_count", "share_rule"),
        basis=pl.col("cost_basis"),
        confidence=pl.col("method").replace_strict(list(CONTEXT), list(CONTEXT.values()), return_dtype=pl.Float64),
        allocatable=pl.lit(value=False),
    )


def _refused(claims: pl.DataFrame, ids: pl.DataFrame, found: Matched) -> pl.DataFrame:
    """Return row and what was refused to it, sorted."""
    told = found.refused.join(claims.select("claim", "row"), on="claim").join(ids.select("id", "resource_id"), on="id")
    return told.group_by("row").agg(refused=pl.format("{} ({})", "resource_id", "why").unique().sort()).sort("row")
