"""Reads the Azure SDK's exceptions: what ARM said, without judging it."""

from azure.core.exceptions import AzureError, ClientAuthenticationError, DecodeError, HttpResponseError

from engine.collect.errors import Failure

SDK_ERRORS = (AzureError,)
_OK = 200


def failure(error: AzureError) -> Failure:
    """Return status, code and message of whatever the SDK raised; a connection error has neither status nor code."""
    if not isinstance(error, HttpResponseError):
        return Failure(error.message)
    if isinstance(error, DecodeError) or error.status_code == _OK:
        return Failure("ARM's answer was cut off or is not what it should be", truncated=True)
    code = error.error.code if error.error else None
    if isinstance(error, ClientAuthenticationError) and error.status_code is None:  # azure-identity found none
        return Failure(error.message, permission="an Azure credential")
    return Failure(error.error.message if error.error else error.message, error.status_code, code or "")
