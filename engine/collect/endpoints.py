"""Stand-ins for Azure and Google Cloud: an environment variable points their SDKs at a server on this machine."""

import os
from urllib.parse import urlsplit

from contracts.errors import ConfigError

AZURE, GCP = "FINOPS_AZURE_ENDPOINT_URL", "FINOPS_GCP_ENDPOINT_URL"
PLACEHOLDER_TOKEN = "stand-in"  # noqa: S105 the whole point: no real token ever goes out over plain HTTP
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def stand_in(variable: str) -> str | None:
    """Return the stand-in's address without a trailing slash, None to talk to the real cloud.

    Raises ConfigError unless it is plain HTTP on this machine: nothing that is not a stand-in may be called with a
    placeholder, and no real credential may leave over HTTP.
    """
    url = os.environ.get(variable, "")
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK or "@" in parts.netloc:
        raise ConfigError("environment", variable, f"{url!r} is refused; allowed: http://127.0.0.1:<port>")
    return url.rstrip("/")
