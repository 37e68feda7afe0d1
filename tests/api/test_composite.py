"""The composite of PHQ-9 and GAD-7 in a trajectory's answer: the core's exact sum over the pairs of scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from app.db.codes import OrganisationMode
from app.db.session import Database
from app.services.curves import activate
from app.trajectories.composite import Scored, composite_chances, default_joint_curve, joint_cells
from tests.api.steps import close, trajectory_of
from tests.factories import (
    Clinic,
    administration,
    created,
    gad_7,
    hold,
    make_clinic,
    make_episode,
    phq_9,
    put,
)
from tests.learnt import LINE, by, fake_methods, learn_curve, make_courses
from tests.trajectories.factories import GAD_7, PHQ_9

PHQ, GAD = (16, 14, 11), (13, 12, 9)


def answered(clinic: Clinic, first: Sequence[int], second: Sequence[int], **plan: Any) -> dict[str, Any]:
    """Make an episode with weekly scores of both, before the sessions of each week."""
    episode = make_episode(clinic, **plan)
    for week in range(max(len(first), len(second))):
        hold(clinic, episode, week=week)
    for week, score in enumerate(first):
        created(put(clinic.tablet, administration(episode, phq_9(score), week=week)))
    for week, score in enumerate(second):
        created(put(clinic.tablet, administration(episode, gad_7(score), instrument="gad-7", week=week)))
    return episode


def composite_in(clinic: Clinic, episode: dict[str, Any], instrument: str = "phq-9") -> Any:
    return trajectory_of(clinic, episode, f"?instrument={instrument}")["composite"]


def by_core(first: Sequence[int], second: Sequence[int], end: int) -> list[float]:
    known = [Scored(0, week, week, score) for week, score in enumerate(first)]
    known += [Scored(1, week, week, score) for week, score in enumerate(second)]
    cells = joint_cells(default_joint_curve(), sorted(known, key=lambda each: each.weeks), end, end)
    return list(composite_chances(cells, (PHQ_9, GAD_7), (first[0], second[0])))


@pytest.mark.parametrize("instrument", ["phq-9", "gad-7"])
def test_the_figures_are_those_of_the_core_whichever_series_is_shown(clinic: Clinic, instrument: str) -> None:
    found = composite_in(clinic, answered(clinic, PHQ, GAD, planned_dose=10), instrument)
    assert (found["measures"], found["end_dose"]) == (["phq-9", "gad-7"], 10)
    names = ("reliable_improvement", "reliable_deterioration", "recovery")
    assert [found[name] for name in names] == pytest.approx(by_core(PHQ, GAD, 10), abs=2e-4)
    assert len(found["words"]) == 3
    assert found["note"]


def test_either_may_have_been_given_less_often(clinic: Clinic) -> None:
    found = composite_in(clinic, answered(clinic, PHQ, GAD[:1], planned_dose=10))
    assert found["reliable_improvement"] == pytest.approx(by_core(PHQ, GAD[:1], 10)[0], abs=2e-4)


class TestWhereThereIsNone:
    def test_one_measure(self, clinic: Clinic) -> None:
        assert composite_in(clinic, answered(clinic, PHQ, ())) is None

    def test_another_measure(self, clinic: Clinic) -> None:
        episode = make_episode(clinic)
        hold(clinic, episode, week=0)
        body = administration(episode, {str(item): 1 for item in range(1, 11)}, instrument="core-10", week=0)
        created(put(clinic.tablet, body))
        assert composite_in(clinic, episode, "core-10") is None

    def test_before_treatment(self, clinic: Clinic) -> None:
        episode = make_episode(clinic)
        created(put(clinic.tablet, administration(episode, phq_9(15))))
        created(put(clinic.tablet, administration(episode, gad_7(12), instrument="gad-7")))
        assert composite_in(clinic, episode) is None

    def test_nothing_of_the_plan_lies_ahead(self, clinic: Clinic) -> None:
        """After dose 52 there is no period evaluation, and none was planned."""
        episode = make_episode(clinic)
        for number in range(53):
            hold(clinic, episode, week=number / 2)
        for instrument, answers in (("phq-9", phq_9(15)), ("gad-7", gad_7(12))):
            for week in (0.0, 27.0):
                created(put(clinic.tablet, administration(episode, answers, instrument=instrument, week=week)))
        assert composite_in(clinic, episode) is None

    def test_the_treatment_has_ended(self, clinic: Clinic) -> None:
        episode = answered(clinic, PHQ, GAD)
        close(clinic, episode, 3)
        assert composite_in(clinic, episode) is None

    def test_record_mode(self, database: Database, clinic: Clinic) -> None:
        own = make_clinic(database, clinic.lead.client, mode=OrganisationMode.RECORD)
        assert composite_in(own, answered(own, PHQ, GAD)) is None

    def test_a_learnt_curve_that_does_not_go_with_the_other(self, database: Database, clinic: Clinic) -> None:
        """With another time constant of the drift the two have no joint curve."""
        make_courses(clinic)
        methods = fake_methods(drift_weeks=5.0)
        curve_id = learn_curve(database, clinic, LINE, methods)
        with by(database, clinic.lead) as work:
            activate(work, UUID(str(curve_id)), 1)
        assert composite_in(clinic, answered(clinic, PHQ, GAD)) is None


def test_scores_of_one_day_are_one_occasion(clinic: Clinic) -> None:
    """An hour apart or at one moment: the same, since their noise goes together."""
    episode = make_episode(clinic, planned_dose=10)
    hold(clinic, episode, week=0)
    created(put(clinic.tablet, administration(episode, phq_9(16), week=0)))
    created(put(clinic.tablet, administration(episode, gad_7(13), instrument="gad-7", week=0.001)))
    apart = composite_in(clinic, episode)
    together = composite_in(clinic, answered(clinic, PHQ[:1], GAD[:1], planned_dose=10))
    assert apart == together
