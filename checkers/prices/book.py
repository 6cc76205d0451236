"""Reads the packaged price book: list prices in USD with basis, effective date and source."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import polars as pl

from checkers.base import price_key
from checkers.prices.build import DECIMALS
from contracts.units import PROVIDERS

PRICE = pl.Decimal(38, DECIMALS)
_COLUMNS = ("region", "sku", "variant", "unit", "unit_price", "basis", "effective_date", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One list price: USD per `unit`, and how far to trust it."""

    unit_price: Decimal
    unit: str
    basis: str
    effective_date: date
    source: str


@dataclass(frozen=True, slots=True)
class PriceBook:
    """The files `<provider>.csv.gz` of one directory; each is read once per process, when first asked for.

    A price that is not there is unknown: there is no other region, no neighbouring size and no default to fall back to.
    """

    root: Path

    @staticmethod
    def packaged() -> "PriceBook":
        """Open the book that ships with the checks."""
        return PriceBook(Path(__file__).parent)

    def rows(self, provider: str, service: str) -> pl.LazyFrame:
        """Return region, sku, variant, unit, unit_price, basis, effective_date, source of one service.

        Region, sku and variant are unique together. Empty when the book has nothing of that service.
        """
        prices = _services(self.root, provider).get(service)
        return _no_prices() if prices is None else prices.lazy()

    def keyed(self, service: str) -> pl.LazyFrame:
        """Return key, price, basis, date, source of one service, as `checkers.base.Prices` says."""
        return _keyed(self, service).lazy()

    def lookup(self, provider: str, service: str, region: str, sku: str, variant: str = "") -> Price | None:
        """Return one price, or None when it is unknown."""
        key = {"region": region, "sku": sku, "variant": variant}
        found = self.rows(provider, service).filter(**key).collect().drop(*key).to_dicts()
        return Price(**found[0]) if found else None


@cache
def _services(root: Path, provider: str) -> Mapping[str, pl.DataFrame]:
    path = root / f"{provider}.csv.gz"
    if not path.exists():
        return {}
    text = pl.read_csv(path, infer_schema=False).with_columns(pl.col("variant").fill_null(""))
    prices = text.with_columns(
        unit_price=pl.col("usd").cast(PRICE),  # from the text: a price is never a float on its way
        effective_date=pl.col("effective_date").str.to_date("%Y-%m-%d"),
    )
    return {
        str(service): rows.select(_COLUMNS) for (service,), rows in prices.partition_by("service", as_dict=True).items()
    }


@cache
def _keyed(book: PriceBook, service: str) -> pl.DataFrame:
    of_providers = [book.rows(each, service).with_columns(provider=pl.lit(each)) for each in PROVIDERS]
    key = price_key(service, pl.col("sku"), pl.col("variant"))
    prices = pl.concat(of_providers).select(
        key=key, price="unit_price", basis="basis", date="effective_date", source="source"
    )
    return prices.collect()


def _no_prices() -> pl.LazyFrame:
    kinds = {"unit_price": PRICE, "effective_date": pl.Date()}
    return pl.LazyFrame(schema={name: kinds.get(name, pl.String()) for name in _COLUMNS})
