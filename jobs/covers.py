"""What a finding covers: the resources whose cost it claims instead of its own, by the `covers` of its evidence."""

import polars as pl

from jobs.sql import query


def covers(findings: pl.DataFrame) -> pl.DataFrame:
    """Return row and claimed_id, each once, of those of the findings (row, evidence) that cover something."""
    # Only evidence that has the word is parsed.
    likely = findings.select("row", "evidence").filter(pl.col("evidence").str.contains('"covers"', literal=True))
    found = query("covered_resources/covers", {"findings": likely})
    return found.select(pl.col("row").cast(findings.schema["row"]), "claimed_id")
