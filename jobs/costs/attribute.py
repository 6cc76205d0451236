"""What findings really cost: the bill lines of their resources, with method, confidence and evidence."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

import polars as pl

from catalog.warehouse import Warehouse
from checkers.registry import all_checks
from contracts.tables import ATTRIBUTION, CORRELATED, COVERAGE, CUR_FACTS, ENRICHED, FINDINGS
from jobs.costs.actual import actual, summed, unmatched
from jobs.costs.bill import Bill, read_bill
from jobs.costs.claims import claims
from jobs.costs.evidence import evidence
from jobs.costs.lines import billed, lines
from jobs.costs.matching import ATTACHMENT, Matched, matched
from jobs.costs.scope import REASONS, RESOURCE, scoped
from jobs.costs.windows import midnight
from jobs.shards import SHARD_ROWS, Each, shards

NOTHING_LISTED = pl.DataFrame(schema={"unit_id": pl.String, "check_id": pl.String, "listed": pl.Int64})
_READ = (FINDINGS, CORRELATED, CUR_FACTS)
_NEEDED = ("fingerprint", "finding_id", "run_id", "run_date", "evidence", "source_fingerprints", *RESOURCE)
_WRITTEN = (ATTRIBUTION, ENRICHED)  # the findings come last: where they are current, their evidence is


@dataclass(frozen=True, slots=True)
class Attributed:
    """Findings with `actual`, and the billing lines behind it; columns as in the tables, without the tenant's id."""

    enriched: pl.DataFrame
    evidence: pl.DataFrame


def attribute(
    warehouse: Warehouse,
    tenant_id: str,
    run_id: str,
    run_date: date,
    as_of: datetime,
    *,
    shard_rows: int = SHARD_ROWS,
    each: Each = map,
) -> None:
    """Match a run's findings and meta-findings with the bill; unchanged inputs mean nothing to do.

    Windows end at `as_of` when it is the end of a day; inside one it is only the moment somebody looked, and they end
    with the last complete day before it in each payer's bill. Writes `finops_findings_enriched` and
    `finops_cost_attribution` of the day, one commit each; what another workspace's run wrote on the same day stays.
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
    facts = warehouse.scan(CUR_FACTS, tenant_id)
    bill = read_bill(facts, as_of) if as_of == midnight(as_of) else read_bill(facts, latest=as_of)
    inventory = listed(warehouse.scan(COVERAGE, tenant_id).filter(of_run))
    work = partial(_attributed, warehouse, findings, facts, bill, inventory, tenant_id)
    others = _other_runs(warehouse, tenant_id, run_id, run_date)
    kept = (pl.col("run_date") == run_date) & pl.col("run_id").is_in(others)
    written = {table: warehouse.write(table, warehouse.scan(table, tenant_id).filter(kept)) for table in _WRITTEN}
    for paths in each(work, shards([findings], shard_rows)):
        for table in _WRITTEN:
            written[table] += paths[table.name]
    for table in _WRITTEN:
        warehouse.swap(table, written[table], tenant_id, partition=partition, inputs=inputs)


def _attributed(
    warehouse: Warehouse,
    findings: pl.LazyFrame,
    facts: pl.LazyFrame,
    bill: Bill,
    inventory: pl.DataFrame,
    tenant_id: str,
    shard: pl.Expr,
) -> dict[str, list[str]]:
    """Match the findings of some accounts and write them; returns the files of each table."""
    mine = facts.filter(shard | pl.col("account_id").is_null())  # a line of no account may be of any
    rows = findings.drop("actual").filter(shard).collect()
    made = attributed_part(rows, mine, bill, inventory)
    told = {ATTRIBUTION: made.evidence, ENRICHED: made.enriched}
    owner = pl.lit(tenant_id).alias("tenant_id")
    return {table.name: warehouse.write(table, told[table].with_columns(owner)) for table in _WRITTEN}


def attributed(findings: pl.DataFrame, facts: pl.DataFrame | pl.LazyFrame, as_of: datetime) -> Attributed:
    """Match findings (meta-findings among them) with all bill facts of the same tenant, as of a logical time.

    Both results sorted by fingerprint.
    """
    bill = read_bill(facts.lazy(), as_of)
    return attributed_part(findings.sort("fingerprint"), facts.lazy(), bill, NOTHING_LISTED)


def listed(coverage: pl.LazyFrame) -> pl.DataFrame:
    """Count what a run listed of the kind each check judges: unit_id, check_id, listed."""
    kinds = pl.DataFrame(
        [(check.id, check.reads[0].name) for check in all_checks().values()],
        schema={"check_id": pl.String, "name": pl.String},
        orient="row",
    )
    counted = coverage.filter(pl.col("subject") == "dataset", pl.col("outcome") == "ok")
    return counted.join(kinds.lazy(), on="name").select("unit_id", "check_id", listed="rows").collect()


def attributed_part(findings: pl.DataFrame, facts: pl.LazyFrame, bill: Bill, inventory: pl.DataFrame) -> Attributed:
    """Match the findings of some accounts with bill facts: of these accounts and of none, or of the whole tenant.

    A meta-finding stands beside the findings it is made of. However the accounts are split, the answer is the same:
    what needs the whole bill is in `bill`, and `inventory` counts what the run listed (`listed`). Findings keep their
    order. Amounts are summed in decimal(38,12) and rounded once, half up, when they become a finding's decimal(18,6).
    """
    needed = findings.select(_NEEDED).rechunk()  # in one piece, or picking rows by number puts it together every time
    claimed = claims(needed)
    read = billed(facts, bill)
    found = matched(claimed, read.ids.filter(pl.col("resource_id").is_not_null()))
    mine, origins = lines(read, found.pairs.select("id"))
    costs = _costs(claimed, found, mine)
    sums = summed(costs, claimed, found, read.kinds)
    without = unmatched(needed, claimed, found, sums, bill)
    alone = claimed.filter(~pl.col("related"))
    unnamed = without.filter(pl.col("reason").is_in(REASONS)).join(alone, on="row", how="semi", maintain_order="left")
    contexts = scoped(needed.select(RESOURCE)[unnamed["row"]].with_columns(unnamed["row"]), read, inventory)
    told = actual(sums, without, contexts)
    rows = evidence(needed.with_columns(told), claimed, read, found, costs, origins, contexts)
    return Attributed(findings.with_columns(told), rows)


def _costs(claimed: pl.DataFrame, found: Matched, mine: pl.DataFrame) -> pl.DataFrame:
    """Give every finding (`row`) the lines of the ids that are its resources; sorted by row, claim, id and line."""
    pairs = found.pairs.hstack(claimed.select("row", "related")[found.pairs["claim"]])
    graded = pairs.with_columns(grade=pl.when("related").then(ATTACHMENT).otherwise("grade"))
    return graded.join(mine.with_row_index("line"), on="id").sort("row", "claim", "line")


def _other_runs(warehouse: Warehouse, tenant_id: str, run_id: str, run_date: date) -> list[str]:
    """Return the day's runs of workspaces that this run did not look at."""
    runs = warehouse.scan(COVERAGE, tenant_id).filter(pl.col("run_date") == run_date).select("run_id", "workspace")
    every = runs.unique().collect()
    mine = every.filter(pl.col("run_id") == run_id)["workspace"].unique().to_list()
    return every.filter(~pl.col("workspace").is_in(mine))["run_id"].unique().to_list()
