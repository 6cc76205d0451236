"""One finding's story: the rule, what was seen, how the saving was priced, what was billed, and the billing rows."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from catalog.warehouse import Warehouse
from contracts.errors import NotFound
from contracts.tables import ATTRIBUTION, ENRICHED, FINDINGS
from jobs.costs.report import plain
from jobs.rendering import finding_json, json_value

_WINDOWS = {
    "cost_7d": "last 7 days",
    "cost_30d": "last 30 days",
    "cost_mtd": "month to date",
    "cost_prev_month": "previous month",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A finding in its JSON form and its evidence lines; `str()` tells it to people."""

    finding: dict[str, Any]
    lines: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"finding": self.finding, "lines": self.lines}

    def __str__(self) -> str:
        return "\n".join([*self._claim(), *self._estimate(), *self._actual()])

    def _claim(self) -> list[str]:
        found = self.finding
        place = f"{found['provider']} {found['account_id']} {found['region']}"
        seen = [f"  {key}: {value}" for key, value in sorted(_pairs(found["evidence"]))]
        return [
            f"{found['title']}: {found['resource_id']} ({place})",
            f"Rule: {found['check_id']} version {found['check_version']}, seen {found['detected_at']}",
            *(["Evidence:", *seen] if seen else []),
        ]

    def _estimate(self) -> list[str]:
        estimated = self.finding["estimated"]
        if estimated["monthly_savings"] is None:
            return [f"Estimated saving: unknown, no price for {estimated['missing_price']}"]
        price = f"{estimated['basis']} price of {estimated['price_date']}, {estimated['price_source']}"
        money = f"{plain_text(estimated['monthly_savings'])} {estimated['currency']} a month"
        cost = estimated["monthly_cost"]
        of_cost = f" of {plain_text(cost)}" if cost is not None else ""
        return [f"Estimated saving: {money}{of_cost} ({estimated['status']}; {price})"]

    def _actual(self) -> list[str]:
        actual = self.finding["actual"]
        if not actual or actual["method"] == "none":
            return [f"Billed: unknown ({actual['reason'] if actual else 'not matched with a bill'})"]
        known = (
            f"{title} {plain_text(actual[name])} {actual['currency']}"
            for name, title in _WINDOWS.items()
            if actual[name] is not None
        )
        sure = f"{actual['basis']}; matched {actual['method']}, confidence {actual['confidence']}"
        told = f"{actual['days_with_data']} of 30 days with data, through {actual['data_through']}"
        note = [f"Note: {actual['reason']}"] if actual["reason"] else []
        return [f"Billed: {', '.join(known)} ({sure}; {told})", *note, *self._rows()]

    def _rows(self) -> list[str]:
        if not self.lines:
            return []
        rows = (
            f"  {line['matched_key']}  {line['service']} {line['usage_type']}: {line['lines']} lines,"
            f" {plain_text(line['quantity_30d'])} {line['unit'] or ''} = {plain_text(line['cost_30d'])}"
            f" {line['currency']} ({'final' if line['invoice_final'] else 'estimated'},"
            f" {', '.join(line['source_files'] or [])})"
            for line in self.lines
        )
        return ["Billing rows of the last 30 days:", *rows]


def explain(warehouse: Warehouse, tenant_id: str, finding: str) -> Explanation:
    """Explain a finding or meta-finding, by finding_id or fingerprint or the start of one, as its latest run saw it.

    Raises NotFound when none or more than one of the tenant's findings is meant.
    """
    named = pl.col("fingerprint").str.starts_with(finding) | pl.col("finding_id").str.starts_with(finding)
    rows = warehouse.scan(ENRICHED, tenant_id).filter(named).collect()
    if rows.is_empty():
        rows = warehouse.scan(FINDINGS, tenant_id).filter(named).collect()
    count = rows["fingerprint"].n_unique()
    if not finding or count != 1:
        raise NotFound(f"{count} findings of {tenant_id} start with {finding!r}; `finops findings ls` lists them")
    row = rows.sort("detected_at", "run_id").tail(1).to_dicts()[0]
    of_row = (pl.col("fingerprint") == row["fingerprint"]) & (pl.col("run_id") == row["run_id"])
    lines = warehouse.scan(ATTRIBUTION, tenant_id).filter(of_row).collect()
    ordered = lines.sort("cost_30d", "matched_key", "usage_type", descending=[True, False, False], nulls_last=True)
    return Explanation(finding_json(row), [json_value(line) for line in ordered.to_dicts()])


def plain_text(amount: str | None) -> str:
    """Write a stored amount without trailing zeros; unknown is a question mark."""
    return "?" if amount is None else plain(amount)


def _pairs(evidence: Any) -> list[tuple[str, Any]]:
    return list(evidence.items()) if isinstance(evidence, dict) else []
