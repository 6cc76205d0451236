"""Writes the estate's bill: a legacy Cost and Usage Report in Parquet, one file per month, daily lines."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tools.cloudsim.aws_estate import MANAGEMENT
from tools.cloudsim.charges import SAVINGS_PLAN_SHARE, Charge, charges
from tools.cloudsim.estate import Estate
from tools.cloudsim.resources import Address, AwsResource, Instance, Snapshot

PLAN = f"arn:aws:savingsplans::{MANAGEMENT}:savingsplan/5d7f0b1e-4a52-4c8e-9b8e-3a1f6d2c7e90"
PLAN_UTILISATION = Decimal("0.8")  # of the commitment; the rest is paid for and not used
MONTHLY = {  # line item type -> product, USD a month: what a bill has besides resources
    "Tax": ("AmazonEC2", Decimal("181.42")),
    "Fee": ("AWSSupportBusiness", Decimal("100.00")),
    "Credit": ("AmazonEC2", Decimal("-75.00")),
    "EdpDiscount": ("AmazonEC2", Decimal("-61.37")),
}
_CENTS = Decimal("1e-10")  # ten decimals, as in a real report; still exact as a double
_STRINGS = (
    "identity_line_item_id", "identity_time_interval", "bill_invoice_id", "bill_billing_entity", "bill_bill_type",
    "bill_payer_account_id", "line_item_usage_account_id", "line_item_line_item_type", "line_item_product_code",
    "line_item_usage_type", "line_item_operation", "line_item_availability_zone", "line_item_resource_id",
    "line_item_currency_code", "line_item_unblended_rate", "line_item_line_item_description", "line_item_legal_entity",
    "product_product_name", "product_region", "product_servicecode", "pricing_unit", "pricing_term",
    "pricing_currency", "pricing_public_on_demand_rate", "reservation_reservation_a_r_n",
    "savings_plan_savings_plan_a_r_n", "savings_plan_savings_plan_rate", "resource_tags_user_name",
    "resource_tags_user_team",
)  # fmt: skip
_DOUBLES = (
    "line_item_usage_amount", "line_item_unblended_cost", "line_item_blended_cost", "pricing_public_on_demand_cost",
    "reservation_effective_cost", "savings_plan_savings_plan_effective_cost",
    "savings_plan_total_commitment_to_date", "savings_plan_used_commitment",
)  # fmt: skip
_TIMES = (
    "bill_billing_period_start_date", "bill_billing_period_end_date", "line_item_usage_start_date",
    "line_item_usage_end_date",
)  # fmt: skip
_KINDS = (_STRINGS, pa.string()), (_DOUBLES, pa.float64()), (_TIMES, pa.timestamp("us"))
SCHEMA = pa.schema([(name, kind) for names, kind in _KINDS for name in names])
Line = dict[str, Any]


def write_bill(estate: Estate, ids: Mapping[str, str], folder: Path) -> list[Path]:
    """Write the two months up to `as_of` to `folder`, with the ids that seeding gave; returns the files.

    The same input gives the same bytes. The payer is the management account; the month of `as_of` ends there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for month in months(estate.as_of):
        lines = [_complete(line, month, estate.as_of) for line in _lines(estate, ids, month)]
        path = folder / f"cur-{month:%Y-%m}.parquet"
        pq.write_table(pa.Table.from_pylist(lines, SCHEMA), path, compression="zstd")
        written.append(path)
    return written


def bill_total(estate: Estate) -> Decimal:
    """Return the unblended total of the bill in USD, from the charges as a whole and not from its lines.

    Exact but for the rounding of the lines to ten decimals. Amortised it is the same: nothing is paid upfront.
    """
    total = Decimal(0)
    for month in months(estate.as_of):
        end = min(_next_month(month), estate.as_of)
        for charge in charges(estate):
            if not _is_covered(charge.resource):  # paid for by the plan
                total += charge.usage(month, end, _hours_of(month)) * charge.rate
        total += commitment_per_hour(estate) * Decimal((end - month).total_seconds()) / 3600
        total += sum(amount for _, amount in MONTHLY.values())
    return total


def months(as_of: datetime) -> tuple[datetime, datetime]:
    """Return the beginnings of the month that `as_of` ends or interrupts and of the one before."""
    last = (as_of - timedelta(microseconds=1)).date().replace(day=1)
    return _midnight((last - timedelta(days=1)).replace(day=1)), _midnight(last)


def commitment_per_hour(estate: Estate) -> Decimal:
    """Return what the Savings Plan costs an hour, used or not, in USD."""
    covered = [charge.rate for charge in charges(estate) if _is_covered(charge.resource)]
    return (sum(covered, Decimal(0)) * SAVINGS_PLAN_SHARE / PLAN_UTILISATION).quantize(_CENTS)


def billed_id(resource: AwsResource, real_id: str) -> str:
    """Return the form in which the bill names a resource: bare for volumes and instances, else an ARN."""
    kinds = {Snapshot: "snapshot", Address: "elastic-ip"}
    kind = kinds.get(type(resource))
    return f"arn:aws:ec2:{resource.region}:{resource.account_id}:{kind}/{real_id}" if kind else real_id


def _lines(estate: Estate, ids: Mapping[str, str], month: datetime) -> Iterator[Line]:
    end = min(_next_month(month), estate.as_of)
    for charge in charges(estate):
        for begin, until in _days(month, end):
            if charge.usage(begin, until, _hours_of(month)):
                yield from _usage_lines(charge, ids[charge.resource.key], begin, until)
    for begin, until in _days(month, end):
        yield _plan_fee(estate, begin, until)
    for kind, (product, amount) in MONTHLY.items():
        yield _priced(amount) | {
            "line_item_line_item_type": kind,
            "line_item_product_code": product,
            "line_item_usage_account_id": MANAGEMENT,
            "line_item_line_item_description": f"{kind} for {product}",
            "line_item_usage_start_date": month,
            "line_item_usage_end_date": end,
        }


def _usage_lines(charge: Charge, real_id: str, begin: datetime, until: datetime) -> Iterator[Line]:
    resource, usage = charge.resource, charge.usage(begin, until, _hours_of(begin))
    line = _priced(usage * charge.rate) | {
        "line_item_line_item_type": "Usage",
        "line_item_usage_account_id": resource.account_id,
        "line_item_product_code": charge.product_code,
        "line_item_usage_type": charge.usage_type,
        "line_item_operation": charge.operation,
        "line_item_resource_id": billed_id(resource, real_id),
        "line_item_availability_zone": f"{resource.region}a" if isinstance(resource, Instance) else "",
        "line_item_usage_amount": float(usage.quantize(_CENTS)),
        "line_item_unblended_rate": f"{charge.rate:f}",
        "line_item_line_item_description": f"${charge.rate.normalize():f} per {charge.unit} {charge.usage_type}",
        "line_item_usage_start_date": begin,
        "line_item_usage_end_date": until,
        "product_region": resource.region,
        "pricing_unit": charge.unit,
        "pricing_term": "OnDemand",
        "pricing_public_on_demand_cost": float((usage * charge.rate).quantize(_CENTS)),
        "pricing_public_on_demand_rate": f"{charge.rate:f}",
        "resource_tags_user_name": resource.key,
        "resource_tags_user_team": resource.tags.get("team", ""),
    }
    yield from _covered(line, usage, charge) if _is_covered(resource) else (line,)


def _covered(line: Line, usage: Decimal, charge: Charge) -> Iterator[Line]:
    """Yield covered usage at its on-demand price, and the negation of just that, which belongs to no resource."""
    rate = charge.rate * SAVINGS_PLAN_SHARE
    plan = {
        "savings_plan_savings_plan_a_r_n": PLAN,
        "savings_plan_savings_plan_rate": f"{rate:f}",
        "pricing_term": "",
    }
    effective = float((usage * rate).quantize(_CENTS))
    covered = {"line_item_line_item_type": "SavingsPlanCoveredUsage"}
    yield line | plan | covered | {"savings_plan_savings_plan_effective_cost": effective}
    negation = {
        "line_item_line_item_type": "SavingsPlanNegation",
        "line_item_resource_id": "",
        "resource_tags_user_name": "",
        "pricing_public_on_demand_cost": 0.0,
    }
    yield line | plan | negation | _priced(-(usage * charge.rate))


def _plan_fee(estate: Estate, begin: datetime, until: datetime) -> Line:
    cost = commitment_per_hour(estate) * Decimal((until - begin).total_seconds()) / 3600
    used = sum(
        (
            charge.usage(begin, until, _hours_of(begin)) * charge.rate * SAVINGS_PLAN_SHARE
            for charge in charges(estate)
            if _is_covered(charge.resource)
        ),
        Decimal(0),
    )
    return _priced(cost) | {
        "line_item_line_item_type": "SavingsPlanRecurringFee",
        "line_item_usage_account_id": MANAGEMENT,
        "line_item_product_code": "ComputeSavingsPlans",
        "line_item_usage_type": "ComputeSP:1yrNoUpfront",
        "line_item_resource_id": PLAN,
        "line_item_line_item_description": "1 year No Upfront Compute Savings Plan",
        "line_item_usage_start_date": begin,
        "line_item_usage_end_date": until,
        "savings_plan_savings_plan_a_r_n": PLAN,
        "savings_plan_total_commitment_to_date": float(cost.quantize(_CENTS)),
        "savings_plan_used_commitment": float(used.quantize(_CENTS)),
    }


def _is_covered(resource: AwsResource) -> bool:
    return isinstance(resource, Instance) and resource.savings_plan


def _priced(amount: Decimal) -> Line:
    cost = float(amount.quantize(_CENTS))
    return {"line_item_unblended_cost": cost, "line_item_blended_cost": cost}


def _complete(line: Line, month: datetime, as_of: datetime) -> Line:
    """Add what all lines of a month have, an id that follows from the line, and empty text where there is none."""
    begin, until = line["line_item_usage_start_date"], line["line_item_usage_end_date"]
    is_final = _next_month(month) <= as_of - timedelta(days=10)  # invoices come some days into the next month
    full: Line = dict.fromkeys(_STRINGS, "")
    full |= line
    full |= {
        "identity_time_interval": f"{begin:%Y-%m-%dT%H:%M:%SZ}/{until:%Y-%m-%dT%H:%M:%SZ}",
        "bill_invoice_id": f"{month:%Y%m}0001" if is_final else "",
        "bill_billing_entity": "AWS",
        "bill_bill_type": "Anniversary",
        "bill_payer_account_id": MANAGEMENT,
        "bill_billing_period_start_date": month,
        "bill_billing_period_end_date": _next_month(month),
        "line_item_currency_code": "USD",
        "line_item_legal_entity": "Amazon Web Services, Inc.",
        "pricing_currency": "USD",
        "product_servicecode": line["line_item_product_code"],
        "product_product_name": line["line_item_product_code"],
    }
    named = (
        "line_item_usage_account_id", "line_item_line_item_type", "line_item_product_code", "line_item_usage_type",
        "line_item_resource_id", "identity_time_interval",
    )  # fmt: skip
    full["identity_line_item_id"] = hashlib.sha256("|".join(full[name] for name in named).encode()).hexdigest()[:52]
    return full | {name: full[name].astimezone(UTC).replace(tzinfo=None) for name in _TIMES}


def _days(begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while begin < end:
        until = min(begin + timedelta(days=1), end)
        yield begin, until
        begin = until


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _next_month(month: datetime) -> datetime:
    return (month + timedelta(days=31)).replace(day=1)


def _hours_of(day: datetime) -> int:
    month = day.replace(day=1)
    return (_next_month(month) - month).days * 24
