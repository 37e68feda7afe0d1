"""What every request gets: an id, a log line without anything of a patient, and a refusal without a credential."""

from __future__ import annotations

import logging
import time
from uuid import UUID

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.db.ids import uuid7

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

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            logger.info(
                "%s %s %d %.1f ms request=%s",
                scope["method"],
                getattr(scope.get("route"), "path", "-"),  # the route's pattern: no ids in the log
                status,
                (time.perf_counter() - started) * 1000,
                request_id,
            )


def _request_id(given: str | None) -> UUID:
    try:
        return UUID(given or "")
    except ValueError:
        return uuid7()
