"""Google Cloud's billing export, standard and detailed: nested Parquet, JSON, or CSV flattened to dotted names.

Billed     cost and all its credits: the unblended and the net unblended cost
Amortised  a committed use discount's credit takes the covered usage away and its fee is a line of its own: the fee is
           given back to what it covered, in proportion to the credits of the day; the rest stays with the fee as unused
List       cost_at_list
Docs       https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/detailed-usage
"""

from collections.abc import Sequence

from jobs.costs.dialect import Column, Dialect, entries, merged, records, text_of

_TEXTS = (
    *("billing_account_id", "service_id", "service_description", "sku_id", "sku_description", "project_id"),
    *("location_location", "location_region", "resource_name", "resource_global_name", "currency", "usage_unit"),
    *("usage_pricing_unit", "invoice_month", "cost_type", "commitment_credit_id"),
)
_TIMES = ("usage_start_time", "usage_end_time")
_AMOUNTS = ("cost", "credits_total", "commitment_credits")
_MEASURES = ("usage_amount", "usage_amount_in_pricing_units", "cost_at_list")
_COMMITMENT = "each.type LIKE 'COMMITTED_USAGE_DISCOUNT%'"


def recognise(columns: Sequence[Column]) -> bool:
    """Say whether a file has the credits, the SKU and the times of usage that every export has."""
    names = {_folded(column) for column in columns}
    return {"credits", "usage_start_time", "cost"} <= names and not names.isdisjoint({"sku_id", "sku_description"})


def locate(columns: Sequence[Column]) -> dict[str, str]:
    """Find columns and fields by name, `sku.id` and `sku_id` alike, and add up the credits of a line."""
    named = {_folded(column): column for column in columns}
    found = {name: named[name].sql for name in (*_TEXTS, *_TIMES, *_AMOUNTS, *_MEASURES) if name in named}
    if "labels" in named:
        found["tags"] = merged(entries(named["labels"]))
    if "credits" in named:
        credits_ = records(named["credits"], "name", "amount", "full_name", "id", "type")
        ofthem = f"list_filter({credits_}, lambda each: {_COMMITMENT})"
        found["credits_total"] = _total(named["credits"], credits_)
        found["commitment_credits"] = _total(named["credits"], ofthem)
        found["commitment_credit_id"] = f"{ofthem}[1].id"
    return found


def _folded(column: Column) -> str:
    return column.name.lower().replace(".", "_")


def _total(column: Column, listed: str) -> str:
    """Add up amounts, as text; a list nobody can read, or with an amount nobody can, is `unreadable`."""
    amounts = f"list_transform({listed}, lambda each: TRY_CAST(each.amount AS DECIMAL(38, 12)))"
    return (
        f"CASE WHEN coalesce(lower(trim({text_of(column)})), '') IN ('', '[]', 'null', 'none') THEN '0'"
        f" WHEN list_count({amounts}) = len({amounts}) THEN CAST(coalesce(list_sum({amounts}), 0) AS VARCHAR)"
        f" ELSE 'unreadable' END"
    )


DIALECT = Dialect(
    name="gcp_billing",
    rank=50,
    recognise=recognise,
    locate=locate,
    texts=_TEXTS,
    times=_TIMES,
    amounts=_AMOUNTS,
    measures=_MEASURES,
    required=("cost", "usage_start_time"),
    query="cur_facts/gcp_billing",
)
