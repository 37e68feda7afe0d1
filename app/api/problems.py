"""The shape of a problem document, and which of them a route declares."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from app.api.errors import MOST_FAULTS, NOT_OURS, PROBLEM_JSON, STATUS, problem_type
from app.errors import slug


class ProblemPart(BaseModel):
    """One of several things that are wrong with a body."""

    type: str
    detail: str
    pointer: str | None = None
    allowed: str | None = None


class Problem(BaseModel):
    """What went wrong (RFC 9457). It never holds what the caller sent."""

    type: str = Field(examples=["/v1/problems/invalid-answer"])
    title: str
    status: int
    detail: str = Field(examples=["item 3 has no such answer"])
    pointer: str | None = Field(default=None, description="JSON pointer to the part.", examples=["/answers/3"])
    allowed: str | None = Field(default=None, examples=["0, 1, 2 or 3"])
    errors: list[ProblemPart] | None = Field(
        default=None,
        max_length=MOST_FAULTS,
        description=f"All that is wrong, where it is more than one; the first {MOST_FAULTS}.",
    )
    request_id: UUID


_MEANING = {
    400: "The body can't be read: it is no UTF-8, nested too deep, or has a number of thousands of digits.",
    401: "No credential, or one that is unknown, expired or revoked.",
    403: "The credential's role may not do this.",
    404: "It does not exist, or is not the caller's to see: the same answer.",
    406: "It can be given in several forms, and Accept names none of them.",
    408: "The body took too long to come.",
    409: "It does not fit the state of the record.",
    412: "It has been changed since it was read.",
    413: "The body is too long.",
    421: "The service is not called by the name in Host.",
    422: "The input can't be what it claims to be.",
    428: "An edit needs If-Match.",
    429: "More than one caller may ask in a minute; Retry-After tells when there is room again.",
    431: "The address or the headers are too long.",
    500: "Something went wrong on our side; nothing was stored.",
    503: "The database can't be used at present; the same request may be sent again later.",
}

_HEADERS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}
"""Headers of a problem, described in `app.api.openapi`."""


def declared(status: int) -> dict[str, Any]:
    """Declare the problem of one status, with the types that it may have."""
    types = {slug(error) for error, each in STATUS.items() if each == status}
    types |= {name for each, name in NOT_OURS.items() if each == status}
    return {
        "description": f"{_MEANING[status]} Type: {', '.join(problem_type(name) for name in sorted(types))}.",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS.get(status, ())},
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def declares(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Declare the problems of a route: those named, and those that any route can answer."""
    return {status: declared(status) for status in sorted({401, 403, 422, 429, 500, 503, *statuses})}
