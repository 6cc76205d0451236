"""A file's facts cut by payer and billing period, each part on the one basis of its period."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from jobs.costs.dialect import literal
from jobs.costs.reading import MEMORY, PARQUET, Staged
from jobs.sql import session, statement

BILL = ("payer", "billing_period")


@dataclass(frozen=True, slots=True)
class Part:
    """Facts of one payer and billing period in Parquet, as the table has them."""

    payer: str | None
    billing_period: str
    file: Path


def parts(staged: Staged, bases: pl.DataFrame) -> list[Part]:
    """Cut a staged file by what is in `bases` (payer, billing_period, cost_basis); facts of other bills are left out.

    Nearly every file is one part and on the right basis already: it is taken as it is.
    """
    mine = staged.sums.join(bases, on=BILL, nulls_equal=True)
    wanted = mine.select(*BILL, "cost_basis").unique(maintain_order=True)
    if staged.facts is None or wanted.is_empty():
        return []
    is_right = pl.all_horizontal(pl.col("cost_basis") == pl.col(f"{end}_basis") for end in ("lowest", "highest"))
    if staged.bills.height == 1 and mine.select(is_right.all()).item():
        ((payer, period),) = wanted.select(BILL).rows()
        return [Part(payer, period, staged.facts)]
    return _cut(staged.facts, wanted.with_row_index("place"))


def _cut(facts: Path, wanted: pl.DataFrame) -> list[Part]:
    folder = facts.with_suffix("")
    with session() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        connection.execute(f"SET temp_directory = {literal(str(facts.with_suffix('.spill')))}")
        connection.read_parquet(str(facts)).to_view("staged")
        connection.register("bases", wanted)
        text = statement("cur_facts/rebased")
        connection.execute(f"COPY ({text}) TO {literal(str(folder))} ({PARQUET}, PARTITION_BY (place))")
    return [
        Part(row["payer"], row["billing_period"], file)
        for row in wanted.iter_rows(named=True)
        for file in sorted(folder.glob(f"place={row['place']}/*.parquet"))
    ]
