"""aws.ebs.gp2_volume: what gp3 of the same performance saves."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkers.aws.ebs.gp2_volume import CHECK


def volume(size_gib: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": "vol-1",
        "volume_type": "gp2",
        "size_gib": size_gib,
        "state": "in-use",
        "attached_to": "i-1",
        **changes,
    }


@pytest.mark.parametrize(
    ("size_gib", "region", "usd"),
    [
        (1024, "us-east-1", "15.12"),  # 102.40 - 81.92 - 72 IOPS x 0.005 - 125 MiB/s x 0.04
        (100, "eu-west-1", "2.20"),  # 11.00 - 8.80, nothing to add
        (5334, "us-east-1", "36.68"),  # 533.40 - 426.72 - 13000 x 0.005 - 5.00: gp2 stops at 16,000 IOPS
        (334, "us-east-1", "1.68"),  # 33.40 - 26.72 - 5.00
        (170, "us-east-1", "3.40"),  # the last size without more throughput than gp3 includes
    ],
)
def test_the_saving_pays_for_the_performance_that_gp3_has_to_match(
    judge: Any, size_gib: int, region: str, usd: str
) -> None:
    claim = judge(CHECK, [volume(size_gib, region=region)])["vol-1"]
    assert claim["monthly_savings"] == Decimal(usd)
    assert claim["monthly_cost"] == size_gib * Decimal("0.10" if region == "us-east-1" else "0.11")
    assert (claim["verdict"], claim["action_from"], claim["action_to"]) == ("finding", "gp2", "gp3")
    assert claim["evidence"]["attached_to"] == "i-1"


@pytest.mark.parametrize("size_gib", [171, 250])
def test_a_volume_whose_throughput_would_cost_more_than_it_saves_is_ok(judge: Any, size_gib: int) -> None:
    assert judge(CHECK, [volume(size_gib)])["vol-1"]["verdict"] == "ok"


def test_the_saving_has_to_exceed_the_minimum(judge: Any) -> None:
    assert judge(CHECK, [volume(100)], min_monthly_savings_usd=1)["vol-1"]["verdict"] == "finding"
    assert judge(CHECK, [volume(100)], min_monthly_savings_usd=2)["vol-1"]["verdict"] == "ok"


def test_an_unattached_volume_is_a_finding_too(judge: Any) -> None:
    assert judge(CHECK, [volume(100, state="available", attached_to=None)])["vol-1"]["verdict"] == "finding"


def test_other_types_are_ok(judge: Any) -> None:
    rows = [volume(100, id=f"vol-{n}", volume_type=kind) for n, kind in enumerate(["gp3", "io1", "standard"])]
    assert {claim["verdict"] for claim in judge(CHECK, rows).values()} == {"ok"}


def test_an_unknown_price_is_a_finding_without_an_amount(unpriced: Any) -> None:
    claim = unpriced(CHECK, [volume(100)])["vol-1"]
    assert (claim["verdict"], claim["monthly_savings"], claim["status"]) == ("finding", None, "unknown")
    assert claim["missing_price"] == "aws/ebs/us-east-1/ebs.gp2.storage"


def test_a_volume_that_a_cluster_owns_is_not_applicable(judge: Any) -> None:
    claim = judge(CHECK, [volume(100, tags={"kubernetes.io/cluster/one": "owned"})])["vol-1"]
    assert (claim["verdict"], claim["reason"]) == ("not_applicable", "system_owned")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 16_384), min_size=1, max_size=20))
def test_a_saving_is_above_nothing_and_below_the_cost(judge: Any, sizes: list[int]) -> None:
    claims = judge(CHECK, [volume(size, id=f"vol-{n}") for n, size in enumerate(sizes)]).values()
    found = [claim for claim in claims if claim["verdict"] == "finding"]
    assert all(0 < claim["monthly_savings"] < claim["monthly_cost"] for claim in found)
    assert all(171 <= claim["evidence"]["size_gib"] <= 250 for claim in claims if claim["verdict"] == "ok")
