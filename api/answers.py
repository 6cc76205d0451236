"""Answers as they go out: JSON with the headers that let a client keep it and ask whether it is still right."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from catalog.releases import Release
from jobs.rendering import time_text

VERSION = "0.1.0"  # of what is answered; part of every ETag, so that a new form is never taken for an old one


def json_response(body: Mapping[str, Any], etag: str, headers: Mapping[str, str] | None = None) -> Response:
    """Write an answer that may be kept but has to be asked for again."""
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text, headers={**_cached(etag), **(headers or {})}, media_type="application/json")


def unchanged(etag: str) -> Response:
    """Say that the client's copy is still right."""
    return Response(status_code=304, headers=_cached(etag))


def meta(tenant_id: str, release: Release | None) -> dict[str, Any]:
    """Say what an answer was made from."""
    return {
        "tenant_id": tenant_id,
        "release": release and release.release,
        "run_id": release and release.run_id,
        "as_of": release and time_text(release.as_of),
    }


def _cached(etag: str) -> dict[str, str]:
    return {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization, X-API-Key"}
