import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.warehouse import Warehouse
from contracts.tables import CUR_FACTS
from jobs.costs.dialect import Column, snake
from jobs.costs.dialects import dialects, recognised
from jobs.costs.ingest import ingest

Bill = Callable[..., str]
START = "line_item_usage_start_date"
LINE = {"line_item_unblended_cost": 1.5, START: "2026-10-05", "bill_payer_account_id": "999999999999"}


@pytest.fixture
def loaded(warehouse: Warehouse, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Ingest one line, a path of a CSV or a Parquet table, and return its fact."""

    def made(given: str | pa.Table) -> dict[str, Any]:
        path = given if isinstance(given, str) else str(tmp_path / "year=2026" / "part.parquet")
        if not isinstance(given, str):
            Path(path).parent.mkdir(exist_ok=True)
            pq.write_table(given, path)
        (file,) = ingest(warehouse, "acme", [path]).files
        assert (file.error, file.facts) == (None, 1)
        (fact,) = warehouse.scan(CUR_FACTS, "acme").collect().to_dicts()
        return fact

    return made


def columns(*names: str) -> list[Column]:
    return [Column(name, name, "VARCHAR") for name in names]


def test_a_file_is_recognised_by_its_columns_alone() -> None:
    found = [
        recognised(columns("lineItem/UnblendedCost", "lineItem/UsageStartDate")),
        recognised(columns("line_item_unblended_cost")),
        recognised(columns("LINE_ITEM_UNBLENDED_COST", "bill_payer_account_name")),
        recognised(columns("line_item_unblended_cost", "resource_tags")),
        recognised(columns("billedcost", "ChargeCategory")),
        recognised(columns("MeterId", "CostInBillingCurrency")),
        recognised(columns("ID der Verbrauchseinheit (MeterId)", "Kosten (PreTaxCost)")),
        recognised(columns("sku.id", "usage_start_time", "cost", "credits")),
        recognised(columns("a", "b")),
    ]
    assert [dialect.name if dialect else None for dialect in found] == [
        *("aws_cur_legacy", "aws_cur_legacy", "aws_cur_2", "aws_cur_2"),
        *("focus", "azure_cost", "azure_cost", "gcp_billing", None),
    ]


def test_every_dialect_is_found_and_narrower_ones_are_asked_first() -> None:
    names = [dialect.name for dialect in dialects()]
    assert names == ["focus", "aws_cur_2", "aws_cur_legacy", "azure_cost", "gcp_billing"]


@pytest.mark.parametrize(
    ("slash", "athena"),
    [
        ("lineItem/ResourceId", "line_item_resource_id"),
        ("savingsPlan/SavingsPlanARN", "savings_plan_savings_plan_a_r_n"),
        ("product/region", "product_region"),
        ("pricing/publicOnDemandCost", "pricing_public_on_demand_cost"),
        ("Line_Item_Type", "line_item_type"),
    ],
)
def test_slash_names_are_spelled_as_athena_spells_them(slash: str, athena: str) -> None:
    assert snake(slash) == athena


@pytest.mark.parametrize(
    "cost", [1.5, "1.5", Decimal("1.50"), pa.scalar(Decimal("1.5"), pa.decimal128(20, 8)), " 1.5 ", "15e-1"]
)
def test_a_cost_of_any_physical_type_is_the_same_decimal(loaded: Callable[..., Any], cost: Any) -> None:
    table = pa.table({**{name: [value] for name, value in LINE.items()}, "line_item_unblended_cost": pa.array([cost])})
    assert loaded(table)["unblended_cost"] == Decimal("1.5")


INSTANT = datetime(2026, 10, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    "start",
    [
        "2026-10-05T06:00:00Z",
        "2026-10-05T06:00:00.000Z",
        "2026-10-05 06:00:00",
        "2026-10-05T08:00:00+02:00",
        pa.scalar(INSTANT, pa.timestamp("ms", "UTC")),
        pa.scalar(INSTANT.replace(tzinfo=None), pa.timestamp("ns")),
        pa.scalar(INSTANT, pa.timestamp("us", "Asia/Tokyo")),
        1_791_180_000,
        1_791_180_000_000,
        1_791_180_000_000_000,
        1_791_180_000_000_000_000,
    ],
)
def test_an_instant_of_any_form_is_the_same_utc_time(loaded: Callable[..., Any], start: Any) -> None:
    fact = loaded(pa.table({**{name: [value] for name, value in LINE.items()}, START: pa.array([start])}))
    assert fact["usage_start"] == INSTANT
    assert fact["billing_period"] == "2026-10"


@pytest.mark.parametrize(
    ("given", "account"),
    [("123", "000000000123"), (12345678901, "012345678901"), (123.0, "000000000123"), ("1234567890123",) * 2],
)
def test_an_account_id_gets_its_zeros_back(loaded: Callable[..., Any], given: Any, account: str) -> None:
    line = {**LINE, "line_item_usage_account_id": given}
    assert loaded(pa.table({name: [value] for name, value in line.items()}))["account_id"] == account


@pytest.mark.parametrize("nothing", ["", "NULL", "null", "-", " "])
def test_the_ways_of_writing_nothing_are_null(loaded: Callable[..., Any], bill: Bill, nothing: str) -> None:
    assert loaded(bill([{"lineItem/ResourceId": nothing}]))["resource_id"] is None


@pytest.mark.parametrize(
    ("row", "region"),
    [
        ({"product/region": "eu-west-1", "product/regionCode": "us-east-1"}, "eu-west-1"),
        ({"product/regionCode": "EU-West-3"}, "eu-west-3"),
        ({"lineItem/AvailabilityZone": "us-west-2b"}, "us-west-2"),
        ({"lineItem/AvailabilityZone": "us-east-1-bos-1a"}, "us-east-1"),
        ({"lineItem/UsageType": "EU-BoxUsage:t3.micro"}, "eu-west-1"),
        ({"lineItem/UsageType": "APS3-EBS:SnapshotUsage"}, "ap-south-1"),
        ({"lineItem/UsageType": "Requests-Tier1"}, "global"),
    ],
)
def test_the_region_comes_from_the_best_column_there_is(
    loaded: Callable[..., Any], bill: Bill, row: dict[str, str], region: str
) -> None:
    assert loaded(bill([row]))["region"] == region


def test_a_marketplace_product_is_called_by_its_name(loaded: Callable[..., Any], bill: Bill) -> None:
    row = {"bill/BillingEntity": "AWS Marketplace", "lineItem/ProductCode": "5hnnev4d0v7m", "product/ProductName": "X"}
    assert loaded(bill([row]))["service"] == "X"


def test_tags_of_a_csv_keep_their_keys_without_the_prefix(loaded: Callable[..., Any], bill: Bill) -> None:
    row = {
        "resourceTags/user:Team": "a",
        "resourceTags/user:team": "b",
        "resourceTags/aws:createdBy": "me",
        'resourceTags/user:it\'s "x", y': "c",
        "resourceTags/user:empty": "",
    }
    assert loaded(bill([row]))["tags"] == {"Team": "a", "team": "b", "aws:createdBy": "me", 'it\'s "x", y': "c"}


TAGS = {"user_team": "a", "user_empty": "", "aws_created_by": "me"}
PAIRS = list(TAGS.items())


@pytest.mark.parametrize(
    "tags",
    [
        pa.array([PAIRS], pa.map_(pa.string(), pa.string())),
        pa.array([[("user_team", "old"), *PAIRS]], pa.map_(pa.string(), pa.string())),
        pa.array([TAGS]),
        pa.array([json.dumps(TAGS)]),
        pa.array([[{"key": key, "value": value} for key, value in PAIRS]]),
    ],
    ids=["map", "map with a repeated key", "struct", "json", "list of pairs"],
)
def test_cur_2_tags_are_one_map_whatever_they_are_delivered_as(loaded: Callable[..., Any], tags: pa.Array) -> None:
    fact = loaded(pa.table({**{name: [value] for name, value in LINE.items()}, "resource_tags": tags}))
    assert fact["tags"] == {"team": "a", "aws_created_by": "me"}


def test_tags_of_accounts_and_users_stand_beside_those_of_resources(loaded: Callable[..., Any]) -> None:
    line = {name: [value] for name, value in LINE.items()}
    maps = {
        name: pa.array([pairs], pa.map_(pa.string(), pa.string()))
        for name, pairs in {"resource_tags": PAIRS, "tags": [("accountTag/team", "b")]}.items()
    }
    assert loaded(pa.table({**line, **maps}))["tags"] == {"accountTag/team": "b", "team": "a", "aws_created_by": "me"}


@pytest.mark.parametrize("tags", ["not json", None])
def test_cur_2_tags_that_are_none_are_unknown(loaded: Callable[..., Any], tags: str | None) -> None:
    line = {name: [value] for name, value in LINE.items()}
    assert not loaded(pa.table({**line, "resource_tags": pa.array([tags], pa.string())}))["tags"]


def test_cur_2_finds_the_region_in_the_product_map(loaded: Callable[..., Any]) -> None:
    product = pa.array([[("region", "eu-central-1")]], pa.map_(pa.string(), pa.string()))
    line = {name: [value] for name, value in LINE.items()}
    assert loaded(pa.table({**line, "product": product}))["region"] == "eu-central-1"


def test_a_subset_without_cost_or_start_is_named(warehouse: Warehouse, tmp_path: Path) -> None:
    path = str(tmp_path / "part.parquet")
    pl.DataFrame({"line_item_unblended_cost": ["1"], "bill_payer_account_name": ["x"]}).write_parquet(path)
    (file,) = ingest(warehouse, "acme", [path]).files
    assert file.error == f"a bill of dialect aws_cur_2 without {START}"


def test_an_invoiced_line_is_final(warehouse: Warehouse, bill: Bill) -> None:
    ingest(warehouse, "acme", [bill([{"bill/InvoiceId": "7"}, {}])])
    assert sorted(warehouse.scan(CUR_FACTS, "acme").collect()["invoice_final"]) == [False, True]


def test_a_line_keeps_both_its_dates(loaded: Callable[..., Any], bill: Bill) -> None:
    fact = loaded(bill([{"lineItem/UsageStartDate": "2026-09-30T00:00:00Z", "lineItem/LineItemType": "Refund"}]))
    assert (fact["billing_period"], fact["usage_start"]) == ("2026-10", datetime(2026, 9, 30, tzinfo=UTC))
