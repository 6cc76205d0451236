import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from catalog.warehouse import Warehouse
from jobs.costs.ingest import ingest

Facts = Callable[..., list[dict[str, Any]]]
Written = Callable[..., str]
ROW: dict[str, Any] = {
    "BilledCost": "3",
    "EffectiveCost": "2.5",
    "ListCost": "4",
    "BillingAccountId": "1234",
    "SubAccountId": "12345678901",
    "BillingCurrency": "USD",
    "BillingPeriodStart": "2026-10-01T00:00:00Z",
    "ChargePeriodStart": "2026-10-05 06:00:00",
    "ChargePeriodEnd": "2026-10-05 07:00:00",
    "ChargeCategory": "Usage",
    "ChargeClass": "NULL",
    "ProviderName": "AWS",
    "RegionId": "us-west-2",
    "ResourceId": "vol-0A",
    "ServiceName": "Amazon Elastic Compute Cloud",
    "ConsumedQuantity": "7",
    "ConsumedUnit": "GB-Hours",
    "Tags": '{"team": "a", "empty": "", "team2": null}',
}


def test_billed_cost_is_unblended_and_effective_cost_amortised_both_net(facts: Facts, written: Written) -> None:
    (fact,) = facts(written([ROW]))
    assert (fact["unblended_cost"], fact["net_unblended_cost"]) == (3, 3)
    assert (fact["amortized_cost"], fact["net_amortized_cost"]) == (Decimal("2.5"), Decimal("2.5"))
    assert (fact["list_cost"], fact["cost_primary"], fact["cost_basis"]) == (4, Decimal("2.5"), "net_amortized")
    assert (fact["provider"], fact["payer_account_id"], fact["account_id"]) == ("aws", "000000001234", "012345678901")
    assert (fact["region"], fact["resource_id"], fact["charge_class"]) == ("us-west-2", "vol-0A", None)
    assert (fact["quantity"], fact["unit"], fact["tags"]) == (7, "GB-Hours", {"team": "a"})
    assert (fact["usage_start"].hour, fact["usage_end"].hour, fact["billing_period"]) == (6, 7, "2026-10")
    assert fact["invoice_final"] is None


@pytest.mark.parametrize(
    ("names", "provider"),
    [
        ({"ProviderName": "AWS"}, "aws"),
        ({"ProviderName": "Microsoft", "PublisherName": "Redis Ltd."}, "azure"),
        ({"Provider": "Oracle", "Publisher": "Oracle", "InvoiceIssuer": "Oracle"}, "oci"),
        ({"ServiceProviderName": "Google Cloud", "HostProviderName": "Google Cloud"}, "gcp"),
        ({"ServiceProviderName": "Amazon Web Services", "ProviderName": ""}, "aws"),
        ({"ServiceProviderName": "Databricks Inc."}, "databricks_inc_"),
        ({"PublisherName": "Microsoft"}, "azure"),
        ({}, None),
    ],
)
def test_the_provider_is_read_under_the_names_of_every_version(
    facts: Facts, written: Written, names: dict[str, str], provider: str | None
) -> None:
    (fact,) = facts(written([{key: value for key, value in ROW.items() if key != "ProviderName"} | names]))
    assert fact["provider"] == provider


def test_names_in_lower_case_and_nested_tags_are_read_as_well(facts: Facts, written: Written) -> None:
    row = {name.lower(): value for name, value in ROW.items()} | {"billedcost": 3.5, "tags": [("team", "a")]}
    (fact,) = facts(written([row | {"tags": {"team": "a"}}], "part.parquet"))
    assert (fact["unblended_cost"], fact["tags"]) == (Decimal("3.5"), {"team": "a"})


def test_ids_of_azure_ignore_case_and_a_subscription_is_its_bare_id(facts: Facts, written: Written) -> None:
    row = {"ProviderName": "Microsoft", "SubAccountId": "/subscriptions/AB-1", "ResourceId": "/Subscriptions/AB-1/X"}
    (fact,) = facts(written([{**ROW, **row, "RegionId": "West Europe"}]))
    assert (fact["account_id"], fact["resource_id"], fact["region"]) == ("ab-1", "/subscriptions/ab-1/x", "westeurope")


def test_oracle_names_its_region_where_others_have_the_id(facts: Facts, written: Written) -> None:
    row = {**ROW, "ProviderName": "Oracle", "RegionId": "NULL", "RegionName": "us-sanjose-1"}
    assert facts(written([row]))[0]["region"] == "us-sanjose-1"
    assert facts(written([{**row, "RegionName": "External"}]))[0]["region"] == "global"


def test_an_invoice_id_makes_a_row_final(facts: Facts, written: Written) -> None:
    found = facts(written([{**ROW, "InvoiceId": "7"}, {**ROW, "BilledCost": "4", "InvoiceId": ""}]))
    assert [fact["invoice_final"] for fact in found] == [True, False]


def test_what_a_commitment_covers_and_leaves_unused_is_told_apart(facts: Facts, written: Written) -> None:
    plan = {"CommitmentDiscountId": "arn:a", "CommitmentDiscountType": "Savings Plan", "BilledCost": "0"}
    used = {**ROW, **plan, "CommitmentDiscountStatus": "Used", "EffectiveCost": "1"}
    unused = {**ROW, **plan, "CommitmentDiscountStatus": "Unused", "EffectiveCost": "2"}
    found = facts(written([used, unused]))
    assert [fact["line_item_type"] for fact in found] == ["Used Usage", "Unused Usage"]
    assert {(fact["commitment_id"], fact["commitment_kind"]) for fact in found} == {("arn:a", "savings_plan")}


def test_only_rows_without_a_prepayment_leave_a_residual(warehouse: Warehouse, written: Written) -> None:
    purchase = {**ROW, "ChargeCategory": "Purchase", "BilledCost": "100", "EffectiveCost": "0"}
    covered = {**ROW, "CommitmentDiscountId": "a", "BilledCost": "0", "EffectiveCost": "9"}
    plain = {**ROW, "BilledCost": "3", "EffectiveCost": "3"}
    (period,) = ingest(warehouse, "acme", [written([purchase, covered, plain])]).periods
    assert (period.unblended, period.amortized, period.residual) == (103, 12, 0)
    (period,) = ingest(warehouse, "acme", [written([purchase, covered, ROW])]).periods
    assert period.residual == Decimal("-0.5")


def test_without_an_effective_cost_the_basis_falls_a_step(warehouse: Warehouse, written: Written) -> None:
    """Row 1: a column that is missing is null, and what needs it is not known."""
    path = written([{key: value for key, value in ROW.items() if key not in {"EffectiveCost", "Tags"}}])
    (period,) = ingest(warehouse, "acme", [path]).periods
    assert (period.cost_basis, period.amortized, period.unblended) == ("net_unblended", None, 3)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ('{"team": "a", "team": "b", "team": ""}', {"team": "b"}),
        ('"team": "a", "other": "x, y"', {"team": "a", "other": "x, y"}),
        (json.dumps([{"key": "team", "value": "a"}, {"key": "team", "value": "b"}]), {"team": "b"}),
        ("[{'key': 'team', 'value': 'a'}]", {"team": "a"}),
        ('{"nested": {"a": 1}}', {"nested": '{"a":1}'}),
        ("NULL", {}),
        ("none of it", {}),
    ],
)
def test_tags_of_any_form_are_a_map_and_the_last_value_counts(
    facts: Facts, written: Written, tags: str, expected: dict[str, str]
) -> None:
    """Row 6: map, JSON, braces missing, list of pairs, repeated keys, none."""
    assert (facts(written([{**ROW, "Tags": tags}]))[0]["tags"] or {}) == expected


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("2005-12-31T00:00:00Z", "usage start before 2006"),
        ("2027-12-08T00:00:00Z", "later than a bill can be: after 2027-12-06"),
    ],
)
def test_a_charge_of_another_time_is_kept_back(warehouse: Warehouse, written: Written, start: str, reason: str) -> None:
    """Row 3: before 2006 or more than 400 days ahead is no date of a bill; a prepayment of next year is."""
    rows = [{**ROW, "ChargePeriodStart": start}, {**ROW, "ChargePeriodStart": "2027-11-30T00:00:00Z"}]
    (file,) = ingest(warehouse, "acme", [written(rows)], as_of=datetime(2026, 11, 1, tzinfo=UTC)).files
    assert (file.facts, file.reasons) == (1, {reason: 1})


@pytest.mark.parametrize("account", ["1.23E+11", "1.2e+3"])
@pytest.mark.parametrize("provider", ["AWS", "Oracle"])
def test_an_account_that_a_spreadsheet_rounded_is_kept_back(
    warehouse: Warehouse, written: Written, provider: str, account: str
) -> None:
    """Row 4: the number is lost; guessing it would book the cost on somebody else."""
    (file,) = ingest(warehouse, "acme", [written([{**ROW, "ProviderName": provider, "SubAccountId": account}])]).files
    assert file.quarantined == 1


def test_payers_of_other_clouds_are_owned_as_they_are_spelled(warehouse: Warehouse, written: Written) -> None:
    rows = [{**ROW, "ProviderName": "Oracle", "BillingAccountId": payer} for payer in ("8611537", "77")]
    owners = {"8611537": "acme", "77": "globex"}
    (file,) = ingest(warehouse, "acme", [written(rows)], payer_tenants=owners).files
    assert (file.facts, file.reasons) == (1, {"account of somebody else": 1})
