"""The OpenAPI document: complete, committed, and true of what is really answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import BaseModel, ValidationError

from app.api.examples import EXAMPLES
from app.api.middleware import WITHOUT_CREDENTIAL
from app.api.schemas import (
    access,
    administrations,
    care,
    consents,
    decision_rules,
    deletion,
    goals,
    grant,
    instruments,
    people,
    report_jobs,
    schedules,
    settings,
    tablets,
)
from app.config import Settings
from app.db.session import Database
from app.identity.policy import Action
from app.main import create_app
from tests.factories import (
    START,
    Caller,
    Clinic,
    administration,
    make_clinic,
    make_curve,
    make_episode,
    make_patient,
    open_on_tablet,
    phq_9,
    put,
    staff_of,
)
from tests.shapes import mismatches, name_of

SNAPSHOT = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@dataclass(frozen=True)
class Operation:
    """One method at one path, as the document has it."""

    method: str
    path: str
    content: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.content["operationId"])

    @property
    def parameters(self) -> set[str]:
        return {parameter["name"] for parameter in self.content.get("parameters", ())}

    def matches(self, method: str, path: str) -> bool:
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(self.path))
        return self.method == method.lower() and re.fullmatch(pattern, path) is not None


def made_document() -> dict[str, Any]:
    app: FastAPI = create_app(Settings(), Database("postgresql+psycopg://nobody@/nowhere"))
    return app.openapi()


DOCUMENT = made_document()
SHAPES: dict[str, dict[str, Any]] = DOCUMENT["components"]["schemas"]
OPERATIONS = [
    Operation(method, path, content)
    for path, methods in DOCUMENT["paths"].items()
    for method, content in methods.items()
    if path.startswith("/v1/")
]
"""The operations for users; those for an operator's tools are in test_health.py."""
WITHOUT_ACTION = {
    operation.id for operation in OPERATIONS if operation.path in WITHOUT_CREDENTIAL and "/v1/" in operation.path
}
"""What shows a code, a link or a password instead of a credential."""

every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)


# The document


def test_the_committed_document_is_the_present_one() -> None:
    committed = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    assert committed == DOCUMENT, "the interface has changed; if that is meant: spor openapi > docs/openapi.json"


def test_it_is_served_as_it_is(clinic: Clinic) -> None:
    assert clinic.tablet.get("/v1/openapi.json").json() == DOCUMENT


def test_every_action_is_an_operation() -> None:
    assert sorted(operation.id for operation in OPERATIONS) == sorted([*Action, *WITHOUT_ACTION])


@every_operation
def test_it_says_what_an_operation_does_and_needs(operation: Operation) -> None:
    assert operation.content["summary"].strip()
    assert operation.content["description"].strip().endswith(".")
    assert operation.content["tags"]
    needed: Any = None if operation.id in WITHOUT_ACTION else [{"HTTPBearer": []}]
    assert operation.content.get("security") == needed


@every_operation
def test_it_declares_how_an_operation_fails(operation: Operation) -> None:
    failures = {status: each for status, each in operation.content["responses"].items() if status >= "400"}
    needed = {"401", "403", "422", "500"}
    needed |= {"400"} if "requestBody" in operation.content else set()
    needed |= {"404"} if "{" in operation.path else set()
    needed |= {"412", "428"} if "if-match" in operation.parameters else set()
    assert needed <= set(failures)
    assert all(failure["content"] == PROBLEM and failure["description"] for failure in failures.values())


@every_operation
def test_it_declares_the_shape_of_what_an_operation_answers(operation: Operation) -> None:
    responses = operation.content["responses"]
    good = [each for status, each in responses.items() if status < "300" and status != "204"]
    assert bool(good) is ("204" not in responses)
    assert all(each["content"] for each in good)
    assert all(shape["schema"] for each in good for shape in each["content"].values())


def test_nothing_of_the_framework_s_own_errors_is_left() -> None:
    assert "ValidationError" not in json.dumps(DOCUMENT)


BODIES = {operation.id: operation for operation in OPERATIONS if "requestBody" in operation.content}


@pytest.mark.parametrize("operation", BODIES.values(), ids=BODIES)
def test_every_body_has_an_example_that_fits(operation: Operation) -> None:
    shape = operation.content["requestBody"]["content"]["application/json"]["schema"]
    [example] = SHAPES[name_of(shape)]["examples"]
    assert unlike(example, shape) == []


@pytest.mark.parametrize(("model", "example"), EXAMPLES.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_every_example_is_of_a_body_and_is_read(model: type[BaseModel], example: dict[str, Any]) -> None:
    shapes = [each.content["requestBody"]["content"]["application/json"]["schema"] for each in BODIES.values()]
    assert model.__name__ in {name_of(shape) for shape in shapes}
    model.model_validate(example)


def test_what_is_not_named_in_a_change_has_no_default() -> None:
    changes = [shape for name, shape in SHAPES.items() if name.endswith("Change") and "properties" in shape]
    assert len(changes) > 10
    assert not [shape for shape in changes if any("default" in each for each in shape["properties"].values())]


# Limits of numbers: what the document says is what is enforced

WHOLE = [
    (care.EpisodeCreate, "planned_dose", 1, 500),
    (care.EpisodeCreate, "planned_interval_days", 1, 366),
    (care.EpisodeCreate, "pathway", 1, 3),
    (care.EpisodeChange, "planned_dose", 1, 500),
    (care.EpisodeChange, "planned_interval_days", 1, 366),
    (care.EpisodeChange, "pathway", 1, 3),
    (care.ProgrammeCreate, "planned_dose", 1, 500),
    (care.ProgrammeCreate, "planned_interval_days", 1, 366),
    (care.ProgrammeCreate, "evidence_level", 0, 5),
    (care.ProgrammeChange, "planned_dose", 1, 500),
    (care.ProgrammeChange, "planned_interval_days", 1, 366),
    (care.ProgrammeChange, "evidence_level", 0, 5),
    (grant.EvidenceCreate, "level", 0, 5),
    (grant.EvidenceChange, "level", 0, 5),
    (decision_rules.DecisionRuleBody, "item_threshold", 1, 1000),
    (decision_rules.DecisionRuleBody, "at_most", 0, 500),
    (decision_rules.DecisionRuleBody, "from_week", 0, 520),
    (decision_rules.DecisionRuleBody, "to_week", 0, 520),
    (schedules.ScheduleRuleBody, "every_sessions", 1, 50),
    (schedules.ScheduleRuleBody, "days_before", 0, 90),
    (schedules.ScheduleRuleBody, "window_days", 1, 366),
    (care.AttendanceCreate, "minutes", 0, 1440),
    (care.AttendanceChange, "minutes", 0, 1440),
    (care.TreatmentSessionCreate, "minutes", 0, 1440),
    (care.TreatmentSessionChange, "minutes", 0, 1440),
    (care.ReviewCreate, "dose", 0, 500),
    (settings.SettingsChange, "retention_years", 1, 200),
    (settings.SettingsChange, "retention_until_age", 1, 150),
    (settings.PolicyChange, "early_window_dose", 1, 500),
    (settings.PolicyChange, "late_window_dose", 1, 500),
    (settings.PolicyChange, "stale_intervals", 1, 500),
    (settings.PolicyChange, "stale_extra_days", 0, 500),
    (settings.PolicyChange, "plateau_dose", 1, 500),
    (settings.PolicyChange, "plateau_sessions", 1, 500),
]
"""Every whole number of a body with its limits, as the checks of the tables have them too."""


def refuses(model: type[BaseModel], name: str, value: object) -> bool:
    """Tell whether a body with this value is refused because of it."""
    try:
        model.model_validate(EXAMPLES.get(model, {}) | {name: value})
    except ValidationError as refused:
        return any(error["loc"][0] == name for error in refused.errors())
    return False


@pytest.mark.parametrize(("model", "name", "low", "high"), WHOLE, ids=lambda each: getattr(each, "__name__", str(each)))
def test_the_limits_of_a_whole_number_are_shown_and_kept(
    model: type[BaseModel], name: str, low: int, high: int
) -> None:
    shape = SHAPES[model.__name__]["properties"][name]
    [number] = [each for each in shape.get("anyOf", [shape]) if each["type"] != "null"]
    assert (number["type"], number["minimum"], number["maximum"]) == ("integer", low, high)
    assert not any(refuses(model, name, value) for value in (low, high, float(high)))
    assert all(refuses(model, name, value) for value in (low - 1, high + 1, low + 0.5, str(high), True))


def numbers(shape: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give every number below a shape."""
    if isinstance(shape, Mapping):
        if shape.get("type") in ("integer", "number"):
            yield path, shape
        for key, value in shape.items():
            if key not in ("examples", "default"):
                yield from numbers(value, f"{path}/{key}")
    elif isinstance(shape, list):
        for each in shape:
            yield from numbers(each, path)


def test_no_number_of_a_body_is_without_limits() -> None:
    bodies = {*(model.__name__ for model in EXAMPLES), "AdministrationOfBatch", "DecisionRuleBody", "PolicyChange"}
    bodies |= {"ScheduleRuleBody"}
    found = {path: shape for name in bodies for path, shape in numbers(SHAPES[name], name)}
    assert {f"{model.__name__}/properties/{name}" for model, name, _, _ in WHOLE} <= {
        path.removesuffix("/anyOf") for path in found
    }
    free = {path for path, shape in found.items() if not {"minimum", "exclusiveMinimum"} & {*shape}}
    free |= {path for path, shape in found.items() if not {"maximum", "exclusiveMaximum"} & {*shape}}
    # The codes of an answer are the item's own.
    answers = "properties/answers/additionalProperties"
    assert free == {f"Administration{name}/{answers}" for name in ("Put", "OfBatch", "Correction")}


def test_the_limits_of_a_page_and_a_batch_are_shown_and_kept(clinic: Clinic) -> None:
    [limit] = [each for each in DOCUMENT["paths"]["/v1/patients"]["get"]["parameters"] if each["name"] == "limit"]
    assert (limit["schema"]["minimum"], limit["schema"]["maximum"]) == (1, 200)
    statuses = [clinic.therapist.get(f"/v1/patients?limit={limit}").status_code for limit in (0, 1, 200, 201)]
    assert statuses == [422, 200, 200, 422]
    assert SHAPES["AdministrationBatch"]["properties"]["administrations"]["maxItems"] == 500


@pytest.mark.parametrize("written", ["1698796800", 1698796800, 0, "2026-3-1", "2026-03-01T00:00:00Z", "20260301"])
def test_a_date_is_written_as_a_date(written: object) -> None:
    # pydantic alone reads the first as 1 November 2023, and the second too.
    assert refuses(care.PatientCreate, "birth_month", written)
    assert not refuses(care.PatientCreate, "birth_month", "2026-03-01")


@pytest.mark.parametrize("written", ["yes", "true", 1])
def test_true_is_written_as_true(written: object) -> None:
    assert refuses(care.ReviewCreate, "with_patient", written)


# What is really answered


def unlike(value: Any, shape: Mapping[str, Any]) -> list[str]:
    return list(mismatches(value, shape, SHAPES))


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ({"id": "x"}, {"$ref": "#/components/schemas/ReceiptRead"}),
        ({"type": "a", "detail": "b", "answers": {"9": 1}}, {"$ref": "#/components/schemas/ProblemPart"}),
        ({"type": "a", "detail": None}, {"$ref": "#/components/schemas/ProblemPart"}),
        ("phq", {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (True, {"type": "integer"}),
        (3.5, {"type": "integer"}),
        ([1, "x"], {"type": "array", "items": {"type": "integer"}}),
        ("purple", {"$ref": "#/components/schemas/Signal"}),
        ("2026-13-01", {"type": "string", "format": "date"}),
        (501, {"type": "integer", "maximum": 500}),
        ({"a": 501}, {"type": "object", "patternProperties": {"^a$": {"type": "integer", "maximum": 500}}}),
    ],
)
def test_an_answer_of_another_shape_is_found(value: Any, shape: Mapping[str, Any]) -> None:
    assert unlike(value, shape)


@dataclass(frozen=True)
class Recorder(Caller):
    """A caller that keeps what was asked and answered."""

    record: list[tuple[str, str, Response]] = field(default_factory=list)

    def request(self, method: str, path: str, **more: Any) -> Response:
        response = super().request(method, path, **more)
        self.record.append((method, path.partition("?")[0], response))
        return response


def recorded(clinic: Clinic) -> tuple[Clinic, list[tuple[str, str, Response]]]:
    record: list[tuple[str, str, Response]] = []

    def of(caller: Caller) -> Recorder:
        return Recorder(caller.client, caller.token, record)

    return replace(
        clinic,
        therapist=of(clinic.therapist),
        colleague=of(clinic.colleague),
        lead=of(clinic.lead),
        supervisor=of(clinic.supervisor),
        administrator=of(clinic.administrator),
        analyst=of(clinic.analyst),
        tablet=of(clinic.tablet),
    ), record


def use_everything(clinic: Clinic) -> None:
    """Ask for every operation, as the roles would in a course of help."""
    therapist, lead = clinic.therapist, clinic.lead
    programme = lead.post("/v1/programmes", EXAMPLES[care.ProgrammeCreate]).json()
    lead.get("/v1/programmes")
    therapist.get(f"/v1/programmes/{programme['id']}")
    lead.patch(f"/v1/programmes/{programme['id']}", {"counted_contact_types": ["individual"]}, 1)
    use_words_of_the_service(clinic, f"/v1/programmes/{programme['id']}")
    present = lead.get("/v1/settings").json()
    lead.patch("/v1/settings", EXAMPLES[settings.SettingsChange], present["version"])

    curve = f"/v1/curves/{make_curve(clinic)['id']}"
    lead.get("/v1/curves")
    therapist.get(curve)
    for step, version in (("activation", 1), ("step-back", 2)):
        lead.request("POST", f"{curve}/{step}", headers={"If-Match": f'"{version}"'})

    lead.post("/v1/instruments", EXAMPLES[instruments.InstrumentFile])
    lead.put("/v1/instruments/gad-7/forms/self/wording", EXAMPLES[instruments.Questionnaire])
    therapist.get("/v1/instruments")
    for key in ("sleep-check", "gad-7", "rcads-47", "wfirs-p", "srs", "audit", "kates-2"):
        clinic.tablet.get(f"/v1/instruments/{key}")

    patient = make_patient(clinic)
    at_patient = f"/v1/patients/{patient['id']}"
    therapist.get("/v1/patients?limit=1")
    therapist.get(at_patient)
    therapist.patch(at_patient, EXAMPLES[care.PatientChange], 1)
    mother = therapist.post(f"{at_patient}/informants", EXAMPLES[care.InformantCreate]).json()
    therapist.get(f"{at_patient}/informants")
    therapist.patch(f"/v1/informants/{mother['id']}", EXAMPLES[care.InformantChange], 1)

    opened = {"patient_id": patient["id"], "opened_at": (START - timedelta(days=7)).isoformat(), "planned_dose": 8}
    episode = therapist.post("/v1/episodes", opened).json()
    open_on_tablet(clinic, episode["id"])
    at_episode = f"/v1/episodes/{episode['id']}"
    therapist.get("/v1/episodes")
    therapist.get(at_episode)
    started = {"programme_id": programme["id"], "started_at": START.isoformat()}
    sequence = therapist.post(f"{at_episode}/programmes", started).json()
    therapist.get(f"{at_episode}/programmes")
    therapist.patch(f"/v1/episode-programmes/{sequence['id']}", {"started_at": START.isoformat()}, 1)

    use_access(clinic, patient["id"], at_episode)
    use_sessions(clinic, at_episode, episode["id"])
    use_tablets(clinic, at_episode)
    use_answers(clinic, at_episode, episode)

    assignment = therapist.post(
        f"{at_episode}/assignments", {"instrument": "gad-7", "opens_at": START.isoformat()}
    ).json()
    therapist.get(f"{at_episode}/assignments")
    therapist.patch(f"/v1/assignments/{assignment['id']}", EXAMPLES[care.AssignmentChange], 1)
    goal = therapist.post(f"{at_episode}/goals", EXAMPLES[goals.GoalCreate]).json()
    therapist.get(f"{at_episode}/goals")
    therapist.patch(f"/v1/goals/{goal['id']}", EXAMPLES[goals.GoalChange], 1)
    review = therapist.post(f"{at_episode}/reviews", EXAMPLES[care.ReviewCreate] | {"dose": 4}).json()
    therapist.get(f"{at_episode}/reviews")
    therapist.patch(f"/v1/reviews/{review['id']}", EXAMPLES[care.ReviewChange], 1)
    version = therapist.get(at_episode).json()["version"]
    therapist.patch(at_episode, EXAMPLES[care.EpisodeChange], version)
    use_rights(clinic, at_patient)
    therapist.get("/v1/openapi.json")
    therapist.get("/v1/problems/not-found")


def use_access(clinic: Clinic, patient_id: str, at_episode: str) -> None:
    """Share a patient, block somebody, and have a colleague open the record in need."""
    therapist, colleague, first = clinic.therapist, clinic.colleague, {"If-Match": '"1"'}
    reference = therapist.get(f"/v1/patients/{patient_id}").json()["reference"]
    needed = EXAMPLES[access.BreakGlassCreate] | {"reference": reference}
    opening = colleague.post("/v1/break-glass", needed).json()
    therapist.get("/v1/break-glass")
    therapist.get(f"/v1/patients/{patient_id}/access-log")
    at_opening = f"/v1/break-glass/{opening['id']}/review"
    clinic.supervisor.post(at_opening, EXAMPLES[access.BreakGlassReview], headers=first)
    relation = therapist.post(f"{at_episode}/treatment-relations", staff_of(clinic, "substitute")).json()
    therapist.get(f"{at_episode}/treatment-relations")
    therapist.request("POST", f"/v1/treatment-relations/{relation['id']}/end", headers=first)
    block = therapist.post(f"/v1/patients/{patient_id}/blocks", staff_of(clinic, "colleague")).json()
    therapist.get(f"/v1/patients/{patient_id}/blocks")
    therapist.request("POST", f"/v1/blocks/{block['id']}/lifting", headers=first)


def use_rights(clinic: Clinic, at_patient: str) -> None:
    """Take a copy, record a consent, hold the record and let it go; then delete a form, and all of it."""
    therapist, administrator, first = clinic.therapist, clinic.administrator, {"headers": {"If-Match": '"1"'}}
    therapist.post(f"{at_patient}/consents", EXAMPLES[consents.ConsentCreate])
    therapist.get(f"{at_patient}/consents")
    therapist.get(f"{at_patient}/copy")
    held = administrator.post(f"{at_patient}/legal-holds", EXAMPLES[deletion.LegalHoldCreate]).json()
    administrator.get(f"{at_patient}/legal-holds")
    administrator.post(f"/v1/legal-holds/{held['id']}/lifting", EXAMPLES[deletion.LegalHoldLifting], **first)
    decision = EXAMPLES[deletion.DeletionCreate]
    gone = make_episode(clinic)
    form = put(therapist, administration(gone, phq_9(9))).json()["id"]
    administrator.post(f"/v1/administrations/{form}/deletion", decision, **first)
    administrator.post(f"/v1/patients/{gone['patient_id']}/deletion", decision, **first)
    administrator.get("/v1/deletions")


def use_sessions(clinic: Clinic, at_episode: str, episode_id: str) -> None:
    attended = {"episode_id": episode_id, "outcome": "attended"}
    for week in range(4):
        held = {"starts_at": (START + timedelta(weeks=week, hours=1)).isoformat(), "contact_type": "individual"}
        session = clinic.therapist.post("/v1/treatment-sessions", held).json()
        at_session = f"/v1/treatment-sessions/{session['id']}"
        attendance = clinic.therapist.post(f"{at_session}/attendances", attended).json()
    clinic.therapist.get(f"{at_episode}/treatment-sessions")
    clinic.therapist.get(at_session)
    clinic.therapist.patch(at_session, {"minutes": 45}, 1)
    clinic.therapist.get(f"{at_session}/attendances")
    clinic.therapist.patch(f"/v1/attendances/{attendance['id']}", {"minutes": 45}, 1)


def use_tablets(clinic: Clinic, at_episode: str) -> None:
    """Add a tablet, name it, pair it and revoke it; open on the other what is to be answered, and decline it."""
    therapist, lead, tablet = clinic.therapist, clinic.lead, clinic.tablet
    device = lead.post("/v1/devices", EXAMPLES[tablets.DeviceCreate]).json()
    at_device = f"/v1/devices/{device['id']}"
    lead.patch(at_device, EXAMPLES[tablets.DeviceChange], 1)
    code = lead.request("POST", f"{at_device}/pairing-code").json()["code"]
    lead.post("/v1/devices/pairing", {"code": code})
    lead.request("POST", f"{at_device}/revocation", headers={"If-Match": '"2"'})
    lead.get("/v1/devices")
    asked = {"instrument": "gad-7", "opens_at": START.isoformat()}
    for _ in range(2):
        at_assignment = f"/v1/assignments/{therapist.post(f'{at_episode}/assignments', asked).json()['id']}"
        code = therapist.request("POST", f"{at_assignment}/code").json()["code"]
        tablet.post("/v1/assignments/opening", {"code": code})
    tablet.get("/v1/assignments/open")
    token = therapist.request("POST", f"{at_assignment}/link").json()["token"]
    therapist.post("/v1/assignments/redemption", {"token": token})
    tablet.post(f"{at_assignment}/declining", EXAMPLES[tablets.AssignmentDeclining])


def use_answers(clinic: Clinic, at_episode: str, episode: Mapping[str, Any]) -> None:
    """Put answers as a tablet and as a therapist, read what was made of them, correct and withdraw."""
    therapist, tablet = clinic.therapist, clinic.tablet
    ids = [uuid4() for _ in range(6)]
    for week, total in enumerate((18, 17, 20, 25)):
        put(therapist if week % 2 else tablet, administration(episode, phq_9(total, item_9=1), week=week), ids[week])
    batch = [
        {"id": str(ids[4]), **administration(episode, {str(item): 1 for item in range(1, 8)}, instrument="gad-7")},
        {"id": str(ids[5]), **administration(episode, {"9": 1}, week=3)},
        {"id": str(uuid4()), **administration(episode, {"99": 1}, week=3)},
    ]
    tablet.put("/v1/administrations", {"administrations": batch})
    therapist.put("/v1/administrations", {"administrations": batch})
    for each in ids:
        therapist.get(f"/v1/administrations/{each}")
    therapist.get(f"{at_episode}/trajectory")
    therapist.get(f"{at_episode}/trajectory?instrument=gad-7")
    therapist.get(f"{at_episode}/sparkline")
    therapist.get("/v1/caseload")
    corrected = {"reason": "read off wrongly", "answers": phq_9(16, item_9=1)}
    at_first = f"/v1/administrations/{ids[0]}"
    therapist.request("POST", f"{at_first}/corrections", json=corrected, headers={"If-Match": '"1"'})
    withdrawn = EXAMPLES[administrations.EnteredInError]
    therapist.request("POST", f"{at_first}/entered-in-error", json=withdrawn, headers={"If-Match": '"2"'})
    therapist.get(at_first)
    therapist.get(f"/v1/episodes/{episode['id']}/record-note")
    alert = therapist.get("/v1/risk-alerts").json()[0]
    at_alert = f"/v1/risk-alerts/{alert['id']}/acknowledgement"
    assessed = EXAMPLES[care.Acknowledgement]
    therapist.request("POST", at_alert, json=assessed, headers={"If-Match": f'"{alert["version"]}"'})


def use_words_of_the_service(clinic: Clinic, at_programme: str) -> None:
    """Write what the grant report asks for, as a lead."""
    lead, unwritten = clinic.lead, {"If-Match": '"0"'}
    evidence = lead.post(f"{at_programme}/evidence", EXAMPLES[grant.EvidenceCreate]).json()
    lead.get(f"{at_programme}/evidence")
    lead.patch(f"/v1/programme-evidence/{evidence['id']}", EXAMPLES[grant.EvidenceChange], 1)
    statements = f"/v1/services/{clinic.service_id}/statements/2019"
    for path, body in (
        (f"{at_programme}/evaluation-plan", EXAMPLES[grant.EvaluationPlanPut]),
        (statements, EXAMPLES[grant.StatementsPut]),
    ):
        lead.get(path)
        lead.put(path, body, headers=unwritten)


def use_reports(clinic: Clinic) -> None:
    """Ask for reports of a year in which nothing was closed, and for what analysts may take out of it."""
    lead = clinic.lead
    asked = "year=2019&measure=phq-9"
    lead.get(f"/v1/reports/outcomes?{asked}")
    lead.get(f"/v1/reports/outcomes/charts/denominators?{asked}")
    lead.get("/v1/reports/grant?year=2019")
    job = lead.post("/v1/report-jobs", EXAMPLES[report_jobs.ReportJobCreate]).json()
    while lead.get(f"/v1/report-jobs/{job['id']}").json()["state"] in {"waiting", "running"}:
        pass
    lead.get(f"/v1/report-jobs/{job['id']}/file")
    lead.get(f"/v1/reports/tool?{asked}")
    clinic.therapist.get(f"/v1/reports/own?{asked}")
    clinic.analyst.get(f"/v1/exports/cases?{asked}&use=research")


def use_people(clinic: Clinic) -> None:
    """Look after people and services as an administrator, and log in as somebody new."""
    administrator = clinic.administrator
    service = administrator.post("/v1/services", EXAMPLES[people.ServiceCreate]).json()
    administrator.get("/v1/services")
    administrator.patch(f"/v1/services/{service['id']}", EXAMPLES[people.ServiceChange], 1)
    named = {"service_id": service["id"], "user_name": f"new-{uuid4()}"}
    user = administrator.post("/v1/users", EXAMPLES[people.UserCreate] | named).json()
    at_user = f"/v1/users/{user['id']}"
    administrator.get("/v1/users?limit=2")
    administrator.get(at_user)
    administrator.patch(at_user, EXAMPLES[people.UserChange], 1)
    invitation = administrator.post(f"{at_user}/invitation", None).json()["token"]
    redemption = EXAMPLES[people.InvitationRedemption]
    administrator.post("/v1/invitations", redemption | {"invitation": invitation})
    log_in = EXAMPLES[people.SessionCreate] | {"user_name": user["user_name"]}
    session = administrator.post("/v1/sessions", log_in).json()
    own = replace(administrator, token=session["token"])
    own.put("/v1/users/me/password", EXAMPLES[people.PasswordChange])
    own.request("DELETE", "/v1/sessions/current")
    administrator.request("DELETE", f"{at_user}/credentials")


def fail_in_every_way(clinic: Clinic) -> set[int]:
    """Ask for what is refused, once for each status; give the statuses."""
    therapist = clinic.therapist
    patient = make_patient(clinic)
    at_patient = f"/v1/patients/{patient['id']}"
    json_type = {"Content-Type": "application/json"}
    refused = [
        therapist.request("POST", "/v1/patients", content=b'{"reference": "\xff"}', headers=json_type),
        therapist.request("GET", at_patient, headers={"Authorization": "Bearer spor_unknown"}),
        clinic.tablet.get(at_patient),
        clinic.colleague.get(at_patient),
        therapist.post("/v1/patients", {"reference": patient["reference"], "birth_month": "1990-01-01"}),
        therapist.patch(at_patient, {"language": "en"}, 7),
        therapist.post("/v1/patients", {"reference": 5, "birth_month": "1990-01-02", "name": "Kari"}),
        therapist.request("POST", "/v1/patients", content=b"{", headers=json_type),
        therapist.request("PATCH", at_patient, json={"language": "en"}),
        put(clinic.tablet, {"episode_id": str(uuid4()), "instrument": "phq-9", "answers": {"10": 7}}),
    ]
    return {response.status_code for response in refused}


def declared(method: str, path: str) -> Operation:
    [operation] = [each for each in OPERATIONS if each.matches(method, path)]
    return operation


@pytest.fixture(scope="module")
def answers(database: Database, client: TestClient) -> list[tuple[Operation, Response]]:
    """What every operation answered when it succeeded, and what every kind of refusal looked like."""
    clinic, record = recorded(make_clinic(database, client))
    use_everything(clinic)
    use_people(clinic)
    use_reports(clinic)
    assert {response.status_code for _, _, response in record} <= {200, 201, 202, 204}, "every one of them is right"
    assert fail_in_every_way(clinic) == {400, 401, 403, 404, 409, 412, 422, 428}
    return [(declared(method, path), response) for method, path, response in record]


def test_every_operation_was_used(answers: list[tuple[Operation, Response]]) -> None:
    assert {operation.id for operation, _ in answers} == {*Action, *WITHOUT_ACTION}


@every_operation
def test_an_operation_answers_as_declared(answers: list[tuple[Operation, Response]], operation: Operation) -> None:
    given = [response for each, response in answers if each.id == operation.id]
    assert given
    for response in given:
        if response.status_code == 204:
            assert response.content == b""
            continue
        content = operation.content["responses"][str(response.status_code)]["content"]
        if response.headers["content-type"] == "text/csv; charset=utf-8":
            assert "text/csv" in content
            continue
        assert response.headers["content-type"] in content
        shape = content[response.headers["content-type"]]["schema"]
        assert unlike(response.json(), shape) == []


def test_the_batch_declares_its_receipts_and_problems(answers: list[tuple[Operation, Response]]) -> None:
    batches = [
        response.json()["administrations"] for each, response in answers if each.id == Action.PUT_ADMINISTRATIONS
    ]
    [by_tablet, by_therapist] = batches
    assert [bool(entry["receipt"]) for entry in by_tablet] == [True, True, False]
    assert "result" not in by_tablet[0]["receipt"]
    assert "result" in by_therapist[0]["receipt"]
