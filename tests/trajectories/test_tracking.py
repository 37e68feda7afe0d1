"""The verdict: each rule, its threshold and its place in the order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.scales.change import ChangeCategory
from app.trajectories.policy import Flagging, Plan, Policy
from app.trajectories.progress import Progress, Reason, ReasonCode, ResponderState, Signal, SignalReason
from app.trajectories.tracking import assess, disagreement
from tests.trajectories.factories import PHQ_9, a_curve, a_series, at_doses, codes, newest, verdicts

EARLY_FLAGGING = Policy(flagging=Flagging.EARLY)
FLAT = [16] * 13


def reason(progress: Progress, code: ReasonCode) -> Reason:
    return next(each for each in progress.reasons if each.code is code)


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
        """Flat at 16, then 10 at dose 8: six points better, although the model does not trust it yet."""
        before, now = verdicts([*[16] * 8, 10])[-2:]
        assert ReasonCode.UNLIKELY_TO_REACH_GOAL in codes(before)
        assert now.probabilities.goal_by_end is not None
        assert now.probabilities.goal_by_end < 0.5
        assert (now.change, now.signal) == (ChangeCategory.RELIABLE_IMPROVEMENT, Signal.GREEN)

    def test_a_noticeable_fall_from_a_high_start_is_not_called_unchanged(self) -> None:
        """25 to 18 in three sessions is what was to be expected, and not a true quarter for certain."""
        progress = newest([25, 20, 19, 18])
        assert progress.probabilities.established_change is not None
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
        """Five points worse than at the start, and above what 95 % of such patients have; not reliably worse."""
        clear = newest([20, 15, 13, 25], policy=EARLY_FLAGGING)
        assert (clear.signal, clear.signal_reason) == (Signal.YELLOW, SignalReason.TIME_FOR_REVIEW)
        assert newest([20, 15, 13, 24], policy=EARLY_FLAGGING).signal is Signal.GREY
        assert newest([20, 15, 13, 25]).signal is Signal.GREY

    def test_one_look_is_clear_when_the_goal_is_all_but_out_of_reach(self) -> None:
        """One score, inside the 95 % band, after two on course; the goal by dose 6 has a probability of .34."""
        course, plan = [16, 12, 11, 19], Plan(planned_dose=6)
        stricter, looser = (replace(EARLY_FLAGGING, clear_probability=threshold) for threshold in (0.30, 0.40))
        assert newest(course, policy=stricter, plan=plan).signal is Signal.GREY
        assert newest(course, policy=looser, plan=plan).signal is Signal.YELLOW

    def test_a_single_verdict_looks_back_at_the_one_before(self) -> None:
        flat = a_series([16] * 5)
        assert assess(flat, PHQ_9, a_curve(), EARLY_FLAGGING, Plan()) == newest([16] * 5, policy=EARLY_FLAGGING)

    @pytest.mark.parametrize("doses", [[1, 3], [0, 0, 3]], ids=["the baseline itself", "a second score at dose 0"])
    def test_a_look_without_a_session_since_the_baseline_does_not_count(self, doses: list[int]) -> None:
        course = at_doses(a_series([16] * len(doses)), doses)
        progress = assess(course, PHQ_9, a_curve(), EARLY_FLAGGING, Plan())
        assert progress is not None
        assert (progress.signal, progress.signal_reason) == (Signal.GREY, SignalReason.NO_CHANGE_YET)

    def test_time_for_review_and_no_change_yet_are_one_finding(self) -> None:
        progress = newest([16] * 5, policy=EARLY_FLAGGING)
        assert codes(progress) == {ReasonCode.TIME_FOR_REVIEW, ReasonCode.UNLIKELY_TO_REACH_GOAL}
        assert "due_dose" not in progress.reasons[0].evidence


class TestThresholds:
    """A threshold belongs to the side that its name says, judged by the figure that is shown."""

    def test_as_likely_as_the_threshold_is_not_unlikely(self) -> None:
        probability = newest(FLAT[:9]).probabilities.goal_by_end
        assert probability is not None
        assert ReasonCode.UNLIKELY_TO_REACH_GOAL not in codes(
            newest(FLAT[:9], policy=Policy(goal_probability=probability, clear_probability=0.01))
        )

    def test_as_likely_as_the_threshold_is_likely(self) -> None:
        course = [12, 14, 16, 17]
        probability = newest(course).probabilities.deterioration_by_end
        assert probability is not None
        assert newest(course).signal_reason is SignalReason.NO_CHANGE_YET
        policy = Policy(deterioration_probability=probability)
        assert newest(course, policy=policy).signal_reason is SignalReason.LIKELY_TO_DETERIORATE

    @pytest.mark.parametrize("course", [[16, 16, 18], [20, 10, 3]])
    def test_before_the_early_window_nothing_else_is_said(self, course: list[int]) -> None:
        assert codes(newest(course)) == {ReasonCode.TOO_EARLY}


class TestResponderState:
    @pytest.mark.parametrize(
        ("scores", "state"),
        [
            ([16, 12, 9], ResponderState.NOT_ASSESSED),
            ([16, 12, 9, 7], ResponderState.EARLY),
            ([16, 15, 15, 14], ResponderState.PENDING),
            ([16, 12, 10, 8], ResponderState.PENDING),  # in doubt at dose 3 ...
            ([16, 12, 10, 8, 7], ResponderState.EARLY),  # ... and settled by the next score
            ([*[17] * 7, 15, 13, 12, 10], ResponderState.PENDING),
            ([*[17] * 7, 15, 13, 12, 10, 9], ResponderState.LATE),
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
