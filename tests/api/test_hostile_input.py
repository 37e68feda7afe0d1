"""Whatever is sent, the answer is a document of ours: never a mistake of ours, and never what was sent."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import BaseModel

from app.api.examples import EXAMPLES
from app.db.codes import Role
from app.db.session import Database
from app.identity.policy import ALLOWED
from tests.api.steps import SECRET
from tests.factories import NAMES, Caller, Clinic, created, make_clinic, make_episode, make_patient, make_record, ok

# JSON as it may come over the wire, some of it no JSON that anybody should write.
NASTY = {
    "null": "null",
    "true": "true",
    "negative": "-1",
    "fraction": "2.5",
    "not a number": "NaN",
    "infinite": "1e999",
    "huge": "7" * 400,
    "empty text": '""',
    "null character": f'"{SECRET}\\u0000"',
    "half a character": f'"{SECRET}\\ud800"',
    "long text": '"' + SECRET * 1000 + '"',
    "SQL": f'"{SECRET}\'; drop table patients; --"',
    "time zone": '"9999-12-31T23:59:59-14:00"',
    "another's UUID": '"00000000-0000-4000-8000-000000000000"',
    "list": f'["{SECRET}", null]',
    "nested": '{"' + SECRET + '": {"a\\u0000\\ud800": [NaN, "\\ud800"]}}',
    "deep": "[" * 300 + "]" * 300,
}


@pytest.fixture(scope="module")
def record_of(database: Database, client: TestClient) -> tuple[Clinic, dict[str, str]]:
    clinic = make_clinic(database, client)
    return clinic, make_record(clinic)


def operations(clinic: Clinic) -> Iterator[tuple[str, str, str, type[BaseModel]]]:
    """Give every operation that has a body: its id, method, path, and the shape of the body."""
    document = clinic.therapist.get("/v1/openapi.json").json()
    models = {model.__name__: model for model in EXAMPLES}
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            if "requestBody" in described:
                shape = described["requestBody"]["content"]["application/json"]["schema"]["$ref"]
                yield described["operationId"], method.upper(), path, models[shape.rpartition("/")[2]]


def who_may(operation: str) -> Role:
    """Give a role that may ask; anybody may for a credential."""
    roles = (Role.THERAPIST, Role.SERVICE_LEAD, Role.ADMINISTRATOR, Role.SUPERVISOR, Role.DEVICE)
    return next((role for role in roles if operation in ALLOWED[role]), Role.THERAPIST)


def pointed_at(record: Mapping[str, str], body: dict[str, Any]) -> dict[str, Any]:
    """Let an example be about the record, so that a fault is looked for and not a patient who isn't there."""
    return body | {name: record[name] for name in ("episode_id", "patient_id", "programme_id") if name in body}


def assert_an_answer_of_ours(answer: Response, what: object) -> None:
    assert answer.status_code < 500, (what, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", what
        problem = answer.json()
        assert problem["type"].startswith("/v1/problems/"), what
        assert SECRET not in problem["detail"], what
        assert SECRET not in str(problem.get("allowed")), what


@pytest.mark.parametrize("nasty", NASTY.values(), ids=NASTY.keys())
def test_any_field_of_any_body_may_hold_anything(
    record_of: tuple[Clinic, dict[str, str]], caplog: pytest.LogCaptureFixture, nasty: str
) -> None:
    clinic, record = record_of
    tried = 0
    with caplog.at_level(logging.INFO):
        for operation, method, path, model in operations(clinic):
            caller = clinic.caller(who_may(operation))
            example = pointed_at(record, EXAMPLES[model])
            for field in (*model.model_fields, SECRET, "\ud800"):
                text = json.dumps(example | {field: "@"}).replace('"@"', nasty)
                headers = {"Content-Type": "application/json", "If-Match": '"1"'}
                answer = caller.request(method, path.format(**record, **NAMES), content=text.encode(), headers=headers)
                # Who may ask does; but a lead asks of no other service than the own one.
                assert answer.status_code != 403 or field == "service_id", (method, path)
                assert_an_answer_of_ours(answer, (method, path, field))
                tried += 1
    assert tried > 100
    assert SECRET not in caplog.text


def test_what_looks_like_sql_is_text(record_of: tuple[Clinic, dict[str, str]]) -> None:
    clinic, record = record_of
    hostile = "P'; drop table patients; -- \" %s %(id)s :id \\' or true"
    patient = make_patient(clinic, reference=hostile)
    assert ok(clinic.therapist.get(f"/v1/patients/{patient['id']}"))["reference"] == hostile
    episode = make_episode(clinic, patient_id=patient["id"])
    goal = {"place": 1, "words": hostile, "set_at": episode["opened_at"]}
    assert created(clinic.therapist.post(f"/v1/episodes/{episode['id']}/goals", goal))["words"] == hostile
    asked = {"reference": "P' or true --", "purpose": "emergency", "note": hostile}
    assert clinic.colleague.post("/v1/break-glass", asked).status_code == 404
    opened = created(clinic.colleague.post("/v1/break-glass", asked | {"reference": hostile}))
    assert (opened["patient_id"], opened["note"]) == (patient["id"], hostile)
    assert ok(clinic.therapist.get(f"/v1/patients/{record['patient_id']}"))["id"] == record["patient_id"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/patients/%00",
        "/v1/patients/%ED%A0%80",
        "/v1/patients/' or 1=1 --",
        "/v1/patients?limit=0",
        "/v1/patients?limit=201",
        "/v1/patients?limit=99999999999999999999999",
        "/v1/patients?limit=x",
        "/v1/patients?after=%00",
        "/v1/episodes?patient_id=%00",
        "/v1/episodes/{episode_id}/trajectory?instrument=%00",
        "/v1/episodes/{episode_id}/trajectory?instrument=%ED%A0%80",
        "/v1/episodes/{episode_id}/trajectory?instrument=phq-9&form=%00",
        "/v1/episodes/{episode_id}/trajectory?form=%00",
        "/v1/problems/%00",
        "/v1/instruments/%00",
        "/v1/instruments/%ED%A0%80",
        "/v1/instruments/phq-8",
        "/v1/problems/..%2F..%2Fetc%2Fpasswd",
        "/v1/nothing",
        "/",
    ],
)
def test_so_may_any_address(record_of: tuple[Clinic, dict[str, str]], path: str) -> None:
    clinic, record = record_of
    answer = clinic.therapist.get(path.format(**record, **NAMES))
    assert answer.status_code in (404, 422)
    assert_an_answer_of_ours(answer, path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Accept-Language", "\xff;q=x,,;"),
        ("Accept-Language", "nb;q=9" * 500),
        ("X-Request-ID", "x" * 5000),
        ("X-Request-ID", "' or 1=1 --"),
        ("Accept", "image/png"),
        ("If-Match", "٣"),
    ],
)
def test_so_may_any_header(clinic: Clinic, name: str, value: str) -> None:
    answer = clinic.therapist.request("GET", "/v1/caseload", headers={name: value.encode()})  # type: ignore[dict-item]
    assert_an_answer_of_ours(answer, name)
    assert len(answer.headers["x-request-id"]) == 36


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "bearer \xff\xfe",
        "Bearer a b",
        f"Bearer {SECRET * 500}",
        "Bearer ' or 1=1",
    ],
)
def test_so_may_any_credential(client: TestClient, caplog: pytest.LogCaptureFixture, header: str) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = client.get("/v1/caseload", headers=[(b"Authorization", header.encode("latin-1"))])
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert_an_answer_of_ours(answer, header)
    assert SECRET not in caplog.text


def test_a_method_that_an_address_does_not_have_is_a_problem_too(clinic: Clinic) -> None:
    for method in ("DELETE", "TRACE", "OPTIONS"):
        answer = clinic.therapist.request(method, "/v1/caseload")
        assert answer.status_code == 405
        assert answer.json()["type"] == "/v1/problems/method-not-allowed"


def test_an_identity_of_the_caller_s_own_is_kept_if_it_is_a_uuid(clinic: Clinic) -> None:
    given = "0197a1c4-91f3-7e08-b7c6-54d20a8e6f93"
    caller: Caller = clinic.therapist
    assert caller.get("/v1/caseload", headers={"X-Request-ID": given}).headers["x-request-id"] == given
