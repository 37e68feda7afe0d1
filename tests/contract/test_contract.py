"""Every operation, asked by everybody: no mistake of ours, no status and no shape that the document does not have.

CONTRACT_EXAMPLES is the number of random requests per operation and credential; the default suits every day.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count, cycle
from typing import Any
from uuid import uuid4

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from schemathesis import Response
from schemathesis.checks import CHECKS, load_all_checks

from app.api.guesses import Guesses
from app.api.limits import Limit
from app.config import Settings
from app.db.codes import JobState, Role
from app.db.session import Database
from app.identity.policy import ALLOWED, Action
from app.main import create_app
from tests.contract.asking import (
    CONFIG,
    PROBLEMS,
    TOLD_WITHIN,
    Conversation,
    Operation,
    coverage,
    loaded,
    operations_of,
    thinned,
)
from tests.factories import (
    NAMES,
    PASSWORD,
    Caller,
    Clinic,
    created,
    make_assignment,
    make_clinic,
    make_episode,
    make_former_patient,
    make_record,
    make_user,
    ok,
    open_by_code,
    phq_9,
    respondent_of,
    user_name_of,
)

EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "10"))

APP = create_app(Settings(), Database("postgresql+psycopg://nobody@/nowhere"))
DOCUMENT: dict[str, Any] = APP.openapi()
OPERATIONS: dict[str, dict[str, Any]] = {
    each["operationId"]: {"path": path, "method": method, **each}
    for path, methods in DOCUMENT["paths"].items()
    for method, each in methods.items()
}

SECURED = {operation for operation, described in OPERATIONS.items() if "security" in described}
"""What needs a credential; the rest is for whoever watches over the server."""

NOT_IN_THE_DOCUMENT = {("/metrics", "get")}
"""Is no JSON, and has a token of its own."""

NOBODY: Mapping[str, Mapping[str, str]] = {
    "none": {},
    "malformed": {"Authorization": "Bearer"},
    "of another scheme": {"Authorization": "Basic c3BvcjpzcG9y"},
    "unknown": {"Authorization": "Bearer spor_nobody"},
}
"""Credentials that are none."""


def refusal(operation: str, credential: str) -> int | None:
    """Give the status with which a credential is refused, whatever is asked; None if it may ask."""
    if operation not in SECURED:
        return None
    if credential in NOBODY:
        return 401
    return None if operation in ALLOWED[Role(credential)] else 403


PAIRS = [(operation, credential) for operation in OPERATIONS for credential in (*NOBODY, *Role)]
ADMITTED = {pair for pair in PAIRS if refusal(*pair) is None}


@dataclass(frozen=True)
class Filled:
    """A clinic with one of everything, and what is there by the names of fields."""

    clinic: Clinic
    known: Mapping[str, object | Callable[[], object]]
    secrets: frozenset[str]

    def token(self, credential: str) -> Mapping[str, str]:
        if credential in NOBODY:
            return NOBODY[credential]
        return {"Authorization": f"Bearer {self.clinic.caller(Role(credential)).token}"}


def fill(database: Database, client: TestClient) -> Filled:
    clinic = make_clinic(database, client)
    record = make_record(clinic)
    trajectory = ok(clinic.therapist.get(f"/v1/episodes/{record['episode_id']}/trajectory"))
    patient = ok(clinic.therapist.get(f"/v1/patients/{record['patient_id']}"))
    number = count()
    known: dict[str, Any] = {
        **record,
        "treatment_session_id": record["session_id"],
        "therapist_id": str(clinic.therapist_id),
        "service_id": str(clinic.service_id),
        "informant": record["informant_id"],
        "main_series_id": trajectory["series"]["id"],
        "instrument": "phq-9",
        "main_instrument": "phq-9",
        "form": "self",
        "form_family": "self",
        "key": "gad-7",
        "measure": "phq-9",
        "table": NAMES["table"],
        "target_group": lambda: f"adults {uuid4()}",
        "time_zone": "Europe/Oslo",
        "dose": 1,
        # Every other form answers the critical item, so that what does not fit is refused, or is kept for its sake.
        "answers": lambda: phq_9(3 + next(number) % 20, item_9=next(number) // 2 % 2),
        "reference": lambda: f"P-{uuid4()}",
        "name": lambda: f"Programme {uuid4()}",
        "user_name": lambda: f"new-{uuid4()}",
        "present": PASSWORD,
        "password": PASSWORD,
        "invitation": lambda: invitation(clinic),
    }
    return Filled(clinic, known, frozenset({*record.values(), trajectory["series"]["id"], patient["reference"]}))


def invitation(clinic: Clinic) -> str:
    """Invite somebody new."""
    path = f"/v1/users/{make_user(clinic)['id']}/invitation"
    token: str = created(clinic.administrator.post(path, None))["token"]
    return token


@pytest.fixture(scope="session")
def operations(database: Database) -> Mapping[str, Operation]:
    app = create_app(Settings(), database)
    app.state.login_limit = Limit(1_000_000)  # all of them ask from one address
    app.state.guesses = Guesses(Limit(1_000_000))
    app.state.openings = Limit(1_000_000)
    return operations_of(loaded(app))


@pytest.fixture(scope="session")
def kept(database: Database, client: TestClient) -> Filled:
    """A clinic in which nothing changes, since it is read only, or nothing gets through."""
    return fill(database, client)


def conversation(operation: Operation, filled: Filled, credential: Mapping[str, str]) -> Conversation:
    known = dict(filled.known)
    if operation.definition.raw["operationId"] == Action.READ_PROBLEM:
        known["name"] = "not-found"
    if operation.definition.raw["operationId"] == Action.ADD_INSTRUMENT:
        del known["name"]
    if operation.definition.raw["operationId"] == "open_session":
        known["user_name"] = user_name_of("Analyst", filled.clinic.organisation_id)
    return Conversation(operation, credential, known)


def new_forms(filled: Filled) -> dict[str, Callable[[], object]]:
    """Let each form have an id of its own, and several patients share them: none gets a course of hundreds."""
    episodes = cycle([filled.known["episode_id"], *(make_episode(filled.clinic)["id"] for _ in range(7))])
    return {"administration_id": lambda: str(uuid4()), "id": lambda: str(uuid4()), "episode_id": lambda: next(episodes)}


def secrets(operation: str, credential: str, filled: Filled) -> dict[str, object]:
    """Give codes and links that hold, a new one each time, and what a tablet or a respondent may name."""
    clinic = filled.clinic
    if operation in SECURED and credential == Role.RESPONDENT:
        own = respondent_of(clinic)[1]
        return {"assignment_id": own["id"], "episode_id": own["episode_id"]}
    if operation in (Action.READ_REPORT_JOB, Action.READ_REPORT_FILE):
        return {"job_id": made_report(clinic.caller(Role(credential)))}
    if operation == "pair_device":
        return {"code": lambda: created(clinic.lead.post("/v1/devices", {"label": "Room"}))["pairing"]["code"]}
    if operation == Action.DECLINE_ASSIGNMENT:
        return {"assignment_id": lambda: open_by_code(clinic, new_assignment(clinic))["assignment_id"]}
    if operation == Action.BREAK_GLASS:
        return {"reference": lambda: make_former_patient(clinic)["reference"]}
    made: dict[str, dict[str, object]] = {
        Action.OPEN_ASSIGNMENT: {"code": lambda: new_code(clinic)},
        "redeem_link": {"token": lambda: new_link(clinic)},
    }
    return made.get(operation, {})


def made_report(caller: Caller) -> object:
    """Have a report made, and wait for it."""
    asked = {"year": int(NAMES["year"]), "measure": "phq-9", "file_format": "csv"}
    job = caller.post("/v1/report-jobs", asked).json()
    while job["state"] in {JobState.WAITING, JobState.RUNNING}:
        job = ok(caller.get(f"/v1/report-jobs/{job['id']}"))
    return job["id"]


def new_assignment(clinic: Clinic) -> dict[str, Any]:
    return make_assignment(clinic, make_episode(clinic))


def new_code(clinic: Clinic) -> object:
    path = f"/v1/assignments/{new_assignment(clinic)['id']}/code"
    return created(clinic.therapist.request("POST", path))["code"]


def new_link(clinic: Clinic) -> object:
    path = f"/v1/assignments/{new_assignment(clinic)['id']}/link"
    return created(clinic.therapist.request("POST", path))["token"]


def with_a_live_curve(asked: Conversation, filled: Filled) -> None:
    """Put the curve into force, so that it can be taken back; that is its second version."""
    path = f"/v1/curves/{filled.known['curve_id']}/activation"
    created(filled.clinic.lead.request("POST", path, headers={"If-Match": '"1"'}))
    asked.version = 2


def without_hold(filled: Filled) -> None:
    """Lift the hold that keeps the record from being deleted."""
    path = f"/v1/legal-holds/{filled.known['hold_id']}/lifting"
    created(filled.clinic.administrator.post(path, {"reason": "settled"}, headers={"If-Match": '"1"'}))


def told(faults: Mapping[str, str]) -> str:
    return "\n\n".join(faults.values())


# ---- Everybody asks for everything


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_everybody_is_answered_as_the_document_has_it(
    operations: Mapping[str, Operation], kept: Filled, database: Database, client: TestClient, operation: str
) -> None:
    """All of one operation in one test: to make its requests takes longer than to ask some of them."""
    asked = operations[operation]
    for credential in (*Role, *NOBODY):
        if (operation, credential) in ADMITTED:
            filled = kept if OPERATIONS[operation]["method"] == "get" else fill(database, client)
            is_answered(asked, filled, credential)
        else:
            hears_nothing_else(asked, kept, credential)
    if operation in SECURED:
        finds_nothing_of_another_organisation(asked, kept, make_clinic(database, client))


def is_answered(operation: Operation, filled: Filled, credential: str) -> None:
    """Whoever may ask is answered as the document has it."""
    name = operation.definition.raw["operationId"]
    asked = conversation(operation, filled, filled.token(credential))
    if name in TOLD_WITHIN:
        asked.known = {**asked.known, **new_forms(filled)}
    asked.known = {**asked.known, **secrets(name, credential, filled)}
    if name == Action.PUT_SERVICE_STATEMENTS:
        asked.version = 0  # nobody has written of the years that are tried
    if name == Action.STEP_BACK_CURVE:
        with_a_live_curve(asked, filled)
    if name in (Action.DELETE_PATIENT, Action.DELETE_ADMINISTRATION):
        without_hold(filled)
    cases = coverage(operation)
    is_first = credential == next(each for each in (Role.THERAPIST, *Role) if (name, each) in ADMITTED)
    # What one role is answered, another is too, but for whom it reaches: the first is asked for everything.
    for case in cases if is_first else thinned(cases, EXAMPLES):
        asked.ask(case)
    asked.ask_at_random(EXAMPLES if is_first else EXAMPLES // 2)
    assert not asked.faults, f"asked by {credential}: {told(asked.faults)}"
    assert {200, 201, 202, 204} & {*asked.statuses}, f"nothing got through by {credential}, so nothing was tried"


def hears_nothing_else(operation: Operation, kept: Filled, credential: str) -> None:
    """Whoever may not ask hears that, and nothing else."""
    described = operation.definition.raw
    asked = conversation(operation, kept, kept.token(credential))
    method = OPERATIONS[described["operationId"]]["method"]
    cases = [case for case in coverage(operation) if case.method.lower() == method]
    for case in thinned(cases, EXAMPLES // 4):  # refused before anything of it is read
        asked.ask(case)
    assert not asked.faults, f"asked by {credential}: {told(asked.faults)}"
    assert {*asked.statuses} == {refusal(described["operationId"], credential)}, credential


def finds_nothing_of_another_organisation(operation: Operation, kept: Filled, elsewhere: Clinic) -> None:
    """Another organisation finds nothing, and hears of nothing."""
    name = operation.definition.raw["operationId"]
    roles = (Role.THERAPIST, Role.SERVICE_LEAD, Role.ADMINISTRATOR, Role.ANALYST, Role.DEVICE)
    role = next(role for role in roles if refusal(name, role) is None)
    stranger = Filled(elsewhere, {}, frozenset())
    asked = conversation(operation, kept, stranger.token(role))
    answers = [asked.ask(case) for case in thinned(coverage(operation), 3 * EXAMPLES)]
    assert not asked.faults, f"asked by a stranger: {told(asked.faults)}"
    if "_id}" in OPERATIONS[name]["path"]:
        assert not [status for status in asked.statuses if status < 400]
    assert not [secret for answer in answers for secret in kept.secrets if tells(answer, secret)]


def tells(answer: Response, secret: str) -> bool:
    """Tell whether an answer holds what the request did not."""
    sent = answer.request.body or ""
    asked = f"{answer.request.url} {sent.decode(errors='replace') if isinstance(sent, bytes) else sent}"
    return secret in answer.text and secret not in asked


# ---- Nothing is left out


def test_every_operation_is_asked_by_everybody(operations: Mapping[str, Operation]) -> None:
    assert set(operations) == set(OPERATIONS)
    assert set(Action) == SECURED
    assert {credential for _, credential in PAIRS} == {*NOBODY, *Role}
    assert len(set(PAIRS)) == len(OPERATIONS) * (len(NOBODY) + len(Role))


def test_every_route_is_in_the_document() -> None:
    served = {
        (route.path_format, method.lower())
        for route in iter_route_contexts(APP.routes)
        for method in route.methods or ("?",)
    }
    assert served == {(each["path"], each["method"]) for each in OPERATIONS.values()} | NOT_IN_THE_DOCUMENT


def test_every_check_is_made_but_those_that_can_find_nothing_here() -> None:
    load_all_checks()
    left_out = {name for name, check in CONFIG["checks"].items() if check.get("enabled") is False}
    assert left_out == {"ignored_auth", "use_after_free", "ensure_resource_availability"}
    assert {*CHECKS.get_all_names()} - left_out >= {
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "positive_data_acceptance",
        "missing_required_header",
        "unsupported_method",
        "allow_header_conformance",
        "problem_conformance",
        "what_was_made_is_there",
    }


# ---- What the document declares


@pytest.mark.parametrize("operation", sorted(SECURED))
def test_every_refusal_that_can_happen_is_declared(operation: str) -> None:
    described = OPERATIONS[operation]
    parameters = {each["name"]: each for each in described.get("parameters", ())}
    refusals = {refusal(operation, credential) for credential in (*NOBODY, *Role)}
    needed = {str(status) for status in refusals if status}
    needed |= {"404"} if "{" in described["path"] else set()
    needed |= {"412", "428"} if "if-match" in parameters else set()
    needed |= {"400", "413"} if "requestBody" in described else set()
    needed |= {"422"} if "requestBody" in described or parameters else set()
    needed |= {"409"} if described["method"] in {"put", "post", "patch"} else set()
    assert needed | {"500", "503"} <= set(described["responses"])
    assert all(each["required"] for name, each in parameters.items() if name == "if-match" or each["in"] == "path")


@pytest.mark.parametrize("operation", sorted(SECURED))
def test_every_refusal_names_the_types_of_problem_that_it_may_be(operation: str) -> None:
    for status, response in OPERATIONS[operation]["responses"].items():
        if status >= "400":
            named = {word.strip(",.") for word in response["description"].split() if word.startswith("/v1/problems/")}
            assert named == {kind for kind, each in PROBLEMS.items() if str(each) == status}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_type_of_problem_is_described_at_its_address(kept: Filled, problem: str) -> None:
    described = ok(kept.clinic.tablet.get(problem))
    assert (described["type"], described["status"]) == (problem, PROBLEMS[problem])
    assert described["title"]
    assert described["meaning"]
