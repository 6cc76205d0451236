"""The outermost layer: headers that every answer carries, and the last handler of errors."""

import logging
import uuid

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import KINDS, problem_response

_LOG = logging.getLogger("finops.api")
_HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class Guard:
    """ASGI middleware; a header that an answer has already stays as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; an error nobody expected becomes a 500 that says nothing but where to look."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, send_guarded)
        except Exception:
            trace_id = uuid.uuid4().hex
            _LOG.exception("request failed, trace_id %s", trace_id)
            if started:
                raise
            kind = KINDS["internal"]
            detail = f"Not your fault. The server's log has more under trace_id {trace_id}."
            await problem_response("internal", kind.status, kind.title, detail)(scope, receive, send_guarded)
