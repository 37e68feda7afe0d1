"""The verdict: each rule and its place in the order, and what may never change a verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import exp, log, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.scales.change import Better, ChangeCategory, ChangeCriteria
from app.trajectories.growth import GrowthCurve
from app.trajectories.policy import Flagging, Plan, Policy
from app.trajectories.progress import Progress, Reason, ReasonCode, ResponderState, Signal, SignalReason
from app.trajectories.series import CountedSession, Measurement, Series
from app.trajectories.tracking import assess, assess_each, disagreement
from tests.trajectories.factories import GAD_7, PHQ_9, a_curve, a_series, at, sessions, verdicts
from tests.trajectories.oracles import normal_cdf, slow_conditional

EARLY_FLAGGING = Policy(flagging=Flagging.EARLY)
FLAT = [16] * 13

courses = st.lists(st.integers(0, 27), min_size=1, max_size=10)
plans = st.builds(
    Plan,
    planned_dose=st.none() | st.integers(1, 30),
    interval_days=st.sampled_from([7, 14]),
    pathway=st.none() | st.integers(1, 3),
)
policies = st.builds(Policy, flagging=st.sampled_from(list(Flagging)))


def newest(scores: list[int], **settings_: object) -> Progress:
    return verdicts(scores, **settings_)[-1]  # type: ignore[arg-type]


def reason(progress: Progress, code: ReasonCode) -> Reason:
    return next(each for each in progress.reasons if each.code is code)


def codes(progress: Progress) -> set[ReasonCode]:
    return {each.code for each in progress.reasons}


class TestOrder:
    """First match sets the signal."""

    def test_a_crisis_pauses_every_signal_and_hides_no_reason(self) -> None:
        paused = newest([10, 14, 18, 20], plan=Plan(crisis_pause=True))
        assert (paused.signal, paused.signal_reason) == (Signal.GREY, SignalReason.CRISIS_PAUSE)
        assert ReasonCode.DETERIORATION_CONFIRMED in codes(paused)

    @pytest.mark.parametrize(
        ("scores", "expected"),
        [
            ([10, 15], SignalReason.TOO_EARLY),  # 5 points are not reliable
            ([10, 16], SignalReason.DETERIORATION_UNCONFIRMED),  # at once, also before dose 3
            ([10, 16, 17], SignalReason.DETERIORATION_CONFIRMED),
            ([10, 16, 12, 16], SignalReason.DETERIORATION_UNCONFIRMED),  # by the score just before, not any
            ([10, 16, 17, 12], SignalReason.NO_CHANGE_YET),  # over as soon as it is over
            ([7, 9, 13], SignalReason.DETERIORATION_UNCONFIRMED),  # also from below the cut-off
        ],
    )
    def test_reliable_deterioration_is_red_at_once_and_confirmed_by_the_next_score(
        self, scores: list[int], expected: SignalReason
    ) -> None:
        progress = newest(scores)
        assert progress.signal_reason is expected
        assert (progress.signal is Signal.RED) == (progress.change is ChangeCategory.RELIABLE_DETERIORATION)

    def test_too_early_with_one_score_or_before_dose_3(self) -> None:
        reasons = [each.signal_reason for each in verdicts([20, 10, 3, 3])]
        assert reasons == [*[SignalReason.TOO_EARLY] * 3, SignalReason.GOOD_ENOUGH]

    def test_one_score_is_too_early_at_any_dose(self) -> None:
        progress = newest([15], first_dose=9)
        assert (progress.signal_reason, progress.dose) == (SignalReason.TOO_EARLY, 9)
        assert progress.responder_state is ResponderState.NOT_ASSESSED

    @pytest.mark.parametrize(("score", "expected"), [(9, SignalReason.GOOD_ENOUGH), (10, SignalReason.AS_EXPECTED)])
    def test_good_enough_is_below_the_cutoff_and_reliably_better(self, score: int, expected: SignalReason) -> None:
        progress = newest([16, 14, 12, score])
        assert (progress.signal, progress.signal_reason) == (Signal.GREEN, expected)

    def test_good_enough_also_for_those_who_started_below(self) -> None:
        progress = newest([9, 6, 4, 3])
        assert progress.signal_reason is SignalReason.GOOD_ENOUGH
        assert ReasonCode.STARTED_BELOW_CUTOFF in codes(progress)

    @pytest.mark.parametrize("flagging", Flagging)
    @pytest.mark.parametrize("pathway", [None, 1, 2, 3])
    def test_likely_deterioration_is_yellow_under_every_policy_and_pathway(
        self, flagging: Flagging, pathway: int | None
    ) -> None:
        """Rising, not yet reliably worse: the engine's rule P(reliable deterioration) >= .20."""
        progress = newest([12, 14, 16, 17, 17, 17], policy=Policy(flagging=flagging), plan=Plan(pathway=pathway))
        assert (progress.signal, progress.signal_reason) == (Signal.YELLOW, SignalReason.LIKELY_TO_DETERIORATE)
        evidence = reason(progress, ReasonCode.LIKELY_TO_DETERIORATE).evidence
        assert evidence["probability"] == progress.probabilities.deterioration_by_end
        assert float(evidence["probability"]) >= 0.20 == evidence["threshold"]

    def test_long_term_care_signals_worsening_only(self) -> None:
        flat = newest(FLAT, plan=Plan(pathway=3))
        assert (flat.signal, flat.signal_reason) == (Signal.GREEN, SignalReason.AS_EXPECTED)
        assert codes(flat) == {ReasonCode.AS_EXPECTED}
        assert newest([10, 16], plan=Plan(pathway=3)).signal is Signal.RED
        assert flat.responder_state is ResponderState.NONE


class TestFlatCourse:
    def test_a_shorter_plan_brings_the_review_forward(self) -> None:
        signals = [each.signal_reason for each in verdicts(FLAT[:7], plan=Plan(planned_dose=6))]
        assert signals[3:] == [SignalReason.NO_CHANGE_YET, *[SignalReason.TIME_FOR_REVIEW] * 3]

    def test_a_review_silences_until_the_next_point_is_due(self) -> None:
        """From 10 the goal is a point away, so that the lack of change is all there is; reviewed at doses 7 and 13."""
        course = verdicts([10] * 22, reviewed_doses=[7, 13])
        signals = [each.signal_reason for each in course]
        due, held = SignalReason.TIME_FOR_REVIEW, SignalReason.NO_CHANGE_YET
        assert signals[7:12] == [held] * 5
        assert signals[12] is due
        assert signals[13:18] == [held] * 5
        assert signals[20:] == [due, due]
        assert {each.signal for each in course[7:12]} == {Signal.GREY}

    def test_a_review_before_the_point_was_due_does_not_count(self) -> None:
        assert newest([10] * 8, reviewed_doses=[6]).signal_reason is SignalReason.TIME_FOR_REVIEW

    def test_a_later_review_does_not_change_earlier_verdicts(self) -> None:
        assert verdicts(FLAT, reviewed_doses=[12])[:12] == verdicts(FLAT)[:12]

    def test_a_review_silences_no_other_test(self) -> None:
        progress = newest(FLAT[:9], reviewed_doses=[7])
        assert (progress.signal, progress.signal_reason) == (Signal.YELLOW, SignalReason.UNLIKELY_TO_REACH_GOAL)
        assert ReasonCode.NO_CHANGE_YET in codes(progress)

    def test_the_evidence_says_what_was_compared(self) -> None:
        evidence = reason(newest(FLAT[:8]), ReasonCode.TIME_FOR_REVIEW).evidence
        assert evidence == {
            "dose": 7,
            "baseline": 16,
            "score": 16,
            "improvement": 0,
            "probability": newest(FLAT[:8]).probabilities.established_change,
            "threshold": 0.5,
            "needed_improvement": 4.0,  # a quarter of 16
            "due_dose": 7,
            "late_window_dose": 7,
        }

    def test_a_score_above_the_band_is_yellow_from_the_late_window_on(self) -> None:
        """Well on the way, then one score far out: neither flat nor hopeless."""
        course = [22, 18, 16, 14, 13, 13, 12, 12, 21]
        progress = newest(course, plan=Plan(planned_dose=30))
        assert (progress.signal, progress.signal_reason) == (Signal.YELLOW, SignalReason.ABOVE_BAND)
        assert progress.band is not None
        assert progress.score > progress.band[1] == reason(progress, ReasonCode.ABOVE_BAND).evidence["upper"]

    def test_a_goal_that_has_been_reached_is_not_called_unlikely(self) -> None:
        """Flat at 18, then 12 at dose 7: six points better, although the model does not trust it yet."""
        before, now = verdicts([18, 18, 17, 18, 18, 17, 18, 12])[-2:]
        assert ReasonCode.UNLIKELY_TO_REACH_GOAL in codes(before)
        assert now.probabilities.goal_by_end is not None
        assert now.probabilities.goal_by_end < 0.5
        assert (now.change, now.signal) == (ChangeCategory.RELIABLE_IMPROVEMENT, Signal.GREEN)

    def test_a_noticeable_fall_from_a_high_start_is_not_called_unchanged(self) -> None:
        """25 to 18 in three sessions is what was to be expected, and not a true quarter for certain."""
        progress = newest([25, 20, 19, 18])
        assert progress.probabilities.established_change < 0.5
        assert (progress.signal_reason, progress.responder_state) == (
            SignalReason.AS_EXPECTED,
            ResponderState.PENDING,
        )


class TestEarlyFlagging:
    def test_one_look_is_not_enough_unless_it_is_clear(self) -> None:
        once = newest([16, 12, 10, 16], policy=EARLY_FLAGGING)
        assert (once.signal, once.signal_reason) == (Signal.GREY, SignalReason.NO_CHANGE_YET)

    def test_two_looks_in_a_row_are(self) -> None:
        twice = newest([16, 12, 10, 16, 16], policy=EARLY_FLAGGING)
        assert twice.signal is Signal.YELLOW

    def test_one_clear_look_is(self) -> None:
        clear = newest([16, 12, 10, 21], policy=EARLY_FLAGGING)
        assert (clear.signal, clear.signal_reason) == (Signal.YELLOW, SignalReason.TIME_FOR_REVIEW)
        assert newest([16, 12, 10, 21]).signal is Signal.GREY

    def test_a_look_before_any_session_does_not_count(self) -> None:
        """Two scores at dose 0 and one at dose 3: one look, whatever the second score was."""
        measurements = [Measurement(n, at(week), score) for n, (week, score) in enumerate([(-2, 16), (0, 16), (3, 15)])]
        progress = assess(Series.build(measurements, sessions(4)), PHQ_9, a_curve(), EARLY_FLAGGING, Plan())
        assert progress is not None
        assert (progress.dose, progress.signal_reason) == (3, SignalReason.NO_CHANGE_YET)


class TestResponderState:
    @pytest.mark.parametrize(
        ("scores", "state"),
        [
            ([16, 12, 9], ResponderState.NOT_ASSESSED),
            ([16, 12, 9, 7], ResponderState.EARLY),
            ([16, 15, 15, 14], ResponderState.PENDING),
            ([16, 13, 11, 9], ResponderState.PENDING),  # in doubt at dose 3 ...
            ([16, 13, 11, 9, 8], ResponderState.EARLY),  # ... and settled by the next score
            ([*[17] * 7, 15, 13, 12, 10], ResponderState.LATE),
            ([*[17] * 7, 15, 13, 12], ResponderState.PENDING),
            ([*[17] * 7, 17], ResponderState.NONE),
            ([9, 8, 7, 6], ResponderState.NOT_ASSESSED),
        ],
    )
    def test_when_improvement_became_established(self, scores: list[int], state: ResponderState) -> None:
        assert newest(scores).responder_state is state

    def test_a_late_baseline_is_never_early_and_not_none_before_it_was_watched(self) -> None:
        course = verdicts([16, 9, 6, 5, 5], first_dose=3)
        assert ResponderState.EARLY not in {each.responder_state for each in course}
        assert all(ReasonCode.LATE_BASELINE in codes(each) for each in course)
        flat = verdicts([16] * 5, first_dose=9)
        assert [each.responder_state for each in flat] == [
            ResponderState.NOT_ASSESSED,
            ResponderState.PENDING,
            ResponderState.PENDING,
            ResponderState.NONE,
            ResponderState.NONE,
        ]

    def test_does_not_depend_on_the_signal(self) -> None:
        course = [*[17] * 7, 15, 13, 12, 10]
        states = [each.responder_state for each in verdicts(course)]
        for plan in (Plan(crisis_pause=True), Plan(pathway=3)):
            assert [each.responder_state for each in verdicts(course, plan=plan)] == states


class TestNumbers:
    def test_probabilities_are_those_of_the_written_formulas(self) -> None:
        """Six scores, fortnightly plan to dose 10: dense computation, cells with continuity correction."""
        scores = [16, 15, 13, 14, 11, 12]
        plan = Plan(planned_dose=10, interval_days=14)
        progress = verdicts(scores, plan=plan)[-1]
        observed = [(float(dose), float(dose), float(score)) for dose, score in enumerate(scores)]
        mean, covariance = slow_conditional(a_curve(), observed, [(0, 0), (5, 5), (10, 5 + 2 * 5)])
        sd = sqrt(covariance[2, 2] + 6)
        change_sd = sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
        probabilities = progress.probabilities
        assert progress.end_dose == 10
        assert probabilities.goal_by_end == pytest.approx(normal_cdf((10.5 - mean[2]) / sd), abs=6e-5)
        assert probabilities.deterioration_by_end == pytest.approx(1 - normal_cdf((21.5 - mean[2]) / sd), abs=6e-5)
        established = normal_cdf((mean[0] - mean[1] - 4) / change_sd)
        assert probabilities.established_change == pytest.approx(established, abs=6e-5)

    def test_expected_score_and_band_use_the_baseline_only(self) -> None:
        """By hand for 15 at dose 3: mean 10.5143, sd 4.3445 (see the test of the growth model)."""
        progress = newest([15, 3, 20, 10])
        assert progress.expected == pytest.approx(10.51, abs=0.005)
        assert progress.band == (5, 16)  # the first k with F(k) >= .1: 4.447 -> 5; with F(k) >= .9: 15.58 -> 16

    def test_there_is_nothing_to_expect_at_the_baseline_itself(self) -> None:
        progress = newest([15])
        assert (progress.expected, progress.band, progress.improvement) == (None, None, 0)

    def test_the_needed_improvement_is_at_least_what_patients_notice(self) -> None:
        """A quarter of a GAD-7 of 8 is 2 points; a quarter of a PHQ-9 of 4 would be less than the 1.7 one notices."""
        low = verdicts([4, 4, 4, 4])[-1]
        slow_mean, slow_covariance = slow_conditional(a_curve(), [(n, n, 4.0) for n in range(4)], [(0, 0), (3, 3)])
        sd = sqrt(slow_covariance[0, 0] + slow_covariance[1, 1] - 2 * slow_covariance[0, 1])
        expected = normal_cdf((slow_mean[0] - slow_mean[1] - 1.7) / sd)
        assert low.probabilities.established_change == pytest.approx(expected, abs=6e-5)

    def test_fortnightly_care_leaves_a_baseline_that_says_less(self) -> None:
        """Var(y at dose 6 | y0) = 2.56 ln(7)^2 + 29.9876 - (3.74^2 + 10 exp(-w/13))^2 / 29.9876 grows with w."""
        for interval_weeks in (1.0, 2.0):
            series = a_series([15] * 7, interval_weeks=interval_weeks)
            progress = assess(series, PHQ_9, a_curve(), Policy(), Plan(interval_days=int(7 * interval_weeks)))
            assert progress is not None
            assert progress.band is not None
            assert progress.weeks == 6 * interval_weeks
            shared = 3.74**2 + 10 * exp(-6 * interval_weeks / 13)
            sd = sqrt(2.56 * log(7) ** 2 + 29.9876 - shared**2 / 29.9876)
            mean = 14.3 - 3.1 * log(7) + shared / 29.9876 * 0.7
            assert progress.band[1] == next(k for k in range(28) if normal_cdf((k + 0.5 - mean) / sd) >= 0.9)

    def test_the_verdict_names_its_curve(self) -> None:
        assert newest([15, 12]).curve_version == "b7b-1"

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


def mirrored(curve: GrowthCurve) -> GrowthCurve:
    return replace(curve, intercept=27 - curve.intercept, total_slope=-curve.total_slope)


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
        """Two scores at dose 4 and then one at dose 2, late in time: the early window keeps the week it was passed."""
        scores = [(0, 16), (4, 12), (4.2, 11), (1.9, 9)]
        measurements = [Measurement(n, at(5 + n / 10) if n else at(0), score) for n, (_, score) in enumerate(scores)]
        doses = [0, 4, 4, 2]
        series = Series.build(measurements, sessions(6))
        relinked = replace(
            series,
            observations=tuple(replace(each, dose=dose) for each, dose in zip(series.observations, doses, strict=True)),
        )
        progress = assess_each(relinked, PHQ_9, a_curve(), Policy(), Plan())
        assert [each.dose for each in progress] == doses
        assert progress[:3] == assess_each(relinked.until(2), PHQ_9, a_curve(), Policy(), Plan())
        assert progress[3].signal_reason is SignalReason.TOO_EARLY

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


class TestDisagreement:
    BETTER, SAME, WORSE = (newest(scores).standing for scores in ([16, 12, 9, 7], [16, 15, 15, 14], [12, 15, 17, 19]))
    PAUSED = newest([12, 15, 17, 19], plan=Plan(crisis_pause=True)).standing

    def test_opposite_reliable_changes_disagree(self) -> None:
        (found,) = disagreement(self.BETTER, {"gad-7": self.WORSE, "core-10": self.SAME, "phq-9": self.BETTER})
        assert found.code is ReasonCode.MEASURES_DISAGREE
        assert found.evidence == {
            "label": "gad-7",
            "main_change": "reliable_improvement",
            "other_change": "reliable_deterioration",
            "main_signal": "green",
            "other_signal": "red",
        }

    def test_a_main_measure_that_is_worse_alone_disagrees_too(self) -> None:
        (found,) = disagreement(self.WORSE, {"mother": self.BETTER}, ReasonCode.INFORMANTS_DISAGREE)
        assert found.code is ReasonCode.INFORMANTS_DISAGREE

    def test_a_red_measure_beside_one_that_is_not(self) -> None:
        assert len(disagreement(self.SAME, {"gad-7": self.WORSE})) == 1

    def test_two_red_ones_agree_and_a_lack_of_change_contradicts_nothing(self) -> None:
        assert disagreement(self.WORSE, {"a": self.WORSE, "b": self.SAME}) == ()
        assert disagreement(self.SAME, {"a": self.BETTER, "b": self.PAUSED}) == ()
