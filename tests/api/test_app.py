"""The application as it is shipped: its OpenAPI document, its settings, a real server."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
OPERATIONS = {
    "livez", "readyz", "list_findings", "get_finding", "list_correlations", "list_kpis", "list_coverage", "list_runs",
}  # fmt: skip


@pytest.fixture(scope="module")
def document(estate: Any) -> dict[str, Any]:
    shown: dict[str, Any] = estate.client.get("/openapi.json").json()
    return shown


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = [operation for path in document["paths"].values() for operation in path.values()]
    return {operation["operationId"]: operation for operation in found}


def test_the_document_is_openapi_3_1_with_stable_names_and_read_only(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert set(operations(document)) == OPERATIONS
    assert {method for path in document["paths"].values() for method in path} == {"get"}


def test_every_path_of_a_tenant_declares_its_problems_and_its_key(document: dict[str, Any]) -> None:
    for name in OPERATIONS - {"livez", "readyz"}:
        operation = operations(document)[name]
        for status in ("400", "401", "404", "410", "default"):
            assert "application/problem+json" in operation["responses"][status]["content"]
        assert operation["security"] == [{"bearer": []}, {"header": []}]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(document))
    assert set(references) <= set(document["components"]["schemas"])
    assert "HTTPValidationError" not in json.dumps(document)
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_what_is_served_is_what_is_declared(estate: Any, document: dict[str, Any]) -> None:
    finding = estate.get("/v1/tenants/acme/findings?limit=1").json()["data"][0]["finding_id"]
    for path, methods in document["paths"].items():
        answer = estate.get(path.replace("{tenant}", "acme").replace("{finding_id}", finding))
        assert answer.status_code == 200
        if "tenant" in path:
            schema = methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            Draft202012Validator({**schema, "components": document["components"]}).validate(answer.json())
    refused = estate.get("/v1/tenants/acme/findings?x=y").json()
    schema = document["components"]["schemas"]["Problem"]
    Draft202012Validator({**schema, "components": document["components"]}).validate(refused)


@dataclass
class Server:
    """A server behind a socket file: a port that is free when it is chosen may be taken when it is bound."""

    process: subprocess.Popen[str]
    socket: Path

    def client(self, **headers: str) -> httpx2.Client:
        """Ask without a time limit: the socket is there before the application that answers is loaded."""
        transport = httpx2.HTTPTransport(uds=str(self.socket))
        return httpx2.Client(base_url="http://localhost", headers=headers, transport=transport, timeout=None)

    def answers(self) -> bool:
        assert self.process.poll() is None, self.process.communicate()[0]
        with self.client() as client, suppress(httpx2.ConnectError):
            return client.get("/readyz").status_code == 200
        return False


def start(folder: Path, **settings: str) -> Server:
    path = folder / "socket"
    served = ["--interface", "asgi", "--factory", "--uds", str(path), "api.app:create"]
    command = [sys.executable, "-m", "granian", *served]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FINOPS_")} | settings
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return Server(subprocess.Popen(command, cwd=ROOT, env=environment, **pipes), path)


@pytest.fixture
def server(estate: Any) -> Iterator[Server]:
    # A short path: a socket's may be 107 bytes long.
    with TemporaryDirectory(prefix="api-") as folder:
        started = start(Path(folder), FINOPS_CATALOG_URI=estate.uri, FINOPS_WAREHOUSE=str(estate.folder))
        try:
            while not started.answers():
                time.sleep(0.1)
            yield started
        finally:
            started.process.terminate()
            started.process.communicate()


def test_a_real_server_gives_what_the_application_gives(estate: Any, server: Server) -> None:
    with server.client(Authorization=f"Bearer {estate.keys['acme']}") as client, server.client() as nobody:
        assert client.get("/livez").json() == {"status": "pass"}
        path, found = "/v1/tenants/acme/findings?limit=4", []
        while path:
            page = client.get(path)
            found.extend(page.json()["data"])
            path = page.links["next"]["url"] if "next" in page.links else ""
        assert found == estate.get("/v1/tenants/acme/findings?limit=1000").json()["data"]
        assert client.get(path or "/v1/tenants/globex/findings").status_code == 404
        assert client.get("/v1/tenants/acme/findings", headers={"If-None-Match": "*"}).status_code == 304
        assert nobody.get("/v1/tenants/acme/findings").status_code == 401


@pytest.mark.parametrize(("settings", "named"), [
    ({"FINOPS_CATALOG_URI": "sqlite:////nowhere/catalog.db"}, "FINOPS_CATALOG_URI: there is no catalog at /nowhere"),
    ({"FINOPS_CURSOR_KEY": "short"}, "FINOPS_CURSOR_KEY: must have 32 characters or more"),
])  # fmt: skip
def test_a_setting_that_cannot_be_used_stops_the_start_by_name(
    estate: Any, tmp_path: Path, settings: dict[str, str], named: str
) -> None:
    started = start(tmp_path, **{"FINOPS_CATALOG_URI": estate.uri, "FINOPS_WAREHOUSE": str(estate.folder), **settings})
    try:
        output, _ = started.process.communicate()
    finally:
        started.process.kill()
    assert named in output
    assert started.process.returncode != 0
