"""A key opens its own tenant; of every other tenant nothing can be seen, not even that it exists."""

import itertools
from typing import Any

import pytest

from api.released import Released, View
from catalog.releases import read
from contracts.errors import ContractError
from contracts.tables import CURRENT

OTHER = {"acme": "globex", "globex": "acme"}


def paths(estate: Any) -> list[str]:
    found = list(estate.client.get("/openapi.json").json()["paths"])
    assert any("{finding_id}" in path for path in found)
    return found


def filled(path: str, tenant: str, finding: str) -> str:
    return path.replace("{tenant}", tenant).replace("{finding_id}", finding)


@pytest.fixture(scope="module")
def ids(estate: Any) -> dict[str, list[str]]:
    """Every id that a tenant's rows have."""
    found = {}
    for tenant in OTHER:
        rows = estate.get(f"/v1/tenants/{tenant}/findings?limit=1000", tenant).json()["data"]
        found[tenant] = [row[name] for row in rows for name in ("finding_id", "fingerprint", "resource_id")]
    return found


def test_no_route_shows_a_tenant_to_the_key_of_another(estate: Any, ids: dict[str, list[str]]) -> None:
    for tenant, other in OTHER.items():
        for path in paths(estate):
            tenants = (tenant, other) if "{tenant}" in path else ("",)
            findings = ids[other][:6] if "{finding_id}" in path else [""]
            for in_path, finding in itertools.product(tenants, findings):
                answer = estate.get(filled(path, in_path, finding), tenant)
                assert f"canary-of-{other}" not in answer.text
                if in_path == other or "{finding_id}" in path:
                    assert answer.status_code == 404


def test_every_list_shows_a_tenant_its_own_rows_and_no_others(estate: Any) -> None:
    lists = [path for path in paths(estate) if "{tenant}" in path and "{finding_id}" not in path]
    assert len(lists) == 5
    for (tenant, other), path in itertools.product(OTHER.items(), lists):
        answer = estate.get(filled(path, tenant, ""), tenant)
        assert answer.status_code == 200
        assert f"canary-of-{tenant}" in answer.text
        assert f"canary-of-{other}" not in answer.text
        assert answer.json()["meta"]["tenant_id"] == tenant


def test_a_tenant_that_exists_and_one_that_does_not_look_the_same(estate: Any) -> None:
    for path in paths(estate):
        if "{tenant}" in path:
            foreign = estate.get(filled(path, "globex", "x"))
            unknown = estate.get(filled(path, "nobody", "x"))
            assert foreign.status_code == unknown.status_code == 404
            assert foreign.content == unknown.content


@pytest.mark.parametrize(
    "tenant", ["..", "acme%2F..%2Fglobex", "%00", "ACME", "acme%20", "a" * 300, "acm%C3%A9", "CON"]
)
def test_a_path_that_is_not_quite_the_tenants_is_not_found(estate: Any, tenant: str) -> None:
    assert estate.get(f"/v1/tenants/{tenant}/findings").status_code == 404


def test_the_resource_ids_of_another_tenant_match_nothing_but_ones_own(estate: Any, ids: dict[str, list[str]]) -> None:
    for foreign in ids["globex"][:6]:
        answer = estate.get(f"/v1/tenants/acme/findings?resource_id={foreign}")
        assert all(row["tenant_id"] == "acme" for row in answer.json()["data"])


def test_a_cursor_of_another_tenant_is_refused(estate: Any) -> None:
    theirs = estate.get("/v1/tenants/globex/findings?limit=1", "globex").json()["page"]["next"]
    answer = estate.get(f"/v1/tenants/acme/findings?limit=1&cursor={theirs}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize("headers", [
    {},
    {"Authorization": "Bearer "},
    {"Authorization": "Bearer fin_x_y"},
    {"Authorization": "Basic YWNtZTphY21l"},
    {"Authorization": "Bearer " + "f" * 10_000},
    {"X-API-Key": "fin_"},
    {"X-API-Key": "fin_' OR 1=1 --_x"},
])  # fmt: skip
def test_without_a_valid_key_no_route_of_a_tenant_opens(estate: Any, headers: dict[str, str]) -> None:
    for path in paths(estate):
        if "{tenant}" in path:
            for tenant in ("acme", "nobody"):
                answer = estate.client.get(filled(path, tenant, "x"), headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
                assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_with_another_secret_is_refused(estate: Any) -> None:
    key = estate.keys["acme"]
    wrong = key[:-1] + ("A" if key[-1] != "A" else "B")
    for presented in (wrong, key.upper(), f"{key} ", key.rpartition("_")[0]):
        assert estate.client.get("/v1/tenants/acme/runs", headers={"X-API-Key": f"{presented}x"}).status_code == 401


def test_either_header_opens_and_two_different_keys_do_not(estate: Any) -> None:
    acme, globex = estate.keys["acme"], estate.keys["globex"]
    path = "/v1/tenants/acme/findings"
    assert estate.client.get(path, headers={"X-API-Key": acme}).status_code == 200
    assert estate.get(path, headers={"X-API-Key": acme}).status_code == 200
    assert estate.get(path, headers={"X-API-Key": globex}).status_code == 401


def test_a_revoked_key_is_refused_at_once(own_estate: Any) -> None:
    path = "/v1/tenants/acme/findings"
    etag = own_estate.get(path).headers["etag"]
    own_estate.state.revoke_key("acme", own_estate.keys["acme"].split("_")[1])
    assert own_estate.get(path).status_code == 401
    assert own_estate.get(path, headers={"If-None-Match": etag}).status_code == 401


def test_a_tenant_without_a_release_is_told_so_and_only_with_its_own_key(own_estate: Any) -> None:
    own_estate.keys["newcomer"] = own_estate.state.create_key("newcomer", "test")
    for name in ("findings", "findings/x", "correlations", "kpis", "coverage"):
        own = own_estate.get(f"/v1/tenants/newcomer/{name}", "newcomer")
        assert (own.status_code, own.json()["code"]) == (404, "no_release")
        foreign = own_estate.get(f"/v1/tenants/newcomer/{name}", "acme")
        assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")
    assert own_estate.get("/v1/tenants/newcomer/runs", "newcomer").json()["data"] == []


def test_a_loader_that_lets_rows_of_another_tenant_through_is_stopped(estate: Any) -> None:
    released = Released(estate.warehouse)
    foreign = released.release("globex")
    view = View("broken", (), lambda warehouse, _release: read(warehouse, foreign, CURRENT).collect())
    with pytest.raises(ContractError, match="rows of another tenant"):
        released.rows(view, released.release("acme"))
