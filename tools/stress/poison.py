"""Checks that misbehave on purpose, each on one unit or on all: what a bad rule may do to a run."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import polars as pl

from checkers.aws.ec2.datasets import VOLUMES
from checkers.base import Check, Context, claim
from contracts.errors import PermanentError

GREED_BYTES = 8 * 2**30  # a test of this must end even where nobody watches memory
_MOUTHFUL = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """`kind`: what it does (`KINDS`); `unit_id`: to which unit, empty for every one."""

    kind: str
    unit_id: str = ""


def poison(kind: str, unit_id: str = "") -> Check:
    """Make a check that finds nothing, and does what `KINDS` says when it is given the unit."""
    return Check(
        id=f"aws.poison.{kind}",
        reads=(VOLUMES,),
        judge=_judge,
        params=Params(kind=kind, unit_id=unit_id),
        title=f"A check that {kind}",
        category="governance",
        service="ebs",
        resource_type="volume",
    )


def _judge(volumes: pl.LazyFrame, params: Params, ctx: Context) -> pl.LazyFrame:
    harmless = claim(
        ctx.price(volumes, service="ebs", sku=pl.lit(None, dtype=pl.String)),
        finding=pl.lit(value=False),
        monthly_savings=pl.lit(0),
        action="review",
        evidence=("size_gib",),
    )
    return harmless.map_batches(partial(_strike, params), validate_output_schema=False)


def _strike(params: Params, claims: pl.DataFrame) -> pl.DataFrame:
    struck = params.unit_id in ("", *claims["unit_id"].unique())
    return KINDS[params.kind](claims) if struck else claims


def _raises(claims: pl.DataFrame) -> pl.DataFrame:
    del claims
    raise PermanentError("poison")


def _hangs(claims: pl.DataFrame) -> pl.DataFrame:
    while True:
        time.sleep(1)
    return claims


def _aborts(claims: pl.DataFrame) -> pl.DataFrame:
    os.abort()
    return claims


def _eats(claims: pl.DataFrame) -> pl.DataFrame:
    eaten = [b"\xff" * _MOUTHFUL for _ in range(GREED_BYTES // _MOUTHFUL)]
    raise MemoryError(f"{len(eaten) * _MOUTHFUL} bytes for {claims}")


def _forgets(claims: pl.DataFrame) -> pl.DataFrame:
    return claims.head(1)


def _babbles(claims: pl.DataFrame) -> pl.DataFrame:
    return claims.with_columns(verdict=pl.lit("banana"))


def _shuffles_columns(claims: pl.DataFrame) -> pl.DataFrame:
    return claims.select(pl.lit(1).alias("nonsense"))


def _returns_nothing(claims: pl.DataFrame) -> pl.DataFrame:
    del claims
    return None  # type: ignore[return-value]  # that is the point


def _found(claims: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    return claims.with_columns(verdict=pl.lit("finding"), **columns)


def _escapes(claims: pl.DataFrame) -> pl.DataFrame:
    return _found(claims, tenant_id=pl.lit("../../../escaped"))


def _bloats(claims: pl.DataFrame) -> pl.DataFrame:
    return _found(claims, resource_name=pl.lit("x" * 2**20))


def _tags(claims: pl.DataFrame) -> pl.DataFrame:
    tags = pl.Series([{f"key-{n}": "value" for n in range(10_000)}], dtype=pl.Map(pl.String, pl.String))
    return _found(claims, tags=pl.lit(tags).first())


KINDS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "raises": _raises,
    "hangs": _hangs,
    "aborts": _aborts,
    "eats": _eats,
    "forgets": _forgets,
    "babbles": _babbles,
    "shuffles_columns": _shuffles_columns,
    "returns_nothing": _returns_nothing,
    "escapes": _escapes,
    "bloats": _bloats,
    "tags": _tags,
}
