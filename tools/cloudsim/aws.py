"""The AWS stand-in: moto behind a real HTTP port of this process, with one account that can be made to refuse calls."""

import io
import os
from collections.abc import Callable, Iterable
from http.client import HTTPConnection
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

from moto.iam.models import get_account_id_from
from moto.moto_api._internal import mock_random
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from tools.cloudsim.json_server import HOST, POLL_SECONDS

# Of no use here, and hundreds of them are made for every account and region: most of what moto's EC2 costs.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}  # moto's default account
Environ = dict[str, Any]
StartResponse = Callable[..., Any]

_EC2_REFUSAL = (  # Amazon EC2 API reference, "Error codes"
    "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this "
    "operation.</Message></Error></Errors><RequestID>00000000-0000-0000-0000-000000000000</RequestID></Response>"
)
_STS_REFUSAL = (
    '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied'
    "</Code><Message>User is not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>"
)


class AwsServer:
    """moto on a free loopback port, empty at first. Its backends are global: one server per process at a time."""

    def __init__(self) -> None:
        self._refusal = _Refusal(DomainDispatcherApplication(create_backend_app))
        self._server = make_server(HOST, 0, self._refusal, threaded=True, request_handler=_QuietHandler)
        self.url = f"http://{HOST}:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True)
        self._thread.start()
        self._forget_everything()

    def refuse(self, account_id: str | None, service: str = "ec2") -> None:
        """From now on refuse an account: all its EC2 calls (`ec2`), or to let anybody assume its roles (`sts`)."""
        self._refusal.account_id, self._refusal.service = account_id, service

    def stop(self) -> None:
        """Empty moto's backends and close the port."""
        self._refusal.account_id = None
        self._forget_everything()
        mock_random.seed()
        self._server.shutdown()
        self._thread.join()  # werkzeug closes the port in the thread that served, and may still be at it

    def _forget_everything(self) -> None:
        connection = HTTPConnection(HOST, self._server.server_port)  # unlike urllib, it knows no proxies
        connection.request("POST", "/moto-api/reset")
        connection.getresponse().read()
        connection.close()


class _QuietHandler(MotoRequestHandler):  # type: ignore[misc] # moto's class has no types
    def log_request(self, *_: Any) -> None:
        """Write no access log."""


class _Refusal:
    """WSGI middleware in front of moto, which does not know permissions."""

    def __init__(self, application: Callable[[Environ, StartResponse], Iterable[bytes]]) -> None:
        self._application = application
        self.account_id: str | None = None
        self.service = "ec2"

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if self.account_id is None or not self._refuses(environ):
            return self._application(environ, start_response)
        body = (_EC2_REFUSAL if self.service == "ec2" else _STS_REFUSAL).encode()
        start_response("403 Forbidden", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
        return [body]

    def _refuses(self, environ: Environ) -> bool:
        # Signature version 4: "AWS4-HMAC-SHA256 Credential=<access key>/<date>/<region>/<service>/aws4_request, ..."
        scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].partition(",")[0].split("/")
        if self.service not in scope:
            return False
        if self.service == "sts":
            return any(f"::{self.account_id}:role/" in role for role in _form(environ).get("RoleArn", []))
        return bool(get_account_id_from(scope[0]) == self.account_id)


def _form(environ: Environ) -> dict[str, list[str]]:
    """Read the request's form, and put its body back for moto."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return parse_qs(body.decode())
