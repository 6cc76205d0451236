"""What an ingest says of itself: every file, every period with its sums, and the totals per currency."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


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

    `residual` is what the amortisation identity misses (0 when it holds), `replaced` how many earlier facts made way,
    `status` is partial when a file of the period is known to be missing.
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


@dataclass(frozen=True, slots=True)
class IngestReport:
    """Everything one ingest did."""

    files: Sequence[FileReport]
    periods: Sequence[PeriodReport]

    @property
    def readable(self) -> bool:
        """Say whether at least one file could be read."""
        return any(file.error is None for file in self.files)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; amounts are decimal strings without exponent or trailing zeros."""
        files = [_shown(file) for file in self.files]
        for file in files:
            del file["reasons"]
        return {"files": files, "periods": [_shown(period) for period in self.periods], "totals": self._totals()}

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


def _shown(report: FileReport | PeriodReport) -> dict[str, Any]:
    values = {name: getattr(report, name) for name in report.__slots__}
    return {name: plain(value) if isinstance(value, Decimal) else value for name, value in values.items()}
