"""What can't be read is refused in words that say where and what, and never with what was sent."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from tests.api.steps import (
    SECRET,
    put_text,
)
from tests.factories import (
    START,
    Clinic,
    administration,
    make_episode,
    phq_9,
    put,
)
from tests.owner import Owner

BAD: dict[str, tuple[dict[str, Any], str, str, str | None]] = {
    "unknown item": ({"answers": {"11": 1}}, "unknown-item", "/answers/11", "1, 2, 3, 4, 5, 6, 7, 8, 9 or 10"),
    "item with a slash": ({"answers": {"a/b~c": 1}}, "unknown-item", "/answers/a~1b~0c", "1, 2, 3, 4"),
    "code out of range": ({"answers": {"3": 73910042}}, "invalid-answer", "/answers/3", "0, 1, 2 or 3"),
    "negative code": ({"answers": {"3": -1}}, "invalid-answer", "/answers/3", "0, 1, 2 or 3"),
    "text": ({"answers": {"3": SECRET}}, "invalid-answer", "/answers/3", "0, 1, 2 or 3"),
    "number as text": ({"answers": {"3": "1"}}, "invalid-answer", "/answers/3", "0, 1, 2 or 3"),
    "true": ({"answers": {"3": True}}, "invalid-answer", "/answers/3", "0, 1, 2 or 3"),
    "fraction": ({"answers": {"3": 2.5}}, "invalid-answer", "/answers/3", "0, 1, 2 or 3"),
    "null": ({"answers": {"3": None}}, "invalid-answer", "/answers/3", "0, 1, 2 or 3"),
    "list": ({"answers": {"3": [1]}}, "invalid-answer", "/answers/3", "0, 1, 2 or 3"),
    "not a number": ({"answers": {"3": float("nan")}}, "invalid-answer", "/answers/3", "0, 1, 2 or 3"),
    "infinite": ({"answers": {"3": float("inf")}}, "invalid-answer", "/answers/3", "0, 1, 2 or 3"),
    "huge": ({"answers": {"3": 10**400}}, "invalid-answer", "/answers/3", "0, 1, 2 or 3"),
    "huge fraction": ({"answers": {"3": 1e308}}, "invalid-answer", "/answers/3", "0, 1, 2 or 3"),
    "null character": ({"answers": {"3": f"{SECRET}\0"}}, "invalid-answer", "/answers/3", "0, 1, 2 or 3"),
    "half a character": ({"answers": {"3": f"{SECRET}\ud800"}}, "invalid-answer", "/answers/3", "0, 1, 2 or 3"),
    "answers as a list": ({"answers": [SECRET]}, "malformed-body", "/answers", None),
    "answers as text": ({"answers": SECRET}, "malformed-body", "/answers", None),
    "state of an unknown item": ({"item_states": {"11": "blank"}}, "unknown-item", "/item_states/11", "1, 2, 3"),
    "unknown item state": (
        {"item_states": {"10": SECRET}},
        "malformed-body",
        "/item_states/10",
        "answered, blank, declined or not_shown",
    ),
    "answered and blank": ({"item_states": {"1": "blank"}}, "invalid-answer", "/item_states/1", None),
    "answered without answer": ({"item_states": {"10": "answered"}}, "invalid-answer", "/item_states/10", None),
    "unknown field": ({"patient_name": SECRET}, "malformed-body", "/patient_name", None),
    "naive time": ({"completed_at": "2026-01-05T09:00:00"}, "malformed-body", "/completed_at", None),
    "number as time": ({"completed_at": 1767603600}, "malformed-body", "/completed_at", None),
    "date as time": ({"completed_at": "2026-01-05"}, "malformed-body", "/completed_at", None),
    "text as time": ({"completed_at": SECRET}, "malformed-body", "/completed_at", None),
    "year 1": ({"completed_at": "0001-01-01T00:00:00+14:00"}, "malformed-body", "/completed_at", None),
    "unknown instrument": ({"instrument": "phq-8"}, "unknown-instrument", "/instrument", "asrs-1.1, audit"),
    "instrument in capitals": (
        {"instrument": "PHQ-9"},
        "unknown-instrument",
        "/instrument",
        "asrs-1.1, audit",
    ),
    "instrument as number": ({"instrument": 73910042}, "malformed-body", "/instrument", None),
    "unknown form": ({"form": SECRET}, "unknown-instrument", "/form", "self"),
    "unknown timing": ({"timing": SECRET}, "malformed-body", "/timing", None),
    "unknown mode": ({"mode": SECRET}, "malformed-body", "/mode", None),
    "informant that is no UUID": ({"informant_id": SECRET}, "malformed-body", "/informant_id", None),
    "session that is no UUID": ({"treatment_session_id": 7}, "malformed-body", "/treatment_session_id", None),
    "null character in a text": ({"helped_by": f"{SECRET}\0"}, "malformed-body", "/helped_by", None),
    "half a character in a text": ({"helped_by": f"{SECRET}\ud800"}, "malformed-body", "/helped_by", None),
    "too long a text": ({"helped_by": SECRET * 20}, "malformed-body", "/helped_by", None),
}


@pytest.mark.parametrize(("change", "kind", "pointer", "allowed"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_read_is_refused_in_words_and_stores_nothing(
    clinic: Clinic,
    owner: Owner,
    caplog: pytest.LogCaptureFixture,
    change: dict[str, Any],
    kind: str,
    pointer: str,
    allowed: str | None,
) -> None:
    body = administration(make_episode(clinic), phq_9(9)) | change
    stored = owner.counts(clinic.organisation_id)
    with caplog.at_level(logging.DEBUG):
        refused = put_text(clinic.tablet, json.dumps(body))
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert (problem["type"], problem["pointer"]) == (f"/v1/problems/{kind}", pointer)
    assert problem["status"] == 422
    assert problem["title"]
    assert problem["detail"]
    assert allowed is None or problem["allowed"].startswith(allowed)
    assert "errors" not in problem
    for sent in (SECRET, "73910042"):
        assert sent not in refused.text
        assert sent not in caplog.text
    assert owner.counts(clinic.organisation_id) == stored


@pytest.mark.parametrize("field", ["episode_id", "instrument", "answers", "completed_at"])
def test_a_missing_field_is_named(clinic: Clinic, owner: Owner, field: str) -> None:
    body = administration(make_episode(clinic), phq_9(9))
    del body[field]
    stored = owner.counts(clinic.organisation_id)
    problem = put(clinic.tablet, body).json()
    assert (problem["type"], problem["pointer"]) == ("/v1/problems/malformed-body", f"/{field}")
    assert owner.counts(clinic.organisation_id) == stored


NO_FORMS: dict[str, str | bytes] = {
    "empty": "",
    "cut off": "{",
    "no JSON": f'{{"answers": {SECRET}}}',
    "array": f'["{SECRET}"]',
    "text": f'"{SECRET}"',
    "null": "null",
    "number": "7",
    "deep and cut off": '{"answers": ' + "[" * 100_000,
    "deep": '{"answers": ' + "[" * 5_000 + "]" * 5_000 + "}",
    "many digits": '{"answers": {"1": ' + "7" * 5_000 + "}}",
    "bytes": b"\xff\xfe\x00",
    "unknown name": '{"' + SECRET + '": 1}',
}


@pytest.mark.parametrize("text", NO_FORMS.values(), ids=NO_FORMS.keys())
def test_what_is_no_form_at_all_is_refused(clinic: Clinic, caplog: pytest.LogCaptureFixture, text: str | bytes) -> None:
    with caplog.at_level(logging.DEBUG):
        refused = put_text(clinic.tablet, text)
    assert refused.status_code in (400, 422)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] in ("/v1/problems/bad-request", "/v1/problems/malformed-body")
    assert SECRET not in refused.json()["detail"]
    assert SECRET not in caplog.text


def test_a_body_that_is_not_declared_as_json_is_refused(clinic: Clinic) -> None:
    body = administration(make_episode(clinic), phq_9(9))
    assert put_text(clinic.tablet, json.dumps(body), content_type="text/plain").status_code == 422


def test_an_unreadable_name_of_an_item_is_refused_and_not_our_mistake(clinic: Clinic) -> None:
    body = administration(make_episode(clinic), {"\ud800": 1})
    refused = put_text(clinic.tablet, json.dumps(body))
    assert (refused.status_code, refused.json()["type"]) == (422, "/v1/problems/malformed-body")
    assert refused.json()["pointer"].startswith("/answers/")


def test_all_faults_of_a_body_are_listed(clinic: Clinic) -> None:
    answers = {"1": 9, "3": None, "4": True, "5": 2, "12": 1}
    body = administration(make_episode(clinic), answers, item_states={"5": "blank", "6": SECRET})
    body |= {"completed_at": 5, "timing": SECRET, "comment": SECRET}
    refused = put(clinic.tablet, body)
    problem = refused.json()
    assert sorted(each["pointer"] for each in problem["errors"]) == [
        "/answers/1",
        "/answers/12",
        "/answers/3",
        "/answers/4",
        "/comment",
        "/completed_at",
        "/item_states/5",
        "/item_states/6",
        "/timing",
    ]
    first = problem["errors"][0]
    assert {name: problem[name] for name in first} == first
    assert SECRET not in refused.text


@pytest.mark.parametrize(
    "change",
    [{"episode_id": SECRET}, {"instrument": 7}, {"instrument": "phq-8"}],
    ids=["no episode", "no instrument", "unknown instrument"],
)
def test_all_faults_are_listed_also_where_the_first_leaves_nothing_to_hold_them_against(
    clinic: Clinic, change: dict[str, Any]
) -> None:
    body = administration(make_episode(clinic), phq_9(9), timing="never", comment="") | change
    problem = put(clinic.tablet, body).json()
    [name] = change
    assert {each["pointer"] for each in problem["errors"]} == {f"/{name}", "/timing", "/comment"}


def test_faults_of_the_answers_are_listed_also_without_an_episode(clinic: Clinic) -> None:
    problem = put(clinic.tablet, {"instrument": "phq-9", "answers": {"1": 9}, "completed_at": START.isoformat()}).json()
    assert {each["pointer"] for each in problem["errors"]} == {"/episode_id", "/answers/1"}
