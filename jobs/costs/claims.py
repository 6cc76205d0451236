"""Which resources' cost each finding claims: its own, those it covers, or those of the findings it is made of."""

import polars as pl

from jobs.covers import covers

_WHERE = ("provider", "account_id", "region", "service")


def claims(findings: pl.DataFrame) -> pl.DataFrame:
    """Return claim, row (of the finding), provider, account_id, region, service, claimed_id, related.

    `related` says that the resource is not the finding's own. A meta-finding claims what its sources claim, each
    resource once.
    """
    rows = findings.select("fingerprint", "source_fingerprints", *_WHERE, "resource_id").with_row_index("row")
    is_meta = pl.col("source_fingerprints").list.len().fill_null(0) > 0
    single = rows.filter(~is_meta)
    covering = covers(findings.select("evidence").with_row_index("row"))
    own = single.join(covering, on="row", how="anti").select(
        "row", *_WHERE, claimed_id="resource_id", related=pl.lit(value=False)
    )
    covered = covering.join(single, on="row").select("row", *_WHERE, "claimed_id", related=pl.lit(value=True))
    metas = rows.filter(is_meta).select("row", fingerprint="source_fingerprints").explode("fingerprint")
    metas = metas.cast({"fingerprint": pl.String})  # of lists that are all null, what is in them has no type
    sources = single.select("fingerprint", source="row").join(metas, on="fingerprint")
    of_meta = sources.join(pl.concat([own, covered]).rename({"row": "source"}), on="source")
    of_meta = of_meta.select("row", *_WHERE, "claimed_id", related=pl.lit(value=True))
    each_once = of_meta.unique(["row", *_WHERE[:2], "claimed_id"], maintain_order=True)
    return pl.concat([own, covered, each_once], rechunk=True).with_row_index("claim")
