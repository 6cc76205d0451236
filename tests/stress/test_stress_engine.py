"""The stress engine at a tiny size: every check holds on an honest run, and fails on one that is not."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import typer

from contracts.tables import CUR_FACTS, CURRENT, FINDINGS, REJECTED
from engine.progress import reporting
from tools.stress.estate import FINDINGS_PER_UNIT, REGIONS, StressEstate
from tools.stress.oracle import expected_claims
from tools.stress.runs import INLINE, Run, open_warehouse, run_chain, write_bills
from tools.stress.stress_engine import main, stress
from tools.stress.truths import truths

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
ESTATE = StressEstate(4 * FINDINGS_PER_UNIT, AS_OF)
TWO_TENANTS = StressEstate(5 * FINDINGS_PER_UNIT, AS_OF, tenants=2)


@pytest.mark.slow
def test_every_check_holds_and_is_reported_with_its_size(tmp_path: Path) -> None:
    with reporting(quiet=True) as shown:
        printed = stress(ESTATE, tmp_path, shown, seed=3, workers=INLINE).to_json()
    assert [check for check, holds in printed["checks"].items() if not holds] == []
    ways = {check.partition("_same_")[0] for check in printed["checks"] if "_same_" in check}
    assert ways == {"shuffled", "other_chunks", "workers_1", "workers_2", "second_run", "resumed"}
    assert set(printed["checked_at"].values()) == {4 * FINDINGS_PER_UNIT}
    stages = [stage["stage"] for stage in printed["stages"]]
    assert stages == ["scan", "bills", "correlate", "attribute", "lifecycle", "kpis", "publish"]
    assert all(stage["rows"] > 0 and stage["peak_rss_bytes"] > 0 for stage in printed["stages"])
    assert printed["resume"]["units"] == 4
    assert printed["resume"]["repeated"] <= 4 - printed["resume"]["committed"]
    assert json.loads(json.dumps(printed)) == printed


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with reporting(quiet=True) as shown:
        bills = write_bills(TWO_TENANTS, tmp_path / "bills")
        yield run_chain(open_warehouse(tmp_path), TWO_TENANTS, bills, shown, workers=INLINE, name="run")


def test_what_is_lost_doubled_or_overstated_is_seen(run: Run) -> None:
    warehouse, tenant_id = run.warehouse, TWO_TENANTS.tenant_ids()[1]
    assert set(truths(run, TWO_TENANTS).values()) == {True}
    findings, current, facts = (warehouse.scan(table, tenant_id).collect() for table in (FINDINGS, CURRENT, CUR_FACTS))
    warehouse.append(FINDINGS, findings.head(1), tenant_id)
    rejected = pl.DataFrame([{"tenant_id": tenant_id, "run_id": run.run_id}], schema=REJECTED.polars_schema)
    warehouse.append(REJECTED, rejected, tenant_id)
    warehouse.replace(CUR_FACTS, facts.head(-1), tenant_id)
    more = pl.struct(pl.col("savings").struct.field("*")).struct.with_fields(net=pl.lit(Decimal(10**6)))
    warehouse.replace(CURRENT, current.head(-1).with_columns(savings=more).cast(current.schema), tenant_id)
    assert set(truths(run, TWO_TENANTS).values()) == {False}


def test_so_many_accounts_of_so_many_tenants_hold_what_the_oracle_says() -> None:
    estate = StressEstate(60 * FINDINGS_PER_UNIT, AS_OF, tenants=2, accounts=5)
    units = [each.unit for each in estate.units()]
    assert (len(units), estate.account_count, estate.size) == (5 * len(REGIONS), 5, 3)
    assert {unit.tenant_id for unit in units} == set(estate.tenant_ids())
    assert sum(len(estate.units(tenant_id)) for tenant_id in estate.tenant_ids()) == len(units)
    claims = list(expected_claims(units[0], estate.size))
    assert len(set(claims)) == len(claims) == estate.findings_per_unit


@pytest.mark.parametrize(
    ("tenants", "accounts", "said"),
    [
        (9, None, "9 tenants need as many accounts, and there are 1"),
        (1, 99, "99 accounts have at least 194040 findings"),
    ],
)
def test_an_estate_that_cannot_be_is_a_usage_error(
    tmp_path: Path, tenants: int, accounts: int | None, said: str
) -> None:
    with pytest.raises(typer.BadParameter, match=said):
        main(n=1_000, tenants=tenants, accounts=accounts, workdir=tmp_path)
    assert list(tmp_path.iterdir()) == []
