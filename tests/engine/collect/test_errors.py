"""What a refusal means: passing, denied with the permission named, nothing to read, or broken."""

import pickle

import pytest

from contracts.errors import AccessDenied, FinopsError, PermanentError, TransientError, UnitUnavailable
from engine.collect.errors import Failure, TruncatedAnswer, translate

LOAD_BALANCERS = ("elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTags")


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (Failure("slow down", 503, "RequestLimitExceeded"), TransientError),
        (Failure("rate", 400, "Throttling"), TransientError),
        (Failure("rate", 403, "rateLimitExceeded"), TransientError),
        (Failure("rate", 429, "TooManyRequests"), TransientError),
        (Failure("oops", 500), TransientError),
        (Failure("gone meanwhile", 400, "TargetGroupNotFound"), TransientError),
        (Failure("no route to host"), TransientError),
        (Failure("throttled", 400, "Throttling", "AssumeRole"), TransientError),
        (Failure("half a page", truncated=True), TruncatedAnswer),
        (Failure("no", 403, "UnauthorizedOperation", "DescribeVolumes"), AccessDenied),
        (Failure("no", 400, "AccessDeniedException"), AccessDenied),
        (Failure("no", 403, "AuthorizationFailed"), AccessDenied),
        (Failure("no", 403, "forbidden"), AccessDenied),
        (Failure("no", 401, "InvalidAuthenticationToken"), AccessDenied),
        (Failure("opt in", 401, "OptInRequired"), UnitUnavailable),
        (Failure("not here", 401, "AuthFailure"), UnitUnavailable),
        (Failure("not here", 403, "UnrecognizedClientException"), UnitUnavailable),
        (Failure("gone", 404, "SubscriptionNotFound"), UnitUnavailable),
        (Failure("off", 403, "accessNotConfigured"), UnitUnavailable),
        (Failure("off", 403, "SERVICE_DISABLED"), UnitUnavailable),
        (Failure("gone", 404, "notFound"), UnitUnavailable),
        (Failure("what?", 400, "InvalidParameterValue"), PermanentError),
        (Failure("what?", code="ParamValidationError"), PermanentError),
    ],
)
def test_each_failure_is_of_one_kind_and_keeps_its_text(failure: Failure, kind: type[FinopsError]) -> None:
    error = translate(failure, ("ec2:DescribeVolumes",))
    assert type(error) is kind
    assert failure.message in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 our own bytes, as Ray moves them


@pytest.mark.parametrize(
    ("failure", "permission"),
    [
        (Failure("", 403, "AccessDenied", "DescribeTags"), "elasticloadbalancing:DescribeTags"),
        (Failure("", 403, "AccessDenied", "AssumeRole"), "sts:AssumeRole"),
        (Failure("", 403, "InvalidClientTokenId", "AssumeRole"), "sts:AssumeRole"),
        (Failure("", 403, "InvalidClientTokenId", "GetCallerIdentity"), "sts:GetCallerIdentity"),
        (Failure("", 403, "AccessDenied"), ", ".join(LOAD_BALANCERS)),
        (Failure("", permission="an Azure credential"), "an Azure credential"),
    ],
)
def test_what_is_denied_is_the_permission_of_the_operation(failure: Failure, permission: str) -> None:
    error = translate(failure, LOAD_BALANCERS)
    assert isinstance(error, AccessDenied)
    assert error.permission == permission
