"""GET /kpis: key figures by day or month, as the parts of a ratio and never the ratio."""

from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Depends, Query
from pydantic import Field, StringConstraints
from starlette.responses import Response

from api.asked import Asked, asked
from api.paging import by
from api.parameters import MANY, OneOf, PageQuery, Texts, matching
from api.released import View
from api.schemas import list_responses
from catalog.releases import Release, read
from catalog.warehouse import Warehouse
from contracts.tables import KPI_DAILY, KPI_MONTHLY
from jobs.rendering import json_value

router = APIRouter()
_ORDER = ("kpi", "period", "dimension", "value", "currency")
_Period = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}(-\d{2})?$")]


class KpiQuery(PageQuery):
    """A repeated parameter matches any of its values; different parameters must all match."""

    grain: Annotated[str, OneOf(("daily", "monthly"))] = "daily"
    kpi: Texts
    period: Annotated[list[_Period], MANY, Field(description="2026-11-01, or 2026-11.")]
    dimension: Texts
    value: Texts
    currency: Texts


def _daily(warehouse: Warehouse, release: Release) -> pl.DataFrame:
    return read(warehouse, release, KPI_DAILY).collect()


def _monthly(warehouse: Warehouse, release: Release) -> pl.DataFrame:
    return read(warehouse, release, KPI_MONTHLY).collect()


_VIEWS = {"daily": View("kpi_daily", (KPI_DAILY,), _daily), "monthly": View("kpi_monthly", (KPI_MONTHLY,), _monthly)}


@router.get("/kpis", operation_id="list_kpis", summary="List key figures", responses=list_responses("Kpi"))
def list_kpis(asked: Annotated[Asked, Depends(asked)], query: Annotated[KpiQuery, Query()]) -> Response:
    """List KPI rows by KPI, period, dimension and value."""
    where = matching(query, {name: pl.col(name) for name in _ORDER})
    return asked.listing(query, _VIEWS[query.grain], where, by(*_ORDER), _render)


def _render(row: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = json_value({name: value for name, value in row.items() if name != "tenant_id"})
    return shown
