import csv
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from catalog.warehouse import Warehouse
from contracts.tables import CUR_FACTS
from jobs.costs.ingest import ingest

Bill = Callable[..., str]
COST = "lineItem/UnblendedCost"
PAYER = "bill/PayerAccountId"
COSTS = ["0.0000001", "1.0E-7", "12.345678901234", "-3.5", "0"]


def facts(warehouse: Warehouse, tenant: str = "acme") -> pl.DataFrame:
    return warehouse.scan(CUR_FACTS, tenant).collect()


def counted(file: Any) -> tuple[int, int, int, int]:
    return file.rows, file.facts, file.excluded, file.quarantined


@pytest.mark.parametrize("name", ["bill.csv", "bill.csv.gz", "a[1]*.csv"])
def test_a_csv_adds_up_to_an_independent_reading_of_it(warehouse: Warehouse, bill: Bill, name: str) -> None:
    path = bill([{COST: cost} for cost in COSTS], name)
    plain = bill([{COST: cost} for cost in COSTS], "plain.csv")
    with Path(plain).open(encoding="utf-8", newline="") as file:
        expected = sum((Decimal(row[COST]).quantize(Decimal("1e-12")) for row in csv.DictReader(file)), Decimal(0))
    report = ingest(warehouse, "acme", [path]).to_json()
    assert report["totals"] == [{"currency": "USD", "rows": 5, "unblended": "8.845679101234"}]
    assert Decimal(report["totals"][0]["unblended"]) == expected == facts(warehouse)["unblended_cost"].sum()


def test_the_report_has_the_agreed_keys(warehouse: Warehouse, bill: Bill) -> None:
    path = bill([{}])
    report = ingest(warehouse, "acme", [path]).to_json()
    assert report["files"] == [
        {
            "path": path,
            "dialect": "aws_cur_legacy",
            "rows": 1,
            "facts": 1,
            "excluded": 0,
            "quarantined": 0,
            "error": None,
        }
    ]
    assert report["periods"] == [
        {
            "payer": "999999999999",
            "billing_period": "2026-10",
            "currency": "USD",
            "rows": 1,
            "unblended": "1",
            "net_unblended": None,
            "amortized": "1",
            "net_amortized": None,
            "list": None,
            "cost_basis": "amortized",
            "residual": "0",
            "status": "ok",
            "replaced": 0,
            "delta": None,
        }
    ]


def test_the_same_delivery_twice_is_the_same_facts(warehouse: Warehouse, bill: Bill) -> None:
    path = bill([{COST: cost} for cost in COSTS])
    ingest(warehouse, "acme", [path])
    before = facts(warehouse)
    (period,) = ingest(warehouse, "acme", [path]).periods
    assert (period.rows, period.replaced) == (5, 5)
    assert facts(warehouse).to_dicts() == before.to_dicts()


def test_parts_of_one_delivery_add_up_and_a_file_counts_once(warehouse: Warehouse, bill: Bill, tmp_path: Path) -> None:
    paths = [bill([{COST: "1"}], "d/1.csv"), bill([{COST: "2"}], "d/2.csv"), str(tmp_path / "d")]
    (period,) = ingest(warehouse, "acme", paths).periods
    assert period.unblended == 3


def test_a_restated_month_replaces_its_payer_and_leaves_the_others(warehouse: Warehouse, bill: Bill) -> None:
    other = {PAYER: "888888888888", COST: "5"}
    last_month = {"bill/BillingPeriodStartDate": "2026-09-01T00:00:00Z", COST: "7"}
    ingest(warehouse, "acme", [bill([{COST: "1"}, other, last_month])])
    ingest(warehouse, "globex", [bill([{COST: "9"}])])
    ingest(warehouse, "acme", [bill([{COST: "2"}])])
    rows = facts(warehouse).sort("unblended_cost").select("payer_account_id", "billing_period", "cost_primary").rows()
    assert rows == [
        ("999999999999", "2026-10", Decimal(2)),
        ("888888888888", "2026-10", Decimal(5)),
        ("999999999999", "2026-09", Decimal(7)),
    ]
    assert facts(warehouse, "globex")["unblended_cost"].to_list() == [9]


def test_currencies_are_never_added(warehouse: Warehouse, bill: Bill) -> None:
    rows = [{COST: "1"}, {COST: "7", "lineItem/CurrencyCode": "CNY"}]
    report = ingest(warehouse, "acme", [bill(rows)]).to_json()
    assert [(total["currency"], total["unblended"]) for total in report["totals"]] == [("CNY", "7"), ("USD", "1")]
    assert [period["currency"] for period in report["periods"]] == ["CNY", "USD"]


def test_what_is_no_bill_is_named_and_the_others_load(warehouse: Warehouse, bill: Bill, tmp_path: Path) -> None:
    good = Path(bill([{COST: "1"}], "d/good.csv"))
    whole = good.with_name("cut.parquet")
    pl.DataFrame({"line_item_unblended_cost": ["1"] * 999}).write_parquet(whole)
    whole.write_bytes(whole.read_bytes()[:200])
    good.with_name("page.csv").write_text("<html>\n<body>moved</body>\n")
    good.with_name("other.csv").write_text("a,b\n1,2\n")
    good.with_name("ragged.csv").write_text(good.read_text() + "1,2\n")
    good.with_name("cut.csv.gz").write_bytes(Path(bill([{}], "whole.csv.gz")).read_bytes()[:60])
    good.with_name("empty.csv").touch()
    good.with_name("d_$folder$").touch()
    good.with_name("create-table.sql").write_text("CREATE TABLE")
    report = ingest(warehouse, "acme", [str(tmp_path / "d"), str(tmp_path / "gone.csv")])
    errors = {Path(file.path).name: file.error for file in report.files}
    assert errors.pop("good.csv") is None
    assert set(errors) == {
        *("cut.parquet", "page.csv", "other.csv", "ragged.csv", "cut.csv.gz", "empty.csv", "d_$folder$"),
        *("create-table.sql", "gone.csv"),
    }
    assert all(errors.values())
    assert "no known bill: its 2 columns begin with a, b" in (errors["other.csv"] or "")
    assert "bills-" not in " ".join(filter(None, errors.values()))
    assert report.readable
    assert facts(warehouse).height == 1


def test_a_bad_file_makes_its_period_partial_where_the_path_says_which(
    warehouse: Warehouse, bill: Bill, tmp_path: Path
) -> None:
    last = {"bill/BillingPeriodStartDate": "2026-09-01T00:00:00Z"}
    bill([{}, last], "BILLING_PERIOD=2026-10/1.csv")
    (tmp_path / "BILLING_PERIOD=2026-10/2.csv").write_text("<html>")
    periods = ingest(warehouse, "acme", [str(tmp_path)]).periods
    assert [(period.billing_period, period.status) for period in periods] == [("2026-09", "ok"), ("2026-10", "partial")]


def test_nothing_readable_changes_nothing(warehouse: Warehouse, bill: Bill, tmp_path: Path) -> None:
    ingest(warehouse, "acme", [bill([{}])])
    before = warehouse.snapshot_id(CUR_FACTS)
    unreachable = "gs://anonymous@bucket/x?endpoint_override=127.0.0.1:1&scheme=http&retry_limit_seconds=1"
    report = ingest(warehouse, "acme", [str(tmp_path / "nowhere*"), unreachable])
    assert not report.readable
    assert report.to_json()["periods"] == report.to_json()["totals"] == []
    assert warehouse.snapshot_id(CUR_FACTS) == before


def test_a_payer_of_another_tenant_or_of_nobody_goes_to_quarantine(warehouse: Warehouse, bill: Bill) -> None:
    rows = [{COST: "1"}, {PAYER: "222222222222", COST: "5"}, {PAYER: "333333333333", COST: "7"}]
    owners = {"999999999999": "acme", "222222222222": "globex"}
    report = ingest(warehouse, "acme", [bill(rows)], payer_tenants=owners)
    assert counted(report.files[0]) == (3, 1, 0, 2)
    assert report.files[0].reasons == {"account of somebody else": 1, "not one of the payers": 1}
    assert facts(warehouse)["unblended_cost"].to_list() == [1]
    assert facts(warehouse, "globex").is_empty()


def test_split_cost_allocation_is_left_out_and_counted(warehouse: Warehouse, bill: Bill) -> None:
    rows = [{"lineItem/Operation": "RunInstances"}, {"lineItem/Operation": "EKSPod-EC2"}]
    report = ingest(warehouse, "acme", [bill(rows)])
    assert counted(report.files[0]) == (2, 1, 1, 0)


@pytest.mark.parametrize(
    "bad",
    [
        {COST: "abc"},
        {COST: "NaN"},
        {COST: "Infinity"},
        {COST: ""},
        {"lineItem/UsageStartDate": "soon"},
        {"lineItem/UsageStartDate": "1999-01-01T00:00:00Z"},
        {"bill/BillingPeriodStartDate": "soon"},
        {"lineItem/UsageAccountId": "1.23E+11"},
    ],
)
def test_a_line_without_a_readable_cost_date_or_account_is_quarantined(
    warehouse: Warehouse, bill: Bill, bad: dict[str, str]
) -> None:
    report = ingest(warehouse, "acme", [bill([{}, bad])])
    assert counted(report.files[0]) == (2, 1, 0, 1)
    assert sum(report.files[0].reasons.values()) == 1


def test_garbage_in_a_column_the_line_does_not_use_costs_nothing(warehouse: Warehouse, bill: Bill) -> None:
    report = ingest(warehouse, "acme", [bill([{"savingsPlan/SavingsPlanEffectiveCost": "n/a", COST: "4"}])])
    assert counted(report.files[0]) == (1, 1, 0, 0)
    assert facts(warehouse)["cost_primary"].to_list() == [4]
