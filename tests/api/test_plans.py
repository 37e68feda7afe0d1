"""What follows from a plan: intervals, reviews, and sessions that are moved."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from app.db.codes import Role
from app.db.ids import uuid7
from app.db.session import Access, Database, Scope
from app.services.trajectories import read_trajectory
from tests.factories import (
    START,
    Clinic,
    administration,
    at,
    created,
    hold,
    make_episode,
    make_programme,
    make_sessions,
    ok,
    phq_9,
    put,
    put_weekly,
)


def test_the_interval_is_the_episodes_else_the_programmes_else_a_week(clinic: Clinic, database: Database) -> None:
    fortnightly = make_programme(clinic, "individual", planned_interval_days=14)["id"]
    own = make_episode(clinic, programme_id=fortnightly, planned_interval_days=10)
    of_programme, without = make_episode(clinic, programme_id=fortnightly), make_episode(clinic)
    for episode in (own, of_programme, without):
        created(put(clinic.therapist, administration(episode, phq_9(14))))
    due = {
        episode["id"]: ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}/trajectory"))["next_measure_due_at"]
        for episode in (own, of_programme, without)
    }
    assert list(due.values()) == [
        (START + timedelta(days=days)).isoformat().replace("+00:00", "Z") for days in (10, 14, 7)
    ]


def test_no_review_can_be_held_of_a_dose_that_is_still_to_come(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 2)
    review = {"with_patient": True, "causes": ["alliance"], "action": "continue"}
    ahead = clinic.therapist.post(f"/v1/episodes/{episode['id']}/reviews", review | {"dose": 3})
    assert (ahead.status_code, ahead.json()["pointer"], ahead.json()["allowed"]) == (422, "/dose", "0 to 2")
    created(clinic.therapist.post(f"/v1/episodes/{episode['id']}/reviews", review | {"dose": 2}))


def test_moving_a_session_moves_the_answers_that_are_linked_to_it(clinic: Clinic) -> None:
    """Also where nobody has recorded yet whether the patient came."""
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 4)
    unattended = hold(clinic, week=3.5)
    put_weekly(clinic, episode, [16, 13, 11])
    linked = {"treatment_session_id": unattended["id"], "timing": "before", "week": 3.4}
    newest = created(put(clinic.therapist, administration(episode, phq_9(9), **linked)))
    # Four sessions before week 3.5; two before week 1.5.
    assert newest["result"]["verdict"]["dose"] == 4
    ok(clinic.therapist.patch(f"/v1/treatment-sessions/{unattended['id']}", {"starts_at": at(1.5)}, 1))
    verdict = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}/trajectory"))["verdict"]
    assert (verdict["dose"], verdict["cause"]) == (2, "attendance")


def test_a_session_can_be_moved_before_anybody_is_known_to_come(clinic: Clinic) -> None:
    session = {"starts_at": at(1), "contact_type": "group"}
    empty = created(clinic.therapist.post("/v1/treatment-sessions", session))
    ok(clinic.therapist.patch(f"/v1/treatment-sessions/{empty['id']}", {"starts_at": at(2)}, 1))


def test_waiting_time_says_why_there_is_no_verdict(clinic: Clinic, database: Database) -> None:
    episode = make_episode(clinic)
    created(put(clinic.tablet, administration(episode, phq_9(14))))
    waiting = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}/trajectory", headers={"Accept-Language": "en"}))
    assert waiting["verdict"] is None
    assert waiting["no_verdict"]["code"] == "no_counted_session"
    assert waiting["no_verdict"]["words"].startswith("No attended session is recorded")
    assert [each["phase"] for each in waiting["observations"]] == ["waiting"]


def test_a_trajectory_is_stale_three_weeks_after_a_weekly_measure(clinic: Clinic, database: Database) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 1)
    created(put(clinic.therapist, administration(episode, phq_9(14))))
    scope = Scope(clinic.organisation_id, clinic.therapist_id, Role.THERAPIST, clinic.service_id)
    stale = []
    for days in (21, 22):
        now = START + timedelta(days=days)
        with database.work(scope, Access("read_trajectory", uuid7()), now=now) as work:
            stale.append(read_trajectory(work, UUID(episode["id"]), None, None, None).stale)
    assert stale == [False, True]
