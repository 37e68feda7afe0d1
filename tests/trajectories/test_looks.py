"""The numbers behind a verdict, and what may never change one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import accumulate
from math import exp, log, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.scales.change import Better, ChangeCriteria
from app.trajectories.growth import GrowthCurve
from app.trajectories.link import Link, LinkKind
from app.trajectories.looks import weeks_at
from app.trajectories.policy import Flagging, Plan, Policy
from app.trajectories.progress import Progress, ReasonCode, Signal, SignalReason
from app.trajectories.series import CountedSession, Measurement, Series
from app.trajectories.tracking import assess, assess_each
from tests.trajectories.factories import (
    GAD_7,
    PHQ_9,
    a_curve,
    a_series,
    at,
    at_doses,
    b7b,
    codes,
    mirrored,
    newest,
    sessions,
    verdicts,
)
from tests.trajectories.oracles import normal_cdf, slow_conditional, slow_link

FLAT = [16] * 13


def walk(start: int, steps: list[int]) -> list[int]:
    return list(accumulate(steps, lambda score, step: min(27, max(0, score + step)), initial=start))


courses = st.builds(walk, st.integers(5, 27), st.lists(st.integers(-4, 4), max_size=9))
plans = st.builds(
    Plan,
    planned_dose=st.none() | st.integers(1, 30),
    interval_days=st.sampled_from([7, 14]),
    pathway=st.none() | st.integers(1, 3),
)
policies = st.builds(Policy, flagging=st.sampled_from(list(Flagging)))


class TestNumbers:
    def test_probabilities_are_those_of_the_written_formulas(self) -> None:
        """Six scores, fortnightly plan to dose 10, one shape: normal probabilities with continuity correction."""
        scores = [16, 15, 13, 14, 11, 12]
        plan = Plan(planned_dose=10, interval_days=14)
        progress = verdicts(scores, curve=b7b(), plan=plan)[-1]
        observed = [(float(dose), float(dose), float(score)) for dose, score in enumerate(scores)]
        slow = slow_conditional(b7b(), observed, [(0, 0), (5, 5), (10, 5 + 2 * 5)])
        (mean,), (covariance,) = slow.means, slow.covariances
        sd = sqrt(covariance[2, 2] + 6)
        change_sd = sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
        probabilities = progress.probabilities
        assert progress.end_dose == 10
        assert probabilities.goal_by_end == pytest.approx(normal_cdf((10.5 - mean[2]) / sd), abs=6e-5)
        assert probabilities.deterioration_by_end == pytest.approx(1 - normal_cdf((21.5 - mean[2]) / sd), abs=6e-5)
        established = normal_cdf((mean[0] - mean[1] - 4) / change_sd)
        assert probabilities.established_change == pytest.approx(established, abs=6e-5)

    def test_expected_score_and_band_use_the_baseline_only(self) -> None:
        """By hand for 15 at dose 3, one shape: mean 10.5143, sd 4.3445 (see the test of the growth model).

        Of a normal value, what lies below 0 would take off sd * [phi(z) - z Phi(-z)] = .013 with z = 2.42, and that is
        what the floor of the scale adds. Band: the first k with F(k) >= .1 is 4.447 -> 5, with F(k) >= .9 15.58 -> 16.
        """
        progress = newest([15, 3, 20, 10], curve=b7b())
        assert progress.expected == pytest.approx(10.527, abs=0.01)
        assert progress.band == (5, 16)

    def test_there_is_nothing_to_expect_at_the_baseline_itself(self) -> None:
        progress = newest([15])
        assert (progress.expected, progress.band, progress.improvement) == (None, None, 0)

    @pytest.mark.parametrize("curve", [b7b(), a_curve()])
    def test_the_needed_improvement_is_at_least_what_patients_notice(self, curve: GrowthCurve) -> None:
        """A quarter of a PHQ-9 of 4 would be less than the 1.7 that one notices: from 4 to 2.3 through the link."""
        low = verdicts([4, 4, 4, 4], curve=curve)[-1]
        slow = slow_conditional(curve, [(n, n, 4.0) for n in range(4)], [(0, 0), (3, 3)])
        units = slow_link(curve.link, 4) - slow_link(curve.link, 2.3)
        assert low.probabilities.established_change == pytest.approx(slow.falls(0, 1, units), abs=6e-5)

    def test_a_point_weighs_more_close_to_an_end_of_the_scale(self) -> None:
        """A quarter of 24 is 6 points, on the link of the PHQ-9 7.25 units: g(24) - g(18)."""
        course = [24, 22, 21, 19]
        rows = [(float(n), float(n), float(score)) for n, score in enumerate(course)]
        units = slow_link(a_curve().link, 24) - slow_link(a_curve().link, 18)
        assert units == pytest.approx(7.25, abs=0.01)
        chance = slow_conditional(a_curve(), rows, [(0, 0), (3, 3)]).falls(0, 1, units)
        assert newest(course).probabilities.established_change == pytest.approx(chance, abs=6e-5)

    @pytest.mark.parametrize(("kind", "start"), [(LinkKind.ARCSINE, 26.5), (LinkKind.LOGIT, 27.0)])
    def test_from_a_first_score_that_is_a_bound_the_way_starts_at_the_bound(self, kind: LinkKind, start: float) -> None:
        """27 is 26.5 or more: a quarter of it, 6.75 points, is the way to 19.75. The logit knows no bounds."""
        curve = replace(a_curve(), link=Link(kind, 0, 27, middle=15))
        course = [27, 24, 22, 21]
        rows = [(float(n), float(n), float(score)) for n, score in enumerate(course)]
        units = slow_link(curve.link, start) - slow_link(curve.link, start - 6.75)
        chance = slow_conditional(curve, rows, [(0, 0), (3, 3)]).falls(0, 1, units)
        assert newest(course, curve=curve).probabilities.established_change == pytest.approx(chance, abs=6e-5)

    def test_fortnightly_care_leaves_a_baseline_that_says_less(self) -> None:
        """Var(y at dose 6 | y0) = 2.56 ln(7)^2 + 29.9876 - (3.74^2 + 10 exp(-w/13))^2 / 29.9876 grows with w."""
        for interval_weeks in (1.0, 2.0):
            series = a_series([15] * 7, interval_weeks=interval_weeks)
            progress = assess(series, PHQ_9, b7b(), Policy(), Plan(interval_days=int(7 * interval_weeks)))
            assert progress is not None
            assert progress.band is not None
            assert progress.weeks == 6 * interval_weeks
            shared = 3.74**2 + 10 * exp(-6 * interval_weeks / 13)
            sd = sqrt(2.56 * log(7) ** 2 + 29.9876 - shared**2 / 29.9876)
            mean = 14.3 - 3.1 * log(7) + shared / 29.9876 * 0.7
            assert progress.band[1] == next(k for k in range(28) if normal_cdf((k + 0.5 - mean) / sd) >= 0.9)

    def test_the_verdict_names_its_curve(self) -> None:
        assert newest([15, 12]).curve_version == "arcsine-1"

    def test_gad_7(self) -> None:
        settings_ = {"criteria": GAD_7, "curve": a_curve("gad-7")}
        assert newest([14, 13, 14, 14, 13, 14, 14, 14], **settings_).signal_reason is SignalReason.TIME_FOR_REVIEW
        assert newest([14, 11, 8, 6], **settings_).signal_reason is SignalReason.GOOD_ENOUGH
        assert newest([10, 14], **settings_).signal_reason is SignalReason.DETERIORATION_UNCONFIRMED


class TestFiguresThatAreNotPublished:
    """A rule that needs a figure that nobody has published does not apply, and nothing is invented."""

    def test_without_a_cutoff(self) -> None:
        criteria = replace(PHQ_9, cutoff=None)
        assert newest([16, 12, 9, 7], criteria=criteria).signal_reason is SignalReason.AS_EXPECTED
        assert newest([7, 7, 7, 7], criteria=criteria).signal_reason is SignalReason.NO_CHANGE_YET
        # A reliable improvement from 5 lies outside the scale: no goal, so none that is unlikely to be reached.
        low = newest([5, 5, 5, 5, 5, 5, 5, 5], criteria=criteria)
        assert low.probabilities.goal_by_end is None
        assert ReasonCode.UNLIKELY_TO_REACH_GOAL not in codes(low)

    def test_without_a_reliable_change(self) -> None:
        criteria = replace(PHQ_9, reliable_change=None)
        worse = newest([14, 20, 24, 27], criteria=criteria)
        assert worse.probabilities.deterioration_by_end is None
        assert worse.signal is Signal.GREY
        assert newest([16, 12, 9, 3], criteria=criteria).signal_reason is SignalReason.AS_EXPECTED

    def test_without_any(self) -> None:
        course = verdicts(FLAT, criteria=ChangeCriteria(0, 27))
        assert {each.probabilities.goal_by_end for each in course} == {None}
        assert [each.signal_reason for each in course[3:]] == [
            *[SignalReason.NO_CHANGE_YET] * 4,
            *[SignalReason.TIME_FOR_REVIEW] * 6,
        ]


class TestDirection:
    """A scale that runs the other way gives the same verdicts, seen in a mirror."""

    HIGHER = ChangeCriteria(0, 27, Better.HIGHER, cutoff=18, reliable_change=6, important_difference=1.7)

    @given(courses, plans, policies)
    def test_verdicts_do_not_depend_on_the_direction_of_the_scale(
        self, course: list[int], plan: Plan, policy: Policy
    ) -> None:
        lower = verdicts(course, plan=plan, policy=policy)
        higher = verdicts(
            [27 - score for score in course],
            criteria=self.HIGHER,
            curve=mirrored(a_curve()),
            plan=plan,
            policy=policy,
        )
        for one, other in zip(lower, higher, strict=True):
            assert one.improvement == other.improvement
            assert (one.signal_reason, one.responder_state) == (other.signal_reason, other.responder_state)
            assert [each.code for each in one.reasons] == [each.code for each in other.reasons]
            assert one.probabilities.established_change == pytest.approx(
                other.probabilities.established_change, abs=1e-4
            )

    def test_without_a_reliable_change(self) -> None:
        criteria = replace(self.HIGHER, reliable_change=None)
        progress = newest([11, 12, 13, 14], criteria=criteria, curve=mirrored(a_curve()))
        assert progress.probabilities.deterioration_by_end is None


class TestLooks:
    @settings(max_examples=60)
    @given(courses, plans, policies, st.integers(0, 6))
    def test_each_verdict_is_that_of_the_series_as_it_stood(
        self, course: list[int], plan: Plan, policy: Policy, first_dose: int
    ) -> None:
        """Slow and obvious: cut the series after each score and assess it from scratch."""
        series = a_series(course, first_dose=first_dose)
        one_by_one = tuple(
            assess(series.until(index), PHQ_9, a_curve(), policy, plan, reviewed_doses=[7])
            for index in range(len(course))
        )
        assert assess_each(series, PHQ_9, a_curve(), policy, plan, reviewed_doses=[7]) == one_by_one

    @settings(max_examples=60)
    @given(courses, courses, plans, policies)
    def test_later_scores_change_no_earlier_verdict(
        self, course: list[int], more: list[int], plan: Plan, policy: Policy
    ) -> None:
        assert verdicts(course + more, plan=plan, policy=policy)[: len(course)] == verdicts(
            course, plan=plan, policy=policy
        )

    @settings(max_examples=30)
    @given(courses, st.timedeltas(timedelta(days=-3000), timedelta(days=3000)))
    def test_the_date_changes_nothing(self, course: list[int], shift: timedelta) -> None:
        def moved(by: timedelta) -> tuple[Progress, ...]:
            measurements = [Measurement(n, at(n) + by, score) for n, score in enumerate(course)]
            attended = [CountedSession(each.session_id, each.starts_at + by) for each in sessions(len(course))]
            return assess_each(Series.build(measurements, attended), PHQ_9, a_curve(), Policy(), Plan())

        assert moved(shift) == moved(timedelta(0))

    def test_doses_that_the_links_put_out_of_order_are_taken_as_they_are(self) -> None:
        doses = [0, 4, 4, 2]
        series = at_doses(a_series([16, 12, 11, 9]), doses)
        progress = assess_each(series, PHQ_9, a_curve(), Policy(), Plan())
        assert [each.dose for each in progress] == doses
        assert progress[:3] == assess_each(series.until(2), PHQ_9, a_curve(), Policy(), Plan())
        assert progress[3].signal_reason is SignalReason.TOO_EARLY

    @pytest.mark.parametrize(
        ("doses", "weeks"),
        [
            ([0, 1, 2, 3], [0, 1, 2, 3, 5, 7]),
            ([0, 2, 2, 4], [0, 0.5, 1, 2, 3, 5]),  # dose 2 was first reached at week 1, and not at week 2
            ([0, 4, 3, 2], [0, 0.25, 0.5, 0.75, 1, 9]),  # dose 4 at week 1; three doses on from dose 2 at week 3
        ],
    )
    def test_a_dose_has_the_week_in_which_it_was_first_reached(self, doses: list[int], weeks: list[float]) -> None:
        """Four scores in four weeks; beyond them the plan goes on fortnightly."""
        treated = at_doses(a_series([15] * 4), doses).treated()
        assert [weeks_at(dose, treated, Plan(interval_days=14)) for dose in range(6)] == weeks

    def test_waiting_and_follow_up_are_shown_and_not_judged(self) -> None:
        measurements = [Measurement(n, at(week), 15) for n, week in enumerate([-6, 0, 0.5, 9])]
        series = Series.build(measurements, sessions(4), treatment_ended_at=at(4))
        assert assess(series, PHQ_9, a_curve(), Policy(), Plan()) is None
        assert assess(series.until(0), PHQ_9, a_curve(), Policy(), Plan()) is None
        assert [each.administration_id for each in assess_each(series, PHQ_9, a_curve(), Policy(), Plan())] == [1, 2]

    def test_nothing_is_said_before_a_session_counts(self) -> None:
        waiting = Series.build([Measurement(0, at(0), 15)], [])
        assert assess(waiting, PHQ_9, a_curve(), Policy(), Plan()) is None
        assert assess_each(waiting, PHQ_9, a_curve(), Policy(), Plan()) == ()
        assert assess(Series.build([], []), PHQ_9, a_curve(), Policy(), Plan()) is None

    def test_a_curve_of_another_score_is_our_own_mistake(self) -> None:
        with pytest.raises(AssertionError, match="belong to one score"):
            verdicts([15], criteria=GAD_7)
