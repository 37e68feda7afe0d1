"""The machine, as far as it decides the figures."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

_PAGE = bytes(8192)
_SYNCS = 500


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and when it was measured, and what was measured."""

    measured_at: str
    revision: str
    cores: int
    processor: str
    memory_gb: float
    python: str
    postgresql: str
    sync_microseconds: float
    """Median time until a page of 8 kB is on the disk."""


def describe(folder: Path, connection: psycopg.Connection) -> Machine:
    """Describe the machine; the disk is that of the folder."""
    return Machine(
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        revision=_revision(),
        cores=len(os.sched_getaffinity(0)),
        processor=_processor(),
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        python=platform.python_version(),
        postgresql=connection.info.parameter_status("server_version") or "unknown",
        sync_microseconds=_time_of_sync(folder),
    )


def _revision() -> str:
    """Give the revision, marked where the files differ from it."""
    ran = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"], capture_output=True, text=True, check=False
    )
    return ran.stdout.strip() or "unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _time_of_sync(folder: Path) -> float:
    """Write a page and wait until it is on the disk, as a commit does; the file has its length already."""
    path = folder / "sync"
    with path.open("w+b", buffering=0) as file:
        file.write(_PAGE)
        os.fsync(file)
        times = []
        for _ in range(_SYNCS):
            began = time.perf_counter()
            os.pwrite(file.fileno(), _PAGE, 0)
            os.fdatasync(file)
            times.append(time.perf_counter() - began)
    return round(statistics.median(times) * 1e6, 1)
