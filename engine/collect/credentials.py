"""Where each cloud's SDK would find credentials: by name only, without a call and without looking at a secret."""

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from engine.collect.endpoints import AZURE, GCP, stand_in

_AZURE_VARIABLES = {  # azure-identity's DefaultAzureCredential, in its order
    "AZURE_CLIENT_SECRET": "service principal with a secret",
    "AZURE_CLIENT_CERTIFICATE_PATH": "service principal with a certificate",
    "AZURE_FEDERATED_TOKEN_FILE": "workload identity",
    "IDENTITY_ENDPOINT": "managed identity",
}


def _aws() -> str | None:
    # Late: of the commands only `finops doctor` looks, and all of them would wait for it.
    found = import_module("botocore.session").Session().get_credentials()
    return found.method if found else None


def _azure() -> str | None:
    if stand_in(AZURE):
        return "stand-in"
    named = next((source for variable, source in _AZURE_VARIABLES.items() if os.environ.get(variable)), None)
    folder = Path(os.environ.get("AZURE_CONFIG_DIR", "~/.azure")).expanduser()
    return named or ("azure command line" if (folder / "azureProfile.json").exists() else None)


def _gcp() -> str | None:
    if stand_in(GCP):
        return "stand-in"
    if named := os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
        return "GOOGLE_APPLICATION_CREDENTIALS" if Path(named).exists() else None
    folder = Path(os.environ.get("CLOUDSDK_CONFIG", "~/.config/gcloud")).expanduser()
    return "gcloud" if (folder / "application_default_credentials.json").exists() else None


SOURCES: Mapping[str, Callable[[], str | None]] = {"aws": _aws, "azure": _azure, "gcp": _gcp}


def source(provider: str) -> str | None:
    """Name where the credentials for a provider come from; None where none are seen.

    A machine's own identity that only its metadata server knows is seen for AWS alone.
    """
    return SOURCES[provider]()
