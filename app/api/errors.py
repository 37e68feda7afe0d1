"""The one table from domain error to HTTP status, and the problem documents (RFC 9457) that come of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from app import errors
from app.api.deps import refuse_strangers
from app.errors import InvalidInput, MalformedBody, PreconditionRequired, SporError, slug
from app.texts.catalogue import negotiate, say

logger = logging.getLogger("spor.errors")

PROBLEM_JSON = "application/problem+json"

STATUS: Mapping[type[SporError], int] = {
    errors.MalformedBody: 422,
    errors.UnknownInstrument: 422,
    errors.UnknownItem: 422,
    errors.InvalidAnswer: 422,
    errors.InvalidSeries: 422,
    errors.InvalidReference: 422,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.AdministrationConflict: 409,
    errors.NotAllowedInMode: 409,
    errors.InstrumentNotEnabled: 409,
    errors.InstrumentNotForChange: 409,
    errors.LocalLoginOff: 409,
    errors.StateConflict: 409,
    errors.NotAcceptable: 406,
    errors.PreconditionRequired: 428,
    errors.PreconditionFailed: 412,
    errors.TooManyRequests: 429,
    errors.InstrumentDataError: 500,
    errors.ServerMisconfigured: 503,
    errors.IdentityProviderUnavailable: 503,
    errors.DatabaseUnavailable: 503,
}
"""Every error that can leave a service; tests/test_rules.py fails where a class has no row."""

_HEADERS = {
    errors.Unauthenticated: {"WWW-Authenticate": "Bearer"},
    errors.DatabaseUnavailable: {"Retry-After": "5"},
    errors.IdentityProviderUnavailable: {"Retry-After": "30"},
}


def _headers_of(error: SporError) -> Mapping[str, str] | None:
    if isinstance(error, errors.TooManyRequests):
        return {"Retry-After": str(error.retry_after)}
    return _HEADERS.get(type(error))


MOST_FAULTS = 100
"""So many of a body's faults are told; otherwise a body of nothing but faults gets an answer far longer than itself."""

NOT_OURS = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    408: "request-timeout",
    413: "content-too-large",
    415: "unsupported-media-type",
    421: "misdirected-request",
    431: "request-head-too-large",
    500: "internal-error",
}
"""Problems that come from HTTP and not from the domain."""


def problem_type(name: str) -> str:
    """Give the address at which a problem is described."""
    return f"/v1/problems/{name}"


def problem_of(error: SporError, language: str) -> dict[str, Any]:
    """Describe an error; never with what the caller sent."""
    name = slug(type(error))
    document: dict[str, Any] = {
        "type": problem_type(name),
        "title": say(f"problem.{name}", language),
        "status": STATUS[type(error)],
        **_parts(error),
    }
    if isinstance(error, InvalidInput) and error.also:
        faults = (error, *error.also)[:MOST_FAULTS]
        document["errors"] = [{"type": problem_type(slug(type(each))), **_parts(each)} for each in faults]
    return document


def _parts(error: SporError) -> dict[str, str]:
    """Give what an error says; a pointer may name a field by half a character, which no answer can carry."""
    said = {name: getattr(error, name) for name in ("detail", "pointer", "allowed")}
    return {name: text.encode("utf-8", "replace").decode() for name, text in said.items() if text is not None}


def malformed(failures: Sequence[Mapping[str, Any]]) -> tuple[MalformedBody, ...]:
    """Turn pydantic's findings into domain errors: where and what, without the input."""
    return tuple(MalformedBody(_sentence(failure), pointer=_pointer(failure)) for failure in failures[:MOST_FAULTS])


_IN_OUR_WORDS = {
    "json_invalid": "the body is not JSON",
    "extra_forbidden": "there is no such field",
    "given_twice": "the field is given more than once, and differently",
    "model_type": "the body must be an object, sent as application/json",
    "model_attributes_type": "the body must be an object, sent as application/json",
}
"""Findings in which pydantic would name what came in, or a class of ours."""


_UNREADABLE = "the body can't be read: it must be JSON in UTF-8, not compressed, not nested hundreds of levels deep"
_AN_ETAG = 'the ETag as last read, e.g. "3"'


def _sentence(failure: Mapping[str, Any]) -> str:
    kind = str(failure["type"])
    if tuple(failure["loc"]) == ("if-match",):
        return f"if-match: must be {_AN_ETAG}"
    if kind in _IN_OUR_WORDS:
        return _IN_OUR_WORDS[kind]
    # The field; what lies below it is the caller's, and told by the pointer.
    where = str(failure["loc"][0]) if failure["loc"] else "the body"
    if kind == "uuid_parsing":  # pydantic's sentence quotes the first wrong character
        return f"{where}: must be a UUID"
    message = str(failure["msg"]).removeprefix("Value error, ")
    return f"{where}: {message[:1].lower()}{message[1:]}"


def _pointer(failure: Mapping[str, Any]) -> str:
    """Give the JSON pointer to what was found; what is no JSON has no parts."""
    steps = () if failure["type"] == "json_invalid" else failure["loc"]
    return "".join(f"/{_escaped(step)}" for step in steps)


def _escaped(step: object) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")


def language_of(request: Request) -> str:
    """Give the language to answer in; the organisation's own is bokmål unless the caller asks for another."""
    return negotiate(request.headers.get("accept-language"), "nb")


def respond(request: Request, document: dict[str, Any], headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Answer with a problem document that carries the request id."""
    document["request_id"] = str(request.state.request_id)
    return JSONResponse(document, status_code=document["status"], media_type=PROBLEM_JSON, headers=headers)


def _methods(request: Request) -> str:
    """Give every method of an address, as Allow needs them; the framework gives those of its first route only."""
    path = request.scope["path"]
    routes = [each for each in iter_route_contexts(request.app.routes) if each.path_regex.match(path)]
    return ", ".join(sorted({method for route in routes for method in route.methods or ()}))


def respond_to_error(request: Request, error: SporError) -> JSONResponse:
    """Answer what the domain has found."""
    return respond(request, problem_of(error, language_of(request)), _headers_of(error))


def respond_to_http_error(request: Request, error: HTTPException) -> JSONResponse:
    """Answer what HTTP itself has found, in the shape of the rest."""
    name = NOT_OURS.get(error.status_code, "bad-request")
    document = {
        "type": problem_type(name),
        "title": say(f"problem.{name}", language_of(request)),
        "status": error.status_code,
        "detail": _UNREADABLE if error.status_code == 400 else str(error.detail),
    }
    headers = {"Allow": _methods(request)} if error.status_code == 405 else error.headers
    return respond(request, document, headers)


def internal_error(request: Request) -> JSONResponse:
    """Answer for a mistake of ours, without a word of it."""
    document = {
        "type": problem_type("internal-error"),
        "title": say("problem.internal-error", language_of(request)),
        "status": 500,
        "detail": "something went wrong on our side; nothing was stored",
    }
    return respond(request, document)


def install(app: FastAPI) -> None:
    """Map every error of the application to a problem document; mistakes of ours are caught by the middleware."""

    @app.exception_handler(SporError)
    def domain_error(request: Request, error: SporError) -> JSONResponse:
        if isinstance(error, errors.DatabaseUnavailable):
            fields = {"request_id": str(request.state.request_id), "reason": error.reason}
            logger.error("the database is away", extra={"fields": fields})
        return respond_to_error(request, error)

    @app.exception_handler(RequestValidationError)
    def malformed_request(request: Request, error: RequestValidationError) -> JSONResponse:
        try:
            refuse_strangers(request)
        except SporError as refusal:
            return domain_error(request, refusal)
        if any(each["type"] == "missing" and each["loc"] == ("header", "if-match") for each in error.errors()):
            return domain_error(request, PreconditionRequired("an edit needs the header If-Match", allowed=_AN_ETAG))
        first, *others = malformed([{**each, "loc": each["loc"][1:]} for each in error.errors()])
        first.also = tuple(others)
        return respond(request, problem_of(first, language_of(request)))

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:
            try:
                refuse_strangers(request)
            except SporError as refusal:
                return domain_error(request, refusal)
        return respond_to_http_error(request, error)
