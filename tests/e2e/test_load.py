"""A real server under load: nothing lost, nothing doubled, also when it is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from app.db import migrations
from app.db.codes import OrganisationMode, Role
from app.db.embedded import EmbeddedServer
from app.db.ids import uuid7
from app.db.session import Access, Database, Scope
from app.services.episodes import open_episode
from app.services.organisations import (
    add_device,
    add_service,
    add_user,
    found_organisation,
    founding_scope,
    issue_credential,
)
from app.services.patients import register_patient
from app.services.sessions import record_session
from tests.factories import START, administration, phq_9
from tests.programs import enterable_folder, free_port, serving

CONNECTIONS = 8
EPISODES = 12

KILLS = int(os.environ.get("KILLS", "3"))
"""How often the server is killed; `make evidence` asks for more."""


@dataclass(frozen=True)
class Place:
    """A data directory with an organisation whose tablet may put answers for some episodes."""

    data_dir: Path
    tablet: str
    episode_ids: list[UUID]

    def a_put(self, index: int) -> tuple[UUID, dict[str, Any]]:
        """Give an id and a body; the episodes in turn, each answer some minutes after the one before it."""
        episode_id = self.episode_ids[index % len(self.episode_ids)]
        total, week = 20 - index % 13, 1 + index / 1000
        return uuid4(), administration({"id": str(episode_id)}, phq_9(total), week=week)

    def kept(self) -> list[dict[str, Any]]:
        """Give what is in the record, from a server of our own: all versions, with how often each was scored."""
        counted = """
            select a.id, a.version, a.received_at,
                   (select count(*) from scores s where s.administration_id = a.id) as scores,
                   (select count(*) from progress p where p.administration_id = a.id and p.issue = 1) as verdicts
              from administrations a"""
        with (
            EmbeddedServer(self.data_dir) as server,
            psycopg.connect(server.conninfo("spor", "spor_owner"), row_factory=psycopg.rows.dict_row) as connection,
        ):
            return connection.execute(counted).fetchall()


@pytest.fixture
def place() -> Iterator[Place]:
    with enterable_folder() as folder:
        data_dir = folder / "spor"
        with EmbeddedServer(data_dir) as server:
            migrations.upgrade(server.url("spor", "spor_owner"))
            database = Database(server.url("spor", "spor_app"))
            tablet, episode_ids = settle(database)
            database.close()
        yield Place(data_dir, tablet, episode_ids)


def settle(database: Database) -> tuple[str, list[UUID]]:
    organisation_id = found_organisation(database, "Load", mode=OrganisationMode.DECISION_SUPPORT)
    with database.work(founding_scope(organisation_id), Access("test", uuid7())) as work:
        service = add_service(work, "Service")
        therapist = add_user(work, service, Role.THERAPIST, "Therapist")
        tablet = issue_credential(work, add_device(work, service, "Tablet"))
    scope = Scope(organisation_id, therapist.id, Role.THERAPIST, service.id)
    with database.work(scope, Access("test", uuid7()), now=START) as work:
        return tablet, [open_with_session(work, number) for number in range(EPISODES)]


def open_with_session(work: Any, number: int) -> UUID:
    birth_month = START.date().replace(year=1980, day=1)
    patient = register_patient(
        work, {"reference": f"P-{number}", "birth_month": birth_month, "sex": None, "language": "nb"}
    )
    opened = {"patient_id": patient.id, "opened_at": START - timedelta(days=7), "problem_areas": []}
    episode = open_episode(work, opened)
    session = {"starts_at": START + timedelta(days=1), "contact_type": "individual", "mode": "in_person"}
    record_session(work, session, [{"episode_id": episode.id, "outcome": "attended"}])
    return episode.id


def put(client: httpx.Client, administration_id: UUID, body: dict[str, Any]) -> httpx.Response:
    return client.put(f"/v1/administrations/{administration_id}", json=body)


def client_of(address: str, place: Place) -> httpx.Client:
    return httpx.Client(base_url=address, headers={"Authorization": f"Bearer {place.tablet}"}, timeout=30)


def test_every_answer_sent_three_times_by_eight_connections_is_stored_once(place: Place) -> None:
    puts = dict(place.a_put(index) for index in range(500))
    sent = list(puts) * 3
    random.Random(2).shuffle(sent)
    port = free_port()
    with (
        serving("serve", "--data-dir", place.data_dir, "--port", port),
        ExitStack() as opened,
        ThreadPoolExecutor(CONNECTIONS) as pool,
    ):
        address = f"http://127.0.0.1:{port}"
        clients = [opened.enter_context(client_of(address, place)) for _ in range(CONNECTIONS)]
        shares = [sent[start::CONNECTIONS] for start in range(CONNECTIONS)]
        answered = pool.map(
            lambda client, share: [(each, put(client, each, puts[each])) for each in share], clients, shares
        )
        answers = [answer for share in answered for answer in share]
    statuses = [response.status_code for _, response in answers]
    assert (statuses.count(201), statuses.count(200)) == (500, 1000)
    receipts: dict[UUID, set[str]] = {}
    for administration_id, response in answers:
        receipts.setdefault(administration_id, set()).add(response.text)
    assert {len(texts) for texts in receipts.values()} == {1}, "all receipts of an administration are alike"
    kept = place.kept()
    assert sorted(row["id"] for row in kept) == sorted(puts)
    assert {(row["version"], row["scores"], row["verdicts"]) for row in kept} == {(1, 1, 1)}


class Load:
    """Tablets that put new answers until the server no longer answers, and note what was acknowledged."""

    def __init__(self, place: Place, address: str, first: int) -> None:
        self.place, self.address = place, address
        self.numbers = iter(range(first, first + 1_000_000))
        self.lock = threading.Lock()
        self.sent: dict[UUID, dict[str, Any]] = {}
        self.acknowledged: dict[UUID, str] = {}

    def run(self) -> None:
        with client_of(self.address, self.place) as client:
            while True:
                with self.lock:
                    administration_id, body = self.place.a_put(next(self.numbers))
                    self.sent[administration_id] = body
                try:
                    response = put(client, administration_id, body)
                except httpx.TransportError:
                    return
                if response.status_code == 201:
                    with self.lock:
                        self.acknowledged[administration_id] = response.text


def kill_under_load(place: Place, first: int, *, database_too: bool) -> Load:
    """Kill the program, and its database if asked, while eight tablets put answers."""
    port = free_port()
    with serving("serve", "--data-dir", place.data_dir, "--port", port) as (program, _):
        load = Load(place, f"http://127.0.0.1:{port}", first)
        tablets = [threading.Thread(target=load.run) for _ in range(CONNECTIONS)]
        for tablet in tablets:
            tablet.start()
        time.sleep(random.Random(first).uniform(0.3, 0.9))
        if database_too:
            postmaster = int((place.data_dir / "data" / "postmaster.pid").read_text().splitlines()[0])
            os.kill(postmaster, signal.SIGKILL)
        kill(program)
        for tablet in tablets:
            tablet.join(timeout=60)
    return load


def kill(program: subprocess.Popen[str]) -> None:
    program.send_signal(signal.SIGKILL)
    program.wait()


def test_what_was_acknowledged_survives_kill_9(place: Place) -> None:
    acknowledged: dict[UUID, str] = {}
    sent: dict[UUID, dict[str, Any]] = {}
    for turn in range(KILLS):
        load = kill_under_load(place, first=turn * 1_000, database_too=turn % 2 == 1)
        assert load.acknowledged, "the load was under way when the server was killed"
        acknowledged |= load.acknowledged
        sent |= load.sent
    kept = {row["id"]: row for row in place.kept()}
    assert acknowledged.keys() <= kept.keys(), "every acknowledged administration is there"
    assert kept.keys() <= sent.keys()
    assert {(row["version"], row["scores"], row["verdicts"]) for row in kept.values()} == {(1, 1, 1)}
    # The tablets, which can't know what was stored, send everything again: nothing doubles, and receipts are as first.
    port = free_port()
    with (
        serving("serve", "--data-dir", place.data_dir, "--port", port),
        client_of(f"http://127.0.0.1:{port}", place) as client,
    ):
        again = {administration_id: put(client, administration_id, body) for administration_id, body in sent.items()}
    assert {each: 200 if each in kept else 201 for each in sent} == {
        each: response.status_code for each, response in again.items()
    }
    assert acknowledged == {each: again[each].text for each in acknowledged}
    assert sorted(row["id"] for row in place.kept()) == sorted(sent)
