"""Verdicts by the curve in force: the organisation's own where it has one live, and nothing of it before."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import make_url

from app.config import Settings
from app.db.curves import Line
from app.db.embedded import EmbeddedServer
from app.db.session import Database
from app.main import create_app
from app.services.curves import activate, step_back
from benchmarks.proxy import counting
from benchmarks.wire import Tally
from tests.api.steps import correct, course, trajectory_of
from tests.factories import Caller, Clinic, administration, at, created, make_clinic, make_programme, ok, phq_9, put
from tests.learnt import LINE, by, fake_methods, learn_curve, make_courses
from tests.trajectories.factories import a_curve
from tests.trajectories.oracles import slow_conditional

INTERCEPT = 8.0
"""Of the curves learnt here: six points below the published one, which starts at 14.4."""


def put_into_force(database: Database, clinic: Clinic, line: Line = LINE) -> UUID:
    """Learn a curve that expects lower scores than the published one, and put it into force."""
    curve_id = learn_curve(database, clinic, line, fake_methods(intercept=INTERCEPT))
    with by(database, clinic.lead) as work:
        activate(work, curve_id, 1)
    return curve_id


def test_a_verdict_by_the_live_curve_has_its_key_and_its_expectation(database: Database, clinic: Clinic) -> None:
    _, [_, before] = course(clinic, [15, 14])
    make_courses(clinic)
    put_into_force(database, clinic)
    _, [_, after] = course(clinic, [15, 14])
    assert (before["curve"], after["curve"]) == ("arcsine-1", "local-1")
    for verdict, curve in ((before, a_curve()), (after, replace(a_curve(), intercept=INTERCEPT))):
        believed = slow_conditional(curve, [(0, 0, 15)], [(1, 1)])
        assert verdict["expected"] == pytest.approx(believed.expected(0), abs=0.0051)
    assert after["expected"] < before["expected"]


def test_a_trajectory_names_the_curve_that_was_used(database: Database, clinic: Clinic) -> None:
    make_courses(clinic)
    episode, _ = course(clinic, [15, 14], planned_dose=12)
    published = trajectory_of(clinic, episode)["curve"]
    put_into_force(database, clinic)
    own = trajectory_of(clinic, episode)["curve"]
    assert (published["version"], published["status"]) == ("arcsine-1", "derived")
    assert (own["version"], own["status"]) == ("local-1", "fitted")
    assert own["source"].startswith("learnt from 8 scores of 4 of the organisation's own episodes")
    believed = slow_conditional(replace(a_curve(), intercept=INTERCEPT), [(0, 0, 15)], [(12, 12)])
    assert own["from_baseline"][-1]["mean"] == pytest.approx(believed.expected(0), abs=0.0051)


def test_what_was_said_stays_until_it_is_said_anew(database: Database, clinic: Clinic) -> None:
    """The verdict keeps the curve that it was made with; one that is issued anew is made with the one in force."""
    episode, _ = course(clinic, [15, 14])
    make_courses(clinic)
    put_into_force(database, clinic)
    assert trajectory_of(clinic, episode)["verdict"]["curve"] == "arcsine-1"
    stored = created(put(clinic.therapist, administration(episode, phq_9(13), week=1.1)))
    assert stored["result"]["verdict"]["curve"] == "local-1"
    created(correct(clinic, stored["id"], answers=phq_9(12)))
    history = ok(clinic.therapist.get(f"/v1/administrations/{stored['id']}"))["verdicts"]
    assert {each["curve"] for each in history} == {"local-1"}


def test_after_a_step_back_the_curve_before_is_used(database: Database, clinic: Clinic) -> None:
    make_courses(clinic)
    curve_id = put_into_force(database, clinic)
    with by(database, clinic.lead) as work:
        step_back(work, curve_id, 2)
    _, [_, verdict] = course(clinic, [15, 14])
    assert verdict["curve"] == "arcsine-1"


def test_an_episode_is_judged_by_its_programme_s_own_curve(database: Database, clinic: Clinic) -> None:
    own, other = (make_programme(clinic, "individual")["id"] for _ in range(2))
    make_courses(clinic, programme_id=own)
    put_into_force(database, clinic)
    put_into_force(database, clinic, replace(LINE, programme_id=UUID(own)))
    episode, [_, of_own] = course(clinic, [15, 14], programme_id=own)
    _, [_, of_other] = course(clinic, [15, 14], programme_id=other)
    _, [_, of_none] = course(clinic, [15, 14])
    assert [verdict["curve"] for verdict in (of_own, of_other, of_none)] == ["local-2", "local-1", "local-1"]
    step = {"programme_id": other, "started_at": at(1.5)}
    created(clinic.therapist.post(f"/v1/episodes/{episode['id']}/programmes", step))
    moved = created(put(clinic.therapist, administration(episode, phq_9(13), week=2)))
    assert moved["result"]["verdict"]["curve"] == "local-1"


def test_another_organisation_and_another_instrument_are_not_touched(database: Database, clinic: Clinic) -> None:
    make_courses(clinic)
    put_into_force(database, clinic)
    _, [_, verdict] = course(make_clinic(database, clinic.lead.client), [15, 14])
    assert verdict["curve"] == "arcsine-1"
    episode, _ = course(clinic, [15])
    answers = {str(item): 2 for item in range(1, 8)}
    stored = created(put(clinic.therapist, administration(episode, answers, instrument="gad-7")))
    assert stored["result"]["verdict"]["curve"] == "arcsine-1"


def asked_by_a_put(tally: Tally, client: TestClient, clinic: Clinic, episode: Any, week: float) -> tuple[int, int]:
    before = tally.copy()
    created(put(Caller(client, clinic.tablet.token), administration(episode, phq_9(12), week=week)))
    asked = tally.since(before)
    return asked.statements, asked.round_trips


def test_a_put_asks_as_often_with_a_live_curve_as_without(
    server: EmbeddedServer, database: Database, clinic: Clinic
) -> None:
    episode, _ = course(clinic, [15, 14])
    make_courses(clinic)
    with tempfile.TemporaryDirectory() as folder, counting(server.socket_directory, Path(folder)) as tally:
        url = make_url(server.url("spor", "spor_app")).update_query_dict({"host": folder})
        app = create_app(Settings(), Database(url.render_as_string(hide_password=False), pool_size=1))
        with TestClient(app, base_url="http://spor.test") as client:
            created(put(Caller(client, clinic.tablet.token), administration(episode, phq_9(12), week=1.1)))
            without = asked_by_a_put(tally, client, clinic, episode, 1.2)
            put_into_force(database, clinic)
            live = asked_by_a_put(tally, client, clinic, episode, 1.3)
    assert live == without
    # Who asks, what is known, what is new: the put itself takes two.
    assert live[1] == 3
