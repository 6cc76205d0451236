"""Legacy Cost and Usage Reports: slash names (CSV), snake names (Athena's Parquet, or CSV with those), drifted."""

from collections.abc import Sequence

from jobs.costs.aws import AMOUNTS, LOOKUPS, MEASURES, QUERY, REQUIRED, TEXTS, TIMES, tags_of_columns
from jobs.costs.dialect import Column, Dialect, snake

_WANTED = {*TEXTS, *TIMES, *AMOUNTS, *MEASURES}
_TAGS = ("resourceTags/", "resource_tags_")


def recognise(columns: Sequence[Column]) -> bool:
    """Say whether a file has the cost column every legacy report has, in either spelling."""
    return "line_item_unblended_cost" in {snake(column.name) for column in columns}


def locate(columns: Sequence[Column]) -> dict[str, str]:
    """Find the columns by their Athena spelling; `..._arn` is read as `..._a_r_n`."""
    found: dict[str, str] = {}
    tags: dict[str, str] = {}
    for column in columns:
        name = snake(column.name)
        spelled = f"{name.removesuffix('arn')}a_r_n" if name.endswith("_arn") else name
        if spelled in _WANTED:
            found.setdefault(spelled, column.sql)
        elif column.name.startswith(_TAGS):
            tags[column.name.removeprefix(_TAGS[0]).removeprefix(_TAGS[1])] = f"CAST({column.sql} AS VARCHAR)"
    return {**found, "tags": tags_of_columns(tags)} if tags else found


DIALECT = Dialect(
    name="aws_cur_legacy",
    rank=30,
    recognise=recognise,
    locate=locate,
    texts=TEXTS,
    times=TIMES,
    amounts=AMOUNTS,
    measures=MEASURES,
    required=REQUIRED,
    query=QUERY,
    lookups=LOOKUPS,
)
