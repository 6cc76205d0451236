"""What must be true of a run of any size, by the arithmetic of the generator and of money; flat in memory.

What there is to find comes from the oracle's plain Python, row by row; only the digest of it is kept.
"""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from catalog.changes import add_files
from catalog.files import write_files
from contracts.tables import COVERAGE, CUR_FACTS, CURRENT, FINDINGS, REJECTED, Table
from jobs.digest import Digest, digest
from tools.stress.estate import TENANT, StressEstate
from tools.stress.oracle import expected_claims
from tools.stress.runs import Run, open_warehouse

_CLAIM = ("unit_id", "check_id", "resource_id")
_BATCH_FINDINGS = 200_000


def truths(run: Run, estate: StressEstate) -> dict[str, bool]:
    """Check a run of an estate at its full size."""
    expected = estate.unit_count * estate.findings_per_unit
    return {
        "findings_are_what_was_generated_each_once": digest(run.rows(FINDINGS).select(_CLAIM)) == _generated(estate),
        "drafts_are_findings_rejected_and_duplicates": _drafts_are_accounted_for(run),
        "facts_are_bill_lines": _count(run.rows(CUR_FACTS)) == estate.bill_lines,
        "every_finding_is_current": _count(run.rows(CURRENT)) == expected,
        "net_never_exceeds_cost": _net_is_within_cost(run),
        "a_resource_is_counted_once": _resources_are_counted_once(run),
    }


def older_files_read(folder: Path) -> bool:
    """Commit a file that lacks a column of today's schema, and read it beside a file of today."""
    warehouse = open_warehouse(folder)
    row = pl.LazyFrame([{"tenant_id": TENANT}], schema=FINDINGS.polars_schema)
    older = Table(FINDINGS.name, FINDINGS.schema.remove(FINDINGS.schema.get_field_index("facet")), FINDINGS.partition)
    location = warehouse.location(FINDINGS)
    paths = [*write_files(location, older, row.drop("facet"), "older"), *write_files(location, FINDINGS, row, "today")]
    add_files(warehouse.load(FINDINGS), paths, {})
    read = warehouse.scan(FINDINGS, TENANT).collect()
    return read.height == len(paths) and read.schema == FINDINGS.polars_schema


def _generated(estate: StressEstate) -> Digest:
    """Digest everything there is to find."""
    return sum(map(digest, _claims(estate)), start=Digest(0, 0))


def _claims(estate: StressEstate) -> Iterator[pl.LazyFrame]:
    units, step = estate.units(), max(1, _BATCH_FINDINGS // estate.findings_per_unit)
    for start in range(0, len(units), step):
        batch = [each.unit for each in units[start : start + step]]
        rows = [(unit.unit_id, *claim) for unit in batch for claim in expected_claims(unit, estate.size)]
        yield pl.LazyFrame(rows, schema=dict.fromkeys(_CLAIM, pl.String), orient="row")


def _drafts_are_accounted_for(run: Run) -> bool:
    """Say whether every resource a check called waste is a finding, a reject or a duplicate, and is stored as such."""
    counted = ("rows", "ok", "not_applicable", "undetermined", "findings", "rejected", "duplicates")
    checks = run.rows(COVERAGE).filter(pl.col("subject") == "check").select(pl.col(counted).sum())
    said = checks.collect().row(0, named=True)
    drafts = said["rows"] - said["ok"] - said["not_applicable"] - said["undetermined"]
    stored = (_count(run.rows(FINDINGS)), _count(run.rows(REJECTED)))
    return drafts == said["findings"] + said["rejected"] + said["duplicates"] and stored == (
        said["findings"],
        said["rejected"],
    )


def _net_is_within_cost(run: Run) -> bool:
    """Say whether no finding saves more than its resource costs, on the basis that the saving names."""
    savings, billed = pl.col("savings").struct, pl.col("actual").struct.field("cost_30d")
    net, listed = savings.field("net"), pl.col("estimated").struct.field("monthly_cost")
    cost = pl.when(savings.field("basis") == "actual").then(billed).otherwise(listed)
    return _count(run.rows(CURRENT).filter(net > cost)) == 0


def _resources_are_counted_once(run: Run) -> bool:
    counts = run.rows(CURRENT).filter(pl.col("savings").struct.field("net") > 0)
    resource = pl.struct("tenant_id", "provider", "account_id", "region", "resource_id").hash()
    rows = counts.select(n=pl.len(), resources=resource.n_unique()).collect(engine="streaming")
    return bool(rows["n"].item() == rows["resources"].item())


def _count(rows: pl.LazyFrame) -> int:
    count: int = rows.select(pl.len()).collect(engine="streaming").item()
    return count
