"""A database of any size with the whole interface in front of it, and the plans by which it answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg
from fastapi.testclient import TestClient

from app.api.guesses import Guesses
from app.api.limits import Limit
from app.config import Settings
from app.db import migrations
from app.db.embedded import EmbeddedServer
from app.db.provision import APP_ROLE, OWNER_ROLE
from app.db.session import Database
from app.main import create_app
from tests import bulk
from tests.every_route import Asking, every_route
from tests.factories import Clinic
from tests.plans import Allowance, Log, Plan, faults, written_down

TIMES: Final = 12
"""The driver prepares a statement after five executions, and the server may make it generic after five more."""


@dataclass(frozen=True)
class Crowd:
    """A big database, and how to ask it."""

    server: EmbeddedServer
    owner: str
    clinic: Clinic
    allowance: Allowance
    requests: Mapping[str, Asking]

    def plans(self, request: str, times: range) -> list[Plan]:
        """Ask for the same some times, of other rows each time; give the plans by which it was answered."""
        log = Log(self.server)
        for number in times:
            answer = self.requests[request].ask(number)
            assert answer.is_success, answer.text
        return log.plans()

    def faults(self, request: str, times: range) -> set[str]:
        """Name what was wrong with those plans."""
        episodes = self.requests[request].episodes
        return {fault for plan in self.plans(request, times) for fault in faults(plan, self.allowance, episodes)}

    def all_faults(self) -> Mapping[str, set[str]]:
        """Ask for everything a dozen times; name what was wrong, by request."""
        found = {request: self.faults(request, range(TIMES)) for request in self.requests}
        return {request: each for request, each in found.items() if each}


@contextmanager
def crowd(server: EmbeddedServer, name: str, administrations: int) -> Iterator[Crowd]:
    """Fill an empty database with two organisations that share so many administrations."""
    owner = server.conninfo(name, OWNER_ROLE)
    migrations.upgrade(server.url(name, OWNER_ROLE))
    database = Database(server.url(name, APP_ROLE))
    app = create_app(Settings(), database)
    app.state.guesses = Guesses(Limit(1_000_000))  # its one tablet opens as many codes as there are
    with written_down(server, name), TestClient(app) as client:
        _, clinic = (bulk.fill(server, name, database, client, administrations // 2) for _ in range(2))
        bulk.settle(server, name)
        database.close()  # what was planned for an empty database does not count
        with psycopg.connect(owner) as connection:
            allowance, requests = Allowance.of(connection), every_route(connection, clinic)
        yield Crowd(server, owner, clinic, allowance, requests)
    database.close()
