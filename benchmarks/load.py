"""Loads the server with wrk, and reads what came of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).parent / "wrk"
_TIMEOUT_SECONDS = 60
_MARK = "RESULT "


class LoadFailed(SystemExit):
    """A run that tells nothing, since not every answer was what was asked for: the bench ends with its sentence."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run of wrk.

    The latencies are those that wrk prints: where an answer took more than twice the mean, wrk adds those that would
    have been asked for meanwhile (coordinated omission).
    """

    requests: int
    seconds: float
    median_ms: float
    p99_ms: float
    taken: int

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds


def read_result(output: str, what: str) -> Run:
    """Read what the script's `done` wrote of a run; `what` names it where it failed.

    Raises
    ------
    LoadFailed
        If there is no result, or any request failed or was refused.
    """
    line = next((line for line in output.splitlines() if line.startswith(_MARK)), None)
    if line is None:
        raise LoadFailed(f"bench: wrk gave no result for {what}: {output.strip()[-500:]}")
    result = json.loads(line.removeprefix(_MARK))
    wrong = {name: result[name] for name in ("refused", "connect", "read", "write", "timeout") if result[name]}
    if wrong or not result["requests"]:
        raise LoadFailed(f"bench: {result['requests']} answers to {what}; went wrong: {wrong or 'nothing'}")
    return Run(
        requests=result["requests"],
        seconds=result["microseconds"] / 1e6,
        median_ms=result["median"] / 1e3,
        p99_ms=result["p99"] / 1e3,
        taken=result["taken"],
    )


def put_under_load(
    url: str,
    script: str,
    arguments: Sequence[object],
    *,
    connections: int,
    seconds: int,
    addresses: Sequence[str],
) -> Run:
    """Run wrk with one of the scripts, which is told the `arguments`.

    Each of the addresses gets a thread of wrk's own and the same share of the connections, as if balanced evenly.
    """
    threads = len(addresses)
    command = ["wrk", "-t", threads, "-c", connections, "-d", f"{seconds}s", "--timeout", f"{_TIMEOUT_SECONDS}s"]
    ran = subprocess.run(
        [*map(str, command), "-s", f"{script}.lua", url, "--", *map(str, arguments)],
        cwd=SCRIPTS,
        env={**os.environ, "WRK_ADDRESSES": " ".join(each.removeprefix("http://") for each in addresses)},
        capture_output=True,
        text=True,
        check=False,
    )
    return read_result(ran.stdout + ran.stderr, url)


def ensure_wrk() -> None:
    """Install wrk where that can be done, else say how.

    Raises
    ------
    SystemExit
        If it is not there and can't be installed.
    """
    if shutil.which("wrk"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        for arguments in (["update", "--quiet"], ["install", "--yes", "--quiet", "wrk"]):
            subprocess.run(["apt-get", *arguments], check=False, stdout=subprocess.DEVNULL)
    if not shutil.which("wrk"):
        raise SystemExit("bench: wrk is not installed; as root: apt-get install wrk")
