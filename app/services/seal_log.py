"""The log of seals outside the database: a file of JSON Lines, or the process's own log.

Whoever can change the database, and even its last seals, does not reach what was written here before.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from app.db.seals import Seal

logger = logging.getLogger("spor.audit")

_EVENT: Final = "audit sealed"


@dataclass(frozen=True, slots=True)
class SealLog:
    """Where seals are written down: a file, or without one the log of the process."""

    file: Path | None

    def append(self, seal: Seal) -> None:
        """Write down a seal; in a file it is on the disk when this returns.

        One write at the end of the file, so that several processes don't mix their lines.
        """
        if self.file is None:
            logger.info("audit sealed", extra={"fields": _plain(seal)})
            return
        line = json.dumps({"event": _EVENT, **_plain(seal)}) + "\n"
        descriptor = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Logged:
    """What a line of the log says of one seal."""

    organisation_id: UUID
    epoch: int
    number: int
    seal: bytes


def logged_seals(lines: Iterable[str]) -> Iterator[Logged]:
    """Read the seals from a log; what else a process has logged is passed over."""
    for line in lines:
        if _EVENT not in line:
            continue
        try:
            said = json.loads(line)
            yield Logged(
                UUID(said["organisation_id"]), int(said["epoch"]), int(said["number"]), bytes.fromhex(said["seal"])
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # a line that was cut short when the machine stopped


def _plain(seal: Seal) -> dict[str, Any]:
    return {
        name: value.hex() if isinstance(value, bytes) else value if isinstance(value, int) else str(value)
        for name, value in asdict(seal).items()
        if value is not None
    }
