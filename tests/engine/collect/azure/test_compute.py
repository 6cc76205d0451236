"""Azure disks: the shape of a page, and the real SDK against a small ARM stand-in."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from checkers.azure.compute.datasets import DISKS
from contracts.errors import AccessDenied, FinopsError, TransientError, UnitUnavailable
from contracts.units import Unit
from engine.collect import Reading, collect
from engine.collect.azure.compute import parse_disks
from engine.plan import AzureAccess, PlannedUnit

Answer = tuple[int, dict[str, str], bytes]
Serve = Callable[[Callable[[str, str], Answer]], str]
SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
UNIT = PlannedUnit(Unit("acme", "prod", "azure", SUBSCRIPTION, "global"), AzureAccess())
JSON = {"Content-Type": "application/json"}


def disk(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/RG/providers/Microsoft.Compute/disks/{name}",
        "name": name,
        "type": "Microsoft.Compute/disks",
        "location": "westeurope",
        "sku": {"name": "Premium_LRS", "tier": "Premium"},
        "tags": {"team": "x"},
        "properties": {
            "diskSizeGB": 128,
            "diskState": "Unattached",
            "tier": "P10",
            "timeCreated": "2026-01-02T03:04:05.1234567+00:00",
            "LastOwnershipUpdateTime": "2026-02-03T04:05:06Z",
        },
    } | changes


@pytest.fixture
def read(serve: Serve, set_environment: Callable[..., None], as_of: datetime) -> Callable[..., Reading]:
    def read(reply: Callable[[str, str], Answer]) -> Reading:
        set_environment(FINOPS_AZURE_ENDPOINT_URL=serve(reply))
        (reading,) = collect(UNIT, [DISKS], as_of)
        return reading

    return read


def test_a_disk_keeps_its_id_as_delivered_and_its_own_region() -> None:
    (row,) = parse_disks({"value": [disk("d1")]})
    assert row == {
        "region": "westeurope",
        "id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/RG/providers/Microsoft.Compute/disks/d1",
        "name": "d1",
        "tags": {"team": "x"},
        "sku": "Premium_LRS",
        "tier": "P10",
        "size_gib": 128,
        "state": "Unattached",
        "managed_by": None,
        "created_at": datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC),
        "detached_at": datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
    }


def test_what_a_disk_does_not_say_is_null() -> None:
    (row,) = parse_disks({"value": [{"id": "/x", "name": "d", "location": "westeurope", "tags": None}]})
    assert [row[name] for name in ("sku", "tier", "size_gib", "state", "created_at", "detached_at")] == [None] * 6
    assert row["tags"] == {}


def test_every_page_is_read_by_the_real_sdk(
    serve: Serve, set_environment: Callable[..., None], as_of: datetime
) -> None:
    asked: list[str] = []
    urls: list[str] = []

    def reply(path: str, _body: str) -> Answer:
        asked.append(path)
        if "second" in path:
            return 200, JSON, json.dumps({"value": [disk("d3", managedBy="/vm")]}).encode()
        page = {"value": [disk("d1"), disk("d2", location="eastus")], "nextLink": f"{urls[0]}/second?api-version=1"}
        return 200, JSON, json.dumps(page).encode()

    urls.append(serve(reply))
    set_environment(FINOPS_AZURE_ENDPOINT_URL=urls[0])
    (reading,) = collect(UNIT, [DISKS], as_of)
    assert reading.error is None
    assert reading.frame is not None
    assert reading.frame.schema == DISKS.schema
    assert reading.frame["name"].to_list() == ["d1", "d2", "d3"]
    assert reading.frame["region"].to_list() == ["westeurope", "eastus", "westeurope"]
    assert reading.frame["unit_id"].unique().to_list() == [f"acme/prod/azure/{SUBSCRIPTION}/global"]
    assert reading.frame["managed_by"].to_list() == [None, None, "/vm"]
    assert reading.frame["tier"].to_list() == ["P10"] * 3
    assert reading.frame["detached_at"].null_count() == 0
    assert asked[0].startswith(f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/disks?")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AuthorizationFailed", AccessDenied),
        (401, "InvalidAuthenticationToken", AccessDenied),
        (404, "SubscriptionNotFound", UnitUnavailable),
        (409, "ReadOnlyDisabledSubscription", UnitUnavailable),
    ],
)
def test_a_refusal_is_translated(read: Callable[..., Reading], status: int, code: str, kind: type[FinopsError]) -> None:
    body = json.dumps({"error": {"code": code, "message": "said so"}}).encode()
    reading = read(lambda *_: (status, JSON, body))
    assert reading.frame is None
    assert type(reading.error) is kind
    assert "said so" in str(reading.error)
    if isinstance(reading.error, AccessDenied):
        assert reading.error.permission == "Microsoft.Compute/disks/read"


def test_a_throttle_is_waited_for_as_long_as_azure_says(read: Callable[..., Reading]) -> None:
    empty = json.dumps({"value": []}).encode()
    answers: list[Answer] = [(429, {"Retry-After": "1"}, b""), (200, JSON, empty)]
    assert read(lambda *_: answers.pop(0)).error is None


def test_a_body_that_was_cut_off_is_asked_for_once_more(read: Callable[..., Reading]) -> None:
    whole = json.dumps({"value": [disk("d1")]}).encode()
    answers: list[Answer] = [(200, JSON, whole[:50]), (200, JSON, whole)]
    reading = read(lambda *_: answers.pop(0))
    assert reading.error is None
    assert answers == []


def test_a_body_that_stays_cut_off_is_a_passing_error(read: Callable[..., Reading]) -> None:
    assert isinstance(read(lambda *_: (200, JSON, b'{"value": [')).error, TransientError)


def test_a_stand_in_elsewhere_is_refused_before_anything_is_sent(
    set_environment: Callable[..., None], as_of: datetime
) -> None:
    set_environment(FINOPS_AZURE_ENDPOINT_URL="http://management.example")
    (reading,) = collect(UNIT, [DISKS], as_of)
    assert reading.frame is None
    assert "FINOPS_AZURE_ENDPOINT_URL" in str(reading.error)
