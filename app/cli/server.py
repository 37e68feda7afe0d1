"""The HTTP server: says when it answers, and stops in three steps.

At the first SIGTERM or SIGINT `/health/ready` says no, for as long as a load balancer needs to notice; then no more
connections are taken and what is running may finish; then the process ends. A second signal ends it at once.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

import uvicorn

from app.api.readiness import Readiness

logger = logging.getLogger("spor.server")


class CutShort(Exception):
    """The server has ended while requests were running."""

    exit_code: Final = 1


class Server(uvicorn.Server):
    """An HTTP server on a socket that is bound already."""

    def __init__(
        self,
        config: uvicorn.Config,
        announce: Callable[[], None],
        readiness: Readiness,
        *,
        drain_seconds: float,
        shutdown_seconds: float,
    ) -> None:
        super().__init__(config)
        self._announce = announce
        self._readiness = readiness
        self._drain_seconds = drain_seconds
        self._shutdown_seconds = shutdown_seconds
        self._drained_at = float("inf")
        self._cut_short = 0

    def run_on(self, listener: socket.socket) -> None:
        """Serve until a signal comes, then leave as the signal is handled otherwise.

        Raises
        ------
        CutShort
            If requests were still running when the time was over, or a second signal came.
        """
        runner = asyncio.Runner(loop_factory=self.config.get_loop_factory())
        try:
            runner.run(self.serve(sockets=[listener]))
        finally:
            if self._cut_short:  # closing would wait for them
                logger.error("requests were cut short", extra={"fields": {"requests": self._cut_short}})
                raise CutShort
            runner.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, then say so."""
        await super().startup(sockets)
        self._announce()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop, or, told so again, stop at once."""
        again = self._readiness.stopping
        self._readiness.stopping = True
        super().handle_exit(sig, frame)
        self.should_exit = again or not self._drain_seconds
        if again:
            self._give_up()
        else:
            self._drained_at = time.monotonic() + self._drain_seconds

    async def on_tick(self, counter: int) -> bool:
        """Look, ten times a second, whether it is time to stop."""
        self.should_exit = self.should_exit or time.monotonic() >= self._drained_at
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, and wait for what is running, but not for ever."""
        out_of_time = asyncio.get_running_loop().call_later(self._shutdown_seconds, self._give_up)
        await super().shutdown(sockets)
        out_of_time.cancel()

    def _give_up(self) -> None:
        """Stop waiting. A request whose thread waits for the database can't be called back."""
        self._cut_short = len(self.server_state.tasks)
        self.force_exit = True
