"""GET /runs: the tenant's runs, newest first, the one that is going on included."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.answers import unchanged
from api.asked import Asked, asked
from api.paging import Key, cut
from api.parameters import MANY, OneOf, PageQuery, matching
from api.schemas import list_responses
from catalog.state import Run
from jobs.rendering import json_value

router = APIRouter()
_RESULT = ("units", "findings", "rejected", "release", "seconds")  # not the bills: they name files of the server
_SCHEMA = pl.Schema({"sequence": pl.Int64(), "status": pl.String(), "document": pl.String()})


class RunQuery(PageQuery):
    """Which runs."""

    status: Annotated[list[Annotated[str, OneOf(("running", "finished"))]], MANY]


@router.get("/runs", operation_id="list_runs", summary="List runs", responses=list_responses("Run"))
def list_runs(asked: Annotated[Asked, Depends(asked)], query: Annotated[RunQuery, Query()]) -> Response:
    """List runs out of the ledger. They are not released: a walk sees what has happened meanwhile."""
    position = asked.position(query)
    rows = [_row(run) for run in asked.backend.state.runs(asked.tenant_id)]
    where = matching(query, {"status": pl.col("status")})
    newest_first = [Key("sequence", pl.col("sequence"), descending=True)]
    frame = pl.DataFrame(rows, schema=_SCHEMA)
    page = cut(frame, where, newest_first, position.values if position else None, query.limit)
    etag = asked.etag(*page.rows["document"], str(page.last))
    if asked.holds(etag):
        return unchanged(etag)
    return asked.page_response(page, query.limit, None, _render, etag)


def _row(run: Run) -> dict[str, Any]:
    shown = json_value(asdict(run))
    del shown["tenant_id"]
    shown["result"] = {name: value for name, value in (run.result or {}).items() if name in _RESULT}
    return {"sequence": run.sequence, "status": run.status, "document": json.dumps(shown)}


def _render(row: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(row["document"])
    return shown
