"""aws.ebs.unattached_volume: the whole price of a forgotten volume."""

from decimal import Decimal
from typing import Any

import pytest

from checkers.aws.ebs.unattached_volume import CHECK


def volume(judge: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": "vol-1", "volume_type": "gp3", "size_gib": 100, "iops": 3000, "throughput_mibps": 125,
        "state": "available", "created_at": judge.days_ago(20), **changes,
    }  # fmt: skip


def test_a_forgotten_volume_is_claimed_at_its_storage_price(judge: Any) -> None:
    claim = judge(CHECK, [volume(judge)])["vol-1"]
    assert claim["monthly_savings"] == Decimal("8.00")  # 100 GiB x 0.08
    assert (claim["verdict"], claim["status"], claim["missing_price"]) == ("finding", "estimated", None)
    assert claim["evidence"]["attached_to"] is None


@pytest.mark.parametrize(
    ("changes", "usd"),
    [
        ({"volume_type": "gp3", "iops": 6000, "throughput_mibps": 325}, "31.00"),  # 8 + 3000 x 0.005 + 200 x 0.04
        ({"volume_type": "gp3", "iops": None, "throughput_mibps": None}, "8.00"),
        ({"volume_type": "gp2", "iops": 300, "throughput_mibps": None}, "10.00"),
        ({"volume_type": "io1", "size_gib": 500, "iops": 6000}, "452.50"),  # 62.50 + 6000 x 0.065
        ({"volume_type": "io2", "iops": 32_000}, "2092.50"),  # 12.50 + 32000 x 0.065
        ({"volume_type": "io2", "iops": 70_000}, "3739.60"),  # 12.50 + 2080 + 32000 x 0.0455 + 6000 x 0.03185
    ],
)
def test_provisioned_performance_is_part_of_the_price(judge: Any, changes: dict[str, Any], usd: str) -> None:
    assert judge(CHECK, [volume(judge, **changes)])["vol-1"]["monthly_savings"] == Decimal(usd)


def test_an_unknown_price_is_a_finding_without_an_amount_that_names_the_key(judge: Any) -> None:
    claim = judge(CHECK, [volume(judge, region="mars-north-1")])["vol-1"]
    assert (claim["verdict"], claim["monthly_savings"], claim["status"]) == ("finding", None, "unknown")
    assert claim["missing_price"] == "aws/ebs/mars-north-1/ebs.gp3.storage"


def test_a_price_that_nothing_is_bought_at_may_be_unknown(with_prices: Any, judge: Any) -> None:
    cheap = with_prices({"aws/ebs/us-east-1/ebs.gp3.storage": "0.08"})
    claims = cheap(CHECK, [volume(judge), volume(judge, id="vol-2", iops=4000)])
    assert claims["vol-1"]["monthly_savings"] == Decimal("8.00")
    assert claims["vol-2"]["monthly_savings"] is None
    assert claims["vol-2"]["missing_price"] == "aws/ebs/us-east-1/ebs.gp3.iops_over_3000"


def test_unknown_iops_leave_a_provisioned_volume_without_an_amount(judge: Any) -> None:
    claim = judge(CHECK, [volume(judge, volume_type="io1", iops=None)])["vol-1"]
    assert (claim["monthly_savings"], claim["missing_price"]) == (None, "a quantity of the formula is unknown")


def test_an_attached_volume_is_ok(judge: Any) -> None:
    claims = judge(
        CHECK, [volume(judge, state="in-use", attached_to="i-1"), volume(judge, id="vol-2", state="creating")]
    )
    assert [claim["verdict"] for claim in claims.values()] == ["ok", "ok"]


def test_a_volume_becomes_a_finding_on_the_day_it_is_old_enough(judge: Any) -> None:
    rows = [volume(judge, created_at=judge.days_ago(14)), volume(judge, id="vol-2", created_at=judge.days_ago(13.99))]
    claims = judge(CHECK, rows)
    assert (claims["vol-1"]["verdict"], claims["vol-2"]["verdict"]) == ("finding", "ok")
    assert judge(CHECK, rows, min_age_days=13)["vol-2"]["verdict"] == "finding"


def test_an_unknown_age_is_undetermined_unless_the_volume_is_attached(judge: Any) -> None:
    rows = [volume(judge, created_at=None), volume(judge, id="vol-2", created_at=None, state="in-use", attached_to="i")]
    claims = judge(CHECK, rows)
    assert (claims["vol-1"]["verdict"], claims["vol-1"]["reason"]) == ("undetermined", "age_unknown")
    assert claims["vol-2"]["verdict"] == "ok"


@pytest.mark.parametrize(
    "key",
    ["kubernetes.io/created-for/pvc/name", "ebs.csi.aws.com/cluster", "CSIVolumeName", "aws:backup:source-resource"],
)
def test_a_volume_that_a_system_owns_is_not_applicable(judge: Any, key: str) -> None:
    claim = judge(CHECK, [volume(judge, tags={key: "x"})])["vol-1"]
    assert (claim["verdict"], claim["reason"]) == ("not_applicable", "system_owned")
