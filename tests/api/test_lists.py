"""The lists beside findings: correlations, KPIs, coverage, runs."""

from typing import Any

import pytest

TENANT = "/v1/tenants/acme"


def test_a_correlation_carries_its_members_as_they_stand(estate: Any) -> None:
    found = estate.walk(f"{TENANT}/correlations?limit=1")
    assert len(found) == 3
    for each in found:
        assert each["check_id"] == "correlation.stopped_instance"
        assert [member["fingerprint"] for member in each["members"]] == each["source_fingerprints"]


def test_kpis_are_listed_by_day_and_by_month_with_the_parts_of_a_ratio(estate: Any) -> None:
    daily = estate.get(f"{TENANT}/kpis?kpi=cost_by_service&value=ebs&currency=USD").json()["data"]
    assert [(row["period"], row["numerator"], row["denominator"]) for row in daily] == [
        ("2026-11-01", "3.250000000000", None)
    ]
    monthly = estate.get(f"{TENANT}/kpis?grain=monthly&period=2026-11").json()["data"]
    assert {row["period"] for row in monthly} == {"2026-11"}
    assert len(monthly) == 8


@pytest.mark.parametrize("path", ["kpis", "kpis?grain=monthly", "coverage", "correlations", "runs"])
def test_a_walk_of_single_rows_gives_the_whole_list(estate: Any, path: str) -> None:
    joined = "&" if "?" in path else "?"
    whole = estate.get(f"{TENANT}/{path}").json()["data"]
    assert whole
    assert estate.walk(f"{TENANT}/{path}{joined}limit=1") == whole


def test_coverage_names_the_missing_permission_and_totals_all_that_matches(estate: Any) -> None:
    answer = estate.get(f"{TENANT}/coverage?limit=1").json()
    assert len(answer["data"]) == 1
    assert answer["totals"]["checks"] == {"aws": {"ok": 3, "total": 4}}
    denied = estate.get(f"{TENANT}/coverage?outcome=denied&provider=aws").json()
    assert [row["permission"] for row in denied["data"]] == ["ec2:DescribeVolumes"]
    assert denied["totals"]["units"] == {"denied": 1}


def test_coverage_of_earlier_runs_is_not_shown(own_estate: Any) -> None:
    before = own_estate.get(f"{TENANT}/coverage").json()
    released = own_estate.release("acme", days=1)
    after = own_estate.get(f"{TENANT}/coverage").json()
    assert len(after["data"]) == len(before["data"])
    assert {row["run_id"] for row in after["data"]} == {released.run_id}


def test_runs_are_newest_first_and_say_nothing_of_the_servers_files(own_estate: Any) -> None:
    own_estate.state.start_run("acme", "prod", own_estate.state.runs("acme")[0].as_of, "stable")
    answer = own_estate.get(f"{TENANT}/runs")
    assert [(run["sequence"], run["status"]) for run in answer.json()["data"]] == [(2, "running"), (1, "finished")]
    assert answer.json()["data"][1]["result"] == {"units": {"canary-of-acme": 1}}
    assert "/srv/bills" not in answer.text
    finished = own_estate.get(f"{TENANT}/runs?status=finished").json()["data"]
    assert [run["sequence"] for run in finished] == [1]


def test_every_list_says_what_it_was_made_from(estate: Any) -> None:
    for path in ("findings", "correlations", "kpis", "coverage"):
        meta = estate.get(f"{TENANT}/{path}").json()["meta"]
        assert meta["tenant_id"] == "acme"
        assert meta["run_id"] == "20261101T060000Z-1"
        assert meta["as_of"] == "2026-11-01T06:00:00Z"
        assert len(meta["release"]) == 16


def test_the_link_header_leads_to_the_next_page(estate: Any) -> None:
    first = estate.get(f"{TENANT}/findings?limit=5&provider=aws&provider=gcp")
    link = first.headers["link"]
    assert link.endswith('; rel="next"')
    second = estate.get(link[1 : link.index(">")])
    cursor = first.json()["page"]["next"]
    assert second.json() == estate.get(f"{TENANT}/findings?limit=5&provider=gcp&provider=aws&cursor={cursor}").json()
    assert "link" not in estate.get(f"{TENANT}/findings?limit=1000").headers
