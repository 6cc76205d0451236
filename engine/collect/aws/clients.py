"""AWS clients, leased from a bounded cache per process; their credentials renew themselves.

A session costs 20 MB and 0.3 s unless it shares the data loader, which holds the parsed API models; so there is one
loader per process, a session per way in, and a client per way in, region and service.
"""

from collections.abc import Callable
from functools import lru_cache
from threading import RLock
from typing import Any

from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import Credentials, DeferredRefreshableCredentials
from botocore.loaders import create_loader
from botocore.session import Session

from engine.collect.aws.failures import SDK_ERRORS, failure
from engine.collect.errors import translate
from engine.plan import Access, AwsAccess

_SESSIONS, _CLIENTS = 64, 256  # a few hundred MB at most; beyond, the least recently used goes
_HOME_REGIONS = {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 4},
    connect_timeout=5,
    read_timeout=30,
    tcp_keepalive=True,
    max_pool_connections=32,
    user_agent_extra="finops-engine",
)
_LOCK = RLock()  # sessions are not safe to create clients from in two threads; re-entrant, as a role needs STS


def lease(service: str, region: str, access: Access) -> BaseClient:
    """Return a client, safe to use from any thread. Does no I/O; a refused AssumeRole shows at the first call."""
    if not isinstance(access, AwsAccess):
        raise TypeError(f"an AWS unit is read with AwsAccess, not {access!r}")
    with _LOCK:
        return _client(service, region, access)


def home_region(access: AwsAccess | None = None) -> str:
    """Return the region for calls that are about an account: the configured one, else the partition's first."""
    role = access.role_arn if access else None
    with _LOCK:
        configured = _session(AwsAccess()).get_config_variable("region")
    partition = role.split(":")[1] if role else "aws"
    return configured or _HOME_REGIONS.get(partition, "us-east-1")


def forget_clients() -> None:
    """Drop every session and client; for a process whose AWS environment variables changed (tests)."""
    with _LOCK:
        for cache in (_client, _session, _loader):
            cache.cache_clear()


@lru_cache(maxsize=_CLIENTS)
def _client(service: str, region: str, access: AwsAccess) -> BaseClient:
    return _session(access).create_client(service, region_name=region, config=_CONFIG)


@lru_cache(maxsize=_SESSIONS)
def _session(access: AwsAccess) -> Session:
    session = Session()
    session.register_component("data_loader", _loader())
    if access.role_arn is not None:
        session.register_component("credential_provider", _AssumedRole(access))
    return session


@lru_cache(maxsize=1)
def _loader() -> Any:
    return create_loader()


class _AssumedRole:
    """Where a session of a role finds its credentials; botocore renews them ten minutes before they end."""

    def __init__(self, access: AwsAccess) -> None:
        self._access = access

    def load_credentials(self) -> Credentials:
        return DeferredRefreshableCredentials(refresh_using=_assume(self._access), method="assume-role")


def _assume(access: AwsAccess) -> Callable[[], dict[str, str]]:
    wanted = {"RoleArn": access.role_arn, "RoleSessionName": "finops-engine"}
    if access.external_id is not None:
        wanted["ExternalId"] = access.external_id

    def refresh() -> dict[str, str]:
        try:
            granted = lease("sts", home_region(access), AwsAccess()).assume_role(**wanted)["Credentials"]
        except SDK_ERRORS as error:  # here already: botocore logs what a refresh raises, and it may quote the answer
            raise translate(failure(error), ("sts:AssumeRole",)) from None
        return {
            "access_key": granted["AccessKeyId"],
            "secret_key": granted["SecretAccessKey"],
            "token": granted["SessionToken"],
            "expiry_time": granted["Expiration"].isoformat(),
        }

    return refresh
