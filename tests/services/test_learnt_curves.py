"""Curves put into force and taken back: by whom, through which gates, and what was in force before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf, nan
from uuid import UUID

import pytest
from sqlalchemy import select

from app.db.curves import get_curve, learnt_curves
from app.db.models import AuditEvent
from app.db.session import Database
from app.errors import Forbidden, InvalidReference, NotFound, PreconditionFailed, StateConflict
from app.services.curves import activate, gates_of, step_back
from app.services.settings import current_settings, read_settings
from app.trajectories.gates import HeldOut, judge
from app.trajectories.sampling_error import Interval
from tests.factories import Clinic, make_clinic, make_programme
from tests.learnt import LINE, by, by_command, fake_methods, learn_curve, make_courses
from tests.trajectories.held_out import DOES_WELL, about


@pytest.fixture
def practice(clinic: Clinic) -> Clinic:
    """A clinic with episodes to learn from."""
    make_courses(clinic)
    return clinic


def put_into_force(database: Database, clinic: Clinic, curve_id: UUID, version: int = 1) -> None:
    with by(database, clinic.lead, "activate_curve") as work:
        activate(work, curve_id, version)


def take_back(database: Database, clinic: Clinic, curve_id: UUID) -> None:
    with by(database, clinic.lead, "step_back_curve") as work:
        step_back(work, curve_id, get_curve(work, curve_id).version)


def a_live_curve(database: Database, clinic: Clinic) -> UUID:
    curve_id = learn_curve(database, clinic)
    put_into_force(database, clinic, curve_id)
    return curve_id


def states(database: Database, clinic: Clinic) -> dict[str, str]:
    with by(database, clinic.lead) as work:
        return {curve.key: curve.state for curve in reversed(learnt_curves(work))}


def in_force(database: Database, clinic: Clinic, programme_id: UUID | None = None) -> str:
    with by(database, clinic.lead) as work:
        curve = current_settings(work).curve_for(replace(LINE, programme_id=programme_id))
    assert curve is not None
    return curve.key


# ---- Activation


def test_a_person_puts_a_candidate_into_force(database: Database, practice: Clinic) -> None:
    curve_id = learn_curve(database, practice)
    assert in_force(database, practice) == "arcsine-1"
    with by(database, practice.lead) as work:
        curve = activate(work, curve_id, 1)
        person, now = work.scope.actor_id, work.now
    assert (curve.state, curve.activated_by, curve.activated_at, curve.version) == ("live", person, now, 2)
    assert in_force(database, practice) == "local-1"


def test_the_next_curve_retires_the_one_before(database: Database, practice: Clinic) -> None:
    first, second = a_live_curve(database, practice), a_live_curve(database, practice)
    assert states(database, practice) == {"local-1": "retired", "local-2": "live"}
    with by(database, practice.lead) as work:
        before, after = get_curve(work, first), get_curve(work, second)
    assert (before.successor_id, before.retired_at, before.retired_by) == (
        second,
        after.activated_at,
        after.activated_by,
    )
    assert in_force(database, practice) == "local-2"


BAD: Sequence[tuple[str, HeldOut]] = (
    ("enough_episodes", replace(DOES_WELL, episodes_learnt_with_three_scores=99)),
    ("out_of_time", replace(DOES_WELL, episodes_judged=0)),
    ("coverage", replace(DOES_WELL, coverage=about(0.74))),
    ("coverage", replace(DOES_WELL, coverage=about(0.86))),
    ("coverage", replace(DOES_WELL, coverage=Interval(nan, nan, nan, nan))),
    ("calibration", replace(DOES_WELL, calibration_slope=about(0.79))),
    ("calibration", replace(DOES_WELL, calibration_slope=about(1.21))),
    ("log_score", replace(DOES_WELL, log_score_difference=about(-0.021, 0.01))),
    ("log_score", replace(DOES_WELL, log_score_difference=Interval(0.0, inf, -inf, inf))),
)


@pytest.mark.parametrize(("gate", "held_out"), BAD)
def test_a_shut_gate_keeps_a_curve_out(database: Database, practice: Clinic, gate: str, held_out: HeldOut) -> None:
    curve_id = learn_curve(database, practice, methods=fake_methods(held_out))
    with pytest.raises(StateConflict, match=f"has not passed every gate: {gate}$"):
        put_into_force(database, practice, curve_id)
    assert states(database, practice) == {"local-1": "candidate"}
    assert in_force(database, practice) == "arcsine-1"


def test_the_gates_that_are_kept_are_those_that_are_judged(database: Database, practice: Clinic) -> None:
    held_out = replace(DOES_WELL, coverage=Interval(0.1 + 0.7, 1 / 3, 0.15, 1.45))
    curve_id = learn_curve(database, practice, methods=fake_methods(held_out))
    with by(database, practice.lead) as work:
        assert gates_of(get_curve(work, curve_id)) == judge(held_out)


def test_only_a_candidate_is_put_into_force(database: Database, practice: Clinic) -> None:
    first = a_live_curve(database, practice)
    a_live_curve(database, practice)
    with pytest.raises(StateConflict, match="the curve is retired"):
        put_into_force(database, practice, first, version=3)
    with pytest.raises(PreconditionFailed):
        put_into_force(database, practice, first, version=2)


def test_a_candidate_that_was_judged_beside_another_curve_is_refused(database: Database, practice: Clinic) -> None:
    """Its log score was held against that of the published curve, which is no longer what it would replace."""
    first, second = learn_curve(database, practice), learn_curve(database, practice)
    put_into_force(database, practice, second)
    with pytest.raises(StateConflict, match="judged beside another one"):
        put_into_force(database, practice, first)
    assert states(database, practice) == {"local-1": "candidate", "local-2": "live"}


def test_a_tablet_and_a_command_are_nobody(database: Database, practice: Clinic) -> None:
    curve_id = learn_curve(database, practice)
    with pytest.raises(Forbidden), by(database, practice.tablet) as work:
        activate(work, curve_id, 1)
    with pytest.raises(InvalidReference, match="activated_by"), by_command(database, practice) as work:
        activate(work, curve_id, 1)
    put_into_force(database, practice, curve_id)
    with pytest.raises(Forbidden), by(database, practice.tablet) as work:
        step_back(work, curve_id, 2)
    with pytest.raises(InvalidReference, match="retired_by"), by_command(database, practice) as work:
        step_back(work, curve_id, 2)


def test_another_organisation_s_curve_is_not_there(database: Database, practice: Clinic) -> None:
    curve_id = learn_curve(database, practice)
    stranger = make_clinic(database, practice.lead.client)
    with pytest.raises(NotFound):
        put_into_force(database, stranger, curve_id)
    put_into_force(database, practice, curve_id)
    with pytest.raises(NotFound):
        take_back(database, stranger, curve_id)
    assert in_force(database, stranger) == "arcsine-1"


def test_a_programme_s_curve_holds_in_that_programme(database: Database, clinic: Clinic) -> None:
    own, other = (UUID(make_programme(clinic, "individual")["id"]) for _ in range(2))
    make_courses(clinic, programme_id=str(own))
    whole = learn_curve(database, clinic)
    put_into_force(database, clinic, whole)
    of_programme = learn_curve(database, clinic, replace(LINE, programme_id=own))
    put_into_force(database, clinic, of_programme)
    assert [in_force(database, clinic, programme) for programme in (own, other, None)] == [
        "local-2",
        "local-1",
        "local-1",
    ]
    take_back(database, clinic, of_programme)
    assert in_force(database, clinic, own) == "local-1"


# ---- One step back


def test_one_step_back_is_the_curve_before(database: Database, practice: Clinic) -> None:
    """The first activation of that curve stays on its record: nobody has put it into force a second time."""
    first = a_live_curve(database, practice)
    second = a_live_curve(database, practice)
    with by(database, practice.lead) as work:
        activated = get_curve(work, first).activated_at
    take_back(database, practice, second)
    with by(database, practice.lead) as work:
        before, after, person = get_curve(work, first), get_curve(work, second), work.scope.actor_id
    assert (before.state, before.activated_at, before.retired_at, before.retired_by) == ("live", activated, None, None)
    assert (after.state, after.retired_by, after.successor_id) == ("retired", person, None)
    assert in_force(database, practice) == "local-1"


def test_two_steps_back_are_the_published_curve(database: Database, practice: Clinic) -> None:
    first, second = a_live_curve(database, practice), a_live_curve(database, practice)
    take_back(database, practice, second)
    take_back(database, practice, first)
    assert states(database, practice) == {"local-1": "retired", "local-2": "retired"}
    assert in_force(database, practice) == "arcsine-1"


def test_a_curve_that_was_taken_back_does_not_come_again(database: Database, practice: Clinic) -> None:
    """After B was taken back, C replaced A: one step back from C is A, and not B."""
    a_live_curve(database, practice)
    take_back(database, practice, a_live_curve(database, practice))
    take_back(database, practice, a_live_curve(database, practice))
    assert states(database, practice) == {"local-1": "live", "local-2": "retired", "local-3": "retired"}


def test_only_a_live_curve_is_taken_back(database: Database, practice: Clinic) -> None:
    curve_id = learn_curve(database, practice)
    with pytest.raises(StateConflict, match="the curve is candidate"):
        take_back(database, practice, curve_id)
    put_into_force(database, practice, curve_id)
    with pytest.raises(PreconditionFailed), by(database, practice.lead) as work:
        step_back(work, curve_id, 1)
    take_back(database, practice, curve_id)
    with pytest.raises(StateConflict, match="the curve is retired"):
        take_back(database, practice, curve_id)


# ---- What remains


def test_who_did_it_is_noted_in_the_audit(database: Database, practice: Clinic) -> None:
    take_back(database, practice, a_live_curve(database, practice))
    with by(database, practice.lead) as work:
        lead = work.scope.actor_id
        events = work.db.scalars(
            select(AuditEvent).where(AuditEvent.actor_id == lead).order_by(AuditEvent.occurred_at)
        ).all()
    assert [(event.action, event.patient_ids) for event in events] == [("activate_curve", []), ("step_back_curve", [])]


def test_what_was_refused_is_not_noted(database: Database, practice: Clinic) -> None:
    curve_id = learn_curve(database, practice, methods=fake_methods(replace(DOES_WELL, coverage=about(0.5))))
    with pytest.raises(StateConflict):
        put_into_force(database, practice, curve_id)
    with by(database, practice.lead) as work:
        assert work.db.scalars(select(AuditEvent).where(AuditEvent.action == "activate_curve")).all() == []


def test_a_live_curve_that_can_t_be_read_stops_nobody(
    database: Database, practice: Clinic, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a step back of the program itself, to one that does not know the newer form of a curve."""
    a_live_curve(database, practice)
    monkeypatch.setattr("app.trajectories.curve_files._NUMBERS", ("intercept",))
    read_settings.cache_clear()
    assert in_force(database, practice) == "arcsine-1"
    read_settings.cache_clear()
    assert "a live curve can't be read" in caplog.text
