"""What every request gets: an id, a log line without anything of a patient, and a refusal without a credential."""

from __future__ import annotations

import logging
import time
from uuid import UUID

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import language_of, problem_of, respond
from app.db.ids import uuid7
from app.errors import Unauthenticated

logger = logging.getLogger("spor.requests")


class RequestIdentity:
    """Give each request an id, its caller's own if that is a UUID, and log how it went."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with its id."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope).get("x-request-id"))
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = time.perf_counter(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = str(request_id)
                headers["Cache-Control"] = "no-store"
            await send(message)

        answer = self.app if _has_credential(scope) else _refuse
        try:
            await answer(scope, receive, send_with_id)
        finally:
            logger.info(
                "%s %s %d %.1f ms request=%s",
                scope["method"],
                getattr(scope.get("route"), "path", "-"),  # the route's pattern: no ids in the log
                status,
                (time.perf_counter() - started) * 1000,
                request_id,
            )


def _has_credential(scope: Scope) -> bool:
    return Headers(scope=scope).get("authorization", "").lower().startswith("bearer ")


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse before anything of the request is read: who has no credential learns nothing of what would be right."""
    request = Request(scope)
    error = Unauthenticated("a credential is needed", allowed="Authorization: Bearer <token>")
    document = problem_of(error, language_of(request))
    await respond(request, document, {"WWW-Authenticate": "Bearer"})(scope, receive, send)


def _request_id(given: str | None) -> UUID:
    try:
        return UUID(given or "")
    except ValueError:
        return uuid7()
