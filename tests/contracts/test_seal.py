"""The contract: every draft ends as a finding, a reject or a duplicate, whatever it is made of."""

import json
import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.draft import FindingDraft
from contracts.seal import UNATTRIBUTED, RunStamp, seal
from contracts.tables import DRAFT_SCHEMA, FINDINGS, REJECTED

Draft = Callable[..., FindingDraft]
STAMP = RunStamp("r1", datetime(2026, 11, 1, tzinfo=UTC))


def test_a_good_draft_becomes_a_finding_of_exactly_the_storage_schema(draft: Draft) -> None:
    sealed = seal(FindingDraft.batch([draft()]), STAMP)
    row = sealed.findings.row(0, named=True)
    assert sealed.findings.schema == FINDINGS.polars_schema
    assert row["estimated"]["monthly_savings"] == Decimal("8.000000")
    assert row["run_date"] == date(2026, 11, 1)
    assert row["detected_at"] == STAMP.as_of
    assert row["actual"] is None
    assert row["tags"] == {"team": "core"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tenant_id": "../etc"}, "tenant_id: must be 2 to 63 of a-z, 0-9 and hyphen"),
        ({"resource_id": ""}, "resource_id: is missing"),
        ({"severity": "urgent"}, "severity: must be one of critical, high, medium, low, info"),
        ({"monthly_savings": Decimal(-1)}, "monthly_savings: is negative"),
        ({"monthly_savings": Decimal(10**13)}, "monthly_savings: does not fit decimal(18,6)"),
        ({"currency": "usd"}, "currency: must be three capital letters beside an amount"),
        ({"monthly_savings": None}, "status: must be unknown exactly when monthly_savings is null"),
        ({"evidence": "[]"}, "evidence: is not a JSON object"),
        ({"title": "x" * 1_000_000}, "title: is longer than 512 bytes"),
        ({"tags": {str(n): "v" for n in range(10_000)}}, "tags: more than 500"),
    ],
)
def test_a_bad_draft_is_rejected_alone_with_its_reason(draft: Draft, changes: dict[str, Any], reason: str) -> None:
    sealed = seal(FindingDraft.batch([draft(**changes), draft(resource_id="vol-0aaa")]), STAMP)
    assert sealed.findings.height == 1
    assert sealed.rejected.schema == REJECTED.polars_schema
    assert reason in sealed.rejected["reasons"][0]


def test_a_reject_keeps_every_reason_and_the_raw_draft(draft: Draft) -> None:
    sealed = seal(FindingDraft.batch([draft(severity="urgent", category="odd", tenant_id="A")]), STAMP)
    row = sealed.rejected.row(0, named=True)
    assert len(row["reasons"]) == 3
    assert row["tenant_id"] == UNATTRIBUTED
    assert json.loads(row["draft"])["severity"] == "urgent"


def test_order_amounts_time_and_unknown_columns_do_not_move_identity(draft: Draft) -> None:
    drafts = [draft(resource_id=f"vol-{n:08x}", monthly_savings=Decimal(n)) for n in range(50)]
    shuffled = random.Random(7).sample(drafts, len(drafts))
    later = RunStamp("r9", datetime(2027, 1, 1, tzinfo=UTC))
    first = seal(FindingDraft.batch(drafts), STAMP).findings
    second = seal(
        FindingDraft.batch(shuffled).with_columns(monthly_savings=pl.col("monthly_savings") * 2, extra=pl.lit(1)), later
    ).findings
    assert sorted(first["fingerprint"]) == sorted(second["fingerprint"])
    assert sorted(first["finding_id"]) == sorted(second["finding_id"])


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["low", "urgent"])), min_size=1, max_size=20),
    st.randoms(use_true_random=False),
    st.integers(1, 7),
)
def test_neither_order_nor_cuts_nor_columns_show_and_every_draft_is_accounted_for(
    draft: Draft, given_drafts: list[tuple[int, str]], rng: random.Random, size: int
) -> None:
    drafts = [draft(resource_id=f"vol-{number:08x}", severity=severity) for number, severity in given_drafts]
    whole = seal(FindingDraft.batch(drafts), STAMP)
    assert whole.findings.height + whole.rejected.height + whole.duplicates.height == len(drafts)
    assert whole.findings.height == len({number for number, severity in given_drafts if severity == "low"})
    assert whole.rejected.height == sum(severity == "urgent" for _, severity in given_drafts)
    shuffled = FindingDraft.batch(rng.sample(drafts, len(drafts)))
    columns = rng.sample(shuffled.columns, len(shuffled.columns))
    parts = [seal(part.select(columns), STAMP) for part in shuffled.iter_slices(size)]
    assert {name for part in parts for name in part.findings["fingerprint"]} == set(whole.findings["fingerprint"])
    assert sum(part.rejected.height for part in parts) == whole.rejected.height


def test_of_duplicates_the_same_one_is_kept_in_every_order(draft: Draft) -> None:
    drafts = [draft(title=title) for title in ("b", "a", "c")]
    kept = [seal(FindingDraft.batch(order), STAMP).findings["title"].to_list() for order in (drafts, drafts[::-1])]
    assert kept == [["a"], ["a"]]


def test_one_row_and_a_batch_give_the_same_finding(draft: Draft) -> None:
    drafts = [draft(resource_id=f"vol-{n:08x}") for n in range(20)]
    batch = seal(FindingDraft.batch(drafts), STAMP).findings
    singles = pl.concat(seal(FindingDraft.batch([each]), STAMP).findings for each in drafts)
    assert batch.equals(singles)


garbage = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.floats(), st.text(max_size=5), st.binary(max_size=5),
    st.lists(st.integers(0, 9), max_size=2), st.dates(), st.dictionaries(st.text(max_size=2), st.text(max_size=2)),
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(
    st.dictionaries(st.sampled_from([*DRAFT_SCHEMA.names(), "unknown"]), garbage, min_size=1, max_size=8),
    st.integers(1, 3),
)
def test_garbage_of_any_type_ends_in_rejects_never_in_an_exception(row: dict[str, Any], copies: int) -> None:
    frame = pl.DataFrame([pl.Series(name, [value] * copies, strict=False) for name, value in row.items()])
    sealed = seal(frame, STAMP)
    assert sealed.findings.height + sealed.rejected.height + sealed.duplicates.height == copies
    assert sealed.rejected.height == copies


def test_slices_and_chunks_of_a_large_batch_do_not_show(draft: Draft) -> None:
    one = FindingDraft.batch([draft(provider="azure")])
    severity = pl.when(pl.col("n") % 9_000 == 0).then(pl.lit("urgent")).otherwise(pl.lit("low"))
    numbered = pl.select(n=pl.int_range(50_000)).with_columns(
        resource_id=pl.format("/Disks/D{}", pl.col("n")), severity=severity
    )
    large = one.drop("resource_id", "severity").join(numbered, how="cross").drop("n").select(DRAFT_SCHEMA.names())
    parts = [seal(large.slice(start, 7_000), STAMP) for start in range(0, large.height, 7_000)]
    whole = seal(pl.concat([large.slice(0, 123), large.slice(123)], rechunk=False), STAMP)
    assert whole.findings.equals(pl.concat(part.findings for part in parts))
    assert whole.rejected.equals(pl.concat(part.rejected for part in parts))
    assert whole.rejected.height == 6


def test_nothing_in_gives_nothing_out() -> None:
    sealed = seal(pl.DataFrame(schema=DRAFT_SCHEMA), STAMP)
    assert (sealed.findings.height, sealed.rejected.height, sealed.duplicates.height) == (0, 0, 0)
