"""`spor run`: what it prints can be pasted, and a second start keeps data and tokens."""

from __future__ import annotations

import json
import re
import shlex
import stat
import subprocess
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.db import migrations
from app.db.embedded import EmbeddedServer
from app.db.session import Database
from app.services.demonstration.filling import Demonstration, fill
from app.services.demonstration.practice import TIME_ZONE
from tests.programs import enterable_folder, free_port, serving, spor


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """A data directory whose demonstration is complete, though small, so that a start need not fill it."""
    with enterable_folder() as folder:
        with EmbeddedServer(folder / "spor", durable=False) as server:
            migrations.upgrade(server.url("spor", "spor_owner"))
            database = Database(server.url("spor", "spor_app"))
            fill(database, Demonstration(datetime.now(TIME_ZONE).date(), episodes=20))
            database.close()
        yield folder / "spor"


def welcome(program: subprocess.Popen[str], first: str) -> str:
    """Read what is printed up to the end of the third request."""
    assert program.stdout is not None
    lines = [first]
    while sum(line.startswith("curl") for line in lines) < 3 or lines[-1].endswith("\\\n"):
        lines.append(program.stdout.readline())
    return "".join(lines)


def requests_in(printed: str) -> list[list[str]]:
    joined = printed.replace("\\\n", " ")
    return [shlex.split(line) for line in joined.splitlines() if line.startswith("curl")]


def tokens_in(printed: str) -> list[str]:
    return re.findall(r"^  [a-z ]+  (spor_\S+)$", printed, re.MULTILINE)


def send(request: list[str]) -> httpx.Response:
    """Do what curl would do with these words."""
    method, headers, body = "GET", {}, None
    [url] = [word for word in request if word.startswith("http")]
    for option, value in pairwise(request):
        match option:
            case "-X":
                method = value
            case "-H":
                name, _, text = value.partition(": ")
                headers[name] = text
            case "-d":
                body = value
    return httpx.request(method, url, headers=headers, content=body)


def test_the_three_printed_requests_answer(data_dir: Path) -> None:
    with serving("run", "--port", free_port(), "--data-dir", data_dir) as (program, said):
        assert said.startswith("Spor answers at http://127.0.0.1:")
        requests = requests_in(welcome(program, said))
        put, trajectory, programmes = (send(request) for request in requests)
        again = send(requests[0])
    assert len(requests) == 3
    assert (put.status_code, put.json()["state"]) == (201, "final"), trajectory.text
    assert (again.status_code, again.json()) == (200, put.json())
    assert put.json().keys() == {"id", "state", "received_at"}
    observations: list[dict[str, Any]] = trajectory.json()["observations"]
    assert put.json()["id"] == observations[-1]["administration_id"]
    assert trajectory.json()["verdict"]["signal"] in {"red", "yellow", "green", "grey"}
    assert any(programme["name"] == "Trinnvis sammen" for programme in programmes.json())


def test_a_second_start_keeps_the_tokens(data_dir: Path) -> None:
    kept = data_dir / "demonstration.json"
    assert spor("demo", "--data-dir", data_dir).returncode == 0
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    for _ in range(2):
        with serving("run", "--port", free_port(), "--data-dir", data_dir) as (program, said):
            assert tokens_in(welcome(program, said)) == list(json.loads(kept.read_text()).values())
            program.terminate()
            assert program.wait(30) == 0
