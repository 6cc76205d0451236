"""What an ingest leaves behind: facts replaced, quarantine and its money, the log of what changed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from catalog.warehouse import Warehouse
from contracts.errors import ConfigError
from contracts.tables import CUR_FACTS, CUR_INGESTS, CUR_QUARANTINE, Table
from jobs.costs.ingest import ingest
from jobs.costs.owners import read_owners

Bill = Callable[..., str]
COST, PAYER, ACCOUNT = "lineItem/UnblendedCost", "bill/PayerAccountId", "lineItem/UsageAccountId"
SEPTEMBER = {"bill/BillingPeriodStartDate": "2026-09-01T00:00:00Z"}
TABLES = (CUR_FACTS, CUR_QUARANTINE, CUR_INGESTS)


def rows(warehouse: Warehouse, table: Table, tenant: str = "acme") -> list[dict[str, Any]]:
    return warehouse.scan(table, tenant).collect().to_dicts()


def costs(warehouse: Warehouse) -> list[tuple[str, str, Decimal]]:
    found = rows(warehouse, CUR_FACTS)
    return sorted((each["payer_account_id"], each["billing_period"], each["unblended_cost"]) for each in found)


def test_the_same_delivery_again_commits_nothing(warehouse: Warehouse, bill: Bill) -> None:
    """Row 10: the content counts, not when or from where it came."""
    lines = [{COST: "1"}, {COST: "abc"}, {PAYER: "888888888888"}]
    ingest(warehouse, "acme", [bill(lines, "a/bill.csv")])
    before = [warehouse.snapshot_id(table) for table in TABLES]
    report = ingest(warehouse, "acme", [bill(lines, "b/bill.csv")])
    assert [warehouse.snapshot_id(table) for table in TABLES] == before
    assert [(period.rows, period.replaced, period.delta["unblended"]) for period in report.periods] == [(1, 1, 0)] * 2


def test_a_restated_month_is_replaced_and_the_difference_told(warehouse: Warehouse, bill: Bill) -> None:
    """Row 10: credits and refunds come after a month has closed."""
    ingest(warehouse, "acme", [bill([{**SEPTEMBER, COST: "10"}, {COST: "1"}])])
    credit = [{**SEPTEMBER, COST: "10"}, {**SEPTEMBER, COST: "-2.5", "lineItem/LineItemType": "Credit"}]
    report = ingest(warehouse, "acme", [bill(credit)], as_of=datetime(2026, 10, 7, tzinfo=UTC))
    (period,) = report.to_json()["periods"]
    assert (period["rows"], period["replaced"]) == (2, 1)
    assert period["delta"] == {
        "unblended": "-2.5",
        "net_unblended": None,
        "amortized": "-2.5",
        "net_amortized": None,
        "list": None,
    }
    assert "a closed month was restated: unblended -2.5, amortized -2.5" in report.warnings[-1]
    assert sum(cost for _, month, cost in costs(warehouse) if month == "2026-09") == Decimal("7.5")


def test_every_ingest_is_written_down_with_its_checks(warehouse: Warehouse, bill: Bill) -> None:
    as_of = datetime(2026, 11, 1, tzinfo=UTC)
    for cost in ("1", "3"):
        lines = [{COST: cost}, {COST: ""}, {"lineItem/Operation": "EKSPod-EC2"}, {PAYER: "888888888888"}]
        ingest(warehouse, "acme", [bill(lines)], as_of=as_of)
    every = sorted(rows(warehouse, CUR_INGESTS), key=lambda row: row["sequence"])
    log = [row for row in every if row["payer_account_id"] == "999999999999"]
    assert [(row["sequence"], row["rows"], row["excluded"], row["quarantined"]) for row in log] == [
        (1, 1, 1, 1),
        (2, 1, 1, 1),
    ]
    assert [(row["unblended"], row["replaced"], row["delta_unblended"]) for row in log] == [(1, 0, None), (3, 1, 2)]
    assert {(row["residual"], row["net_residual"], row["status"], row["as_of"]) for row in log} == {
        (0, None, "ok", as_of)
    }
    assert len({row["delivery"] for row in log}) == 2
    assert all("bill.csv: no line_item_net_unblended_cost, " in row["warnings"][-1] for row in log)
    assert [row["sequence"] for row in every] == [1, 1, 2, 2]


def test_quarantined_lines_are_kept_as_they_were_with_their_money(warehouse: Warehouse, bill: Bill) -> None:
    """Row 2: nothing that cannot be read is lost, and what it would have cost is told."""
    lines = [{COST: "1"}, {COST: "5", "lineItem/UsageStartDate": "soon"}, {COST: "1,50"}, {COST: "7", ACCOUNT: "1E+11"}]
    report = ingest(warehouse, "acme", [bill(lines)])
    kept = {row["reason"]: row for row in rows(warehouse, CUR_QUARANTINE)}
    assert {reason: row["amount"] for reason, row in kept.items()} == {
        "cannot be read: line_item_usage_start_date": "5",
        "cannot be read: line_item_unblended_cost": "1,50",
        "account id is not a number": "7",
    }
    line = json.loads(kept["cannot be read: line_item_unblended_cost"]["line"])
    assert (line[COST], line["lineItem/ResourceId"]) == ("1,50", "vol-0a")
    assert {(each["reason"], each["lines"], each["cost"]) for each in report.to_json()["quarantined"]} == {
        ("cannot be read: line_item_usage_start_date", 1, "5"),
        ("cannot be read: line_item_unblended_cost", 1, None),
        ("account id is not a number", 1, "7"),
    }
    ingest(warehouse, "acme", [bill([{COST: "1"}])])
    assert rows(warehouse, CUR_QUARANTINE) == []


def test_only_the_payer_that_is_delivered_is_touched(warehouse: Warehouse, bill: Bill) -> None:
    both = [{COST: "1"}, {COST: "x"}, {PAYER: "888888888888", COST: "2"}, {PAYER: "888888888888", COST: "y"}]
    ingest(warehouse, "acme", [bill(both)])
    before = {task.file.file_path for task in warehouse.load(CUR_FACTS).scan().plan_files()}
    ingest(warehouse, "acme", [bill([{COST: "9"}])])
    after = {task.file.file_path for task in warehouse.load(CUR_FACTS).scan().plan_files()}
    assert len(before & after) == 1  # the other payer's file is the same file, not a copy
    assert costs(warehouse) == [("888888888888", "2026-10", 2), ("999999999999", "2026-10", 9)]
    assert [row["amount"] for row in rows(warehouse, CUR_QUARANTINE)] == ["y"]


def test_a_payer_and_period_is_one_commit(warehouse: Warehouse, bill: Bill) -> None:
    ingest(warehouse, "acme", [bill([{}, SEPTEMBER]), bill([{}], "more.csv")])
    before = len(warehouse.load(CUR_FACTS).metadata.metadata_log)
    ingest(warehouse, "acme", [bill([{COST: "2"}, SEPTEMBER]), bill([{}], "more.csv")])
    assert len(warehouse.load(CUR_FACTS).metadata.metadata_log) - before == 2
    assert [cost for _, _, cost in costs(warehouse)] == [1, 1, 2]


@pytest.mark.parametrize("folders", [("hourly", "daily"), ("d", "d")])
def test_two_exports_of_a_payer_and_period_are_not_added_up(
    warehouse: Warehouse, bill: Bill, written: Callable[..., str], folders: tuple[str, str]
) -> None:
    """Row 21: each has every charge. Which one is meant, only a person can say."""
    ingest(warehouse, "acme", [bill([{COST: "7"}], "first.csv")])
    second = {
        "bill_payer_account_id": "999999999999",
        "line_item_unblended_cost": "1",
        "line_item_usage_start_date": "2026-10-05",
    }
    paths = [
        bill([{COST: "1"}], f"{folders[0]}/1.csv"),
        written([{**second, "bill_payer_account_name": "x"}], f"{folders[1]}/2.csv"),
        bill([{COST: "3", PAYER: "888888888888"}], "third.csv"),
    ]
    report = ingest(warehouse, "acme", paths)
    errors = [file.error for file in report.files if file.error]
    assert len(errors) == 2
    assert all("two exports of payer 999999999999 and 2026-10" in error for error in errors)
    assert costs(warehouse) == [("888888888888", "2026-10", 3), ("999999999999", "2026-10", 7)]
    assert ingest(warehouse, "acme", paths[:1]).periods[0].replaced == 1


def test_a_month_by_the_hour_and_by_the_day_is_told_by_its_total(warehouse: Warehouse, bill: Bill) -> None:
    """Row 21: in one folder, nothing but the contents tells two exports apart."""
    hourly, daily = bill([{COST: "1"}, {COST: "2.5"}], "d/hourly.csv"), bill([{COST: "3.5"}], "d/daily.csv")
    report = ingest(warehouse, "acme", [str(Path(hourly).parent)])
    assert [
        f"{daily} of 1 lines and {hourly} of 2 with the same total" in str(file.error) for file in report.files
    ] == [
        True,
        True,
    ]
    assert ingest(warehouse, "acme", [daily]).periods[0].unblended == Decimal("3.5")


def test_an_actual_and_an_amortised_export_are_not_one(warehouse: Warehouse, written: Callable[..., str]) -> None:
    line = {
        "MeterId": "m",
        "Date": "10/05/2026",
        "SubscriptionGuid": "s",
        "ReservationId": "r",
        "BillingCurrency": "EUR",
    }
    paths = [
        written(
            [{**line, "ChargeType": "Purchase", "Cost": "30"}, {**line, "ChargeType": "Usage", "Cost": "0"}], "1.csv"
        ),
        written([{**line, "ChargeType": "Usage", "Cost": "1"}], "2.csv"),
    ]
    report = ingest(warehouse, "acme", paths)
    assert all("one actual and one amortised: name one of them" in str(file.error) for file in report.files)
    assert costs(warehouse) == []


def test_what_a_refused_file_has_of_other_months_is_not_loaded_by_halves(warehouse: Warehouse, bill: Bill) -> None:
    paths = [bill([{}, SEPTEMBER], "a/1.csv"), bill([SEPTEMBER], "a/2.csv"), bill([{}], "b/1.csv")]
    report = ingest(warehouse, "acme", paths)
    assert [bool(file.error) for file in report.files] == [True, True, True]
    assert not report.readable
    assert costs(warehouse) == []


OWNERS = """
"888888888888" = "globex"
["999999999999"]
"111111111111" = "acme"
"222222222222" = "globex"
"""


def test_accounts_have_the_tenant_that_the_map_says(warehouse: Warehouse, bill: Bill, tmp_path: Path) -> None:
    """Nobody gets another tenant's costs, and what nobody owns is kept back."""
    (tmp_path / "map.toml").write_text(OWNERS)
    owners = read_owners(tmp_path / "map.toml").assigned
    accounts = ("111111111111", "222222222222", "333333333333", "")
    lines = [{ACCOUNT: account, COST: str(cost)} for cost, account in enumerate(accounts)]
    path = bill([*lines, {PAYER: "888888888888", COST: "9"}])
    reports = {name: ingest(warehouse, name, [path], payer_tenants=owners) for name in ("acme", "globex")}
    assert {name: sorted(row["unblended_cost"] for row in rows(warehouse, CUR_FACTS, name)) for name in reports} == {
        "acme": [0],
        "globex": [1, 9],
    }
    assert reports["acme"].files[0].reasons == {"account of nobody": 2, "account of somebody else": 2}
    assert {row["account_id"] for row in rows(warehouse, CUR_QUARANTINE)} == {"333333333333", None}


def test_the_others_of_a_payer_can_be_given_away_at_once(warehouse: Warehouse, bill: Bill) -> None:
    owners = {"999999999999": {"111111111111": "globex", "*": "acme"}}
    report = ingest(warehouse, "acme", [bill([{}, {ACCOUNT: "5"}, {ACCOUNT: ""}])], payer_tenants=owners)
    assert (report.files[0].facts, report.files[0].reasons) == (2, {"account of somebody else": 1})


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('"1" = 7', "1"),
        ('"1" = "No Tenant"', "1"),
        ('["1"]\n"2" = ["acme"]', "1.2"),
        ('["1"]\n"" = "acme"', "1"),
        ('" " = "acme"', " "),
        ("[", "syntax"),
    ],
)
def test_a_map_that_is_none_names_file_and_key(tmp_path: Path, text: str, key: str) -> None:
    (tmp_path / "map.toml").write_text(text)
    with pytest.raises(ConfigError) as error:
        read_owners(tmp_path / "map.toml")
    assert (error.value.file, error.value.key) == (str(tmp_path / "map.toml"), key)


def test_a_bill_of_next_year_is_told_and_one_beyond_is_kept_back(warehouse: Warehouse, bill: Bill) -> None:
    """Row 3: prepaid charges lie ahead, but not for years."""
    ahead = [{"bill/BillingPeriodStartDate": f"{month}-01T00:00:00Z"} for month in ("2027-03", "2028-03")]
    report = ingest(warehouse, "acme", [bill(ahead)], as_of=datetime(2026, 11, 1, tzinfo=UTC))
    assert [period.billing_period for period in report.periods] == ["2027-03"]
    assert report.warnings == ["payer 999999999999, 2027-03, USD: a billing period that has not begun"]
    assert report.files[0].reasons == {"later than a bill can be: after 2027-12-06": 1}


def test_a_month_that_does_not_add_up_is_told(warehouse: Warehouse, bill: Bill) -> None:
    lines = [
        {COST: "10", "lineItem/NetUnblendedCost": "9"},
        {"lineItem/LineItemType": "SavingsPlanNegation", COST: "-4"},
    ]
    report = ingest(warehouse, "acme", [bill(lines)])
    assert [warning.partition(", USD: ")[2] for warning in report.warnings] == [
        "the amortisation identity (amortised = unblended - upfront fees + their amortisation) fails by 4"
    ]
    (row,) = rows(warehouse, CUR_INGESTS)
    assert (row["residual"], row["net_residual"]) == (4, None)


def test_lines_of_a_period_on_different_bases_are_all_told_on_the_worst(warehouse: Warehouse, bill: Bill) -> None:
    """Row 6 of what others get wrong: one basis per payer and period, whatever the files are."""
    net = {"lineItem/NetUnblendedCost": "4"}
    ingest(
        warehouse, "acme", [bill([{COST: "5", **net}, {**SEPTEMBER, COST: "6", **net}], "1.csv"), bill([{}], "2.csv")]
    )
    found = warehouse.scan(CUR_FACTS, "acme").sort("unblended_cost").select("cost_basis", "cost_primary").collect()
    assert found.rows() == [("amortized", 1), ("amortized", 5), ("net_amortized", 4)]


def test_files_are_read_elsewhere_if_somebody_says_where(warehouse: Warehouse, bill: Bill) -> None:
    """Each file is an order of its own: the ones a cluster reads give the same facts."""
    paths = [bill([{COST: str(cost)}], f"{cost}.csv") for cost in range(3)]

    def backwards(read: Callable[..., Any], orders: Any) -> list[Any]:
        return [read(order) for order in reversed(orders)][::-1]

    assert ingest(warehouse, "acme", paths, stage_all=backwards).periods[0].rows == 3
    assert pl.DataFrame(rows(warehouse, CUR_FACTS))["source_file"].n_unique() == 3
