"""ETags and the cache of released rows."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import polars as pl
import pytest

from api import released as cache
from api.released import Released, View
from catalog.releases import Release
from catalog.warehouse import Warehouse

TENANT = "/v1/tenants/acme"


@pytest.mark.parametrize("path", ["findings", "findings?limit=2", "correlations", "kpis", "coverage", "runs"])
def test_an_answer_that_the_client_has_is_not_sent_again(estate: Any, path: str) -> None:
    first = estate.get(f"{TENANT}/{path}")
    etag = first.headers["etag"]
    assert etag.startswith('"')
    assert first.headers["cache-control"] == "private, no-cache"
    for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        again = estate.get(f"{TENANT}/{path}", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert estate.get(f"{TENANT}/{path}", headers={"If-None-Match": '"other"'}).content == first.content


def test_one_finding_has_a_tag_and_one_that_is_not_there_is_not_unchanged(estate: Any) -> None:
    finding = estate.get(f"{TENANT}/findings?limit=1").json()["data"][0]["finding_id"]
    etag = estate.get(f"{TENANT}/findings/{finding}").headers["etag"]
    assert estate.get(f"{TENANT}/findings/{finding}", headers={"If-None-Match": etag}).status_code == 304
    assert estate.get(f"{TENANT}/findings/nothing", headers={"If-None-Match": "*"}).status_code == 404


def test_different_answers_have_different_tags(estate: Any) -> None:
    paths = ["findings", "findings?limit=2", "findings?provider=aws", "findings?provider=gcp", "kpis", "coverage"]
    tags = [estate.get(f"{TENANT}/{path}").headers["etag"] for path in paths]
    tags.append(estate.get("/v1/tenants/globex/findings", "globex").headers["etag"])
    assert len(set(tags)) == len(tags)


def test_the_order_of_parameters_does_not_matter(estate: Any) -> None:
    one = estate.get(f"{TENANT}/findings?provider=aws&provider=gcp&limit=3")
    other = estate.get(f"{TENANT}/findings?limit=3&provider=gcp&provider=aws")
    assert one.headers["etag"] == other.headers["etag"]
    assert one.json() == other.json()


def test_a_new_release_is_served_at_once_under_a_new_tag(own_estate: Any) -> None:
    before = own_estate.get(f"{TENANT}/findings")
    released = own_estate.release("acme", resources=5, days=1)
    after = own_estate.get(f"{TENANT}/findings", headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.json()["meta"]["release"] == released.release


def test_what_is_written_but_not_released_is_not_served(own_estate: Any) -> None:
    before = own_estate.get(f"{TENANT}/findings").content
    own_estate.client.app.state.backend.released._frames.clear()
    own_estate.write_unreleased("acme")
    assert own_estate.get(f"{TENANT}/findings").content == before


def test_rows_are_loaded_once_for_many_requests_and_the_cache_is_bounded(estate: Any) -> None:
    loaded: list[str] = []

    def load(_warehouse: Warehouse, release: Release) -> pl.DataFrame:
        loaded.append(release.release)
        return pl.DataFrame({"tenant_id": ["acme"]})

    released = Released(estate.warehouse)
    release = released.release("acme")
    with ThreadPoolExecutor(8) as pool:
        frames = list(pool.map(lambda _: released.rows(View("v", (), load), release), range(32)))
    assert len(loaded) == 1
    assert all(frame is frames[0] for frame in frames)
    for number in range(cache.FRAMES + 5):
        released.rows(View(f"v{number}", (), load), release)
    assert len(released._frames) == cache.FRAMES


def test_a_load_that_failed_is_tried_again(estate: Any) -> None:
    outcomes = iter([OSError("the store is away"), pl.DataFrame({"tenant_id": ["acme"]})])

    def load(_warehouse: Warehouse, _release: Release) -> pl.DataFrame:
        outcome = next(outcomes)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    released, view = Released(estate.warehouse), View("v", (), load)
    release = released.release("acme")
    with pytest.raises(OSError, match="the store is away"):
        released.rows(view, release)
    assert released.rows(view, release).height == 1
