"""What lies ahead, beyond the verdict: slow dense computation beside the fast one, hand arithmetic, and properties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.scales.change import Better, ChangeCriteria
from app.trajectories.course import Course
from app.trajectories.growth import GrowthCurve
from app.trajectories.policy import Plan, Policy
from app.trajectories.prospects import AtEnd, Prospects, prospects
from app.trajectories.series import Measurement, Series
from tests.trajectories.factories import (
    GAD_7,
    PHQ_9,
    a_curve,
    a_series,
    at,
    at_doses,
    mirrored,
    newest,
    of_all_shapes,
    sessions,
)
from tests.trajectories.oracles import Believed, Point, normal_cdf, slow_conditional

ROUNDED = 5.1e-5
TEN = Plan(planned_dose=10)
MIRRORED = replace(PHQ_9, better=Better.HIGHER, cutoff=18)
"""The PHQ-9 from the other end: a case at 10 or more is one at 17 or less, below 18."""


def ahead(
    scores: Sequence[float],
    *,
    criteria: ChangeCriteria = PHQ_9,
    curve: GrowthCurve | None = None,
    plan: Plan = TEN,
    first_dose: int = 0,
) -> Prospects:
    """Give the prospects after weekly scores."""
    series = a_series(scores, first_dose=first_dose)
    found = prospects(Course(series, criteria, curve or a_curve(), Policy(), plan))
    assert found is not None
    return found


def end_of(found: Prospects) -> AtEnd:
    assert found.end is not None
    return found.end


def slow(scores: Sequence[float], points: Sequence[Point], curve: GrowthCurve | None = None) -> Believed:
    """Give what weekly scores say of points, from dense matrices."""
    return slow_conditional(curve or a_curve(), [(n, n, score) for n, score in enumerate(scores)], points)


def walk(start: int, steps: list[int]) -> list[int]:
    return list(accumulate(steps, lambda score, step: min(27, max(0, score + step)), initial=start))


walks = st.builds(walk, st.integers(0, 27), st.lists(st.integers(-6, 6), max_size=12))
plans = st.builds(Plan, planned_dose=st.none() | st.integers(1, 30), interval_days=st.sampled_from([7, 14]))


class TestAtEnd:
    @pytest.mark.parametrize("curve", [a_curve(), of_all_shapes(a_curve())])
    def test_each_probability_sums_the_scores_that_show_it(self, curve: GrowthCurve) -> None:
        """From 16: reliably better is 10 or less, below the cut-off 9 or less, reliably worse 22 or more."""
        scores = [16, 15, 12, 12]
        cells = slow(scores, [(10, 10)], curve).cells(0)
        end = end_of(ahead(scores, curve=curve))
        assert (end.dose, end.weeks) == (10, 10)
        assert end.reliable_improvement == pytest.approx(sum(cells[:11]), abs=ROUNDED)
        assert end.below_cutoff == pytest.approx(sum(cells[:10]), abs=ROUNDED)
        assert end.reliable_deterioration == pytest.approx(sum(cells[22:]), abs=ROUNDED)

    def test_they_are_those_of_the_verdict(self) -> None:
        """The goal is the easier of the two, and the deterioration is the same."""
        for scores in ([16, 15, 12, 12], [12, 14, 13], [21, 19, 17, 18]):
            end, verdict = end_of(ahead(scores)), newest(scores, plan=TEN)
            assert end.dose == verdict.end_dose
            assert max(end.reliable_improvement or 0, end.below_cutoff or 0) == verdict.probabilities.goal_by_end
            assert end.reliable_deterioration == verdict.probabilities.deterioration_by_end

    def test_where_high_scores_are_good_it_is_the_mirror_image(self) -> None:
        scores = [16, 15, 12, 13]
        found = ahead([27 - score for score in scores], criteria=MIRRORED, curve=mirrored(a_curve()))
        end, as_before = end_of(found), end_of(ahead(scores))
        assert end.reliable_improvement == pytest.approx(as_before.reliable_improvement, abs=1.1e-4)
        assert end.below_cutoff == pytest.approx(as_before.below_cutoff, abs=1.1e-4)
        assert end.reliable_deterioration == pytest.approx(as_before.reliable_deterioration, abs=1.1e-4)
        assert found.exceedance == pytest.approx(ahead(scores).exceedance, abs=1.1e-4)

    @pytest.mark.parametrize(
        ("baseline", "improvement", "deterioration"),
        [(5, False, True), (6, True, True), (21, True, True), (22, True, False)],
    )
    def test_what_no_score_of_the_scale_shows_has_no_probability(
        self, baseline: int, improvement: bool, deterioration: bool
    ) -> None:
        """Six points down from 5 is below 0; six points up from 22 is above 27."""
        end = end_of(ahead([baseline, baseline]))
        assert (end.reliable_improvement is not None) is improvement
        assert (end.reliable_deterioration is not None) is deterioration
        assert end.below_cutoff is not None

    @pytest.mark.parametrize(
        ("criteria", "known"),
        [
            (ChangeCriteria(0, 27), (False, False, False)),
            (ChangeCriteria(0, 27, cutoff=10), (False, True, False)),
            (ChangeCriteria(0, 27, cutoff=0), (False, False, False)),  # nothing is below it
            (ChangeCriteria(0, 27, reliable_change=6), (True, False, True)),
        ],
    )
    def test_what_is_not_published_has_none_either(
        self, criteria: ChangeCriteria, known: tuple[bool, bool, bool]
    ) -> None:
        end = end_of(ahead([16, 15], criteria=criteria))
        figures = (end.reliable_improvement, end.below_cutoff, end.reliable_deterioration)
        assert tuple(each is not None for each in figures) == known

    def test_after_the_planned_end_it_is_the_next_evaluation(self) -> None:
        end = end_of(ahead([15] * 12))
        assert (end.dose, end.weeks) == (12, 12)

    def test_the_end_comes_by_the_planned_interval(self) -> None:
        end = end_of(ahead([15, 14, 13], plan=Plan(planned_dose=5, interval_days=14)))
        assert (end.dose, end.weeks) == (5, 2 + 3 * 2)

    def test_no_end_lies_in_the_past_where_the_links_put_doses_out_of_order(self) -> None:
        """The newest score is at dose 2 in week 2, after one at dose 14: eight sessions more take eight weeks."""
        course = Course(at_doses(a_series([15, 14, 13]), [0, 14, 2]), PHQ_9, a_curve(), Policy(), TEN)
        found = prospects(course)
        assert found is not None
        assert (end_of(found).dose, end_of(found).weeks) == (10, 10)

    def test_beyond_every_review_point_no_end_lies_ahead(self) -> None:
        assert ahead([15, 14], first_dose=60).end is None

    def test_nothing_lies_ahead_once_the_treatment_has_ended(self) -> None:
        course = Course(a_series([16, 12, 9]), PHQ_9, a_curve(), Policy(), TEN)
        going_on, ended = prospects(course), prospects(course, ended=True)
        assert going_on is not None
        assert ended == replace(going_on, end=None)


class TestExceedance:
    @pytest.mark.parametrize("score", [0, 4, 12, 20, 27])
    def test_worse_scores_and_half_of_the_ties_from_the_baseline_only(self, score: int) -> None:
        """The scores between don't count: a similar patient is one with the same baseline."""
        cells = slow([16], [(3, 3)]).cells(0)
        by_hand = sum(cells[score + 1 :]) + cells[score] / 2
        assert ahead([16, 3, 25, score]).exceedance == pytest.approx(by_hand, abs=ROUNDED)

    def test_there_is_none_at_the_baseline(self) -> None:
        assert ahead([16]).exceedance is None

    def test_its_mean_over_patients_is_one_half(self) -> None:
        cells = slow([16], [(3, 3)]).cells(0)
        values = [ahead([16, 16, 16, score]).exceedance or 0 for score in range(28)]
        mean = sum(cell * value for cell, value in zip(cells, values, strict=True))
        assert mean == pytest.approx(0.5, abs=1e-4)


class TestNaturalShare:
    def test_by_hand(self) -> None:
        """18 to 12 in 10 weeks: the course goes to 18 - (2.55 + .21 * 3) = 14.82, and 12 is up to 12.5, sd 4.9."""
        share = ahead([*[18] * 10, 12]).natural_share
        assert share == pytest.approx(normal_cdf((12.5 - 14.82) / 4.9), abs=ROUNDED)
        assert share == pytest.approx(0.32, abs=0.005)  # methods, B8

    @pytest.mark.parametrize("scores", [[16], [16, 16], [16, 12, 17]])
    def test_where_nobody_has_improved_there_is_nothing_to_compare(self, scores: list[int]) -> None:
        assert ahead(scores).natural_share is None

    def test_unknown_where_no_natural_course_is_sourced(self) -> None:
        assert ahead([15, 9], criteria=GAD_7, curve=a_curve("gad-7")).natural_share is None


def test_nothing_is_told_before_treatment() -> None:
    waiting = Series.build([Measurement(0, at(0), 15)], [])
    assert prospects(Course(waiting, PHQ_9, a_curve(), Policy(), TEN)) is None


def probabilities(found: Prospects) -> list[float]:
    end = found.end
    ends = (end.reliable_improvement, end.below_cutoff, end.reliable_deterioration) if end else ()
    return [each for each in (*ends, found.exceedance, found.natural_share) if each is not None]


@given(walks, plans)
def test_probabilities_lie_between_0_and_1_and_better_excludes_worse(scores: list[int], plan: Plan) -> None:
    found = ahead(scores, plan=plan)
    assert all(0 <= each <= 1 for each in probabilities(found))
    if found.end is not None:
        assert (found.end.reliable_improvement or 0) + (found.end.reliable_deterioration or 0) <= 1 + 2 * ROUNDED


@given(walks, plans, st.integers(0, 12))
def test_later_scores_change_nothing_of_what_was_told(scores: list[int], plan: Plan, index: int) -> None:
    index = min(index, len(scores) - 1)
    measurements = [Measurement(f"{n:03}", at(n), score) for n, score in enumerate(scores)]
    whole = Series.build(measurements, sessions(len(scores)))
    course = Course(whole.until(index), PHQ_9, a_curve(), Policy(), plan)
    assert prospects(course) == ahead(scores[: index + 1], plan=plan)
