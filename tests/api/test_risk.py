"""Critical answers: what each asks for, by when, until a person has looked (design, section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from httpx2 import Response

from tests.factories import (
    START,
    Clinic,
    administration,
    created,
    gad_7,
    make_episode,
    make_sessions,
    ok,
    phq_9,
    put,
)
from tests.owner import Owner

OSLO = ZoneInfo("Europe/Oslo")


def open_alerts(clinic: Clinic) -> list[dict[str, Any]]:
    answer = clinic.therapist.get("/v1/risk-alerts")
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()
    return found


def acknowledge(clinic: Clinic, alert: Mapping[str, Any], assessment: str = "talked it through, plan made") -> Response:
    path = f"/v1/risk-alerts/{alert['id']}/acknowledgement"
    return clinic.therapist.post(path, {"assessment": assessment}, headers={"If-Match": f'"{alert["version"]}"'})


def answer_item_9(clinic: Clinic, episode: Mapping[str, Any], code: int | None, week: float) -> list[dict[str, Any]]:
    """Put a PHQ-9 with this answer to item 9, or none; give the alerts that it raised."""
    answers = phq_9(9, item_9=code or 0)
    if code is None:
        del answers["9"]
    result = created(put(clinic.therapist, administration(episode, answers, week=week)))["result"]
    alerts: list[dict[str, Any]] = result["risk_alerts"]
    return alerts


def assessed_days_ago(owner: Owner, alert: Mapping[str, Any], days: float) -> None:
    """Let an assessment be older than it is: the only thing that a test can't do through the interface."""
    earlier = "acknowledged_at - make_interval(secs => %s)"
    owner.run(f"update risk_alerts set acknowledged_at = {earlier} where id = %s", days * 86_400, alert["id"])


# ---- What an answer asks for


@pytest.mark.parametrize("code", [1, 2, 3])
def test_a_new_positive_answer_is_a_duty_of_the_same_day(clinic: Clinic, code: int) -> None:
    [alert] = answer_item_9(clinic, make_episode(clinic), code, 0)
    assert (alert["code"], alert["duty"], alert["kind"]) == (code, "same_day", "suicidal_thoughts")


def test_no_thoughts_of_that_kind_are_no_alert(clinic: Clinic) -> None:
    assert answer_item_9(clinic, make_episode(clinic), 0, 0) == []


@pytest.mark.parametrize(
    ("before", "now", "assessed_days", "duty"),
    [
        (0, 1, None, "same_day"),  # new
        (0, 1, 1, "same_day"),
        (1, 2, None, "same_day"),  # higher
        (1, 2, 1, "same_day"),
        (1, 1, None, "same_day"),  # unchanged, and nobody has looked
        (1, 1, 1, "shown"),  # unchanged, and assessed within 14 days
        (1, 1, 13.99, "shown"),
        (1, 1, 14.01, "same_day"),  # unchanged, and the assessment is too old
        (2, 1, 1, "shown"),  # lower, but still there: as unchanged
        (2, 1, None, "same_day"),
        (None, 1, None, "same_day"),  # a blank says nothing
    ],
)
def test_what_a_positive_answer_asks_for(
    clinic: Clinic, owner: Owner, before: int | None, now: int, assessed_days: float | None, duty: str
) -> None:
    episode = make_episode(clinic)
    earlier = answer_item_9(clinic, episode, before, 0)
    if assessed_days is not None:
        # Where the answer before was no alert, the assessment is that of one before it.
        [alert] = earlier or answer_item_9(clinic, episode, 1, -1)
        created(acknowledge(clinic, alert))
        assessed_days_ago(owner, alert, assessed_days)
    [alert] = answer_item_9(clinic, episode, now, 1)
    assert (alert["code"], alert["duty"]) == (now, duty)
    assert (alert["due_at"] is None) == (duty == "shown")


def test_a_blank_between_two_answers_does_not_make_the_second_new(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    [alert] = answer_item_9(clinic, episode, 1, 0)
    created(acknowledge(clinic, alert))
    answer_item_9(clinic, episode, None, 1)
    [alert] = answer_item_9(clinic, episode, 1, 2)
    assert alert["duty"] == "shown"


def test_another_patient_s_assessment_is_none_of_this_one(clinic: Clinic) -> None:
    [alert] = answer_item_9(clinic, make_episode(clinic), 1, 0)
    created(acknowledge(clinic, alert))
    [alert] = answer_item_9(clinic, make_episode(clinic), 1, 0)
    assert alert["duty"] == "same_day"


def test_a_positive_answer_in_an_unreadable_form_is_the_last_answer_for_the_next(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    created(put(clinic.tablet, administration(episode, {"1": 9, "9": 2})))
    [alert] = open_alerts(clinic)
    created(acknowledge(clinic, alert))
    [alert] = answer_item_9(clinic, episode, 2, 1)
    assert alert["duty"] == "shown"
    [alert] = answer_item_9(clinic, episode, 3, 2)
    assert alert["duty"] == "same_day"


def test_what_was_answered_before_goes_by_the_time_of_answering(clinic: Clinic) -> None:
    """An old answer that comes late is held against what came before it, not after it."""
    episode = make_episode(clinic)
    answer_item_9(clinic, episode, 0, 0)
    [newer] = answer_item_9(clinic, episode, 3, 4)
    created(acknowledge(clinic, newer))
    [late] = answer_item_9(clinic, episode, 2, 2)
    assert late["duty"] == "same_day"


def test_the_same_answer_twice_in_one_batch_is_two_alerts_of_their_own(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    entries = [{"id": str(uuid4())} | administration(episode, phq_9(9, item_9=1), week=week) for week in range(2)]
    ok(clinic.tablet.put("/v1/administrations", {"administrations": entries}))
    assert [each["duty"] for each in open_alerts(clinic)] == ["same_day", "same_day"]


# ---- Blank, and prorated


def test_a_blank_item_9_is_reported_and_never_hidden_by_prorating(clinic: Clinic) -> None:
    answers = {str(item): 3 for item in range(1, 9)}
    receipt = created(put(clinic.therapist, administration(make_episode(clinic), answers)))
    total = receipt["result"]["scores"]["total"]
    assert (total["value"], total["prorated"]) == (27, True)
    [critical] = receipt["result"]["critical"]
    assert (critical["status"], critical["code"]) == ("not_answered", None)
    assert receipt["result"]["risk_alerts"] == []
    kept = ok(clinic.therapist.get(f"/v1/administrations/{receipt['id']}"))
    assert kept["result"]["critical"] == [critical]


@pytest.mark.parametrize("state", ["declined", "not_shown"])
def test_so_is_one_that_was_declined_or_not_shown(clinic: Clinic, state: str) -> None:
    answers = {str(item): 3 for item in range(1, 9)}
    body = administration(make_episode(clinic), answers, item_states={"9": state})
    assert created(put(clinic.therapist, body))["result"]["critical"][0]["status"] == "not_answered"


@pytest.mark.parametrize(
    "trouble",
    [
        {"answers": {"9": 1}},
        {"completed_at": (datetime.now(UTC) + timedelta(days=400)).isoformat()},
        {"informant_id": "00000000-0000-4000-8000-000000000000"},
        {"treatment_session_id": "00000000-0000-4000-8000-000000000000"},
        {"answers": {"9": 1, "1": "x"}},
        {"form": "unknown"},
    ],
    ids=["too many blanks", "clock", "informant", "session", "unreadable", "form"],
)
def test_whatever_else_is_the_matter_the_alert_is_raised(clinic: Clinic, trouble: dict[str, Any]) -> None:
    body = administration(make_episode(clinic), phq_9(9, item_9=1)) | trouble
    assert created(put(clinic.tablet, body))["state"] == "needs_clarification"
    assert [each["duty"] for each in open_alerts(clinic)] == ["same_day"]


def test_the_gad_7_raises_none(clinic: Clinic) -> None:
    created(put(clinic.tablet, administration(make_episode(clinic), gad_7(21), instrument="gad-7")))
    assert open_alerts(clinic) == []


# ---- By when


def test_the_duty_is_due_at_the_end_of_the_service_s_day(clinic: Clinic) -> None:
    [alert] = answer_item_9(clinic, make_episode(clinic), 1, 0)
    raised = datetime.fromisoformat(alert["raised_at"]).astimezone(OSLO)
    due = datetime.fromisoformat(alert["due_at"]).astimezone(OSLO)
    assert due.date() == raised.date() + timedelta(days=1)
    assert (due.hour, due.minute, due.second) == (0, 0, 0)
    # The answer may be old: the day counts from when it came in.
    assert datetime.fromisoformat(alert["answered_at"]) == START


def test_the_day_is_that_of_the_organisation_s_time_zone(clinic: Clinic) -> None:
    settings = ok(clinic.lead.get("/v1/settings"))
    there = ZoneInfo("Pacific/Kiritimati")  # 14 hours ahead: its day always ends on another hour than Oslo's
    change = {"time_zone": there.key, "reason": "moved"}
    ok(clinic.lead.patch("/v1/settings", change, settings["version"]))
    [alert] = answer_item_9(clinic, make_episode(clinic), 1, 0)
    due = datetime.fromisoformat(alert["due_at"]).astimezone(there)
    assert (due.hour, due.minute) == (0, 0)
    assert timedelta(0) < due - datetime.fromisoformat(alert["raised_at"]) <= timedelta(days=1)


# ---- Looked at by a person


def test_an_alert_is_acknowledged_once_by_a_person_who_says_what_they_found(clinic: Clinic) -> None:
    [alert] = answer_item_9(clinic, make_episode(clinic), 1, 0)
    answer = acknowledge(clinic, alert, "talked about it; no plans; call on Thursday")
    done = created(answer)
    assert answer.headers["ETag"] == '"2"'
    assert done["acknowledged_by"] == str(clinic.therapist_id)
    assert done["assessment"] == "talked about it; no plans; call on Thursday"
    assert datetime.fromisoformat(done["acknowledged_at"]) <= datetime.now(UTC)
    assert open_alerts(clinic) == []
    for version in (alert, done):
        again = acknowledge(clinic, version)
        assert (again.status_code, again.json()["type"]) == (409, "/v1/problems/state-conflict")
    shown = ok(clinic.therapist.get(f"/v1/administrations/{alert['administration_id']}"))["result"]["risk_alerts"]
    assert shown == [done]


def test_an_acknowledgement_needs_the_version_and_an_assessment(clinic: Clinic) -> None:
    [alert] = answer_item_9(clinic, make_episode(clinic), 1, 0)
    path = f"/v1/risk-alerts/{alert['id']}/acknowledgement"
    assert clinic.therapist.post(path, {"assessment": "seen"}).status_code == 428
    assert acknowledge(clinic, alert | {"version": 2}).status_code == 412
    for body in ({}, {"assessment": ""}, {"assessment": " "}, {"assessment": "seen", "acknowledged_by": "somebody"}):
        assert clinic.therapist.post(path, body, headers={"If-Match": '"1"'}).status_code == 422
    assert [each["id"] for each in open_alerts(clinic)] == [alert["id"]]


def test_the_earliest_duty_comes_first_and_what_is_only_shown_last(clinic: Clinic, owner: Owner) -> None:
    assessed = make_episode(clinic)
    [alert] = answer_item_9(clinic, assessed, 1, 0)
    created(acknowledge(clinic, alert))
    [shown] = answer_item_9(clinic, assessed, 1, 1)
    alerts = [answer_item_9(clinic, make_episode(clinic), 1, 0)[0] for _ in range(3)]
    owner.run("update risk_alerts set due_at = due_at - interval '1 day' where id = %s", alerts[1]["id"])
    order = [each["id"] for each in open_alerts(clinic)]
    assert order == [alerts[1]["id"], alerts[0]["id"], alerts[2]["id"], shown["id"]]


def test_a_colleague_sees_none_of_another_therapist_s_alerts(clinic: Clinic) -> None:
    [alert] = answer_item_9(clinic, make_episode(clinic), 1, 0)
    assert clinic.colleague.get("/v1/risk-alerts").json() == []
    path = f"/v1/risk-alerts/{alert['id']}/acknowledgement"
    body = {"assessment": "not mine"}
    assert clinic.colleague.post(path, body, headers={"If-Match": '"1"'}).status_code == 404
    assert len(open_alerts(clinic)) == 1


def test_risk_says_nothing_of_the_course_and_the_course_nothing_of_risk(clinic: Clinic) -> None:
    """A green patient can be at risk: the alert stands beside the verdict and changes nothing of it."""
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 4)
    verdicts = []
    for week, total in enumerate([16, 12, 9, 6]):
        body = administration(episode, phq_9(total, item_9=1 if week == 3 else 0), week=week)
        result = created(put(clinic.therapist, body))["result"]
        verdicts.append(result["verdict"])
    assert [alert["duty"] for alert in result["risk_alerts"]] == ["same_day"]
    assert verdicts[-1]["signal"] == "green"
