"""Fixtures for checker tests: a small price list, and a way to judge a handful of resources."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from checkers.base import Check, Context
from checkers.evaluate import evaluate

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
UNIT = {
    "tenant_id": "acme",
    "workspace": "prod",
    "provider": "aws",
    "account_id": "111111111111",
    "region": "us-east-1",
    "unit_id": "acme/prod/aws/111111111111/us-east-1",
}
LIST = {
    "aws/ebs/us-east-1/ebs.gp2.storage": "0.10",
    "aws/ebs/us-east-1/ebs.gp3.storage": "0.08",
    "aws/ebs/us-east-1/ebs.gp3.iops_over_3000": "0.005",
    "aws/ebs/us-east-1/ebs.gp3.throughput_over_125": "0.04",
    "aws/ebs/eu-west-1/ebs.gp2.storage": "0.11",
    "aws/ebs/eu-west-1/ebs.gp3.storage": "0.088",
    "aws/ebs/us-east-1/ebs.io1.storage": "0.125",
    "aws/ebs/us-east-1/ebs.io1.iops": "0.065",
    "aws/ebs/us-east-1/ebs.io2.storage": "0.125",
    "aws/ebs/us-east-1/ebs.io2.iops_tier1_0_32000": "0.065",
    "aws/ebs/us-east-1/ebs.io2.iops_tier2_32001_64000": "0.0455",
    "aws/ebs/us-east-1/ebs.io2.iops_tier3_over_64000": "0.03185",
    "aws/ebs/us-east-1/ebs.snapshot.standard": "0.05",
    "aws/ebs/us-east-1/ebs.snapshot.archive": "0.0125",
    "aws/network/us-east-1/public_ipv4.idle": "0.005",
    "aws/network/us-east-1/alb": "0.0225",
    "aws/network/us-east-1/nlb": "0.0225",
    "aws/ec2/us-east-1/m5.large/linux": "0.096",
    "azure/disk/eastus/P10_LRS/lrs": "19.71",
    "azure/disk/eastus/E10_ZRS/zrs": "14.4",
    "azure/disk/eastus/S4_LRS/lrs": "1.536",
    "azure/disk/eastus/P15_LRS/lrs": "38.0121",
    "gcp/storage/us-central1/pd-ssd": "0.17",
    "gcp/storage/us-central1/regional-pd-ssd": "0.34",
    "gcp/storage/us-central1/pd-extreme": "0.125",
}


@dataclass(frozen=True)
class ListPrices:
    """A price list written by hand: `<provider>/<service>/<region>/<sku>[/<variant>]` to USD."""

    usd: Mapping[str, str] = field(default_factory=lambda: LIST, hash=False)

    def keyed(self, service: str) -> pl.LazyFrame:
        rows = [(key, Decimal(usd)) for key, usd in self.usd.items() if key.split("/")[1] == service]
        frame = pl.LazyFrame(rows, schema={"key": pl.String, "price": pl.Decimal(38, 10)}, orient="row")
        return frame.with_columns(basis=pl.lit("list"), date=pl.lit(date(2026, 7, 1)), source=pl.lit("a-list"))


@dataclass(frozen=True)
class Judge:
    """Judges resources given as dicts, each with the default unit under it."""

    as_of: datetime = AS_OF
    prices: ListPrices = field(default_factory=ListPrices)

    @property
    def ctx(self) -> Context:
        return Context(self.as_of, self.prices)

    def days_ago(self, days: float) -> datetime:
        return self.as_of - timedelta(days=days)

    def frames(self, check: Check, *datasets: list[dict[str, Any]]) -> dict[str, pl.DataFrame]:
        return {
            dataset.name: dataset.frame([UNIT | {"provider": dataset.provider} | row for row in rows])
            for dataset, rows in zip(check.reads, datasets, strict=True)
        }

    def __call__(self, check: Check, *datasets: list[dict[str, Any]], **params: Any) -> dict[str, dict[str, Any]]:
        """Return the claim about every resource of the first dataset, under its id."""
        check = replace(check, params=replace(check.params, **params))
        frames = self.frames(check, *datasets)
        evaluate(check, frames, self.ctx)  # what holds for the claims must survive the way to drafts
        inputs = [frames[dataset.name].lazy() for dataset in check.reads]
        claims = check.judge(*inputs, params=check.params, ctx=self.ctx).collect()
        return {row["resource_id"]: row for row in claims.to_dicts()}


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def unpriced() -> Judge:
    """Judge by an empty price list."""
    return Judge(prices=ListPrices({}))


@pytest.fixture
def with_prices() -> Callable[[Mapping[str, str]], Judge]:
    return lambda usd: Judge(prices=ListPrices(usd))
