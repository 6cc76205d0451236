"""Planning: from one tenant's configuration and what discovery says to the units of a run, and the gaps before it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from contracts.errors import AccessDenied, FinopsError
from contracts.units import GLOBAL, Unit
from engine.config import Aws, Tenant

_LOOKUPS = 16  # discovery calls in flight; STS and DescribeRegions allow some 20 a second
_UNKNOWN = "unknown"  # the account of a gap that is about not knowing the accounts


@dataclass(frozen=True, slots=True)
class AwsAccess:
    """How to act in an AWS account: by assuming a role, or with the caller's own credentials when there is none."""

    role_arn: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class AzureAccess:
    """Azure is read with the ambient credential; access is granted there, per subscription."""


@dataclass(frozen=True, slots=True)
class GcpAccess:
    """Google Cloud is read with application default credentials; access is granted there, per project."""


Access = AwsAccess | AzureAccess | GcpAccess


@dataclass(frozen=True, slots=True)
class PlannedUnit:
    """A unit and how to get at it."""

    unit: Unit
    access: Access


@dataclass(frozen=True, slots=True)
class Gap:
    """Something configured that cannot be scanned, and why; its unit has the region `global`."""

    unit: Unit
    error: FinopsError


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be scanned and what will not, both sorted by unit."""

    units: tuple[PlannedUnit, ...]
    gaps: tuple[Gap, ...]


class Discovery(Protocol):
    """What planning asks of AWS; every question may raise a FinopsError."""

    def caller_account(self) -> str:
        """Return the account that the ambient credentials belong to."""
        ...

    def organization_accounts(self, access: AwsAccess) -> tuple[str, ...]:
        """Return the active accounts of the organization."""
        ...

    def enabled_regions(self, account_id: str, access: AwsAccess) -> tuple[str, ...]:
        """Return the regions that are enabled in an account."""
        ...


def plan(tenant: Tenant, discovery: Discovery) -> Plan:
    """Say what to scan for one tenant's workspace.

    One unit per AWS account and region, per Azure subscription and per GCP project. A failed discovery is a gap,
    never an empty list and never the end of the run.
    """
    found: list[PlannedUnit | Gap] = _aws(tenant, tenant.aws, discovery) if tenant.aws else []
    if tenant.azure:
        found += [PlannedUnit(_unit(tenant, "azure", name), AzureAccess()) for name in set(tenant.azure.subscriptions)]
    if tenant.gcp:
        found += [PlannedUnit(_unit(tenant, "gcp", name), GcpAccess()) for name in set(tenant.gcp.projects)]
    found.sort(key=lambda item: item.unit)
    return Plan(
        units=tuple(item for item in found if isinstance(item, PlannedUnit)),
        gaps=tuple(item for item in found if isinstance(item, Gap)),
    )


def _unit(tenant: Tenant, provider: str, account_id: str, region: str = GLOBAL) -> Unit:
    return Unit(tenant.id, tenant.workspace, provider, account_id, region)


def _aws(tenant: Tenant, aws: Aws, discovery: Discovery) -> list[PlannedUnit | Gap]:
    caller = _UNKNOWN
    try:
        caller = discovery.caller_account()
        accounts = aws.accounts or (discovery.organization_accounts(AwsAccess()) if aws.organization else (caller,))
    except FinopsError as error:
        return [Gap(_unit(tenant, "aws", account), error) for account in sorted(set(aws.accounts)) or [caller]]
    with ThreadPoolExecutor(max_workers=_LOOKUPS) as pool:
        found = pool.map(lambda account: _aws_account(tenant, aws, account, caller, discovery), set(accounts))
        return [item for items in found for item in items]


def _aws_account(tenant: Tenant, aws: Aws, account: str, caller: str, discovery: Discovery) -> list[PlannedUnit | Gap]:
    try:
        access = _aws_access(aws, account, caller)
        regions = aws.regions or discovery.enabled_regions(account, access)
    except FinopsError as error:
        return [Gap(_unit(tenant, "aws", account), error)]
    return [PlannedUnit(_unit(tenant, "aws", account, region), access) for region in set(regions)]


def _aws_access(aws: Aws, account: str, caller: str) -> AwsAccess:
    """Choose the way into an account: its own caller walks in, everybody else assumes the role."""
    if account == caller:
        return AwsAccess()
    if aws.role is None:
        detail = f"account {account} is not the caller's own ({caller}) and tenants.aws.role is not set"
        raise AccessDenied("sts:AssumeRole", detail)
    return AwsAccess(aws.role.replace("{account}", account), aws.external_id)
