"""Schedules of programmes against calendars made by hand: what is asked for when, once, and moved with its session."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.services.schedules import after_months
from tests.factories import (
    Clinic,
    created,
    listed,
    make_episode,
    make_patient,
    make_programme,
    ok,
)
from tests.owner import Owner

MONDAY = (datetime.now(UTC) + timedelta(days=7)).replace(hour=9, minute=0, second=0, microsecond=0)
"""In a week, since what lies in the past is not asked for."""

BEFORE = MONDAY - timedelta(days=1)


def rule(**fields: Any) -> dict[str, Any]:
    return {"instrument": "phq-9", "days_before": 2, "window_days": 5} | fields


def start(clinic: Clinic, *rules: dict[str, Any], at: datetime = BEFORE, **fields: Any) -> dict[str, Any]:
    programme = make_programme(clinic, "individual", schedule=list(rules))
    return make_episode(clinic, programme_id=programme["id"], opened_at=at.isoformat(), **fields)


def meet(clinic: Clinic, episode: dict[str, Any], at: datetime, **fields: Any) -> dict[str, Any]:
    came = {"episode_id": episode["id"], "outcome": fields.pop("outcome", "attended")}
    body = {"starts_at": at.isoformat(), "contact_type": "individual", "attendances": [came]} | fields
    return created(clinic.therapist.post("/v1/treatment-sessions", body))


def scheduled(clinic: Clinic, episode: dict[str, Any]) -> list[dict[str, Any]]:
    rows = listed(clinic.therapist.get(f"/v1/episodes/{episode['id']}/assignments"))
    return sorted((each for each in rows if each["schedule_key"]), key=lambda each: each["opens_at"])


def windows(clinic: Clinic, episode: dict[str, Any]) -> list[tuple[datetime, datetime]]:
    return [
        (datetime.fromisoformat(each["opens_at"]), datetime.fromisoformat(each["closes_at"]))
        for each in scheduled(clinic, episode)
    ]


def around(at: datetime) -> tuple[datetime, datetime]:
    return at - timedelta(days=2), at + timedelta(days=5)


def week(number: int) -> datetime:
    return MONDAY + timedelta(weeks=number)


def test_every_session_asks_once(clinic: Clinic) -> None:
    episode = start(clinic, rule(every_sessions=1))
    assert scheduled(clinic, episode) == []
    sessions = [meet(clinic, episode, week(number)) for number in range(3)]
    assert windows(clinic, episode) == [around(week(number)) for number in range(3)]
    rows = scheduled(clinic, episode)
    assert [each["treatment_session_id"] for each in rows] == [each["id"] for each in sessions]
    assert {(each["instrument"], each["form"], each["state"]) for each in rows} == {("phq-9", "self", "offered")}


def test_every_second_session_asks_at_the_second_and_the_fourth(clinic: Clinic) -> None:
    episode = start(clinic, rule(every_sessions=2))
    for number in range(5):
        meet(clinic, episode, week(number))
    assert windows(clinic, episode) == [around(week(1)), around(week(3))]


def test_only_counted_sessions_since_the_start_of_the_programme_count(clinic: Clinic) -> None:
    episode = start(clinic, rule(every_sessions=2))
    meet(clinic, episode, BEFORE - timedelta(hours=1))  # before the programme
    meet(clinic, episode, week(0))
    meet(clinic, episode, week(1), outcome="no_show")
    meet(clinic, episode, week(2), contact_type="assessment")
    assert scheduled(clinic, episode) == []
    meet(clinic, episode, week(3))
    assert windows(clinic, episode) == [around(week(3))]


def test_an_attendance_that_is_corrected_counts_from_then_on(clinic: Clinic) -> None:
    episode = start(clinic, rule(every_sessions=1))
    session = meet(clinic, episode, week(0), outcome="no_show")
    assert scheduled(clinic, episode) == []
    [attendance] = listed(clinic.therapist.get(f"/v1/treatment-sessions/{session['id']}/attendances"))
    path = f"/v1/attendances/{attendance['id']}"
    ok(clinic.therapist.patch(path, {"outcome": "attended"}, 1))
    assert windows(clinic, episode) == [around(week(0))]
    ok(clinic.therapist.patch(path, {"minutes": 45}, 2))
    assert len(scheduled(clinic, episode)) == 1


def test_months_after_the_start_are_asked_for_from_the_start(clinic: Clinic) -> None:
    episode = start(clinic, rule(months=[0, 6]), at=datetime(2027, 8, 31, 9, tzinfo=UTC))
    # Half a year after 31 August 2027 there is no 31 February; 2028 is a leap year.
    expected = [datetime(2027, 8, 31, 9, tzinfo=UTC), datetime(2028, 2, 29, 9, tzinfo=UTC)]
    assert windows(clinic, episode) == [around(each) for each in expected]
    for number in range(3):
        meet(clinic, episode, week(number))
    assert len(scheduled(clinic, episode)) == 2


@pytest.mark.parametrize(
    ("start_on", "months", "expected"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2026-10-31", 4, "2027-02-28"),
        ("2026-12-15", 0, "2026-12-15"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-03-30", 24, "2028-03-30"),
    ],
)
def test_months_are_those_of_the_calendar(start_on: str, months: int, expected: str) -> None:
    begun = datetime.fromisoformat(f"{start_on}T09:00:00+00:00")
    assert after_months(begun, months).isoformat() == f"{expected}T09:00:00+00:00"


def test_everybody_of_a_role_is_asked_with_the_form_for_the_age(clinic: Clinic) -> None:
    """The SDQ has a parents' form for 2 to 4 years, and one for 4 to 17: a child born in May 2024 is two in 2027."""
    patient = make_patient(clinic, birth_month="2024-05-01")
    path = f"/v1/patients/{patient['id']}/informants"
    parents = {
        created(clinic.therapist.post(path, {"role": "parent", "label": label}))["id"] for label in ("mother", "father")
    }
    asked = rule(instrument="sdq", informant_role="parent", months=[0, 36])
    episode = start(clinic, asked, at=datetime(2027, 5, 10, 9, tzinfo=UTC), patient_id=patient["id"])
    rows = scheduled(clinic, episode)
    assert {(each["informant_id"], each["form"]) for each in rows} == {
        (parent, form) for parent in parents for form in ("parent-2-4", "parent-4-17")
    }
    assert [each["form"] for each in rows] == ["parent-2-4"] * 2 + ["parent-4-17"] * 2


def test_moving_a_session_moves_the_windows_of_what_is_still_to_be_answered(clinic: Clinic) -> None:
    episode = start(clinic, rule(every_sessions=1), rule(instrument="gad-7", every_sessions=1))
    session = meet(clinic, episode, week(0))
    by_hand = {"instrument": "core-10", "treatment_session_id": session["id"], "opens_at": week(0).isoformat()}
    created(clinic.therapist.post(f"/v1/episodes/{episode['id']}/assignments", by_hand))
    done = next(each for each in scheduled(clinic, episode) if each["instrument"] == "gad-7")
    ok(clinic.therapist.patch(f"/v1/assignments/{done['id']}", {"state": "completed"}, 1))
    later = week(0) + timedelta(days=1, hours=2)
    ok(clinic.therapist.patch(f"/v1/treatment-sessions/{session['id']}", {"starts_at": later.isoformat()}, 1))
    found = {each["instrument"]: each for each in scheduled(clinic, episode)}
    assert len(scheduled(clinic, episode)) == 2, "none is asked for again"
    assert datetime.fromisoformat(found["phq-9"]["opens_at"]) == later - timedelta(days=2)
    assert datetime.fromisoformat(found["phq-9"]["closes_at"]) == later + timedelta(days=5)
    assert datetime.fromisoformat(found["gad-7"]["opens_at"]) == week(0) - timedelta(days=2)
    rows = listed(clinic.therapist.get(f"/v1/episodes/{episode['id']}/assignments"))
    [own] = [each for each in rows if each["instrument"] == "core-10"]
    assert datetime.fromisoformat(own["opens_at"]) == later


def test_a_code_ends_with_the_window_that_was_moved(clinic: Clinic, owner: Owner) -> None:
    episode = start(clinic, rule(every_sessions=1, days_before=20))
    session = meet(clinic, episode, week(0))
    [assignment] = scheduled(clinic, episode)
    link = created(clinic.therapist.request("POST", f"/v1/assignments/{assignment['id']}/link"))
    assert datetime.fromisoformat(link["expires_at"]) == week(0) + timedelta(days=5)
    earlier = week(0) - timedelta(days=6)
    ok(clinic.therapist.patch(f"/v1/treatment-sessions/{session['id']}", {"starts_at": earlier.isoformat()}, 1))
    [row] = owner.rows("select * from assignments where id = %s", UUID(assignment["id"]))
    assert row["link_expires_at"] == row["closes_at"] == earlier + timedelta(days=5)
    assert row["code_expires_at"] is None


def test_a_start_that_is_corrected_moves_what_comes_by_the_calendar(clinic: Clinic) -> None:
    episode = start(clinic, rule(months=[0, 1]), rule(every_sessions=1, instrument="gad-7"), at=week(0))
    meet(clinic, episode, week(1))
    [row] = listed(clinic.therapist.get(f"/v1/episodes/{episode['id']}/programmes"))
    moved = {"started_at": (week(0) + timedelta(days=3)).isoformat()}
    ok(clinic.therapist.patch(f"/v1/episode-programmes/{row['id']}", moved, 1))
    by_calendar = [each for each in scheduled(clinic, episode) if each["instrument"] == "phq-9"]
    assert [datetime.fromisoformat(each["opens_at"]) for each in by_calendar] == [
        week(0) + timedelta(days=1),
        after_months(week(0), 1) + timedelta(days=1),
    ]
    [by_session] = [each for each in scheduled(clinic, episode) if each["instrument"] == "gad-7"]
    assert datetime.fromisoformat(by_session["opens_at"]) == week(1) - timedelta(days=2)


def test_what_lies_in_the_past_is_not_asked_for(clinic: Clinic) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=60)
    episode = start(clinic, rule(every_sessions=1), rule(months=[0]), at=long_ago)
    meet(clinic, episode, long_ago + timedelta(days=1))
    assert scheduled(clinic, episode) == []


def test_a_programme_that_has_ended_asks_no_more(clinic: Clinic) -> None:
    episode = start(clinic, rule(every_sessions=1))
    [row] = listed(clinic.therapist.get(f"/v1/episodes/{episode['id']}/programmes"))
    ok(clinic.therapist.patch(f"/v1/episode-programmes/{row['id']}", {"ended_at": week(0).isoformat()}, 1))
    meet(clinic, episode, week(1))
    assert scheduled(clinic, episode) == []


def test_a_schedule_from_before_it_had_a_form_is_shown_and_not_applied(clinic: Clinic, owner: Owner) -> None:
    programme = make_programme(clinic, "individual")
    document = {"every": "session", "forms": ["phq-9"]}
    owner.run("update programmes set schedule = %s::jsonb where id = %s", json.dumps(document), UUID(programme["id"]))
    assert ok(clinic.lead.get(f"/v1/programmes/{programme['id']}"))["schedule"] == document
    episode = make_episode(clinic, programme_id=programme["id"], opened_at=BEFORE.isoformat())
    meet(clinic, episode, week(0))
    assert scheduled(clinic, episode) == []


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({}, "/schedule/0"),
        ({"every_sessions": 1, "months": [0]}, "/schedule/0"),
        ({"every_sessions": 0}, "/schedule/0/every_sessions"),
        ({"months": []}, "/schedule/0/months"),
        ({"months": [121]}, "/schedule/0/months/0"),
        ({"every_sessions": 1, "instrument": "phq-8"}, "/schedule/0/instrument"),
        ({"every_sessions": 1, "form": "child"}, "/schedule/0/form"),
        ({"every_sessions": 1, "informant_role": "teacher"}, "/schedule/0/informant_role"),
        ({"every_sessions": 1, "window_days": 0}, "/schedule/0/window_days"),
        ({"every_sessions": 1, "often": True}, "/schedule/0/often"),
    ],
)
def test_a_schedule_that_can_t_be_applied_is_refused(clinic: Clinic, fields: dict[str, Any], pointer: str) -> None:
    body = {"name": "CBT", "format": "individual", "counted_contact_types": ["individual"]}
    answer = clinic.lead.post("/v1/programmes", body | {"schedule": [rule(**fields)]})
    assert (answer.status_code, answer.json()["pointer"]) == (422, pointer)


def test_a_schedule_is_shown_as_it_was_written(clinic: Clinic) -> None:
    programme = make_programme(clinic, "individual", schedule=[rule(months=[0, 6])])
    expected = rule(months=[0, 6], form=None, informant_role="self", every_sessions=None)
    assert ok(clinic.lead.get(f"/v1/programmes/{programme['id']}"))["schedule"] == [expected]
