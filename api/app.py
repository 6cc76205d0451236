"""The application: settings from the environment, everything opened once, routes put together."""

import os
import secrets
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api import correlations, coverage, findings, health, kpis, runs
from api.answers import VERSION
from api.backend import Backend
from api.cursors import Signer
from api.guard import Guard
from api.problems import on_http_error, on_invalid_request
from api.released import Released
from api.schemas import SCHEMAS
from catalog.state import State
from catalog.warehouse import Warehouse
from contracts.errors import ConfigError

DEFAULT_URI = "sqlite:///.finops/catalog.db"
DEFAULT_WAREHOUSE = ".finops/warehouse"
_KEY_LENGTH = 32


class Application(FastAPI):
    """FastAPI whose OpenAPI document has the schemas of the tables."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI 3.1 document; made once."""
        document = super().openapi()
        document.setdefault("components", {})["schemas"] = SCHEMAS
        return document


def create() -> Application:
    """Open what the environment names; the factory for an ASGI server.

    FINOPS_CATALOG_URI  SQLAlchemy URI of the catalog; default sqlite:///.finops/catalog.db
    FINOPS_WAREHOUSE    folder or object-store URL of the data; default .finops/warehouse
    FINOPS_CURSOR_KEY   secret of 32 or more characters that signs cursors and ETags. Without it every process makes
                        its own, and a cursor is good only at the process it came from, until that ends: set it when
                        there is more than one worker.
    Raises ConfigError when a value cannot be used; a catalog is never created by serving it.
    """
    uri = os.environ.get("FINOPS_CATALOG_URI", DEFAULT_URI)
    file = Path(uri.removeprefix("sqlite:///").partition("?")[0])
    if uri.startswith("sqlite:///") and not file.is_file():
        raise ConfigError("environment", "FINOPS_CATALOG_URI", f"there is no catalog at {file}; `finops run` makes one")
    key = os.environ.get("FINOPS_CURSOR_KEY") or secrets.token_hex(_KEY_LENGTH)
    if len(key) < _KEY_LENGTH:
        raise ConfigError("environment", "FINOPS_CURSOR_KEY", f"must have {_KEY_LENGTH} characters or more")
    warehouse = Warehouse.open(uri, os.environ.get("FINOPS_WAREHOUSE", DEFAULT_WAREHOUSE))
    return create_app(warehouse, State.open(warehouse.uri), key.encode())


def create_app(warehouse: Warehouse, state: State, cursor_key: bytes | None = None) -> Application:
    """Put the application together over an open warehouse and state."""
    app = Application(
        title="FinOps engine",
        version=VERSION,
        description="Findings, KPIs and coverage of the latest release. Every path of a tenant needs a key of it.",
        docs_url=None,  # the framework's pages load scripts from a CDN
        redoc_url=None,
        redirect_slashes=False,
    )
    signer = Signer(cursor_key or secrets.token_bytes(_KEY_LENGTH))
    backend = Backend(warehouse, state, Released(warehouse), signer)
    app.state.backend = backend
    app.state.readiness = health.Readiness(backend)
    app.add_middleware(Guard)
    app.exception_handler(HTTPException)(on_http_error)
    app.exception_handler(RequestValidationError)(on_invalid_request)
    app.include_router(health.router, tags=["health"])
    app.include_router(_tenant_routes())
    return app


def _tenant_routes() -> APIRouter:
    router = APIRouter(prefix="/v1/tenants/{tenant}")
    for part in (findings, correlations, kpis, coverage, runs):
        router.include_router(part.router, tags=[part.__name__.rpartition(".")[2]])
    return router
