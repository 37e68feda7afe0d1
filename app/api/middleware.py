"""What every request gets, in one pass: an id, a refusal where it must not be read, a number, and a line in the log."""

from __future__ import annotations

import logging
import time
from typing import Final
from uuid import UUID

from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import internal_error, language_of, problem_of, respond, respond_to_http_error
from app.api.metrics import Metrics
from app.api.routes.health import LIVE, METRICS, READY
from app.db.ids import uuid7
from app.db.session import DatabaseFailure
from app.db.session import Scope as Caller
from app.errors import Unauthenticated

logger = logging.getLogger("spor.requests")

REDEEMING: Final = frozenset({"/v1/devices/pairing", "/v1/assignments/redemption"})
"""Where a code or a link is what the caller shows."""

WITHOUT_CREDENTIAL: Final = frozenset({LIVE, READY, METRICS}) | REDEEMING
"""Addresses that ask for no credential of a user; /metrics asks for a token of its own."""

LARGEST_BODY: Final = 4 * 1024 * 1024
"""Bytes. A batch of 500 long forms, written with spaces, is about one million."""

_UNMATCHED: Final = "unmatched"


class EveryRequest:
    """Give each request an id, its caller's own if that is a UUID; count it, and log how it went."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self._metrics = metrics
        self._patterns: dict[object, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with its id."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        request_id = _request_id(headers.get(b"x-request-id"))
        scope.setdefault("state", {})["request_id"] = request_id
        told_id = str(request_id)
        given = [(b"x-request-id", told_id.encode()), (b"cache-control", b"no-store")]
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *given]
            await send(message)

        self._metrics.in_progress += 1
        try:
            answer, receive = self._admit(scope, headers, receive)
            await answer(scope, receive, send_with_id)
        except Exception as error:
            _log_mistake(told_id, error)
            if status:  # too late for another answer: the connection is closed
                raise
            await internal_error(Request(scope))(scope, receive, send_with_id)
        finally:
            self._metrics.in_progress -= 1
            self._note(scope, told_id, status or 500, time.perf_counter() - started)

    def _admit(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> tuple[ASGIApp, Receive]:
        """Choose who answers: the application, or a refusal before anything of the body is read."""
        credential = headers.get(b"authorization", b"")[:7].lower() == b"bearer "
        if not credential and scope["path"] not in WITHOUT_CREDENTIAL:
            return _refuse, receive
        length = headers.get(b"content-length")
        if length is None:
            return self.app, _limited(receive) if b"transfer-encoding" in headers else receive
        # A length that is no number does not pass the HTTP server.
        return (_refuse_body if int(length) > LARGEST_BODY else self.app), receive

    def _note(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        """Count and log; by the route's pattern, never by the address, so that no id gets out."""
        if not self._patterns:
            self._patterns = {each.endpoint: str(each.path) for each in iter_route_contexts(scope["app"].routes)}
        method, route = scope["method"], self._patterns.get(scope.get("endpoint"), _UNMATCHED)
        self._metrics.observe(method, route, status, seconds)
        if not logger.isEnabledFor(logging.INFO):
            return
        fields = {
            "request_id": request_id,
            "method": method,
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 2),
        }
        caller: Caller | None = scope["state"].get("caller")
        if caller is not None:
            fields |= {"organisation_id": str(caller.organisation_id), "role": caller.role.value}
        if route in WITHOUT_CREDENTIAL - REDEEMING:
            logger.debug("request", extra={"fields": fields})
        else:
            logger.info("request", extra={"fields": fields})


def _limited(receive: Receive) -> Receive:
    """Count a body whose length was not told, and stop where it gets too long."""
    size = 0

    async def receive_and_count() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > LARGEST_BODY:
            raise _too_large()
        return message

    return receive_and_count


def _too_large() -> HTTPException:
    return HTTPException(413, f"the body is longer than {LARGEST_BODY} bytes")


async def _refuse_body(scope: Scope, receive: Receive, send: Send) -> None:
    await respond_to_http_error(Request(scope), _too_large())(scope, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse before anything of the request is read: who has no credential learns nothing of what would be right."""
    request = Request(scope)
    error = Unauthenticated("a credential is needed", allowed="Authorization: Bearer <token>")
    document = problem_of(error, language_of(request))
    await respond(request, document, {"WWW-Authenticate": "Bearer"})(scope, receive, send)


def _log_mistake(request_id: str, error: Exception) -> None:
    """Log a mistake of ours. The log's format leaves out what an exception says, which may hold an answer."""
    fields = {"request_id": request_id}
    if isinstance(error, DatabaseFailure):  # these words are chosen to hold none
        fields["database"] = str(error)
    logger.error("unexpected error", exc_info=error, extra={"fields": fields})


def _request_id(given: bytes | None) -> UUID:
    if given is None:
        return uuid7()
    try:
        return UUID(given.decode("latin-1"))
    except ValueError:
        return uuid7()
