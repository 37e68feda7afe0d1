"""A clinic to load: patients with weekly sessions and a course of scores, as many as a bench needs.

A few patients are made by the service's own functions; the others are copies of them, made in the database with new
ids, since fifty thousand made one by one would take longer than the bench. So many are needed for no series to get too
long, and they are more than any municipality has: therefore the rows of a patient lie together in tables and indexes,
else the bench would measure how the cache of the database is missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import numpy as np
import psycopg
from psycopg import sql

from app.db.assignments import open_on_device
from app.db.codes import Language, OrganisationMode, Role
from app.db.ids import uuid7
from app.db.session import Access, Database, Scope, Work
from app.services.administrations import BATCH_LIMIT, put_administrations
from app.services.admission import Submission
from app.services.assignments import add_assignment
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

WEEKS = 20
"""Weekly sessions of each episode, and the most scores that any is to have."""

STARTING_SCORES = 5
_TEMPLATES = 24
CASELOAD = 60
CHARTED = 900
"""Half as many again as there is room for their pictures in app/services/pictures.py."""

_WEEK_0 = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0) - timedelta(weeks=WEEKS + 4)


@dataclass(frozen=True, slots=True)
class Clinic:
    """Whose tokens there are, and which episodes."""

    tablet: str
    therapist: str
    """Whose caseload is read."""
    colleague: str
    """Who treats all the others."""
    week_0: datetime
    started: list[UUID]
    """Episodes with five scores."""
    fresh: list[UUID]
    """Episodes without a score."""
    caseload: list[UUID]
    """The therapist's sixty episodes; the first has twenty scores, the others three to twenty."""
    charted: list[UUID]
    """Episodes with twenty scores, no two alike."""


def furnish(database: Database, admin_conninfo: str, *, started: int, fresh: int, charted: int) -> Clinic:
    """Found an organisation in decision support, with a therapist's caseload and many patients more."""
    organisation_id = found_organisation(database, "Bench", mode=OrganisationMode.DECISION_SUPPORT)
    access = Access("bench", uuid7())
    with database.work(founding_scope(organisation_id), access) as work:
        service = add_service(work, "Rask psykisk helsehjelp")
        busy, shown = (add_user(work, service, Role.THERAPIST, name) for name in ("Busy", "Shown"))
        device = add_device(work, service, "Waiting room")
        tablet, therapist, colleague = (issue_credential(work, holder) for holder in (device, shown, busy))
    with database.work(Scope(organisation_id, busy.id, Role.THERAPIST, service.id), access) as work:
        templates = [_open(work, device.id) for _ in range(_TEMPLATES)]
    tablet_scope = Scope(organisation_id, device.id, Role.DEVICE, service.id)
    with psycopg.connect(admin_conninfo, autocommit=True) as admin:
        copies = _Copies(admin, templates)
        fresh_ids, caseload, charted_ids = (copies.make(number) for number in (fresh, CASELOAD, charted))
        _put_scores(database, tablet_scope, templates, [STARTING_SCORES] * len(templates))
        started_ids = copies.make(started)
        admin.execute("update treatment_relations set user_id = %s where episode_id = any(%s)", [shown.id, caseload])
        lengths = [WEEKS, *(3 + number % (WEEKS - 2) for number in range(1, CASELOAD))]
        _put_scores(database, tablet_scope, [*caseload, *charted_ids], [*lengths, *[WEEKS] * charted])
        admin.execute("vacuum analyze")
        admin.execute("checkpoint")
    return Clinic(tablet, therapist, colleague, _WEEK_0, started_ids, fresh_ids, caseload, charted_ids)


def _open(work: Work, device_id: UUID) -> UUID:
    """Register a patient with an episode and its weekly sessions, each an hour after the week's form.

    The tablet reaches the episode, since an assignment of it was opened there.
    """
    values = {"birth_month": date(1988, 4, 1), "sex": "female", "language": Language.BOKMAL}
    patient = register_patient(work, {"reference": f"P-{uuid4()}", **values})
    opened = {"patient_id": patient.id, "opened_at": _WEEK_0 - timedelta(days=7), "problem_areas": ["depression"]}
    episode = open_episode(work, {**opened, "planned_interval_days": 7, "planned_dose": 20})
    for week in range(WEEKS):
        starts_at = _WEEK_0 + timedelta(weeks=week, hours=2)
        held = {"starts_at": starts_at, "contact_type": "individual", "mode": "in_person", "minutes": 45}
        record_session(work, held, [{"episode_id": episode.id, "outcome": "attended"}])
    asked = {"instrument": "phq-9", "form": None, "informant_id": None, "opens_at": _WEEK_0}
    assignment = add_assignment(work, episode.id, asked)
    open_on_device(work, work.entry, assignment.id, episode.id, device_id)
    return episode.id


def _put_scores(database: Database, scope: Scope, episode_ids: Sequence[UUID], lengths: Sequence[int]) -> None:
    """Put a course of weekly scores to each episode, by way of the service and in batches."""
    rng = np.random.default_rng(7)
    submissions: list[Submission] = []
    for episode_id, length in zip(episode_ids, lengths, strict=True):
        fall, start = rng.normal(0.5, 0.4), rng.normal(15, 3)
        totals = [round(start - fall * week + rng.normal(0, 2)) for week in range(length)]
        submissions += [_submission(episode_id, week, min(max(total, 2), 24)) for week, total in enumerate(totals)]
    for first in range(0, len(submissions), BATCH_LIMIT):
        with database.work(scope, Access("bench", uuid7())) as work:
            batch = submissions[first : first + BATCH_LIMIT]
            outcomes = put_administrations(work, batch, clock_tolerance=timedelta(minutes=5))
        assert all(outcome.error is None for outcome in outcomes), "the bench puts what can be read"


def _submission(episode_id: UUID, week: int, total: int) -> Submission:
    """Make a PHQ-9 with a total of up to 24, spread over the first eight items."""
    answers = {str(item + 1): total // 8 + (item < total % 8) for item in range(8)} | {"9": 0}
    return Submission(
        id=uuid4(),
        episode_id=episode_id,
        instrument="phq-9",
        body={},
        answers=answers,
        completed_at=_WEEK_0 + timedelta(weeks=week),
    )


_OF_EPISODES = "episode_id = any(%(episodes)s)"
_OF_ADMINISTRATIONS = f"administration_id in (select id from administrations where {_OF_EPISODES})"
_COPIED = {
    "patients": "id in (select patient_id from episodes where id = any(%(episodes)s))",
    "informants": "patient_id in (select patient_id from episodes where id = any(%(episodes)s))",
    "episodes": "id = any(%(episodes)s)",
    "treatment_relations": _OF_EPISODES,
    "treatment_sessions": f"id in (select treatment_session_id from attendances where {_OF_EPISODES})",
    "attendances": _OF_EPISODES,
    "assignments": _OF_EPISODES,
    "assignment_openings": _OF_EPISODES,
    "series": _OF_EPISODES,
    "administrations": _OF_EPISODES,
    "scores": _OF_ADMINISTRATIONS,
    "progress": _OF_ADMINISTRATIONS,
    "risk_alerts": _OF_EPISODES,
}
_IDS = {
    "id",
    "patient_id",
    "informant_id",
    "episode_id",
    "series_id",
    "main_series_id",
    "treatment_session_id",
    "administration_id",
    "assignment_id",
}
"""Columns that name a row which is copied too; the others (author, therapist, service) stay."""


class _Copies:
    """Copies of the templates' rows, each under new ids that follow from the old ones and the number of the copy."""

    def __init__(self, admin: psycopg.Connection, templates: Sequence[UUID]) -> None:
        self._admin = admin
        self._templates = list(templates)
        self._generation = 0

    def make(self, wanted: int) -> list[UUID]:
        """Copy each template as often as it takes; give the ids of the episodes that were made."""
        self._generation += 1
        given = {
            "episodes": self._templates,
            "copies": -(-wanted // len(self._templates)),
            "generation": self._generation,
        }
        with self._admin.transaction():
            # All that a copy points at is copied too, so that no foreign key need be looked up.
            self._admin.execute("set local session_replication_role = replica")
            for table, chosen in _COPIED.items():
                columns = self._columns(table)
                statement = sql.SQL("insert into {table} ({columns}) select {values} from {table} t, copies c").format(
                    table=sql.Identifier(table),
                    columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
                    values=sql.SQL(", ").join(self._value(table, column) for column in columns),
                )
                numbers = sql.SQL("with copies as (select generate_series(1, %(copies)s) as number) ")
                self._admin.execute(numbers + statement + sql.SQL(f" where {chosen} order by c.number"), given)
            made = self._admin.execute(
                sql.SQL("select {id} from episodes t, generate_series(1, %(copies)s) c(number) where {chosen}").format(
                    id=self._value("episodes", "id"), chosen=sql.SQL(_COPIED["episodes"])
                ),
                given,
            ).fetchall()
        return [row[0] for row in made][:wanted]

    def _columns(self, table: str) -> list[str]:
        rows = self._admin.execute(
            "select column_name from information_schema.columns"
            " where table_schema = 'public' and table_name = %s and is_generated = 'NEVER' order by ordinal_position",
            [table],
        )
        return [row[0] for row in rows]

    def _value(self, table: str, column: str) -> sql.Composable:
        name = sql.Identifier("t", column)
        if column == "reference":
            return sql.SQL("{} || '-' || %(generation)s || '-' || c.number").format(name)
        if column not in _IDS:
            return name
        random = sql.SQL("md5({}::text || %(generation)s || '-' || c.number)").format(name)
        if column == "administration_id" or (table, column) == ("administrations", "id"):
            return sql.SQL("{}::uuid").format(random)  # as a tablet makes it
        # As we make them, by time: those of one copy follow each other.
        ordered = sql.SQL("lpad(to_hex(%(generation)s * 1000000 + c.number), 8, '0') || right({}, 24)").format(random)
        return sql.SQL("({})::uuid").format(ordered)
