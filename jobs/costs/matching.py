"""The ladder: which ids on a bill are a claimed resource, how that was seen, and which look alike but are not it."""

from dataclasses import dataclass

import polars as pl

from jobs.costs.keys import keyed
from jobs.costs.services import families, is_known, is_watcher

# How sure each method is, surest first; a sum is as sure as its least sure part.
CONFIDENCE = {"exact": 1.00, "normalized_arn": 0.98, "normalized_name": 0.90, "id_only": 0.85, "attachment": 0.75}
METHODS = tuple(CONFIDENCE)
EXACT, NORMALIZED_ARN, NORMALIZED_NAME, ID_ONLY, ATTACHMENT = range(len(METHODS))
_ACCOUNT = ["provider", "account_id"]
_KEYS = ["raw", "key", "names", "family", "place"]
_PAIR = ["claim", "id"]


@dataclass(frozen=True, slots=True)
class Matched:
    """Claims and the ids on the bill that are theirs, both as row numbers.

    pairs    claim, id, grade: an index into METHODS
    refused  claim, id, why: other_service, other_region, other_resource or ambiguous
    """

    pairs: pl.DataFrame
    refused: pl.DataFrame


def matched(claims: pl.DataFrame, ids: pl.DataFrame) -> Matched:
    """Match claimed resources (claimed_id in provider, account_id, region, service) with ids on the bill.

    Accounts have to agree; a line of no account is taken by a key only, which is unique anywhere. A name counts inside
    one account, region and family of services, and only while it means one resource there.
    """
    mine = keyed(claims, "claimed_id").select("claim", *_ACCOUNT, *_KEYS)
    billed = ids.with_columns(billed=families("service", ids))
    theirs = keyed(billed, "resource_id").select("id", *_ACCOUNT, *_KEYS, "billed")
    equal = pl.col("raw") == pl.col("raw_right")
    by_key = (
        mine.drop("names")
        .join(theirs.drop("names"), on=[*_ACCOUNT, "key"])
        .select(*_PAIR, why=_other_service(), grade=pl.when(equal).then(EXACT).otherwise(NORMALIZED_ARN))
    )
    by_id = (
        mine.drop("names")
        .join(theirs.filter(pl.col("account_id").is_null()), on=["provider", "key"])
        .select(*_PAIR, why=_other_service(), grade=pl.lit(ID_ONLY))
    )
    found = pl.concat([by_key, by_id, _by_name(mine, theirs, by_key)], how="vertical_relaxed")
    accepted = found["why"].is_null()
    return Matched(found.filter(accepted).drop("why"), found.filter(~accepted).drop("grade"))


def _by_name(mine: pl.DataFrame, theirs: pl.DataFrame, by_key: pl.DataFrame) -> pl.DataFrame:
    """Match by short names; byte-equal ones are exact, of the others those that mean one resource."""
    named = (each.filter(pl.col("names").list.len() > 0).explode("names") for each in (mine, theirs))
    equal = pl.col("raw") == pl.col("raw_right")
    pairs = next(named).join(next(named), on=[*_ACCOUNT, "names"]).join(by_key, on=_PAIR, how="anti")
    pairs = pairs.unique(_PAIR).with_columns(
        grade=pl.when(equal).then(EXACT).otherwise(NORMALIZED_NAME),
        why=pl.coalesce(
            _other_service(),
            pl.when(_other_family(equal)).then(pl.lit("other_service")),
            pl.when(_other_place()).then(pl.lit("other_region")),
            pl.when(pl.col("key").is_not_null(), pl.col("key_right").is_not_null()).then(pl.lit("other_resource")),
        ),
    )
    meant = pl.col("key_right").filter(pl.col("why").is_null() & ~equal).drop_nulls().n_unique().over("claim")
    ambiguous = pl.when(pl.col("why").is_null() & ~equal & (meant > 1)).then(pl.lit("ambiguous"))
    return pairs.select(*_PAIR, "grade", why=pl.coalesce("why", ambiguous)).select(*_PAIR, "why", "grade")


def _other_service() -> pl.Expr:
    """Name a line of a service that looks at resources and bills under their ids."""
    watched = is_watcher("billed") & (pl.col("family") != pl.col("billed"))
    return pl.when(watched).then(pl.lit("other_service"))


def _other_family(equal: pl.Expr) -> pl.Expr:
    """Say whether a name is of another family; byte-equal ones only where both families are known.

    A claim of no family (`finops costs show` is given an id and nothing else) takes any.
    """
    unlike = (pl.col("family") != pl.col("family_right")) & (pl.col("family") != "")
    return unlike & (~equal | (is_known("family") & is_known("family_right")))


def _other_place() -> pl.Expr:
    here, there = pl.col("place"), pl.col("place_right")
    return (here != there) & (here != "") & (there != "")
