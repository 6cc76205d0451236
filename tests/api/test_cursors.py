"""Cursors: only this server's, only for the list they come from, only while their release is kept."""

import base64
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.cursors import Position, Signer
from api.problems import Problem
from catalog.releases import latest
from contracts.tables import CURRENT

PATH = "/v1/tenants/acme/findings"
SIGNER = Signer(b"k" * 32)
VALUES = st.lists(st.none() | st.text(max_size=20) | st.integers(), max_size=5)
shared = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(release=st.text(max_size=20), scope=st.text(max_size=20), values=VALUES)
def test_a_position_survives_the_way_out_and_back(release: str, scope: str, values: list[Any]) -> None:
    position = Position(release, scope, values)
    assert SIGNER.read(SIGNER.write(position)) == position


@given(values=VALUES, at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_changed_bit_is_accepted(values: list[Any], at: int, bit: int) -> None:
    token = SIGNER.write(Position("r", "s", values))
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[at % len(raw)] ^= 1 << bit
    with pytest.raises(Problem):
        SIGNER.read(base64.urlsafe_b64encode(raw).decode().rstrip("="))


@given(token=st.text(max_size=60))
def test_no_text_is_a_cursor(token: str) -> None:
    with pytest.raises(Problem):
        SIGNER.read(token)


@given(values=VALUES, extra=st.sampled_from(["=", "==", "A", " ", "\n", "%"]))
def test_a_token_has_one_spelling(values: list[Any], extra: str) -> None:
    with pytest.raises(Problem):
        SIGNER.read(SIGNER.write(Position("r", "s", values)) + extra)


@shared
@given(token=st.text(st.characters(codec="utf-8"), min_size=1, max_size=60))
def test_a_wrong_cursor_is_a_400_over_http(estate: Any, token: str) -> None:
    answer = estate.get(PATH, params={"cursor": token})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize("query", [
    "provider=aws", "sort=check_id", "sort=net_savings", "state=open", "tag.team=core", "net_savings_min=1",
])  # fmt: skip
def test_a_cursor_of_another_filter_or_sort_is_refused(estate: Any, query: str) -> None:
    cursor = estate.get(f"{PATH}?limit=2").json()["page"]["next"]
    answer = estate.get(f"{PATH}?limit=2&{query}&cursor={cursor}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")
    assert answer.json()["errors"][0]["parameter"] == "cursor"


def test_a_cursor_of_another_list_is_refused(estate: Any) -> None:
    cursor = estate.get("/v1/tenants/acme/kpis?limit=1").json()["page"]["next"]
    for path in ("coverage", "runs", "correlations", "findings"):
        assert estate.get(f"/v1/tenants/acme/{path}?cursor={cursor}").status_code == 400


def test_the_page_size_may_change_on_the_way(estate: Any) -> None:
    first = estate.get(f"{PATH}?limit=2").json()
    rest = estate.get(f"{PATH}?limit=1000&cursor={first['page']['next']}").json()
    assert [*first["data"], *rest["data"]] == estate.get(f"{PATH}?limit=1000").json()["data"]


def test_a_release_that_is_unknown_is_gone(estate: Any) -> None:
    signer = estate.client.app.state.backend.signer
    real = signer.read(estate.get(f"{PATH}?limit=2").json()["page"]["next"])
    forged = signer.write(Position("0" * 16, real.scope, real.values))
    answer = estate.get(f"{PATH}?limit=2&cursor={forged}")
    assert (answer.status_code, answer.json()["code"]) == (410, "release_gone")


def test_a_release_whose_snapshots_have_expired_is_gone_and_the_latest_is_served(own_estate: Any) -> None:
    cursor = own_estate.get(f"{PATH}?limit=2&provider=aws").json()["page"]["next"]
    old = latest(own_estate.warehouse, "acme").snapshots[CURRENT.name]
    own_estate.release("acme", days=1)
    own_estate.warehouse.load(CURRENT).maintenance.expire_snapshots().by_id(old).commit()
    own_estate.client.app.state.backend.released._frames.clear()
    answer = own_estate.get(f"{PATH}?limit=2&provider=aws&cursor={cursor}")
    assert (answer.status_code, answer.json()["code"]) == (410, "release_gone")
    assert own_estate.get(f"{PATH}?limit=2&provider=aws").status_code == 200
