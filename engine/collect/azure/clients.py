"""Azure management clients per subscription, and the credential behind them; one of each per process."""

import time
from functools import lru_cache
from threading import RLock
from typing import Any

from azure.core.credentials import AccessToken, TokenCredential
from azure.core.pipeline.policies import HeadersPolicy
from azure.identity import DefaultAzureCredential
from azure.mgmt.compute import ComputeManagementClient

from engine.collect.endpoints import AZURE, PLACEHOLDER_TOKEN, stand_in

_CLIENTS = 256
_LOCK = RLock()


def lease_compute(subscription: str) -> ComputeManagementClient:
    """Return a client for a subscription, of the real cloud or of the stand-in that the environment names."""
    with _LOCK:
        return _compute(subscription, stand_in(AZURE))


@lru_cache(maxsize=_CLIENTS)
def _compute(subscription: str, endpoint: str | None) -> ComputeManagementClient:
    timeouts = {"connection_timeout": 5, "read_timeout": 30}
    if endpoint is None:
        return ComputeManagementClient(_credential(), subscription, **timeouts)
    return ComputeManagementClient(
        _Placeholder(),
        subscription,
        base_url=endpoint,
        credential_scopes=[f"{endpoint}/.default"],
        # Where the bearer policy stands otherwise, which refuses plain HTTP.
        authentication_policy=HeadersPolicy({"Authorization": f"Bearer {PLACEHOLDER_TOKEN}"}),
        **timeouts,
    )


@lru_cache(maxsize=1)
def _credential() -> TokenCredential:
    return DefaultAzureCredential()


class _Placeholder:
    """A credential without a secret; the SDK wants one even where it is not used."""

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(PLACEHOLDER_TOKEN, int(time.time()) + 3600)
