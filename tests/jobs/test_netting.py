import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.draft import FindingDraft
from contracts.tables import COVERAGE, CURRENT
from contracts.vocabulary import ACTIONS
from jobs.lifecycle import brought_up

Claim = Callable[..., FindingDraft]
Frame = Callable[..., pl.DataFrame]
ORDER = ("delete", "release", "stop", "rightsize", "migrate", "upgrade", "review")
RESOURCES = [f"vol-0{letter}" for letter in "abcdef"]


def savings(findings: pl.DataFrame, as_of: datetime) -> dict[tuple[str, str], dict[str, Any]]:
    """Give each finding's savings under (check, resource)."""
    nothing = pl.DataFrame(schema=CURRENT.polars_schema), pl.DataFrame(schema=COVERAGE.polars_schema)
    current = brought_up(findings, nothing[1], nothing[0], as_of)
    return {
        (row["check_id"], row["resource_id"]): row["savings"] | {"id": row["fingerprint"]} for row in current.to_dicts()
    }


def test_deleting_a_volume_leaves_nothing_to_save_by_changing_its_type(
    claim: Claim, sealed: Frame, as_of: datetime
) -> None:
    drafts = [claim("aws.ebs.unattached_volume", "vol-0a", "8"), claim("aws.ebs.gp2_volume", "vol-0a", "1.6")]
    found = savings(sealed(drafts, "r1", as_of), as_of)
    deleted, changed = found["aws.ebs.unattached_volume", "vol-0a"], found["aws.ebs.gp2_volume", "vol-0a"]
    assert (deleted["gross"], deleted["net"]) == (Decimal(8), Decimal(8))
    assert (changed["gross"], changed["net"], changed["excluded_by"]) == (Decimal("1.6"), Decimal(0), deleted["id"])
    assert changed["reason"] == "counted in another finding"


def test_a_stopped_instance_counts_for_the_volumes_it_covers(claim: Claim, sealed: Frame, as_of: datetime) -> None:
    drafts = [
        claim("aws.ec2.stopped_instance", "i-0a", "12", evidence={"covers": ["vol-0a", "vol-0b"]}),
        claim("aws.ebs.gp2_volume", "vol-0b", "2"),
        claim("aws.ebs.gp2_volume", "vol-0c", "3"),
    ]
    found = savings(sealed(drafts, "r1", as_of), as_of)
    assert {key[1]: each["net"] for key, each in found.items()} == {
        "i-0a": Decimal(12),
        "vol-0b": Decimal(0),
        "vol-0c": Decimal(3),
    }


def test_who_lost_only_to_a_loser_stands_again(claim: Claim, sealed: Frame, as_of: datetime) -> None:
    drafts = [
        claim("a.a.big", "i-0a", "9", action_kind="delete", evidence={"covers": ["vol-0a"]}),
        claim("a.a.middle", "i-0b", "5", action_kind="delete", evidence={"covers": ["vol-0a", "vol-0b"]}),
        claim("a.a.small", "vol-0b", "2", action_kind="migrate"),
    ]
    found = savings(sealed(drafts, "r1", as_of), as_of)
    assert {key[0]: each["net"] for key, each in found.items()} == {
        "a.a.big": Decimal(9),
        "a.a.middle": Decimal(0),
        "a.a.small": Decimal(2),
    }


def test_the_bill_limits_a_saving_and_says_that_the_estimate_is_too_high(
    claim: Claim, sealed: Frame, with_actual: Frame, as_of: datetime
) -> None:
    drafts = [claim("aws.ebs.unattached_volume", f"vol-0{letter}", "10") for letter in "abcd"]
    actual = with_actual(sealed(drafts, "r1", as_of), {"vol-0a": "4", "vol-0b": "40", "vol-0c": "-3"})
    found = {key[1]: each for key, each in savings(actual, as_of).items()}
    assert [found[each]["net"] for each in sorted(found)] == [Decimal(4), Decimal(10), Decimal(0), Decimal(10)]
    assert [found[each]["overstated"] for each in sorted(found)] == [True, False, True, None]
    assert found["vol-0a"]["reason"] == "limited to what the resource costs"


def test_a_bill_in_another_currency_does_not_limit(
    claim: Claim, sealed: Frame, with_actual: Frame, as_of: datetime
) -> None:
    actual = with_actual(sealed([claim("aws.ebs.gp2_volume", "vol-0a", "10")], "r1", as_of), {"vol-0a": "4"}, "CNY")
    (found,) = savings(actual, as_of).values()
    assert (found["net"], found["overstated"]) == (Decimal(10), None)


def test_an_unknown_saving_is_null_with_its_reason_and_excludes_nobody(
    claim: Claim, sealed: Frame, as_of: datetime
) -> None:
    drafts = [claim("aws.ebs.unattached_volume", "vol-0a", None), claim("aws.ebs.gp2_volume", "vol-0a", "2")]
    found = savings(sealed(drafts, "r1", as_of), as_of)
    unknown = found["aws.ebs.unattached_volume", "vol-0a"]
    assert (unknown["gross"], unknown["net"]) == (None, None)
    assert unknown["reason"] == "missing price: aws/ebs/us-east-1/ebs.x.storage"
    assert found["aws.ebs.gp2_volume", "vol-0a"]["net"] == Decimal(2)


def test_a_resource_of_unknown_cost_has_an_unknown_net_saving(claim: Claim, sealed: Frame, as_of: datetime) -> None:
    (found,) = savings(sealed([claim("a.a.a", "vol-0a", "5", monthly_cost=None)], "r1", as_of), as_of).values()
    assert (found["gross"], found["net"], found["reason"]) == (
        Decimal(5), None, "the cost of the resource is unknown",
    )  # fmt: skip


def oracle(findings: list[dict[str, Any]], costs: dict[str, Decimal]) -> dict[str, Decimal]:
    """Net saving per fingerprint, the slow and obvious way: strongest first, whoever finds all its resources free."""
    taken: set[str] = set()
    net = {}
    strongest = sorted(
        findings,
        key=lambda row: (ORDER.index(row["action"]["kind"]), -row["estimated"]["monthly_savings"], row["fingerprint"]),
    )
    for row in strongest:
        claimed = set(json.loads(row["evidence"]).get("covers") or [row["resource_id"]])
        counts = not claimed & taken
        taken |= claimed if counts else set()
        cost = sum((costs[each] for each in claimed), Decimal(0))
        net[row["fingerprint"]] = min(row["estimated"]["monthly_savings"], cost) if counts else Decimal(0)
    return net


def test_every_action_has_its_place_among_the_others() -> None:
    assert sorted(ORDER) == sorted(ACTIONS)


claims = st.tuples(
    st.sampled_from(ORDER),
    st.sampled_from(RESOURCES),
    st.lists(st.sampled_from(RESOURCES), max_size=3, unique=True),
    st.integers(0, 60),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(claims, max_size=14), st.lists(st.integers(0, 30), min_size=6, max_size=6))
def test_net_savings_add_up_on_any_slice_and_never_exceed_the_cost(
    claim: Claim, sealed: Frame, drawn: list[tuple[str, str, list[str], int]], prices: list[int]
) -> None:
    as_of = datetime(2026, 11, 1, tzinfo=UTC)
    costs = dict(zip(RESOURCES, map(Decimal, prices), strict=True))
    drafts = [
        claim(
            f"a.a.check{number}",
            resource,
            str(gross),
            action_kind=action,
            evidence={"covers": covers} if covers else {},
            monthly_cost=sum((costs[each] for each in covers or [resource]), Decimal(0)),
        )
        for number, (action, resource, covers, gross) in enumerate(drawn)
    ]
    findings = sealed(drafts, "r1", as_of)
    net = {each["id"]: each["net"] for each in savings(findings, as_of).values()}
    rows = findings.to_dicts()
    assert net == oracle(rows, costs)
    for slice_of in (lambda row: row["action"]["kind"], lambda row: row["resource_id"], lambda _row: "all"):
        for part in {slice_of(row) for row in rows}:
            inside = [row for row in rows if slice_of(row) == part]
            claimed = {
                each for row in inside for each in json.loads(row["evidence"]).get("covers") or [row["resource_id"]]
            }
            assert sum(net[row["fingerprint"]] for row in inside) <= sum(costs[each] for each in claimed)
