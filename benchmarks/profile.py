"""Where the time of a request goes: `python -m benchmarks.profile put` (or batch, trajectory, caseload).

The application runs in this process and in one thread, without HTTP server and thread hop, so that the profiler sees
all of the rest: routing, validation, the service, the core, the driver.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import logging
import pstats
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from starlette.types import ASGIApp

from app.config import Settings
from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.provision import DATABASE
from app.main import create_app
from benchmarks.clinic import STARTING_SCORES, Clinic, furnish
from benchmarks.server import database_of, private_folder

_SHOWN = 40
_BATCH = 500


def main(arguments: Sequence[str] | None = None) -> None:
    """Make requests under the profiler, and print what took longest."""
    requests = {"put": 2000, "batch": 10, "trajectory": 500, "caseload": 100}
    parser = argparse.ArgumentParser(prog="benchmarks.profile", description=__doc__)
    parser.add_argument("work", choices=requests)
    parser.add_argument("--sort", choices=("tottime", "cumtime"), default="tottime")
    given = parser.parse_args(arguments)
    number = requests[given.work]
    warming_up = number // 10
    logging.disable(logging.INFO)
    with private_folder() as folder, EmbeddedServer(folder / "spor") as server, database_of(server) as database:
        started = (warming_up + number) * (_BATCH if given.work == "batch" else 1)
        clinic = furnish(database, server.conninfo(DATABASE, SUPERUSER), started=started, fresh=0, charted=0)
        app = create_app(Settings(requests_per_minute=0), database)
        _make(app, _requests(given.work, clinic, warming_up))
        profiler = cProfile.Profile()
        profiler.runcall(_make, app, _requests(given.work, clinic, number, skipping=warming_up))
    pstats.Stats(profiler).sort_stats(given.sort).print_stats(_SHOWN)


Request = tuple[str, str, str, bytes]
"""Method, path, token, body."""


def _requests(work: str, clinic: Clinic, number: int, *, skipping: int = 0) -> list[Request]:
    """Give so many requests; the scores of each go to episodes that have had none of them."""
    episodes = iter(clinic.started[skipping * (_BATCH if work == "batch" else 1) :])
    makers: dict[str, Callable[[], Request]] = {
        "put": lambda: (
            "PUT",
            f"/v1/administrations/{uuid4()}",
            clinic.tablet,
            _json(_administration(clinic, episodes)),
        ),
        "batch": lambda: ("PUT", "/v1/administrations", clinic.tablet, _json(_batch(clinic, episodes))),
        "trajectory": lambda: ("GET", f"/v1/episodes/{clinic.caseload[0]}/trajectory", clinic.therapist, b""),
        "caseload": lambda: ("GET", "/v1/caseload", clinic.therapist, b""),
    }
    return [makers[work]() for _ in range(number)]


def _administration(clinic: Clinic, episodes: Iterator[object]) -> dict[str, Any]:
    return {
        "episode_id": str(next(episodes)),
        "instrument": "phq-9",
        "completed_at": (clinic.week_0 + timedelta(weeks=STARTING_SCORES)).isoformat(),
        "answers": {"1": 2, "2": 1, "3": 2, "4": 2, "5": 1, "6": 2, "7": 1, "8": 1, "9": 0},
    }


def _batch(clinic: Clinic, episodes: Iterator[object]) -> dict[str, Any]:
    return {"administrations": [{"id": str(uuid4()), **_administration(clinic, episodes)} for _ in range(_BATCH)]}


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


def _make(app: ASGIApp, requests: Sequence[Request]) -> None:
    """Make the requests one after the other; what would go into a thread is done in place."""

    async def in_place(function: Callable[..., Any], *arguments: Any, **_: Any) -> Any:
        return function(*arguments)

    async def make_all() -> None:
        for request in requests:
            await _answer(app, *request)

    with patch("anyio.to_thread.run_sync", in_place):
        asyncio.run(make_all())


async def _answer(app: ASGIApp, method: str, path: str, token: str, body: bytes) -> None:
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [
            (b"host", b"localhost"),
            (b"authorization", f"Bearer {token}".encode()),
            (b"content-type", b"application/json"),
        ],
    }
    status: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    await app(scope, receive, send)
    assert status[0] in {200, 201}, f"{method} {path} answered {status}"


if __name__ == "__main__":
    main()
