"""GET /coverage: what the released run read and judged, and what it did not and why."""

from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.asked import Asked, asked
from api.paging import by
from api.parameters import MANY, OneOf, PageQuery, Texts, matching
from api.released import View
from api.schemas import list_responses, reference
from contracts.tables import COVERAGE
from contracts.units import PROVIDERS
from contracts.vocabulary import OUTCOMES
from jobs.coverage import coverage_totals, released_coverage
from jobs.rendering import json_value

router = APIRouter()
_FILTERS = ("outcome", "provider", "account_id", "region", "subject", "name")
_ORDER = ("unit_id", "subject", "name")
_VIEW = View("coverage", (COVERAGE,), released_coverage)


class CoverageQuery(PageQuery):
    """A repeated parameter matches any of its values; different parameters must all match."""

    outcome: Annotated[list[Annotated[str, OneOf(OUTCOMES)]], MANY]
    provider: Annotated[list[Annotated[str, OneOf(PROVIDERS)]], MANY]
    account_id: Texts
    region: Texts
    subject: Annotated[list[Annotated[str, OneOf(("dataset", "check"))]], MANY]
    name: Texts


@router.get(
    "/coverage",
    operation_id="list_coverage",
    summary="List coverage",
    responses=list_responses("Coverage", totals=reference("CoverageTotals")),
)
def list_coverage(asked: Annotated[Asked, Depends(asked)], query: Annotated[CoverageQuery, Query()]) -> Response:
    """List units by dataset and check, with totals over all rows that match and not this page alone."""
    where = matching(query, {name: pl.col(name) for name in _FILTERS})
    return asked.listing(query, _VIEW, where, by(*_ORDER), _render, _totals)


def _render(row: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = json_value(row)
    return {**shown, "reasons": shown["reasons"] or {}}


def _totals(rows: pl.DataFrame) -> dict[str, Any]:
    return {"totals": coverage_totals(rows)}
