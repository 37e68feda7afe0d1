"""What a program that was killed leaves behind: its PostgreSQL lives on, or has left its process file.

A server is known by its working directory, not by the number in the process file: the system may since have
given that number to another program, which must neither be stopped nor stand in the way.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from app.errors import ServerMisconfigured

_STEPS: Final = (
    (signal.SIGINT, 60.0),  # fast: roll back what is open, write everything down
    (signal.SIGQUIT, 10.0),  # immediate: recover at the next start
    (signal.SIGKILL, 10.0),
)
"""The signals that end a server, and the seconds that each is given."""


def end_leftovers(data: Path) -> None:
    """End the servers at work in a data directory, and remove the process file that may outlive even them.

    Only for the holder of the directory's lock: then no living program uses these servers.
    """
    process_file = data / "postmaster.pid"
    for sign, seconds in _STEPS:
        living = _server_processes(data)
        postmaster = _first_number(process_file)
        if postmaster in living:
            _signal_and_await({postmaster}, sign, data, seconds)  # it ends its own children, in order
        elif living and sign is not signal.SIGINT:  # which means something else to a child without its parent
            _signal_and_await(living, sign, data, seconds)
    if _server_processes(data):
        raise ServerMisconfigured(f"A PostgreSQL left over in {data} does not stop: restart the machine.")
    # PostgreSQL would take any living process with this number, or a file cut short, for a running server.
    process_file.unlink(missing_ok=True)


def _signal_and_await(processes: set[int], sign: signal.Signals, data: Path, seconds: float) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, sign)
    deadline = time.monotonic() + seconds
    while _server_processes(data) and time.monotonic() < deadline:
        time.sleep(0.03)


def _first_number(file: Path) -> int | None:
    try:
        return int(file.read_text().partition("\n")[0])
    except (FileNotFoundError, ValueError):
        return None


def _server_processes(data: Path) -> set[int]:
    """Return the PostgreSQL processes at work in a data directory: each of them has it as working directory."""
    if Path("/proc/self/cwd").exists():
        return {int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _works_in(entry, data)}
    command = ["lsof", "-t", "-a", "-c", "postgres", "-d", "cwd", "--", str(data)]
    found = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own words
    return {int(process) for process in found.stdout.split()}


def _works_in(process: Path, data: Path) -> bool:
    try:
        return (process / "comm").read_text() == "postgres\n" and (process / "cwd").readlink() == data
    except OSError:  # it has ended meanwhile, or is another user's
        return False
