"""Planning: configuration and discovery in, units and gaps out."""

import pickle
from dataclasses import dataclass, field

import pytest

from contracts.errors import AccessDenied, FinopsError, TransientError
from contracts.units import Unit
from engine.config import Aws, Azure, Gcp, Tenant
from engine.plan import AwsAccess, AzureAccess, Discovery, GcpAccess, Plan, PlannedUnit, plan

OWN, OTHER, THIRD = "111111111111", "222222222222", "333333333333"
ROLE = "arn:aws:iam::{account}:role/finops-read"


@dataclass
class FakeDiscovery:
    """Answers from memory; an error in place of an answer is raised."""

    caller: str | FinopsError = OWN
    accounts: tuple[str, ...] | FinopsError = (OTHER, OWN)
    regions: dict[str, tuple[str, ...] | FinopsError] = field(default_factory=dict)
    asked: list[tuple[str, AwsAccess]] = field(default_factory=list)

    def caller_account(self) -> str:
        if isinstance(self.caller, FinopsError):
            raise self.caller
        return self.caller

    def organization_accounts(self, access: AwsAccess) -> tuple[str, ...]:
        assert access == AwsAccess()
        if isinstance(self.accounts, FinopsError):
            raise self.accounts
        return self.accounts

    def enabled_regions(self, account_id: str, access: AwsAccess) -> tuple[str, ...]:
        self.asked.append((account_id, access))
        answer = self.regions.get(account_id, ("us-east-1", "eu-west-1"))
        if isinstance(answer, FinopsError):
            raise answer
        return answer


def planned(aws: Aws, discovery: Discovery) -> Plan:
    return plan(Tenant(id="acme", workspace="prod", aws=aws), discovery)


def places(result: Plan) -> list[tuple[str, str]]:
    return [(each.unit.account_id, each.unit.region) for each in result.units]


def test_listed_accounts_and_regions_make_one_unit_each_in_order() -> None:
    aws = Aws(accounts=(OTHER, OWN, OTHER), regions=("us-east-1", "eu-west-1"), role=ROLE)
    discovery = FakeDiscovery()
    result = planned(aws, discovery)
    assert places(result) == [(OWN, "eu-west-1"), (OWN, "us-east-1"), (OTHER, "eu-west-1"), (OTHER, "us-east-1")]
    assert result.gaps == ()
    assert discovery.asked == [], "listed regions need no look-up"


def test_a_foreign_account_is_read_by_its_role_and_the_own_one_by_ambient_credentials() -> None:
    result = planned(Aws(organization=True, regions=("us-east-1",), role=ROLE, external_id="x"), FakeDiscovery())
    assert [each.access for each in result.units] == [
        AwsAccess(),
        AwsAccess("arn:aws:iam::222222222222:role/finops-read", "x"),
    ]


def test_regions_that_are_not_listed_are_those_enabled_in_each_account() -> None:
    discovery = FakeDiscovery(regions={OWN: ("us-east-1",), OTHER: ("af-south-1",)})
    result = planned(Aws(organization=True, role=ROLE), discovery)
    assert places(result) == [(OWN, "us-east-1"), (OTHER, "af-south-1")]


def test_an_aws_part_without_accounts_means_the_callers_own() -> None:
    assert places(planned(Aws(regions=("us-east-1",)), FakeDiscovery())) == [(OWN, "us-east-1")]


def test_a_foreign_account_without_a_role_is_a_gap_and_the_others_are_scanned() -> None:
    result = planned(Aws(accounts=(OWN, OTHER), regions=("us-east-1",)), FakeDiscovery())
    assert places(result) == [(OWN, "us-east-1")]
    (gap,) = result.gaps
    assert gap.unit == Unit("acme", "prod", "aws", OTHER, "global")
    assert isinstance(gap.error, AccessDenied)
    assert gap.error.permission == "sts:AssumeRole"


def test_a_refused_look_up_of_regions_is_a_gap_of_that_account_only() -> None:
    denied = AccessDenied("ec2:DescribeRegions", "no")
    result = planned(
        Aws(accounts=(OWN, OTHER, THIRD), role=ROLE), FakeDiscovery(regions={OTHER: denied, OWN: ("us-east-1",)})
    )
    assert {account for account, _ in places(result)} == {OWN, THIRD}
    assert [(gap.unit.account_id, gap.error) for gap in result.gaps] == [(OTHER, denied)]


def test_a_refused_list_of_accounts_is_a_gap_and_never_an_empty_plan() -> None:
    denied = AccessDenied("organizations:ListAccounts", "no")
    result = planned(Aws(organization=True, role=ROLE), FakeDiscovery(accounts=denied))
    assert result.units == ()
    assert [(gap.unit.account_id, gap.unit.region, gap.error) for gap in result.gaps] == [(OWN, "global", denied)]


@pytest.mark.parametrize(
    ("aws", "gaps"),
    [
        (Aws(accounts=(OWN, OTHER), role=ROLE), [OWN, OTHER]),
        (Aws(organization=True, role=ROLE), ["unknown"]),
    ],
)
def test_without_credentials_every_account_is_a_gap(aws: Aws, gaps: list[str]) -> None:
    result = planned(aws, FakeDiscovery(caller=TransientError("no route")))
    assert result.units == ()
    assert [gap.unit.account_id for gap in result.gaps] == gaps


def test_azure_and_gcp_have_one_unit_per_subscription_and_project() -> None:
    tenant = Tenant(
        id="acme", workspace="prod", azure=Azure(subscriptions=("sub-2", "sub-1")), gcp=Gcp(projects=("acme-prod",))
    )
    assert plan(tenant, FakeDiscovery()).units == (
        PlannedUnit(Unit("acme", "prod", "azure", "sub-1", "global"), AzureAccess()),
        PlannedUnit(Unit("acme", "prod", "azure", "sub-2", "global"), AzureAccess()),
        PlannedUnit(Unit("acme", "prod", "gcp", "acme-prod", "global"), GcpAccess()),
    )


def test_azure_is_planned_even_when_aws_cannot_be() -> None:
    tenant = Tenant(id="acme", workspace="prod", aws=Aws(), azure=Azure(subscriptions=("sub-1",)))
    result = plan(tenant, FakeDiscovery(caller=AccessDenied("sts:GetCallerIdentity", "no credentials")))
    assert [each.unit.provider for each in result.units] == ["azure"]
    assert [gap.unit.provider for gap in result.gaps] == ["aws"]


def test_a_plan_survives_the_way_to_another_process() -> None:
    result = planned(Aws(accounts=(OWN, OTHER), regions=("us-east-1",)), FakeDiscovery())
    copied = pickle.loads(pickle.dumps(result))  # noqa: S301 our own bytes, as Ray moves them
    assert copied.units == result.units
    assert str(copied.gaps[0].error) == str(result.gaps[0].error)
