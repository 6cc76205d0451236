"""What the bill says of any one resource, finding or not: `finops costs show`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from catalog.warehouse import Warehouse
from contracts.tables import CUR_FACTS, FINDINGS
from jobs.costs.attribute import NOTHING_LISTED, attributed_part
from jobs.costs.bill import DAYS, SERVICE, Bill, read_bill
from jobs.costs.evidence import EVIDENCE
from jobs.costs.lines import billed_ids
from jobs.costs.matching import ID_ONLY, matched
from jobs.costs.report import plain
from jobs.costs.windows import WINDOWS, windows
from jobs.rendering import json_value, time_text

_SURE = ("currency", "basis", "method", "confidence", "reason", "days_with_data", "data_through", "covered_30d")
_NOTHING = {**dict.fromkeys([*WINDOWS, *_SURE]), "method": "none", "confidence": 0}
_ROW = ("run_id", "run_date", "fingerprint", "finding_id")


@dataclass(frozen=True, slots=True)
class Shown:
    """A resource's cost per window, how sure it is, and the billing lines behind it; `str()` tells it to people."""

    document: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return self.document

    def __str__(self) -> str:
        told = self.document
        head = f"{told['resource_id']} ({told['provider']} {told['account_id'] or 'account unknown'}), {told['as_of']}"
        if told["reason"] and told["method"] == "none":
            return f"{head}\nBilled: unknown ({told['reason']})"
        sure = f"{told['method']}, confidence {told['confidence']}, {told['basis']}, through {told['data_through']}"
        costs = [
            f"  {name}: {'unknown' if cost is None else plain(cost)} {told['currency']}"
            f" ({told['days'][name]} days with data)"
            for name, cost in told["windows"].items()
        ]
        rows = [
            f"  {line['matched_key']}  {line['service']} {line['usage_type']}: {line['lines']} lines,"
            f" {plain(line['cost_30d'] or 0)} {line['currency']}"
            for line in told["evidence"]
        ]
        return "\n".join([head, f"Matched: {sure}", *costs, "Lines of the last 30 days:", *rows])


def show(
    warehouse: Warehouse, tenant_id: str, resource_id: str, as_of: datetime | None = None, account_id: str | None = None
) -> Shown:
    """Say what a resource cost, by an id of any form; windows end at `as_of`, else with its payer's bill.

    An id that is found in several accounts is `ambiguous` until `account_id` names one.
    """
    facts = warehouse.scan(CUR_FACTS, tenant_id)
    bill = read_bill(facts, as_of)
    places = _places(resource_id, billed_ids(facts).collect(engine="streaming"), account_id)
    if len(places) > 1:
        accounts = ", ".join(str(place["account_id"]) for place in places)
        unclear = {**_NOTHING, "reason": f"ambiguous: in accounts {accounts}"}
        named = {"tenant_id": tenant_id, "resource_id": resource_id, "provider": None, "account_id": None}
        return Shown(_document(named, unclear, pl.DataFrame(schema=EVIDENCE), bill))
    place = places[0] if places else {"provider": _provider(resource_id, bill), "account_id": account_id}
    asked = {**dict.fromkeys(FINDINGS.schema.names), **place, "resource_id": resource_id, "evidence": "{}"}
    finding = pl.DataFrame([asked | {"fingerprint": resource_id}], schema=FINDINGS.polars_schema)
    mine = facts.filter(pl.col("account_id").is_null() | (pl.col("account_id") == pl.lit(place["account_id"])))
    found = attributed_part(finding, mine, bill, NOTHING_LISTED)
    (row,) = found.enriched["actual"].to_list()
    return Shown(_document({"tenant_id": tenant_id, "resource_id": resource_id, **place}, row, found.evidence, bill))


def _places(resource_id: str, ids: pl.DataFrame, account_id: str | None) -> list[dict[str, Any]]:
    """Return provider and account of whatever on the bill is the resource; one without account if no other is."""
    asked = pl.col("account_id").is_null() | (pl.col("account_id") == account_id) if account_id else pl.lit(value=True)
    accounts = pl.concat(
        [ids.select("provider", "account_id"), ids.select("provider", account_id=pl.lit(None, pl.String))]
    )
    claims = (
        accounts.filter(asked)
        .unique()
        .sort("provider", "account_id")
        .with_row_index("claim")
        .with_columns(claimed_id=pl.lit(resource_id), region=pl.lit(None, pl.String), service=pl.lit(None, pl.String))
    )
    pairs = matched(claims, ids.with_row_index("id")).pairs.join(claims, on="claim")
    named = pairs.filter(pl.col("grade") != ID_ONLY)
    found = named if named.height else pairs.filter(pl.col("account_id").is_null())
    return found.select("provider", "account_id").unique().sort("provider", "account_id").to_dicts()


def _provider(resource_id: str, bill: Bill) -> str | None:
    """Guess the cloud of an id that is on no bill, so that the reason fits."""
    known = bill.providers["provider"].sort().to_list()
    form = {"/subscriptions/": "azure", "projects/": "gcp", "//": "gcp"}
    guess = next((provider for start, provider in form.items() if resource_id.lower().startswith(start)), "aws")
    return guess if guess in known or not known else known[0]


def _document(asked: dict[str, Any], actual: dict[str, Any], evidence: pl.DataFrame, bill: Bill) -> dict[str, Any]:
    told = bill.services.join(evidence.select(SERVICE).unique(), on=SERVICE, how="semi", nulls_equal=True)
    ends: list[datetime] = sorted({*told["as_of"]} or {*bill.payers["as_of"]})[-1:]
    bounds = {each.name: [time_text(each.since), time_text(each.until)] for end in ends for each in windows(end)}
    return {
        **asked,
        "as_of": time_text(ends[0]) if ends else None,
        "windows": {name: json_value(actual[name]) for name in WINDOWS},
        "bounds": bounds,
        "days": {name: told[days].min() for name, days in DAYS.items()},
        **{name: json_value(actual[name]) for name in _SURE},
        "evidence": [json_value(row) for row in evidence.drop(_ROW).to_dicts()],
    }
