"""A bill with every line type and every kind of dirt, added up a second time by a reader that shares no line of code.

The reference is plain Python over dictionaries and Decimal: one line at a time, by the rules as a person reads them.
"""

import csv
import gzip
import json
import random
from collections import defaultdict
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.warehouse import Warehouse
from contracts.tables import CUR_FACTS
from jobs.costs.ingest import ingest
from jobs.costs.report import IngestReport

UNIT = Decimal("1e-12")
SP, RI = "arn:aws:savingsplans::1:savingsplan/a", "arn:aws:ec2:eu-west-1:1:reserved-instances/b"
TYPES = (
    *("Usage", "Usage", "Usage", "SavingsPlanCoveredUsage", "SavingsPlanNegation", "SavingsPlanRecurringFee"),
    *("SavingsPlanUpfrontFee", "DiscountedUsage", "RIFee", "Fee", "Tax", "Credit", "Refund", "FlatRateSubscription"),
    *("EdpDiscount", "PrivateRateDiscount", "RiVolumeDiscount", "SppDiscount", "BundledDiscount", "Discount"),
    *("OutOfCycleCharge", "NewSinceYesterday"),
)
NET = ("line_item_net_unblended_cost", "savings_plan_net_savings_plan_effective_cost", "reservation_net_effective_cost")
RESERVED = ("reservation_effective_cost", "reservation_net_effective_cost")
COSTS = ("unblended", "net_unblended", "amortized", "net_amortized", "list")
Line = dict[str, Any]
Key = tuple[str, str, str]


@dataclass(frozen=True)
class File:
    """One file of the bill: how it is written and which columns it lacks."""

    name: str
    payer: str
    period: str
    without: tuple[str, ...] = ()


FILES = (
    File("1.csv", "999999999999", "2026-10"),
    File("2.parquet", "999999999999", "2026-10"),
    File("3.csv.gz", "888888888888", "2026-10", NET),
    File("4.jsonl", "888888888888", "2026-09", RESERVED),
    File("5.csv", "1234567890", "2026-08"),
    File("6.parquet", "777777777777", "2026-10", ("line_item_net_unblended_cost",)),
)


def amount(draw: random.Random, *, signed: bool = False) -> float:
    """Draw an amount as exporters have them: tiny, with an exponent, with residues, with many digits."""
    value = draw.choice([draw.random(), draw.random() * 1e-9, round(draw.random() * 9e4, 2), 0.1 + 0.2, 1e-13, 4095.7])
    return -value if signed and draw.random() < 0.5 else value


def line(draw: random.Random, file: File) -> Line:
    kind = draw.choice(TYPES)
    day = f"{file.period}-{draw.randrange(1, 28):02}"
    made: Line = {
        "identity_line_item_id": str(draw.randrange(9)),
        "bill_payer_account_id": file.payer,
        "bill_billing_period_start_date": f"{file.period}-01T00:00:00Z",
        "bill_invoice_id": draw.choice(["", "7"]),
        "line_item_usage_account_id": draw.choice(["111111111111", "22222222", ""]),
        "line_item_line_item_type": kind,
        "line_item_usage_start_date": draw.choice([day, f"{day}T05:00:00.000Z", f"{day} 00:00:00", "2026-07-31"]),
        "line_item_usage_end_date": f"{day}T06:00:00Z",
        "line_item_product_code": draw.choice(["AmazonEC2", "ComputeSavingsPlans", "5hnnev4d0v7m"]),
        "line_item_usage_type": draw.choice(["BoxUsage:m5.large", "EU-DataTransfer", "-"]),
        "line_item_operation": draw.choice(["RunInstances", "RunInstances", "", "EKSPod-EC2"]),
        "line_item_resource_id": draw.choice(["i-0a", "", "NULL", "-", "arn:aws:s3:::b"]),
        "line_item_line_item_description": draw.choice(
            ["x", "Refund for one-time fee for Savings Plan ID 1", 'a, "b"']
        ),
        "line_item_currency_code": draw.choice(["USD", "USD", "CNY"]),
        "line_item_unblended_cost": amount(draw, signed=True),
        "line_item_net_unblended_cost": amount(draw, signed=True),
        "pricing_public_on_demand_cost": amount(draw),
        "resource_tags_user_team": draw.choice(["a", "b", ""]),
        "resource_tags_user_Team": draw.choice(["c", ""]),
    }
    if kind.startswith("SavingsPlan"):
        total, used = draw.randrange(10, 20), draw.randrange(10)
        made |= {
            "savings_plan_savings_plan_a_r_n": SP,
            "savings_plan_savings_plan_effective_cost": amount(draw),
            "savings_plan_net_savings_plan_effective_cost": amount(draw),
            "savings_plan_total_commitment_to_date": total,
            "savings_plan_used_commitment": used,
            "savings_plan_recurring_commitment_for_billing_period": draw.choice([0, 3, 7]),
            "savings_plan_net_recurring_commitment_for_billing_period": 2,
            "savings_plan_amortized_upfront_commitment_for_billing_period": 11,
            "savings_plan_net_amortized_upfront_commitment_for_billing_period": 9,
        }
    if kind in {"DiscountedUsage", "RIFee"} or (kind == "Fee" and draw.random() < 0.5):
        made |= {
            "reservation_reservation_a_r_n": RI,
            "reservation_effective_cost": amount(draw),
            "reservation_net_effective_cost": amount(draw),
            "reservation_amortized_upfront_fee_for_billing_period": 2.5,
            "reservation_unused_amortized_upfront_fee_for_billing_period": amount(draw),
            "reservation_unused_recurring_fee": amount(draw),
            "reservation_net_unused_amortized_upfront_fee_for_billing_period": amount(draw),
            "reservation_net_unused_recurring_fee": amount(draw),
        }
    if kind.endswith("Discount"):
        made["line_item_net_unblended_cost"] = draw.choice([0, None])
    if draw.random() < 0.05 and not file.name.endswith(".parquet"):
        made |= draw.choice(
            [
                {"line_item_unblended_cost": draw.choice(["n/a", "NaN", "", "inf"])},
                {"line_item_usage_start_date": draw.choice(["soon", "1999-01-01", "2199-01-01", ""])},
                {"line_item_usage_account_id": "1.23E+11"},
            ]
        )
    return {name: value for name, value in made.items() if name not in file.without}


def write(folder: Path, file: File, lines: list[Line]) -> None:
    columns = list(dict.fromkeys(name for each in lines for name in each))
    path = folder / file.name
    if file.name.endswith(".parquet"):
        pq.write_table(pa.table({name: [each.get(name) for each in lines] for name in columns}), path)
    elif file.name.endswith(".jsonl"):
        path.write_text("".join(f"{json.dumps(each)}\n" for each in lines))
    else:
        opener: Any = gzip.open if file.name.endswith(".gz") else open
        with opener(path, "wt", encoding="utf-8-sig", newline="") as text:
            writer = csv.DictWriter(text, columns, restval="")
            writer.writeheader()
            writer.writerows(lines)


def number(line: Line, name: str) -> Decimal | None:
    """Read an amount as it is written, rounded half up to twelve decimals; None when there is none."""
    value = line.get(name)
    try:
        read = Decimal(repr(value) if isinstance(value, float) else str(value))
    except InvalidOperation:
        return None
    return read.quantize(UNIT, ROUND_HALF_UP) if read.is_finite() else None


def outcome(line: Line) -> str:
    start = str(line["line_item_usage_start_date"])
    if line["line_item_operation"] == "EKSPod-EC2":
        return "excluded"
    readable = number(line, "line_item_unblended_cost") is not None and "2006" <= start[:4] <= "2101"
    return "fact" if readable and "E+" not in line["line_item_usage_account_id"] else "quarantined"


def costs(line: Line, file: File) -> dict[str, Decimal | None]:
    has_net = "line_item_net_unblended_cost" not in file.without
    net = number(line, "line_item_net_unblended_cost") if has_net else None
    if has_net and net is None and line["line_item_line_item_type"].endswith("Discount"):
        net = Decimal(0)
    return {
        "unblended": number(line, "line_item_unblended_cost"),
        "net_unblended": net,
        "amortized": amortized(line, "", number(line, "line_item_unblended_cost")),
        "net_amortized": amortized(line, "net_", net) if has_net else None,
        "list": number(line, "pricing_public_on_demand_cost"),
    }


def is_upfront(line: Line) -> bool:
    kind = line["line_item_line_item_type"]
    refund = line["line_item_line_item_description"].startswith("Refund for one-time fee for Savings Plan ID")
    return (
        kind == "SavingsPlanUpfrontFee"
        or (kind == "Fee" and bool(line.get("reservation_reservation_a_r_n")))
        or (kind == "Refund" and line["line_item_product_code"] == "ComputeSavingsPlans" and refund)
    )


def amortized(line: Line, net: str, plain: Decimal | None) -> Decimal | None:
    kind = line["line_item_line_item_type"]
    if kind == "SavingsPlanNegation" or is_upfront(line):
        return Decimal(0)
    if kind == "SavingsPlanCoveredUsage":
        return number(line, f"savings_plan_{net}savings_plan_effective_cost")
    if kind == "SavingsPlanRecurringFee":
        unused = Decimal(line["savings_plan_total_commitment_to_date"] - line["savings_plan_used_commitment"])
        part = "recurring" if line["savings_plan_recurring_commitment_for_billing_period"] else "amortized_upfront"
        gross, paid = (line[f"savings_plan_{which}{part}_commitment_for_billing_period"] for which in ("", "net_"))
        return (unused * paid / gross).quantize(UNIT, ROUND_HALF_UP) if net else unused
    if kind == "DiscountedUsage":
        return number(line, f"reservation_{net}effective_cost")
    if kind == "RIFee":
        names = (
            f"reservation_{net}unused_amortized_upfront_fee_for_billing_period",
            f"reservation_{net}unused_recurring_fee",
        )
        return sum((number(line, name) or Decimal(0) for name in names), Decimal(0))
    return plain


def residual(lines: list[tuple[Line, dict[str, Decimal | None]]]) -> Decimal:
    names = (
        "savings_plan_amortized_upfront_commitment_for_billing_period",
        "reservation_amortized_upfront_fee_for_billing_period",
    )
    spread = sum((number(each, name) or Decimal(0) for each, _ in lines for name in names), Decimal(0))
    upfront = sum((read["unblended"] or Decimal(0) for each, read in lines if is_upfront(each)), Decimal(0))
    difference = sum(
        ((read["amortized"] or Decimal(0)) - (read["unblended"] or Decimal(0)) for _, read in lines), Decimal(0)
    )
    return difference + upfront - spread


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[File, list[Line]]]:
    draw, folder = random.Random(20261001), tmp_path_factory.mktemp("bill")
    lines = {file: [line(draw, file) for _ in range(400)] for file in FILES}
    for file, each in lines.items():
        write(folder, file, each)
    return folder, lines


@pytest.fixture(scope="module")
def loaded(
    bill: tuple[Path, dict[File, list[Line]]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Warehouse, IngestReport]:
    folder = tmp_path_factory.mktemp("warehouse")
    warehouse = Warehouse.open(f"sqlite:///{folder}/catalog.db", str(folder / "warehouse"))
    return warehouse, ingest(warehouse, "acme", [str(bill[0])])


@pytest.fixture(scope="module")
def reference(bill: tuple[Path, dict[File, list[Line]]]) -> dict[Key, list[tuple[Line, dict[str, Decimal | None]]]]:
    """Return the facts by payer, period and currency, each line with its costs."""
    facts: dict[Key, list[tuple[Line, dict[str, Decimal | None]]]] = defaultdict(list)
    for file, lines in bill[1].items():
        for each in lines:
            if outcome(each) == "fact":
                key = (file.payer.zfill(12), file.period, each["line_item_currency_code"])
                facts[key].append((each, costs(each, file)))
    return facts


def total(values: list[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if len(known) == len(values) else None


def test_every_line_is_accounted_for(
    loaded: tuple[Warehouse, IngestReport], bill: tuple[Path, dict[File, list[Line]]]
) -> None:
    for report, (_, lines) in zip(loaded[1].files, bill[1].items(), strict=True):
        outcomes = [outcome(each) for each in lines]
        counts = [outcomes.count(name) for name in ("fact", "excluded", "quarantined")]
        assert [report.error, report.facts, report.excluded, report.quarantined] == [None, *counts]
        assert report.rows == sum(counts) == len(lines)
    assert all(sum(getattr(each, name) for each in loaded[1].files) for name in ("excluded", "quarantined"))


def test_every_sum_is_the_references_to_the_last_digit(
    loaded: tuple[Warehouse, IngestReport], reference: dict[Key, list[tuple[Line, dict[str, Decimal | None]]]]
) -> None:
    periods = {(each.payer, each.billing_period, each.currency): each for each in loaded[1].periods}
    assert periods.keys() == reference.keys()
    for key, lines in reference.items():
        expected = {name: total([read[name] for _, read in lines]) for name in COSTS}
        assert {name: getattr(periods[key], name) for name in COSTS} == expected, key
        assert periods[key].rows == len(lines)
        if expected["amortized"] is not None:
            assert periods[key].residual == residual(lines)


def test_every_line_type_has_the_references_cost_on_the_one_basis_of_its_period(
    loaded: tuple[Warehouse, IngestReport], reference: dict[Key, list[tuple[Line, dict[str, Decimal | None]]]]
) -> None:
    expected: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for payer, period in {key[:2] for key in reference}:
        lines = [(key[2], *each) for key, found in reference.items() if key[:2] == (payer, period) for each in found]
        ladder = ("net_amortized", "amortized", "net_unblended", "unblended")
        basis = next(name for name in ladder if total([read[name] for *_, read in lines]) is not None)
        for currency, each, read in lines:
            expected[payer, period, currency, each["line_item_line_item_type"], basis] += read[basis] or Decimal(0)
    keys = ["payer_account_id", "billing_period", "currency", "line_item_type", "cost_basis"]
    rows = loaded[0].scan(CUR_FACTS, "acme").select(*keys, "cost_primary").collect().rows()
    found: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for *key, cost in rows:
        found[tuple(key)] += cost
    assert found == expected
    assert {key[4] for key in found} == {"net_amortized", "amortized", "net_unblended"}


def test_identity_and_texts_survive_too(loaded: tuple[Warehouse, IngestReport]) -> None:
    facts = loaded[0].scan(CUR_FACTS, "acme").collect()
    assert set(facts["resource_id"]) == {"i-0a", "arn:aws:s3:::b", None}
    assert set(facts["account_id"]) == {"111111111111", "000022222222", None}
    assert facts["usage_start"].dtype.time_zone == "UTC"
