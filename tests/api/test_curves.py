"""The curves of a trajectory, and where its scores lie on dose and calendar."""

from __future__ import annotations

import csv
import math
from datetime import datetime, timedelta
from pathlib import Path

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

# ---- Curves

TABLE = Path(__file__).parents[1] / "reference" / "b7b-1.csv"


def published() -> dict[tuple[str, int], list[dict[str, str]]]:
    """Read the table of the curve's publication, by instrument and first score."""
    with TABLE.open(encoding="utf-8") as lines:
        table = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    grouped: dict[tuple[str, int], list[dict[str, str]]] = {}
    for row in table:
        grouped.setdefault((row["instrument"], int(row["first"])), []).append(row)
    return grouped


def whole_point(printed: str) -> set[int]:
    """Give the whole scores that a printed normal quantile q allows: the smallest k with k + 1/2 >= q, at least 0.

    The table prints one decimal, so that q itself may lie up to .05 on either side.
    """
    return {max(0, math.ceil(float(printed) + shift - 0.5)) for shift in (-0.05, 0.05)}


@pytest.mark.parametrize(("first", "table"), published().items(), ids=lambda key: "-".join(map(str, key))[:12])
def test_the_curve_is_the_published_one_to_the_printed_digit(
    clinic: Clinic, first: tuple[str, int], table: list[dict[str, str]]
) -> None:
    """Session s is dose s - 1; the band is closed and whole."""
    instrument, score = first
    episode = make_episode(clinic, planned_dose=20)
    make_sessions(clinic, episode, 1)
    answers = phq_9(score, item_9=max(0, score - 24)) if instrument == "phq-9" else gad_7(score)
    created(put(clinic.tablet, administration(episode, answers, instrument=instrument)))
    trajectory = trajectory_of(clinic, episode)
    curve = trajectory["curve"]
    assert (curve["version"], curve["status"], curve["band_level"]) == ("b7b-1", "derived", 0.8)
    points = {point["dose"]: point for point in curve["from_baseline"]}
    assert list(points) == list(range(21))
    assert points[0] == {"dose": 0, "weeks": 0, "mean": score, "lower": score, "upper": score}
    for row in table:
        point = points[int(row["session"]) - 1]
        assert point["weeks"] == point["dose"]
        # Shown to the hundredth, printed to the tenth.
        assert abs(point["mean"] - float(row["mean"])) <= 0.05 + 0.005
        assert point["lower"] in whole_point(row["lower"])
        assert point["upper"] in whole_point(row["upper"])
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
