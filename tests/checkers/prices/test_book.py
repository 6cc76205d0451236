"""The packaged price book: known prices are in it, unknown ones stay unknown."""

import hashlib
import json
import pickle
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from checkers.prices.book import PriceBook
from checkers.prices.build import SERVICES

BOOK = PriceBook.packaged()


@pytest.mark.parametrize(
    ("key", "usd"),
    [
        ("aws/ebs/us-east-1/ebs.gp2.storage", "0.10"),
        ("aws/ebs/us-east-1/ebs.gp3.storage", "0.08"),
        ("aws/ebs/us-east-1/ebs.snapshot.standard", "0.05"),
        ("aws/ebs/us-east-1/ebs.standard.io_requests", "0.00000005"),
        ("aws/ebs/us-east-1/ebs.snapshot.archive", "0.0125"),
        ("aws/ebs/us-east-1/ebs.gp3.iops_over_3000", "0.005"),
        ("aws/ebs/us-east-1/ebs.gp3.throughput_over_125", "0.04"),
        ("aws/ebs/us-east-1/ebs.io1.iops", "0.065"),
        ("aws/ebs/us-east-1/ebs.io2.iops_tier1_0_32000", "0.065"),
        ("aws/ebs/us-east-1/ebs.io2.iops_tier2_32001_64000", "0.0455"),
        ("aws/ebs/us-east-1/ebs.io2.iops_tier3_over_64000", "0.03185"),
        ("aws/ebs/eu-west-1/ebs.gp2.storage", "0.11"),
        ("aws/network/us-east-1/alb", "0.0225"),
        ("aws/network/us-east-1/nlb", "0.0225"),
        ("aws/network/us-east-1/public_ipv4.idle", "0.005"),
        ("aws/ec2/us-east-1/m5.large/linux", "0.096"),
        ("azure/disk/eastus/P10_LRS/lrs", "19.71"),
        ("azure/disk/westeurope/P10_LRS/lrs", "21.68"),
        ("gcp/storage/us-central1/pd-ssd", "0.17"),
        ("gcp/storage/us-central1/pd-standard", "0.04"),
        ("gcp/storage/us-central1/regional-pd-ssd", "0.34"),
    ],
)
def test_known_prices_are_exact(key: str, usd: str) -> None:
    price = BOOK.lookup(*key.split("/"))
    assert price is not None
    assert price.unit_price == Decimal(usd)


def test_a_price_says_how_far_to_trust_it() -> None:
    price = BOOK.lookup("aws", "ec2", "us-east-1", "m5.large", "linux")
    assert price is not None
    assert (price.unit, price.basis, price.source) == ("hour", "list", "aws-karpenter")
    assert price.effective_date == date(2026, 7, 20)


@pytest.mark.parametrize(
    "key",
    [
        "aws/ebs/mars-north-1/ebs.gp2.storage",
        "aws/ec2/us-east-1/m5.large/windows",
        "aws/ec2/us-east-1/m5.large",
        "aws/no-such-service/us-east-1/x",
        "no-such-provider/ebs/us-east-1/ebs.gp2.storage",
    ],
)
def test_an_unknown_price_has_no_fallback(key: str) -> None:
    assert BOOK.lookup(*key.split("/")) is None


def test_rows_have_the_same_columns_whether_there_are_any_or_not() -> None:
    there, nothing = BOOK.rows("aws", "ebs").collect(), BOOK.rows("azure", "ebs").collect()
    assert there.schema == nothing.schema
    assert (there.height > 0, nothing.height) == (True, 0)


@pytest.mark.parametrize(("provider", "service"), [(p, s) for p, services in SERVICES.items() for s in services])
def test_no_key_stands_twice_and_no_price_is_zero(provider: str, service: str) -> None:
    prices = BOOK.rows(provider, service).collect()
    assert prices.height == prices.select("region", "sku", "variant").n_unique()
    assert BOOK.keyed(service).collect()["key"].is_unique().all()
    assert prices.select((pl.col("unit_price") > 0).all()).item()
    assert prices.null_count().sum_horizontal().item() == 0


def test_the_manifest_describes_the_files_beside_it() -> None:
    manifest = json.loads((BOOK.root / "manifest.json").read_text())
    for name, facts in manifest["files"].items():
        provider = name.partition(".")[0]
        prices = pl.concat(BOOK.rows(provider, service) for service in SERVICES[provider]).collect()
        assert facts["rows"] == prices.height
        assert facts["max_effective_date"] == prices["effective_date"].max().isoformat()
        assert facts["sha256"] == hashlib.sha256((BOOK.root / name).read_bytes()).hexdigest()


def test_every_source_is_explained() -> None:
    explained = set(pl.read_csv(BOOK.root / "sources.csv")["id"])
    used = pl.concat(BOOK.rows(p, s) for p, services in SERVICES.items() for s in services).collect()["source"]
    assert set(used) == explained


def test_a_book_travels_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(BOOK)) == BOOK  # noqa: S301 - our own bytes
