from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from catalog.releases import Release
from catalog.warehouse import Warehouse
from contracts.draft import FindingDraft
from contracts.tables import COVERAGE, FINDINGS
from jobs.diff import diff
from jobs.lifecycle import lifecycle
from jobs.publish import publish

Claim = Callable[..., FindingDraft]
Frame = Callable[..., pl.DataFrame]
VOLUME = "aws.ebs.unattached_volume"


def test_a_diff_names_what_is_new_what_is_gone_and_what_saves_otherwise(
    warehouse: Warehouse, claim: Claim, sealed: Frame, covered: Frame, as_of: datetime
) -> None:
    def released(run_id: str, at: datetime, savings: dict[str, str | None]) -> Release:
        drafts = [claim(VOLUME, volume, saving) for volume, saving in savings.items()]
        warehouse.append(FINDINGS, sealed(drafts, run_id, at), "acme")
        warehouse.append(COVERAGE, covered([VOLUME], run_id, at.date()), "acme")
        lifecycle(warehouse, "acme", run_id, at.date(), at)
        return publish(warehouse, "acme", run_id, at)

    def named(findings: list[dict[str, Any]]) -> list[str]:
        return [finding["resource_id"] for finding in findings]

    first = released("r1", as_of, {"vol-0a": "1", "vol-0b": "2", "vol-0c": "3", "vol-0d": "4"})
    second = released("r2", as_of + timedelta(days=1), {"vol-0b": "2", "vol-0c": "5", "vol-0d": None, "vol-0e": "6"})
    document = diff(warehouse, first, second)
    assert (document["release"], document["earlier"]["release"]) == (second.release, first.release)
    assert (named(document["new"]), named(document["resolved"])) == (["vol-0e"], ["vol-0a"])
    assert [(row["resource_id"], row["net_before"], row["net_after"]) for row in document["changed"]] == [
        ("vol-0c", "3.000000", "5.000000"),
        ("vol-0d", "4.000000", None),
    ]
    back = diff(warehouse, second, first)
    assert (named(back["new"]), named(back["resolved"])) == (["vol-0a"], ["vol-0e"])
    same = diff(warehouse, second, second)
    assert (same["new"], same["resolved"], same["changed"]) == ([], [], [])
