"""Azure cost exports, actual and amortised, of EA, MCA and pay-as-you-go, under English or localised headers.

Actual     its cost is the unblended cost: a reservation on the day it is bought, what it covers at 0
Amortised  its cost is the amortised and, being after negotiated prices, the net amortised cost; no purchases
Which      the two have the same columns: what the lines of commitments cost tells them apart; a file without
           such lines is both, for they differ in nothing else
List       PaygCostInBillingCurrency, else PayGPrice x Quantity by block
Docs       https://learn.microsoft.com/azure/cost-management-billing/automate/understand-usage-details-fields
"""

import re
from collections.abc import Sequence

from jobs.costs.dialect import Column, Dialect, entries, merged

# Our column: Azure's names for it over the years and agreements, letters and digits only, the one to believe first.
_NAMES = {
    "billing_account_id": ("billingaccountid", "enrollmentnumber"),
    "billing_profile_id": ("billingprofileid",),
    "billing_period_start": ("billingperiodstartdate", "billingperiodstart"),
    # Where both are, SubscriptionId is an internal number.
    "subscription_id": ("subscriptionguid", "subscriptionid"),
    "resource_location": ("resourcelocation",),
    "meter_region": ("meterregion",),
    "location": ("location",),
    "consumed_service": ("consumedservice",),
    "meter_category": ("metercategory",),
    "meter_name": ("metername",),
    "resource_id": ("resourceid", "instanceid"),
    "resource_name": ("instancename", "resourcename"),
    "usage_date": ("date", "usagedatetime", "usagedate"),
    "charge_type": ("chargetype",),
    "quantity": ("quantity", "consumedquantity", "usagequantity"),
    "unit_of_measure": ("unitofmeasure",),
    "cost": ("costinbillingcurrency", "cost", "pretaxcost", "extendedcost"),
    "effective_price": ("effectiveprice", "resourcerate"),
    "payg_price": ("paygprice",),
    "payg_cost": ("paygcostinbillingcurrency",),
    "currency": ("billingcurrency", "billingcurrencycode", "currency", "currencycode"),
    "benefit_id": ("benefitid",),
    "reservation_id": ("reservationid",),
    "pricing_model": ("pricingmodel",),
    "invoice_id": ("invoiceid",),
}
_TIMES = ("billing_period_start", "usage_date")
_AMOUNTS = ("cost",)
_MEASURES = ("quantity", "effective_price", "payg_price", "payg_cost")
_KNOWN = {name for names in _NAMES.values() for name in names} | {"meterid", "tags"}


def recognise(columns: Sequence[Column]) -> bool:
    """Say whether a file has a cost and the meter that only Azure bills by."""
    names = {_english(column.name) for column in columns}
    return "meterid" in names and not names.isdisjoint(_NAMES["cost"])


def locate(columns: Sequence[Column]) -> dict[str, str]:
    """Find the columns by their English names; dates become ISO dates and decimal commas points."""
    named = {_english(column.name): column for column in reversed(columns)}
    found: dict[str, str] = {}
    for ours, theirs in _NAMES.items():
        column = next((named[name] for name in theirs if name in named), None)
        if column:
            found[ours] = _iso(column) if ours in _TIMES else _point(column, ours)
    return {**found, "tags": merged(entries(named["tags"]))} if "tags" in named else found


def _english(header: str) -> str:
    """Return a header's English name, folded; `Abonnement-GUID (SubscriptionGuid)` is `subscriptionguid`."""
    inside = re.search(r"\(([^()]+)\)\s*$", header)
    folded = [re.sub("[^a-z0-9]", "", text.lower()) for text in ([inside[1]] if inside else []) + [header]]
    return next((name for name in folded if name in _KNOWN), folded[-1])


def _iso(column: Column) -> str:
    """Spell 09/22/2023 (month first, as all of Azure's do), 22.09.2023 and 20230922 as ISO dates."""
    text = f"trim(CAST({column.sql} AS VARCHAR))"
    for form, iso in (
        (r"^(\d{1,2})/(\d{1,2})/(\d{4})", r"\3-\1-\2"),
        (r"^(\d{1,2})\.(\d{1,2})\.(\d{4})", r"\3-\2-\1"),
        (r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3"),
    ):
        text = f"regexp_replace({text}, '{form}', '{iso}')"
    return text


def _point(column: Column, ours: str) -> str:
    """Write the decimal comma of a localised export as a point; 1.234,5 is so too, 1,234.5 has a comma to leave out."""
    if column.kind != "VARCHAR" or ours not in {*_AMOUNTS, *_MEASURES}:
        return column.sql
    return (
        f"CASE WHEN regexp_matches({column.sql}, '^[^,]*,[^,.]*$')"
        f" THEN replace(replace({column.sql}, '.', ''), ',', '.') ELSE replace({column.sql}, ',', '') END"
    )


DIALECT = Dialect(
    name="azure_cost",
    rank=40,
    recognise=recognise,
    locate=locate,
    texts=tuple(name for name in _NAMES if name not in {*_TIMES, *_AMOUNTS, *_MEASURES}),
    times=_TIMES,
    amounts=_AMOUNTS,
    measures=_MEASURES,
    required=("cost", "usage_date"),
    query="cur_facts/azure_cost",
)
