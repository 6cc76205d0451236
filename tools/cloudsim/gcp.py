"""The Compute Engine stand-in: answers disks.aggregatedList for the projects of an estate, page by page.

Shapes: https://cloud.google.com/compute/docs/reference/rest/v1/disks/aggregatedList. Zones without disks are there
with a warning only, as in the real answer.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tools.cloudsim.estate import Estate
from tools.cloudsim.gcp_estate import PROJECTS
from tools.cloudsim.json_server import Answer, JsonServer, Query
from tools.cloudsim.resources import GcpDisk

_DISKS = re.compile(r"/compute/v1/projects/([^/]+)/aggregated/disks")
_API = "https://www.googleapis.com/compute/v1"
_EMPTY = ("zones/asia-east1-a", "zones/europe-west1-c", "zones/us-central1-f")
_PAGES = 2


class GcpServer(JsonServer):
    """Compute Engine with the disks of an estate."""

    def __init__(self, estate: Estate) -> None:
        self._disks = {
            project: [disk for disk in estate.all(GcpDisk) if disk.account_id == project] for project in PROJECTS
        }
        super().__init__(self._reply)

    def _reply(self, path: str, query: Query) -> Answer:
        asked = _DISKS.fullmatch(path)
        if asked is None:
            return _error(404, "notFound", f"The resource '{path}' was not found")
        if asked[1] not in self._disks:  # Google does not tell a missing project from a forbidden one
            message = f"Required 'compute.disks.list' permission for 'projects/{asked[1]}'"
            return _error(403, "forbidden", message)
        return 200, _page(asked[1], self._disks[asked[1]], query)


def _page(project: str, disks: Sequence[GcpDisk], query: Query) -> dict[str, Any]:
    start, size = int(query.get("pageToken") or "0"), -(-len(disks) // _PAGES)
    size = max(1, min(size, int(query.get("maxResults", size))))
    items: dict[str, dict[str, Any]] = defaultdict(lambda: {"disks": []})
    for disk in disks[start : start + size]:
        items[disk.scope]["disks"].append(_document(disk))
    listed = {scope: _nothing(scope) for scope in _EMPTY} | items
    more = {"nextPageToken": str(start + size)} if start + size < len(disks) else {}
    return {
        "kind": "compute#diskAggregatedList",
        "id": f"projects/{project}/aggregated/disks",
        "selfLink": f"{_API}/projects/{project}/aggregated/disks",
        "items": listed,
        **more,
    }


def _nothing(scope: str) -> dict[str, Any]:
    message = f"There are no results for scope '{scope}' on this page."
    data = [{"key": "scope", "value": scope}]
    return {"warning": {"code": "NO_RESULTS_ON_PAGE", "message": message, "data": data}}


def _document(disk: GcpDisk) -> dict[str, Any]:
    base = f"{_API}/projects/{disk.account_id}/{disk.scope}"
    place, _, name = disk.scope.partition("/")
    optional = {
        "labels": dict(disk.tags) or None,
        "users": [f"{base}/instances/{disk.instance}"] if disk.instance else None,
        "lastDetachTimestamp": disk.detached_at and f"{disk.detached_at:%Y-%m-%dT%H:%M:%S}.000+00:00",
    }
    return {
        "kind": "compute#disk",
        "id": str(int.from_bytes(disk.key.encode()[:7], "big")),
        "name": disk.key,
        "selfLink": f"{base}/disks/{disk.key}",
        place.removesuffix("s"): f"{_API}/projects/{disk.account_id}/{place}/{name}",
        "type": f"{base}/diskTypes/{disk.disk_type}",
        "sizeGb": str(disk.size_gib),
        "status": disk.status,
        "creationTimestamp": f"{disk.created_at:%Y-%m-%dT%H:%M:%S}.000+00:00",
        **{field: value for field, value in optional.items() if value is not None},
    }


def _error(status: int, reason: str, message: str) -> Answer:
    errors = [{"message": message, "domain": "global", "reason": reason}]
    return status, {"error": {"code": status, "message": message, "errors": errors}}
