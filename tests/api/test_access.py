"""Who may ask for what, whom they reach, and the trace that every request on a patient leaves.

All routes are taken from the OpenAPI document, so that a new one is held against the same rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.api.examples import EXAMPLES
from app.api.middleware import WITHOUT_CREDENTIAL
from app.api.schemas.consents import ConsentCreate
from app.api.schemas.deletion import DeletionCreate
from app.api.schemas.instruments import Questionnaire
from app.db.codes import Role
from app.db.session import Access, Database
from app.identity.credentials import token_hash
from app.identity.policy import ALLOWED, Action
from app.services.organisations import add_service, add_user, founding_scope, issue_credential
from tests.factories import (
    NAMES,
    PASSWORD,
    START,
    Caller,
    Clinic,
    administration,
    created,
    listed,
    make_clinic,
    make_episode,
    make_record,
    ok,
    own_instrument,
    phq_9,
    put,
)
from tests.owner import Owner

DESCRIBING = {Action.READ_OPENAPI, Action.READ_PROBLEM, Action.LIST_INSTRUMENTS, Action.READ_INSTRUMENT}
LEADING = {
    Action.ADD_PROGRAMME,
    Action.CHANGE_PROGRAMME,
    Action.ADD_PROGRAMME_EVIDENCE,
    Action.CHANGE_PROGRAMME_EVIDENCE,
    Action.PUT_EVALUATION_PLAN,
    Action.READ_SERVICE_STATEMENTS,
    Action.PUT_SERVICE_STATEMENTS,
    Action.CHANGE_SETTINGS,
    Action.ADD_INSTRUMENT,
    Action.LOAD_WORDING,
    Action.ACTIVATE_CURVE,
    Action.STEP_BACK_CURVE,
}
PLANNING = {
    Action.LIST_PROGRAMMES,
    Action.READ_PROGRAMME,
    Action.LIST_PROGRAMME_EVIDENCE,
    Action.READ_EVALUATION_PLAN,
    Action.READ_SETTINGS,
    Action.LIST_CURVES,
    Action.READ_CURVE,
}
DELETING = {
    Action.DELETE_PATIENT,
    Action.DELETE_ADMINISTRATION,
    Action.LIST_DELETIONS,
    Action.LIST_LEGAL_HOLDS,
    Action.PLACE_LEGAL_HOLD,
    Action.LIFT_LEGAL_HOLD,
}
"""What an administrator does with records by their ids alone; tests/api/test_deletion.py has the rest."""
ADMINISTERING = {
    Action.LIST_USERS,
    Action.ADD_USER,
    Action.READ_USER,
    Action.CHANGE_USER,
    Action.INVITE_USER,
    Action.END_USER_CREDENTIALS,
    Action.LIST_SERVICES,
    Action.ADD_SERVICE,
    Action.CHANGE_SERVICE,
}
LISTING = {Action.LIST_USERS, Action.LIST_SERVICES}
REPORTS = {
    Action.READ_OUTCOMES_REPORT,
    Action.READ_REPORT_CHART,
    Action.READ_GRANT_REPORT,
    Action.READ_TOOL_REPORT,
}
"""What many episodes say, without a small number; tests/api/test_reports.py tries it."""
REPORT_JOBS = {Action.START_REPORT_JOB, Action.READ_REPORT_JOB, Action.READ_REPORT_FILE}
"""The same while its reader does something else; tests/api/test_report_jobs.py tries it."""
OWN_REPORT = {Action.READ_OWN_REPORT}
OWN = {Action.CHANGE_PASSWORD, Action.END_SESSION}
"""What people do with their own log-in; tests/api/test_log_in.py tries it."""
TABLETS = {
    Action.LIST_DEVICES,
    Action.ADD_DEVICE,
    Action.CHANGE_DEVICE,
    Action.PAIR_DEVICE_ANEW,
    Action.REVOKE_DEVICE,
}
EXPORTING = {Action.EXPORT_CASES}
"""Shows rows of many patients at once, to analysts alone; tests/api/test_exports.py tries it."""

ASKED = {Action.LIST_OPEN_ASSIGNMENTS, Action.DECLINE_ASSIGNMENT}
ANSWERING = {Action.OPEN_ASSIGNMENT, *ASKED}
"""What is for whoever fills in forms; tests/api/test_openings.py tries it."""

SUMMARISED = {Action.CHANGE_PROGRAMME}
DECIDING = {Action.ACTIVATE_CURVE, Action.STEP_BACK_CURVE}
"""What touches no patient and changes what is said of many; so do the settings."""

# A session is an event of the service, which therapists share; who attended it is reached through their patients.
SHARED_SESSION = {Action.READ_SESSION, Action.CHANGE_SESSION, Action.LIST_ATTENDANCES}

# Each write, and the table in which it leaves a row. All else that therapists do on patients is reading.
WRITES = {
    Action(action): table
    for table, actions in {
        "administrations": "put_administration put_administrations correct_administration"
        " enter_administration_in_error",
        "patients": "register_patient change_patient",
        "informants": "add_informant change_informant",
        "episodes": "open_episode change_episode",
        "episode_programmes": "start_episode_programme change_episode_programme",
        "treatment_sessions": "record_session change_session",
        "attendances": "add_attendance change_attendance",
        "assignments": "add_assignment change_assignment make_code make_link",
        "goals": "add_goal change_goal",
        "reviews": "record_review change_review",
        "risk_alerts": "acknowledge_risk_alert",
        "treatment_relations": "add_treatment_relation end_treatment_relation",
        "blocks": "add_block lift_block",
        "break_glass": "break_glass",
        "consents": "record_consent",
    }.items()
    for action in actions.split()
}
OVERSEEING = {Action.LIST_BREAK_GLASS, Action.REVIEW_BREAK_GLASS}
"""What an administrator sees of patients: their ids, and who has opened their records."""

NOT_ON_PATIENTS = (
    DESCRIBING
    | LEADING
    | DELETING
    | PLANNING
    | ADMINISTERING
    | TABLETS
    | ANSWERING
    | OWN
    | EXPORTING
    | REPORTS
    | REPORT_JOBS
    | OWN_REPORT
    | {Action.READ_SESSION}
)
ON_PATIENTS = set(Action) - NOT_ON_PATIENTS


@dataclass(frozen=True)
class Operation:
    """One route, ready to be called on a record with a body that fits."""

    action: Action
    method: str
    path: str
    has_body: bool

    def call(self, caller: Caller, record: Mapping[str, str], **headers: str) -> Response:
        # What is put gets an id of its own; everything else is about what is there.
        ids = {**record, **NAMES}
        if self.action is Action.PUT_ADMINISTRATION:
            ids["administration_id"] = str(uuid4())
        body = {"json": bodies(record)[self.action]} if self.has_body else {}
        # The correction comes before the one, the activation before another, the label before the last.
        second = (Action.ENTER_ADMINISTRATION_IN_ERROR, Action.STEP_BACK_CURVE, Action.REVOKE_DEVICE)
        version = 2 if self.action in second else 1
        given = {"If-Match": f'"{version}"', **headers}
        return caller.request(
            self.method, self.path.format(**ids), headers=given, params=QUERIES.get(self.action), **body
        )


QUERIES: Mapping[Action, Mapping[str, Any]] = {
    Action.READ_OUTCOMES_REPORT: {"year": 2026, "measure": "phq-9"},
    Action.READ_REPORT_CHART: {"year": 2026, "measure": "phq-9"},
    Action.READ_OWN_REPORT: {"year": 2026, "measure": "phq-9"},
    Action.READ_TOOL_REPORT: {"year": 2026, "measure": "phq-9"},
    Action.READ_GRANT_REPORT: {"year": 2026},
    Action.EXPORT_CASES: {"year": 2026, "use": "research"},
}
"""What a request has to say beside its path."""


def bodies(record: Mapping[str, str]) -> dict[Action, Any]:
    at, put_body = START.isoformat(), administration({"id": record["episode_id"]}, phq_9(5))
    at_end = "2199-01-01T00:00:00Z"
    attendance = {"episode_id": record["episode_id"], "outcome": "attended"}
    programme = {"name": "Group", "format": "group", "counted_contact_types": ["group"]}
    consent = EXAMPLES[ConsentCreate] | {"stated_at": at}
    decision = EXAMPLES[DeletionCreate] | {"decided_at": at}
    return {
        Action.RECORD_CONSENT: consent,
        Action.DELETE_PATIENT: decision,
        Action.DELETE_ADMINISTRATION: decision,
        Action.PLACE_LEGAL_HOLD: {"reason": "a complaint"},
        Action.LIFT_LEGAL_HOLD: {"reason": "settled"},
        Action.PUT_ADMINISTRATION: put_body,
        Action.PUT_ADMINISTRATIONS: {"administrations": [put_body | {"id": str(uuid4())}]},
        Action.CORRECT_ADMINISTRATION: {"reason": "it was on paper", "mode": "paper"},
        Action.ENTER_ADMINISTRATION_IN_ERROR: {"reason": "somebody else's"},
        Action.REGISTER_PATIENT: {"reference": f"P-{uuid4()}", "birth_month": "1990-01-01"},
        Action.CHANGE_PATIENT: {"language": "nn"},
        Action.ADD_INFORMANT: {"role": "parent", "label": "father"},
        Action.CHANGE_INFORMANT: {"visibility": "open"},
        Action.OPEN_EPISODE: {"patient_id": record["patient_id"], "opened_at": at},
        Action.CHANGE_EPISODE: {"pathway": 2},
        Action.START_EPISODE_PROGRAMME: {"programme_id": record["programme_id"], "started_at": at},
        Action.CHANGE_EPISODE_PROGRAMME: {"started_at": at},
        Action.RECORD_SESSION: {"starts_at": at, "contact_type": "individual", "attendances": [attendance]},
        Action.CHANGE_SESSION: {"minutes": 45},
        Action.ADD_ATTENDANCE: attendance | {"informant_id": record["informant_id"]},
        Action.CHANGE_ATTENDANCE: {"outcome": "no_show"},
        Action.ADD_ASSIGNMENT: {"instrument": "phq-9", "opens_at": at},
        Action.CHANGE_ASSIGNMENT: {"closes_at": at_end},
        Action.OPEN_ASSIGNMENT: {"code": "R7M2KX"},
        Action.DECLINE_ASSIGNMENT: {"state": "declined", "reason": "not_now"},
        Action.ADD_DEVICE: {"label": "Room 2"},
        Action.CHANGE_DEVICE: {"label": "Room 3"},
        Action.ADD_GOAL: {"place": 2, "words": "work again", "set_at": at},
        Action.CHANGE_GOAL: {"words": "sleep all night"},
        Action.RECORD_REVIEW: {"dose": 1, "with_patient": True, "causes": ["alliance"], "action": "continue"},
        Action.CHANGE_REVIEW: {"note": "agreed"},
        Action.ACKNOWLEDGE_RISK_ALERT: {"assessment": "talked it through"},
        Action.ADD_TREATMENT_RELATION: {"user_id": record["locum_id"]},
        Action.ADD_BLOCK: {"user_id": record["analyst_id"]},
        Action.BREAK_GLASS: {"reference": record["former_reference"], "purpose": "emergency"},
        Action.REVIEW_BREAK_GLASS: {"finding": "justified"},
        Action.ADD_PROGRAMME: programme,
        Action.CHANGE_PROGRAMME: {"planned_dose": 8},
        Action.ADD_PROGRAMME_EVIDENCE: {"target_group": "adults"},
        Action.CHANGE_PROGRAMME_EVIDENCE: {"target_group": "young people"},
        Action.PUT_EVALUATION_PLAN: {"question": "Does it help?"},
        Action.PUT_SERVICE_STATEMENTS: {"goals": "Help within two weeks."},
        Action.CHANGE_SETTINGS: {"reason": "a trial", "language": "nn"},
        Action.ADD_INSTRUMENT: own_instrument(),
        Action.LOAD_WORDING: EXAMPLES[Questionnaire],
        Action.ADD_USER: {"display_name": "New", "role": "analyst", "service_id": record["service_id"]},
        Action.CHANGE_USER: {"display_name": "Newer"},
        Action.ADD_SERVICE: {"name": "Another"},
        Action.CHANGE_SERVICE: {"name": "Renamed"},
        Action.START_REPORT_JOB: {"year": 2026, "measure": "phq-9", "file_format": "csv"},
        Action.CHANGE_PASSWORD: {"present": PASSWORD, "password": PASSWORD},
    }


@pytest.fixture(scope="module")
def record_of(database: Database, client: TestClient) -> tuple[Clinic, dict[str, str]]:
    """A clinic with one record, for tests in which nothing is to get through."""
    clinic = make_clinic(database, client)
    return clinic, make_record(clinic)


@pytest.fixture(scope="module")
def operations(record_of: tuple[Clinic, dict[str, str]]) -> list[Operation]:
    return operations_of(record_of[0])


def operations_of(clinic: Clinic) -> list[Operation]:
    """Give every route of the OpenAPI document that asks for a credential."""
    document = ok(clinic.therapist.get("/v1/openapi.json"))
    return [
        Operation(Action(described["operationId"]), method.upper(), path, "requestBody" in described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
        if path not in WITHOUT_CREDENTIAL
    ]


def statuses(operations: Collection[Operation], caller: Caller, record: Mapping[str, str]) -> set[int]:
    return {each.call(caller, record).status_code for each in operations}


def without_request_id(answer: Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "request_id"}


# ---- Credentials


def test_every_action_is_a_route_and_every_body_is_known(operations: list[Operation]) -> None:
    assert sorted(each.action for each in operations) == sorted(Action)
    with_body = {each.action for each in operations if each.has_body}
    assert set(bodies(defaultdict(str))) == with_body


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer"}, {"Authorization": "Basic c3BvcjpzcG9y"}])
def test_no_route_answers_without_a_credential(
    record_of: tuple[Clinic, dict[str, str]], operations: list[Operation], headers: dict[str, str]
) -> None:
    clinic, record = record_of
    for each in operations:
        # Neither a body nor If-Match: what else is wrong comes after who asks.
        path = each.path.format(**record, **NAMES)
        answer = clinic.therapist.client.request(each.method, path, headers=headers)
        problem = answer.json()
        assert (answer.status_code, problem["type"]) == (401, "/v1/problems/unauthenticated"), each
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert (problem["request_id"], answer.headers["Cache-Control"]) == (answer.headers["X-Request-ID"], "no-store")


@pytest.mark.parametrize("spoilt", ["revoked_at = now()", "expires_at = now()", None])
def test_no_route_answers_a_credential_that_does_not_hold(
    database: Database, client: TestClient, operations: list[Operation], owner: Owner, spoilt: str | None
) -> None:
    clinic = make_clinic(database, client)
    record = make_record(clinic)
    for caller in (clinic.therapist, clinic.lead, clinic.tablet):
        before = owner.counts(clinic.organisation_id)
        if spoilt is None:
            asking = replace(caller, token=f"{caller.token[:-1]}-")
        else:
            asking, where = caller, "where token_hash = %s returning 1"
            # One that expires tomorrow holds today.
            for mark, status in (("expires_at = now() + interval '1 day'", 200), (spoilt, 401)):
                owner.rows(f"update credentials set {mark} {where}", token_hash(caller.token))
                assert caller.get("/v1/openapi.json").status_code == status
        assert statuses(operations, asking, record) == {401}
        assert asking.get("/v1/openapi.json").headers["WWW-Authenticate"] == "Bearer"
        assert owner.counts(clinic.organisation_id) == before


# ---- Roles


def test_the_roles_are_what_was_decided() -> None:
    assert set(ALLOWED) == set(Role)
    # A tablet reads nothing back; a lead sees no person; neither programmes nor settings are a therapist's to change.
    assert ALLOWED[Role.DEVICE] == DESCRIBING | ANSWERING | {Action.PUT_ADMINISTRATION, Action.PUT_ADMINISTRATIONS}
    assert ALLOWED[Role.RESPONDENT] == DESCRIBING | ASKED | {Action.PUT_ADMINISTRATION}
    lead = ALLOWED[Role.SERVICE_LEAD]
    assert lead == DESCRIBING | LEADING | PLANNING | TABLETS | OWN | LISTING | REPORTS | REPORT_JOBS
    of_others = REPORTS | REPORT_JOBS | EXPORTING | LEADING | DELETING | TABLETS | ANSWERING | (ADMINISTERING - LISTING)
    of_others |= {Action.REVIEW_BREAK_GLASS}
    assert set(Action) - ALLOWED[Role.THERAPIST] == of_others
    assert ALLOWED[Role.ADMINISTRATOR] == lead | OVERSEEING | DELETING | ADMINISTERING


@pytest.mark.parametrize("role", list(Role))
def test_what_a_role_may_not_do_is_refused(
    record_of: tuple[Clinic, dict[str, str]], operations: list[Operation], owner: Owner, role: Role
) -> None:
    clinic, record = record_of
    caller = clinic.caller(role)
    before = owner.counts(clinic.organisation_id)
    forbidden = [each for each in operations if each.action not in ALLOWED[role]]
    assert forbidden
    assert statuses(forbidden, caller, record) == {403}
    assert forbidden[0].call(caller, record).json()["type"] == "/v1/problems/forbidden"
    assert owner.counts(clinic.organisation_id) == before


def test_a_tablet_reads_nothing_back(record_of: tuple[Clinic, dict[str, str]], operations: list[Operation]) -> None:
    clinic, record = record_of
    reads = [each for each in operations if each.method == "GET" and each.action not in DESCRIBING | ASKED]
    assert statuses(reads, clinic.tablet, record) == {403}
    assert statuses(reads, clinic.caller(Role.RESPONDENT), record) == {403}


# ---- Reach


def with_ids_of_patients(operations: Collection[Operation]) -> list[Operation]:
    """Routes that name something of a patient's, in the path or in the body."""
    named = {Action.PUT_ADMINISTRATION, Action.OPEN_EPISODE, Action.RECORD_SESSION}
    on_patients = (ON_PATIENTS | SHARED_SESSION) - {Action.REVIEW_BREAK_GLASS}
    return [each for each in operations if each.action in on_patients and ("{" in each.path or each.action in named)]


@pytest.mark.parametrize("who", ["colleague", "other service", "other organisation"])
def test_somebody_elses_patient_is_as_unknown_as_one_that_is_not_there(
    record_of: tuple[Clinic, dict[str, str]],
    operations: list[Operation],
    database: Database,
    client: TestClient,
    owner: Owner,
    who: str,
) -> None:
    clinic, record = record_of
    with database.work(founding_scope(clinic.organisation_id), Access("test", uuid4())) as work:
        elsewhere = add_user(work, add_service(work, "Elsewhere"), Role.THERAPIST, "Therapist")
        token = issue_credential(work, elsewhere)
    caller = {
        "colleague": clinic.colleague,
        "other service": Caller(client, token),
        "other organisation": make_clinic(database, client).therapist,
    }[who]
    events = len(owner.audit(clinic.organisation_id))
    nothing = {name: str(uuid4()) for name in record}
    if who == "colleague":
        nothing["session_id"] = record["session_id"]
    for each in with_ids_of_patients(operations):
        if who == "colleague" and each.action in SHARED_SESSION:
            continue
        answer = each.call(caller, record)
        assert answer.status_code == 404, (each, answer.text)
        assert without_request_id(answer) == without_request_id(each.call(caller, nothing)), each
    assert len(owner.audit(clinic.organisation_id)) == events


def test_a_programme_or_a_curve_of_another_organisation_is_not_there(
    record_of: tuple[Clinic, dict[str, str]], operations: list[Operation], database: Database, client: TestClient
) -> None:
    stranger = make_clinic(database, client).lead
    of_one = {Action.READ_PROGRAMME, Action.CHANGE_PROGRAMME, Action.READ_CURVE, *DECIDING}
    found = [each for each in operations if each.action in of_one]
    assert len(found) == len(of_one)
    assert statuses(found, stranger, record_of[1]) == {404}


def test_a_batch_tells_nothing_of_an_episode_out_of_reach(
    record_of: tuple[Clinic, dict[str, str]], operations: list[Operation]
) -> None:
    clinic, record = record_of
    [batch] = [each for each in operations if each.action is Action.PUT_ADMINISTRATIONS]
    problems = []
    for ids in (record, record | {"episode_id": str(uuid4())}):
        [entry] = ok(batch.call(clinic.other_tablet, ids))["administrations"]
        assert (entry["status"], entry["receipt"], entry["problem"]["status"]) == ("refused", None, 404)
        problems.append(entry["problem"])
    assert problems[0] == problems[1]


def test_a_colleague_sees_nothing_in_lists(record_of: tuple[Clinic, dict[str, str]], owner: Owner) -> None:
    clinic, record = record_of
    colleague, events = clinic.colleague, len(owner.audit(clinic.organisation_id))
    assert ok(colleague.get("/v1/patients")) == {"patients": [], "next_after": None}
    assert ok(colleague.get("/v1/episodes")) == {"episodes": [], "next_after": None}
    assert ok(colleague.get(f"/v1/episodes?patient_id={record['patient_id']}"))["episodes"] == []
    assert ok(colleague.get("/v1/caseload")) == {"episodes": []}
    assert listed(colleague.get("/v1/risk-alerts")) == []
    assert listed(colleague.get(f"/v1/treatment-sessions/{record['session_id']}/attendances")) == []
    # Nothing was seen, so there is nothing to trace.
    assert len(owner.audit(clinic.organisation_id)) == events


def test_who_no_longer_treats_a_patient_no_longer_reaches_them(clinic: Clinic, owner: Owner) -> None:
    episode = make_episode(clinic)
    ok(clinic.therapist.get(f"/v1/patients/{episode['patient_id']}"))
    owner.rows("update treatment_relations set ended_at = now() where episode_id = %s returning 1", UUID(episode["id"]))
    for path in (f"/v1/patients/{episode['patient_id']}", f"/v1/episodes/{episode['id']}"):
        assert clinic.therapist.get(path).status_code == 404
    assert ok(clinic.therapist.get("/v1/patients"))["patients"] == []


# ---- The trace


def test_every_request_on_a_patient_leaves_one_event_in_its_own_transaction(
    clinic: Clinic, operations: list[Operation], owner: Owner
) -> None:
    record = make_record(clinic)
    by_action = {each.action: each for each in operations}
    for action in Action:
        # What is opened in need leaves an event of another purpose: see tests/api/test_break_glass.py.
        if action not in ALLOWED[Role.THERAPIST] - OWN - OWN_REPORT - {Action.BREAK_GLASS, Action.LIST_BREAK_GLASS}:
            continue
        request_id = uuid4()
        answer = by_action[action].call(clinic.therapist, record, **{"X-Request-ID": str(request_id)})
        assert answer.status_code < 300, (action, answer.text)
        assert answer.headers["X-Request-ID"] == str(request_id)
        events = owner.rows("select * from audit_events where request_id = %s", request_id)
        assert len(events) == (action in ON_PATIENTS), action
        for event in events:
            patient_id = answer.json()["id"] if action is Action.REGISTER_PATIENT else record["patient_id"]
            assert event["patient_ids"] == [UUID(patient_id)], action
            assert (event["action"], event["role"], event["purpose"]) == (action, "therapist", "treatment")
            assert event["organisation_id"] == clinic.organisation_id
            assert str(event["resource_id"]) in answer.request.url.path or "{" not in by_action[action].path
            assert (event["actor_id"], event["service_id"]) == (clinic.therapist_id, clinic.service_id)
        if action in WRITES:
            # A row's xmin is the transaction that wrote it: the low half of the event's 64-bit number.
            written = owner.rows(
                f"select 1 from {WRITES[action]} t join audit_events e on e.organisation_id = t.organisation_id"
                " where e.request_id = %s and t.xmin = e.xmin"
                " and t.xmin::text::bigint = e.xid::text::bigint %% 4294967296",
                request_id,
            )
            assert written, action


def test_a_therapists_own_report_leaves_an_event_that_names_no_patient(
    clinic: Clinic, operations: list[Operation], owner: Owner
) -> None:
    record = make_record(clinic)
    [own] = [each for each in operations if each.action in OWN_REPORT]
    ok(own.call(clinic.therapist, record))
    event = owner.audit(clinic.organisation_id)[-1]
    assert (event["action"], event["patient_ids"]) == (Action.READ_OWN_REPORT, [])


def test_planning_touches_no_patient_and_leaves_an_event_only_where_verdicts_change(
    clinic: Clinic, operations: list[Operation], owner: Owner
) -> None:
    record = make_record(clinic)
    before = len(owner.audit(clinic.organisation_id))
    allowed = [each for each in operations if each.action in ALLOWED[Role.SERVICE_LEAD] - OWN - REPORT_JOBS]
    assert statuses(allowed, clinic.lead, record) == {200, 201}
    events = owner.audit(clinic.organisation_id)[before:]
    assert {(event["action"], event["role"], event["purpose"]) for event in events} == {
        (action, "service_lead", "administration")
        for action in (*DECIDING, *SUMMARISED, *REPORTS, Action.CHANGE_SETTINGS)
    }
    touching = {event["action"] for event in events if event["patient_ids"]}
    assert touching == SUMMARISED, "what is summarised of the programme's episodes follows from its plan"


def test_a_tablet_leaves_its_trace_also_when_it_repeats(clinic: Clinic, owner: Owner) -> None:
    one, two = make_episode(clinic), make_episode(clinic)
    before = len(owner.audit(clinic.organisation_id))
    administration_id, body = uuid4(), administration(one, phq_9(5))
    for expected in (201, 200):
        assert put(clinic.tablet, body, administration_id).status_code == expected
    batch = [administration(each, phq_9(6)) | {"id": str(uuid4())} for each in (two, one, two)]
    ok(clinic.tablet.put("/v1/administrations", {"administrations": batch}))
    events = owner.audit(clinic.organisation_id)[before:]
    both = sorted(UUID(each["patient_id"]) for each in (one, two))
    assert [(event["action"], event["patient_ids"]) for event in events] == [
        ("put_administration", [UUID(one["patient_id"])]),
        ("put_administration", [UUID(one["patient_id"])]),
        ("put_administrations", both),
    ]
    assert {(event["role"], event["purpose"]) for event in events} == {("device", "answering")}
    assert len({event["request_id"] for event in events}) == 3


def test_a_list_leaves_one_event_with_everybody_on_it(clinic: Clinic, owner: Owner) -> None:
    patients = sorted(UUID(make_episode(clinic)["patient_id"]) for _ in range(3))
    for path, seen in (("/v1/patients", patients), ("/v1/patients?limit=2", patients[:2]), ("/v1/caseload", patients)):
        before = len(owner.audit(clinic.organisation_id))
        ok(clinic.therapist.get(path))
        [event] = owner.audit(clinic.organisation_id)[before:]
        assert event["patient_ids"] == seen


def test_what_is_refused_leaves_no_event(clinic: Clinic, owner: Owner) -> None:
    record = make_record(clinic)
    therapist, episode = clinic.therapist, f"/v1/episodes/{record['episode_id']}"
    patient = f"/v1/patients/{record['patient_id']}"
    reference = ok(therapist.get(patient))["reference"]
    same_id, first = uuid4(), administration({"id": record["episode_id"]}, phq_9(4))
    created(put(clinic.tablet, first, same_id))
    nowhere = {"programme_id": str(uuid4()), "started_at": START.isoformat()}
    before = len(owner.audit(clinic.organisation_id))
    answers = {
        "conflict of answers": (put(clinic.tablet, first | {"mode": "paper"}, same_id), 409),
        "unreadable": (put(clinic.tablet, first | {"answers": {"1": 7}}), 422),
        "same reference": (therapist.post("/v1/patients", {"reference": reference, "birth_month": "1990-01-01"}), 409),
        "rule of the table": (therapist.patch(episode, {"closing_reason": "other"}, 1), 422),
        "points at nothing": (therapist.post(f"{episode}/programmes", nowhere), 422),
        "stale": (therapist.patch(patient, {"language": "nn"}, 7), 412),
        "no version": (therapist.request("PATCH", patient, json={"language": "nn"}), 428),
        "no such series": (therapist.get(f"{episode}/trajectory", params={"instrument": "gad-7"}), 404),
    }
    for name, (answer, status) in answers.items():
        assert answer.status_code == status, name
    assert len(owner.audit(clinic.organisation_id)) == before


@pytest.mark.parametrize("body", [b"not JSON", b'{"reference": 1}'])
def test_who_may_not_ask_is_not_told_what_is_wrong_with_the_body(clinic: Clinic, body: bytes) -> None:
    stranger, tablet = replace(clinic.therapist, token="spor_nobody"), clinic.tablet
    statuses = [
        caller.request("POST", "/v1/patients", content=body, headers={"Content-Type": "application/json"}).status_code
        for caller in (stranger, tablet, clinic.therapist)
    ]
    assert statuses == [401, 403, 422]
