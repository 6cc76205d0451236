"""GET /correlations: meta-findings, one cause behind several findings, with their members."""

import json
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.asked import Asked, asked
from api.paging import by
from api.parameters import MANY, OneOf, PageQuery, Texts, matching
from api.released import View
from api.schemas import list_responses
from catalog.releases import Release
from catalog.warehouse import Warehouse
from contracts.tables import CORRELATED, CURRENT
from contracts.units import PROVIDERS
from jobs.export import correlated_document

router = APIRouter()
_FIELDS = ("tenant_id", "provider", "account_id", "region", "check_id", "fingerprint")
_ORDER = ("provider", "account_id", "region", "check_id", "fingerprint")


class CorrelationQuery(PageQuery):
    """A repeated parameter matches any of its values; different parameters must all match."""

    provider: Annotated[list[Annotated[str, OneOf(PROVIDERS)]], MANY]
    account_id: Texts
    region: Texts
    check_id: Texts


def _load(warehouse: Warehouse, release: Release) -> pl.DataFrame:
    """Keep each meta-finding as the text it is exported as, beside the columns to filter and sort by."""
    found = correlated_document(warehouse, release)["correlated_findings"]
    rows = [{**{name: each[name] for name in _FIELDS}, "document": json.dumps(each)} for each in found]
    return pl.DataFrame(rows, schema=dict.fromkeys((*_FIELDS, "document"), pl.String()))


CORRELATIONS = View("correlations", (CORRELATED, CURRENT), _load)


@router.get(
    "/correlations",
    operation_id="list_correlations",
    summary="List correlated findings",
    responses=list_responses("Correlation"),
)
def list_correlations(asked: Annotated[Asked, Depends(asked)], query: Annotated[CorrelationQuery, Query()]) -> Response:
    """List meta-findings whose members are all open, by provider, account, region and rule."""
    where = matching(query, {name: pl.col(name) for name in ("provider", "account_id", "region", "check_id")})
    return asked.listing(query, CORRELATIONS, where, by(*_ORDER), _render)


def _render(row: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(row["document"])
    return shown
