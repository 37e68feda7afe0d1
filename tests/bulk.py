"""Databases of any size: a small practice that the program itself has filled, copied as often as wanted.

The practice is made through the interface, so its rows are whatever the program writes today. The copies are made by
the database, from the models' own columns and keys: each is a practice of its own, with ids of its own.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg
from fastapi.testclient import TestClient
from sqlalchemy import Column, Table, Uuid

from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.models import Base
from app.db.session import Database
from tests.factories import (
    Clinic,
    administration,
    created,
    gad_7,
    hold,
    make_clinic,
    make_episode,
    make_opening,
    make_programme,
    ok,
    phq_9,
    put,
    put_weekly,
    staff_of,
)

WEEKS: Final = 10
EPISODES: Final = 6
OPEN_EPISODES: Final = 4
"""Of a practice; the others are closed."""

ADMINISTRATIONS: Final = 2 * WEEKS * EPISODES
"""Of a practice: a PHQ-9 and a GAD-7 before each weekly session."""

PRACTICES_OF_A_THERAPIST: Final = 15
"""So many practices in a row belong to one therapist, who so has 60 open episodes and 30 closed ones.

The clinic's own therapist has the newest of them, which come last in every list.
"""

_SHARED: Final = {
    "organisations",
    "organisation_settings",
    "own_instruments",
    "wordings",
    "services",
    "devices",
    "programmes",
    "curves",
    "audit_seals",
    "summary_years",
    "counted_cells",
}
_OF_THE_STAFF: Final = {"users", "credentials", "logins"}

_TURN: Final = f"((%(last)s - n) / {PRACTICES_OF_A_THERAPIST})"
"""The number of the therapist to whom the n-th practice belongs."""


def fill(server: EmbeddedServer, name: str, database: Database, client: TestClient, administrations: int) -> Clinic:
    """Found an organisation with at least so many administrations in a database."""
    clinic = make_clinic(database, client)
    make_practice(clinic)
    with psycopg.connect(server.conninfo(name, SUPERUSER)) as connection:
        multiply(connection, clinic, -(-administrations // ADMINISTRATIONS))
    return clinic


_UNIQUE: Final = {
    "reference": "reference || '-' || n",
    "user_name": "user_name || '-' || n",
    "token_hash": "sha256(token_hash || n::text::bytea)",
}


def make_practice(clinic: Clinic, answered_weeks: int = WEEKS) -> None:
    """Fill a clinic with six episodes of ten weeks, and one of everything that may hang on an episode."""
    programme = make_programme(clinic, "individual", planned_dose=12)
    episodes = [make_episode(clinic, programme_id=programme["id"]) for _ in range(EPISODES)]
    for week in range(WEEKS):
        hold(clinic, *episodes[:2], week=week)
        for episode in episodes[2:]:
            hold(clinic, episode, week=week)
    for place, episode in enumerate(episodes):
        put_weekly(clinic, episode, [max(2, 18 + place - 2 * week) for week in range(answered_weeks)])
        for week in range(answered_weeks):
            body = administration(episode, gad_7(max(1, 15 - week)), week=week, instrument="gad-7")
            created(put(clinic.tablet, body))
        _care_for(clinic, episode, assessed=place > 0)
    for episode in episodes[OPEN_EPISODES:]:
        version = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}"))["version"]
        closing = {"closed_at": "2026-04-01T12:00:00+02:00", "closing_reason": "completed"}
        ok(clinic.therapist.patch(f"/v1/episodes/{episode['id']}", closing, version))


def _care_for(clinic: Clinic, episode: dict[str, Any], *, assessed: bool) -> None:
    """Give an episode a parent, an assignment, a review, a risk alert and a corrected answer."""
    path, therapist = f"/v1/episodes/{episode['id']}", clinic.therapist
    parent = {"role": "parent", "label": "mother"}
    created(therapist.post(f"/v1/patients/{episode['patient_id']}/informants", parent))
    created(therapist.post(f"{path}/assignments", {"instrument": "gad-7", "opens_at": episode["opened_at"]}))
    created(therapist.post(f"{path}/goals", {"place": 1, "words": "sleep", "set_at": episode["opened_at"]}))
    created(therapist.post(f"{path}/treatment-relations", staff_of(clinic, "substitute")))
    created(therapist.post(f"/v1/patients/{episode['patient_id']}/blocks", staff_of(clinic, "operator")))
    make_opening(clinic, episode["patient_id"])
    review = {"dose": 3, "with_patient": True, "causes": ["alliance"], "action": "continue"}
    created(therapist.post(f"{path}/reviews", review))
    stored = created(put(clinic.therapist, administration(episode, phq_9(15, item_9=1), week=WEEKS - 0.5)))
    if assessed:
        [alert] = stored["result"]["risk_alerts"]
        acknowledgements = f"/v1/risk-alerts/{alert['id']}/acknowledgement"
        created(therapist.post(acknowledgements, {"assessment": "talked it through"}, headers={"If-Match": '"1"'}))
    corrections = f"/v1/administrations/{stored['id']}/corrections"
    correction = {"reason": "read wrongly", "answers": phq_9(14, item_9=1)}
    created(therapist.post(corrections, correction, headers={"If-Match": '"1"'}))


def multiply(connection: psycopg.Connection[Any], clinic: Clinic, practices: int) -> None:
    """Copy the practice of a clinic until there are so many; the connection is a superuser's."""
    # The triggers that check foreign keys rest meanwhile: whatever is copied comes with all that hangs on it.
    connection.execute("set session_replication_role = replica")
    for table in Base.metadata.sorted_tables:
        if table.name not in _SHARED:
            connection.execute(_copying(table), {"organisation": clinic.organisation_id, "last": practices - 1})
    connection.execute("set session_replication_role = origin")


def _copying(table: Table) -> str:
    columns = [column for column in table.columns if column.identity is None and column.name != "xid"]
    names = ", ".join(column.name for column in columns)
    values = ", ".join(_copied(column) for column in columns)
    last = f"%(last)s / {PRACTICES_OF_A_THERAPIST}" if table.name in _OF_THE_STAFF else "%(last)s"
    numbers = f"generate_series(1, {last}) n"
    rows = f"select {values} from {table.name}, {numbers} where organisation_id = %(organisation)s"
    return f"insert into {table.name} ({names}) {rows}"


def _copied(column: Column[Any]) -> str:
    """Give a column's value in the n-th copy: ids are changed, and so is what must be unique."""
    name = column.name
    if not isinstance(column.type, Uuid):
        return _UNIQUE.get(name, name)
    named = {key.column.table.name for key in column.foreign_keys if key.column.name == "id"}
    [table] = named or ({column.table.name} if name in ("id", "row_id") else {"organisations"})
    if table in _SHARED or name == "organisation_id":
        return name
    if table in _OF_THE_STAFF:
        turn = "n" if column.table.name in _OF_THE_STAFF else _TURN
        return f"case when {turn} = 0 then {name} else md5({name}::text || {turn})::uuid end"
    if table == "administrations":  # a tablet makes its ids at random
        return f"md5({name}::text || n)::uuid"
    # Ours are in the order of time, so that new rows lie together in an index.
    return f"overlay(md5({name}::text || n) placing lpad(to_hex(n), 12, '0') from 1)::uuid"


def settle(server: EmbeddedServer, database: str) -> None:
    """Let the database know how big it is, as autovacuum would in its time."""
    with psycopg.connect(server.conninfo(database, SUPERUSER), autocommit=True) as connection:
        connection.execute("vacuum analyze")
