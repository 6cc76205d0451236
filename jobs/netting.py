"""Which findings count: of those that want to save the cost of one resource, exactly one does."""

import polars as pl

from jobs.sql import query

_FINDING = ("scope", "fingerprint")
_RESOURCE = ("scope", "provider", "account_id", "region", "claimed_id")
_KEPT = ("fingerprint", "provider", "account_id", "region", "resource_id", "evidence")
NETTED = (*_KEPT, "estimated", "action")


def standing(candidates: pl.DataFrame) -> pl.DataFrame:
    """Settle findings against each other, only inside their `scope`.

    `candidates` are findings with a `scope`; of their other columns, `NETTED` are read. Returns scope, fingerprint,
    counts, excluded_by: one row for each with a known saving; what has none saves nothing to count and excludes nobody.
    `excluded_by` is a finding that counts. A finding claims `covers` of its evidence, else its own resource, and counts
    for all that it claims or not at all.
    """
    gross, action_kind = pl.col("estimated").struct.field("monthly_savings"), pl.col("action").struct.field("kind")
    narrow = candidates.select("scope", *_KEPT, gross=gross, action_kind=action_kind)
    claims = query("savings_claims/claims", {"candidates": narrow})
    # Most findings are alone with their resources: they count, and only the others have to be compared.
    shared = claims.filter(pl.struct(_RESOURCE).is_duplicated()).select(_FINDING).unique()
    alone = claims.join(shared, on=_FINDING, how="anti").select(_FINDING).unique()
    settled = [alone.with_columns(counts=pl.lit(value=True), excluded_by=pl.lit(None, dtype=pl.String))]
    claims = claims.join(shared, on=_FINDING, how="semi")
    while not claims.is_empty():
        round_ = query("savings_claims/standing", {"claims": claims})
        # Who lost only to losers stands again; each round settles at least the strongest, so this ends.
        again = ~pl.col("counts") & pl.col("excluded_by").is_null()
        settled.append(round_.filter(~again))
        claims = claims.join(round_.filter(again), on=_FINDING, how="semi")
    return pl.concat(settled)
