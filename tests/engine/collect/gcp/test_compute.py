"""GCP disks: the shape of a page, and the real SDK against a small Compute Engine stand-in."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from checkers.gcp.compute.datasets import DISKS
from contracts.errors import AccessDenied, FinopsError, TransientError, UnitUnavailable
from contracts.units import Unit
from engine.collect import Reading, collect
from engine.collect.gcp.compute import parse_disks
from engine.plan import GcpAccess, PlannedUnit

Answer = tuple[int, dict[str, str], bytes]
Serve = Callable[[Callable[[str, str], Answer]], str]
UNIT = PlannedUnit(Unit("acme", "prod", "gcp", "acme-prod", "global"), GcpAccess())
JSON = {"Content-Type": "application/json"}
API = "https://www.googleapis.com/compute/v1/projects/acme-prod"
EMPTY = {"warning": {"code": "NO_RESULTS_ON_PAGE", "message": "nothing here"}}


def disk(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "status": "READY",
        "sizeGb": "200",
        "type": f"{API}/zones/us-east1-b/diskTypes/pd-ssd",
        "zone": f"{API}/zones/us-east1-b",
        "labels": {"team": "x"},
        "creationTimestamp": "2026-01-01T19:04:05.960-08:00",
    } | changes


@pytest.fixture
def read(serve: Serve, set_environment: Callable[..., None], as_of: datetime) -> Callable[..., Reading]:
    def read(reply: Callable[[str, str], Answer]) -> Reading:
        set_environment(FINOPS_GCP_ENDPOINT_URL=serve(reply))
        (reading,) = collect(UNIT, [DISKS], as_of)
        return reading

    return read


def test_a_disk_has_the_region_of_its_zone_and_a_path_as_its_id() -> None:
    user = f"{API}/zones/us-east1-b/instances/vm-1"
    page = {"items": {"zones/us-east1-b": {"disks": [disk("d1", users=[user])]}, "zones/us-east1-c": EMPTY}}
    assert parse_disks(page, "acme-prod") == [
        {
            "region": "us-east1",
            "id": "projects/acme-prod/zones/us-east1-b/disks/d1",
            "name": "d1",
            "tags": {"team": "x"},
            "disk_type": "pd-ssd",
            "size_gib": 200,
            "status": "READY",
            "users": ["projects/acme-prod/zones/us-east1-b/instances/vm-1"],
            "created_at": datetime(2026, 1, 2, 3, 4, 5, 960000, tzinfo=UTC),
            "detached_at": None,
            "zone": "us-east1-b",
        }
    ]


def test_a_regional_disk_has_no_zone() -> None:
    (row,) = parse_disks({"items": {"regions/us-east1": {"disks": [disk("d1")]}}}, "acme-prod")
    assert (row["region"], row["zone"]) == ("us-east1", None)
    assert row["id"] == "projects/acme-prod/regions/us-east1/disks/d1"


def test_places_that_could_not_be_reached_are_not_taken_for_empty() -> None:
    with pytest.raises(TransientError, match="us-east1-c"):
        parse_disks({"items": {}, "unreachables": ["zones/us-east1-c"]}, "acme-prod")


def test_every_page_is_read_by_the_real_sdk(read: Callable[..., Reading]) -> None:
    asked: list[str] = []

    def reply(path: str, _body: str) -> Answer:
        asked.append(path)
        first = {
            "items": {"zones/us-east1-b": {"disks": [disk("d1")]}, "zones/us-east1-c": EMPTY},
            "nextPageToken": "p2",
        }
        detached = disk("d2", lastDetachTimestamp="2026-03-04T05:06:07.000-08:00")
        second = {"items": {"regions/europe-west1": {"disks": [detached]}}}
        return 200, JSON, json.dumps(second if "pageToken=p2" in path else first).encode()

    reading = read(reply)
    assert reading.error is None
    assert reading.frame is not None
    assert reading.frame.schema == DISKS.schema
    assert reading.frame["name"].to_list() == ["d1", "d2"]
    assert reading.frame["region"].to_list() == ["us-east1", "europe-west1"]
    assert reading.frame["size_gib"].to_list() == [200, 200]
    assert reading.frame["detached_at"].to_list() == [None, datetime(2026, 3, 4, 13, 6, 7, tzinfo=UTC)]
    assert reading.frame["unit_id"].unique().to_list() == ["acme/prod/gcp/acme-prod/global"]
    assert len(asked) == 2
    assert asked[0].startswith("/compute/v1/projects/acme-prod/aggregated/disks?")


def refusal(status: int, reason: str, **error: Any) -> Answer:
    said = {"code": status, "message": "said so", "errors": [{"reason": reason, "message": "said so"}]} | error
    return status, JSON, json.dumps({"error": said}).encode()


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (403, "forbidden", AccessDenied),
        (403, "accessNotConfigured", UnitUnavailable),
        (404, "notFound", UnitUnavailable),
    ],
)
def test_a_refusal_is_translated(
    read: Callable[..., Reading], status: int, reason: str, kind: type[FinopsError]
) -> None:
    reading = read(lambda *_: refusal(status, reason))
    assert reading.frame is None
    assert type(reading.error) is kind
    assert "said so" in str(reading.error)
    if isinstance(reading.error, AccessDenied):
        assert reading.error.permission == "compute.disks.list"


def test_a_switched_off_api_is_known_by_its_error_info(read: Callable[..., Reading]) -> None:
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "SERVICE_DISABLED",
        "domain": "googleapis.com",
    }
    assert type(read(lambda *_: refusal(403, "forbidden", details=[info])).error) is UnitUnavailable


@pytest.mark.parametrize(("status", "reason"), [(403, "rateLimitExceeded"), (429, "tooMany"), (503, "backendError")])
def test_a_throttle_is_tried_again_even_when_it_looks_like_a_refusal(
    read: Callable[..., Reading], status: int, reason: str
) -> None:
    answers = [refusal(status, reason), (200, JSON, json.dumps({"items": {}}).encode())]
    assert read(lambda *_: answers.pop(0)).error is None
    assert answers == []


def test_a_body_that_was_cut_off_is_asked_for_once_more(read: Callable[..., Reading]) -> None:
    whole = json.dumps({"items": {"zones/us-east1-b": {"disks": [disk("d1")]}}}).encode()
    answers: list[Answer] = [(200, JSON, whole[:50]), (200, JSON, whole)]
    reading = read(lambda *_: answers.pop(0))
    assert reading.error is None
    assert answers == []


def test_a_body_that_stays_cut_off_is_a_passing_error(read: Callable[..., Reading]) -> None:
    assert isinstance(read(lambda *_: (200, JSON, b'{"items": {')).error, TransientError)
