"""What lies ahead, beyond the verdict: slow dense computation beside the fast one, hand arithmetic, and properties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.scales.change import Better, ChangeCriteria
from app.trajectories.course import Course
from app.trajectories.growth import GrowthCurve
from app.trajectories.outlook import review_points
from app.trajectories.policy import Plan, Policy
from app.trajectories.prospects import AtEnd, GainsDue, Plateau, PlateauKind, Prospects, prospects
from app.trajectories.series import Measurement, Series
from tests.trajectories.factories import (
    GAD_7,
    PHQ_9,
    a_curve,
    a_series,
    at,
    at_doses,
    b7b,
    mirrored,
    newest,
    of_all_shapes,
    sessions,
)
from tests.trajectories.oracles import Believed, Point, normal_cdf, slow_conditional

ROUNDED = 5.1e-5
USUAL, TEN = Policy(), Plan(planned_dose=10)
MIRRORED = replace(PHQ_9, better=Better.HIGHER, cutoff=18)
"""The PHQ-9 from the other end: a case at 10 or more is one at 17 or less, below 18."""


def ahead(
    scores: Sequence[float],
    *,
    criteria: ChangeCriteria = PHQ_9,
    curve: GrowthCurve | None = None,
    policy: Policy = USUAL,
    plan: Plan = TEN,
    reviewed_doses: Sequence[int] = (),
    first_dose: int = 0,
) -> Prospects:
    """Give the prospects after weekly scores."""
    series = a_series(scores, first_dose=first_dose)
    found = prospects(Course(series, criteria, curve or a_curve(), policy, plan, tuple(reviewed_doses)))
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
        assert ended == replace(going_on, end=None, plateau=None, gains=(), gains_due=None)


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


class TestGains:
    def test_expected_and_noticeable_beside_what_the_calendar_brings(self) -> None:
        """At dose 3 after 20, 17, 15, 14: dense computation for the scores, methods B8 for the natural course.

        What is noticeable was tried by itself; here one shape on the raw scale, where 1.7 points are 1.7 units.
        """
        scores, curve = [20, 17, 15, 14], b7b()
        now_and_then = slow(scores, [(3, 3), (8, 8), (13, 13)], curve)
        now, *later = map(now_and_then.expected, range(3))
        fall = 2.55 + 0.21 * 5
        gains = ahead(scores, curve=curve).gains
        assert [(each.sessions, each.weeks) for each in gains] == [(5, 5), (10, 10)]
        assert [each.expected for each in gains] == pytest.approx([now - each for each in later], abs=0.0051)
        chances = [now_and_then.falls(0, place, 1.7) for place in (1, 2)]
        assert [each.noticeable for each in gains] == pytest.approx(chances, abs=1.1e-4)
        natural = [fall * (log(1 + weeks / 2) - log(2.5)) / log(6) for weeks in (8, 13)]
        assert [each.natural for each in gains] == pytest.approx(natural, abs=0.0051)

    def test_it_is_the_gain_of_the_review_points(self) -> None:
        [_, evaluation] = review_points(a_series([15] * 8), PHQ_9, a_curve(), Policy(), Plan())
        five = ahead([15] * 8, plan=Plan()).gains[0]
        assert (evaluation.dose, evaluation.further_gain) == (12, five.expected)
        assert evaluation.natural_further_gain == five.natural

    def test_fortnightly_sessions_take_twice_the_weeks(self) -> None:
        gains = ahead([20, 17, 15], plan=Plan(interval_days=14)).gains
        assert [each.weeks for each in gains] == [10, 20]
        assert (gains[0].natural or 0) > (ahead([20, 17, 15]).gains[0].natural or 0)

    def test_unknown_stays_unknown(self) -> None:
        criteria = replace(GAD_7, important_difference=None)
        gains = ahead([15, 14], criteria=criteria, curve=a_curve("gad-7")).gains
        assert {(each.noticeable, each.natural) for each in gains} == {(None, None)}
        assert all(each.expected > 0 for each in gains)

    @pytest.mark.parametrize(
        ("newest_dose", "planned", "reviewed", "due"),
        [
            (6, None, (), None),
            (7, None, (), None),  # the late window is a review, but no period evaluation
            (8, 10, (), None),
            (10, 10, (), GainsDue.PLANNED_END),
            (10, 10, (10,), None),
            (11, 10, (7,), GainsDue.PLANNED_END),  # until it is reviewed
            (12, None, (), GainsDue.PERIOD_EVALUATION),
            (13, None, (12,), None),
            (12, 12, (), GainsDue.PLANNED_END),
            (19, 30, (12,), None),
            (20, 30, (12,), GainsDue.PERIOD_EVALUATION),
            (52, None, (), GainsDue.PERIOD_EVALUATION),
        ],
    )
    def test_due_at_each_evaluation_that_was_reached_until_it_is_reviewed(
        self, newest_dose: int, planned: int | None, reviewed: tuple[int, ...], due: GainsDue | None
    ) -> None:
        found = ahead([15] * (newest_dose + 1), plan=Plan(planned_dose=planned), reviewed_doses=reviewed)
        assert found.plateau is None or found.plateau.kind is PlateauKind.NONE
        assert found.gains_due is due


LEVELLED = [16, 12, 9, 6, 4, 2, 1, 2]
"""Close to the good end: not much is left to gain. At dose 7."""

NOTHING_NOTICED = replace(USUAL, plateau_probability=0.6)
"""A wide definition, by which a flat course has levelled out; with the usual one drift alone may bring a gain."""


class TestPlateau:
    def test_it_rests_on_what_four_more_sessions_may_give(self) -> None:
        plateau = plateau_of(ahead(LEVELLED))
        believed = slow(LEVELLED, [(7, 7), (11, 11)])
        assert plateau.kind is PlateauKind.GOOD_ENOUGH
        assert (plateau.ahead.sessions, plateau.ahead.weeks, plateau.important_difference) == (4, 4, 1.7)
        assert plateau.ahead.expected == pytest.approx(believed.expected(0) - believed.expected(1), abs=0.0051)
        assert plateau.ahead.noticeable is not None
        assert plateau.ahead.noticeable < 0.20

    def test_it_makes_the_further_gains_due(self) -> None:
        assert ahead(LEVELLED).gains_due is GainsDue.PLATEAU

    def test_it_changes_no_signal(self) -> None:
        assert newest(LEVELLED, policy=replace(USUAL, plateau_dose=3)) == newest(LEVELLED)

    @pytest.mark.parametrize(
        ("policy", "kind"),
        [
            (USUAL, PlateauKind.GOOD_ENOUGH),
            (replace(USUAL, plateau_probability=0.1), PlateauKind.NONE),  # it is .19
            (replace(USUAL, plateau_sessions=12), PlateauKind.NONE),  # more sessions may bring more
        ],
    )
    def test_by_the_organisation_s_policy(self, policy: Policy, kind: PlateauKind) -> None:
        assert plateau_of(ahead(LEVELLED, policy=policy)).kind is kind

    @pytest.mark.parametrize(
        ("sessions", "kind"),
        [(4, PlateauKind.REVIEW), (12, PlateauKind.NONE)],
    )
    def test_as_much_as_is_noticed_is_expected_of_more_sessions(self, sessions: int, kind: PlateauKind) -> None:
        """A flat 16 is expected to lose 1.4 points in 4 sessions and more than 1.7 in 12, likely or not."""
        policy = Policy(plateau_sessions=sessions, plateau_probability=0.99)
        plateau = plateau_of(ahead([16] * 9, policy=policy))
        assert (plateau.ahead.expected < 1.7) is (kind is PlateauKind.REVIEW)
        assert plateau.kind is kind

    def test_worse_by_as_much_as_is_noticed_is_no_plateau_either(self) -> None:
        """Three good scores after thirty high ones may be drift that will not last; no gain is likely."""
        plateau = plateau_of(ahead([*[20] * 30, 5, 5, 5], policy=Policy(plateau_sessions=12)))
        assert plateau.ahead.expected < -1.7
        assert plateau.ahead.noticeable is not None
        assert plateau.ahead.noticeable < 0.20
        assert plateau.kind is PlateauKind.NONE

    @pytest.mark.parametrize(
        ("scores", "criteria", "kind"),
        [
            ([16] * 9, PHQ_9, PlateauKind.REVIEW),
            ([16, 14, 12, 11, *[9] * 5], PHQ_9, PlateauKind.GOOD_ENOUGH),
            ([16, 14, 12, 11, *[9] * 5], replace(PHQ_9, cutoff=9), PlateauKind.REVIEW),  # now a case
            ([16, 14, 12, 11, *[9] * 5], replace(PHQ_9, cutoff=None), PlateauKind.REVIEW),
            ([2, 4, 6, 7, 8, 9, 9, 9, 9], PHQ_9, PlateauKind.REVIEW),  # below the cut-off, and reliably worse
        ],
    )
    def test_it_says_on_which_side_of_the_cutoff(
        self, scores: list[int], criteria: ChangeCriteria, kind: PlateauKind
    ) -> None:
        assert plateau_of(ahead(scores, criteria=criteria, policy=NOTHING_NOTICED)).kind is kind

    @pytest.mark.parametrize(("newest_dose", "asked"), [(5, False), (6, False), (7, True)])
    def test_it_is_asked_after_session_6(self, newest_dose: int, asked: bool) -> None:
        assert (ahead([16] * (newest_dose + 1)).plateau is not None) is asked

    @pytest.mark.parametrize("plan", [Plan(pathway=3), Plan(crisis_pause=True)])
    def test_not_in_long_term_care_and_not_in_a_crisis(self, plan: Plan) -> None:
        assert ahead(LEVELLED, plan=plan).plateau is None

    def test_not_from_a_single_score(self) -> None:
        assert ahead([2], first_dose=9).plateau is None

    def test_unknown_where_no_important_difference_is_published(self) -> None:
        assert ahead(LEVELLED, criteria=replace(PHQ_9, important_difference=None)).plateau is None


def plateau_of(found: Prospects) -> Plateau:
    assert found.plateau is not None
    return found.plateau


def test_nothing_is_told_before_treatment() -> None:
    waiting = Series.build([Measurement(0, at(0), 15)], [])
    assert prospects(Course(waiting, PHQ_9, a_curve(), Policy(), TEN)) is None


def probabilities(found: Prospects) -> list[float]:
    end = found.end
    ends = (end.reliable_improvement, end.below_cutoff, end.reliable_deterioration) if end else ()
    chances = (each.noticeable for each in found.gains)
    return [each for each in (*ends, *chances, found.exceedance, found.natural_share) if each is not None]


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
