"""Which findings count: of those that want to save the cost of one resource, exactly one does."""

import polars as pl

from jobs.covers import covers

_RESOURCE = ("scope", "provider", "account_id", "region", "claimed_id")
# What ends a resource subsumes what changes it, and that what merely advises (as Cost Optimization Hub does).
_STRENGTH = pl.Enum(["delete", "release", "stop", "rightsize", "migrate", "upgrade", "review"])


def excluded(candidates: pl.DataFrame) -> pl.DataFrame:
    """Settle findings against each other, only inside their `scope`.

    `candidates` are findings: scope, finding (what tells them apart), provider, account_id, region, resource_id,
    gross, action_kind, evidence. Returns scope, finding, excluded_by: those that do not count, each with one that does.
    Who has no known saving (gross) has nothing to count and excludes nobody. A finding claims `covers` of its evidence,
    else its own resource, and counts for all that it claims or not at all. The stronger action wins, then the larger
    saving, then the lesser `finding`: a total order, so the answer is always the same.
    """
    claims = _claims(candidates.with_row_index("row"))
    # Most findings are alone with their resources: they count, and only the others have to be compared.
    shared = claims.filter(pl.col("claimed_id").hash().is_duplicated())["row"]
    order = (pl.col("action_kind").cast(_STRENGTH), -pl.col("gross"), "finding", "row")
    contest = claims.filter(pl.col("row").is_in(shared.implode())).sort(order)
    contest = contest.with_columns(place=pl.col("row").rle_id())
    places = contest.unique("place", maintain_order=True)
    lost = _lost(contest.select("place", *_RESOURCE))
    losers, winners = places[lost["place"]], places["finding"][lost["winner"]]
    return losers.select("scope", "finding", excluded_by=winners)


def _claims(findings: pl.DataFrame) -> pl.DataFrame:
    """Give every finding with a known saving a row per resource whose cost it claims, `claimed_id`."""
    priced = findings.filter(pl.col("gross").is_not_null())
    covering = covers(priced)
    own = priced.join(covering, on="row", how="anti").with_columns(claimed_id="resource_id")
    claims = pl.concat([own, priced.join(covering, on="row").select(own.columns)])
    return claims.drop("resource_id", "evidence")


def _lost(contest: pl.DataFrame) -> pl.DataFrame:
    """Return place and winner: who does not count, and the first in order of those that count on what they claim."""
    lost = [contest.select("place", winner="place").clear()]
    while not contest.is_empty():
        contest = contest.with_columns(first=pl.col("place").min().over(_RESOURCE))
        leads = pl.col("first") == pl.col("place")
        won = contest.group_by("place").agg(leads.all()).filter("first").select("place")
        lost.append(
            contest.filter(~leads)
            .join(won, left_on="first", right_on="place", how="semi")
            .group_by("place")
            .agg(winner=pl.col("first").min())
        )
        # Who lost only to losers stands again; each round settles at least the first, so this ends.
        contest = contest.join(pl.concat([won, lost[-1].select("place")]), on="place", how="anti")
    return pl.concat(lost)
