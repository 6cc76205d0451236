"""A request that was let in: its key, tenant and parameters are right; from here it gets an answer."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

import polars as pl
from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from api.answers import VERSION, json_response, meta, unchanged
from api.auth import authorised
from api.backend import Backend, backend_of
from api.cursors import Position
from api.paging import Cut, Key, cut
from api.parameters import PageQuery, check_names
from api.problems import parameter_problem
from api.released import View
from catalog.releases import Release

Render = Callable[[dict[str, Any]], dict[str, Any]]
Extra = Callable[[pl.DataFrame], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose data is asked for, and with which request."""

    request: Request
    backend: Backend
    tenant_id: str

    def listing(
        self,
        query: PageQuery,
        view: View,
        where: Sequence[pl.Expr],
        order: Sequence[Key],
        render: Render,
        extra: Extra | None = None,
    ) -> Response:
        """Answer one page of a view; the pages of a walk are all of the release it began on.

        `extra` adds members to the answer, made from all rows that the filter leaves.
        """
        after = self.position(query)
        release = self.backend.released.release(self.tenant_id, after.release if after else None)
        etag = self.etag(release.release)  # known before any row is read: a release never changes
        if self.holds(etag):
            return unchanged(etag)
        frame = self.backend.released.rows(view, release)
        page = cut(frame, where, order, after.values if after else None, query.limit)
        added = extra(frame.filter(*where)) if extra else {}
        return self.page_response(page, query.limit, release, render, etag, added)

    def position(self, query: PageQuery) -> Position | None:
        """Return where the walk stands. Raises Problem for a cursor of another list or filter."""
        if query.cursor is None:
            return None
        position = self.backend.signer.read(query.cursor)
        if position.scope != self._scope():
            raise parameter_problem("invalid_cursor", "cursor", "belongs to another list, filter or sort")
        return position

    def page_response(
        self,
        page: Cut,
        limit: int,
        release: Release | None,
        render: Render,
        etag: str,
        added: Mapping[str, Any] | None = None,
    ) -> Response:
        """Write a page down, with the way to the next."""
        following, headers = None, {}
        if page.last is not None:
            position = Position(release.release if release else "", self._scope(), page.last)
            following = self.backend.signer.write(position)
            headers["Link"] = f'<{self._path_with(following)}>; rel="next"'
        data = [render(row) for row in page.rows.iter_rows(named=True)]
        shown = {"data": data, "page": {"next": following, "limit": limit}, **(added or {})}
        return json_response({**shown, "meta": meta(self.tenant_id, release)}, etag, headers)

    def etag(self, *sources: str) -> str:
        """Return the strong tag of the answer that this request gets from these sources."""
        given = json.dumps(sorted(self.request.query_params.multi_items()))
        path = self.request.url.path
        return f'"{self.backend.signer.digest(VERSION, self.tenant_id, path, given, *sources)}"'

    def holds(self, etag: str) -> bool:
        """Say whether the client has this answer already (If-None-Match)."""
        known = ",".join(self.request.headers.getlist("if-none-match")).split(",")
        return any(each.strip().removeprefix("W/") in (etag, "*") for each in known)

    def _scope(self) -> str:
        """Return a digest of what a cursor belongs to: tenant, list, filters and sort; not of the page size."""
        given = self.request.query_params.multi_items()
        kept = sorted({(name, value) for name, value in given if name not in PageQuery.model_fields})
        return self.backend.signer.digest(self.tenant_id, self.request.url.path, json.dumps(kept))

    def _path_with(self, cursor: str) -> str:
        kept = [(name, value) for name, value in self.request.query_params.multi_items() if name != "cursor"]
        return f"{self.request.url.path}?{urlencode([*kept, ('cursor', cursor)])}"


def asked(request: Request, tenant_id: Annotated[str, Depends(authorised)]) -> Asked:
    """Let a request in. Raises Problem, first for the key, then for the tenant, then for unknown parameters."""
    _check_declared(request)
    return Asked(request, backend_of(request), tenant_id)


def _check_declared(request: Request) -> None:
    """Hold a query string against the OpenAPI document: what is not declared there is not accepted."""
    operation_id = request.scope["route"].operation_id
    for path in request.app.openapi()["paths"].values():
        operation = path.get(request.method.lower(), {})
        if operation.get("operationId") == operation_id:
            parameters = [each for each in operation.get("parameters", []) if each["in"] == "query"]
            declared = {each["name"]: each["schema"] for each in parameters}
            check_names(request, declared, tags=operation.get("x-tag-filters", False))
