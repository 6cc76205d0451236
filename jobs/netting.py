"""Which findings count: of those that want to save the cost of one resource, exactly one does."""

import polars as pl

from contracts.identity import beginning
from jobs.covers import covers

_RESOURCE = ("scope", "provider", "account_id", "region", "claimed_id")
# What ends a resource subsumes what changes it, and that what merely advises (as Cost Optimization Hub does).
_STRENGTH = pl.Enum(["delete", "release", "stop", "rightsize", "migrate", "upgrade", "review"])


def excluded(candidates: pl.DataFrame) -> pl.Series:
    """Settle findings against each other, only inside their `scope`.

    `candidates` are findings: scope, finding (what tells them apart), provider, account_id, region, resource_id,
    gross, action_kind, evidence. Returns `excluded_by` of each, in their order: a finding that counts; null for those
    that count themselves, or have nothing to count. Who has no known saving (gross) has nothing to count and excludes
    nobody. A finding claims `covers` of its evidence, else its own resource, and counts for all that it claims or not
    at all. The stronger action wins, then the larger saving, then the lesser `finding`: a total order, so the answer
    is always the same.
    """
    claims = _claims(candidates.select("gross", "resource_id", "evidence").with_row_index("row"))
    # Most findings are alone with their resources: they count, and only the others have to be compared.
    shared = claims.filter(pl.col("claimed_id").hash().is_duplicated())
    contest = claims.join(shared, on="row", how="semi")
    rivals = candidates.select("finding", "gross", "action_kind").with_row_index("row")
    places = _in_order(rivals.join(contest, on="row", how="semi")).with_row_index("place")
    contest = contest.hstack(candidates.select(_RESOURCE[:-1])[contest["row"]])
    contest = contest.join(places.select("row", "place"), on="row")
    lost = _lost(contest.select("place", *_RESOURCE))
    losers = pl.DataFrame([places["row"][lost["place"]], places["finding"].alias("excluded_by")[lost["winner"]]])
    rows = candidates.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"))
    return rows.join(losers, on="row", how="left", maintain_order="left")["excluded_by"]


def _in_order(rivals: pl.DataFrame) -> pl.DataFrame:
    """Sort findings, who wins first: fingerprints by what they begin with, half the time, unless that leaves a tie."""
    rivals = rivals.with_columns(pl.col("action_kind").cast(_STRENGTH))
    strength = ("action_kind", -pl.col("gross"))
    if rivals.schema["finding"] == pl.String:
        told = rivals.with_columns(start=beginning("finding")).sort(*strength, "start")
        same = (pl.col(name).eq_missing(pl.col(name).shift()) for name in ("action_kind", "gross", "start"))
        if not told["start"].has_nulls() and not told.select(pl.all_horizontal(same).any()).item():
            return told
    return rivals.sort(*strength, "finding", "row")


def _claims(findings: pl.DataFrame) -> pl.DataFrame:
    """Give every finding with a known saving a row per resource whose cost it claims: row, claimed_id."""
    priced = findings.filter(pl.col("gross").is_not_null())
    covering = covers(priced)
    own = priced.join(covering, on="row", how="anti").select("row", claimed_id="resource_id")
    return pl.concat([own, covering])


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
