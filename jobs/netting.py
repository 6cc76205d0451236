"""Which findings count: of those that want to save the cost of one resource, exactly one does."""

import polars as pl

from jobs.sql import query


def standing(candidates: pl.DataFrame) -> pl.DataFrame:
    """Settle findings against each other, only inside their `scope`.

    `candidates` are findings with a `scope` column. Returns scope, fingerprint, counts, excluded_by: one row for each
    with a known saving; what has none saves nothing to count and excludes nobody. `excluded_by` is a finding that
    counts. A finding claims `covers` of its evidence, else its own resource, and counts for all that it claims or not
    at all.
    """
    claims = query("savings_claims/claims", {"candidates": candidates})
    settled: list[pl.DataFrame] = []
    while True:
        round_ = query("savings_claims/standing", {"claims": claims})
        # Who lost only to losers stands again; each round settles at least the strongest, so this ends.
        again = ~pl.col("counts") & pl.col("excluded_by").is_null()
        settled.append(round_.filter(~again))
        claims = claims.join(round_.filter(again), on=["scope", "fingerprint"], how="semi")
        if claims.is_empty():
            return pl.concat(settled)
