"""Pictures of charts: drawn once, in a process of their own, and kept while there is room.

The renderer (a JavaScript engine in vl-convert) holds Python's global lock while it draws. Drawn in the server's own
process, each picture stops every other request: in a trial another thread got one turn per picture, some 40 ms apart.
So a child process draws, and the server only waits for it; the child's 150 MB are not the server's. It is started with
the first picture, gives way to the server on a busy processor, and ends with it; one that dies is replaced. One is
enough: the engine draws no faster in several threads, and what is asked for again has been kept.

A picture comes as a future, so that nobody holds a thread while waiting: 200 pictures that are asked for at once would
otherwise take all the threads in which requests are answered.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from multiprocessing import Pipe
from pathlib import Path
from typing import Any, Final

logger = logging.getLogger("spor.pictures")

_PROGRAM: Final = Path(__file__).with_name("drawing.py")
_DRAWN: Final = b"+"[0]
_ROOM: Final = 32 * 1024 * 1024
"""Bytes of the pictures that are kept: some 500 as SVG."""
_PATIENCE: Final = 30.0
"""Seconds after which a picture is given up, with the process that draws it. The slowest take half a second."""


class PictureFormat(StrEnum):
    """What a chart is drawn as."""

    SVG = "svg"
    PNG = "png"


class DrawingFailed(Exception):
    """A chart could not be drawn: a mistake of ours."""


class DrawingProcess:
    """A child process that draws one picture at a time."""

    def __init__(self) -> None:
        self._connection, theirs = Pipe()
        with theirs:
            # In a session of its own, so that Ctrl-C reaches the server alone, which then ends it in order.
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", _PROGRAM, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def draw(self, job: bytes) -> bytes:
        """Give the answer to a job.

        Raises
        ------
        EOFError, OSError
            If the process has died, or takes too long.
        """
        self._connection.send_bytes(job)
        if not self._connection.poll(_PATIENCE):
            raise TimeoutError
        return self._connection.recv_bytes()

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self.process.kill()
        self.process.wait()


@dataclass(slots=True)
class _Kept:
    """A picture that is there, or on its way; its size is 0 until it is there."""

    picture: Future[bytes]
    size: int = 0


class Pictures:
    """Draws charts and keeps the pictures, those that were asked for last; safe to use from several threads.

    Parameters
    ----------
    room : int
        Bytes that the kept pictures may take together.
    start : callable
        Starts a process that draws.
    """

    def __init__(self, room: int = _ROOM, start: Callable[[], DrawingProcess] = DrawingProcess) -> None:
        self._room = room
        self._start = start
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._size = 0
        self._waiting_line: ThreadPoolExecutor | None = None
        self._process: DrawingProcess | None = None

    def draw(self, spec: dict[str, Any], picture_format: PictureFormat) -> Future[bytes]:
        """Give the picture of a specification, drawn at most once while it is kept.

        Returns
        -------
        Future of bytes
            It raises :class:`DrawingFailed` where the specification can't be drawn.
        """
        job = json.dumps([picture_format, spec], sort_keys=True, separators=(",", ":")).encode()
        key = hashlib.sha256(job).digest()
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                if self._waiting_line is None:
                    self._waiting_line = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pictures")
                kept = self._kept[key] = _Kept(self._waiting_line.submit(self._draw, key, job))
            self._kept.move_to_end(key)
            return kept.picture

    def close(self) -> None:
        """Give up what has not been drawn, forget what has, and end the process; the next picture starts another."""
        with self._lock:
            line, self._waiting_line = self._waiting_line, None
            self._kept.clear()
            self._size = 0
        if line is not None:
            line.shutdown(cancel_futures=True)
        self._end_process()

    def _draw(self, key: bytes, job: bytes) -> bytes:
        try:
            picture = self._drawn(job)
        except BaseException:
            with self._lock:
                self._kept.pop(key, None)
            raise
        with self._lock:
            if key in self._kept:
                self._kept[key].size = len(picture)
                self._size += len(picture)
                self._make_room()
        return picture

    def _drawn(self, job: bytes) -> bytes:
        try:
            answer = self._asked(job)
        except (EOFError, OSError):
            logger.warning("the drawing process has died or hangs; the picture is drawn by another")
            self._end_process()
            try:
                answer = self._asked(job)
            except (EOFError, OSError):
                self._end_process()
                raise DrawingFailed("the drawing process died or hung twice over one chart") from None
        if answer[0] != _DRAWN:
            raise DrawingFailed("the renderer refused the specification")
        return answer[1:]

    def _asked(self, job: bytes) -> bytes:
        if self._process is None:
            self._process = self._start()
        return self._process.draw(job)

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def _make_room(self) -> None:
        """Forget the pictures that have not been asked for the longest; one that is on its way stays."""
        for key, kept in list(self._kept.items()):
            if self._size <= self._room:
                return
            if kept.size:
                self._size -= kept.size
                del self._kept[key]


@cache
def pictures() -> Pictures:
    """Give the pictures of this process, made when first asked for and closed when it ends."""
    found = Pictures()
    atexit.register(found.close)
    return found
