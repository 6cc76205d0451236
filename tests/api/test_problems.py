"""Errors: RFC 9457 for all of them, the parameter named, nothing of the server's inside shown."""

import itertools
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api.app import create_app

LISTS = ("findings", "correlations", "kpis", "coverage", "runs")
PATH = "/v1/tenants/acme/findings"
HOSTILE = (
    "'", '"', "' OR '1'='1", "'; DROP TABLE finops_findings_current; --", "1; SELECT 1", "x' UNION SELECT * FROM a --",
    "%", "_", "\\", "$1", "?", "{}", "*", "../../etc/passwd", "\x00", "\u202e", "😀", "NaN", "1e400", "-1", "null",
    "read_csv('/etc/passwd')", "pl.col('tenant_id')", "fingerprint", "x" * 3000,
)  # fmt: skip


def assert_problem(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "code", "errors"}
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:finops:problem:{code}")
    assert body["title"]
    assert body["detail"]


@pytest.mark.parametrize("path", LISTS)
def test_an_unknown_parameter_is_refused_and_the_allowed_ones_are_named(estate: Any, path: str) -> None:
    answer = estate.get(f"/v1/tenants/acme/{path}?servce=ebs")
    assert_problem(answer, 400, "unknown_parameter")
    assert answer.json()["errors"][0]["parameter"] == "servce"
    assert "cursor" in answer.json()["detail"]
    assert "limit" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["findings/x", "runs", "kpis"])
def test_a_tag_filter_is_for_findings_only(estate: Any, path: str) -> None:
    assert_problem(estate.get(f"/v1/tenants/acme/{path}?tag.team=core"), 400, "unknown_parameter")


@pytest.mark.parametrize(("query", "parameter"), [
    ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"), ("limit=5&limit=6", "limit"),
    ("sort=title", "sort"), ("sort=-net_savings&sort=check_id", "sort"),
    ("state=opened", "state"), ("state=open&state=opened", "state"), ("provider=oracle", "provider"),
    ("net_savings_min=abc", "net_savings_min"), ("net_savings_min=NaN", "net_savings_min"),
    ("net_savings_max=Infinity", "net_savings_max"), ("net_savings_min=0.0000001", "net_savings_min"),
    ("account_id=", "account_id"), ("region=" + "x" * 2049, "region"), ("tag.=x", "tag."),
    ("tag." + "k" * 257 + "=x", "tag."), ("tag.k=" + "x" * 2049, "tag.k"),
    ("&".join(["service=ebs"] * 51), "service"), ("&".join(["tag.k=v"] * 51), "tag.k"),
    ("&".join(f"tag.k{number}=v" for number in range(201)), "query"),
])  # fmt: skip
def test_a_value_that_is_not_allowed_is_refused_by_the_name_of_its_parameter(
    estate: Any, query: str, parameter: str
) -> None:
    answer = estate.get(f"{PATH}?{query}")
    assert_problem(answer, 400, "invalid_parameter")
    assert {fault["parameter"] for fault in answer.json()["errors"]} == {parameter}


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_text_in_any_parameter_matches_nothing_or_is_refused_and_changes_nothing(
    estate: Any, value: str
) -> None:
    document = estate.client.get("/openapi.json").json()
    before = {name: estate.get(f"/v1/tenants/acme/{name}").content for name in LISTS}
    for name in LISTS:
        operation = document["paths"][f"/v1/tenants/{{tenant}}/{name}"]["get"]
        declared = [each["name"] for each in operation["parameters"] if each["in"] == "query"]
        for parameter in [*declared, *(["tag.team", f"tag.{value}"] if name == "findings" else []), value]:
            answer = estate.get(f"/v1/tenants/acme/{name}", params={parameter: value})
            if answer.status_code == 200:
                unfiltered = {("net_savings_min", "-1")}
                assert answer.json()["data"] == [] or (parameter, value) in unfiltered
            else:
                assert answer.status_code == 400
                assert answer.headers["content-type"] == "application/problem+json"
    assert {name: estate.get(f"/v1/tenants/acme/{name}").content for name in LISTS} == before


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["region", "check_id", "tag.team", "resource_id", "service"]), value=st.text(max_size=40))
def test_no_text_makes_a_filter_match_what_is_not_equal_to_it(estate: Any, name: str, value: str) -> None:
    answer = estate.get(PATH, params={name: value})
    assert answer.status_code in {200, 400}
    if answer.status_code == 200:
        field = (lambda row: row["tags"]["team"]) if name == "tag.team" else (lambda row: row[name])
        assert all(field(row) == value for row in answer.json()["data"])


def test_paths_and_methods_that_do_not_exist_are_problems_too(estate: Any) -> None:
    assert_problem(estate.get("/"), 404, "not_found")
    assert_problem(estate.get("/docs"), 404, "not_found")
    assert_problem(estate.get("/v1/tenants/acme/findings/"), 404, "not_found")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = estate.client.request(method, PATH, headers={"X-API-Key": estate.keys["acme"]})
        assert_problem(answer, 405, "method_not_allowed")
        assert "GET" in answer.headers["allow"]


def test_a_failure_inside_is_a_500_that_shows_nothing_but_where_to_look(
    own_estate: Any, caplog: pytest.LogCaptureFixture
) -> None:
    own_estate.client.app.state.backend.released.release = None  # any bug at all
    with caplog.at_level(logging.ERROR, "finops.api"):
        answer = own_estate.get(PATH)
    assert_problem(answer, 500, "internal")
    assert "NoneType" not in answer.text
    trace_id = answer.json()["detail"].split()[-1].rstrip(".")
    assert trace_id in caplog.text
    assert "NoneType" in caplog.text


def test_every_answer_carries_the_security_headers(estate: Any) -> None:
    for path in ("/livez", "/readyz", "/openapi.json", "/nothing", PATH, f"{PATH}?x=y", "/v1/tenants/nobody/runs"):
        headers = estate.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] in {"no-store", "private, no-cache"}


def test_readiness_needs_a_catalog_that_can_be_read(own_estate: Any) -> None:
    assert own_estate.client.get("/livez").json() == {"status": "pass"}
    assert own_estate.client.get("/readyz").json() == {"status": "pass"}
    own_estate.warehouse.catalog.destroy_tables()
    assert_problem(own_estate.client.get("/readyz"), 503, "not_ready")
    assert own_estate.client.get("/livez").status_code == 200


def test_problems_of_parameters_come_after_those_of_the_key_and_the_tenant(estate: Any) -> None:
    for query, number in itertools.product(("x=y", "limit=0", "cursor=z"), (401, 404)):
        answer = (
            estate.client.get(f"{PATH}?{query}")
            if number == 401
            else estate.get(f"/v1/tenants/globex/findings?{query}")
        )
        assert answer.status_code == number


def test_two_applications_with_their_own_keys_do_not_take_each_others_cursors(estate: Any) -> None:
    cursor = estate.get(f"{PATH}?limit=1").json()["page"]["next"]
    headers = {"X-API-Key": estate.keys["acme"]}
    with TestClient(create_app(estate.warehouse, estate.state)) as other:
        assert_problem(other.get(f"{PATH}?limit=1&cursor={cursor}", headers=headers), 400, "invalid_cursor")
    with TestClient(create_app(estate.warehouse, estate.state, b"k" * 32)) as same:
        assert same.get(f"{PATH}?limit=1&cursor={cursor}", headers=headers).status_code == 200
