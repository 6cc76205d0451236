from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
import pytest

from catalog.warehouse import Warehouse
from contracts.draft import FindingDraft
from contracts.errors import NotFound
from contracts.tables import FINDINGS
from jobs.costs.attribute import attribute
from jobs.costs.explain import explain, rule
from jobs.costs.ingest import ingest
from jobs.lifecycle import lifecycle

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def fingerprint(warehouse: Warehouse, claim: Callable[..., FindingDraft], sealed: Callable[..., pl.DataFrame]) -> str:
    draft = claim("aws.ebs.gp2_volume", "vol-0a", "2.5", evidence={"size_gib": 100})
    findings = sealed([draft, claim("aws.ebs.gp2_volume", "vol-0b")], "r1", AS_OF)
    warehouse.append(FINDINGS, findings, "acme")
    (found,) = findings.filter(pl.col("resource_id") == "vol-0a")["fingerprint"]
    return str(found)


def test_the_story_goes_from_the_rule_to_the_billing_rows(
    warehouse: Warehouse, fingerprint: str, bill: Callable[..., str]
) -> None:
    path = bill([{"lineItem/UnblendedCost": "1.25"}] * 2)
    ingest(warehouse, "acme", [path])
    attribute(warehouse, "acme", "r1", AS_OF.date(), AS_OF)
    told = explain(warehouse, "acme", fingerprint[:12])
    assert told.finding["fingerprint"] == fingerprint
    assert [line["cost_30d"] for line in told.to_json()["lines"]] == ["2.500000000000"]
    story = str(told)
    assert "Rule: aws.ebs.gp2_volume version 1" in story
    assert "  size_gib: 100" in story
    assert "Estimated saving: 2.5 USD a month of 2.5 (estimated; list price" in story
    assert "last 30 days 2.5 USD, month to date 0 USD, previous month 2.5 USD (amortized; matched exact" in story
    words = " ".join(story.split())
    assert f"vol-0a AmazonEC2 EBS:VolumeUsage.gp2: 2 lines, 2 = 2.5 USD (estimated, {path})" in words


def test_the_story_has_the_rules_words_and_the_formula_of_the_net_saving(
    warehouse: Warehouse, fingerprint: str, bill: Callable[..., str]
) -> None:
    covered = {
        "lineItem/LineItemType": "SavingsPlanCoveredUsage",
        "savingsPlan/SavingsPlanARN": "arn:plan",
        "savingsPlan/SavingsPlanEffectiveCost": "0.5",
    }
    days = [
        {
            "lineItem/UsageStartDate": f"2026-10-{day:02}T00:00:00Z",
            "lineItem/UsageEndDate": f"2026-10-{day + 1:02}T00:00:00Z",
        }
        for day in range(2, 31)
    ]
    last = {"lineItem/UsageStartDate": "2026-10-31T00:00:00Z", "lineItem/UsageEndDate": "2026-11-01T00:00:00Z"}
    cheap = {"lineItem/UnblendedCost": "0.05"}
    ingest(warehouse, "acme", [bill([*({**day, **cheap} for day in days), {**last, **covered}])])
    attribute(warehouse, "acme", "r1", AS_OF.date(), AS_OF)
    lifecycle(warehouse, "acme", "r1", AS_OF.date(), AS_OF)
    story = str(explain(warehouse, "acme", fingerprint))
    assert "  Why: gp3 costs less per GiB than gp2" in story
    assert "  Priced as: ebs / ebs.gp2.storage, ebs.gp3.storage per GiB-month" in story
    assert "At the rates paid: (1.95 billed - 0.5 covered by a commitment) x 2.5 / 2.5 = 1.45 USD in 30 days" in story
    assert (
        "Net saving: 1.45 USD a month (partly covered by a commitment: that part saves nothing until it ends" in story
    )
    assert "; covered by arn:plan" in story


def test_a_correlation_tells_its_rule_too() -> None:
    assert set(rule("correlation.stopped_instance")) == {"Why"}
    assert set(rule("aws.ebs.gp2_volume")) == {"Why", "Claims", "Pricing"}
    assert rule("somebody.else.s") == {}


def test_a_finding_without_a_bill_says_so(warehouse: Warehouse, fingerprint: str) -> None:
    assert "Billed: unknown (not matched with a bill)" in str(explain(warehouse, "acme", fingerprint))
    attribute(warehouse, "acme", "r1", AS_OF.date(), AS_OF)
    assert "Billed: unknown (no_cur)" in str(explain(warehouse, "acme", fingerprint))


@pytest.mark.parametrize("tenant", ["acme", "globex"])
def test_none_or_many_or_another_tenants_is_not_found(warehouse: Warehouse, fingerprint: str, tenant: str) -> None:
    with pytest.raises(NotFound, match=f"findings of {tenant} start with"):
        explain(warehouse, tenant, "" if tenant == "acme" else fingerprint)
