"""Putting one administration: what each gets for it, and the same however often it is sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from app.db.session import Database
from tests.api.steps import (
    NOTHING_MORE,
    RECEIPT,
    put_text,
    read,
)
from tests.factories import (
    START,
    Clinic,
    administration,
    created,
    gad_7,
    make_clinic,
    make_episode,
    make_sessions,
    ok,
    phq_9,
    put,
    put_weekly,
)
from tests.owner import Owner

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


def test_a_clinician_gets_score_band_alert_and_verdict(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 1)
    receipt = created(put(clinic.therapist, administration(episode, phq_9(12, item_9=2))))
    assert set(receipt) == {*RECEIPT, "result"}
    result = receipt["result"]
    # 10 to 14 is moderate, and a case from 10 on: Kroenke et al. 2001; NHS Talking Therapies manual.
    assert result["scores"] == {
        "total": {"value": 12, "prorated": False, "missing": 0, "band": "moderate", "is_case": True, "reason": None}
        | NOTHING_MORE
        | {"cutoffs": {"caseness": True, "screening": True}}
    }
    assert result["critical"] == [
        {"item": "9", "kind": "suicidal_thoughts", "status": "positive", "code": 2, "duties": []}
    ]
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
        **NOTHING_MORE,
        "cutoffs": {"caseness": True, "screening": True},
        "unverified": ["missing"],
    }
    assert result["critical"] == [
        {"item": "9", "kind": "suicidal_thoughts", "status": "not_answered", "code": None, "duties": []}
    ]
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
        "Z for +00:00": json.dumps(body | {"completed_at": f"{START:%Y-%m-%dT%H:%M:%S}.000Z"}),
        "1.0 for 1": json.dumps(body | {"answers": {item: float(code) for item, code in body["answers"].items()}}),
        "the only form named": json.dumps(body | {"form": "self"}),
        "the patient named": json.dumps(body | {"informant_id": himself["id"]}),
        "a blank named": json.dumps(body | {"item_states": {"10": "blank"}}),
        "null for absent": json.dumps(body | {"timing": None, "mode": None}),
    }
    for spelling, text in spellings.items():
        again = put_text(clinic.tablet, text, administration_id)
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
        {"completed_at": (START + timedelta(seconds=1)).isoformat()},
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
