"""Reads botocore's exceptions: what AWS said, without judging it."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as UnreachableError
from botocore.parsers import ResponseParserError

from engine.collect.errors import Failure

SDK_ERRORS = (BotoCoreError, ClientError, ResponseParserError)
_WITHOUT_ANSWER = (HTTPClientError, UnreachableError)
_WITHOUT_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
    ProfileNotFound,
    SSOError,
)
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired")


def failure(error: Exception) -> Failure:
    """Return status, code, message and operation of whatever botocore raised."""
    if isinstance(error, ClientError):
        return _of_answer(error)
    if isinstance(error, ResponseParserError):  # its text quotes the body, which may hold credentials
        return Failure("AWS's answer was cut off or is not what it should be", truncated=True)
    if isinstance(error, _WITHOUT_CREDENTIALS):
        advice = "set AWS_PROFILE, AWS_ACCESS_KEY_ID or an instance role"
        return Failure(f"{error}; {advice}", permission="sts:GetCallerIdentity")
    return Failure(str(error), code="" if isinstance(error, _WITHOUT_ANSWER) else type(error).__name__)


def _of_answer(error: ClientError) -> Failure:
    said = error.response.get("Error", {})
    code = said.get("Code", "")
    return Failure(
        message=said.get("Message", ""),
        status=error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400),
        code=code,
        operation=error.operation_name,
        permission="sts:GetCallerIdentity" if code in _EXPIRED else None,  # the ambient ones; ours are refreshed
    )
