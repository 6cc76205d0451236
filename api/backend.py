"""What a process opens once and every request shares."""

from dataclasses import dataclass

from starlette.requests import Request

from api.cursors import Signer
from api.released import Released
from catalog.state import State
from catalog.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class Backend:
    """The catalog, the state database, the cache of released rows, and the key that signs cursors."""

    warehouse: Warehouse
    state: State
    released: Released
    signer: Signer


def backend_of(request: Request) -> Backend:
    """Return the backend of the application that answers a request."""
    backend: Backend = request.app.state.backend
    return backend
