"""Identity is a promise for ever: golden vectors, an independent recipe, and hostile tuples."""

import hashlib
import unicodedata
from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.canonical import IDENTITY, canonical_identity, canonicalise
from contracts.draft import FindingDraft
from contracts.identity import finding_id, fingerprint, place
from contracts.seal import RunStamp, seal

Draft = Callable[..., FindingDraft]
# Changing one of these is a breaking change with an ADR.
GOLDEN = {
    "beef799cebff55871d2df1b401cc93340ac04b896b60fc8365d6cee280455768": {"resource_id": "vol-0123456789ABCDEF0"},
    "e008950a8eeca017bf09fdee2fd6ca9270fc390ad3866f861e76ff42e1eac019": {
        "account_id": "1111",
        "resource_id": "eipalloc-0aa",
    },
    "d0fabf7b42d86111e4f3ed8762e9cfb32bf1e3c467d97f3d7f813a613868b6b9": {
        "provider": "azure",
        "region": "West Europe",
        "account_id": "SUB-1",
        "resource_id": "/subscriptions/SUB-1/resourceGroups/RG/providers/Microsoft.Compute/disks/D",
    },
    "1655df4172b41c3e67715eadf07f83365c510976964febbfeb7a0894fafcd399": {
        "resource_id": "My-Bucket",
        "facet": "lifecycle",
    },
}


def reference(row: dict[str, str]) -> str:
    """Follow the recipe of ADR 0002 in plain Python."""
    fields = ["finops-fingerprint-1", *(row[name] for name in IDENTITY)]
    joined = "".join(f"{len(field.encode())}:{field}" for field in fields)
    return hashlib.sha256(joined.encode()).hexdigest()


def identify(rows: list[dict[str, str]]) -> list[str]:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(IDENTITY, pl.String))
    return frame.with_columns(place(frame)).select(fingerprint()).to_series().to_list()


@pytest.mark.parametrize("expected", GOLDEN)
def test_golden_vectors_hold(draft: Draft, stamp: RunStamp, expected: str) -> None:
    sealed = seal(FindingDraft.batch([draft(**GOLDEN[expected])]), stamp)
    assert sealed.findings["fingerprint"].to_list() == [expected]


hostile = st.text(alphabet=st.sampled_from("0123456789:|/\x00 \u0301e\u00e9aA-"), max_size=6)


@settings(deadline=None)
@given(st.lists(st.tuples(*[hostile] * len(IDENTITY)), min_size=1, max_size=20))
def test_the_batch_path_is_the_plain_recipe_and_no_two_tuples_share_a_fingerprint(rows: list[tuple[str, ...]]) -> None:
    named = [dict(zip(IDENTITY, row, strict=True)) for row in rows]
    found = identify(named)
    assert found == [reference(row) for row in named]
    assert len(set(found)) == len(set(rows))


def test_digits_that_move_between_fields_make_another_fingerprint() -> None:
    base = dict.fromkeys(IDENTITY, "x")
    first, second = identify([base | {"check_id": "1:2", "facet": "3"}, base | {"check_id": "1", "facet": "2:3"}])
    assert first != second


@settings(deadline=None)
@given(st.sampled_from(["aws", "azure", "gcp", "other"]), st.text(max_size=12), st.text(max_size=12))
def test_canonical_form_is_idempotent(provider: str, resource: str, account: str) -> None:
    row = dict.fromkeys(IDENTITY, " x ") | {"provider": provider, "resource_id": resource, "account_id": account}
    once = pl.DataFrame([row]).select(canonical_identity())
    assert once.select(canonical_identity()).equals(once)


identities = st.fixed_dictionaries(
    {
        "tenant_id": st.sampled_from(["acme", " acme", "ACME", None]),
        "workspace": st.sampled_from(["prod", "pro\u0301d"]),
        "provider": st.sampled_from(["aws", "AWS", "azure", "gcp", None]),
        "account_id": st.sampled_from(["111111111111", "1111", "Sub-1", "", None]),
        "region": st.sampled_from(["us-east-1", "West Europe", "global"]),
        "check_id": st.sampled_from(["aws.ebs.gp2_volume", " x"]),
        "resource_id": st.sampled_from(["vol-0ab", "VOL-0AB", "Bucket", "/A/b", " s ", "\u00e9", "e\u0301", None]),
        "facet": st.sampled_from(["", None, " f"]),
    }
)


@settings(deadline=None)
@given(st.lists(identities, min_size=1, max_size=12))
def test_the_fast_way_to_canonical_form_is_the_same_as_the_plain_one(rows: list[dict[str, str | None]]) -> None:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(IDENTITY, pl.String))
    assert canonicalise(frame).equals(frame.select(canonical_identity()))


def test_equal_text_in_another_unicode_form_is_the_same_thing(draft: Draft, stamp: RunStamp) -> None:
    composed = draft(resource_id=unicodedata.normalize("NFC", "cafe\u0301"))
    decomposed = draft(resource_id=unicodedata.normalize("NFD", "caf\u00e9"))
    sealed = seal(FindingDraft.batch([composed, decomposed]), stamp)
    assert (sealed.findings.height, sealed.duplicates.height) == (1, 1)


def test_case_stands_where_the_provider_minds_it(draft: Draft, stamp: RunStamp) -> None:
    buckets = FindingDraft.batch([draft(resource_id="Data"), draft(resource_id="data")])
    disks = FindingDraft.batch([draft(provider="azure", resource_id=name) for name in ("/A/b", "/a/B")])
    assert seal(buckets, stamp).findings.height == 2
    assert seal(disks, stamp).findings.height == 1


def test_finding_ids_follow_their_mode() -> None:
    frame = pl.DataFrame({"fingerprint": ["ab" * 32]})

    def of(mode: str, run_id: str, day: str) -> str:
        return frame.select(finding_id(mode, run_id, day)).item()

    assert of("stable", "r1", "2026-11-01") == of("stable", "r2", "2026-11-02") == "ab" * 16
    assert of("per_run", "r1", "2026-11-01") == of("per_run", "r1", "2026-11-02") != of("per_run", "r2", "2026-11-01")
    assert of("per_day", "r1", "2026-11-01") == of("per_day", "r2", "2026-11-01") != of("per_day", "r1", "2026-11-02")
