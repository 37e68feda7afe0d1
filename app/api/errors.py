"""The one table from domain error to HTTP status, and the problem documents (RFC 9457) that come of it."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app import errors
from app.api.deps import refuse_strangers
from app.errors import InvalidInput, MalformedBody, SporError
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
    errors.StateConflict: 409,
    errors.PreconditionRequired: 428,
    errors.PreconditionFailed: 412,
    errors.InstrumentDataError: 500,
    errors.ServerMisconfigured: 503,
}
"""Every error that can leave a service; tests/test_rules.py fails where a class has no row."""

NOT_OURS = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "content-too-large",
    415: "unsupported-media-type",
    500: "internal-error",
}
"""Problems that come from HTTP and not from the domain."""


def slug(error: type[SporError]) -> str:
    """Give the name of an error in its problem type: NotFound is not-found."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", error.__name__).lower()


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
        document["errors"] = [{"type": problem_type(slug(type(each))), **_parts(each)} for each in (error, *error.also)]
    return document


def _parts(error: SporError) -> dict[str, str]:
    """Give what an error says; a pointer may name a field by half a character, which no answer can carry."""
    said = {name: getattr(error, name) for name in ("detail", "pointer", "allowed")}
    return {name: text.encode("utf-8", "replace").decode() for name, text in said.items() if text is not None}


def malformed(failures: Sequence[Mapping[str, Any]]) -> tuple[MalformedBody, ...]:
    """Turn pydantic's findings into domain errors: where and what, without the input."""
    return tuple(MalformedBody(_sentence(failure), pointer=_pointer(failure)) for failure in failures)


_IN_OUR_WORDS = {
    "json_invalid": "the body is not JSON",
    "extra_forbidden": "there is no such field",
    "model_type": "the body must be an object",
    "model_attributes_type": "the body must be an object",
}
"""Findings in which pydantic would name what came in, or a class of ours."""


def _sentence(failure: Mapping[str, Any]) -> str:
    kind = str(failure["type"])
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


def install(app: FastAPI) -> None:
    """Map every error of the application to a problem document."""

    @app.exception_handler(SporError)
    def domain_error(request: Request, error: SporError) -> JSONResponse:
        headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, errors.Unauthenticated) else None
        return respond(request, problem_of(error, language_of(request)), headers)

    @app.exception_handler(RequestValidationError)
    def malformed_request(request: Request, error: RequestValidationError) -> JSONResponse:
        try:
            refuse_strangers(request)
        except SporError as refusal:
            return domain_error(request, refusal)
        first, *others = malformed([{**each, "loc": each["loc"][1:]} for each in error.errors()])
        first.also = tuple(others)
        return respond(request, problem_of(first, language_of(request)))

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> JSONResponse:
        name = NOT_OURS.get(error.status_code, "bad-request")
        document = {
            "type": problem_type(name),
            "title": say(f"problem.{name}", language_of(request)),
            "status": error.status_code,
            "detail": str(error.detail),
        }
        return respond(request, document, error.headers)

    @app.exception_handler(Exception)
    def our_own_mistake(request: Request, error: Exception) -> JSONResponse:
        # Parameters are hidden from database errors, so that no answer of a patient gets into the log.
        logger.error("unexpected error in request %s", request.state.request_id, exc_info=error)
        document = {
            "type": problem_type("internal-error"),
            "title": say("problem.internal-error", language_of(request)),
            "status": 500,
            "detail": "something went wrong on our side; nothing was stored",
        }
        return respond(request, document)
