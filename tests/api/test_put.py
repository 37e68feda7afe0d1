"""Putting one administration: once, whatever is sent again; refused in words; nothing readable lost."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.db.session import Database
from tests.api.conftest import Owner
from tests.factories import (
    START,
    Caller,
    Clinic,
    administration,
    created,
    gad_7,
    make_clinic,
    make_episode,
    make_patient,
    make_sessions,
    ok,
    phq_9,
    put,
    put_weekly,
)

RECEIPT = {"id", "state", "received_at"}

# A value that would be recognised wherever it turned up again.
SECRET = "Qvz73910042"


def put_raw(
    caller: Caller, text: str | bytes, administration_id: UUID | None = None, content_type: str = "application/json"
) -> Response:
    content = text.encode() if isinstance(text, str) else text
    path = f"/v1/administrations/{administration_id or uuid4()}"
    return caller.request("PUT", path, content=content, headers={"Content-Type": content_type})


def read(clinic: Clinic, administration_id: object) -> dict[str, Any]:
    return ok(clinic.therapist.get(f"/v1/administrations/{administration_id}"))


def ends_in_hours(alert: Mapping[str, Any]) -> float:
    due, raised = (datetime.fromisoformat(alert[name]) for name in ("due_at", "raised_at"))
    return (due - raised) / timedelta(hours=1)


# ---- What each gets


def test_a_tablet_gets_a_receipt_and_nothing_of_what_was_made_of_the_answers(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 1)
    before = datetime.now(UTC)
    answer = put(clinic.tablet, administration(episode, phq_9(12, item_9=2)), administration_id := uuid4())
    receipt = created(answer)
    assert set(receipt) == RECEIPT
    assert (receipt["id"], receipt["state"]) == (str(administration_id), "final")
    assert before <= datetime.fromisoformat(receipt["received_at"]) <= datetime.now(UTC)
    assert "moderate" not in answer.text
    assert "9" not in answer.headers.values()


def test_a_clinician_gets_score_band_alert_and_verdict(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 1)
    receipt = created(put(clinic.therapist, administration(episode, phq_9(12, item_9=2))))
    assert set(receipt) == {*RECEIPT, "result"}
    result = receipt["result"]
    # 10 to 14 is moderate, and a case from 10 on: Kroenke et al. 2001; NHS Talking Therapies manual.
    assert result["scores"] == {
        "total": {"value": 12, "prorated": False, "missing": 0, "band": "moderate", "is_case": True, "reason": None}
    }
    assert result["critical"] == [{"item": "9", "kind": "suicidal_thoughts", "status": "positive", "code": 2}]
    [alert] = result["risk_alerts"]
    assert (alert["item"], alert["code"], alert["duty"]) == ("9", 2, "same_day")
    assert result["asks_about_suicide"] is True
    verdict = result["verdict"]
    assert (verdict["signal"], verdict["signal_reason"], verdict["dose"]) == ("grey", "too_early", 0)
    assert (verdict["score"], verdict["baseline"], verdict["cause"], verdict["issue"]) == (12, 12, "answer", 1)


def test_before_any_session_counts_there_is_a_score_but_no_verdict(clinic: Clinic) -> None:
    result = created(put(clinic.therapist, administration(make_episode(clinic), phq_9(12))))["result"]
    assert result["scores"]["total"]["value"] == 12
    assert result["verdict"] is None


def test_a_prorated_score_says_so_and_does_not_hide_a_blank_item_9(clinic: Clinic) -> None:
    answers = {str(item): 2 for item in range(1, 9)}
    result = created(put(clinic.therapist, administration(make_episode(clinic), answers)))["result"]
    # 16 points on 8 of 9 items: 9 x 16 / 8 = 18.
    assert result["scores"]["total"] == {
        "value": 18,
        "prorated": True,
        "missing": 1,
        "band": "moderately_severe",
        "is_case": True,
        "reason": None,
    }
    assert result["critical"] == [{"item": "9", "kind": "suicidal_thoughts", "status": "not_answered", "code": None}]
    assert result["risk_alerts"] == []


def test_the_gad_7_says_that_it_does_not_ask_about_suicide(clinic: Clinic) -> None:
    body = administration(make_episode(clinic), gad_7(11), instrument="gad-7")
    result = created(put(clinic.therapist, body))["result"]
    # 10 to 14 is moderate, and a case from 8 on: Spitzer et al. 2006; NHS Talking Therapies manual.
    assert result["scores"]["total"]["band"] == "moderate"
    assert (result["asks_about_suicide"], result["critical"]) == (False, [])


def test_everything_that_was_sent_can_be_read_back(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    [session] = make_sessions(clinic, episode, 1)
    body = administration(
        episode,
        {"1": 1, "2": 0, "3": 3, "4": 1, "5": 1, "6": 1, "9": 0},
        item_states={"7": "declined", "8": "not_shown"},
        treatment_session_id=session["id"],
        timing="before",
        occasion="session",
        mode="read_aloud",
        helped_by="interpreter",
    )
    stored = read(clinic, created(put(clinic.tablet, body))["id"])
    assert stored["answers"] == {
        "1": 1,
        "2": 0,
        "3": 3,
        "4": 1,
        "5": 1,
        "6": 1,
        "7": None,
        "8": None,
        "9": 0,
        "10": None,
    }
    states = {"7": "declined", "8": "not_shown", "10": "blank"}
    assert stored["item_states"] == {str(item): states.get(str(item), "answered") for item in range(1, 11)}
    for name in ("treatment_session_id", "timing", "occasion", "mode", "helped_by", "episode_id", "instrument"):
        assert stored[name] == body[name]
    assert (stored["form"], stored["instrument_version"], stored["body"]) == ("self", "1", None)
    assert datetime.fromisoformat(stored["completed_at"]) == START
    assert [each["version"] for each in stored["versions"]] == [1]


# ---- The same again


def test_the_same_body_again_gets_the_same_receipt_and_stores_nothing(clinic: Clinic, owner: Owner) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 1)
    body, administration_id = administration(episode, phq_9(12, item_9=1)), uuid4()
    first = put(clinic.tablet, body, administration_id)
    stored = owner.counts(clinic.organisation_id)
    for _ in range(3):
        again = put(clinic.tablet, body, administration_id)
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json() == first.json()
    # Each repetition touched the patient's record, and is told in the audit; nothing else is new.
    assert owner.counts(clinic.organisation_id) == stored | {"audit_events": stored["audit_events"] + 3}


def test_other_spellings_of_the_same_body_are_the_same(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    body, administration_id = administration(episode, {"1": 1, "2": 0, "3": 2}), uuid4()
    body["answers"] |= {str(item): 1 for item in range(4, 10)}
    receipt = created(put(clinic.tablet, body, administration_id))
    in_oslo = datetime.fromisoformat(body["completed_at"]).replace(tzinfo=None) + timedelta(hours=1)
    patient_id = episode["patient_id"]
    [himself] = clinic.therapist.get(f"/v1/patients/{patient_id}/informants").json()
    spellings = {
        "order of keys": json.dumps(dict(reversed(body.items()))),
        "white space": json.dumps(body, indent=4),
        "zone": json.dumps(body | {"completed_at": f"{in_oslo.isoformat()}+01:00"}),
        "Z for +00:00": json.dumps(body | {"completed_at": "2026-01-05T09:00:00.000Z"}),
        "1.0 for 1": json.dumps(body | {"answers": {item: float(code) for item, code in body["answers"].items()}}),
        "the only form named": json.dumps(body | {"form": "self"}),
        "the patient named": json.dumps(body | {"informant_id": himself["id"]}),
        "a blank named": json.dumps(body | {"item_states": {"10": "blank"}}),
        "null for absent": json.dumps(body | {"timing": None, "mode": None}),
    }
    for spelling, text in spellings.items():
        again = put_raw(clinic.tablet, text, administration_id)
        assert (again.status_code, again.json()) == (200, receipt), spelling


def test_a_clinician_who_repeats_what_a_tablet_sent_gets_the_receipt_with_the_result(clinic: Clinic) -> None:
    body, administration_id = administration(make_episode(clinic), phq_9(12)), uuid4()
    receipt = created(put(clinic.tablet, body, administration_id))
    again = ok(put(clinic.therapist, body, administration_id))
    assert {name: again[name] for name in RECEIPT} == receipt
    assert again["result"]["scores"]["total"]["value"] == 12


@pytest.mark.parametrize(
    "change",
    [
        {"answers": phq_9(13)},
        {"completed_at": "2026-01-05T09:00:01+00:00"},
        {"mode": "paper"},
        {"helped_by": "daughter"},
        {"item_states": {"10": "declined"}},
        {"instrument": "gad-7", "answers": gad_7(12)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_body_under_the_id_is_a_conflict(clinic: Clinic, owner: Owner, change: dict[str, Any]) -> None:
    body, administration_id = administration(make_episode(clinic), phq_9(12)), uuid4()
    created(put(clinic.tablet, body, administration_id))
    stored = owner.counts(clinic.organisation_id)
    conflict = put(clinic.tablet, body | change, administration_id)
    assert conflict.status_code == 409
    assert conflict.json()["type"] == "/v1/problems/administration-conflict"
    assert owner.counts(clinic.organisation_id) == stored
    assert put(clinic.tablet, body, administration_id).status_code == 200


def test_an_id_that_belongs_to_another_patient_is_a_conflict(clinic: Clinic) -> None:
    mine, other = make_episode(clinic), make_episode(clinic)
    created(put(clinic.tablet, administration(other, phq_9(12)), administration_id := uuid4()))
    conflict = put(clinic.tablet, administration(mine, phq_9(12)), administration_id)
    assert conflict.status_code == 409
    assert other["id"] not in conflict.text
    assert read(clinic, administration_id)["episode_id"] == other["id"]


def test_an_id_that_belongs_to_another_service_is_a_conflict_without_content(clinic: Clinic) -> None:
    body, administration_id = administration(make_episode(clinic), phq_9(12)), uuid4()
    created(put(clinic.tablet, body, administration_id))
    # The other tablet may not know of the episode either; that the id is taken is all it is told.
    conflict = put(clinic.other_tablet, body, administration_id)
    assert conflict.status_code == 409
    assert set(conflict.json()) <= {"type", "title", "status", "detail", "pointer", "allowed", "request_id"}
    assert body["episode_id"] not in conflict.text


def test_an_id_that_belongs_to_another_organisation_is_a_conflict_and_leaves_nothing(
    clinic: Clinic, database: Database, client: TestClient, owner: Owner
) -> None:
    elsewhere = make_clinic(database, client)
    created(put(elsewhere.tablet, administration(make_episode(elsewhere), phq_9(12)), administration_id := uuid4()))
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 4)
    put_weekly(clinic, episode, [15, 15, 15])
    stored = owner.counts(clinic.organisation_id)
    for week in (0.5, 3):  # between the others, where it would change their verdicts; and after them
        body = administration(episode, phq_9(20, item_9=3), week=week)
        for caller in (clinic.tablet, clinic.therapist):
            conflict = put(caller, body, administration_id)
            assert conflict.status_code == 409
            assert conflict.json()["type"] == "/v1/problems/administration-conflict"
    assert owner.counts(clinic.organisation_id) == stored
    gad = administration(episode, gad_7(12), instrument="gad-7")
    assert put(clinic.tablet, gad, administration_id).status_code == 409
    assert owner.counts(clinic.organisation_id) == stored


def test_unknown_and_out_of_scope_episodes_are_the_same_404(
    clinic: Clinic, database: Database, client: TestClient
) -> None:
    elsewhere = make_clinic(database, client)
    bodies = {
        "unknown": administration({"id": str(uuid4())}, phq_9(12)),
        "another organisation's": administration(make_episode(elsewhere), phq_9(12)),
    }
    answers = [put(clinic.tablet, body) for body in bodies.values()]
    answers.append(put(clinic.other_tablet, administration(make_episode(clinic), phq_9(12))))
    answers.append(put(clinic.colleague, administration(make_episode(clinic), phq_9(12))))
    documents = [{**answer.json(), "request_id": None} for answer in answers]
    assert {answer.status_code for answer in answers} == {404}
    assert all(document == documents[0] for document in documents)
    assert documents[0]["type"] == "/v1/problems/not-found"


# ---- What can't be read

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
    "unknown instrument": ({"instrument": "phq-8"}, "unknown-instrument", "/instrument", "gad-7, phq-9"),
    "instrument in capitals": ({"instrument": "PHQ-9"}, "unknown-instrument", "/instrument", "gad-7, phq-9"),
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
        refused = put_raw(clinic.tablet, json.dumps(body))
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
        refused = put_raw(clinic.tablet, text)
    assert refused.status_code in (400, 422)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] in ("/v1/problems/bad-request", "/v1/problems/malformed-body")
    assert SECRET not in refused.json()["detail"]
    assert SECRET not in caplog.text


def test_a_body_that_is_not_declared_as_json_is_refused(clinic: Clinic) -> None:
    body = administration(make_episode(clinic), phq_9(9))
    assert put_raw(clinic.tablet, json.dumps(body), content_type="text/plain").status_code == 422


def test_an_unreadable_name_of_an_item_is_refused_and_not_our_mistake(clinic: Clinic) -> None:
    body = administration(make_episode(clinic), {"\ud800": 1})
    refused = put_raw(clinic.tablet, json.dumps(body))
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


# ---- What can't be read, but holds a positive critical answer

UNREADABLE: dict[str, dict[str, Any]] = {
    "code out of range": {"answers": {"1": 9, "9": 1}},
    "unknown item": {"answers": {"17": 1, "9": 2}},
    "null": {"answers": {"1": None, "9": 3}},
    "naive time": {"completed_at": "2026-01-05T09:00:00"},
    "no time": {"completed_at": None},
    "unknown form": {"form": "self-short"},
    "unknown field": {"comment": "I feel"},
    "informant that is no UUID": {"informant_id": "me"},
    "unknown item state": {"item_states": {"10": "later"}},
    "not a number": {"comment": float("nan")},
    "infinite": {"comment": float("-inf")},
    "null character": {"comment": "\0"},
    "half a character": {"comment": "\ud800"},
    "name that is half a character": {"\ud800": "comment"},
    "huge number": {"comment": 10**4000},
    "deep": {"comment": json.loads("[" * 500 + "]" * 500)},
}


@pytest.mark.parametrize("change", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_unreadable_body_with_a_positive_item_9_is_kept_whole(
    clinic: Clinic, owner: Owner, change: dict[str, Any]
) -> None:
    body = administration(make_episode(clinic), phq_9(9, item_9=1)) | change
    administration_id = uuid4()
    first = put_raw(clinic.tablet, json.dumps(body), administration_id)
    receipt = created(first)
    assert set(receipt) == RECEIPT
    assert receipt["state"] == "needs_clarification"
    again = put_raw(clinic.tablet, json.dumps(dict(reversed(body.items())), indent=1), administration_id)
    assert (again.status_code, again.json()) == (200, receipt)

    stored = owner.counts(clinic.organisation_id)
    assert (stored["administrations"], stored["risk_alerts"]) == (1, 1)
    assert (stored["scores"], stored["progress"]) == (0, 0)
    [alert] = clinic.therapist.get("/v1/risk-alerts").json()
    assert (alert["administration_id"], alert["code"]) == (str(administration_id), body["answers"]["9"])
    assert (alert["duty"], alert["item"]) == ("same_day", "9")

    kept = read(clinic, administration_id)
    assert (kept["result"]["state"], kept["result"]["clarifications"]) == ("needs_clarification", ["unreadable"])
    assert kept["result"]["scores"] == {}
    assert kept["result"]["critical"][0]["status"] == "positive"
    assert (kept["answers"], kept["result"]["verdict"]) == (None, None)
    assert json.loads(kept["body"], parse_constant=str) == json.loads(json.dumps(body), parse_constant=str)


def test_another_body_under_the_id_of_an_unreadable_one_is_a_conflict(clinic: Clinic) -> None:
    body, administration_id = administration(make_episode(clinic), {"1": 9, "9": 1}), uuid4()
    created(put(clinic.tablet, body, administration_id))
    assert put(clinic.tablet, body | {"answers": {"1": 1, "9": 1}}, administration_id).status_code == 409
    assert put(clinic.tablet, body | {"answers": {"1": 8, "9": 1}}, administration_id).status_code == 409


@pytest.mark.parametrize(
    "item_9", ["1", True, 0.5, 4, -1, None, [1], 0], ids=["text", "true", "fraction", "4", "-1", "null", "list", "0"]
)
def test_only_a_readable_positive_item_9_keeps_an_unreadable_body(clinic: Clinic, owner: Owner, item_9: object) -> None:
    body = administration(make_episode(clinic), {"1": 9, "9": item_9})
    assert put(clinic.tablet, body).status_code == 422
    assert owner.counts(clinic.organisation_id)["administrations"] == 0


def test_an_unreadable_body_of_an_instrument_without_critical_items_is_refused(clinic: Clinic) -> None:
    body = administration(make_episode(clinic), {"9": 1}, instrument="gad-7")
    assert put(clinic.tablet, body).status_code == 422


# ---- What can be read, but not used yet


def test_only_item_9_from_a_clock_a_day_ahead_on_a_closed_episode(clinic: Clinic, owner: Owner) -> None:
    """The issue's fourth demand, to the letter."""
    episode = make_episode(clinic)
    closing = {"closed_at": (START + timedelta(days=30)).isoformat(), "closing_reason": "completed"}
    ok(clinic.therapist.patch(f"/v1/episodes/{episode['id']}", closing, episode["version"]))
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    body = administration(episode, {"9": 1}, completed_at=tomorrow.isoformat())
    administration_id = uuid4()
    answers = [put(clinic.tablet, body, administration_id) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 200]
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert set(answers[0].json()) == RECEIPT
    assert answers[0].json()["state"] == "needs_clarification"

    [alert] = clinic.therapist.get("/v1/risk-alerts").json()
    assert (alert["administration_id"], alert["code"], alert["duty"]) == (str(administration_id), 1, "same_day")
    assert 0 < ends_in_hours(alert) <= 25  # by the end of the service's day, which has up to 25 hours
    # What a fast clock says of the answer is not believed.
    assert datetime.fromisoformat(alert["answered_at"]) <= datetime.now(UTC)

    stored = owner.counts(clinic.organisation_id)
    assert (stored["administrations"], stored["risk_alerts"]) == (1, 1)
    assert (stored["scores"], stored["progress"]) == (0, 0)
    kept = read(clinic, administration_id)
    assert kept["result"]["scores"] == {}
    assert set(kept["result"]["clarifications"]) == {"clock_ahead", "episode_closed", "too_many_missing"}
    trajectory = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}/trajectory"))
    assert trajectory["observations"] == []
    assert [each["administration_id"] for each in trajectory["needs_clarification"]] == [str(administration_id)]


def a_clarification(clinic: Clinic, *, birth_month: str = "1988-04-01", **fields: Any) -> list[str]:
    patient = make_patient(clinic, birth_month=birth_month)
    body = administration(make_episode(clinic, patient_id=patient["id"]), phq_9(9)) | fields
    receipt = created(put(clinic.therapist, body))
    assert receipt["state"] == "needs_clarification"
    assert (receipt["result"]["scores"], receipt["result"]["verdict"]) == ({}, None)
    clarifications: list[str] = receipt["result"]["clarifications"]
    return clarifications


def test_a_clock_that_is_ahead_needs_clarification(clinic: Clinic) -> None:
    in_10_minutes = datetime.now(UTC) + timedelta(minutes=10)
    assert a_clarification(clinic, completed_at=in_10_minutes.isoformat()) == ["clock_ahead"]


def test_a_clock_that_is_a_little_ahead_is_believed(clinic: Clinic) -> None:
    in_a_minute = datetime.now(UTC) + timedelta(minutes=1)
    body = administration(make_episode(clinic), phq_9(9), completed_at=in_a_minute.isoformat())
    assert created(put(clinic.tablet, body))["state"] == "final"


def test_a_form_for_another_age_needs_clarification(clinic: Clinic) -> None:
    # The PHQ-9 is used from 12 years on. Born in February 2014, this patient was 11 on 5 January 2026.
    assert a_clarification(clinic, birth_month="2014-02-01") == ["wrong_form_for_age"]


def test_in_the_month_of_a_birthday_both_ages_fit(clinic: Clinic) -> None:
    patient = make_patient(clinic, birth_month="2014-01-01")
    body = administration(make_episode(clinic, patient_id=patient["id"]), phq_9(9))
    assert created(put(clinic.tablet, body))["state"] == "final"


def test_an_informant_nobody_knows_needs_clarification(clinic: Clinic) -> None:
    assert a_clarification(clinic, informant_id=str(uuid4())) == ["unknown_informant"]


def test_another_informant_of_a_self_report_needs_clarification(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    path = f"/v1/patients/{episode['patient_id']}/informants"
    mother = created(clinic.therapist.post(path, {"role": "parent", "label": "mother"}))
    receipt = created(put(clinic.therapist, administration(episode, phq_9(9), informant_id=mother["id"])))
    assert receipt["result"]["clarifications"] == ["wrong_informant"]


def test_an_informant_of_another_patient_is_nobody_known(clinic: Clinic) -> None:
    other = make_patient(clinic)
    [stranger] = clinic.therapist.get(f"/v1/patients/{other['id']}/informants").json()
    assert a_clarification(clinic, informant_id=stranger["id"]) == ["unknown_informant"]


def test_a_session_nobody_knows_needs_clarification(clinic: Clinic) -> None:
    assert a_clarification(clinic, treatment_session_id=str(uuid4())) == ["unknown_session"]


def test_too_many_blanks_need_clarification(clinic: Clinic) -> None:
    # Up to two unanswered items are prorated by default: three are too many.
    assert a_clarification(clinic, answers={str(item): 1 for item in range(1, 7)}) == ["too_many_missing"]


def test_a_service_may_prorate_less(clinic: Clinic) -> None:
    settings = ok(clinic.lead.get("/v1/settings"))
    change = {"max_missing": {"phq-9": 0}, "reason": "complete forms only"}
    ok(clinic.lead.patch("/v1/settings", change, settings["version"]))
    assert a_clarification(clinic, answers={str(item): 1 for item in range(1, 9)}) == ["too_many_missing"]


def test_an_answer_from_before_the_closing_is_used_although_it_comes_after(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    closing = {"closed_at": (START + timedelta(days=30)).isoformat(), "closing_reason": "completed"}
    ok(clinic.therapist.patch(f"/v1/episodes/{episode['id']}", closing, episode["version"]))
    assert created(put(clinic.tablet, administration(episode, phq_9(9))))["state"] == "final"
