"""Plain functions that make what a test needs, valid by default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import psycopg
from fastapi.testclient import TestClient
from httpx2 import Response
from psycopg.types.json import Jsonb
from pwdlib.hashers.argon2 import Argon2Hasher

from app.api.examples import EXAMPLES
from app.api.schemas.goals import GoalCreate
from app.api.schemas.instruments import InstrumentFile
from app.db.codes import OrganisationMode, Purpose, Role
from app.db.curves import Line, add_candidate
from app.db.editing import add
from app.db.ids import uuid7
from app.db.models import BreakGlass, Device, Login, User
from app.db.session import Access, Database
from app.services.curves import Window, evaluation_to_keep, told_apart
from app.services.organisations import (
    add_device,
    add_service,
    add_user,
    found_organisation,
    founding_scope,
    issue_credential,
)
from app.trajectories.curve_files import curve_to_document, document_hash
from app.trajectories.growth import Provenance, default_curve
from tests.openings import open_quietly
from tests.trajectories.held_out import DOES_WELL

PASSWORD = "lange dager i fjellet"
"""Of everybody in a clinic; the hash of it is worked out once."""

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
"""A Monday morning: the first administration of most tests."""


@dataclass(frozen=True)
class Caller:
    """A client that speaks with one credential."""

    client: TestClient
    token: str

    def request(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
        given = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return self.client.request(method, path, headers=given, **more)

    def get(self, path: str, **more: Any) -> Response:
        return self.request("GET", path, **more)

    def post(self, path: str, body: object, **more: Any) -> Response:
        return self.request("POST", path, json=body, **more)

    def put(self, path: str, body: object, **more: Any) -> Response:
        return self.request("PUT", path, json=body, **more)

    def patch(self, path: str, body: object, version: int, **more: Any) -> Response:
        return self.request("PATCH", path, json=body, headers={"If-Match": f'"{version}"'}, **more)


@dataclass(frozen=True)
class Clinic:
    """An organisation with one service: a therapist, a colleague, a lead and a tablet."""

    organisation_id: UUID
    service_id: UUID
    therapist_id: UUID
    staff: Mapping[str, UUID]
    """The ids of who works there, by what they are called."""
    tablet_id: UUID
    therapist: Caller
    colleague: Caller
    lead: Caller
    supervisor: Caller
    administrator: Caller
    analyst: Caller
    operator: Caller
    tablet: Caller
    other_tablet: Caller

    def caller(self, role: Role) -> Caller:
        """Give who calls in a role; a respondent is made when first asked for, with a patient of its own."""
        if role is Role.RESPONDENT:
            return respondent_of(self)[0]
        names = {Role.DEVICE: "tablet", Role.SERVICE_LEAD: "lead"}
        found: Caller = getattr(self, names.get(role, role))
        return found


def make_clinic(
    database: Database, client: TestClient, mode: OrganisationMode = OrganisationMode.DECISION_SUPPORT
) -> Clinic:
    organisation_id = found_organisation(database, "Testing", mode=mode)
    with database.work(founding_scope(organisation_id), Access("test", uuid7())) as work:
        service, other = add_service(work, "Rask psykisk helsehjelp"), add_service(work, "Helsestasjonen")
        treating = [add_user(work, service, Role.THERAPIST, name) for name in ("Therapist", "Colleague")]
        roles = (Role.SERVICE_LEAD, Role.SUPERVISOR, Role.ADMINISTRATOR, Role.ANALYST, Role.OPERATOR)
        others = [add_user(work, service, role, role.replace("_", " ").capitalize()) for role in roles]
        tablet, other_tablet = add_device(work, service, "Waiting room"), add_device(work, other, "Elsewhere")
        spare = [add_user(work, service, Role.THERAPIST, name) for name in ("Substitute", "Locum")]
        holders: tuple[User | Device, ...] = (*treating, *others, tablet, other_tablet)
        tokens = [issue_credential(work, each) for each in holders]
        staff = {user.display_name.lower(): user.id for user in (*treating, *others, *spare)}
        for each in holders:
            if isinstance(each, User):
                each.user_name = user_name_of(each.display_name, organisation_id)
                work.db.add(Login(organisation_id=organisation_id, user_id=each.id, password_hash=hash_of(PASSWORD)))
        work.flush()
    callers = [Caller(client, token) for token in tokens]
    return Clinic(organisation_id, service.id, treating[0].id, staff, tablet.id, *callers)


def user_name_of(display_name: str, organisation_id: UUID) -> str:
    """The user name of one of a clinic's people."""
    return f"{display_name.lower().replace(' ', '-')}@{organisation_id}"


@cache
def hash_of(password: str) -> str:
    """The hash of a password, weaker than one is in earnest, and so quicker to make and to look at."""
    return Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


def phq_9(total: int, *, item_9: int = 0) -> dict[str, int]:
    """Answers of a PHQ-9 with a total, filled up from the first item on."""
    return _filled(total - item_9, 8) | {"9": item_9}


def gad_7(total: int) -> dict[str, int]:
    return _filled(total, 7)


def _filled(total: int, items: int) -> dict[str, int]:
    assert 0 <= total <= 3 * items, "no answers sum to that"
    answers = {}
    for item in range(1, items + 1):
        answers[str(item)] = min(3, total)
        total -= answers[str(item)]
    return answers


def make_patient(clinic: Clinic, **fields: Any) -> dict[str, Any]:
    body = {"reference": f"P-{uuid4()}", "birth_month": "1988-04-01"} | fields
    return created(clinic.therapist.post("/v1/patients", body))


def make_episode(clinic: Clinic, **fields: Any) -> dict[str, Any]:
    patient_id = fields.pop("patient_id", None) or make_patient(clinic)["id"]
    body = {"patient_id": patient_id, "opened_at": (START - timedelta(days=7)).isoformat()} | fields
    episode = created(clinic.therapist.post("/v1/episodes", body))
    open_on_tablet(clinic, episode["id"])
    return episode


def open_on_tablet(clinic: Clinic, *episode_ids: object) -> None:
    """Make an assignment of each episode that was once opened on the clinic's tablet, which so may put answers."""
    database: Database = clinic.lead.client.app.state.database  # type: ignore[attr-defined]  # Starlette leaves app untyped
    with database.work(founding_scope(clinic.organisation_id), Access("test", uuid7())) as work:
        for episode_id in episode_ids:
            open_quietly(work, UUID(str(episode_id)), clinic.tablet_id)


def make_assignment(clinic: Clinic, episode: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """Ask for a PHQ-9, from START on and for ever unless told."""
    body = {"instrument": "phq-9", "opens_at": START.isoformat()} | fields
    return created(clinic.therapist.post(f"/v1/episodes/{episode['id']}/assignments", body))


def open_by_code(clinic: Clinic, assignment: Mapping[str, Any], tablet: Caller | None = None) -> dict[str, Any]:
    """Open an assignment on a tablet, as it is done in a waiting room."""
    code = created(clinic.therapist.post(f"/v1/assignments/{assignment['id']}/code", None))["code"]
    return created((tablet or clinic.tablet).post("/v1/assignments/opening", {"code": code}))


def redeem_link(clinic: Clinic, assignment: Mapping[str, Any]) -> Caller:
    """Follow the link to an assignment, as it is done at home."""
    token = created(clinic.therapist.post(f"/v1/assignments/{assignment['id']}/link", None))["token"]
    redeemed = created(clinic.therapist.client.post("/v1/assignments/redemption", json={"token": token}))
    return Caller(clinic.therapist.client, redeemed["token"])


_RESPONDENTS: dict[UUID, tuple[Caller, dict[str, Any]]] = {}


def respondent_of(clinic: Clinic) -> tuple[Caller, dict[str, Any]]:
    """Give the holder of a link and the assignment; the same one each time for a clinic."""
    if clinic.organisation_id not in _RESPONDENTS:
        assignment = make_assignment(clinic, make_episode(clinic))
        _RESPONDENTS[clinic.organisation_id] = redeem_link(clinic, assignment), assignment
    return _RESPONDENTS[clinic.organisation_id]


def make_sessions(
    clinic: Clinic, episode: Mapping[str, Any], count: int, *, every_days: int = 7
) -> list[dict[str, Any]]:
    """Weekly attended sessions, the first an hour after START."""
    return [
        created(
            clinic.therapist.post(
                "/v1/treatment-sessions",
                {
                    "starts_at": (START + timedelta(days=every_days * number, hours=1)).isoformat(),
                    "contact_type": "individual",
                    "attendances": [{"episode_id": episode["id"], "outcome": "attended"}],
                },
            )
        )
        for number in range(count)
    ]


def at(week: float = 0, *, hours: float = 1) -> str:
    """A time so many weeks after START, by default that of the weekly session."""
    return (START + timedelta(weeks=week, hours=hours)).isoformat()


def hold(clinic: Clinic, *episodes: Mapping[str, Any], week: float = 0, **fields: Any) -> dict[str, Any]:
    """Record a session that the patients of these episodes attended."""
    attendances = [{"episode_id": each["id"], "outcome": "attended"} for each in episodes]
    body = {"starts_at": at(week), "contact_type": "individual", "attendances": attendances} | fields
    return created(clinic.therapist.post("/v1/treatment-sessions", body))


def make_programme(clinic: Clinic, *counted: str, **fields: Any) -> dict[str, Any]:
    """A treatment offer, with the contact types that count as its dose."""
    body = {"name": f"Programme {uuid4()}", "format": "individual", "counted_contact_types": counted} | fields
    return created(clinic.lead.post("/v1/programmes", body))


def administration(episode: Mapping[str, Any], answers: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """The body of a put; `week` counts from START."""
    completed_at = START + timedelta(weeks=fields.pop("week", 0))
    return {
        "episode_id": episode["id"],
        "instrument": "phq-9",
        "answers": dict(answers),
        "completed_at": completed_at.isoformat(),
    } | fields


NAMES = {
    "name": "not-found",
    "key": "gad-7",
    "form": "self",
    "year": "2026",
    "table": "denominators",
    "job_id": "01a2318f-0000-7000-8000-000000000000",
}
"""What is named in paths beside what is in the record."""


def own_instrument(key: str = "sleep-check", version: str = "1") -> dict[str, str]:
    """The body that adds an instrument of the organisation's own."""
    example = EXAMPLES[InstrumentFile]
    text = str(example["text"]).replace("sleep-check", key).replace('version = "1"', f'version = "{version}"')
    return {"name": f"{key}.toml", "text": text}


def put(caller: Caller, body: Mapping[str, Any], administration_id: UUID | None = None) -> Response:
    return caller.put(f"/v1/administrations/{administration_id or uuid4()}", body)


def put_weekly(
    clinic: Clinic, episode: Mapping[str, Any], totals: Sequence[int], **fields: Any
) -> list[dict[str, Any]]:
    """Put a PHQ-9 an hour before each weekly session; give what the therapist gets."""
    return [
        created(put(clinic.therapist, administration(episode, phq_9(total), week=week, **fields)))
        for week, total in enumerate(totals)
    ]


def make_record(clinic: Clinic) -> dict[str, str]:
    """One of everything that hangs on a patient; the ids, by the names that the routes' paths give them."""
    programme = make_programme(clinic, "individual")
    episode = make_episode(clinic, programme_id=programme["id"])
    path, patient_path = f"/v1/episodes/{episode['id']}", f"/v1/patients/{episode['patient_id']}"
    [session] = make_sessions(clinic, episode, 1)
    stored = created(put(clinic.therapist, administration(episode, phq_9(12, item_9=1))))
    review = {"dose": 1, "with_patient": True, "causes": ["alliance"], "action": "continue"}
    asked = {"instrument": "gad-7", "opens_at": START.isoformat()}
    rows = {
        "informant_id": created(
            clinic.therapist.post(f"{patient_path}/informants", {"role": "parent", "label": "mother"})
        ),
        "row_id": listed(clinic.therapist.get(f"{path}/programmes"))[0],
        "attendance_id": listed(clinic.therapist.get(f"/v1/treatment-sessions/{session['id']}/attendances"))[0],
        "assignment_id": created(clinic.therapist.post(f"{path}/assignments", asked)),
        "goal_id": created(clinic.therapist.post(f"{path}/goals", EXAMPLES[GoalCreate])),
        "review_id": created(clinic.therapist.post(f"{path}/reviews", review)),
        "alert_id": stored["result"]["risk_alerts"][0],
        "hold_id": created(clinic.administrator.post(f"{patient_path}/legal-holds", {"reason": "a complaint"})),
        "device_id": created(clinic.lead.post("/v1/devices", {"label": "Room 1"})),
        "programme_id": programme,
        "evidence_id": say_of_programme(clinic, programme),
        "episode_id": episode,
        "session_id": session,
        "administration_id": stored,
        "curve_id": make_curve(clinic),
        "relation_id": created(clinic.therapist.post(f"{path}/treatment-relations", staff_of(clinic, "substitute"))),
        "block_id": created(clinic.therapist.post(f"{patient_path}/blocks", staff_of(clinic, "operator"))),
        "opening_id": make_opening(clinic, episode["patient_id"]),
        "user_id": make_user(clinic),
        "service_id": {"id": str(clinic.service_id)},
    }
    named = {name: str(clinic.staff[name.removesuffix("_id")]) for name in ("locum_id", "analyst_id")}
    named["former_reference"] = make_former_patient(clinic)["reference"]
    return {"patient_id": episode["patient_id"], **{name: row["id"] for name, row in rows.items()}, **named}


def say_of_programme(clinic: Clinic, programme: Mapping[str, Any]) -> dict[str, Any]:
    """Write what the grant report asks for of a programme and of the clinic's service; give the line of evidence."""
    path, unwritten = f"/v1/programmes/{programme['id']}", {"If-Match": '"0"'}
    ok(clinic.lead.put(f"{path}/evaluation-plan", {"question": "Does it help?"}, headers=unwritten))
    statements = f"/v1/services/{clinic.service_id}/statements/{NAMES['year']}"
    written = ok(clinic.lead.get(statements))["version"]
    ok(clinic.lead.put(statements, {"goals": "Help in time."}, headers={"If-Match": f'"{written}"'}))
    return created(clinic.lead.post(f"{path}/evidence", {"target_group": f"adults {uuid4()}"}))


def make_former_patient(clinic: Clinic) -> dict[str, Any]:
    """A patient whom the therapist treats no longer."""
    patient = make_patient(clinic)
    episode = make_episode(clinic, patient_id=patient["id"])
    [relation] = listed(clinic.therapist.get(f"/v1/episodes/{episode['id']}/treatment-relations"))
    path, first = f"/v1/treatment-relations/{relation['id']}/end", {"If-Match": '"1"'}
    created(clinic.therapist.request("POST", path, headers=first))
    return patient | {"episode_id": episode["id"], "relation_id": relation["id"]}


def staff_of(clinic: Clinic, name: str) -> dict[str, str]:
    """The body that names somebody who works there."""
    return {"user_id": str(clinic.staff[name])}


def make_opening(clinic: Clinic, patient_id: str, **columns: Any) -> dict[str, Any]:
    """Have the locum open a patient's record, as if that had not been their own."""
    database: Database = clinic.lead.client.app.state.database  # type: ignore[attr-defined]  # as above
    with database.work(founding_scope(clinic.organisation_id), Access("test", uuid7())) as work:
        entry = work.saw([UUID(patient_id)])
        values = {
            "patient_id": UUID(patient_id),
            "service_id": clinic.service_id,
            "user_id": clinic.staff["locum"],
            "purpose": Purpose.EMERGENCY,
            "opened_at": work.now,
            "expires_at": work.now + timedelta(hours=12),
        }
        return {"id": str(add(work, entry, BreakGlass, values | columns).id), "version": 1}


def make_user(clinic: Clinic, **fields: Any) -> dict[str, Any]:
    """A person who can be invited to log in."""
    body = {"display_name": "New", "role": "therapist", "service_id": str(clinic.service_id)}
    return created(clinic.administrator.post("/v1/users", body | {"user_name": f"new-{uuid4()}"} | fields))


def make_curve(clinic: Clinic, **columns: Any) -> dict[str, Any]:
    """Keep a candidate as if it had been learnt: it passes every gate, and starts lower than the published curve."""
    prior = default_curve("phq-9")
    assert prior is not None
    line = Line("phq-9", columns.pop("form_family", "self"))
    key = columns.pop("key", "local-1")
    own = replace(prior, key=key, intercept=8.0, provenance=Provenance("learnt in a test", "fitted", "B"))
    document = curve_to_document(own)
    values = {
        "key": key,
        "revision": 1,
        "link": own.link.kind,
        "parameters": document,
        "parameters_hash": document_hash(document),
        "provenance": {"prior": told_apart(prior), "warnings": [], "estimates": []},
        "evaluation": evaluation_to_keep(DOES_WELL, prior, Window(45, date(2025, 10, 1), date(2025, 12, 30))),
        "data_from": date(2024, 1, 2),
        "data_to": date(2025, 9, 30),
        "n_episodes": 130,
        "n_observations": 1040,
        "local_information": 0.37,
        "made_at": START,
    } | columns
    database: Database = clinic.lead.client.app.state.database  # type: ignore[attr-defined]  # Starlette leaves app untyped
    with database.work(founding_scope(clinic.organisation_id), Access("test", uuid7())) as work:
        curve_id = add_candidate(work, line, values).id
    return {"id": str(curve_id), "version": 1}


def keep_curve(connection: psycopg.Connection[Any], clinic: Clinic, **columns: Any) -> dict[str, Any]:
    """Keep a candidate past the application, as the owner of the tables may."""
    row = {
        "organisation_id": clinic.organisation_id,
        "id": uuid7(),
        "key": "local-1",
        "instrument": "phq-9",
        "form_family": "self",
        "programme_id": None,
        "revision": 1,
        "link": "arcsine",
        "state": "candidate",
        "parameters": {},
        "parameters_hash": b"",
        "provenance": {},
        "evaluation": {"passed": True},
        "data_from": "2025-01-01",
        "data_to": "2025-12-31",
        "n_episodes": 120,
        "n_observations": 960,
        "local_information": 0.4,
        "made_at": START,
        "version": 1,
    } | columns
    values = [Jsonb(value) if isinstance(value, dict) else value for value in row.values()]
    names, places = ", ".join(row), ", ".join(["%s"] * len(row))
    connection.execute(f"insert into curves ({names}) values ({places})".encode(), values)
    return row


def created(response: Response) -> dict[str, Any]:
    assert response.status_code == 201, response.text
    answer: dict[str, Any] = response.json()
    return answer


def ok(response: Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def listed(response: Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    rows: list[dict[str, Any]] = response.json()
    return rows
