"""Discovery: whose credentials these are, which accounts the organization has, which regions an account has enabled."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from contracts.errors import PermanentError
from engine.collect.aws.clients import home_region, lease
from engine.collect.aws.failures import SDK_ERRORS, failure
from engine.collect.errors import translate
from engine.collect.quiet import quiet_sdks
from engine.collect.request import Page
from engine.plan import AwsAccess

T = TypeVar("T")
PERMISSIONS = ("sts:GetCallerIdentity", "organizations:ListAccounts", "ec2:DescribeRegions")


class CloudDiscovery:
    """Ask AWS itself; implements `engine.plan.Discovery`. Every question may raise a FinopsError."""

    def caller_account(self) -> str:
        """Return the account of the ambient credentials (GetCallerIdentity)."""
        account: str = _asked(lambda: _client("sts", AwsAccess()).get_caller_identity()["Account"])
        return account

    def organization_accounts(self, access: AwsAccess) -> tuple[str, ...]:
        """Return the organization's active accounts, the management account among them (ListAccounts)."""
        pages = _asked(lambda: list(_client("organizations", access).get_paginator("list_accounts").paginate()))
        return parse_accounts(pages)

    def enabled_regions(self, account_id: str, access: AwsAccess) -> tuple[str, ...]:  # noqa: ARG002 the protocol's
        """Return the regions enabled in the account that `access` leads to (DescribeRegions)."""
        answer = _asked(lambda: _client("ec2", access).describe_regions())
        return tuple(sorted(region["RegionName"] for region in answer["Regions"]))


def parse_accounts(pages: Sequence[Page]) -> tuple[str, ...]:
    """Shape ListAccounts. Newer answers have `State`, which replaces `Status` (Organizations, 2026-09).

    Raises PermanentError when no account is active: an organization has at least its management account.
    """
    accounts = [account for page in pages for account in page["Accounts"]]
    active = sorted(each["Id"] for each in accounts if each.get("State", each.get("Status")) == "ACTIVE")
    if not active:
        raise PermanentError("organizations:ListAccounts names no active account; list tenants.aws.accounts instead")
    return tuple(active)


def _client(service: str, access: AwsAccess) -> Any:
    quiet_sdks()
    return lease(service, home_region(access), access)


def _asked(question: Callable[[], T]) -> T:
    try:
        return question()
    except SDK_ERRORS as error:
        raise translate(failure(error), PERMISSIONS) from None  # the cause may quote AssumeRole's answer
