"""Reads PostgreSQL's protocol as it passes by, and counts what the program asks of the database.

Whatever speaks through it (an ORM, a bare connection, a pipeline) is counted alike, since nothing is asked of it.
Protocol: PostgreSQL documentation, chapter "Frontend/Backend Protocol", "Message Formats".
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

_LENGTH = struct.Struct("!I")
_TYPED_HEADER = struct.Struct("!cI")


class Frames:
    """Cuts a stream into messages: type and content. The first of a client has no type."""

    def __init__(self, *, of_client: bool) -> None:
        self._untyped = of_client
        self._buffer = bytearray()

    def feed(self, received: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Take more of the stream; give the messages that are now whole."""
        self._buffer += received
        while (message := self._next()) is not None:
            yield message

    @property
    def unfinished(self) -> bool:
        """Whether a message has begun that is not whole yet."""
        return bool(self._buffer)

    def _next(self) -> tuple[bytes, bytes] | None:
        start = 0 if self._untyped else 1
        if len(self._buffer) < start + _LENGTH.size:
            return None
        if self._untyped:
            kind, (length,) = b"", _LENGTH.unpack_from(self._buffer)
        else:
            kind, length = _TYPED_HEADER.unpack_from(self._buffer)
        end = start + length
        if len(self._buffer) < end:
            return None
        content = bytes(self._buffer[start + _LENGTH.size : end])
        del self._buffer[:end]
        self._untyped = False
        return kind, content


@dataclass(slots=True)
class Tally:
    """What has been asked of the database.

    `statements` are those that it says it has completed; `round_trips` are the times that it was spoken to after it
    had last answered (in a pipeline at most: it may be spoken to without anybody having waited); `commits` are the
    transactions that ended well, also those of one statement on its own.
    """

    statements: int = 0
    round_trips: int = 0
    commits: int = 0
    messages: Counter[str] = field(default_factory=Counter)

    def since(self, earlier: Tally) -> Tally:
        """Give what was added since an earlier tally."""
        return Tally(
            self.statements - earlier.statements,
            self.round_trips - earlier.round_trips,
            self.commits - earlier.commits,
            self.messages - earlier.messages,
        )

    def copy(self) -> Tally:
        """Give the tally as it is now."""
        return Tally(self.statements, self.round_trips, self.commits, self.messages.copy())


_CLIENT_MESSAGES = {b"Q": "Query", b"P": "Parse", b"B": "Bind", b"E": "Execute", b"S": "Sync"}
_COMPLETED = {b"C", b"I", b"s"}
"""CommandComplete, EmptyQueryResponse, PortalSuspended."""
_READY, _FAILED = b"Z", b"E"
_IDLE = b"I"


class Conversation:
    """One connection: what client and server say to each other, added to a tally."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._from_client, self._from_server = Frames(of_client=True), Frames(of_client=False)
        self._server_spoke_last = True
        self._in_transaction = False
        self._ran = False
        self._failed = False

    def client_says(self, received: bytes) -> None:
        """Count what the client sends."""
        if self._server_spoke_last and not self._from_client.unfinished:
            self._tally.round_trips += 1
            self._server_spoke_last = False
        for kind, _ in self._from_client.feed(received):
            if kind in _CLIENT_MESSAGES:
                self._tally.messages[_CLIENT_MESSAGES[kind]] += 1

    def server_says(self, received: bytes) -> None:
        """Count what the server answers."""
        self._server_spoke_last = True
        for kind, content in self._from_server.feed(received):
            if kind in _COMPLETED:
                self._completed(content.rstrip(b"\0").decode())
            elif kind == _FAILED:
                self._failed = True
            elif kind == _READY:
                self._ready(content)

    def _completed(self, tag: str) -> None:
        """Note a statement by its tag; one that rolls back to a savepoint has the tag of one that rolls back all."""
        self._tally.statements += 1
        self._ran = tag != "COMMIT"
        if tag == "BEGIN":
            self._in_transaction = True
        elif tag == "COMMIT":
            self._in_transaction = False
            self._tally.commits += 1

    def _ready(self, status: bytes) -> None:
        """Note the end of a request: a transaction that nobody began by name ends with it."""
        if status == _IDLE and self._ran and not (self._in_transaction or self._failed):
            self._tally.commits += 1
        self._in_transaction = status != _IDLE
        self._ran = self._failed = False
