"""What a cloud's refusal means for the run: the one place where SDK errors become errors of this engine.

Each provider's `failures` module reads its SDK's exceptions into a `Failure`; here it is decided what that is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.errors import AccessDenied, FinopsError, PermanentError, TransientError, UnitUnavailable

_TIMEOUT, _TOO_MANY, _SERVER_ERROR = 408, 429, 500
_UNAUTHORIZED, _FORBIDDEN = 401, 403
_IDENTITY = ("AssumeRole", "GetCallerIdentity")

# Codes as they stand in AWS's answers (botocore's retry data; EC2 and "Common Errors" references), in ARM's
# `error.code`, and in Google's `errors[].reason` and `ErrorInfo.reason`.
PASSING = frozenset({
    "RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
    "RequestThrottledException", "TooManyRequestsException", "EC2ThrottledException", "SlowDown",
    "LimitExceededException", "PriorRequestNotComplete", "RequestTimeout", "RequestTimeoutException",
    "ServiceUnavailable", "Unavailable", "InternalError", "InternalFailure", "RequestExpired",
    "TargetGroupNotFound", "LoadBalancerNotFound",  # deleted between two calls: the next reading is whole again
    "TooManyRequests", "SubscriptionRequestsThrottled",
    "rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED",
})  # fmt: skip
DENIED = frozenset({
    "UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "AuthorizationError",
    "AuthorizationFailed", "LinkedAuthorizationFailed", "forbidden", "insufficientPermissions", "IAM_PERMISSION_DENIED",
})  # fmt: skip
UNAVAILABLE = frozenset({
    "OptInRequired", "AuthFailure", "UnrecognizedClientException", "InvalidClientTokenId", "RegionDisabledException",
    "SubscriptionRequiredException", "PendingVerification", "Blocked", "InvalidToken",
    "SubscriptionNotFound", "InvalidSubscriptionId", "SubscriptionDisabled", "ReadOnlyDisabledSubscription",
    "SubscriptionNotRegistered", "MissingSubscriptionRegistration",
    "accessNotConfigured", "SERVICE_DISABLED", "CONSUMER_INVALID", "BILLING_DISABLED", "USER_PROJECT_DENIED",
    "accountDisabled", "projectDeleted", "notFound",
})  # fmt: skip


class TruncatedAnswer(TransientError):
    """A body that was cut off or garbled on its way: worth asking once more at once."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What an SDK said: the text, the HTTP status (None without an answer), the provider's code, the operation."""

    message: str
    status: int | None = None
    code: str = ""
    operation: str = ""
    permission: str | None = None  # set where the failure itself tells which permission lacks
    truncated: bool = False


def translate(failure: Failure, permissions: Sequence[str]) -> FinopsError:
    """Decide what a failure is.

    `permissions` are those of the dataset; the one that belongs to the failed operation is named in AccessDenied.
    """
    said = ": ".join(part for part in (failure.code, failure.message) if part)
    if failure.truncated:
        return TruncatedAnswer(said)
    if failure.permission is None and _is_passing(failure):
        return TransientError(said)
    if lacking := _lacking(failure, permissions):
        return AccessDenied(lacking, said)
    return UnitUnavailable(said) if failure.code in UNAVAILABLE else PermanentError(said)


def _is_passing(failure: Failure) -> bool:
    if failure.status is None:
        return not failure.code  # no answer at all: a name, a route or a server that is away
    return failure.code in PASSING or failure.status in (_TIMEOUT, _TOO_MANY) or failure.status >= _SERVER_ERROR


def _lacking(failure: Failure, permissions: Sequence[str]) -> str | None:
    """Name the permission whose lack explains the failure; None when that is not what it is about."""
    if failure.permission or failure.operation in _IDENTITY:
        return failure.permission or f"sts:{failure.operation}"
    refused = failure.code in DENIED or failure.status in (_UNAUTHORIZED, _FORBIDDEN)
    if failure.code in UNAVAILABLE or not refused:
        return None
    named = [permission for permission in permissions if permission.endswith(f":{failure.operation}")]
    return ", ".join(named or permissions)
