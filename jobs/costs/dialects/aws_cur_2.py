"""CUR 2.0 (AWS Data Exports): snake names, and nested columns as MAP, STRUCT or JSON; any subset of columns."""

from collections.abc import Sequence
from dataclasses import replace

from jobs.costs.aws import tags_of_maps
from jobs.costs.dialect import Column, value_of
from jobs.costs.dialects import aws_cur_legacy

# The map `tags` came in 2026: tags of accounts and users, each key with what it is of in front (`accountTag/`).
_TAGS = ("tags", "resource_tags")
_NESTED = {*_TAGS, "product", "cost_category", "discount"}
# Moved into the map `product` by CUR 2.0; product_region_code stayed a column.
_PRODUCT = {"product_region": "region", "product_product_name": "product_name"}


def recognise(columns: Sequence[Column]) -> bool:
    """Say whether a cost report has what only CUR 2.0 has: the payer's name, or a nested column."""
    names = {column.name.lower() for column in columns}
    return aws_cur_legacy.recognise(columns) and bool(names & {"bill_payer_account_name", *_NESTED})


def locate(columns: Sequence[Column]) -> dict[str, str]:
    """Find the columns by name, and what CUR 2.0 moved into maps."""
    found = aws_cur_legacy.locate(columns)
    nested = {column.name.lower(): column for column in columns if column.name.lower() in _NESTED}
    if "product" in nested:
        for name, key in _PRODUCT.items():
            found.setdefault(name, value_of(nested["product"], key))
    tagged = [nested[name] for name in _TAGS if name in nested]
    return {**found, "tags": tags_of_maps(tagged)} if tagged else found


DIALECT = replace(aws_cur_legacy.DIALECT, name="aws_cur_2", rank=20, recognise=recognise, locate=locate)
