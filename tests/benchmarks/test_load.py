"""What wrk's scripts write is read, and a run that is not whole is no run."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks import load
from benchmarks.load import LoadFailed, Run, ensure_wrk, read_result

WHOLE = {
    "requests": 1500,
    "microseconds": 2_000_000,
    "median": 1250,
    "p99": 9000,
    "refused": 0,
    "connect": 0,
    "read": 0,
    "write": 0,
    "timeout": 0,
    "taken": 1508,
}


def output(**changes: int) -> str:
    return f"Running 2s test @ http://127.0.0.1:1/\n\nRESULT {json.dumps(WHOLE | changes)}\n"


def test_a_result_is_read_in_seconds_and_milliseconds() -> None:
    run = read_result(output(), "a put")
    assert run == Run(requests=1500, seconds=2.0, median_ms=1.25, p99_ms=9.0, taken=1508)
    assert run.per_second == 750


@pytest.mark.parametrize("fault", ["refused", "connect", "read", "write", "timeout"])
def test_one_request_that_went_wrong_fails_the_run(fault: str) -> None:
    with pytest.raises(LoadFailed, match=f"a put.*{fault}"):
        read_result(output(**{fault: 1}), "a put")


def test_a_run_without_answers_or_result_fails() -> None:
    with pytest.raises(LoadFailed, match="0 answers"):
        read_result(output(requests=0), "a put")
    with pytest.raises(LoadFailed, match="unable to connect"):
        read_result("unable to connect to 127.0.0.1:1 Connection refused", "a put")


def test_each_address_is_a_thread_of_wrk_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def run(command: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
        asked.update(more, command=command)
        return subprocess.CompletedProcess(command, 0, stdout=output(), stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    addresses = ["http://127.0.0.1:1", "http://127.0.0.1:2"]
    load.put_under_load("http://127.0.0.1:1/x", "put", [7], connections=8, seconds=3, addresses=addresses)
    assert " ".join(asked["command"]).startswith("wrk -t 2 -c 8 -d 3s ")
    assert asked["command"][-3:] == ["http://127.0.0.1:1/x", "--", "7"]
    assert asked["env"]["WRK_ADDRESSES"] == "127.0.0.1:1 127.0.0.1:2"


def test_who_can_t_install_wrk_is_told_how(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("wrk") is None
    with pytest.raises(SystemExit, match="apt-get install wrk"):
        ensure_wrk()
