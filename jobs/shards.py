"""Shards: ranges of accounts of about equal size, which a job works through so that its memory does not grow."""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Protocol, TypeVar

import polars as pl

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")

SHARD_ROWS = 1 << 18  # findings in memory at a time; an account is never split


class Each(Protocol):
    """How the parts of a job are worked on: `map` in this process, or the same on a cluster; in order, lazily.

    The work and its parts must survive pickling.
    """

    def __call__(self, work: Callable[[_Item], _Made], items: Iterable[_Item], /) -> Iterable[_Made]:
        """Do the work for every item."""
        ...


def shards(frames: Iterable[pl.LazyFrame], rows: int) -> list[pl.Expr]:
    """Return conditions on `account_id`, of which exactly one holds for every account there is.

    Each holds for up to about `rows` rows of the frames; all for about as many, and if there are several their number
    is even: of an odd one the last would keep one worker of two waiting. Ranges, not lists: files lie sorted by
    account, and whoever reads a range skips the rest.
    """
    counted = pl.concat([frame.select("account_id") for frame in frames]).group_by("account_id").len()
    accounts = counted.drop_nulls().sort("account_id").collect(engine="streaming")
    total = int(accounts["len"].sum())
    count = -(-total // rows)
    size = -(-total // (count + count % 2)) if count > 1 else rows
    shard = (accounts["len"].cum_sum() - accounts["len"]) // size
    starts = accounts.group_by(shard.alias("shard"), maintain_order=True).first()["account_id"].to_list()[1:]
    account = pl.col("account_id")
    if not starts:
        return [account.is_not_null()]
    between = [(account >= low) & (account < high) for low, high in pairwise(starts)]
    return [account < starts[0], *between, account >= starts[-1]]
