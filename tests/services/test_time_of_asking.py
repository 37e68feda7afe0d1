"""What depends on the time of asking: staleness, what is overdue, and until when a duty has to be met."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.db.record import open_alerts
from app.db.session import Access, Database, Work
from app.identity.credentials import token_hash
from app.services.administrations import PutStatus, put_administrations
from app.services.admission import Submission
from app.services.caseload import OverdueKind, read_caseload
from app.services.risks import acknowledge_alert
from app.services.trajectories import Trajectory, read_trajectory
from tests.factories import (
    START,
    Caller,
    Clinic,
    administration,
    created,
    make_episode,
    make_patient,
    make_sessions,
    phq_9,
    put,
    put_weekly,
)


def work_at(database: Database, caller: Caller, now: datetime) -> AbstractContextManager[Work]:
    """Open the caller's transaction as if it were another time."""
    return database.work_for_token(token_hash(caller.token), Access("test", uuid4()), now=now)


def trajectory_at(database: Database, clinic: Clinic, episode: Mapping[str, Any], now: datetime) -> Trajectory:
    with work_at(database, clinic.therapist, now) as work:
        return read_trajectory(work, UUID(episode["id"]), None, None, None)


def put_at(
    database: Database, clinic: Clinic, episode: Mapping[str, Any], now: datetime, *, total: int = 9, item_9: int = 0
) -> None:
    """Put a PHQ-9 that was filled in just now."""
    submission = Submission(
        id=uuid4(),
        episode_id=UUID(episode["id"]),
        instrument="phq-9",
        body={},
        answers=phq_9(total, item_9=item_9),
        completed_at=now,
    )
    with work_at(database, clinic.tablet, now) as work:
        [outcome] = put_administrations(work, [submission], clock_tolerance=timedelta(0))
    assert outcome.status is PutStatus.STORED


@pytest.mark.parametrize(("interval_days", "patience_days"), [(7, 21), (14, 35)])
def test_a_deteriorating_patient_who_stops_answering_stays_red_and_becomes_stale(
    database: Database, clinic: Clinic, interval_days: int, patience_days: int
) -> None:
    """After 21 days of weekly and 35 of fortnightly care: methods, G3."""
    episode = make_episode(clinic, planned_interval_days=interval_days)
    make_sessions(clinic, episode, 5, every_days=interval_days)
    last = START + timedelta(days=4 * interval_days)
    for number, total in enumerate([14, 15, 16, 20, 21]):
        put_at(database, clinic, episode, START + timedelta(days=number * interval_days), total=total)
    for asked, stale in ((last, False), (last + timedelta(days=patience_days), False)):
        trajectory = trajectory_at(database, clinic, episode, asked)
        assert trajectory.stale is stale
        assert trajectory.verdict is not None
        assert trajectory.verdict["signal"] == "red"
    silent = trajectory_at(database, clinic, episode, last + timedelta(days=patience_days, seconds=1))
    assert silent.stale is True
    assert silent.verdict is not None
    assert (silent.verdict["signal"], silent.verdict["signal_reason"]) == ("red", "deterioration_confirmed")
    assert silent.due_at == last + timedelta(days=interval_days)
    # A new answer, and it is stale no longer.
    back = last + timedelta(days=patience_days + 2)
    put_at(database, clinic, episode, back, total=22)
    assert trajectory_at(database, clinic, episode, back).stale is False


def test_a_closed_episode_is_never_stale_and_nothing_is_due_in_it(database: Database, clinic: Clinic) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 2)
    put_weekly(clinic, episode, [16, 15])
    closing = {"closed_at": (START + timedelta(weeks=2)).isoformat(), "closing_reason": "completed"}
    clinic.therapist.patch(f"/v1/episodes/{episode['id']}", closing, episode["version"])
    trajectory = trajectory_at(database, clinic, episode, START + timedelta(days=400))
    assert (trajectory.stale, trajectory.due_at) == (False, None)


def test_a_form_that_is_filled_in_at_months_is_stale_a_week_after_half_a_year(
    database: Database, clinic: Clinic
) -> None:
    settings = clinic.lead.get("/v1/settings").json()
    note = {"sdq": {"who": "the holder", "reference": "2026/1", "date": "2026-03-01"}}
    clinic.lead.patch("/v1/settings", {"reason": "signed", "agreements": note}, settings["version"])
    patient = make_patient(clinic, birth_month="2012-01-01")
    episode = make_episode(clinic, patient_id=patient["id"])
    make_sessions(clinic, episode, 2)
    answers = {str(item): 1 for item in range(1, 26)}
    fields = {"instrument": "sdq", "form": "self-11-17"}
    created(put(clinic.therapist, administration(episode, answers, **fields)))
    half_a_year = timedelta(weeks=26)
    for days, stale in ((22, False), (182 + 7, False), (182 + 8, True)):
        trajectory = trajectory_at(database, clinic, episode, START + timedelta(days=days))
        assert (trajectory.stale, trajectory.due_at) == (stale, START + half_a_year)


def test_a_stale_episode_rises_above_a_green_one(database: Database, clinic: Clinic) -> None:
    silent, answering = make_episode(clinic), make_episode(clinic)
    for episode in (silent, answering):
        make_sessions(clinic, episode, 6)
        put_weekly(clinic, episode, [16, 12, 9, 7])
    put_at(database, clinic, answering, START + timedelta(weeks=5), total=6)
    for days, first in ((42, answering), (43, silent)):
        with work_at(database, clinic.therapist, START + timedelta(days=days)) as work:
            entries = read_caseload(work)
        assert {entry.stale for entry in entries} == ({False} if first is answering else {False, True})
        if first is silent:
            assert [str(entry.record.id) for entry in entries] == [silent["id"], answering["id"]]


# Oslo changes its clocks on 29 March and 25 October 2026, at one o'clock UTC.
@pytest.mark.parametrize(
    ("raised", "due"),
    [
        (datetime(2026, 1, 5, 9, tzinfo=UTC), datetime(2026, 1, 5, 23, tzinfo=UTC)),
        (datetime(2026, 1, 5, 22, 59, 59, tzinfo=UTC), datetime(2026, 1, 5, 23, tzinfo=UTC)),
        (datetime(2026, 1, 5, 23, tzinfo=UTC), datetime(2026, 1, 6, 23, tzinfo=UTC)),
        (datetime(2026, 7, 1, 9, tzinfo=UTC), datetime(2026, 7, 1, 22, tzinfo=UTC)),
        (datetime(2026, 7, 1, 22, 30, tzinfo=UTC), datetime(2026, 7, 2, 22, tzinfo=UTC)),
        (datetime(2026, 3, 28, 23, 30, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        (datetime(2026, 10, 24, 22, 30, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)),
    ],
)
def test_a_duty_is_due_at_the_end_of_the_day_in_oslo(
    database: Database, clinic: Clinic, raised: datetime, due: datetime
) -> None:
    put_at(database, clinic, make_episode(clinic), raised, item_9=1)
    with work_at(database, clinic.therapist, raised) as work:
        [alert] = open_alerts(work)
    assert alert.due_at == due
    with work_at(database, clinic.therapist, due - timedelta(seconds=1)) as work:
        [before] = read_caseload(work)
    with work_at(database, clinic.therapist, due) as work:
        [after] = read_caseload(work)
    kinds = [[each.kind for each in entry.overdue] for entry in (before, after)]
    assert kinds == [[], [OverdueKind.RISK_ALERT]]


@pytest.mark.parametrize(("days", "duty"), [(14, "shown"), (14.001, "same_day")])
def test_an_assessment_holds_for_14_days(database: Database, clinic: Clinic, days: float, duty: str) -> None:
    episode = make_episode(clinic)
    put_at(database, clinic, episode, START, item_9=1)
    assessed_at = START + timedelta(hours=3)
    with work_at(database, clinic.therapist, assessed_at) as work:
        [alert] = open_alerts(work)
        acknowledge_alert(work, alert.id, alert.version, "talked it through")
    put_at(database, clinic, episode, assessed_at + timedelta(days=days), item_9=1)
    with work_at(database, clinic.therapist, START + timedelta(days=15)) as work:
        [alert] = open_alerts(work)
    assert alert.duty == duty


def test_a_review_is_due_from_the_first_hour_of_its_day_in_oslo(database: Database, clinic: Clinic) -> None:
    episode = make_episode(clinic)
    review = {"dose": 0, "with_patient": True, "causes": ["alliance"], "action": "continue", "due_on": "2026-02-02"}
    created(clinic.therapist.post(f"/v1/episodes/{episode['id']}/reviews", review))
    midnight = datetime(2026, 2, 1, 23, tzinfo=UTC)
    for now, expected in ((midnight - timedelta(seconds=1), []), (midnight, [OverdueKind.REVIEW])):
        with work_at(database, clinic.therapist, now) as work:
            [entry] = read_caseload(work)
        assert [each.kind for each in entry.overdue] == expected
