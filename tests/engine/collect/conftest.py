"""Fixtures of the collectors' tests: an environment that is put back, moto over HTTP, a tiny server for the rest."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import botocore.session
import pytest
from moto.server import ThreadedMotoServer

from contracts.units import Unit
from engine.collect.aws.clients import forget_clients
from engine.plan import AwsAccess, PlannedUnit

Answer = tuple[int, dict[str, str], bytes]
SetEnvironment = Callable[..., None]


@pytest.fixture
def as_of() -> datetime:
    return datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.fixture
def set_environment() -> Iterator[SetEnvironment]:
    before = dict(os.environ)
    yield lambda **values: os.environ.update(values)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def aws_environment(set_environment: SetEnvironment) -> Iterator[Callable[[str], None]]:
    """Point every AWS client of this process at a server, with placeholder credentials."""

    def point(url: str) -> None:
        os.environ.pop("AWS_PROFILE", None)
        set_environment(
            AWS_ENDPOINT_URL=url,
            AWS_ACCESS_KEY_ID="testing",
            AWS_SECRET_ACCESS_KEY="testing",
            AWS_DEFAULT_REGION="us-east-1",
            AWS_EC2_METADATA_DISABLED="true",
        )
        forget_clients()

    yield point
    forget_clients()


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def moto(moto_server: str, aws_environment: Callable[[str], None], set_environment: SetEnvironment) -> str:
    """Empty the moto server and point AWS at it. Amazon's images take most of its time: who wants them says so."""
    set_environment(MOTO_EC2_LOAD_DEFAULT_AMIS="false")
    with urlopen(HttpRequest(f"{moto_server}/moto-api/reset", method="POST")):  # noqa: S310 loopback
        aws_environment(moto_server)
    return moto_server


@pytest.fixture
def owner(moto: str) -> Callable[..., botocore.client.BaseClient]:
    """Clients of the people who own the accounts: they make the resources that the collectors read."""
    session = botocore.session.Session()

    def client(service: str, account: str, region: str = "eu-west-1") -> botocore.client.BaseClient:
        role = f"arn:aws:iam::{account}:role/owner"
        sts = session.create_client("sts", region_name=region, endpoint_url=moto)
        keys = sts.assume_role(RoleArn=role, RoleSessionName="owner")["Credentials"]
        return session.create_client(
            service,
            region_name=region,
            endpoint_url=moto,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    return client


@pytest.fixture
def aws_unit() -> Callable[..., PlannedUnit]:
    def unit(account: str, region: str = "eu-west-1") -> PlannedUnit:
        access = AwsAccess(f"arn:aws:iam::{account}:role/finops-read", "an-external-id")
        return PlannedUnit(Unit("acme", "prod", "aws", account, region), access)

    return unit


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[str, str], Answer]], str]]:
    """Start a server that answers `reply(path with query, body)`; return its URL."""
    servers: list[ThreadingHTTPServer] = []

    def start(reply: Callable[[str, str], Answer]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                status, headers, body = reply(self.path, self.rfile.read(length).decode())
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = True

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
