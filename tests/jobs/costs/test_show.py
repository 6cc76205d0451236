from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from catalog.warehouse import Warehouse
from jobs.costs.ingest import ingest
from jobs.costs.show import show

ARN = "arn:aws:ec2:us-east-1:111111111111:snapshot/snap-0a"


@pytest.fixture
def loaded(warehouse: Warehouse, bill: Callable[..., str]) -> Warehouse:
    """Load ten days of a snapshot and a volume, 1 a day each, up to a quarter of October 16."""
    days = [
        {
            "lineItem/UsageStartDate": f"2026-10-{day:02}T00:00:00Z",
            "lineItem/UsageEndDate": f"2026-10-{day + 1:02}T00:00:00Z",
        }
        for day in range(6, 16)
    ]
    rest = {"lineItem/UsageStartDate": "2026-10-16T00:00:00Z", "lineItem/UsageEndDate": "2026-10-16T06:00:00Z"}
    lines = [each | {"lineItem/ResourceId": resource} for each in [*days, rest] for resource in (ARN, "vol-0a")]
    other = rest | {"lineItem/UsageAccountId": "222222222222", "lineItem/ResourceId": "shared"}
    ingest(warehouse, "acme", [bill([*lines, other, other | {"lineItem/UsageAccountId": "111111111111"}])])
    return warehouse


def test_windows_end_with_the_last_complete_day_of_the_bill_where_no_time_is_given(loaded: Warehouse) -> None:
    told = show(loaded, "acme", "vol-0a").to_json()
    assert told["as_of"] == "2026-10-16T00:00:00Z"
    assert told["bounds"]["cost_7d"] == ["2026-10-09T00:00:00Z", "2026-10-16T00:00:00Z"]
    assert told["windows"] == {
        "cost_7d": "7.000000",
        "cost_30d": "10.000000",
        "cost_mtd": "10.000000",
        "cost_prev_month": None,
    }
    assert (told["method"], told["confidence"], told["currency"]) == ("exact", "1.00", "USD")
    assert (told["days_with_data"], told["days"]["cost_7d"], told["days"]["cost_prev_month"]) == (10, 7, 0)
    (line,) = told["evidence"]
    assert (line["matched_key"], line["cost_30d"], line["lines"]) == ("vol-0a", "10.000000000000", 10)


def test_a_given_time_is_taken_and_what_the_bill_lacks_of_a_window_is_said(loaded: Warehouse) -> None:
    told = show(loaded, "acme", "vol-0a", datetime(2026, 10, 20, tzinfo=UTC)).to_json()
    assert (told["as_of"], told["windows"]["cost_7d"]) == ("2026-10-20T00:00:00Z", "4.000000")
    assert (told["days"]["cost_7d"], told["data_through"]) == (4, "2026-10-16T06:00:00Z")
    assert told["confidence"] == "0.57"  # 4 of 7 days


@pytest.mark.parametrize("form", ["snap-0a", "SNAP-0A"])
def test_any_form_of_an_id_will_do(loaded: Warehouse, form: str) -> None:
    told = show(loaded, "acme", form).to_json()
    assert (told["method"], told["confidence"], told["windows"]["cost_7d"]) == ("normalized_arn", "0.98", "7.000000")
    assert "normalized_arn, confidence 0.98" in str(show(loaded, "acme", form))


def test_an_id_of_two_accounts_asks_for_the_account(loaded: Warehouse) -> None:
    told = show(loaded, "acme", "shared").to_json()
    assert (told["method"], told["windows"]["cost_7d"]) == ("none", None)
    assert told["reason"] == "ambiguous: in accounts 111111111111, 222222222222"
    after = datetime(2026, 10, 17, tzinfo=UTC)
    chosen = show(loaded, "acme", "shared", after, "222222222222").to_json()
    assert (chosen["method"], chosen["account_id"], chosen["windows"]["cost_7d"]) == (
        "exact",
        "222222222222",
        "1.000000",
    )


def test_what_is_not_on_the_bill_says_why(loaded: Warehouse) -> None:
    assert show(loaded, "acme", "vol-0b").to_json()["reason"] == "not_in_bill"
    assert "Billed: unknown (not_in_bill)" in str(show(loaded, "acme", "vol-0b"))
    assert show(loaded, "acme", "vol-0a", datetime(2026, 1, 1, tzinfo=UTC)).to_json()["reason"] == "not_in_window"
    nothing = show(loaded, "globex", "vol-0a").to_json()
    assert (nothing["reason"], nothing["evidence"], nothing["as_of"]) == ("no_cur", [], None)
