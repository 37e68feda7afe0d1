"""Stands between the server and PostgreSQL's socket, and counts what passes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.db.embedded import PORT
from benchmarks.wire import Conversation, Tally

_CHUNK = 1 << 16
_SOCKET = f".s.PGSQL.{PORT}"
_STARTING_SECONDS = 10
_FAREWELL_SECONDS = 5
"""How long those who are still connected in the end may take to go."""


@contextmanager
def counting(socket_directory: Path, folder: Path) -> Iterator[Tally]:
    """Listen in a folder, as PostgreSQL does in its own, and pass all on to it; give what is counted meanwhile.

    One thread does both directions, so that the order in which they are counted is the order in which they were spoken.
    """
    proxy = _Proxy(socket_directory / _SOCKET, folder / _SOCKET)
    thread = threading.Thread(target=lambda: asyncio.run(proxy.run()))
    thread.start()
    assert proxy.ready.wait(_STARTING_SECONDS), "the proxy listens"
    try:
        yield proxy.tally
    finally:
        proxy.stop()
        thread.join()


class _Proxy:
    def __init__(self, server: Path, ours: Path) -> None:
        self.tally = Tally()
        self.ready = threading.Event()
        self._server, self._ours = server, ours
        self._connections: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Listen until told to stop, then let those who are leaving leave."""
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        listener = await asyncio.start_unix_server(self._serve, str(self._ours))
        self.ready.set()
        await self._stopped.wait()
        listener.close()
        if self._connections:
            await asyncio.wait(self._connections, timeout=_FAREWELL_SECONDS)

    def stop(self) -> None:
        """Tell it to stop, from another thread."""
        self._loop.call_soon_threadsafe(self._stopped.set)

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        server, to_server = await asyncio.open_unix_connection(str(self._server))
        conversation = Conversation(self.tally)
        await asyncio.gather(
            _pass_on(client, to_server, conversation.client_says),
            _pass_on(server, to_client, conversation.server_says),
        )
        self._connections.discard(task)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Callable[[bytes], None]) -> None:
    """Pass on what one side says until it leaves, then leave the other."""
    with suppress(ConnectionError):
        while received := await reader.read(_CHUNK):
            count(received)
            writer.write(received)
            await writer.drain()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
