"""HTTP on one connection, with an end to what a caller may send before it has asked for anything.

Uvicorn's own waits for ever for the first byte and for the end of the headers, and keeps however many of them come.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.api.errors import PROBLEM_JSON, problem_type
from app.api.headers import SecurityHeaders
from app.api.middleware import LARGEST_HEAD
from app.db.ids import uuid7
from app.texts.catalogue import say

HEAD_SECONDS: Final = 10.0
"""How long the address and the headers of a request may take to come, the first from when the caller connects."""

_NAMES: Final = {400: "bad-request", 408: "request-timeout", 431: "request-head-too-large"}
_PHRASES: Final = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large"}


class BoundedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol, with a limit on the time and the size of a request's head."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._in_head = True
        self._head_bytes = 0
        self._out_of_time: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes while a head is not complete."""
        super().data_received(data)
        self._head_bytes += len(data)
        if self._in_head and self._head_bytes > 2 * LARGEST_HEAD and not self.transport.is_closing():
            self._end(431)

    def on_message_begin(self) -> None:
        """Begin to wait for the head of a further request."""
        super().on_message_begin()
        self._head_bytes = 0
        if not self._in_head:
            self._await_head()

    def on_headers_complete(self) -> None:
        """Wait no more: what comes now is counted by the application."""
        self._head_came()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - as uvicorn calls it
        """Refuse what is no HTTP."""
        self._end(400)

    def _await_head(self) -> None:
        self._in_head = True
        self._out_of_time = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _head_came(self) -> None:
        self._in_head = False
        if self._out_of_time is not None:
            self._out_of_time.cancel()
            self._out_of_time = None

    def _give_up(self) -> None:
        if self._head_bytes:
            self._end(408)
        else:
            self.transport.close()

    def _end(self, status: int) -> None:
        """Answer outside every request, and close the connection; what is being answered on it goes first."""
        self._head_came()
        if self.cycle is None or self.cycle.response_complete:  # type: ignore[redundant-expr]  # None before the first
            self.transport.write(_answer(status))
        self.transport.close()


def _answer(status: int) -> bytes:
    """Give a problem as it goes over the wire; nothing of the request is known but that it can't be read."""
    name, request_id = _NAMES[status], str(uuid7())
    document = {"type": problem_type(name), "title": say(f"problem.{name}", "nb"), "status": status}
    content = json.dumps(document | {"request_id": request_id}, ensure_ascii=False).encode()
    headers = SecurityHeaders(by_tls=False).added_to(
        [
            (b"content-type", PROBLEM_JSON.encode()),
            (b"content-length", str(len(content)).encode()),
            (b"connection", b"close"),
            (b"x-request-id", request_id.encode()),
        ]
    )
    lines = [f"HTTP/1.1 {status} {_PHRASES[status]}".encode(), *(b"%b: %b" % each for each in headers), b"", content]
    return b"\r\n".join(lines)
