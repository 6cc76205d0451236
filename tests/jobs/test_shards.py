from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from catalog.warehouse import Warehouse
from contracts.draft import FindingDraft
from contracts.tables import ATTRIBUTION, CORRELATED, COVERAGE, CUR_FACTS, CURRENT, ENRICHED, FINDINGS, Table
from jobs.correlate import correlate
from jobs.costs.attribute import attribute
from jobs.lifecycle import lifecycle
from jobs.shards import shards

Claim = Callable[..., FindingDraft]
Frame = Callable[..., pl.DataFrame]
ACCOUNTS = [f"{number:012}" for number in range(1, 6)]
TABLES = (CORRELATED, ATTRIBUTION, ENRICHED, CURRENT)
account_rows = st.lists(st.sampled_from(ACCOUNTS), max_size=40)


@given(account_rows, account_rows, st.integers(1, 50))
def test_every_row_is_in_exactly_one_shard_and_no_account_in_two(
    first: list[str], second: list[str], rows: int
) -> None:
    frames = [pl.DataFrame({"account_id": each}, schema={"account_id": pl.String}) for each in (first, second)]
    both = pl.concat(frames)
    parts = [both.filter(shard)["account_id"] for shard in shards([frame.lazy() for frame in frames], rows)]
    assert sorted(account for part in parts for account in part) == sorted(first + second)
    assert sum(part.n_unique() for part in parts) == both["account_id"].n_unique()
    # A shard is full when the next account would begin beyond it: only its last account may stick out.
    assert all(part.len() - part.eq(part.max()).sum() < rows for part in parts if part.len())


def test_jobs_give_the_same_rows_whole_and_account_by_account(
    tmp_path: Path, claim: Claim, sealed: Frame, covered: Frame, billed: Frame, as_of: datetime
) -> None:
    drafts = [
        draft
        for account in ACCOUNTS
        for draft in (
            claim("aws.ec2.stopped_instance", "i-0a", "12", account_id=account, evidence={"covers": ["vol-0a"]}),
            claim("aws.ebs.gp2_volume", "vol-0a", "2", account_id=account, evidence={"attached_to": "i-0a"}),
            claim("aws.ebs.old_snapshot", "snap-0a", "1", account_id=account, evidence={"volume_id": "vol-0a"}),
        )
    ]
    findings = sealed(drafts, "r1", as_of)
    day = as_of - timedelta(days=2)
    lines = [
        billed(
            [(day, "ec2", "0.5")],
            account_id=account,
            resource_id="vol-0a",
            charge_category="Usage",
            cost_basis="amortized",
        )
        for account in [*ACCOUNTS, None]
    ]
    coverage = covered(["aws.ebs.gp2_volume"], "r1", as_of.date())

    def made(name: str, rows: int) -> list[pl.DataFrame]:
        warehouse = Warehouse.open(f"sqlite:///{tmp_path}/{name}.db", str(tmp_path / name))
        warehouse.append(FINDINGS, findings, "acme")
        warehouse.append(COVERAGE, coverage, "acme")
        warehouse.append(CUR_FACTS, pl.concat(lines), "acme")
        for job in (correlate, attribute, lifecycle):
            job(warehouse, "acme", "r1", as_of.date(), as_of, shard_rows=rows)
        return [stored(warehouse, table) for table in TABLES]

    def stored(warehouse: Warehouse, table: Table) -> pl.DataFrame:
        rows = warehouse.scan(table, "acme").collect()
        return rows.sort("fingerprint", *(["account_id", "matched_key"] if table is ATTRIBUTION else []))

    whole, parted = made("whole", 1_000), made("parted", 1)
    heights = {table: frame.height // len(ACCOUNTS) for table, frame in zip(TABLES, whole, strict=True)}
    assert heights == {CORRELATED: 2, ATTRIBUTION: 8, ENRICHED: 5, CURRENT: 3}
    assert all(one.equals(other) for one, other in zip(whole, parted, strict=True))
