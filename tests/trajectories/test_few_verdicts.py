"""The verdict without a growth curve: worsening at once, praise for reliable change alone, evaluation by date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.scales.catalogue import instrument
from app.scales.change import ChangeCategory, ChangeCriteria
from app.trajectories.few_occasions import Known, against_first, known_of, limits_of
from app.trajectories.few_verdicts import FewScores, assess_all, assess_few, is_of_few_occasions
from app.trajectories.policy import Plan, Policy
from app.trajectories.progress import (
    SIGNALS,
    Probabilities,
    Progress,
    ReasonCode,
    ResponderState,
    Signal,
    SignalReason,
    Standing,
)
from app.trajectories.series import Measurement, Series
from app.trajectories.tracking import Course, assess_each, disagreement
from tests.trajectories.factories import PHQ_9, a_curve, a_series, at, sessions

UNPLANNED = Plan()


def _known(key: str, form: str | None, subscale: str) -> Known:
    found = known_of(instrument(key).form(form).subscale(subscale))
    assert found is not None
    return found


PARENT = _known("sdq", "parent-4-17", "total_difficulties")
"""Of a first 20: band 12 to 22, reliably better at 11 and worse at 29 (by hand in test_few_occasions)."""

CORE_10 = _known("core-10", None, "total")
"""Cut-off 11, reliable change 6 (scales.md, section 5)."""


@dataclass(frozen=True, slots=True)
class Child:
    """Scores by week, and what is planned; sessions are weekly from the first score on."""

    scores: Sequence[tuple[float, float]]
    known: Known = PARENT
    plan: Plan = UNPLANNED
    reviewed_doses: tuple[int, ...] = ()
    attended: int = 60
    ended_weeks: float | None = None
    first: int = 0

    def few(self) -> FewScores:
        measurements = [
            Measurement(f"{place:03}", at(weeks), score) for place, (weeks, score) in enumerate(self.scores)
        ]
        ended_at = None if self.ended_weeks is None else at(self.ended_weeks)
        series = Series.build(measurements, sessions(self.attended), ended_at)
        return FewScores(series, self.known, Policy(), self.plan, self.reviewed_doses, self.first)

    def verdicts(self) -> tuple[Progress, ...]:
        return assess_few(self.few())

    def said(self) -> list[str]:
        return [str(each.signal_reason) for each in self.verdicts()]


# ---- What sets the signal


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([(0, 20)], ["too_early"]),
        ([(0, 20), (13, 20)], ["too_early", "no_change_yet"]),
        ([(0, 20), (13, 12)], ["too_early", "no_change_yet"]),  # 8 points better, and in the band
        ([(0, 20), (13, 11)], ["too_early", "as_expected"]),
        ([(0, 20), (13, 28)], ["too_early", "no_change_yet"]),  # outside the band, and error may bring 8 points
        ([(0, 20), (13, 29)], ["too_early", "deterioration_unconfirmed"]),
        ([(0, 20), (13, 29), (20, 30)], ["too_early", "deterioration_unconfirmed", "deterioration_confirmed"]),
        ([(0, 20), (13, 29), (20, 28)], ["too_early", "deterioration_unconfirmed", "no_change_yet"]),
    ],
)
def test_what_has_reliably_changed_sets_the_signal(scores: Sequence[tuple[float, float]], said: list[str]) -> None:
    assert Child(scores).said() == said


def test_a_score_in_the_band_is_no_reason_for_praise() -> None:
    """The band is what an unchanged child would have: green is for reliable change alone."""
    [_, verdict] = Child([(0, 20), (13, 16)]).verdicts()
    assert verdict.band is not None
    assert verdict.band[0] <= verdict.score <= verdict.band[1]
    assert (verdict.signal, verdict.signal_reason) == (Signal.GREY, SignalReason.NO_CHANGE_YET)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([(0, 18), (8, 12)], ["too_early", "as_expected"]),  # six points better, and still a case
        ([(0, 16), (8, 10)], ["too_early", "good_enough"]),
        ([(0, 12), (8, 10)], ["too_early", "no_change_yet"]),  # below the cut-off, by two points only
        ([(0, 10), (8, 5)], ["started_below_cutoff", "started_below_cutoff"]),
        ([(0, 10), (8, 3)], ["started_below_cutoff", "good_enough"]),
        ([(0, 10), (8, 16)], ["started_below_cutoff", "deterioration_unconfirmed"]),
    ],
)
def test_a_cut_off_counts_where_there_is_one(scores: Sequence[tuple[float, float]], said: list[str]) -> None:
    assert Child(scores, CORE_10).said() == said


def test_a_crisis_pause_comes_before_everything_and_hides_nothing() -> None:
    [_, verdict] = Child([(0, 20), (13, 31)], plan=Plan(crisis_pause=True)).verdicts()
    assert (verdict.signal, verdict.signal_reason) == (Signal.GREY, SignalReason.CRISIS_PAUSE)
    assert [each.code for each in verdict.reasons] == [
        ReasonCode.CRISIS_PAUSE,
        ReasonCode.DETERIORATION_UNCONFIRMED,
    ]


# ---- When an evaluation is due


@pytest.mark.parametrize(
    ("weeks", "said"),
    [(23.9, "no_change_yet"), (24, "time_for_review"), (26, "time_for_review"), (40, "time_for_review")],
)
def test_an_evaluation_is_due_after_half_a_year(weeks: float, said: str) -> None:
    assert Child([(0, 20), (weeks, 18)]).said()[-1] == said


def test_no_evaluation_is_asked_for_where_the_child_is_reliably_better() -> None:
    assert Child([(0, 20), (26, 10)]).said()[-1] == "as_expected"


def test_a_held_review_rests_until_the_next_evaluation() -> None:
    """Weekly sessions an hour after each score: dose 26 at week 26, dose 52 at week 52."""
    scores = [(0, 20), (26, 18), (39, 18), (52, 18)]
    unheld = Child(scores).said()
    assert unheld == ["too_early", *["time_for_review"] * 3]
    held = Child(scores, reviewed_doses=(27,)).said()
    assert held == ["too_early", "time_for_review", "no_change_yet", "time_for_review"]
    # The review of week 26 was recorded at the dose of that score itself.
    assert Child(scores, reviewed_doses=(26,)).said()[1] == "no_change_yet"
    # A later review says nothing of how it stood earlier.
    assert Child(scores, reviewed_doses=(52,)).said() == ["too_early", *["time_for_review"] * 2, "no_change_yet"]


def test_an_evaluation_is_due_at_the_planned_end() -> None:
    planned = Plan(planned_dose=8)
    assert Child([(0, 20), (7, 18), (8, 18)], plan=planned).said() == ["too_early", "no_change_yet", "time_for_review"]
    assert Child([(0, 20), (8, 18)], plan=planned, reviewed_doses=(8,)).said()[-1] == "no_change_yet"
    assert Child([(0, 20), (8, 11)], plan=planned).said()[-1] == "as_expected"


def test_a_review_at_the_planned_end_does_not_silence_the_evaluation_that_follows() -> None:
    planned = Plan(planned_dose=8)
    scores = [(0, 20), (8, 18), (26, 18)]
    assert Child(scores, plan=planned, reviewed_doses=(8,)).said() == [
        "too_early",
        "no_change_yet",
        "time_for_review",
    ]


def test_in_long_term_care_lack_of_improvement_is_no_finding_and_worsening_is() -> None:
    long_term = Plan(pathway=3)
    assert Child([(0, 20), (26, 18), (52, 30)], plan=long_term).said() == [
        "too_early",
        "no_change_yet",
        "deterioration_unconfirmed",
    ]


# ---- What a verdict holds


def test_a_verdict_says_what_it_was_held_against() -> None:
    first, later = Child([(0, 20), (26, 10)]).verdicts()
    assert (first.expected, first.band, first.change) == (None, None, ChangeCategory.NO_RELIABLE_CHANGE)
    assert (later.expected, later.band) == (16.752, (12, 22))
    assert (later.improvement, later.change) == (10, ChangeCategory.RELIABLE_IMPROVEMENT)
    assert (later.probabilities, later.end_dose) == (Probabilities(None, None, None), None)
    assert later.responder_state is ResponderState.NOT_ASSESSED
    assert later.curve_version == "few_occasions/retest"
    assert is_of_few_occasions(later.curve_version)
    assert not is_of_few_occasions(None)


def test_its_reasons_carry_the_figures() -> None:
    *_, verdict = Child([(0, 20), (26, 10)]).verdicts()
    [reason] = verdict.reasons
    assert reason.code is ReasonCode.AS_EXPECTED
    assert reason.evidence == {
        "basis": "retest",
        "dose": 26,
        "weeks": pytest.approx(26),
        "baseline": 20,
        "baseline_dose": 0,
        "score": 10,
        "improvement": 10,
        "reliable_change": 9,
        "lower": 12,
        "upper": 22,
    }


def test_a_late_baseline_is_told() -> None:
    *_, verdict = Child([(5.5, 20), (33, 18)]).verdicts()
    assert [each.code for each in verdict.reasons] == [ReasonCode.TIME_FOR_REVIEW, ReasonCode.LATE_BASELINE]
    assert verdict.reasons[1].evidence["baseline_dose"] == 6


# ---- Which scores are judged


def test_waiting_time_and_follow_up_are_not_judged() -> None:
    child = Child([(-30, 25), (0, 20), (26, 18), (60, 8)], ended_weeks=30)
    assert [each.administration_id for each in child.verdicts()] == ["001", "002"]


def test_without_a_counted_session_nothing_is_judged() -> None:
    assert Child([(0, 20), (26, 10)], attended=0).verdicts() == ()


def test_only_those_that_are_asked_for_are_judged_by_all_that_came_before() -> None:
    scores = [(0, 20), (13, 29), (26, 30), (39, 12)]
    everything = Child(scores).verdicts()
    for first in range(5):
        assert Child(scores, first=first).verdicts() == everything[first:]
    assert everything[2].signal_reason is SignalReason.DETERIORATION_CONFIRMED


@pytest.mark.parametrize("known", [Known(ChangeCriteria(0, 40)), _known("sdq", "parent-4-17", "peer")])
def test_where_nothing_can_be_told_there_is_no_verdict(known: Known) -> None:
    assert Child([(0, 8), (26, 2)], known).verdicts() == ()


def test_series_with_and_without_a_curve_are_judged_in_one_go() -> None:
    course = Course(a_series([16, 12, 9, 7]), PHQ_9, a_curve(), Policy(), Plan())
    child = Child([(0, 20), (26, 10)]).few()
    alone = assess_each(course.series, PHQ_9, a_curve(), Policy(), Plan())
    assert assess_all([child, course, child]) == [assess_few(child), alone, assess_few(child)]
    assert assess_all([]) == []


def test_informants_who_disagree_are_named() -> None:
    *_, parent = Child([(0, 20), (26, 10)]).verdicts()
    *_, teacher = Child([(0, 15), (26, 28)], _known("sdq", "teacher-4-17", "total_difficulties")).verdicts()
    assert parent.standing == Standing(ChangeCategory.RELIABLE_IMPROVEMENT, Signal.GREEN)
    assert teacher.standing == Standing(ChangeCategory.RELIABLE_DETERIORATION, Signal.RED)
    [reason] = disagreement(parent.standing, {"teacher": teacher.standing}, ReasonCode.INFORMANTS_DISAGREE)
    assert reason.code is ReasonCode.INFORMANTS_DISAGREE


# ---- What holds of all


def test_every_cause_has_its_level() -> None:
    assert set(SIGNALS) == set(SignalReason)


children = st.builds(
    Child,
    scores=st.lists(
        st.tuples(st.integers(0, 120), st.integers(0, 40)), min_size=1, max_size=6, unique_by=lambda s: s[0]
    ),
    known=st.sampled_from([PARENT, CORE_10, _known("ors", "adult", "total")]),
    plan=st.builds(
        Plan,
        planned_dose=st.none() | st.integers(1, 60),
        pathway=st.none() | st.integers(1, 3),
        crisis_pause=st.booleans(),
    ),
    reviewed_doses=st.lists(st.integers(0, 60), max_size=2).map(tuple),
    ended_weeks=st.none() | st.integers(0, 120),
)


@given(children)
def test_a_signal_is_never_better_than_what_has_changed(child: Child) -> None:
    level = Policy().band_level
    treated = child.few().series.treated()
    verdicts = child.verdicts()
    assert [each.administration_id for each in verdicts] == [each.administration_id for each in treated]
    for verdict in verdicts:
        worse = verdict.change is ChangeCategory.RELIABLE_DETERIORATION
        better = verdict.change is ChangeCategory.RELIABLE_IMPROVEMENT
        assert (verdict.signal is Signal.RED) is (worse and not child.plan.crisis_pause)
        assert better or verdict.signal is not Signal.GREEN
        assert verdict.signal is not Signal.YELLOW or verdict.signal_reason is SignalReason.TIME_FOR_REVIEW
        assert str(verdict.reasons[0].code) == str(verdict.signal_reason)
        assert len({each.code for each in verdict.reasons}) == len(verdict.reasons)
        later = against_first(child.known, treated[0].score, verdict.score, level)
        assert (verdict.improvement, verdict.change) == (later.improvement, later.change)


@given(children, st.integers(0, 5))
def test_a_verdict_does_not_depend_on_what_comes_later(child: Child, until: int) -> None:
    few = child.few()
    kept = len(few.series.treated()[: until + 1])
    if few.series.treated():
        index = few.series.observations.index(few.series.treated()[kept - 1])
        earlier = assess_few(replace(few, series=few.series.until(index)))
        assert earlier == assess_few(few)[:kept]


def test_a_band_holds_the_level_of_the_policy() -> None:
    few = Child([(0, 20), (26, 10)]).few()
    wide = replace(few, policy=Policy(band_level=0.9))
    limits = limits_of(PARENT, 20, level=0.9)
    assert limits is not None
    assert assess_few(wide)[-1].band == (limits.lower, limits.upper)
