"""How the service stops: what is running may finish, nothing new is taken, and a second signal ends it at once."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from app.db import migrations
from app.db.embedded import EmbeddedServer
from app.db.provision import provision
from app.db.session import Database
from tests.e2e.clinic import furnish
from tests.factories import START, administration, phq_9
from tests.programs import free_port, serving

WAITING = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


@dataclass
class Service:
    """A service process on a database in which an episode can be locked."""

    program: subprocess.Popen[str]
    address: str
    owner: str
    tablet: str
    episode_id: UUID

    def put(self) -> httpx.Response:
        body = administration({"id": str(self.episode_id)}, phq_9(9), completed_at=START.isoformat())
        headers = {"Authorization": f"Bearer {self.tablet}"}
        return httpx.put(f"{self.address}/v1/administrations/{uuid4()}", json=body, headers=headers, timeout=60)

    def status(self, path: str) -> int | None:
        """Ask on a new connection; None if it is refused, or was not yet taken when the listener closed."""
        try:
            return httpx.get(self.address + path, timeout=10).status_code
        except (httpx.ConnectError, httpx.ReadError):
            return None

    @contextmanager
    def put_that_waits(self) -> Iterator[tuple[psycopg.Connection, Future[httpx.Response]]]:
        """Have a put wait for the episode's row; committing on the connection lets it go on."""
        with (
            psycopg.connect(self.owner) as holder,
            psycopg.connect(self.owner, autocommit=True) as looking,
            ThreadPoolExecutor(1) as pool,
        ):
            holder.execute("select from episodes for update")
            answer = pool.submit(self.put)
            until(lambda: looking.execute(WAITING).fetchone() == (1,))
            yield holder, answer
            holder.rollback()


def until(happens: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def start(server: EmbeddedServer) -> Callable[..., Any]:
    name = f"shutdown_{uuid4().hex}"
    provision(server.conninfo("postgres", "postgres"), name)
    migrations.upgrade(server.url(name, "spor_owner"))
    url = server.url(name, "spor_app")
    with closing(Database(url)) as database:
        tablet, [episode_id] = furnish(database, 1)

    @contextmanager
    def started(**settings: str) -> Iterator[Service]:
        port = free_port()
        with serving("serve", "--port", port, DATABASE_URL=url, **settings) as (program, _):
            owner = server.conninfo(name, "postgres")
            yield Service(program, f"http://127.0.0.1:{port}", owner, tablet, episode_id)

    return started


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_running_request_is_finished_and_no_other_is_taken(sign: signal.Signals, start: Callable[..., Any]) -> None:
    with start() as service, service.put_that_waits() as (holder, answer):
        service.program.send_signal(sign)
        until(lambda: service.status("/health/live") is None)
        assert service.program.poll() is None
        assert not answer.done()
        holder.commit()
        assert answer.result(30).status_code == 201
        assert service.program.wait(30) == 0


def test_a_second_signal_ends_it_at_once(start: Callable[..., Any]) -> None:
    with start(SPOR_SHUTDOWN_SECONDS="600") as service, service.put_that_waits() as (_, answer):
        service.program.terminate()
        until(lambda: service.status("/health/live") is None)
        service.program.terminate()
        assert service.program.wait(10) == 1
        with pytest.raises(httpx.HTTPError):
            answer.result(10)


def test_a_request_that_takes_too_long_is_cut_short(start: Callable[..., Any]) -> None:
    with start(SPOR_SHUTDOWN_SECONDS="1") as service, service.put_that_waits() as (_, answer):
        service.program.terminate()
        assert service.program.wait(20) == 1
        with pytest.raises(httpx.HTTPError):
            answer.result(10)


def test_it_says_that_it_is_not_ready_before_it_stops(start: Callable[..., Any]) -> None:
    with start(SPOR_DRAIN_SECONDS="3") as service:
        assert service.status("/health/ready") == 200
        service.program.terminate()
        until(lambda: service.status("/health/ready") == 503)
        assert httpx.get(f"{service.address}/health/ready").json()["checks"] == [
            {"check": "service", "passed": False, "trouble": "the service is stopping"}
        ]
        assert service.put().status_code == 201
        assert service.program.wait(20) == 0
        assert service.status("/health/ready") is None
