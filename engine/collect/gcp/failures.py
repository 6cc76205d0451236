"""Reads Google's exceptions: what the Compute API said, without judging it."""

from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.exceptions import GoogleAuthError, TransportError
from google.protobuf.json_format import ParseError
from requests.exceptions import ChunkedEncodingError, ContentDecodingError, RequestException

from engine.collect.errors import Failure

SDK_ERRORS = (GoogleAPICallError, RetryError, GoogleAuthError, RequestException, ParseError)
_TRUNCATED = (ChunkedEncodingError, ContentDecodingError, ParseError)


def failure(error: Exception) -> Failure:
    """Return status, code and message of whatever was raised; a connection error has neither status nor code."""
    if isinstance(error, RetryError):  # our own deadline over throttles: what it waited for says more
        return failure(error.cause) if isinstance(error.cause, GoogleAPICallError) else Failure(str(error))
    if isinstance(error, GoogleAPICallError):
        return Failure(error.message, error.code, reason(error))
    if isinstance(error, _TRUNCATED):
        return Failure("Google's answer was cut off or is not what it should be", truncated=True)
    if isinstance(error, GoogleAuthError) and not isinstance(error, TransportError):
        return Failure(str(error), permission="application default credentials")
    return Failure(str(error))


def reason(error: GoogleAPICallError) -> str:
    """Return the machine-readable reason: of `ErrorInfo`, else of the first entry of `errors`."""
    listed = [each.get("reason", "") for each in error.errors if isinstance(each, dict)]
    return str(error.reason or next(iter(listed), ""))
