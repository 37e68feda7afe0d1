"""A request to every route, on a practice that was made by `tests.bulk`; each can be made a dozen times and more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import psycopg
from httpx2 import Response
from psycopg.rows import dict_row

from app.api.examples import EXAMPLES
from app.api.limits import Limit
from app.api.schemas.consents import ConsentCreate
from app.api.schemas.deletion import DeletionCreate
from app.api.schemas.instruments import Questionnaire
from app.identity.policy import Action
from tests import bulk
from tests.factories import (
    PASSWORD,
    Caller,
    Clinic,
    administration,
    at,
    created,
    gad_7,
    make_curve,
    make_episode,
    make_user,
    ok,
    own_instrument,
    phq_9,
    put,
    staff_of,
)

A_CASELOAD: Final = bulk.EPISODES * (bulk.PRACTICES_OF_A_THERAPIST + 1)
"""The episodes of the clinic's therapist, those of the first practice included."""

A_SMALL_ORGANISATION: Final = 500
"""The first rows of a caller in the order of their ids can also be found by going through those of an organisation in
that order: the planner does so while that is quick, and turns to the caller's own when there are more."""

Ids = dict[str, Any]

OPEN_EPISODES: Final = """
select e.id as episode, e.patient_id as patient, r.user_id as therapist,
       (select a.id from administrations a where a.organisation_id = e.organisation_id and a.episode_id = e.id
           and a.superseded_at is null and a.version = 1 and a.instrument = 'phq-9' limit 1) as administration,
       (select a.id from administrations a where a.organisation_id = e.organisation_id and a.episode_id = e.id
           and a.superseded_at is null and a.version = 1 and a.instrument = 'gad-7' limit 1) as other_administration,
       (select a.treatment_session_id from attendances a
         where a.organisation_id = e.organisation_id and a.episode_id = e.id limit 1) as session,
       (select a.id from attendances a
         where a.organisation_id = e.organisation_id and a.episode_id = e.id limit 1) as attendance,
       (select a.id from assignments a
         where a.organisation_id = e.organisation_id and a.episode_id = e.id limit 1) as assignment,
       (select g.id from goals g
         where g.organisation_id = e.organisation_id and g.episode_id = e.id limit 1) as goal,
       (select v.id from reviews v
         where v.organisation_id = e.organisation_id and v.episode_id = e.id limit 1) as review,
       (select p.id from episode_programmes p
         where p.organisation_id = e.organisation_id and p.episode_id = e.id limit 1) as episode_programme,
       (select p.programme_id from episode_programmes p
         where p.organisation_id = e.organisation_id and p.episode_id = e.id limit 1) as programme,
       (select t.id from treatment_relations t
         where t.organisation_id = e.organisation_id and t.episode_id = e.id and t.user_id <> r.user_id limit 1)
         as relation,
       (select b.id from blocks b
         where b.organisation_id = e.organisation_id and b.patient_id = e.patient_id limit 1) as block,
       (select b.id from break_glass b
         where b.organisation_id = e.organisation_id and b.patient_id = e.patient_id limit 1) as opening,
       (select i.id from informants i
         where i.organisation_id = e.organisation_id and i.patient_id = e.patient_id and i.role = 'parent') as informant
  from episodes e
  join treatment_relations r on r.organisation_id = e.organisation_id and r.episode_id = e.id
 where e.organisation_id = %(organisation)s and r.user_id = %(therapist)s and e.closed_at is null
 order by e.id
"""

COLLEAGUES_PATIENTS: Final = """
select p.reference from patients p
 where p.organisation_id = %(organisation)s
   and not exists (select from episodes e
                     join treatment_relations r on r.organisation_id = e.organisation_id and r.episode_id = e.id
                    where e.organisation_id = p.organisation_id and e.patient_id = p.id and r.user_id = %(therapist)s)
 order by p.id limit 40
"""

OPEN_ALERTS: Final = """
select a.id from risk_alerts a
  join treatment_relations r on r.organisation_id = a.organisation_id and r.episode_id = a.episode_id
 where a.organisation_id = %(organisation)s and r.user_id = %(therapist)s and a.acknowledged_at is null
"""


@dataclass(frozen=True)
class Asking:
    """How to ask for something the n-th time, and how many episodes that concerns at the most."""

    ask: Callable[[int], Response]
    episodes: int = 1


def every_route(connection: psycopg.Connection[Any], clinic: Clinic) -> Mapping[str, Asking]:
    """Give the requests that the clinic's staff may make, by name: the action, and what is special about it."""
    whose = {"organisation": clinic.organisation_id, "therapist": clinic.therapist_id}
    cursor = connection.cursor(row_factory=dict_row)
    of_episodes: list[Ids] = cursor.execute(OPEN_EPISODES, whose).fetchall()
    alerts: list[Ids] = cursor.execute(OPEN_ALERTS, whose).fetchall()
    assert all(None not in ids.values() for ids in of_episodes), "not every episode has one of everything"
    strangers = [row["reference"] for row in cursor.execute(COLLEAGUES_PATIENTS, whose).fetchall()]
    return {
        **answering(clinic, of_episodes),
        **reading(clinic, of_episodes),
        **working(clinic, of_episodes, alerts),
        **deciding_who_sees(clinic, of_episodes, strangers),
        **of_rights(clinic, of_episodes),
    }


def answering(clinic: Clinic, of: list[Ids]) -> dict[str, Asking]:
    therapist, tablet = clinic.therapist, clinic.tablet
    first = {"If-Match": '"1"'}

    def phq(number: int) -> dict[str, Any]:
        return administration({"id": str(of[number]["episode"])}, phq_9(9, item_9=number % 2), week=11)

    def batch(numbers: list[int]) -> Response:
        weeks = [12 + place / 100 for place in range(len(numbers))]
        bodies = [
            phq(number) | {"answers": phq_9(8), "completed_at": at(week)}
            for number, week in zip(numbers, weeks, strict=True)
        ]
        return tablet.put("/v1/administrations", {"administrations": [{"id": str(uuid4()), **each} for each in bodies]})

    def path(number: int, name: str) -> str:
        return f"/v1/administrations/{of[number][name]}"

    correction = {"reason": "read wrongly", "answers": phq_9(13)}
    in_error = {"reason": "another patient's form"}
    return {
        Action.PUT_ADMINISTRATION: Asking(lambda n: put(tablet, phq(n))),
        "put_administration of a therapist": Asking(
            lambda n: put(therapist, phq(n) | {"instrument": "gad-7", "answers": gad_7(8)})
        ),
        Action.PUT_ADMINISTRATIONS: Asking(lambda n: batch([n + 40] * 20)),
        "put_administrations of many": Asking(lambda n: batch(list(range(n, n + 30))), 30),
        Action.READ_ADMINISTRATION: Asking(lambda n: therapist.get(path(n, "administration"))),
        Action.CORRECT_ADMINISTRATION: Asking(
            lambda n: therapist.post(path(n, "administration") + "/corrections", correction, headers=first)
        ),
        Action.ENTER_ADMINISTRATION_IN_ERROR: Asking(
            lambda n: therapist.post(path(n, "other_administration") + "/entered-in-error", in_error, headers=first)
        ),
    }


_FORMS_OF_EXPORTS: Final = ({"Accept": "text/csv"}, {"Accept": "application/x-ndjson"})


def of_rights(clinic: Clinic, of: list[Ids]) -> dict[str, Asking]:
    """Ask for what patients have a right to; who is deleted was registered for it."""
    therapist, administrator, first = clinic.therapist, clinic.administrator, {"If-Match": '"1"'}
    decision, consent = EXAMPLES[DeletionCreate], EXAMPLES[ConsentCreate]

    def hold(number: int) -> Response:
        return administrator.post(f"/v1/patients/{of[number]['patient']}/legal-holds", {"reason": "a complaint"})

    def lift(number: int) -> Response:
        path = f"/v1/legal-holds/{ok_id(hold(number))}/lifting"
        return administrator.post(path, {"reason": "settled"}, headers=first)

    def delete(number: int, what: str) -> Response:
        gone = make_episode(clinic)
        if what == "patient":
            return administrator.post(f"/v1/patients/{gone['patient_id']}/deletion", decision, headers=first)
        form = put(clinic.tablet, administration(gone, phq_9(5 + number % 9))).json()["id"]
        return administrator.post(f"/v1/administrations/{form}/deletion", decision, headers=first)

    return {
        Action.READ_PATIENT_COPY: Asking(lambda n: therapist.get(f"/v1/patients/{of[n]['patient']}/copy")),
        Action.LIST_CONSENTS: Asking(lambda n: therapist.get(f"/v1/patients/{of[n]['patient']}/consents")),
        Action.RECORD_CONSENT: Asking(
            lambda n: therapist.post(f"/v1/patients/{of[n]['patient']}/consents", consent | {"stated_at": at(n)})
        ),
        Action.PLACE_LEGAL_HOLD: Asking(hold),
        Action.LIST_LEGAL_HOLDS: Asking(lambda n: administrator.get(f"/v1/patients/{of[n]['patient']}/legal-holds")),
        Action.LIFT_LEGAL_HOLD: Asking(lift),
        Action.DELETE_PATIENT: Asking(lambda n: delete(n, "patient")),
        Action.DELETE_ADMINISTRATION: Asking(lambda n: delete(n, "administration")),
        Action.LIST_DELETIONS: Asking(lambda _: administrator.get("/v1/deletions?limit=20")),
        Action.EXPORT_CASES: Asking(
            lambda n: clinic.analyst.get("/v1/exports/cases?year=2026&use=research", headers=_FORMS_OF_EXPORTS[n % 2])
        ),
    }


def ok_id(answer: Response) -> str:
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


def reading(clinic: Clinic, of: list[Ids]) -> dict[str, Asking]:
    therapist = clinic.therapist

    def of_episode(what: str) -> Asking:
        return Asking(lambda n: therapist.get(f"/v1/episodes/{of[n]['episode']}{what}"))

    def get(path: str, name: str) -> Asking:
        return Asking(lambda n: therapist.get(path.format(of[n][name])))

    return {
        Action.READ_TRAJECTORY: of_episode("/trajectory"),
        "read_trajectory of an instrument": of_episode("/trajectory?instrument=gad-7"),
        Action.READ_SPARKLINE: of_episode("/sparkline"),
        Action.READ_RECORD_NOTE: of_episode("/record-note"),
        Action.READ_CASELOAD: Asking(lambda _: therapist.get("/v1/caseload"), A_CASELOAD),
        Action.LIST_PATIENTS: Asking(lambda _: therapist.get("/v1/patients?limit=20"), A_SMALL_ORGANISATION),
        "list_patients, another page": Asking(
            lambda n: therapist.get(f"/v1/patients?limit=20&after={of[n]['patient']}"), A_SMALL_ORGANISATION
        ),
        Action.READ_PATIENT: get("/v1/patients/{}", "patient"),
        Action.READ_ACCESS_LOG: get("/v1/patients/{}/access-log", "patient"),
        Action.LIST_INFORMANTS: get("/v1/patients/{}/informants", "patient"),
        Action.LIST_EPISODES: Asking(lambda _: therapist.get("/v1/episodes?limit=20"), A_SMALL_ORGANISATION),
        "list_episodes, another page": Asking(
            lambda n: therapist.get(f"/v1/episodes?limit=20&after={of[n]['episode']}"), A_SMALL_ORGANISATION
        ),
        "list_episodes of a patient": get("/v1/episodes?patient_id={}", "patient"),
        Action.READ_EPISODE: of_episode(""),
        Action.LIST_EPISODE_PROGRAMMES: of_episode("/programmes"),
        Action.LIST_EPISODE_SESSIONS: of_episode("/treatment-sessions"),
        Action.READ_SESSION: get("/v1/treatment-sessions/{}", "session"),
        Action.LIST_ATTENDANCES: get("/v1/treatment-sessions/{}/attendances", "session"),
        Action.LIST_ASSIGNMENTS: of_episode("/assignments"),
        Action.LIST_GOALS: of_episode("/goals"),
        Action.LIST_REVIEWS: of_episode("/reviews"),
        Action.LIST_RISK_ALERTS: Asking(lambda _: therapist.get("/v1/risk-alerts"), A_CASELOAD),
        Action.LIST_INSTRUMENTS: Asking(lambda _: therapist.get("/v1/instruments")),
        Action.READ_INSTRUMENT: Asking(lambda _: therapist.get("/v1/instruments/gad-7")),
        Action.LIST_PROGRAMMES: Asking(lambda _: therapist.get("/v1/programmes")),
        Action.READ_PROGRAMME: get("/v1/programmes/{}", "programme"),
        Action.READ_SETTINGS: Asking(lambda _: therapist.get("/v1/settings")),
        Action.LIST_CURVES: Asking(lambda _: therapist.get("/v1/curves")),
        Action.READ_CURVE: Asking(lambda n: therapist.get(f"/v1/curves/{a_curve(clinic, 'read', n)}")),
    }


def a_curve(clinic: Clinic, purpose: str, number: int) -> str:
    """Keep a candidate of a line of its own; give its id."""
    made: str = make_curve(clinic, key=f"{purpose}-{number}", form_family=f"{purpose}-{number}")["id"]
    return made


def looking_after_people(clinic: Clinic) -> dict[str, Asking]:
    administrator = clinic.administrator

    def new() -> str:
        user_id: str = make_user(clinic)["id"]
        return user_id

    def rename(number: int) -> Response:
        service = created(administrator.post("/v1/services", {"name": f"Service {number}"}))
        return administrator.patch(f"/v1/services/{service['id']}", {"name": "Renamed"}, 1)

    def end(method: str, path: str) -> Response:
        """Log somebody in, who then ends the session or changes the password."""
        session = created(
            administrator.client.post(
                "/v1/invitations",
                json={
                    "invitation": created(administrator.post(f"/v1/users/{new()}/invitation", None))["token"],
                    "password": PASSWORD,
                },
            )
        )
        body = {"json": {"present": PASSWORD, "password": PASSWORD}} if method == "PUT" else {}
        return Caller(administrator.client, session["token"]).request(method, path, **body)

    return {
        Action.LIST_USERS: Asking(lambda _: administrator.get("/v1/users?limit=20")),
        Action.ADD_USER: Asking(
            lambda n: administrator.post(
                "/v1/users",
                {"display_name": f"New {n}", "role": "therapist", "service_id": str(clinic.service_id)},
            )
        ),
        Action.READ_USER: Asking(lambda _: administrator.get(f"/v1/users/{clinic.therapist_id}")),
        Action.CHANGE_USER: Asking(lambda _: administrator.patch(f"/v1/users/{new()}", {"role": "analyst"}, 1)),
        Action.INVITE_USER: Asking(lambda _: administrator.post(f"/v1/users/{new()}/invitation", None)),
        Action.END_USER_CREDENTIALS: Asking(
            lambda _: administrator.request("DELETE", f"/v1/users/{new()}/credentials")
        ),
        Action.LIST_SERVICES: Asking(lambda _: administrator.get("/v1/services")),
        Action.ADD_SERVICE: Asking(lambda n: administrator.post("/v1/services", {"name": f"Another {n}"})),
        Action.CHANGE_SERVICE: Asking(rename),
        Action.CHANGE_PASSWORD: Asking(lambda _: end("PUT", "/v1/users/me/password")),
        Action.END_SESSION: Asking(lambda _: end("DELETE", "/v1/sessions/current")),
    }


def working(clinic: Clinic, of: list[Ids], alerts: list[Ids]) -> dict[str, Asking]:
    therapist, lead = clinic.therapist, clinic.lead
    programme = of[0]["programme"]

    def post(path: str, name: str, body: dict[str, Any]) -> Asking:
        return Asking(lambda n: therapist.post(path.format(of[n][name]), body))

    def patch(path: str, name: str, body: dict[str, Any]) -> Asking:
        return Asking(lambda n: therapist.patch(path.format(of[n][name]), body, 1))

    def hold(number: int) -> Response:
        came = [{"episode_id": str(each["episode"]), "outcome": "attended"} for each in of[number : number + 2]]
        body = {"starts_at": at(13), "contact_type": "group", "attendances": came}
        return therapist.post("/v1/treatment-sessions", body)

    def attend(number: int) -> Response:
        body = {"episode_id": str(of[number + 20]["episode"]), "outcome": "attended"}
        return therapist.post(f"/v1/treatment-sessions/{of[number]['session']}/attendances", body)

    def acknowledge(number: int) -> Response:
        path = f"/v1/risk-alerts/{alerts[number]['id']}/acknowledgement"
        return therapist.post(path, {"assessment": "talked it through"}, headers={"If-Match": '"1"'})

    def move(number: int, change: dict[str, Any]) -> Response:
        path = f"/v1/treatment-sessions/{of[number]['session']}"  # which may be that of another episode too
        return therapist.patch(path, change, ok(therapist.get(path))["version"])

    def decide(number: int, *steps: str) -> Response:
        """Take a curve of a form of its own through some steps; give what the last of them answers."""
        curve_id = a_curve(clinic, steps[-1], number)
        answers = [
            lead.request("POST", f"/v1/curves/{curve_id}/{step}", headers={"If-Match": f'"{version}"'})
            for version, step in enumerate(steps, 1)
        ]
        return answers[-1]

    opening = {"opened_at": at(20)}
    review = {"dose": 7, "with_patient": True, "causes": ["alliance"], "action": "continue"}
    offer = {"format": "group", "counted_contact_types": ["group"]}
    return {
        Action.REGISTER_PATIENT: Asking(
            lambda n: therapist.post("/v1/patients", {"reference": f"N-{n}", "birth_month": "1990-02-01"})
        ),
        Action.CHANGE_PATIENT: patch("/v1/patients/{}", "patient", {"language": "nn"}),
        Action.ADD_INFORMANT: post("/v1/patients/{}/informants", "patient", {"role": "teacher", "label": "teacher"}),
        Action.CHANGE_INFORMANT: Asking(
            lambda n: therapist.patch(f"/v1/informants/{of[n]['informant']}", {"label": "mum"}, 1), A_CASELOAD
        ),
        Action.OPEN_EPISODE: Asking(
            lambda n: therapist.post("/v1/episodes", {"patient_id": str(of[n]["patient"])} | opening)
        ),
        Action.CHANGE_EPISODE: patch("/v1/episodes/{}", "episode", {"planned_dose": 8}),
        Action.START_EPISODE_PROGRAMME: post(
            "/v1/episodes/{}/programmes", "episode", {"programme_id": str(programme), "started_at": at(5)}
        ),
        Action.CHANGE_EPISODE_PROGRAMME: patch("/v1/episode-programmes/{}", "episode_programme", {"ended_at": at(5)}),
        Action.RECORD_SESSION: Asking(hold, 2),
        Action.CHANGE_SESSION: Asking(lambda n: move(n, {"minutes": 50}), 2),
        "change_session to another day": Asking(lambda n: move(n, {"starts_at": at(0.5)}), 2),
        Action.ADD_ATTENDANCE: Asking(attend, 3),
        Action.CHANGE_ATTENDANCE: patch("/v1/attendances/{}", "attendance", {"outcome": "no_show", "reason": "ill"}),
        Action.ADD_ASSIGNMENT: post(
            "/v1/episodes/{}/assignments", "episode", {"instrument": "phq-9", "opens_at": at(12)}
        ),
        **asking_for_forms(clinic, of),
        **keeping_tablets(clinic),
        Action.CHANGE_ASSIGNMENT: patch("/v1/assignments/{}", "assignment", {"state": "declined", "reason": "ill"}),
        Action.ADD_GOAL: post("/v1/episodes/{}/goals", "episode", {"place": 2, "words": "work again", "set_at": at(5)}),
        Action.CHANGE_GOAL: patch("/v1/goals/{}", "goal", {"words": "sleep all night"}),
        Action.RECORD_REVIEW: post("/v1/episodes/{}/reviews", "episode", review),
        Action.CHANGE_REVIEW: patch("/v1/reviews/{}", "review", {"done_at": at(12)}),
        Action.ACKNOWLEDGE_RISK_ALERT: Asking(acknowledge),
        Action.ADD_PROGRAMME: Asking(lambda n: lead.post("/v1/programmes", offer | {"name": f"Course {n}"})),
        # Another planned dose would have all its episodes summarised anew, as it must.
        Action.CHANGE_PROGRAMME: Asking(
            lambda n: lead.patch(f"/v1/programmes/{programme}", {"planned_interval_days": 7 + n}, n + 1)
        ),
        **speaking_of_the_service(clinic, str(programme)),
        Action.ADD_INSTRUMENT: Asking(lambda n: lead.post("/v1/instruments", own_instrument(f"check-{n}"))),
        Action.LOAD_WORDING: Asking(
            lambda _: lead.put("/v1/instruments/gad-7/forms/self/wording", EXAMPLES[Questionnaire])
        ),
        Action.ACTIVATE_CURVE: Asking(lambda n: decide(n, "activation")),
        Action.STEP_BACK_CURVE: Asking(lambda n: decide(n, "activation", "step-back")),
        **looking_after_people(clinic),
        Action.CHANGE_SETTINGS: Asking(
            lambda n: lead.patch("/v1/settings", {"policy": {"band_level": 0.8}, "reason": "agreed"}, n + 1)
        ),
    }


def speaking_of_the_service(clinic: Clinic, programme: str) -> dict[str, Asking]:
    lead, path = clinic.lead, f"/v1/programmes/{programme}"
    statements = f"/v1/services/{clinic.service_id}/statements"

    def unwritten(path: str, body: dict[str, Any]) -> Response:
        present = ok(lead.get(path))["version"]
        return lead.put(path, body, headers={"If-Match": f'"{present}"'})

    def change(number: int) -> Response:
        row = created(lead.post(f"{path}/evidence", {"target_group": f"to change {number}"}))
        return lead.patch(f"/v1/programme-evidence/{row['id']}", {"target_group": f"changed {number}"}, 1)

    return {
        Action.LIST_PROGRAMME_EVIDENCE: Asking(lambda _: lead.get(f"{path}/evidence")),
        Action.ADD_PROGRAMME_EVIDENCE: Asking(lambda n: lead.post(f"{path}/evidence", {"target_group": f"group {n}"})),
        Action.CHANGE_PROGRAMME_EVIDENCE: Asking(change),
        Action.READ_EVALUATION_PLAN: Asking(lambda _: lead.get(f"{path}/evaluation-plan")),
        Action.PUT_EVALUATION_PLAN: Asking(lambda n: unwritten(f"{path}/evaluation-plan", {"time": f"week {n}"})),
        Action.READ_SERVICE_STATEMENTS: Asking(lambda n: lead.get(f"{statements}/{2000 + n}")),
        Action.PUT_SERVICE_STATEMENTS: Asking(lambda n: unwritten(f"{statements}/{2000 + n}", {"goals": "in time"})),
    }


def deciding_who_sees(clinic: Clinic, of: list[Ids], strangers: list[str]) -> dict[str, Asking]:
    therapist, supervisor = clinic.therapist, clinic.supervisor
    first = {"If-Match": '"1"'}

    def post(path: str, name: str, body: dict[str, Any] | None) -> Asking:
        more = {} if body is None else {"json": body}
        return Asking(lambda n: therapist.request("POST", path.format(of[n][name]), headers=first, **more))

    def review(number: int) -> Response:
        path = f"/v1/break-glass/{of[number]['opening']}/review"
        return supervisor.post(path, {"finding": "justified"}, headers=first)

    return {
        Action.LIST_TREATMENT_RELATIONS: Asking(
            lambda n: therapist.get(f"/v1/episodes/{of[n]['episode']}/treatment-relations")
        ),
        Action.ADD_TREATMENT_RELATION: post(
            "/v1/episodes/{}/treatment-relations", "episode", staff_of(clinic, "colleague")
        ),
        Action.END_TREATMENT_RELATION: post("/v1/treatment-relations/{}/end", "relation", None),
        Action.LIST_BLOCKS: Asking(lambda n: therapist.get(f"/v1/patients/{of[n]['patient']}/blocks")),
        Action.ADD_BLOCK: post("/v1/patients/{}/blocks", "patient", staff_of(clinic, "analyst")),
        Action.LIFT_BLOCK: post("/v1/blocks/{}/lifting", "block", None),
        Action.BREAK_GLASS: Asking(lambda n: open_in_need(therapist, strangers[n])),
        Action.LIST_BREAK_GLASS: Asking(lambda _: therapist.get("/v1/break-glass?limit=20"), A_CASELOAD),
        "list_break_glass of a service": Asking(lambda _: supervisor.get("/v1/break-glass?limit=20"), 100),
        "list_patients of a service": Asking(lambda _: supervisor.get("/v1/patients?limit=20"), A_SMALL_ORGANISATION),
        "read_trajectory of a supervisor": Asking(
            lambda n: supervisor.get(f"/v1/episodes/{of[n]['episode']}/trajectory")
        ),
        Action.REVIEW_BREAK_GLASS: Asking(review),
    }


def open_in_need(therapist: Caller, reference: str) -> Response:
    """Open a record, however often that was done in the last minute."""
    therapist.client.app.state.openings = Limit(per_minute=1000)  # type: ignore[attr-defined]  # Starlette leaves app untyped
    return therapist.post("/v1/break-glass", {"reference": reference, "purpose": "emergency"})


def asking_for_forms(clinic: Clinic, of: list[Ids]) -> dict[str, Asking]:
    """Hand codes and links over, and open and decline on the tablet; of other episodes than those that are changed."""
    therapist, tablet = clinic.therapist, clinic.tablet

    def post(number: int, what: str) -> Response:
        return therapist.request("POST", f"/v1/assignments/{of[number]['assignment']}/{what}")

    def open_it(number: int) -> Response:
        return tablet.post("/v1/assignments/opening", {"code": post(number, "code").json()["code"]})

    def decline(number: int) -> Response:
        opened = open_it(number).json()["assignment_id"]
        return tablet.post(f"/v1/assignments/{opened}/declining", {"state": "unable", "reason": "no_time"})

    return {
        Action.MAKE_CODE: Asking(lambda n: post(20 + n, "code")),
        Action.MAKE_LINK: Asking(lambda n: post(20 + n, "link")),
        Action.OPEN_ASSIGNMENT: Asking(lambda n: open_it(20 + n), 2),
        Action.LIST_OPEN_ASSIGNMENTS: Asking(lambda _: tablet.get("/v1/assignments/open"), 2),
        Action.DECLINE_ASSIGNMENT: Asking(lambda n: decline(40 + n), 2),
    }


def keeping_tablets(clinic: Clinic) -> dict[str, Asking]:
    lead = clinic.lead

    def added() -> str:
        made: str = lead.post("/v1/devices", {"label": "Room 4"}).json()["id"]
        return made

    def revoke() -> Response:
        return lead.request("POST", f"/v1/devices/{added()}/revocation", headers={"If-Match": '"1"'})

    return {
        Action.LIST_DEVICES: Asking(lambda _: lead.get("/v1/devices")),
        Action.ADD_DEVICE: Asking(lambda n: lead.post("/v1/devices", {"label": f"Room {n}"})),
        Action.CHANGE_DEVICE: Asking(lambda _: lead.patch(f"/v1/devices/{added()}", {"label": "Room 5"}, 1)),
        Action.PAIR_DEVICE_ANEW: Asking(lambda _: lead.request("POST", f"/v1/devices/{added()}/pairing-code")),
        Action.REVOKE_DEVICE: Asking(lambda _: revoke()),
    }
