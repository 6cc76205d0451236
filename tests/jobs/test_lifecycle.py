from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from catalog.warehouse import Warehouse
from contracts.draft import FindingDraft
from contracts.errors import ContractError
from contracts.tables import COVERAGE, CURRENT, ENRICHED, FINDINGS
from jobs.lifecycle import brought_up, lifecycle

Claim = Callable[..., FindingDraft]
Frame = Callable[..., pl.DataFrame]
Rows = list[dict[str, Any]]
VOLUME = "aws.ebs.unattached_volume"
DAY = timedelta(days=1)
OTHER_UNIT = "acme/prod/aws/111111111111/eu-west-1"


@pytest.fixture
def bring(sealed: Frame, covered: Frame) -> Callable[..., pl.DataFrame]:
    """Bring findings up to a run that evaluated the volumes check (or what `coverage` says)."""

    def made(
        previous: pl.DataFrame | None, drafts: list[FindingDraft], at: datetime, coverage: pl.DataFrame | None = None
    ) -> pl.DataFrame:
        return brought_up(
            sealed(drafts, f"run-{at:%d}", at),
            covered([VOLUME], f"run-{at:%d}", at.date()) if coverage is None else coverage,
            pl.DataFrame(schema=CURRENT.polars_schema) if previous is None else previous,
            at,
        )

    return made


def state(current: pl.DataFrame) -> dict[str, Any]:
    (row,) = current.to_dicts()
    answer: dict[str, Any] = row["lifecycle"]
    return answer


def test_a_finding_opens_stays_resolves_and_reopens(bring: Frame, claim: Claim, as_of: datetime) -> None:
    volume = [claim(VOLUME, "vol-0a")]
    opened = bring(None, volume, as_of)
    assert state(opened) == {
        "state": "open",
        "first_seen": as_of,
        "last_seen": as_of,
        "resolved_at": None,
        "reopened_at": None,
        "reason": None,
    }
    stays = bring(opened, volume, as_of + DAY)
    assert (state(stays)["first_seen"], state(stays)["last_seen"]) == (as_of, as_of + DAY)
    resolved = bring(stays, [], as_of + 2 * DAY)
    assert state(resolved) == state(stays) | {
        "state": "resolved",
        "resolved_at": as_of + 2 * DAY,
        "reason": "no longer found",
    }
    still = bring(resolved, [], as_of + 3 * DAY)
    assert still.equals(resolved)
    again = state(bring(still, volume, as_of + 4 * DAY))
    assert (again["state"], again["reopened_at"], again["first_seen"]) == ("reopened", as_of + 4 * DAY, as_of)
    assert again["reason"] == "found again"


def test_a_finding_whose_resource_became_undetermined_is_not_gone(
    bring: Frame, covered: Frame, claim: Claim, as_of: datetime
) -> None:
    opened = bring(None, [claim(VOLUME, "vol-0a"), claim(VOLUME, "vol-0b")], as_of)
    partly = covered([VOLUME], "run-02", (as_of + DAY).date()).with_columns(undetermined_ids=pl.lit(["VOL-0A"]))
    states = {row["resource_id"]: row["lifecycle"] for row in bring(opened, [], as_of + DAY, partly).to_dicts()}
    assert (states["vol-0a"]["state"], states["vol-0a"]["reason"]) == ("open", "not evaluated: undetermined")
    assert states["vol-0b"]["state"] == "resolved"


@pytest.mark.parametrize("outcome", ["denied", "failed", "throttled", "unavailable", "not_evaluated"])
def test_a_finding_is_not_gone_because_nobody_could_look(
    bring: Frame, covered: Frame, claim: Claim, as_of: datetime, outcome: str
) -> None:
    opened = bring(None, [claim(VOLUME, "vol-0a")], as_of)
    gap = covered([VOLUME], "run-02", (as_of + DAY).date(), outcome=outcome)
    kept = state(bring(opened, [], as_of + DAY, gap))
    assert (kept["state"], kept["reason"], kept["last_seen"]) == ("open", f"not evaluated: {outcome}", as_of)


def test_a_rejected_draft_may_have_been_the_finding(
    bring: Frame, covered: Frame, claim: Claim, as_of: datetime
) -> None:
    opened = bring(None, [claim(VOLUME, "vol-0a")], as_of)
    rejected = covered([VOLUME], "run-02", (as_of + DAY).date(), rejected=1)
    kept = state(bring(opened, [], as_of + DAY, rejected))
    assert (kept["state"], kept["reason"]) == ("open", "not evaluated: a draft was rejected")


def test_a_unit_or_check_that_was_not_planned_leaves_its_findings_open(
    bring: Frame, covered: Frame, claim: Claim, as_of: datetime
) -> None:
    opened = bring(None, [claim(VOLUME, "vol-0a")], as_of)
    other_unit = covered([VOLUME], "run-02", (as_of + DAY).date(), OTHER_UNIT)
    other_check = covered(["aws.ebs.gp2_volume"], "run-02", (as_of + DAY).date())
    for coverage in (other_unit, other_check):
        kept = state(bring(opened, [], as_of + DAY, coverage))
        assert (kept["state"], kept["reason"]) == ("open", "not evaluated: not in this run")


def test_a_run_of_another_workspace_touches_nothing(
    bring: Frame, covered: Frame, claim: Claim, as_of: datetime
) -> None:
    opened = bring(None, [claim(VOLUME, "vol-0a")], as_of)
    other = covered([VOLUME], "run-02", (as_of + DAY).date(), "acme/test/aws/111111111111/us-east-1")
    assert bring(opened, [], as_of + DAY, other).equals(opened)


def test_the_same_run_twice_gives_the_same_rows(bring: Frame, claim: Claim, as_of: datetime) -> None:
    before = bring(bring(None, [claim(VOLUME, "vol-0a"), claim(VOLUME, "vol-0b")], as_of), [], as_of + DAY)
    drafts = [claim(VOLUME, "vol-0b"), claim(VOLUME, "vol-0c")]
    once = bring(before, drafts, as_of + 2 * DAY)
    assert sorted(row["lifecycle"]["state"] for row in once.to_dicts()) == ["open", "reopened", "resolved"]
    again = bring(once, drafts[::-1], as_of + 2 * DAY)
    assert again.sort("fingerprint").equals(once.sort("fingerprint"))


def run(warehouse: Warehouse, findings: pl.DataFrame, coverage: pl.DataFrame, run_id: str, at: datetime) -> Rows:
    if not findings.is_empty():
        warehouse.append(FINDINGS, findings, "acme")
    warehouse.append(COVERAGE, coverage, "acme")
    lifecycle(warehouse, "acme", run_id, at.date(), at)
    return warehouse.scan(CURRENT, "acme").collect().to_dicts()


def test_lifecycle_commits_once_per_run_and_refuses_an_older_one(
    warehouse: Warehouse, claim: Claim, sealed: Frame, covered: Frame, as_of: datetime
) -> None:
    first = sealed([claim(VOLUME, "vol-0a")], "r1", as_of)
    run(warehouse, first, covered([VOLUME], "r1", as_of.date()), "r1", as_of)
    before = warehouse.snapshot_id(CURRENT)
    lifecycle(warehouse, "acme", "r1", as_of.date(), as_of)
    assert warehouse.snapshot_id(CURRENT) == before
    (row,) = run(warehouse, first.clear(), covered([VOLUME], "r2", (as_of + DAY).date()), "r2", as_of + DAY)
    assert row["lifecycle"]["state"] == "resolved"
    with pytest.raises(ContractError, match="lifecycle only goes forward"):
        lifecycle(warehouse, "acme", "r1", as_of.date(), as_of)
    assert warehouse.scan(CURRENT, "acme").collect().to_dicts() == [row]


def test_enriched_findings_are_preferred_and_plain_ones_still_count(
    warehouse: Warehouse, claim: Claim, sealed: Frame, covered: Frame, with_actual: Frame, as_of: datetime
) -> None:
    plain = sealed([claim(VOLUME, "vol-0a", "10")], "r1", as_of)
    coverage = covered([VOLUME], "r1", as_of.date())
    (row,) = run(warehouse, plain, coverage, "r1", as_of)
    assert (row["actual"], row["savings"]["net"]) == (None, Decimal(10))
    warehouse.append(ENRICHED, with_actual(plain, {"vol-0a": "4"}), "acme")
    lifecycle(warehouse, "acme", "r1", as_of.date(), as_of)
    (row,) = warehouse.scan(CURRENT, "acme").collect().to_dicts()
    assert row["savings"]["net"] == Decimal(4)


def test_one_tenants_run_does_not_see_or_change_another_tenant(
    warehouse: Warehouse, claim: Claim, sealed: Frame, covered: Frame, as_of: datetime
) -> None:
    run(warehouse, sealed([claim(VOLUME, "vol-0a")], "r1", as_of), covered([VOLUME], "r1", as_of.date()), "r1", as_of)
    unit = "globex/prod/aws/111111111111/us-east-1"
    theirs = sealed([claim(VOLUME, "vol-0a", tenant_id="globex")], "r1", as_of + DAY)
    warehouse.append(FINDINGS, theirs, "globex")
    warehouse.append(COVERAGE, covered([VOLUME], "r1", (as_of + DAY).date(), unit), "globex")
    lifecycle(warehouse, "globex", "r1", (as_of + DAY).date(), as_of + DAY)
    (ours,) = warehouse.scan(CURRENT, "acme").collect().to_dicts()
    assert ours["lifecycle"]["last_seen"] == as_of
    assert warehouse.scan(CURRENT, "globex").collect().height == 1
