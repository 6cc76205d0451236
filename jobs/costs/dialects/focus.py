"""FOCUS 1.0 to 1.4 of any provider: one column set under old and new names, in any case.

Billed     BilledCost is what is invoiced, after negotiated discounts: the unblended and the net unblended cost
Amortised  EffectiveCost spreads prepaid purchases over what they cover, after discounts: amortised and net amortised
List       ListCost; ContractedCost is not kept, no fact has it
Docs       https://focus.finops.org/focus-specification/
"""

from collections.abc import Sequence

from jobs.costs.dialect import Column, Dialect, entries, merged

# Our column: FOCUS's names for it, lower case, the one to believe first.
_NAMES = {
    # 1.3 split the provider in two and 1.4 took the old names away; OCI's 1.0 has its own.
    "service_provider": ("serviceprovidername", "providername", "provider"),
    "publisher": ("publishername", "publisher", "invoiceissuername", "invoiceissuer"),
    "billing_account_id": ("billingaccountid",),
    "billing_period_start": ("billingperiodstart",),
    "sub_account_id": ("subaccountid",),
    "region_id": ("regionid", "region"),
    "region_name": ("regionname",),
    "service_code": ("x_servicecode",),
    "service_name": ("servicename",),
    "resource_id": ("resourceid",),
    "charge_period_start": ("chargeperiodstart",),
    "charge_period_end": ("chargeperiodend",),
    "charge_category": ("chargecategory",),
    "charge_class": ("chargeclass",),
    "usage_type": ("x_usagetype", "skumeter", "x_skumetername"),
    "operation": ("x_operation",),
    "consumed_quantity": ("consumedquantity",),
    "consumed_unit": ("consumedunit",),
    "pricing_quantity": ("pricingquantity",),
    "pricing_unit": ("pricingunit",),
    "billed_cost": ("billedcost",),
    "effective_cost": ("effectivecost",),
    "list_cost": ("listcost",),
    "billing_currency": ("billingcurrency",),
    "commitment_discount_id": ("commitmentdiscountid",),
    "commitment_discount_type": ("commitmentdiscounttype",),
    "commitment_discount_status": ("commitmentdiscountstatus",),
    "invoice_id": ("invoiceid",),
}
_TIMES = ("billing_period_start", "charge_period_start", "charge_period_end")
_AMOUNTS = ("billed_cost", "effective_cost")
_MEASURES = ("list_cost", "consumed_quantity", "pricing_quantity")


def recognise(columns: Sequence[Column]) -> bool:
    """Say whether a file has the cost and the category that every FOCUS data set must have."""
    return {"billedcost", "chargecategory"} <= {column.name.lower() for column in columns}


def locate(columns: Sequence[Column]) -> dict[str, str]:
    """Find the columns by name, whatever their case."""
    named = {column.name.lower(): column for column in columns}
    found = {
        ours: next(named[name].sql for name in theirs if name in named)
        for ours, theirs in _NAMES.items()
        if any(name in named for name in theirs)
    }
    return {**found, "tags": merged(entries(named["tags"]))} if "tags" in named else found


DIALECT = Dialect(
    name="focus",
    rank=10,
    recognise=recognise,
    locate=locate,
    texts=tuple(name for name in _NAMES if name not in {*_TIMES, *_AMOUNTS, *_MEASURES}),
    times=_TIMES,
    amounts=_AMOUNTS,
    measures=_MEASURES,
    required=("billed_cost", "charge_period_start"),
    query="cur_facts/focus",
)
