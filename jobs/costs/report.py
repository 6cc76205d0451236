"""What an ingest says of itself: every file, every period with its sums, and the totals per currency."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

SUMS = {
    "unblended": "unblended_cost",
    "net_unblended": "net_unblended_cost",
    "amortized": "amortized_cost",
    "net_amortized": "net_amortized_cost",
    "list": "list_cost",
}
CENT = Decimal("0.01")  # of what does not add up, less is rounding: sources have more than 12 decimals
_CHECKS = {
    "residual": "the amortisation identity (amortised = unblended - upfront fees + their amortisation) fails",
    "net_residual": "net and gross unblended cost differ",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """One file: what became of its lines (rows = facts + excluded + quarantined), or why it was not read.

    `reasons` counts the quarantined lines by reason; it is for people and not in the JSON.
    """

    path: str
    dialect: str | None = None
    rows: int = 0
    facts: int = 0
    excluded: int = 0
    quarantined: int = 0
    error: str | None = None
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodReport:
    """A payer's billing period in one currency: sums over its facts; null where a basis is not known for every line.

    `residual` is what the amortisation identity misses (0 when it holds), `replaced` how many earlier facts these stand
    for, `delta` the new sums less those of the earlier facts (null without such), `status` is partial when a file of
    the period is known to be missing.
    """

    payer: str | None
    billing_period: str
    currency: str | None
    rows: int
    unblended: Decimal | None
    net_unblended: Decimal | None
    amortized: Decimal | None
    net_amortized: Decimal | None
    list: Decimal | None
    cost_basis: str
    residual: Decimal | None
    status: str
    replaced: int
    delta: dict[str, Decimal | None] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """Lines that are kept back for one reason; `cost` is what those of them cost whose cost can be read."""

    payer: str | None
    billing_period: str | None
    currency: str | None
    reason: str
    lines: int
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class IngestReport:
    """Everything one ingest did, and what people should know of it."""

    files: Sequence[FileReport]
    periods: Sequence[PeriodReport]
    quarantined: Sequence[Quarantined] = ()
    warnings: Sequence[str] = ()

    @property
    def readable(self) -> bool:
        """Say whether at least one file could be read."""
        return any(file.error is None for file in self.files)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; amounts are decimal strings without exponent or trailing zeros."""
        files = [_shown(file) for file in self.files]
        for file in files:
            del file["reasons"]
        return {
            "files": files,
            "periods": [_shown(period) for period in self.periods],
            "totals": self._totals(),
            "quarantined": [_shown(each) for each in self.quarantined],
            "warnings": list(self.warnings),
        }

    def _totals(self) -> list[dict[str, Any]]:
        currencies = sorted({period.currency for period in self.periods}, key=lambda name: name or "")
        return [
            {
                "currency": currency,
                "rows": sum(period.rows for period in self.periods if period.currency == currency),
                "unblended": _total([each.unblended for each in self.periods if each.currency == currency]),
            }
            for currency in currencies
        ]


def _total(amounts: Sequence[Decimal | None]) -> str | None:
    """Add up amounts; unknown when one of them is, as of a period that only an amortised export tells of."""
    known = [amount for amount in amounts if amount is not None]
    return plain(sum(known)) if len(known) == len(amounts) else None


def plain(amount: Decimal | int | str) -> str:
    """Write an exact amount (or one that JSON holds as text) without exponent and without trailing zeros."""
    text = f"{Decimal(amount):f}"
    short = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if short in {"-0", ""} else short


def reported(rows: pl.DataFrame) -> list[PeriodReport]:
    """Report the payers and periods that have facts, of the rows that `load` returns."""
    names = [field.name for field in fields(PeriodReport) if field.name != "delta"]
    return [
        PeriodReport(**{name: row[name] for name in names}, delta=_delta(row))
        for row in rows.filter(pl.col("rows") > 0).iter_rows(named=True)
    ]


def quarantined(passed_over: Sequence[pl.DataFrame]) -> list[Quarantined]:
    """Report the lines that were kept back, by reason, of all files together."""
    if not passed_over:
        return []
    kept = pl.concat(passed_over).filter(pl.col("outcome") == "quarantined")
    keys = ("payer", "billing_period", "currency", "reason")
    added = kept.group_by(keys).agg(pl.col("lines").sum(), known_sum("cost"))
    return [Quarantined(**row) for row in added.sort(keys, nulls_last=True).iter_rows(named=True)]


def known_sum(name: str) -> pl.Expr:
    """Add up what is known of a column; null where nothing is."""
    return pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name)


def violations(row: dict[str, Any], as_of: datetime | None) -> list[str]:
    """Tell what does not add up in a row of the ingest log, and that a closed month was restated."""
    if not row["rows"]:
        return []
    bill = f"payer {row['payer']}, {row['billing_period']}, {row['currency']}"
    told = [f"{bill}: {meant} by {plain(row[name])}" for name, meant in _CHECKS.items() if abs(row[name] or 0) >= CENT]
    if as_of is not None and row["billing_period"] > f"{as_of:%Y-%m}":
        told.append(f"{bill}: a billing period that has not begun")
    is_closed = row["was_final"] or (as_of is not None and row["billing_period"] < f"{as_of:%Y-%m}")
    changes = [f"{name} {plain(change)}" for name, change in (_delta(row) or {}).items() if change]
    if is_closed and changes:
        told.append(f"{bill}: a closed month was restated: {', '.join(changes)}")
    return told


def _delta(row: dict[str, Any]) -> dict[str, Decimal | None] | None:
    return {name: row[f"delta_{name}"] for name in SUMS} if row["replaced"] else None


def _shown(report: Any) -> dict[str, Any]:
    return {name: _value(getattr(report, name)) for name in report.__slots__}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _value(each) for name, each in value.items()}
    return plain(value) if isinstance(value, Decimal) else value
