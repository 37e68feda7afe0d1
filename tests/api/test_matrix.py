"""Every route, by every role, in every relation to a patient: what is answered, and that nothing else leaks.

The routes come from the OpenAPI document and the rights from the policy; whom a role reaches is written here a second
time, as the design says it, so that a mistake in app/db/reach.py would have to be made twice. A new route without a
row fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import true

from app.api.guesses import Guesses
from app.api.limits import Limit
from app.db import reach
from app.db.codes import Role
from app.db.editing import add, add_of_organisation
from app.db.models import Block, Service, TreatmentRelation, User
from app.db.session import Access, Database, Work
from app.identity.policy import ALLOWED, Action
from app.services.organisations import add_device, add_service, founding_scope, issue_credential
from tests.api.test_access import Operation, operations_of, without_request_id
from tests.factories import (
    Caller,
    Clinic,
    administration,
    make_clinic,
    make_record,
    ok,
    open_by_code,
    phq_9,
    redeem_link,
    respondent_of,
)


class Relation(StrEnum):
    """How a caller stands to the patient whose record is asked for."""

    OWN = "own"
    OTHER_SERVICE = "other service"
    OTHER_ORGANISATION = "other organisation"
    BLOCKED = "blocked"
    CLOSED = "closed relation"


class Kind(Enum):
    """What a route is about, by which it is known who gets an answer."""

    PATIENT = "something of one patient, named by its id"
    SESSION = "a session of the service, which its therapists share"
    GLASS = "the record of a patient of the service, opened in need"
    OPENING = "who has opened a patient's record"
    BY_DECISION = "a record that is held or deleted by its id, unseen"
    ROW = "a row of the organisation, named by its id"
    TABLET = "a tablet of the service"
    STATEMENTS = "what the service says of itself"
    CODE = "whatever a code stands for; this one is made up"
    JOB = "a report that its reader asked for; this one is made up"
    LIST = "what the caller reaches, whatever that is"
    NEW = "something that did not exist, of the caller's own organisation"
    PLACED = "something new at a service that is named"
    SELF = "the caller's own log-in"
    EVERYBODY = "what the program itself is"


ROWS: Mapping[Action, Kind] = {
    Action(action): kind
    for kind, actions in {
        Kind.PATIENT: "put_administration read_administration correct_administration enter_administration_in_error"
        " read_trajectory read_sparkline read_record_note read_patient change_patient list_informants add_informant"
        " change_informant open_episode read_episode change_episode list_episode_programmes start_episode_programme"
        " change_episode_programme list_episode_sessions change_attendance list_assignments read_access_log"
        " add_assignment change_assignment list_goals add_goal change_goal list_reviews record_review change_review"
        " acknowledge_risk_alert list_treatment_relations add_treatment_relation end_treatment_relation list_blocks"
        " add_block lift_block record_session add_attendance read_patient_copy list_consents record_consent"
        " make_code make_link decline_assignment",
        Kind.SESSION: "read_session change_session list_attendances",
        Kind.GLASS: "break_glass",
        Kind.OPENING: "review_break_glass",
        Kind.BY_DECISION: "delete_patient delete_administration list_legal_holds place_legal_hold lift_legal_hold",
        Kind.ROW: "read_programme change_programme read_curve activate_curve step_back_curve"
        " read_user change_user invite_user end_user_credentials change_service list_programme_evidence"
        " add_programme_evidence change_programme_evidence read_evaluation_plan put_evaluation_plan",
        Kind.TABLET: "change_device pair_device_anew revoke_device",
        Kind.STATEMENTS: "read_service_statements put_service_statements",
        Kind.CODE: "open_assignment",
        Kind.JOB: "read_report_job read_report_file",
        Kind.LIST: "read_caseload list_patients list_episodes list_risk_alerts list_programmes list_curves"
        " list_break_glass read_settings list_instruments list_deletions list_users list_services list_devices"
        " list_open_assignments put_administrations read_outcomes_report read_report_chart read_grant_report"
        " read_own_report read_tool_report export_cases start_report_job",
        Kind.NEW: "register_patient add_programme add_instrument load_wording change_settings add_service add_device",
        Kind.PLACED: "add_user",
        Kind.SELF: "change_password end_session",
        Kind.EVERYBODY: "read_openapi read_problem read_instrument",
    }.items()
    for action in actions.split()
}

DONE = frozenset({200, 201, 202, 204})
HIDDEN = frozenset({404})
REFUSED = frozenset({403})
NOT_YET = frozenset({409})
"""It is theirs, and the state does not allow it: a record is held, a form is answered, the caller has no password."""


MAY_HAVE_TO_WAIT = {
    Action.DELETE_PATIENT,
    Action.DELETE_ADMINISTRATION,
    Action.DECLINE_ASSIGNMENT,
    Action.CHANGE_PASSWORD,
}


def reaches(role: Role, relation: Relation) -> bool:
    """Say once more whom a role reaches (design, sections 1 and 5)."""
    if relation is Relation.CLOSED:  # a relation is a therapist's: who oversees the service has none to end
        return role is Role.SUPERVISOR
    return relation is Relation.OWN and role in {Role.DEVICE, Role.RESPONDENT, Role.THERAPIST, Role.SUPERVISOR}


def expected(role: Role, relation: Relation, action: Action) -> frozenset[int]:
    """Give the statuses with which a request may be answered."""
    kind, elsewhere = ROWS[action], relation is Relation.OTHER_ORGANISATION
    of_service = not elsewhere and relation is not Relation.OTHER_SERVICE
    if action not in ALLOWED[role]:
        return REFUSED
    allowed = {
        Kind.PATIENT: reaches(role, relation),
        Kind.SESSION: of_service,
        Kind.GLASS: of_service,
        Kind.OPENING: not elsewhere if role is Role.ADMINISTRATOR else reaches(role, relation),
        Kind.BY_DECISION: not elsewhere,
        Kind.ROW: not elsewhere,
        Kind.TABLET: not elsewhere if role is Role.ADMINISTRATOR else of_service,
        Kind.STATEMENTS: not elsewhere if role is Role.ADMINISTRATOR else of_service,
        Kind.CODE: False,
        Kind.JOB: False,
        Kind.PLACED: not elsewhere,
    }.get(kind, True)
    if kind is Kind.PLACED and not allowed:
        return frozenset({422})
    if allowed and action in MAY_HAVE_TO_WAIT:
        return DONE | NOT_YET
    return DONE if allowed else HIDDEN


MAY_BE_TOLD = {
    Action.LIST_BREAK_GLASS,
    Action.REVIEW_BREAK_GLASS,
    Action.LIST_DELETIONS,
    Action.LIST_LEGAL_HOLDS,
    Action.PLACE_LEGAL_HOLD,
    Action.LIFT_LEGAL_HOLD,
}
"""What tells an administrator ids of patients of the organisation, and nothing else of them."""


@dataclass(frozen=True)
class Scene:
    """A record, and who asks for it."""

    clinic: Clinic
    record: Mapping[str, str]
    caller: Caller
    secrets: frozenset[str]


def scene(database: Database, client: TestClient, role: Role, relation: Relation) -> Scene:
    client.app.state.openings = Limit(per_minute=100_000)  # type: ignore[attr-defined]  # Starlette leaves app untyped
    client.app.state.guesses = Guesses(Limit(100_000))  # type: ignore[attr-defined]
    clinic = make_clinic(database, client)
    record = make_record(clinic)
    patient = ok(clinic.supervisor.get(f"/v1/patients/{record['patient_id']}"))
    of_patient = {name for name in record if name not in OF_THE_ORGANISATION}
    secrets = {record[name] for name in of_patient} | {patient["reference"]}
    caller = caller_of(database, client, clinic, record, role, relation)
    return Scene(clinic, record, caller, frozenset(secrets))


OF_THE_ORGANISATION = {
    "programme_id",
    "evidence_id",
    "curve_id",
    "user_id",
    "service_id",
    "device_id",
    "session_id",
    "locum_id",
    "analyst_id",
    "former_reference",
}
"""What a record names beside what is the patient's."""


def caller_of(
    database: Database, client: TestClient, clinic: Clinic, record: Mapping[str, str], role: Role, relation: Relation
) -> Caller:
    """Make who asks."""
    if relation is Relation.OTHER_ORGANISATION:
        return make_clinic(database, client).caller(role)
    assignment = {"id": record["assignment_id"]}
    if role is Role.RESPONDENT:
        return redeem_link(clinic, assignment) if relation is Relation.OWN else respondent_of(clinic)[0]
    if role is Role.DEVICE and relation is Relation.OWN:
        open_by_code(clinic, assignment)
    if relation is Relation.OWN:
        return clinic.caller(role)
    if role is Role.DEVICE and relation is Relation.OTHER_SERVICE:
        return clinic.other_tablet
    with database.work(founding_scope(clinic.organisation_id), Access("test", uuid4())) as work:
        service_id = add_service(work, "Elsewhere").id if relation is Relation.OTHER_SERVICE else clinic.service_id
        if role is Role.DEVICE:
            service = work.db.get_one(Service, (clinic.organisation_id, service_id))
            return Caller(client, issue_credential(work, add_device(work, service, "In the drawer")))
        user = add_of_organisation(work, User, {"service_id": service_id, "role": role, "display_name": "Somebody"})
        stand(work, clinic, record, user, relation)
        return Caller(client, issue_credential(work, user))


def stand(work: Work, clinic: Clinic, record: Mapping[str, str], user: User, relation: Relation) -> None:
    """Put somebody who works in the service into a relation to the patient."""
    entry = work.saw([UUID(record["patient_id"])])
    if relation in {Relation.BLOCKED, Relation.CLOSED} and user.role == Role.THERAPIST:
        since = {"episode_id": UUID(record["episode_id"]), "user_id": user.id, "started_at": work.now}
        add(work, entry, TreatmentRelation, since | {"ended_at": work.now if relation is Relation.CLOSED else None})
    if relation is Relation.BLOCKED:
        whom = {"patient_id": UUID(record["patient_id"]), "user_id": user.id}
        add(work, entry, Block, whom | {"blocked_at": work.now, "recorded_by": clinic.therapist_id})


@pytest.fixture(scope="module")
def operations(client: TestClient, database: Database) -> list[Operation]:
    found = operations_of(make_clinic(database, client))
    # What ends the asking comes at the end.
    last = [Action.DELETE_ADMINISTRATION, Action.DELETE_PATIENT, Action.CHANGE_PASSWORD, Action.END_SESSION]
    return sorted(
        found, key=lambda each: (last.index(each.action) if each.action in last else -1, [*Action].index(each.action))
    )


def test_every_route_has_its_row(operations: list[Operation]) -> None:
    assert sorted(ROWS) == sorted(each.action for each in operations) == sorted(Action)


def leaks(answer: Response, secrets: frozenset[str]) -> set[str]:
    """Find what an answer holds, in body or headers, that the request did not."""
    request = answer.request
    sent = f"{request.url} {request.content.decode(errors='replace')}"
    told = answer.text + " ".join(f"{name}: {value}" for name, value in answer.headers.items())
    return {secret for secret in secrets if secret in told and secret not in sent}


def strange_answers(operations: list[Operation], asked: Scene, role: Role, relation: Relation) -> dict[str, str]:
    """Ask for everything; give the answers that are not as they should be, and those that tell too much."""
    strange: dict[str, str] = {}
    for operation in operations:
        answer = operation.call(asked.caller, asked.record)
        if answer.status_code not in expected(role, relation, operation.action):
            strange[operation.action] = f"{answer.status_code}: {answer.text[:200]}"
        oversees = role is Role.ADMINISTRATOR and relation is not Relation.OTHER_ORGANISATION
        may_be_told = oversees and operation.action in MAY_BE_TOLD
        if not reaches(role, relation) and not may_be_told and (found := leaks(answer, asked.secrets)):
            strange[f"{operation.action} leaks"] = f"{len(found)} of {answer.text[:200]}"
    return strange


@pytest.mark.parametrize("relation", list(Relation))
@pytest.mark.parametrize("role", list(Role))
def test_every_route_answers_who_may_ask_and_nobody_else(
    database: Database, client: TestClient, operations: list[Operation], role: Role, relation: Relation
) -> None:
    assert strange_answers(operations, scene(database, client, role, relation), role, relation) == {}


def test_a_block_that_is_forgotten_would_be_found(
    database: Database, client: TestClient, operations: list[Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = scene(database, client, Role.THERAPIST, Relation.BLOCKED)
    monkeypatch.setattr(reach, "_not_blocked", lambda *_: true())
    reach.reached_in_sql.cache_clear()
    try:
        found = strange_answers(operations, asked, Role.THERAPIST, Relation.BLOCKED)
    finally:
        reach.reached_in_sql.cache_clear()
    assert {Action.READ_EPISODE, Action.READ_TRAJECTORY, "list_episodes leaks", "read_caseload leaks"} <= set(found)


SIDEWAYS = (
    "/v1/episodes?patient_id={patient_id}",
    "/v1/episodes?patient_id={patient_id}&limit=1",
    "/v1/episodes?limit=1&after={before_episode_id}",
    "/v1/patients?limit=1&after={before_patient_id}",
    "/v1/break-glass?limit=1&after={after_opening_id}",
    "/v1/break-glass?reviewed=false",
    "/v1/episodes/{episode_id}/trajectory?instrument=phq-9",
    "/v1/episodes/{episode_id}/trajectory?instrument=phq-9&informant={informant_id}",
    "/v1/episodes/{episode_id}/sparkline",
    "/v1/patients/{patient_id}/copy?for=informant&informant_id={informant_id}",
    "/v1/patients/{patient_id}/access-log?limit=1",
)
"""Filters, pages and cursors that lead to the patient; a cursor ends just before the id that is looked for."""

ACCEPTS = ("application/json", "image/svg+xml", "image/png", "text/csv", "application/pdf")

UNSEEING = [
    (role, relation)
    for role in (Role.THERAPIST, Role.SUPERVISOR)
    for relation in Relation
    if not reaches(role, relation)
]


def beside(record: Mapping[str, str]) -> dict[str, str]:
    """Name the ids with those that a cursor to them would hold."""
    before = {f"before_{name}": str(UUID(int=UUID(record[name]).int - 1)) for name in ("episode_id", "patient_id")}
    return {**record, **before, "after_opening_id": str(UUID(int=UUID(record["opening_id"]).int + 1))}


@pytest.mark.parametrize(("role", "relation"), UNSEEING)
def test_no_filter_cursor_or_format_leads_to_a_patient_out_of_reach(
    database: Database, client: TestClient, role: Role, relation: Relation
) -> None:
    asked = scene(database, client, role, relation)
    ids, nothing = beside(asked.record), beside({name: str(uuid4()) for name in asked.record})
    for path in SIDEWAYS:
        for accept in ACCEPTS:
            answer, other = (
                asked.caller.get(path.format(**each), headers={"Accept": accept}) for each in (ids, nothing)
            )
            assert answer.status_code == other.status_code in {200, 403, 404, 406}, (path, accept)
            # A page may begin with another patient, who is in reach.
            assert "after=" in path or without_request_id(answer) == without_request_id(other), path
            assert {"ETag", "Location"} & {*answer.headers} == set()
            assert leaks(answer, asked.secrets) == set(), (path, accept)


@pytest.mark.parametrize(("role", "relation"), UNSEEING)
def test_an_etag_tells_nothing_of_a_version_out_of_reach(
    database: Database, client: TestClient, operations: list[Operation], role: Role, relation: Relation
) -> None:
    asked = scene(database, client, role, relation)
    edits = [
        each
        for each in operations
        if ROWS[each.action] is Kind.PATIENT and "{" in each.path and each.action in ALLOWED[role]
    ]
    for operation in edits:
        right, wrong = (operation.call(asked.caller, asked.record, **{"If-Match": tag}) for tag in ('"1"', '"77"'))
        assert right.status_code == wrong.status_code == 404, operation
        assert without_request_id(right) == without_request_id(wrong), operation


def test_a_batch_of_forms_for_patients_out_of_reach_tells_nothing(database: Database, client: TestClient) -> None:
    asked = scene(database, client, Role.DEVICE, Relation.CLOSED)
    problems = []
    for episode_id in (asked.record["episode_id"], str(uuid4())):
        forms = [administration({"id": episode_id}, phq_9(5)) | {"id": str(uuid4())} for _ in range(3)]
        told = ok(asked.caller.put("/v1/administrations", {"administrations": forms}))["administrations"]
        assert {entry["status"] for entry in told} == {"refused"}
        problems.append([entry["problem"] for entry in told])
    assert problems[0] == problems[1]
