"""The `spor` program as a process of its own, as an operator runs it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]

_OURS = ("DATABASE_URL", "OWNER_DATABASE_URL", "ADMIN_DATABASE_URL", "SPOR_")


def settings_in_environment() -> list[str]:
    """Name the settings of the program that somebody has made where the tests run."""
    return [name for name in os.environ if name.startswith(_OURS)]


AUDIT_KEY = "tests-seal-their-audit-with-this-key"
"""What a service on an operator's database needs; the embedded one makes its own."""


def environment(**more: str) -> dict[str, str]:
    """Give our environment without them, and without a limit on how often tests may ask."""
    if "DATABASE_URL" in more:
        more = {"SPOR_AUDIT_KEY": AUDIT_KEY, **more}
    unwanted = settings_in_environment()
    return {
        **{name: value for name, value in os.environ.items() if name not in unwanted},
        "NO_COLOR": "1",
        "COLUMNS": "200",
        "SPOR_REQUESTS_PER_MINUTE": "0",
        **more,
    }


def spor(*arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *map(str, arguments)],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextmanager
def enterable_folder() -> Iterator[Path]:
    """Give a folder that the database's account may enter; pytest's own is closed to it when we are root."""
    folder = Path(tempfile.mkdtemp(prefix="spor-test-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def serving(*arguments: object, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a command that serves; give the process and the first line that it wrote, and kill it in the end."""
    with tempfile.TemporaryFile("w+") as log, serving_with(log, *arguments, **settings) as started:
        yield started


@contextmanager
def serving_with(log: IO[str], /, *arguments: object, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Do the same with a file for the log."""
    with subprocess.Popen(
        [sys.executable, "-m", "app.cli", *map(str, arguments)],
        cwd=ROOT,
        env=environment(**settings),
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    ) as program:
        try:
            assert program.stdout is not None
            said = next((line for line in program.stdout if line.strip()), "")
            if not said:
                log.seek(0)
                raise AssertionError(f"it did not start: {log.read()}")
            yield program, said.strip()
        finally:
            program.kill()
