"""The Compute Engine client, one per process: it is for all projects, and for the stand-in when one is named."""

from functools import lru_cache
from threading import RLock

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import compute_v1

from engine.collect.endpoints import GCP, stand_in

_LOCK = RLock()


def lease_disks() -> compute_v1.DisksClient:
    """Return the disks client, of the real cloud or of the stand-in that the environment names."""
    with _LOCK:
        return _disks(stand_in(GCP))


@lru_cache(maxsize=4)
def _disks(endpoint: str | None) -> compute_v1.DisksClient:
    if endpoint is None:
        return compute_v1.DisksClient(transport="rest")
    options = ClientOptions(api_endpoint=endpoint)
    return compute_v1.DisksClient(credentials=AnonymousCredentials(), transport="rest", client_options=options)
