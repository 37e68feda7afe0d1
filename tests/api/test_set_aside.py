"""Nothing readable is refused: what can't be used yet is set aside, and its critical answers are heard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.api.steps import (
    RECEIPT,
    put_text,
    read,
)
from tests.factories import (
    START,
    Clinic,
    administration,
    created,
    make_episode,
    make_patient,
    ok,
    phq_9,
    put,
)
from tests.owner import Owner


def ends_in_hours(alert: Mapping[str, Any]) -> float:
    due, raised = (datetime.fromisoformat(alert[name]) for name in ("due_at", "raised_at"))
    return (due - raised) / timedelta(hours=1)


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
    first = put_text(clinic.tablet, json.dumps(body), administration_id)
    receipt = created(first)
    assert set(receipt) == RECEIPT
    assert receipt["state"] == "needs_clarification"
    again = put_text(clinic.tablet, json.dumps(dict(reversed(body.items())), indent=1), administration_id)
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


def born(*, years: int, months: int = 0) -> str:
    """Give the month of birth of somebody who turns so old in the month of START, or so many months after it."""
    turning = START.year * 12 + START.month - 1 + months - 12 * years
    return f"{turning // 12:04}-{turning % 12 + 1:02}-01"


def test_a_form_for_another_age_needs_clarification(clinic: Clinic) -> None:
    # The PHQ-9 is used from 12 years on; this patient has still a month to go.
    assert a_clarification(clinic, birth_month=born(years=12, months=1)) == ["wrong_form_for_age"]


def test_in_the_month_of_a_birthday_both_ages_fit(clinic: Clinic) -> None:
    patient = make_patient(clinic, birth_month=born(years=12))
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
