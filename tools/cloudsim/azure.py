"""The ARM stand-in: answers "Disks - List" for the subscriptions of an estate, page by page, as ARM does.

Shapes: https://learn.microsoft.com/rest/api/compute/disks/list. Any `api-version` will do.
"""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from tools.cloudsim.azure_estate import SUBSCRIPTIONS
from tools.cloudsim.estate import Estate
from tools.cloudsim.json_server import Answer, JsonServer, Query
from tools.cloudsim.resources import AzureDisk

_DISKS = re.compile(r"(?i)/subscriptions/([^/]+)/providers/Microsoft\.Compute/disks")
_PAGES = 2


class AzureServer(JsonServer):
    """ARM with the disks of an estate."""

    def __init__(self, estate: Estate) -> None:
        self._disks = {
            subscription: [disk for disk in estate.all(AzureDisk) if disk.account_id == subscription]
            for subscription in SUBSCRIPTIONS
        }
        super().__init__(self._reply)

    def _reply(self, path: str, query: Query) -> Answer:
        asked = _DISKS.fullmatch(path)
        if asked is None:
            return _error(404, "InvalidResourceType", f"The resource type of '{path}' could not be found.")
        if "api-version" not in query:
            message = "The api-version query parameter (?api-version=) is required for all requests."
            return _error(400, "MissingApiVersionParameter", message)
        subscription = asked[1].lower()
        if subscription not in self._disks:
            return _error(404, "SubscriptionNotFound", f"The subscription '{asked[1]}' could not be found.")
        return 200, self._page(path, query, self._disks[subscription])

    def _page(self, path: str, query: Query, disks: Sequence[AzureDisk]) -> dict[str, Any]:
        start, size = int(query.get("$skiptoken", "0")), -(-len(disks) // _PAGES)
        page: dict[str, Any] = {"value": [_document(disk) for disk in disks[start : start + size]]}
        if start + size < len(disks):
            page["nextLink"] = f"{self.url}{path}?{urlencode({**query, '$skiptoken': start + size})}"
        return page


def _document(disk: AzureDisk) -> dict[str, Any]:
    properties = {
        "creationData": {"createOption": "Empty"},
        "diskSizeGB": disk.size_gib,
        "diskState": disk.state,
        "provisioningState": "Succeeded",
        "tier": disk.tier,
        "timeCreated": f"{disk.created_at:%Y-%m-%dT%H:%M:%S}.1234567+00:00",  # ARM's seven decimals
        "LastOwnershipUpdateTime": disk.detached_at and f"{disk.detached_at:%Y-%m-%dT%H:%M:%S}+00:00",
    }
    machine = f"{disk.resource_id.rpartition('/disks/')[0]}/virtualMachines/{disk.machine}"
    document = {
        "id": disk.resource_id,
        "name": disk.key,
        "type": "Microsoft.Compute/disks",
        "location": disk.region,
        "tags": dict(disk.tags) or None,
        "sku": {"name": disk.sku, "tier": disk.sku.partition("_")[0]},
        "managedBy": machine if disk.machine else None,
        "properties": _present(properties),
    }
    return _present(document)


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    """Leave out what has no value, as ARM does."""
    return {name: value for name, value in fields.items() if value is not None}


def _error(status: int, code: str, message: str) -> Answer:
    return status, {"error": {"code": code, "message": message}}
