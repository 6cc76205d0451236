"""What the dialects of AWS bills share: the columns they read, tag keys, and regions by usage-type prefix."""

from collections.abc import Sequence

import polars as pl

from jobs.costs.dialect import Column, entries, literal, merged

QUERY = "cur_facts/aws_cur"
TEXTS = (
    *("bill_payer_account_id", "bill_invoice_id", "bill_billing_entity", "line_item_usage_account_id"),
    *("line_item_line_item_type", "line_item_product_code", "line_item_usage_type", "line_item_operation"),
    *("line_item_availability_zone", "line_item_resource_id", "line_item_currency_code"),
    *("line_item_line_item_description", "product_region", "product_region_code", "product_product_name"),
    *("pricing_unit", "reservation_reservation_a_r_n", "savings_plan_savings_plan_a_r_n"),
)
TIMES = ("bill_billing_period_start_date", "line_item_usage_start_date", "line_item_usage_end_date")
AMOUNTS = (
    *("line_item_unblended_cost", "line_item_net_unblended_cost"),
    *("reservation_effective_cost", "reservation_net_effective_cost"),
    "reservation_amortized_upfront_fee_for_billing_period",
    *("reservation_unused_amortized_upfront_fee_for_billing_period", "reservation_unused_recurring_fee"),
    *("reservation_net_unused_amortized_upfront_fee_for_billing_period", "reservation_net_unused_recurring_fee"),
    *("savings_plan_savings_plan_effective_cost", "savings_plan_net_savings_plan_effective_cost"),
    *("savings_plan_total_commitment_to_date", "savings_plan_used_commitment"),
    "savings_plan_amortized_upfront_commitment_for_billing_period",
    "savings_plan_net_amortized_upfront_commitment_for_billing_period",
    "savings_plan_recurring_commitment_for_billing_period",
    "savings_plan_net_recurring_commitment_for_billing_period",
)
MEASURES = ("line_item_usage_amount", "pricing_public_on_demand_cost")
REQUIRED = ("line_item_unblended_cost", "line_item_usage_start_date")

# Prefixes of line_item_usage_type, as AWS's price lists (`usagetype` beside `regionCode`) spell them.
_REGIONS = {
    "USE1": "us-east-1", "USE2": "us-east-2", "USW1": "us-west-1", "USW2": "us-west-2",
    "CAN1": "ca-central-1", "CAN2": "ca-west-1", "MXC1": "mx-central-1", "SAE1": "sa-east-1",
    "EU": "eu-west-1", "EUW1": "eu-west-1", "EUW2": "eu-west-2", "EUW3": "eu-west-3", "EUC1": "eu-central-1",
    "EUC2": "eu-central-2", "EUN1": "eu-north-1", "EUS1": "eu-south-1", "EUS2": "eu-south-2",
    "APN1": "ap-northeast-1", "APN2": "ap-northeast-2", "APN3": "ap-northeast-3", "APE1": "ap-east-1",
    "APS1": "ap-southeast-1", "APS2": "ap-southeast-2", "APS3": "ap-south-1", "APS4": "ap-southeast-3",
    "APS5": "ap-south-2", "APS6": "ap-southeast-4", "APS7": "ap-southeast-5",
    "AFS1": "af-south-1", "MES1": "me-south-1", "MEC1": "me-central-1", "ILC1": "il-central-1",
    "UGW1": "us-gov-west-1", "UGE1": "us-gov-east-1", "CNN1": "cn-north-1", "CNW1": "cn-northwest-1",
}  # fmt: skip
LOOKUPS = {"region_prefixes": pl.DataFrame({"prefix": list(_REGIONS), "region": list(_REGIONS.values())})}


def tag_key(source_key: str) -> str:
    """Return a tag's own key: people's tags lose the prefix `user:` or `user_`, AWS's keep theirs."""
    return source_key[len("user:") :] if source_key.startswith(("user:", "user_")) else source_key


def tags_of_columns(columns: dict[str, str]) -> str:
    """Make the tag map of one column per tag (source key -> SQL text), in the order of the source keys.

    Of two source keys with one tag key the later has it, and the other is kept under its source key.
    """
    owner = {tag_key(source): source for source in sorted(columns)}
    keys = {source: tag_key(source) if owner[tag_key(source)] == source else source for source in sorted(columns)}
    pairs = (f"{{'key': {literal(key)}, 'value': {columns[source]}}}" for source, key in keys.items())
    return f"map_from_entries(list_filter([{', '.join(pairs)}], lambda each: trim(each.value) <> ''))"


def tags_of_maps(columns: Sequence[Column]) -> str:
    """Make the tag map of maps by source key; people's tags lose their prefix, of one key the last map counts."""
    key = "regexp_replace(each.key, '^user[:_]', '')"
    every = f"list_concat({', '.join(['[]', *map(entries, columns)])})" if len(columns) > 1 else entries(columns[0])
    return merged(f"list_transform({every}, lambda each: {{'key': {key}, 'value': each.value}})")
