"""The state of every finding after a run, and what it really saves: `finops_findings_current`."""

from datetime import date, datetime

import polars as pl

from catalog.warehouse import Warehouse
from contracts.errors import ContractError
from contracts.tables import COVERAGE, CURRENT, ENRICHED, FINDINGS
from contracts.vocabulary import OPEN_STATES
from jobs.netting import standing
from jobs.sql import query


def lifecycle(warehouse: Warehouse, tenant_id: str, run_id: str, run_date: date, as_of: datetime) -> None:
    """Bring the tenant's current findings up to a run, in one commit; the same run again changes nothing.

    A finding the run did not see is resolved only where the run evaluated its check completely for its unit; findings
    of workspaces the run did not look at stay as they are. Raises ContractError for a run older than one that the same
    workspace has been brought up to: the past is not judged again with what is known today.
    """
    inputs = {
        "run_id": run_id,
        "as_of": as_of.isoformat(),
        **{table.name: str(warehouse.snapshot_id(table)) for table in (FINDINGS, ENRICHED, COVERAGE)},
    }
    if warehouse.is_current(CURRENT, tenant_id, inputs):
        return
    of_run = (pl.col("run_date") == run_date) & (pl.col("run_id") == run_id)
    # Enriched meta-findings lie beside the findings they are made of: counting both would count twice.
    findings = warehouse.scan(ENRICHED, tenant_id).filter(of_run, pl.col("source_fingerprints").is_null()).collect()
    if findings.is_empty():  # no bill, or attribution failed: what was found still counts
        findings = warehouse.scan(FINDINGS, tenant_id).filter(of_run).collect()
    coverage = warehouse.scan(COVERAGE, tenant_id).filter(of_run).collect()
    previous = warehouse.scan(CURRENT, tenant_id).collect()
    _refuse_to_rewind(previous, coverage, run_id, as_of)
    warehouse.replace(CURRENT, brought_up(findings, coverage, previous, as_of), tenant_id, inputs=inputs)


def brought_up(findings: pl.DataFrame, coverage: pl.DataFrame, previous: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Return the current findings after a run, from the run's findings and coverage and the current ones before.

    One row per fingerprint, sorted by it, with the columns of `finops_findings_current`.
    """
    states = query(
        "findings_current/lifecycle",
        {"findings": findings, "coverage": coverage, "previous": previous},
        {"as_of": as_of},
    )
    competing = states.filter(pl.col("lifecycle").struct.field("state").is_in(OPEN_STATES))
    current = query(
        "findings_current/net_savings",
        {"states": states, "standing": standing(competing.with_columns(scope=pl.lit("open")))},
    )
    return current.select(pl.col(name).cast(dtype) for name, dtype in CURRENT.polars_schema.items()).sort("fingerprint")


def _refuse_to_rewind(previous: pl.DataFrame, coverage: pl.DataFrame, run_id: str, as_of: datetime) -> None:
    times = [pl.col("lifecycle").struct.field(name) for name in ("last_seen", "resolved_at", "reopened_at")]
    known = previous.join(coverage, on="workspace", how="semi").select(pl.max_horizontal(times).max()).item()
    if known and known > as_of:
        raise ContractError(
            "as_of",
            f"run {run_id} is of {as_of.isoformat()}, but its workspace has been brought up to {known.isoformat()}; "
            "lifecycle only goes forward: start a new run",
        )
