"""The state of every finding after a run, and what it really saves: `finops_findings_current`."""

from datetime import date, datetime
from functools import partial

import polars as pl

from catalog.warehouse import Warehouse
from contracts.errors import ContractError
from contracts.tables import COVERAGE, CURRENT, ENRICHED, FINDINGS
from contracts.vocabulary import OPEN_STATES
from jobs.netting import excluded
from jobs.savings import savings
from jobs.shards import SHARD_ROWS, Each, shards
from jobs.sql import query

# The queries see narrow rows; whole findings, with their evidence and tags, only pass by.
_BEFORE = ("row", "fingerprint", "workspace", "unit_id", "check_id", "resource_id", "lifecycle")
_LIFECYCLE = CURRENT.polars_schema["lifecycle"]
_COVERAGE = ("workspace", "unit_id", "subject", "name", "outcome", "rejected", "undetermined_ids")
_NARROW = (
    "fingerprint", "provider", "account_id", "region", "resource_id", "action", "estimated", "actual", "evidence",
)  # fmt: skip
_CANDIDATE = (  # what is resolved has no saving that could count
    pl.lit("open").alias("scope"),
    pl.col("fingerprint").alias("finding"),
    pl.col("provider", "account_id", "region", "resource_id", "evidence"),
    pl.when(pl.col("lifecycle").struct.field("state").is_in(OPEN_STATES))
    .then(pl.col("estimated").struct.field("monthly_savings"))
    .alias("gross"),
    pl.col("action").struct.field("kind").alias("action_kind"),
)


def lifecycle(
    warehouse: Warehouse,
    tenant_id: str,
    run_id: str,
    run_date: date,
    as_of: datetime,
    *,
    shard_rows: int = SHARD_ROWS,
    each: Each = map,
) -> None:
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
    found = warehouse.scan(ENRICHED, tenant_id).filter(of_run)
    first = found.select("run_id").head(1).collect(engine="streaming")
    if first.is_empty():  # no bill, or attribution failed: what was found still counts
        found = warehouse.scan(FINDINGS, tenant_id).filter(of_run)
    # Enriched meta-findings lie beside the findings they are made of: counting both would count twice.
    findings = found.filter(pl.col("source_fingerprints").is_null())
    coverage = warehouse.scan(COVERAGE, tenant_id).filter(of_run).select(_COVERAGE).collect()
    previous = warehouse.scan(CURRENT, tenant_id)
    _refuse_to_rewind(previous, coverage, run_id, as_of)
    work = partial(_brought_up, warehouse, findings, coverage, previous, as_of)
    # The shards of attribution, meta-findings among them: what it wrote as one file is read as one.
    written = [path for paths in each(work, shards([found, previous], shard_rows)) for path in paths]
    warehouse.swap(CURRENT, written, tenant_id, inputs=inputs)


def _brought_up(
    warehouse: Warehouse,
    findings: pl.LazyFrame,
    coverage: pl.DataFrame,
    previous: pl.LazyFrame,
    as_of: datetime,
    shard: pl.Expr,
) -> list[str]:
    """Write the current findings of some accounts; returns the files."""
    rows = brought_up(findings.filter(shard).collect(), coverage, previous.filter(shard).collect(), as_of)
    return warehouse.write(CURRENT, rows)


def brought_up(findings: pl.DataFrame, coverage: pl.DataFrame, previous: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Return the current findings after a run, from the run's findings and the current ones before of some accounts.

    `coverage` is the run's, of all accounts. One row per fingerprint, those the run found first, in their order; with
    the columns of `finops_findings_current`.
    """
    found, known = _once(findings), previous.with_row_index("row")
    row = found.select("fingerprint").with_row_index("row")
    states = _compared(row, coverage, known.select(_BEFORE), as_of)
    unseen = states.filter(pl.col("found").is_null())
    seen = row.select(found="row").join(states, on="found", how="left", maintain_order="left")
    opened = pl.struct(state=pl.lit("open"), first_seen=pl.lit(as_of), last_seen=pl.lit(as_of)).cast(_LIFECYCLE)
    standing = pl.concat([seen.select(pl.coalesce("lifecycle", opened)), unseen.select("lifecycle")])
    rows = pl.concat([found, previous.select(found.columns)[unseen["known"]]])
    # Columns in unlike chunks are put together whenever they are read: the wide ones only once, as they are written.
    states = rows.select(_NARROW).hstack(standing).rechunk()
    states = states.with_columns(excluded_by=excluded(states.select(_CANDIDATE)))
    return rows.hstack([*standing, savings(states)])


def _compared(findings: pl.DataFrame, coverage: pl.DataFrame, previous: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Say what becomes of every finding known before: known and found (their rows), lifecycle."""
    if previous.is_empty():
        return pl.DataFrame(schema={"known": pl.UInt32, "found": pl.UInt32, "lifecycle": _LIFECYCLE})
    inputs = {"findings": findings, "coverage": coverage, "previous": previous}
    return query("findings_current/lifecycle", inputs, {"as_of": as_of}).cast({"lifecycle": _LIFECYCLE})


def _once(findings: pl.DataFrame) -> pl.DataFrame:
    """Keep one row per fingerprint, the same one in whichever order they come."""
    if findings["fingerprint"].hash().n_unique() == findings.height:  # what hashes differently differs
        return findings
    return findings.sort("fingerprint", "finding_id", "unit_id").unique(
        "fingerprint", keep="first", maintain_order=True
    )


def _refuse_to_rewind(previous: pl.LazyFrame, coverage: pl.DataFrame, run_id: str, as_of: datetime) -> None:
    times = [pl.col("lifecycle").struct.field(name) for name in ("last_seen", "resolved_at", "reopened_at")]
    looked_at = pl.col("workspace").is_in(coverage["workspace"].unique().to_list())
    known = previous.filter(looked_at).select(pl.max_horizontal(times).max()).collect().item()
    if known and known > as_of:
        raise ContractError(
            "as_of",
            f"run {run_id} is of {as_of.isoformat()}, but its workspace has been brought up to {known.isoformat()}; "
            "lifecycle only goes forward: start a new run",
        )
