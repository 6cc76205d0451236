"""Who asks: an API key belongs to one tenant, and a path to another tenant does not exist for it."""

from typing import Annotated

from fastapi import Depends
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from api.backend import backend_of
from api.problems import Problem

_KEY_LIMIT = 256  # characters; ours have 60
_BEARER = HTTPBearer(auto_error=False, scheme_name="bearer", description="An API key, fin_…")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="header", description="An API key, fin_…")


def authorised(
    request: Request,
    tenant: str,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    header: Annotated[str | None, Depends(_HEADER)],
) -> str:
    """Return the tenant of the key, which is the one in the path.

    Raises Problem: 401 without a valid key; 404 for any other tenant, whether it exists or not. Keys are looked up
    on every request, so a revoked one is useless at once.
    """
    presented = {key for key in (bearer and bearer.credentials, header) if key}
    owner = None
    if len(presented) == 1 and len(key := presented.pop()) <= _KEY_LIMIT:
        owner = backend_of(request).state.tenant_of_key(key)
    if owner is None:
        detail = "Send a key as `Authorization: Bearer fin_…` or `X-API-Key: fin_…`; `finops keys create` makes one."
        raise Problem("unauthenticated", detail, headers={"WWW-Authenticate": "Bearer"})
    if owner != tenant:
        raise Problem("not_found", "Check the path; a key opens its own tenant only.")
    return owner
