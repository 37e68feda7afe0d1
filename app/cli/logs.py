"""How the log is written: one JSON object a line for machines, one line of text for people; to standard error."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from app.config import Settings

_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)
_CHATTY = ("uvicorn", "alembic", "asyncio", "httpx")


def configure(settings: Settings) -> None:
    """Send our log and the libraries' to standard error, in one shape."""
    as_text = settings.log_format == "text" or (settings.log_format is None and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextLines() if as_text else JsonLines())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
    if settings.log_level != "debug":
        for chatty in _CHATTY:
            logging.getLogger(chatty).setLevel(logging.WARNING)
    # Nothing of ours shows them, and finding them out takes a third of a line's time.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


class JsonLines(logging.Formatter):
    """Write `{"time", "level", "logger", "event", …}`."""

    def format(self, record: logging.LogRecord) -> str:
        """Give one line."""
        return _ENCODER.encode(_content(record))


class TextLines(logging.Formatter):
    """Write the time of day, the level, the event, and what belongs to it as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """Give one line, and below it where an exception came from."""
        content = _content(record)
        stack = content.pop("stack", ())
        time, level, _, event = (content.pop(name) for name in ("time", "level", "logger", "event"))
        fields = [f"{name}={value}" for name, value in content.items()]
        first = " ".join([time[11:23], f"{level:7}", event, *fields])
        return "\n".join([first, *(f"    {line}" for line in stack)])


def _content(record: logging.LogRecord) -> dict[str, Any]:
    """Give what a line says.

    Of an exception that is its type and where it came from, never its words, and of a library's message the first
    line: more may quote what a patient answered.
    """
    content: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": record.getMessage().partition("\n")[0],
        **getattr(record, "fields", {}),
    }
    if record.exc_info and record.exc_info[1] is not None:
        content["error"] = _name(record.exc_info[1])
        content["stack"] = list(_stack(record.exc_info[1]))
    return content


def _stack(error: BaseException) -> Iterator[str]:
    """Give the places that an exception passed, and before them those of what led to it."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _stack(before)
        yield f"{_name(before)} led to {_name(error)}"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"{frame.filename}:{frame.lineno} {frame.name}"


def _name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"
