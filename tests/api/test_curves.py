"""The curves of a trajectory, and where its scores lie on dose and calendar."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from tests.api.steps import (
    course,
    trajectory_of,
)
from tests.factories import (
    START,
    Clinic,
    administration,
    created,
    gad_7,
    make_episode,
    make_sessions,
    phq_9,
    put,
    put_weekly,
)
from tests.trajectories.factories import a_curve
from tests.trajectories.oracles import slow_conditional

# ---- Curves

FIRST_SCORES = [("phq-9", 10), ("phq-9", 15), ("phq-9", 20), ("phq-9", 27), ("gad-7", 8), ("gad-7", 12), ("gad-7", 20)]


@pytest.mark.parametrize(("instrument", "score"), FIRST_SCORES)
def test_the_curve_is_that_of_the_written_formulas(clinic: Clinic, instrument: str, score: int) -> None:
    """Cell by cell, by the slow computation. The band is closed and whole: the first scores that reach .1 and .9."""
    episode = make_episode(clinic, planned_dose=20)
    make_sessions(clinic, episode, 1)
    answers = phq_9(score, item_9=max(0, score - 24)) if instrument == "phq-9" else gad_7(score)
    created(put(clinic.tablet, administration(episode, answers, instrument=instrument)))
    trajectory = trajectory_of(clinic, episode)
    curve = trajectory["curve"]
    assert (curve["version"], curve["status"], curve["band_level"]) == ("arcsine-1", "derived", 0.8)
    points = {point["dose"]: point for point in curve["from_baseline"]}
    assert list(points) == list(range(21))
    assert points[0] == {"dose": 0, "weeks": 0, "mean": score, "lower": score, "upper": score}
    believed = slow_conditional(a_curve(instrument), [(0, 0, score)], [(dose, dose) for dose in range(1, 21)])
    for place, dose in enumerate(range(1, 21)):
        point = points[dose]
        assert point["weeks"] == dose
        assert point["mean"] == pytest.approx(believed.expected(place), abs=0.0051)
        cumulative = np.array(believed.cumulative(place))
        assert (point["lower"], point["upper"]) == tuple((cumulative < tail - 1e-9).sum() for tail in (0.1, 0.9))
    # With nothing but the baseline known, the update adds nothing but the noise of the score itself.
    later = [{**point, "lower": 0, "upper": 0} for point in curve["updated"][1:]]
    assert later == [{**point, "lower": 0, "upper": 0} for point in curve["from_baseline"][1:]]


def test_later_scores_update_the_curve_and_leave_the_first_one(clinic: Clinic) -> None:
    episode = make_episode(clinic, planned_dose=10)
    make_sessions(clinic, episode, 3)
    put_weekly(clinic, episode, [15])
    first = trajectory_of(clinic, episode)["curve"]
    created(put(clinic.tablet, administration(episode, phq_9(5), week=1)))
    second = trajectory_of(clinic, episode)["curve"]
    assert second["from_baseline"] == first["from_baseline"]
    assert [point["dose"] for point in second["updated"]] == list(range(1, 11))
    assert second["updated"][-1]["mean"] < first["updated"][-1]["mean"]


def test_the_natural_course_stands_beside_the_curve_for_the_phq_9(clinic: Clinic) -> None:
    episode, _ = course(clinic, [15], planned_dose=10)
    natural = trajectory_of(clinic, episode)["natural_course"]
    # Methods B8: a fall of 2.55 points in 10 weeks from a first score of 15.
    assert natural["points"][0] == {"weeks": 0, "score": 15}
    assert natural["points"][-1]["weeks"] == 10
    assert natural["points"][-1]["score"] == pytest.approx(15 - 2.55, abs=0.005)
    assert "Metapsy" in natural["source"]
    assert natural["note"]


def test_the_natural_course_is_unknown_for_the_gad_7(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 1)
    created(put(clinic.tablet, administration(episode, gad_7(12), instrument="gad-7")))
    natural = trajectory_of(clinic, episode, **{"Accept-Language": "en"})["natural_course"]
    assert (natural["points"], natural["source"]) == (None, None)
    assert "unknown" in natural["note"].lower()
    assert {point["natural_further_gain"] for point in trajectory_of(clinic, episode)["review_points"]} == {None}


@pytest.mark.parametrize(
    ("planned_dose", "points"),
    [
        (None, {7: "late_window", 12: "period_evaluation"}),
        (6, {4: "late_window", 6: "planned_end"}),
        (12, {7: "late_window", 12: "planned_end"}),
        (20, {7: "late_window", 12: "period_evaluation", 20: "planned_end"}),
        (30, {7: "late_window", 12: "period_evaluation", 20: "period_evaluation", 30: "planned_end"}),
        (
            60,
            {
                7: "late_window",
                12: "period_evaluation",
                20: "period_evaluation",
                52: "period_evaluation",
                60: "planned_end",
            },
        ),
    ],
)
def test_review_points_at_20_and_52_only_where_the_plan_reaches_them(
    clinic: Clinic, planned_dose: int | None, points: dict[int, str]
) -> None:
    episode, _ = course(clinic, [15], planned_dose=planned_dose)
    found = trajectory_of(clinic, episode)["review_points"]
    assert {point["dose"]: point["kind"] for point in found} == points
    for point in found:
        assert point["further_gain"] > 0
        # Part of the gain is what the calendar alone would bring.
        assert 0 < point["natural_further_gain"] < point["further_gain"]


# ---- Where a score lies


def test_fortnightly_care_collects_weeks_faster_than_dose(clinic: Clinic) -> None:
    episode = make_episode(clinic, planned_interval_days=14, planned_dose=10)
    make_sessions(clinic, episode, 4, every_days=14)
    for week, total in ((0, 16), (2, 14), (4, 13), (6, 12)):
        created(put(clinic.tablet, administration(episode, phq_9(total), week=week)))
    trajectory = trajectory_of(clinic, episode)
    assert [(each["dose"], each["weeks"]) for each in trajectory["observations"]] == [(0, 0), (1, 2), (2, 4), (3, 6)]
    assert trajectory["curve"]["updated"][-1]["weeks"] == 20
    due = START + timedelta(weeks=8)
    assert datetime.fromisoformat(trajectory["next_measure_due_at"]) == due


def test_the_link_to_a_session_says_more_than_the_clock(clinic: Clinic) -> None:
    """Filled in before the second session, sent and stamped an hour after it."""
    episode = make_episode(clinic)
    sessions = make_sessions(clinic, episode, 3)
    put_weekly(clinic, episode, [15])
    late_stamp = (START + timedelta(weeks=1, hours=2)).isoformat()
    for timing, dose in (("before", 1), ("after", 2), ("between", 2)):
        body = administration(episode, phq_9(14), completed_at=late_stamp)
        body |= {"treatment_session_id": sessions[1]["id"], "timing": timing}
        verdict = created(put(clinic.therapist, body))["result"]["verdict"]
        assert verdict["dose"] == dose
