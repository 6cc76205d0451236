"""Discovery: the caller, the organization's accounts and the enabled regions, from a real server."""

from collections.abc import Callable

import pytest

from contracts.errors import AccessDenied
from engine.collect.discovery import CloudDiscovery, parse_accounts
from engine.config import Aws, Tenant
from engine.plan import AwsAccess, plan

REFUSED = (
    b"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>not you</Message></Error></Errors>"
    b"<RequestID>1</RequestID></Response>"
)


def test_only_active_accounts_are_found_under_the_old_name_and_the_new() -> None:
    pages = [
        {"Accounts": [{"Id": "3", "Status": "ACTIVE"}, {"Id": "2", "Status": "SUSPENDED"}]},
        {"Accounts": [{"Id": "1", "State": "ACTIVE"}, {"Id": "4", "State": "CLOSED", "Status": "ACTIVE"}]},
    ]
    assert parse_accounts(pages) == ("1", "3")


def test_an_organization_is_planned_with_its_management_account_by_ambient_credentials(
    moto: str, owner: Callable[..., object]
) -> None:
    assert moto
    organizations = owner("organizations", "123456789012", "us-east-1")
    organizations.create_organization(FeatureSet="ALL")
    made = [
        organizations.create_account(Email=f"{name}@example.com", AccountName=name)["CreateAccountStatus"]["AccountId"]
        for name in ("a", "b")
    ]
    role = "arn:aws:iam::{account}:role/finops-read"
    aws = Aws(organization=True, role=role, regions=("eu-west-1",))
    result = plan(Tenant(id="acme", workspace="prod", aws=aws), CloudDiscovery())
    assert result.gaps == ()
    assert {each.unit.account_id: each.access for each in result.units} == {
        "123456789012": AwsAccess(),
        **{account: AwsAccess(role.replace("{account}", account)) for account in made},
    }


def test_the_enabled_regions_are_asked_of_the_account_itself(moto: str) -> None:
    assert moto
    regions = CloudDiscovery().enabled_regions("111111111111", AwsAccess("arn:aws:iam::111111111111:role/r"))
    assert {"us-east-1", "eu-west-1"} <= set(regions)
    assert list(regions) == sorted(regions)


def test_a_refused_list_of_regions_names_its_permission(
    serve: Callable[..., str], aws_environment: Callable[[str], None]
) -> None:
    aws_environment(serve(lambda *_: (403, {}, REFUSED)))
    with pytest.raises(AccessDenied) as caught:
        CloudDiscovery().enabled_regions("123456789012", AwsAccess())
    assert caught.value.permission == "ec2:DescribeRegions"


def test_an_organization_that_is_not_there_is_an_error_and_not_an_empty_list(moto: str) -> None:
    assert moto
    result = plan(Tenant(id="acme", workspace="prod", aws=Aws(organization=True)), CloudDiscovery())
    assert result.units == ()
    (gap,) = result.gaps
    assert gap.unit.account_id == "123456789012"
    assert "names no active account" in str(gap.error)  # AWS itself refuses; moto gives an empty list
