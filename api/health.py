"""GET /livez and /readyz: whether the process runs, and whether it can answer."""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.backend import Backend
from api.problems import Problem
from contracts.tables import RELEASES

router = APIRouter()
_READY_SECONDS = 3.0
_MEDIA_TYPE = "application/health+json"


class Readiness:
    """Probes the catalog and the state database; one probe at a time, however many ask."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._pool = ThreadPoolExecutor(1, "finops-ready")
        self._lock = Lock()
        self._probe: Future[None] | None = None

    def ready(self) -> bool:
        """Say whether both can be read within three seconds."""
        with self._lock:
            if self._probe is None or self._probe.done():
                self._probe = self._pool.submit(self._read)
            probe = self._probe
        wait([probe], _READY_SECONDS)
        return probe.done() and probe.exception() is None

    def _read(self) -> None:
        self._backend.warehouse.snapshot_id(RELEASES)
        self._backend.state.tenant_of_key("fin_readyz_")


@router.get("/livez", operation_id="livez", summary="Is the process alive?")
def livez() -> Response:
    """Answer whenever the process can."""
    return JSONResponse({"status": "pass"}, media_type=_MEDIA_TYPE)


@router.get("/readyz", operation_id="readyz", summary="Can released data be read?")
def readyz(request: Request) -> Response:
    """Answer when released data can be read. Raises Problem 503."""
    readiness: Readiness = request.app.state.readiness
    if not readiness.ready():
        raise Problem("not_ready", "The catalog or the state database did not answer.")
    return JSONResponse({"status": "pass"}, media_type=_MEDIA_TYPE)
