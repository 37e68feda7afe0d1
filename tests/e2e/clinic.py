"""A data directory with an organisation in it, for a server program that the tests start and kill."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg

from app.db import migrations
from app.db.codes import Language, OrganisationMode, Role
from app.db.embedded import EmbeddedServer
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
from tests.openings import open_quietly
from tests.programs import enterable_folder

SESSIONS = 4


@dataclass(frozen=True)
class Clinic:
    """Where the data are, who may put, and for which episodes."""

    data_dir: Path
    tablet: str
    episode_ids: list[UUID]

    def body(self, rng: random.Random) -> dict[str, Any]:
        """Make the body of a put that nobody has made before; now and then with a critical answer."""
        answers = phq_9(rng.randint(1, 24), item_9=int(rng.random() < 0.1))
        completed_at = START + timedelta(seconds=rng.randrange(90 * 86_400))
        return administration({"id": str(rng.choice(self.episode_ids))}, answers, completed_at=completed_at.isoformat())

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """Look into the database, while no program uses it."""
        with (
            EmbeddedServer(self.data_dir) as server,
            psycopg.connect(server.conninfo("spor", "spor_owner")) as connection,
        ):
            yield connection


@contextmanager
def clinic(episodes: int) -> Iterator[Clinic]:
    """Give a clinic on a durable database of its own, which is stopped."""
    with enterable_folder() as folder:
        with EmbeddedServer(folder / "spor") as server:
            migrations.upgrade(server.url("spor", "spor_owner"))
            database = Database(server.url("spor", "spor_app"))
            tablet, episode_ids = furnish(database, episodes)
            database.close()
        yield Clinic(folder / "spor", tablet, episode_ids)


def furnish(database: Database, episodes: int) -> tuple[str, list[UUID]]:
    organisation_id = found_organisation(database, "Crashing", mode=OrganisationMode.DECISION_SUPPORT)
    access = Access("test", uuid4())
    with database.work(founding_scope(organisation_id), access) as work:
        service = add_service(work, "Rask psykisk helsehjelp")
        therapist = add_user(work, service, Role.THERAPIST, "Therapist")
        device = add_device(work, service, "Waiting room")
        tablet = issue_credential(work, device)
    with database.work(Scope(organisation_id, therapist.id, Role.THERAPIST, service.id), access) as work:
        episode_ids = []
        for number in range(episodes):
            values = {"birth_month": date(1988, 4, 1), "sex": None, "language": Language.BOKMAL}
            patient = register_patient(work, {"reference": f"P-{number}", **values})
            opened_at = START - timedelta(days=7)
            given = {"patient_id": patient.id, "opened_at": opened_at, "problem_areas": [], "planned_interval_days": 7}
            episode_ids.append(open_episode(work, given).id)
            open_quietly(work, episode_ids[-1], device.id)
        for week in range(SESSIONS):
            session = {"starts_at": START + timedelta(weeks=week), "contact_type": "group", "mode": "in_person"}
            came = [{"episode_id": episode_id, "outcome": "attended"} for episode_id in episode_ids]
            record_session(work, session, came)
    return tablet, episode_ids
