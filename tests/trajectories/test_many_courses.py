"""Many courses at once: each verdict is that of the slow computation, and no course can tell who else is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.scales.change import Better, ChangeCriteria
from app.trajectories import looks
from app.trajectories.growth import GrowthCurve
from app.trajectories.link import Link, LinkKind
from app.trajectories.looks import look_at
from app.trajectories.policy import Flagging, Plan, Policy
from app.trajectories.series import Measurement, Series
from app.trajectories.tracking import Course, Progress, assess, assess_each, assess_many
from tests.trajectories.factories import (
    GAD_7,
    PHQ_9,
    a_curve,
    a_series,
    at,
    at_doses,
    b7b,
    mirrored,
    of_all_shapes,
    sessions,
)
from tests.trajectories.oracles import slow_look


def seen_in_a_mirror(criteria: ChangeCriteria, curve: GrowthCurve) -> tuple[ChangeCriteria, GrowthCurve]:
    """Give the same score, running the other way."""
    cutoff = None if criteria.cutoff is None else criteria.maximum + 1 - criteria.cutoff
    return replace(criteria, better=Better.HIGHER, cutoff=cutoff), mirrored(curve)


LOWER = [
    (PHQ_9, a_curve()),
    (GAD_7, a_curve("gad-7")),
    (replace(PHQ_9, cutoff=None), replace(of_all_shapes(b7b()), correlation=-0.3)),
    (replace(PHQ_9, reliable_change=None), of_all_shapes(a_curve())),
    (ChangeCriteria(0, 27), replace(a_curve(), link=Link(LinkKind.LOGIT, 0, 27, middle=12))),
]
OTHER_CURVE = replace(b7b(), intercept=16.0, drift_weeks=5.0)
THE_OTHER_WAY = replace(PHQ_9, better=Better.HIGHER)
MEASURES = [
    (PHQ_9, OTHER_CURVE),
    (THE_OTHER_WAY, a_curve()),
    *LOWER,
    *(seen_in_a_mirror(*measure) for measure in LOWER),
]
OTHER_FIGURES = Policy(
    early_window_dose=2,
    late_window_dose=5,
    period_evaluation_doses=(9, 14),
    early_share=0.3,
    established_probability=0.7,
    no_change_probability=0.4,
    goal_probability=0.6,
    clear_probability=0.3,
    deterioration_probability=0.1,
    band_level=0.7,
    clear_band_level=0.9,
)
POLICIES = [replace(policy, flagging=flagging) for policy in (Policy(), OTHER_FIGURES) for flagging in Flagging]
PLANS = [
    Plan(),
    Plan(planned_dose=6),
    Plan(planned_dose=20, interval_days=14),
    Plan(interval_days=10, pathway=3),
    Plan(crisis_pause=True),
]


@st.composite
def courses(draw: st.DrawFn) -> Course:
    """Give courses of all kinds: short and long, late and early, up and down, on any plan and policy."""
    criteria, curve = draw(st.sampled_from(MEASURES))
    score = st.integers(curve.minimum, curve.maximum)
    if draw(st.booleans()):
        score |= st.sampled_from([curve.minimum, curve.maximum])
    scores = draw(st.lists(score, min_size=1, max_size=12))
    first_dose = draw(st.sampled_from([0, 0, 1, 3, 9, 50]))
    series = a_series(scores, interval_weeks=draw(st.sampled_from([0.5, 1, 2])), first_dose=first_dose)
    if draw(st.booleans()):
        steps = st.lists(st.integers(0, 6), min_size=len(scores) - 1, max_size=len(scores) - 1)
        series = at_doses(series, [first_dose, *(first_dose + step for step in draw(steps))])
    return Course(
        series,
        criteria,
        curve,
        draw(st.sampled_from(POLICIES)),
        draw(st.sampled_from(PLANS)),
        reviewed_doses=draw(st.sampled_from([(), (7,), (3, 8)])),
        first=draw(st.integers(0, len(scores))),
    )


def alone(course: Course) -> tuple[Progress, ...]:
    (verdicts,) = assess_many([course])
    return verdicts


def rounded(figure: float | None, decimals: int) -> object:
    return None if figure is None else pytest.approx(figure, abs=0.5000001 * 10**-decimals)


class TestAgainstTheSlowComputation:
    @settings(max_examples=100)
    @given(courses())
    def test_every_look_has_the_figures_of_the_written_formulas(self, course: Course) -> None:
        (fast,) = look_at([replace(course, first=0)])
        assert len(fast) == len(course.treated)
        policy = course.policy
        for look in fast:
            treated = course.treated[: look.known]
            slow = slow_look(treated, course.criteria, course.curve, policy, course.plan)
            assert look.observation == treated[-1]
            assert look.end_dose == policy.end_dose(course.plan, treated[-1].dose)
            assert look.expected == rounded(slow.expected, 2)
            chances = ("goal", "deterioration", "established", "noticeable", "established_early")
            assert [getattr(look, name) for name in chances] == [rounded(getattr(slow, name), 4) for name in chances]
            for band, level in ((look.band, policy.band_level), (look.clear_band, policy.clear_band_level)):
                assert is_the_band(band, level, slow.cumulative)


def is_the_band(band: tuple[int, int], level: float, cumulative: Sequence[float]) -> bool:
    """Tell whether each end is the smallest score whose probability P(Y <= k) reaches its tail."""
    return all(
        cumulative[end] >= tail - 1e-9 and (end == 0 or cumulative[end - 1] < tail + 1e-9)
        for end, tail in zip(band, ((1 - level) / 2, (1 + level) / 2), strict=True)
    )


class TestCompany:
    @settings(max_examples=50)
    @given(st.lists(courses(), max_size=8))
    def test_a_verdict_is_the_same_alone_and_among_others_in_any_order(self, many: list[Course]) -> None:
        together = assess_many(many)
        assert together == [alone(course) for course in many]
        assert assess_many(many[::-1]) == together[::-1]
        assert assess_many(many + many) == together + together

    @settings(max_examples=60)
    @given(st.data(), st.sampled_from([a_curve(), OTHER_CURVE]))
    def test_a_score_at_an_end_changes_no_digit_of_anybody_else(self, data: st.DataObject, curve: GrowthCurve) -> None:
        """Whose scores are bounds is computed apart. Looked at without any rounding."""
        n = data.draw(st.integers(1, 8))
        inside, end = (
            [
                Course(a_series(data.draw(st.lists(score, min_size=n, max_size=n))), PHQ_9, curve, Policy(), Plan())
                for _ in range(data.draw(st.integers(1, 3)))
            ]
            for score in (st.integers(1, 26), st.sampled_from([0, 27]))
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(looks, "_POINT_DECIMALS", 16)
            patch.setattr(looks, "_PROBABILITY_DECIMALS", 16)
            assert look_at(inside + end)[: len(inside)] == [look_at([course])[0] for course in inside]

    @pytest.mark.parametrize("first", [0, 7])
    def test_the_same_scores_are_judged_by_their_own_measure_policy_and_plan(self, first: int) -> None:
        """All of one length, so that they are computed together wherever they can be."""
        scores = ([16, 15, 17, 12, 13, 14, 12, 11], [12, 12, 11, 13, 9, 8, 8, 0], [14, 16, 17, 17, 18, 20, 16, 21])
        many = [
            Course(a_series(each), *measure, policy, plan, first=first)
            for each in scores
            for measure in MEASURES
            for policy in POLICIES
            for plan in PLANS
        ]
        assert assess_many(many) == [alone(course) for course in many]

    @settings(max_examples=30)
    @given(st.lists(courses(), min_size=1, max_size=5), st.integers(1, 300))
    def test_a_large_batch_is_computed_in_parts(self, many: list[Course], cells: int) -> None:
        whole = assess_many(many * 3)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(looks, "_CELLS_AT_ONCE", cells)
            assert assess_many(many * 3) == whole

    @settings(max_examples=60)
    @given(courses())
    def test_what_is_asked_for_are_the_last_of_all_verdicts(self, course: Course) -> None:
        everything = alone(replace(course, first=0))
        assert alone(course) == everything[course.first :]
        standard = (course.series, course.criteria, course.curve, course.policy, course.plan)
        assert assess_each(*standard, reviewed_doses=course.reviewed_doses) == everything
        assert assess(*standard, reviewed_doses=course.reviewed_doses) == everything[-1]

    def test_nobody(self) -> None:
        assert assess_many([]) == []


class TestFirst:
    """Observations before the baseline and after the treatment are counted as positions, and not judged."""

    WEEKS = (-6, -5, 0, 0.5, 1.5, 2.5, 9, 10)
    SERIES = Series.build(
        [Measurement(number, at(week), 15) for number, week in enumerate(WEEKS)],
        sessions(4),
        treatment_ended_at=at(4) + timedelta(hours=1),
    )

    @pytest.mark.parametrize(
        ("first", "judged"),
        [
            (0, [2, 3, 4, 5]),
            (1, [2, 3, 4, 5]),
            (2, [2, 3, 4, 5]),
            (3, [3, 4, 5]),
            (5, [5]),
            (6, []),
            (8, []),
        ],
    )
    @pytest.mark.parametrize("flagging", Flagging)
    def test_it_is_a_position_among_all_observations(self, first: int, judged: list[int], flagging: Flagging) -> None:
        course = Course(self.SERIES, PHQ_9, a_curve(), Policy(flagging=flagging), Plan(), first=first)
        assert [each.administration_id for each in alone(course)] == judged

    def test_without_a_baseline_nothing_is_judged(self) -> None:
        before, empty = self.SERIES.until(1), Series.build([], [])
        standard = PHQ_9, a_curve(), Policy(), Plan()
        assert assess_many([Course(each, *standard) for each in (before, empty, self.SERIES.until(2))])[:2] == [(), ()]

    def test_a_position_from_the_end_is_our_own_mistake(self) -> None:
        with pytest.raises(AssertionError, match="counts from the start"):
            Course(self.SERIES, PHQ_9, a_curve(), Policy(), Plan(), first=-1)
