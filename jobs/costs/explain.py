"""One finding's story: the rule, what was seen, how the saving was priced, what was billed, and the billing rows."""

import re
import sys
from dataclasses import dataclass
from typing import Any

import polars as pl

from catalog.warehouse import Warehouse
from checkers.registry import all_checks
from contracts.errors import NotFound
from contracts.tables import ATTRIBUTION, CURRENT, ENRICHED, FINDINGS
from jobs.costs.report import plain
from jobs.rendering import finding_json, json_value
from jobs.sql import queries, statement

_WINDOWS = {
    "cost_7d": "last 7 days",
    "cost_30d": "last 30 days",
    "cost_mtd": "month to date",
    "cost_prev_month": "previous month",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A finding in its JSON form, its evidence lines and its rule's own words; `str()` tells it to people."""

    finding: dict[str, Any]
    lines: list[dict[str, Any]]
    rule: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"finding": self.finding, "lines": self.lines, "rule": self.rule}

    def __str__(self) -> str:
        return "\n".join([*self._claim(), *self._estimate(), *self._actual(), *self._net()])

    def _claim(self) -> list[str]:
        found = self.finding
        place = f"{found['provider']} {found['account_id']} {found['region']}"
        seen = [f"  {key}: {value}" for key, value in sorted(_pairs(found["evidence"])) if not key.endswith("_price")]
        return [
            f"{found['title']}: {found['resource_id']} ({place})",
            f"Rule: {found['check_id']} version {found['check_version']}, seen {found['detected_at']}",
            *(f"  {heading}: {words}" for heading, words in self.rule.items() if heading != "Pricing"),
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
        unit_prices = [
            f"  {key}: {value} {estimated['currency']}"
            for key, value in sorted(_pairs(self.finding["evidence"]))
            if key.endswith("_price") and value is not None
        ]
        priced = [f"  Priced as: {self.rule['Pricing']}"] if "Pricing" in self.rule else []
        return [f"Estimated saving: {money}{of_cost} ({estimated['status']}; {price})", *priced, *unit_prices]

    def _actual(self) -> list[str]:
        actual = self.finding["actual"]
        if not actual or actual["cost_30d"] is actual["data_through"] is None:
            reason = actual["reason"] if actual else "not matched with a bill"
            return [f"Billed: unknown ({reason})", *self._context()]
        known = (
            f"{title} {plain_text(actual[name])} {actual['currency']}"
            for name, title in _WINDOWS.items()
            if actual[name] is not None
        )
        sure = f"{actual['basis']}; matched {actual['method']}, confidence {actual['confidence']}"
        told = f"{actual['days_with_data']} of 30 days with data, through {actual['data_through']}"
        note = [f"Note: {actual['reason']}"] if actual["reason"] else []
        return [f"Billed: {', '.join(known)} ({sure}; {told})", *note, *self._rows()]

    def _context(self) -> list[str]:
        return [
            f"  Context ({line['method']}): {plain_text(line['scope_cost'])} {line['currency']} in 30 days for all"
            f" {line['usage_type']} of the account in the region, of"
            f" {line['scope_resource_count'] or 'an unknown number of'} resources; not a cost of this one"
            for line in self.lines
            if line["scope_cost"] is not None
        ] + [f"  Refused: {', '.join(line['refused'])}" for line in self.lines if line["refused"]]

    def _rows(self) -> list[str]:
        if not self.lines:
            return []
        rows = (
            f"  {line['matched_key']}  {line['service']} {line['usage_type']}: {line['lines']} lines,"
            f" {plain_text(line['quantity_30d'])} {line['unit'] or ''} = {plain_text(line['cost_30d'])}"
            f" {line['currency']} ({'final' if line['invoice_final'] else 'estimated'},"
            f" {', '.join(line['source_files'] or [])})"
            f"{'; covered by ' + str(line['commitment_id']) if line['covered'] else ''}"
            for line in self.lines
            if line["lines"]
        )
        refused = sorted({each for line in self.lines for each in line["refused"] or []})
        return ["Billing rows of the last 30 days:", *rows, *(f"  refused: {each}" for each in refused)]

    def _net(self) -> list[str]:
        savings = self.finding.get("savings")
        if not savings or savings["gross"] is None:
            return []
        estimated, actual = self.finding["estimated"], self.finding["actual"] or {}
        formula = []
        if savings["real"] is not None:
            gross, cost = plain_text(savings["gross"]), plain_text(estimated["monthly_cost"])
            paid = (
                f"({plain_text(actual['cost_30d'])} billed - {plain_text(savings['covered'])} covered by a commitment)"
            )
            real = f"{plain_text(savings['real'])} {savings['real_currency']}"
            formula = [f"At the rates paid: {paid} x {gross} / {cost} = {real} in 30 days"]
        flag = "; the estimate is above what the resource costs" if savings["overstated"] else ""
        why = savings["reason"] or ("as billed" if savings["basis"] == "actual" else "at list price")
        return [*formula, f"Net saving: {plain_text(savings['net'])} {savings['currency']} a month ({why}{flag})"]


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
    current = warehouse.scan(CURRENT, tenant_id).filter(pl.col("fingerprint") == row["fingerprint"])
    savings = current.select("savings").collect()["savings"].to_list()
    told = row | ({"savings": savings[0]} if savings else {})
    return Explanation(finding_json(told), [json_value(line) for line in ordered.to_dicts()], rule(row["check_id"]))


def rule(check_id: str) -> dict[str, str]:
    """Return what a check or a correlation says of itself, by heading: Why, Claims and Pricing where it has them."""
    name = f"findings_correlated/{check_id.removeprefix('correlation.')}"
    if check_id in all_checks():
        text = sys.modules[f"checkers.{check_id}"].__doc__ or ""
    elif name in queries("findings_correlated"):
        first, _, _ = statement(name).partition("\n--\n")
        return {"Why": first.removeprefix("-- ")}
    else:
        return {}
    said = dict(re.findall(r"^([A-Z][a-z]+) +(.+(?:\n .*)*)", text, flags=re.MULTILINE))
    return {heading: " ".join(said[heading].split()) for heading in ("Why", "Claims", "Pricing") if heading in said}


def plain_text(amount: str | None) -> str:
    """Write a stored amount without trailing zeros; unknown is a question mark."""
    return "?" if amount is None else plain(amount)


def _pairs(evidence: Any) -> list[tuple[str, Any]]:
    return list(evidence.items()) if isinstance(evidence, dict) else []
