"""Errors to HTTP answers, once: the status of each class, and `application/problem+json` (G35)."""

from collections.abc import Mapping
from http import HTTPStatus

from jupyter_flows.core import errors
from jupyter_flows.core.model import Json

STATUS: Mapping[type[errors.FlowsError], HTTPStatus] = {
    errors.FlowInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.FormInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ScheduleInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ReasonRequired: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ParametersInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.BadInput: HTTPStatus.BAD_REQUEST,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.Refused: HTTPStatus.CONFLICT,
    errors.Gone: HTTPStatus.GONE,
    errors.NotOffered: HTTPStatus.NOT_IMPLEMENTED,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.FlowsError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The nearest class counts."""


def status_of(error: errors.FlowsError) -> HTTPStatus:
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem(error: errors.FlowsError) -> dict[str, Json]:
    """The body (RFC 9457). `errors` lists mistakes by place, where there are several."""
    status = status_of(error)
    body: dict[str, Json] = {
        "type": f"urn:jupyter-flows:problem:{type(error).__name__}",
        "title": str(error.theme()) or status.phrase,
        "status": int(status),
        "detail": str(error),
    }
    mistakes = getattr(error, "mistakes", None)
    if mistakes:
        body["errors"] = [{"where": m.where, "message": str(m.message)} for m in mistakes]
    return body


def http_problem(status: int, detail: str) -> dict[str, Json]:
    """The body for an error that the web server itself found."""
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Error"
    return {"type": "about:blank", "title": title, "status": status, "detail": detail or title}
