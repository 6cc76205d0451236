"""What a checker is made of: pricing keeps rows and order, a claim decides and says why."""

from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkers.base import TAGS, TIME, Dataset, claim, cost, flagged, system_owned

COLUMNS = {"id": pl.String, "name": pl.String, "tags": TAGS, "n": pl.Int64}
THINGS = Dataset(name="aws.x.things", columns=COLUMNS, permissions=())


def things(*rows: Any) -> pl.LazyFrame:
    return THINGS.frame([{"provider": "aws", "region": "us-east-1", "unit_id": "u", **row} for row in rows]).lazy()


def claimed(judge: Any, frame: pl.LazyFrame, **changes: Any) -> list[dict[str, Any]]:
    priced = judge.ctx.price(frame, service="network", sku=pl.lit("alb"))
    arguments = {
        "finding": pl.col("n") > 0,
        "monthly_savings": cost(pl.col("n")),
        "action": "delete",
        "evidence": ("n",),
    }
    return claim(priced, **arguments | changes).collect().to_dicts()


def test_a_dataset_frame_has_exactly_its_schema() -> None:
    frame = THINGS.frame([{"id": "a"}, {"n": 1}])
    assert frame.schema == THINGS.schema
    assert frame["n"].to_list() == [None, 1]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(skus=st.lists(st.sampled_from(["alb", "nlb", "unknown", None]), max_size=20))
def test_pricing_keeps_rows_and_order(judge: Any, skus: list[str | None]) -> None:
    frame = things(*({"id": str(n), "name": sku} for n, sku in enumerate(skus)))
    priced = judge.ctx.price(frame, service="network", sku=pl.col("name")).collect()
    assert priced["id"].to_list() == [str(n) for n in range(len(skus))]
    known = {"alb": Decimal("0.0225"), "nlb": Decimal("0.0225")}
    assert priced["unit_price"].to_list() == [known.get(sku) for sku in skus]


def test_a_price_comes_with_its_key_date_and_source(judge: Any) -> None:
    row = judge.ctx.price(things({"id": "a"}), service="ec2", sku=pl.lit("m5.large"), variant="linux", prefix="vm")
    found = row.collect().row(0, named=True)
    assert found["vm_price_key"] == "aws/ec2/us-east-1/m5.large/linux"
    assert (found["vm_price"], found["vm_price_basis"], found["vm_price_source"]) == (
        Decimal("0.096"),
        "list",
        "a-list",
    )


def test_the_same_key_of_another_provider_or_region_is_another_price(judge: Any) -> None:
    frame = things({"id": "a", "provider": "gcp"}, {"id": "b", "region": "eu-west-1"})
    assert judge.ctx.price(frame, service="network", sku=pl.lit("alb")).collect()["unit_price"].to_list() == [
        None,
        None,
    ]


def test_days_ago_is_an_instant(judge: Any) -> None:
    assert pl.select(judge.ctx.days_ago(2)).to_series().to_list() == [judge.days_ago(2)]
    assert pl.select(judge.ctx.days_ago(2)).to_series().dtype == TIME


def test_nothing_costs_nothing_even_at_an_unknown_price() -> None:
    frame = pl.DataFrame({"n": [0, 2, None], "unit_price": pl.Series([None, None, None], dtype=pl.Decimal(38, 10))})
    assert frame.select(cost(pl.col("n"))).to_series().to_list() == [0, None, None]


def test_flagged_looks_inside_the_same_unit_only() -> None:
    frame = things({"id": "a"}, {"id": "b"}, {"id": None})
    among = things({"id": "a"}, {"id": "a"}, {"id": "b", "unit_id": "other"}, {"id": None})
    flags = flagged(frame, "there", column="id", among=among).collect()
    assert flags["there"].to_list() == [True, False, False]


@pytest.mark.parametrize(
    ("row", "verdict", "reason"),
    [
        ({"n": 1}, "finding", None),
        ({"n": 0}, "ok", None),
        ({"n": None}, "undetermined", "not_comparable"),
        ({"n": 7}, "undetermined", "unsure"),
        ({"n": 8}, "not_applicable", "exempt"),
        ({"n": 8, "tags": {"CSIVolumeName": "x"}}, "not_applicable", "system_owned"),
    ],
)
def test_the_first_reason_that_holds_decides(judge: Any, row: dict[str, Any], verdict: str, reason: str | None) -> None:
    found = claimed(
        judge,
        things({"id": "a", **row}),
        not_applicable={"exempt": pl.col("n") == 8},
        undetermined={"unsure": pl.col("n") >= 7},
    )[0]
    assert (found["verdict"], found["reason"]) == (verdict, reason)


def test_a_saving_is_the_cost_unless_said_otherwise(judge: Any) -> None:
    frame = things({"id": "a", "n": 2})
    assert claimed(judge, frame)[0]["monthly_cost"] == Decimal("0.045")
    assert claimed(judge, frame, monthly_cost=pl.lit(Decimal(9)))[0]["monthly_cost"] == Decimal(9)


@pytest.mark.parametrize("status", ["upper_bound", pl.when(pl.col("n") > 1).then(pl.lit("upper_bound"))])
def test_a_status_may_be_said_once_or_per_row_and_unknown_wins(judge: Any, status: pl.Expr | str) -> None:
    known = claimed(judge, things({"id": "a", "n": 2}), status=status)[0]
    unknown = claimed(judge, things({"id": "a", "n": 2, "region": "mars"}), status=status)[0]
    assert (known["status"], known["missing_price"]) == ("upper_bound", None)
    assert (unknown["status"], unknown["missing_price"]) == ("unknown", "aws/network/mars/alb")


@pytest.mark.parametrize(
    ("key", "owned"),
    [
        ("kubernetes.io/created-for/pvc/name", True),
        ("aws:dlm:lifecycle-policy-id", True),
        ("goog-gke-volume", True),
        ("my-kubernetes.io/cluster/x", False),
        ("Name", False),
    ],
)
def test_a_system_says_by_tag_key_what_is_its_own(key: str, owned: bool) -> None:
    assert things({"id": "a", "tags": {"Team": "x", key: "y"}}).select(system_owned()).collect().item() is owned


def test_no_tags_are_nobody_s_tags() -> None:
    owned = things({"id": "a"}, {"id": "b", "tags": {}}).select(system_owned()).collect().to_series()
    assert owned.to_list() == [False, False]
