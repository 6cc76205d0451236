import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from catalog.releases import Release
from catalog.warehouse import Warehouse
from contracts.draft import FindingDraft
from contracts.errors import NotFound
from contracts.tables import ATTRIBUTION, COVERAGE, CUR_FACTS, CURRENT, ENRICHED, FINDINGS
from jobs.correlate import correlate
from jobs.export import correlated_document, export, findings_document, top_savings_document
from jobs.kpis import kpis
from jobs.lifecycle import lifecycle
from jobs.publish import publish
from jobs.rendering import finding_json
from jobs.summary import summary_document

Claim = Callable[..., FindingDraft]
Frame = Callable[..., pl.DataFrame]
CHECKS = ("aws.ebs.gp2_volume", "aws.ebs.unattached_volume", "aws.ec2.stopped_instance")
DENIED = "acme/prod/aws/222222222222/us-east-1"
FILES = ["findings.json", "summary.json", "top_savings.json", "correlated_findings.json", "coverage.json"]


@pytest.fixture
def chain(
    warehouse: Warehouse, sealed: Frame, covered: Frame, with_actual: Frame, as_of: datetime
) -> Callable[..., Release]:
    """Run the jobs over drafts as one run; give findings their actual cost when the bill has costs."""

    def made(drafts: list[FindingDraft], costs: dict[str, str] | None = None, at: datetime = as_of) -> Release:
        run_id = f"run-{at:%d}"
        findings = sealed(drafts, run_id, at)
        warehouse.append(FINDINGS, findings, "acme")
        warehouse.append(COVERAGE, covered(CHECKS, run_id, at.date()), "acme")
        warehouse.append(COVERAGE, covered(CHECKS[:1], run_id, at.date(), DENIED, outcome="denied"), "acme")
        correlate(warehouse, "acme", run_id, at.date(), at)
        if costs is not None:
            warehouse.append(ENRICHED, with_actual(findings, costs), "acme")
        lifecycle(warehouse, "acme", run_id, at.date(), at)
        kpis(warehouse, "acme", at)
        return publish(warehouse, "acme", run_id, at)

    return made


@pytest.fixture
def drafts(claim: Claim) -> list[FindingDraft]:
    return [
        claim("aws.ec2.stopped_instance", "i-0a", "12.5", evidence={"covers": ["vol-0a"], "price": "0.08"}),
        claim("aws.ebs.gp2_volume", "vol-0a", "2", evidence={"attached_to": "i-0a"}, tags={"team": "core"}),
        claim("aws.ebs.unattached_volume", "vol-0b", "8", severity="high"),
        claim("aws.ebs.unattached_volume", "vol-0c", None),
    ]


def documents(folder: Path) -> dict[str, Any]:
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in folder.iterdir()}


def test_five_files_are_written_each_naming_what_it_was_made_from(
    warehouse: Warehouse, chain: Callable[..., Release], drafts: list[FindingDraft], tmp_path: Path
) -> None:
    release = chain(drafts)
    written = export(warehouse, "acme", tmp_path / "out")
    assert [path.name for path in written] == FILES
    found = documents(tmp_path / "out")
    assert sorted(found) == sorted(FILES)
    for document in found.values():
        assert {key: document[key] for key in ("schema_version", "tenant_id", "release", "run_id", "as_of")} == {
            "schema_version": 1,
            "tenant_id": "acme",
            "release": release.release,
            "run_id": "run-01",
            "as_of": "2026-11-01T00:00:00Z",
        }
    assert found["findings.json"] == findings_document(warehouse, release)
    assert found["summary.json"] == summary_document(warehouse, release)


def test_the_same_release_gives_the_same_bytes_and_other_order_of_rows_too(
    warehouse: Warehouse, chain: Callable[..., Release], drafts: list[FindingDraft], tmp_path: Path
) -> None:
    chain(drafts)
    first = [path.read_bytes() for path in export(warehouse, "acme", tmp_path)]
    assert [path.read_bytes() for path in export(warehouse, "acme", tmp_path)] == first
    shuffled = warehouse.scan(CURRENT, "acme").collect().sort("resource_id", descending=True)
    warehouse.replace(CURRENT, shuffled, "acme")
    release = publish(warehouse, "acme", "run-01", datetime(2026, 11, 1, tzinfo=UTC))
    again = [path.read_text(encoding="utf-8") for path in export(warehouse, "acme", tmp_path)]
    before = json.loads(first[0])["release"]
    assert [text.replace(release.release, before) for text in again] == [text.decode() for text in first]
    assert all(text.endswith("}\n") and "\r" not in text for text in again)


def test_a_finding_keeps_its_columns_names_and_nesting(
    warehouse: Warehouse, chain: Callable[..., Release], drafts: list[FindingDraft]
) -> None:
    release = chain(drafts, {"vol-0a": "10", "i-0a": "11.25"})
    found = {each["resource_id"]: each for each in findings_document(warehouse, release)["findings"]}
    assert set(found["i-0a"]) == set(CURRENT.schema.names)
    assert found["i-0a"]["estimated"]["monthly_savings"] == "12.500000"
    assert found["i-0a"]["actual"]["cost_30d"] == "11.250000"
    assert found["i-0a"]["savings"]["net"] == "11.250000"
    assert found["i-0a"]["evidence"] == {"covers": ["vol-0a"], "price": "0.08"}
    assert found["vol-0a"]["tags"] == {"team": "core"}
    assert found["vol-0a"]["savings"]["excluded_by"] == found["i-0a"]["fingerprint"]
    assert found["vol-0c"]["savings"]["net"] is None
    assert found["vol-0c"]["lifecycle"]["first_seen"] == "2026-11-01T00:00:00Z"


def test_a_resolved_finding_is_exported_no_more(
    warehouse: Warehouse, chain: Callable[..., Release], drafts: list[FindingDraft], as_of: datetime
) -> None:
    chain(drafts)
    release = chain(drafts[2:], at=as_of + timedelta(days=1))
    shown = findings_document(warehouse, release)["findings"]
    assert [each["resource_id"] for each in shown] == ["vol-0b", "vol-0c"]
    assert correlated_document(warehouse, release)["correlated_findings"] == []


def test_the_summary_adds_up(
    warehouse: Warehouse, chain: Callable[..., Release], drafts: list[FindingDraft], billed: Frame, as_of: datetime
) -> None:
    warehouse.append(CUR_FACTS, billed([(as_of - timedelta(days=1), "AmazonEC2", "5")]), "acme")
    summary = summary_document(warehouse, chain(drafts))
    assert summary["findings"] == 4
    assert {key: summary["estimated"][key] for key in ("gross", "net", "currency", "unknown_price")} == {
        "gross": "22.500000",
        "net": "20.500000",
        "currency": "USD",
        "unknown_price": 1,
    }
    for name in ("provider", "check", "category", "severity"):
        groups = summary[f"by_{name}"].values()
        assert sum(group["findings"] for group in groups) == 4
        assert sum(Decimal(group["net"]) for group in groups) == Decimal("20.5")
    assert summary["coverage"]["units"] == {"denied": 1, "ok": 1}
    assert summary["coverage"]["checks"] == {"aws": {"ok": 3, "total": 4}}
    assert summary["coverage"]["gaps"][0]["outcome"] == "denied"
    assert summary["actual"]["methods"] == {"none": 4}
    assert ("cost_by_service", "2026-10") in {(row["kpi"], row["period"]) for row in summary["kpis"]["monthly"]}


def test_the_actual_cost_of_a_resource_with_two_findings_is_summed_once(
    warehouse: Warehouse, chain: Callable[..., Release], drafts: list[FindingDraft], as_of: datetime
) -> None:
    release = chain(drafts, {"vol-0a": "10", "i-0a": "10"})
    lines = [
        {
            "tenant_id": "acme",
            "run_id": "run-01",
            "run_date": as_of.date(),
            "fingerprint": row["fingerprint"],
            "provider": "aws",
            "account_id": "111111111111",
            "resource_id": "vol-0a",
            "matched_key": "vol-0a",
            "method": "exact",
            "service": "AmazonEC2",
            "usage_type": "EBS:VolumeUsage.gp2",
            "cost_30d": Decimal(10),
            "currency": "USD",
        }
        for row in warehouse.scan(CURRENT, "acme").collect().to_dicts()
        if row["resource_id"] in {"vol-0a", "i-0a"}
    ]
    warehouse.append(ATTRIBUTION, pl.DataFrame(lines, schema=ATTRIBUTION.polars_schema), "acme")
    actual = summary_document(warehouse, publish(warehouse, "acme", release.run_id, as_of))["actual"]
    assert (actual["cost_30d"], actual["currency"]) == ("10.000000000000", "USD")
    assert (actual["attributed_findings"], actual["methods"]) == (2, {"exact": 2, "none": 2})


def test_several_currencies_are_never_summed(warehouse: Warehouse, chain: Callable[..., Release], claim: Claim) -> None:
    release = chain([claim("a.a.a", "vol-0a", "5"), claim("a.a.a", "vol-0b", "7", currency="CNY")])
    estimated = summary_document(warehouse, release)["estimated"]
    assert (estimated["gross"], estimated["net"], estimated["currency"]) == (None, None, None)
    assert [(part["currency"], part["gross"]) for part in estimated["by_currency"]] == [
        ("CNY", "7.000000"),
        ("USD", "5.000000"),
    ]


def test_an_estate_without_waste_has_a_summary_too(warehouse: Warehouse, chain: Callable[..., Release]) -> None:
    summary = summary_document(warehouse, chain([]))
    assert (summary["findings"], summary["estimated"]["gross"], summary["by_check"]) == (0, "0.000000", {})


def test_top_savings_are_the_largest_net_ones(
    warehouse: Warehouse, chain: Callable[..., Release], claim: Claim, drafts: list[FindingDraft]
) -> None:
    many = [claim("aws.ebs.unattached_volume", f"vol-1{number:02x}", str(number)) for number in range(1, 25)]
    top = top_savings_document(warehouse, chain([*drafts, *many]))["top_savings"]
    net = [Decimal(each["savings"]["net"]) for each in top]
    assert (len(net), net[0]) == (20, Decimal(24))
    assert net == sorted(net, reverse=True)


def test_a_meta_finding_shows_its_members_with_what_the_bill_says(
    warehouse: Warehouse, chain: Callable[..., Release], drafts: list[FindingDraft]
) -> None:
    (found,) = correlated_document(warehouse, chain(drafts, {"vol-0a": "10"}))["correlated_findings"]
    assert found["check_id"] == "correlation.stopped_instance"
    assert [member["fingerprint"] for member in found["members"]] == found["source_fingerprints"]
    assert {member["resource_id"]: member["actual"]["cost_30d"] for member in found["members"]} == {
        "i-0a": None,
        "vol-0a": "10.000000",
    }


def test_a_tenant_without_a_release_is_told_what_to_do(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="finops run --tenant acme"):
        export(warehouse, "acme", tmp_path)
    assert not list(tmp_path.glob("*.json"))


def test_evidence_that_is_not_json_is_shown_as_it_came() -> None:
    row = {"tags": None, "evidence": "{broken}", "at": datetime(2026, 11, 1, 2, 3, 4, 500_000, tzinfo=UTC)}
    assert finding_json(row) == {"tags": {}, "evidence": "{broken}", "at": "2026-11-01T02:03:04.500000Z"}
