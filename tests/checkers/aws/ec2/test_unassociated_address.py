"""aws.ec2.unassociated_address: the hours of an address that nothing uses."""

from decimal import Decimal
from typing import Any

from checkers.aws.ec2.unassociated_address import CHECK


def test_an_unused_address_costs_its_hours(judge: Any) -> None:
    claim = judge(CHECK, [{"id": "eipalloc-1", "public_ip": "198.51.100.1"}])["eipalloc-1"]
    assert claim["monthly_savings"] == Decimal("3.65")  # 730 h x 0.005
    assert (claim["verdict"], claim["action_kind"]) == ("finding", "release")
    assert claim["evidence"]["instance_id"] is None


def test_an_associated_address_is_ok(judge: Any) -> None:
    rows = [
        {"id": "eipalloc-1", "association_id": "eipassoc-1", "network_interface_id": "eni-1"},
        {"id": "198.51.100.1", "instance_id": "i-1"},  # EC2-Classic has no association id
    ]
    assert {claim["verdict"] for claim in judge(CHECK, rows).values()} == {"ok"}


def test_an_address_that_a_cluster_owns_is_not_applicable(judge: Any) -> None:
    claim = judge(CHECK, [{"id": "eipalloc-1", "tags": {"kubernetes.io/cluster/one": "owned"}}])["eipalloc-1"]
    assert (claim["verdict"], claim["reason"]) == ("not_applicable", "system_owned")


def test_an_unknown_price_names_its_key(judge: Any) -> None:
    claim = judge(CHECK, [{"id": "eipalloc-1", "region": "mars-north-1"}])["eipalloc-1"]
    assert (claim["verdict"], claim["monthly_savings"], claim["status"]) == ("finding", None, "unknown")
    assert claim["missing_price"] == "aws/network/mars-north-1/public_ipv4.idle"
