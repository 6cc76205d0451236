"""Google Compute Engine: persistent disks of one project."""

from datetime import UTC, datetime

from google.api_core.exceptions import GoogleAPICallError
from google.api_core.retry import Retry
from google.cloud import compute_v1
from requests.exceptions import ConnectionError as UnreachableError

from contracts.errors import TransientError
from engine.collect.errors import PASSING
from engine.collect.gcp.clients import lease_disks
from engine.collect.gcp.failures import reason
from engine.collect.request import Page, Request, Row

_TOO_MANY, _SERVER_ERROR = 429, 500


def _is_passing(error: BaseException) -> bool:
    """Say whether to ask again; Google answers a used-up rate with 403 and rateLimitExceeded."""
    if isinstance(error, GoogleAPICallError):
        return error.code == _TOO_MANY or (error.code or 0) >= _SERVER_ERROR or reason(error) in PASSING
    return isinstance(error, UnreachableError)


# The Compute SDK retries nothing by itself; rate quotas are refilled at the next minute, so wait for that.
_RETRY = Retry(predicate=_is_passing, initial=0.5, maximum=20, multiplier=2, timeout=90)


def fetch_disks(request: Request) -> list[Row]:
    """Read every disk of the project, zonal and regional (disks.aggregatedList, unfiltered, 500 a page)."""
    project = request.unit.account_id
    wanted = compute_v1.AggregatedListDisksRequest(project=project, max_results=500)
    listed = lease_disks().aggregated_list(request=wanted, retry=_RETRY, timeout=30)
    return [row for page in listed.pages for row in parse_disks(_json(page), project)]


def parse_disks(page: Page, project: str) -> list[Row]:
    """Shape a page of aggregatedList. Raises TransientError for places that could not be reached."""
    if unreachable := page.get("unreachables"):
        raise TransientError(f"Google could not reach {', '.join(unreachable)}")
    return [
        {
            "region": _region(scope),
            "id": f"projects/{project}/{scope}/disks/{disk['name']}",
            "name": disk["name"],
            "tags": disk.get("labels") or {},
            "disk_type": disk["type"].rpartition("/")[2],
            "size_gib": int(disk["sizeGb"]),
            "status": disk.get("status"),
            "users": [f"projects/{user.partition('/projects/')[2] or user}" for user in disk.get("users", [])],
            "created_at": _time(disk.get("creationTimestamp")),
            "detached_at": _time(disk.get("lastDetachTimestamp")),
            "zone": scope.removeprefix("zones/") if scope.startswith("zones/") else None,
        }
        for scope, scoped in page.get("items", {}).items()
        for disk in scoped.get("disks", [])
    ]


def _json(page: compute_v1.DiskAggregatedList) -> Page:
    """Give a page back the shape it has in the API's reference: camelCase, enums by name."""
    shaped: Page = compute_v1.DiskAggregatedList.to_dict(
        page,
        preserving_proto_field_name=False,
        use_integers_for_enums=False,
        always_print_fields_with_no_presence=False,
    )
    return shaped


def _region(scope: str) -> str:
    """Name the region of `zones/us-east1-b` or `regions/us-east1`."""
    kind, _, place = scope.partition("/")
    return place.rpartition("-")[0] if kind == "zones" else place


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
