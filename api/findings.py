"""GET /findings and /findings/{finding_id}: every finding of the release with its state and net saving."""

from decimal import Decimal
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from api.answers import json_response, meta, unchanged
from api.asked import Asked, asked
from api.paging import Key
from api.parameters import MANY, MAX_VALUES, OneOf, PageQuery, Texts, matching, tags_matching
from api.problems import Problem
from api.released import View
from api.schemas import list_responses, one_responses
from catalog.releases import Release, read
from catalog.warehouse import Warehouse
from contracts import vocabulary as words
from contracts.tables import CURRENT
from contracts.units import PROVIDERS
from jobs.rendering import finding_json

router = APIRouter()
STATES = (*words.OPEN_STATES, "resolved")
_AMOUNT = Field(None, max_digits=18, decimal_places=6)

_NET = pl.col("savings").struct.field("net")
_COLUMNS = {
    "provider": pl.col("provider"),
    "account_id": pl.col("account_id"),
    "region": pl.col("region"),
    "service": pl.col("service"),
    "resource_id": pl.col("resource_id"),
    "check_id": pl.col("check_id"),
    "category": pl.col("category"),
    "severity": pl.col("severity"),
    "confidence": pl.col("confidence"),
    "effort": pl.col("effort"),
    "risk": pl.col("risk"),
    "state": pl.col("lifecycle").struct.field("state"),
}
_SORTS = {
    "net_savings": _NET,
    "check_id": pl.col("check_id"),
    "account_id": pl.col("account_id"),
    "last_seen": pl.col("lifecycle").struct.field("last_seen").dt.epoch("us"),
}
SORTS = tuple(f"{sign}{name}" for name in _SORTS for sign in ("-", ""))


class FindingQuery(PageQuery):
    """A repeated parameter matches any of its values; different parameters must all match."""

    provider: Annotated[list[Annotated[str, OneOf(PROVIDERS)]], MANY]
    account_id: Texts
    region: Texts
    service: Texts
    resource_id: Texts
    check_id: Texts
    category: Annotated[list[Annotated[str, OneOf(words.CATEGORIES)]], MANY]
    severity: Annotated[list[Annotated[str, OneOf(words.SEVERITIES)]], MANY]
    confidence: Annotated[list[Annotated[str, OneOf(words.CONFIDENCES)]], MANY]
    effort: Annotated[list[Annotated[str, OneOf(words.EFFORTS)]], MANY]
    risk: Annotated[list[Annotated[str, OneOf(words.RISKS)]], MANY]
    state: list[Annotated[str, OneOf(STATES)]] = Field(list(words.OPEN_STATES), max_length=MAX_VALUES)
    net_savings_min: Annotated[Decimal | None, _AMOUNT]
    net_savings_max: Annotated[Decimal | None, _AMOUNT]
    sort: Annotated[str, OneOf(SORTS)] = Field(
        "-net_savings", description="A leading hyphen means descending; unknown values are last; ties by fingerprint."
    )


def _load(warehouse: Warehouse, release: Release) -> pl.DataFrame:
    return read(warehouse, release, CURRENT).collect()


FINDINGS = View("findings", (CURRENT,), _load)


@router.get(
    "/findings",
    operation_id="list_findings",
    summary="List findings",
    description="`tag.<key>=<value>` keeps the findings whose resource has that tag with that value.",
    responses=list_responses("Finding"),
    openapi_extra={"x-tag-filters": True},
)
def list_findings(asked: Annotated[Asked, Depends(asked)], query: Annotated[FindingQuery, Query()]) -> Response:
    """List the findings that match, by default the open ones, largest net saving first."""
    where = [*matching(query, _COLUMNS), *tags_matching(asked.request)]
    if query.net_savings_min is not None:
        where.append(query.net_savings_min <= _NET)
    if query.net_savings_max is not None:
        where.append(query.net_savings_max >= _NET)
    return asked.listing(query, FINDINGS, where, _order(query.sort), finding_json)


@router.get(
    "/findings/{finding_id}", operation_id="get_finding", summary="Show a finding", responses=one_responses("Finding")
)
def get_finding(asked: Annotated[Asked, Depends(asked)], finding_id: str) -> Response:
    """Show one finding, in whatever state, by its finding_id or fingerprint."""
    released = asked.backend.released
    release = released.release(asked.tenant_id)
    etag = asked.etag(release.release)
    named = (pl.col("finding_id") == finding_id) | (pl.col("fingerprint") == finding_id)
    found = released.rows(FINDINGS, release).filter(named).to_dicts()
    if not found:
        raise Problem("not_found", "No finding of the latest release has this finding_id or fingerprint.")
    if asked.holds(etag):
        return unchanged(etag)
    return json_response({"data": finding_json(found[0]), "meta": meta(asked.tenant_id, release)}, etag)


def _order(sort: str) -> list[Key]:
    name = sort.removeprefix("-")
    return [Key(name, _SORTS[name], sort.startswith("-")), Key("fingerprint", pl.col("fingerprint"))]
