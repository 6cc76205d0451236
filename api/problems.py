"""Errors as answers: RFC 9457 problem details, one kind per code, whatever went wrong."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
Faults = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One way in which a request can fail: its status and what it is called."""

    status: HTTPStatus
    title: str


KINDS = {
    "unknown_parameter": Kind(HTTPStatus.BAD_REQUEST, "A query parameter is not one of this path"),
    "invalid_parameter": Kind(HTTPStatus.BAD_REQUEST, "A query parameter has a value that is not allowed"),
    "invalid_cursor": Kind(HTTPStatus.BAD_REQUEST, "The cursor is not one that this list has given"),
    "unauthenticated": Kind(HTTPStatus.UNAUTHORIZED, "A valid API key is needed"),
    "not_found": Kind(HTTPStatus.NOT_FOUND, "There is nothing here for this key"),
    "no_release": Kind(HTTPStatus.NOT_FOUND, "Nothing has been released for this tenant yet"),
    "method_not_allowed": Kind(HTTPStatus.METHOD_NOT_ALLOWED, "This path is read-only"),
    "release_gone": Kind(HTTPStatus.GONE, "The release is no longer kept"),
    "internal": Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed"),
    "not_ready": Kind(HTTPStatus.SERVICE_UNAVAILABLE, "The catalog cannot be read"),
}
_CODES = {HTTPStatus.NOT_FOUND: "not_found", HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed"}


class Problem(HTTPException):
    """A failure of a known kind; `errors` names the parameters at fault."""

    def __init__(self, code: str, detail: str, errors: Faults = (), headers: Mapping[str, str] | None = None) -> None:
        super().__init__(KINDS[code].status, detail, headers)
        self.code = code
        self.errors = errors


def parameter_problem(code: str, name: str, detail: str) -> Problem:
    """Return the problem of one query parameter."""
    return Problem(code, f"{name}: {detail}", [{"parameter": name, "detail": detail}])


def problem_response(
    code: str, status: int, title: str, detail: str, errors: Faults = (), headers: Mapping[str, str] | None = None
) -> Response:
    """Write a problem down."""
    body = {
        "type": f"urn:finops:problem:{code}",
        "title": title,
        "status": int(status),
        "detail": detail,
        "code": code,
        "errors": list(errors),
    }
    return Response(json.dumps(body, ensure_ascii=False), int(status), headers, MEDIA_TYPE)


async def on_http_error(_request: Request, error: HTTPException) -> Response:
    """Answer what a route, or the framework below it, refused."""
    if isinstance(error, Problem):
        title = KINDS[error.code].title
        return problem_response(error.code, error.status_code, title, error.detail, error.errors, error.headers)
    status = HTTPStatus(error.status_code)
    code = _CODES.get(status, status.name.lower())
    title = KINDS[code].title if code in KINDS else status.phrase
    return problem_response(code, status, title, status.description or status.phrase, headers=error.headers)


async def on_invalid_request(_request: Request, error: RequestValidationError) -> Response:
    """Answer values that the declared parameters do not allow; what was sent is not repeated."""
    faults = [{"parameter": _parameter(each["loc"]), "detail": str(each["msg"])} for each in error.errors()]
    kind = KINDS["invalid_parameter"]
    detail = "; ".join(f"{fault['parameter']}: {fault['detail']}" for fault in faults)
    return problem_response("invalid_parameter", kind.status, kind.title, detail, faults)


def _parameter(location: Sequence[str | int]) -> str:
    """Return the name out of a location such as ("query", "state", 0)."""
    return str(location[1]) if len(location) > 1 else str(location[0])
