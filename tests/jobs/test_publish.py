from collections.abc import Callable
from datetime import datetime

import polars as pl

from catalog.releases import latest, read
from catalog.warehouse import Warehouse
from contracts.draft import FindingDraft
from contracts.tables import COVERAGE, CURRENT, FINDINGS
from jobs.lifecycle import lifecycle
from jobs.publish import publish

Claim = Callable[..., FindingDraft]
Frame = Callable[..., pl.DataFrame]


def test_a_release_is_published_once_and_what_comes_later_is_not_in_it(
    warehouse: Warehouse, claim: Claim, sealed: Frame, covered: Frame, as_of: datetime
) -> None:
    warehouse.append(FINDINGS, sealed([claim("a.a.a", "vol-0a")], "r1", as_of), "acme")
    warehouse.append(COVERAGE, covered(["a.a.a"], "r1", as_of.date()), "acme")
    lifecycle(warehouse, "acme", "r1", as_of.date(), as_of)
    release = publish(warehouse, "acme", "r1", as_of)
    assert publish(warehouse, "acme", "r1", as_of) == release == latest(warehouse, "acme")
    warehouse.replace(CURRENT, pl.DataFrame(schema=CURRENT.polars_schema), "acme")
    assert read(warehouse, release, CURRENT).collect().height == 1
    assert FINDINGS.name not in release.snapshots  # raw tables are not served
