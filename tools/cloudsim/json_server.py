"""A loopback HTTP server that answers GET with JSON: what the Azure and Google Cloud stand-ins have in common."""

import json
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

HOST = "127.0.0.1"
POLL_SECONDS = 0.05  # how long a server may take to see that it is to stop
Query = Mapping[str, str]
Answer = tuple[int, dict[str, Any]]  # HTTP status and document


class JsonServer:
    """Serves `reply(path, query)` on a free port until stopped."""

    def __init__(self, reply: Callable[[str, Query], Answer]) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # the SDKs reuse their connections

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                status, document = reply(parts.path, dict(parse_qsl(parts.query)))
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Write no access log."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://{HOST}:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
