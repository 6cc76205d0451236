"""Making the price book: the same facts give the same bytes, a bad fact names its file and line."""

import csv
import gzip
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from checkers.prices.book import PriceBook
from checkers.prices.build import build
from contracts.errors import ConfigError

HEADER = ("provider", "service", "region", "sku", "variant", "unit", "usd", "basis", "effective_date", "source")
GP3 = ("aws", "ebs", "us-east-1", "ebs.gp3.storage", "", "GiB-month", "0.08", "list", "2026-01-01", "feed")
TINY = ("aws", "ebs", "us-east-1", "ebs.standard.io_requests", "", "request", "5e-08", "list", "2026-01-02", "feed")
OTHER = ("aws", "sagemaker", "us-east-1", "ml.m5.large", "", "hour", "0", "list", "2026-01-01", "feed")
DISK = ("azure", "disk", "eastus", "P10_LRS", "lrs", "disk-month", "19.71", "list", "2026-01-01", "feed")


@pytest.fixture
def facts(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: Any, header: tuple[str, ...] = HEADER) -> Path:
        (tmp_path / "sources.csv").write_text("id,what\nfeed,a feed\nunused,another\n")
        for provider in ("aws", "azure", "gcp"):
            out = io.StringIO(newline="")
            csv.writer(out).writerows(
                [header, *(row for row in rows if row[0] in {provider, "?"} or provider == "aws")]
            )
            (tmp_path / f"{provider}.csv.gz").write_bytes(gzip.compress(out.getvalue().encode()))
        return tmp_path

    return write


@pytest.fixture
def book(tmp_path: Path) -> Path:
    made = tmp_path / "book"
    made.mkdir()
    return made


def test_a_built_book_reads_back(facts: Any, book: Path) -> None:
    assert build(facts(GP3, TINY, OTHER), book) == {"aws": 2, "azure": 0, "gcp": 0}
    tiny = PriceBook(book).lookup("aws", "ebs", "us-east-1", "ebs.standard.io_requests")
    assert tiny is not None
    assert tiny.unit_price == Decimal("0.00000005")
    assert (book / "sources.csv").read_text() == "id,what\nfeed,a feed\n"


def test_the_same_facts_give_the_same_bytes_in_any_order(facts: Any, book: Path) -> None:
    def bytes_of(*rows: Any) -> dict[str, bytes]:
        build(facts(*rows), book)
        return {path.name: path.read_bytes() for path in book.iterdir()}

    assert bytes_of(GP3, TINY) == bytes_of(TINY, GP3)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([GP3, GP3], r"aws\.csv\.gz: line 3: the key of line 2 again"),
        ([GP3, (*GP3[:5], "GB-month", *GP3[6:])], "line 3: the key of line 2 again"),
        ([(*GP3[:6], "0", *GP3[7:])], "line 2: usd is 0; a price is above zero"),
        ([(*GP3[:6], "-1", *GP3[7:])], "line 2: usd is -1"),
        ([(*GP3[:6], "NaN", *GP3[7:])], "line 2: usd is NaN"),
        ([(*GP3[:6], "0.00000000001", *GP3[7:])], "at most 10 decimals"),
        ([(*GP3[:6], "free", *GP3[7:])], "line 2: cannot read usd 'free'"),
        ([(*GP3[:8], "2026-13-01", "feed")], "line 2: cannot read usd '0.08' or effective_date '2026-13-01'"),
        ([(*GP3[:9], "rumour")], r"line 2: source 'rumour' is not in sources\.csv"),
        ([(*GP3[:5], "", *GP3[6:])], "line 2: unit is empty"),
        ([GP3, ("gcp", *GP3[1:])], "line 3: provider is 'gcp', not 'aws'"),
        ([(*GP3, "extra")], "header: must be exactly provider,service,region"),
    ],
)
def test_a_bad_fact_names_its_file_and_line(facts: Any, book: Path, rows: list[tuple[str, ...]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(facts(*rows), book)


def test_a_missing_file_is_named(tmp_path: Path, book: Path) -> None:
    with pytest.raises(ConfigError, match=r"sources\.csv: file: does not exist"):
        build(tmp_path, book)
