"""What findings really cost: the bill lines of their resources, with method, confidence and evidence."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from catalog.warehouse import Warehouse
from contracts.tables import ATTRIBUTION, CORRELATED, COVERAGE, CUR_FACTS, ENRICHED, FINDINGS, Table
from jobs.costs.keys import resource_key
from jobs.costs.windows import windows
from jobs.sql import query

_READ = (FINDINGS, CORRELATED, CUR_FACTS)
_FACTS = (
    *("provider", "payer_account_id", "billing_period", "account_id", "service", "resource_id", "usage_start"),
    *("usage_end", "charge_category", "usage_type", "quantity", "unit", "cost_primary", "cost_basis", "currency"),
    *("invoice_final", "source_file"),
)


@dataclass(frozen=True, slots=True)
class Attributed:
    """Findings with `actual`, and the billing lines behind it; columns as in the tables, without the tenant's id."""

    enriched: pl.DataFrame
    evidence: pl.DataFrame


def attribute(warehouse: Warehouse, tenant_id: str, run_id: str, run_date: date, as_of: datetime) -> None:
    """Match a run's findings and meta-findings with the bill; unchanged inputs mean nothing to do.

    Writes `finops_findings_enriched` and `finops_cost_attribution` of the day, one commit each; what another
    workspace's run wrote on the same day stays.
    """
    inputs = {
        "run_id": run_id,
        "as_of": as_of.isoformat(),
        **{table.name: str(warehouse.snapshot_id(table)) for table in _READ},
    }
    partition = {"run_date": run_date}
    if warehouse.is_current(ENRICHED, tenant_id, inputs, partition=partition):
        return
    of_run = (pl.col("run_date") == run_date) & (pl.col("run_id") == run_id)
    findings = pl.concat(warehouse.scan(table, tenant_id).filter(of_run) for table in (FINDINGS, CORRELATED))
    facts = warehouse.scan(CUR_FACTS, tenant_id).select(_FACTS)
    made = attributed(findings.collect(), facts, as_of)
    others = _other_runs(warehouse, tenant_id, run_id, run_date)
    # The enriched findings come last: where they are current, their evidence is.
    for table, rows in ((ATTRIBUTION, made.evidence), (ENRICHED, made.enriched)):
        kept = warehouse.scan(table, tenant_id).filter(
            (pl.col("run_date") == run_date) & pl.col("run_id").is_in(others)
        )
        written = pl.concat([kept.collect(), _typed(rows.with_columns(tenant_id=pl.lit(tenant_id)), table)])
        warehouse.replace(table, written, tenant_id, partition=partition, inputs=inputs)


def attributed(findings: pl.DataFrame, facts: pl.DataFrame | pl.LazyFrame, as_of: datetime) -> Attributed:
    """Match findings (meta-findings among them) with bill facts of the same tenant, as of a logical time.

    Amounts are summed in decimal(38,12) and rounded once, half up, when they become a finding's decimal(18,6).
    """
    within = windows(as_of)
    claims = query("attribution_claims/claims", {"findings": findings}).with_columns(key=resource_key("claimed_id"))
    keyed = facts.lazy().with_columns(key=resource_key("resource_id"))
    mine = keyed.join(claims.lazy(), on=["provider", "account_id", "key"], how="semi")
    lines = query("attribution_lines/lines", {"claims": claims, "facts": mine, "windows": within})
    told = {
        name: query(f"bill_coverage/{name}", {"facts": facts, "windows": within}, {"as_of": as_of})
        for name in ("services", "providers")
    }
    enriched = query(
        "findings_enriched/actual",
        {"findings": findings, "claims": claims, "lines": lines, "windows": within, **told},
    )
    evidence = query("cost_attribution/evidence", {"findings": findings, "lines": lines})
    return Attributed(enriched, evidence)


def _other_runs(warehouse: Warehouse, tenant_id: str, run_id: str, run_date: date) -> list[str]:
    """Return the day's runs of workspaces that this run did not look at."""
    runs = warehouse.scan(COVERAGE, tenant_id).filter(pl.col("run_date") == run_date).select("run_id", "workspace")
    every = runs.unique().collect()
    mine = every.filter(pl.col("run_id") == run_id)["workspace"].unique().to_list()
    return every.filter(~pl.col("workspace").is_in(mine))["run_id"].unique().to_list()


def _typed(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    return rows.select(pl.col(name).cast(dtype) for name, dtype in table.polars_schema.items())
