"""The ARM and Compute Engine stand-ins, asked by the real SDKs."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from azure.core.exceptions import ResourceNotFoundError
from google.api_core.exceptions import Forbidden
from google.cloud import compute_v1

from tools.cloudsim.azure import AzureServer
from tools.cloudsim.azure_estate import SUBSCRIPTIONS
from tools.cloudsim.estate import Estate, build_estate
from tools.cloudsim.gcp import GcpServer
from tools.cloudsim.gcp_estate import PROJECTS
from tools.cloudsim.resources import AzureDisk, GcpDisk

AzureClient = Callable[[str, str], Any]
GcpClient = Callable[[str], Any]


@pytest.fixture(scope="module")
def estate() -> Estate:
    return build_estate()


@pytest.fixture(scope="module")
def azure(estate: Estate) -> Iterator[AzureServer]:
    server = AzureServer(estate)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def gcp(estate: Estate) -> Iterator[GcpServer]:
    server = GcpServer(estate)
    yield server
    server.stop()


def _get(url: str) -> tuple[int, dict[str, Any]]:
    try:
        with urlopen(url) as answer:  # noqa: S310 loopback
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_the_azure_sdk_lists_each_subscriptions_disks_over_two_pages(
    estate: Estate, azure: AzureServer, azure_client: AzureClient
) -> None:
    for subscription in SUBSCRIPTIONS:
        pages = [list(page) for page in azure_client(azure.url, subscription).disks.list().by_page()]
        mine = [disk for disk in estate.all(AzureDisk) if disk.account_id == subscription]
        assert len(pages) == 2
        assert [disk.id for page in pages for disk in page] == [disk.resource_id for disk in mine]


def test_an_azure_disk_says_size_state_holder_and_when_it_was_detached(
    estate: Estate, azure: AzureServer, azure_client: AzureClient
) -> None:
    disks = {disk.name: disk.as_dict() for disk in azure_client(azure.url, SUBSCRIPTIONS[0]).disks.list()}
    loose, held = disks["Shop-Orders-Data"], disks["shop-vm-os"]
    detached = estate.as_of - timedelta(days=60)
    assert loose["properties"]["LastOwnershipUpdateTime"].startswith(f"{detached:%Y-%m-%dT%H:%M:%S}")
    assert (loose["properties"]["diskState"], loose["properties"]["tier"]) == ("Unattached", "P10")
    assert "managedBy" not in loose
    assert held["managedBy"].endswith("/virtualMachines/shop-vm")
    assert "LastOwnershipUpdateTime" not in held["properties"]


def test_an_unknown_subscription_is_not_found(azure: AzureServer, azure_client: AzureClient) -> None:
    with pytest.raises(ResourceNotFoundError) as missing:
        list(azure_client(azure.url, "00000000-0000-0000-0000-000000000000").disks.list())
    assert missing.value.error is not None
    assert missing.value.error.code == "SubscriptionNotFound"


def test_arm_takes_any_api_version_but_wants_one(azure: AzureServer) -> None:
    url = f"{azure.url}/subscriptions/{SUBSCRIPTIONS[0]}"
    disks = f"{url}/providers/Microsoft.Compute/disks"
    assert _get(f"{disks}?api-version=2099-01-01")[0] == 200
    assert _get(disks)[1]["error"]["code"] == "MissingApiVersionParameter"
    assert _get(f"{url}/providers/Microsoft.Network/loadBalancers?api-version=1")[0] == 404


def test_the_google_sdk_lists_each_projects_disks_over_two_pages(
    estate: Estate, gcp: GcpServer, gcp_client: GcpClient
) -> None:
    for project in PROJECTS:
        pages = list(gcp_client(gcp.url).aggregated_list(project=project).pages)
        seen = [(scope, disk.name) for page in pages for scope, scoped in page.items.items() for disk in scoped.disks]
        mine = [disk for disk in estate.all(GcpDisk) if disk.account_id == project]
        assert len(pages) == 2
        assert sorted(seen) == sorted((disk.scope, disk.key) for disk in mine)


def test_google_names_zones_without_disks_with_a_warning(gcp: GcpServer, gcp_client: GcpClient) -> None:
    scopes = dict(gcp_client(gcp.url).aggregated_list(project=PROJECTS[0]))
    empty = scopes["zones/asia-east1-a"]
    assert (empty.warning.code, list(empty.disks)) == ("NO_RESULTS_ON_PAGE", [])


def test_googles_page_size_is_followed_to_the_last_disk(gcp: GcpServer, gcp_client: GcpClient) -> None:
    request = compute_v1.AggregatedListDisksRequest(project=PROJECTS[0], max_results=1)
    pages = list(gcp_client(gcp.url).aggregated_list(request=request).pages)
    assert sum(len(scoped.disks) for page in pages for scoped in page.items.values()) == len(pages) == 6


def test_an_unknown_project_is_forbidden(gcp: GcpServer, gcp_client: GcpClient) -> None:
    with pytest.raises(Forbidden, match=r"compute\.disks\.list"):
        list(gcp_client(gcp.url).aggregated_list(project="somebody-elses"))
