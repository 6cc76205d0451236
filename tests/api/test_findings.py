"""GET /findings: filters, orders, one finding."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from api.findings import SORTS

PATH = "/v1/tenants/acme/findings"
Row = dict[str, Any]

FILTERS: dict[str, Callable[[Row], bool]] = {
    "provider=aws": lambda row: row["provider"] == "aws",
    "provider=aws&provider=gcp": lambda row: row["provider"] in {"aws", "gcp"},
    "provider=aws&severity=low": lambda row: row["provider"] == "aws" and row["severity"] == "low",
    "account_id=000000000001": lambda row: row["account_id"] == "000000000001",
    "region=eu-west-1&category=outdated": lambda row: row["region"] == "eu-west-1" and row["category"] == "outdated",
    "service=ebs": lambda _: True,
    "check_id=aws.ebs.gp2_volume": lambda row: row["check_id"] == "aws.ebs.gp2_volume",
    "confidence=low": lambda _: False,
    "effort=low&risk=low": lambda _: True,
    "resource_id=vol-00000000000000003": lambda row: row["resource_id"] == "vol-00000000000000003",
    "net_savings_min=2.5": lambda row: Decimal(row["savings"]["net"] or -1) >= Decimal("2.5"),
    "net_savings_max=2.5": lambda row: row["savings"]["net"] and Decimal(row["savings"]["net"]) <= Decimal("2.5"),
    "net_savings_min=2.5&net_savings_max=2.5": lambda row: row["savings"]["net"] == "2.500000",
    "tag.team=core": lambda row: row["tags"]["team"] == "core",
    "tag.team=core&tag.owner=canary-of-acme": lambda row: row["tags"]["team"] == "core",
    "tag.team=web%27%3B+DROP": lambda row: row["tags"]["team"] == "web'; DROP",
    "tag.nobody=has": lambda _: False,
}


@pytest.fixture(scope="module")
def everything(estate: Any) -> list[Row]:
    states = "state=open&state=reopened&state=resolved"
    rows: list[Row] = estate.get(f"{PATH}?{states}&limit=1000").json()["data"]
    return rows


@pytest.mark.parametrize("given", FILTERS)
def test_a_filter_leaves_what_plain_python_would_leave(estate: Any, everything: list[Row], given: str) -> None:
    wanted = {row["fingerprint"] for row in everything if FILTERS[given](row)}
    states = "state=open&state=reopened&state=resolved"
    assert {row["fingerprint"] for row in estate.get(f"{PATH}?{states}&{given}").json()["data"]} == wanted


def test_open_and_reopened_findings_are_listed_unless_a_state_is_asked_for(estate: Any, everything: list[Row]) -> None:
    shown = {row["lifecycle"]["state"] for row in estate.get(PATH).json()["data"]}
    assert shown == {"open", "reopened"}
    assert {row["lifecycle"]["state"] for row in everything} == {"open", "reopened", "resolved"}
    resolved = estate.get(f"{PATH}?state=resolved").json()["data"]
    assert {row["lifecycle"]["state"] for row in resolved} == {"resolved"}


def test_the_largest_net_saving_comes_first_and_unknown_ones_last(estate: Any) -> None:
    amounts = [row["savings"]["net"] for row in estate.get(PATH).json()["data"]]
    known = [Decimal(amount) for amount in amounts if amount is not None]
    assert known == sorted(known, reverse=True)
    assert amounts[len(known) :] == [None] * (len(amounts) - len(known))
    assert None in amounts


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("limit", [1, 3, 7])
def test_a_walk_gives_every_finding_once_in_the_order_of_one_large_page(estate: Any, sort: str, limit: int) -> None:
    whole = estate.get(f"{PATH}?sort={sort}&limit=1000").json()["data"]
    assert estate.walk(f"{PATH}?sort={sort}&limit={limit}") == whole
    assert len({row["fingerprint"] for row in whole}) == len(whole) > 7


@pytest.mark.parametrize("sort", SORTS)
def test_a_walk_stays_on_its_release_while_new_ones_are_published(own_estate: Any, sort: str) -> None:
    whole = own_estate.get(f"{PATH}?sort={sort}&limit=1000").json()["data"]
    days = iter(range(1, 100))

    def publish_fewer() -> None:
        day = next(days)
        if day <= 2:
            own_estate.release("acme", resources=5, days=day)

    assert own_estate.walk(f"{PATH}?sort={sort}&limit=4", between=publish_fewer) == whole
    assert len(own_estate.walk(PATH)) < len(whole)


@pytest.mark.parametrize("name", ["finding_id", "fingerprint"])
def test_a_finding_is_found_by_either_of_its_ids_whatever_its_state(
    estate: Any, everything: list[Row], name: str
) -> None:
    for row in everything:
        answer = estate.get(f"{PATH}/{row[name]}")
        assert answer.status_code == 200
        assert answer.json()["data"] == row


def test_a_finding_nobody_has_is_not_found(estate: Any) -> None:
    answer = estate.get(f"{PATH}/{'0' * 64}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_finding_has_the_names_and_nesting_of_the_export(estate: Any) -> None:
    shown = estate.get(f"{PATH}?tag.team=core&limit=1").json()["data"][0]
    assert shown["evidence"] == {"seen": "canary-of-acme"}
    assert shown["estimated"]["monthly_savings"] == "2.500000"
    assert shown["tags"] == {"team": "core", "owner": "canary-of-acme"}
    assert shown["lifecycle"]["last_seen"].endswith("Z")
    assert shown["actual"] is None or shown["actual"]["cost_30d"] is None
