"""What every request gets, in one pass: an id, a refusal where it must not be read, a number, and a line in the log."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import Final
from uuid import UUID

from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.addresses import Callers, Hosts
from app.api.errors import internal_error, respond_to_error, respond_to_http_error
from app.api.headers import SecurityHeaders
from app.api.limits import CredentialLimits
from app.api.metrics import Metrics
from app.api.routes.health import LIVE, METRICS, READY
from app.api.routes.log_in import INVITATIONS, SESSIONS
from app.config import Settings
from app.db.failures import DatabaseFailure
from app.db.ids import uuid7
from app.db.session import Scope as Caller
from app.errors import SporError, TooManyRequests, Unauthenticated

logger = logging.getLogger("spor.requests")

REDEEMING: Final = frozenset({"/v1/devices/pairing", "/v1/assignments/redemption", SESSIONS, INVITATIONS})
"""Where a code, a link, an invitation or a password is what the caller shows for a credential."""

_OF_THE_MACHINE: Final = frozenset({LIVE, READY, METRICS})

WITHOUT_CREDENTIAL: Final = _OF_THE_MACHINE | REDEEMING
"""Addresses that ask for no credential of a user; /metrics asks for a token of its own."""

LARGEST_HEAD: Final = 32 * 1024
"""Bytes of an address with its headers."""

BODY_SECONDS: Final = 60.0
"""How long a body may take to come. No thread waits for it, but a connection and what has come of it do."""
LARGEST_BODY: Final = 4 * 1024 * 1024
"""Bytes. A batch of 500 long forms, written with spaces, is about one million."""

_CONNECTION_ENDS: Final = frozenset({413, 421, 431})
"""After these, nothing more is read of what the caller may still be sending."""

_UNMATCHED: Final = "unmatched"


class EveryRequest:
    """Give each request an id, its caller's own if that is a UUID; count it, and log how it went."""

    def __init__(self, app: ASGIApp, metrics: Metrics, settings: Settings) -> None:
        self.app = app
        self._metrics = metrics
        self._headers = SecurityHeaders(by_tls=(settings.public_url or "").startswith("https:"))
        self._hosts = Hosts(settings.hosts())
        self._callers = Callers(settings.trusted_proxies)
        self._limits = CredentialLimits(settings.requests_per_minute)
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
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = [*message.get("headers", ()), (b"x-request-id", told_id.encode())]
                message["headers"] = self._headers.added_to(given)
            await send(message)

        self._metrics.in_progress += 1
        try:
            answer, receive = self._admit(scope, headers, receive)
            await answer(scope, receive, send_with_headers)
        except Exception as error:
            _log_mistake(told_id, error)
            if status:  # too late for another answer: the connection is closed
                raise
            await internal_error(Request(scope))(scope, receive, send_with_headers)
        finally:
            self._metrics.in_progress -= 1
            self._remember(scope, headers, status)
            self._note(scope, told_id, status or 500, time.perf_counter() - started)

    def _admit(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> tuple[ASGIApp, Receive]:
        """Choose who answers: the application, or a refusal before anything of the body is read."""
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            return partial(_refuse, refusal), receive
        length = headers.get(b"content-length")
        if length is None:
            return self.app, _limited(receive) if b"transfer-encoding" in headers else receive
        # A length that is no number does not pass the HTTP server.
        if int(length) > LARGEST_BODY:
            return partial(_refuse, _too_large()), receive
        return self.app, _limited(receive) if length != b"0" else receive

    def _refusal(self, scope: Scope, headers: dict[bytes, bytes]) -> SporError | HTTPException | None:
        """Give what is in the way of looking at a request at all."""
        if _size(scope) > LARGEST_HEAD:
            return HTTPException(431, f"the address and the headers are longer than {LARGEST_HEAD} bytes")
        if scope["path"] in _OF_THE_MACHINE:  # asked by machines, which know the service by any address
            return None
        if not self._hosts.knows(headers.get(b"host")):
            return HTTPException(421, "the service is not called by the name in Host")
        if scope["path"] in REDEEMING:
            scope["state"]["place"] = self._callers.place(scope, headers)  # by which these are counted
            return None
        return self._refusal_of_credential(scope, headers)

    def _refusal_of_credential(self, scope: Scope, headers: dict[bytes, bytes]) -> SporError | None:
        """Give what is wrong with a credential before anybody looks who holds it."""
        credential = headers.get(b"authorization", b"")
        if credential[:7].lower() != b"bearer ":
            return Unauthenticated("a credential is needed", allowed="Authorization: Bearer <token>")
        scope["state"]["counted_by"] = key = self._limits.key_of(credential[7:])
        try:
            self._limits.admit(key, lambda: self._callers.place(scope, headers))
        except TooManyRequests as refusal:
            return refusal
        return None

    def _remember(self, scope: Scope, headers: dict[bytes, bytes], status: int) -> None:
        """Tell the limits whether the credential was one."""
        key: bytes | None = scope["state"].get("counted_by")
        if key is not None:
            good = "caller" in scope["state"]
            self._limits.note(key, lambda: self._callers.place(scope, headers), good=good, refused=status == 401)

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
        if route in _OF_THE_MACHINE:
            logger.debug("request", extra={"fields": fields})
        else:
            logger.info("request", extra={"fields": fields})


def _size(scope: Scope) -> int:
    """Count the bytes of a request's head."""
    size = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    for name, text in scope["headers"]:
        size += len(name) + len(text)
    return size


def _limited(receive: Receive) -> Receive:
    """Count a body as it comes, and stop where it gets too long or takes too long."""
    size = 0
    until = asyncio.get_running_loop().time() + BODY_SECONDS
    more = True

    async def receive_and_count() -> Message:
        nonlocal size, more
        if not more:  # what comes now is that the caller has gone
            return await receive()
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, f"the body has taken longer than {BODY_SECONDS:.0f} seconds") from None
        more = message.get("more_body", False)
        size += len(message.get("body", b""))
        if size > LARGEST_BODY:
            raise _too_large()
        return message

    return receive_and_count


def _too_large() -> HTTPException:
    return HTTPException(413, f"the body is longer than {LARGEST_BODY} bytes")


async def _refuse(refusal: SporError | HTTPException, scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse before anything of the request is read: who has no credential learns nothing of what would be right."""
    request = Request(scope)
    if isinstance(refusal, SporError):
        answer = respond_to_error(request, refusal)
    else:
        answer = respond_to_http_error(request, refusal)
    if answer.status_code in _CONNECTION_ENDS:
        answer.headers["Connection"] = "close"
    await answer(scope, receive, send)


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
