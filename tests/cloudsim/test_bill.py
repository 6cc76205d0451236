"""The bill agrees with the estate, to the cent."""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tools.cloudsim.aws_estate import MANAGEMENT
from tools.cloudsim.bill import MONTHLY, PLAN, bill_total, months, write_bill
from tools.cloudsim.estate import build_estate

IDS = {each.key: f"id-of-{each.key}" for each in build_estate().resources}
ROUNDING = Decimal("0.000001")  # thousands of lines, each rounded to ten decimals
Line = dict[str, Any]


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[Line]:
    written = write_bill(build_estate(), IDS, tmp_path_factory.mktemp("bill"))
    return [line for path in written for line in pq.read_table(path).to_pylist()]


def _sum(lines: list[Line], column: str = "line_item_unblended_cost") -> Decimal:
    return sum((Decimal(repr(line[column])) for line in lines if line[column] is not None), Decimal(0))


def _of(lines: list[Line], key: str, month: int | None = None) -> list[Line]:
    mine = [line for line in lines if line["line_item_resource_id"].endswith(f"id-of-{key}")]
    return [line for line in mine if month is None or line["line_item_usage_start_date"].month == month]


def test_the_total_is_what_the_charges_come_to(lines: list[Line]) -> None:
    assert abs(_sum(lines) - bill_total(build_estate())) < ROUNDING
    assert _sum(lines) > 4_000


def test_a_volume_costs_a_month_of_its_size_at_list_price(lines: list[Line]) -> None:
    assert abs(_sum(_of(lines, "forgotten-db", 10)) - 500 * Decimal("0.08")) < ROUNDING
    assert abs(_sum(_of(lines, "forgotten-db", 9)) - 500 * Decimal("0.08")) < ROUNDING


def test_a_volume_made_within_the_month_costs_its_days(lines: list[Line]) -> None:
    assert len(_of(lines, "just-detached")) == 13
    assert abs(_sum(_of(lines, "just-detached")) - 100 * Decimal("0.08") * 13 / 31) < ROUNDING


def test_a_snapshot_is_billed_under_its_arn_for_what_it_stores(lines: list[Line]) -> None:
    mine = _of(lines, "forgotten-db-120d", 10)
    assert {line["line_item_resource_id"] for line in mine} == {
        "arn:aws:ec2:us-east-1:222233334444:snapshot/id-of-forgotten-db-120d"
    }
    assert abs(_sum(mine) - 35 * Decimal("0.05")) < ROUNDING


def test_addresses_are_billed_under_their_arn_idle_and_in_use(lines: list[Line]) -> None:
    for key, usage in (
        ("demo-endpoint", "IdleAddress"),
        ("web-endpoint", "InUseAddress"),
        ("migration-ip", "IdleAddress"),
    ):
        mine = _of(lines, key, 10)
        assert {line["line_item_usage_type"].rpartition(":")[2] for line in mine} == {usage}
        assert all(":elastic-ip/" in line["line_item_resource_id"] for line in mine)
        assert _sum(mine) == Decimal("0.005") * 744


def test_a_stopped_instance_bills_until_it_was_stopped_and_its_volumes_go_on(lines: list[Line]) -> None:
    assert _of(lines, "migration-host") == []
    assert len(_of(lines, "demo-box")) == 31  # stopped on October 2: 30 days of September and one of October
    assert len(_of(lines, "demo-box-root", 10)) == 31


def test_a_savings_plan_covers_its_instance_and_is_negated_without_a_resource(lines: list[Line]) -> None:
    by_type: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_type[line["line_item_line_item_type"]].append(line)
    covered, negated = by_type["SavingsPlanCoveredUsage"], by_type["SavingsPlanNegation"]
    assert covered == _of(lines, "idle-reports")
    assert _sum(covered) == -_sum(negated) > 0
    assert {line["line_item_resource_id"] for line in negated} == {""}
    effective = _sum(covered, "savings_plan_savings_plan_effective_cost")
    assert abs(effective - _sum(covered) * Decimal("0.72")) < ROUNDING


def test_amortised_and_unblended_totals_agree_though_they_differ_by_resource(lines: list[Line]) -> None:
    fees = [line for line in lines if line["line_item_line_item_type"] == "SavingsPlanRecurringFee"]
    unused = _sum(fees, "savings_plan_total_commitment_to_date") - _sum(fees, "savings_plan_used_commitment")
    plan_lines = [line for line in lines if line["savings_plan_savings_plan_a_r_n"] == PLAN]
    amortised = _sum(plan_lines, "savings_plan_savings_plan_effective_cost") + unused
    assert unused > 0
    assert abs(amortised - _sum(plan_lines)) < ROUNDING


def test_tax_support_credit_and_discount_stand_once_a_month_without_a_resource(lines: list[Line]) -> None:
    others = [line for line in lines if line["line_item_line_item_type"] in MONTHLY]
    assert Counter(line["line_item_line_item_type"] for line in others) == dict.fromkeys(MONTHLY, 2)
    assert {line["line_item_resource_id"] for line in others} == {""}
    assert _sum(others) == 2 * sum(amount for _, amount in MONTHLY.values())


def test_every_line_has_an_id_of_its_own_and_the_management_account_pays(lines: list[Line]) -> None:
    assert len({line["identity_line_item_id"] for line in lines}) == len(lines)
    assert {line["bill_payer_account_id"] for line in lines} == {MANAGEMENT}


def test_the_same_estate_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write_bill(build_estate(), IDS, tmp_path / name) for name in ("first", "second"))
    assert [path.name for path in first] == ["cur-2026-09.parquet", "cur-2026-10.parquet"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_month_that_is_not_over_is_billed_up_to_the_logical_time(tmp_path: Path) -> None:
    as_of = datetime(2026, 11, 20, 6, tzinfo=UTC)
    estate = build_estate(as_of)
    assert [month.month for month in months(as_of)] == [10, 11]
    written = write_bill(estate, IDS, tmp_path)
    lines = [line for path in written for line in pq.read_table(path).to_pylist()]
    assert max(line["line_item_usage_end_date"] for line in lines) == as_of.replace(tzinfo=None)
    assert abs(_sum(lines) - bill_total(estate)) < ROUNDING
