"""What one measure says of one episode: small courses whose figures a reader can count."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.reports.summary import COMPOSITE, Line, MeasureSummary, Rank, summarise
from app.scales.catalogue import instrument
from app.scales.change import Better, ChangeCriteria
from app.scales.instrument import InformantRole
from app.trajectories.series import CountedSession, Measurement, Series, Timing

FIRST_SESSION = datetime(2026, 1, 5, 10, tzinfo=UTC)
PHQ_9 = ChangeCriteria(0, 27, cutoff=10, reliable_change=6)
GAD_7 = ChangeCriteria(0, 21, cutoff=8, reliable_change=4)
ORS = ChangeCriteria(0, 40, Better.HIGHER, cutoff=25, reliable_change=5)


def series(*scores: tuple[float, float], sessions: int = 4, ended_after_days: float | None = None) -> Series:
    """Scores by days since the first session (before it: below 0), with sessions held weekly."""
    held = [CountedSession(number, FIRST_SESSION + timedelta(weeks=number)) for number in range(sessions)]
    given = [
        Measurement(place, FIRST_SESSION + timedelta(days=days), score) for place, (days, score) in enumerate(scores)
    ]
    ended = None if ended_after_days is None else FIRST_SESSION + timedelta(days=ended_after_days)
    return Series.build(given, held, ended)


def line(
    one: Series,
    measure: str = "phq-9",
    criteria: ChangeCriteria | None = PHQ_9,
    *,
    who: str = "patient",
    role: InformantRole = InformantRole.SELF,
    is_main: bool = False,
    family: str = "adult",
) -> Line:
    return Line(measure, family, who, role, one, criteria, is_main)


def only(one: Line) -> MeasureSummary:
    [found] = summarise([one])
    return found


def test_the_criteria_are_those_of_the_catalogue() -> None:
    for key, criteria in (("phq-9", PHQ_9), ("gad-7", GAD_7)):
        published = instrument(key).form(None).subscale("total").criteria
        assert published is not None
        assert (published.cutoff, published.reliable_change) == (criteria.cutoff, criteria.reliable_change)


def test_a_course_is_counted_from_the_baseline_to_the_last_score_in_treatment() -> None:
    # Sessions on days 0, 7, 14, 21. Waiting time: day -60. Baseline: day -1. After the end on day 22: day 100.
    found = only(line(series((-60, 20), (-1, 18), (6, 14), (13, 12), (20.5, 9), (100, 7), ended_after_days=22)))
    assert (found.scores, found.baseline, found.last) == (4, 18, 9)
    assert (found.last_dose, found.last_days) == (3, 21), "three sessions before it; 21.5 days are 21 whole ones"
    assert found.change == 1, "18 - 9 = 9, and 6 are reliable"
    assert (found.case_at_start, found.case_at_end) == (True, False)
    assert found.first_improved_dose == 2, "18 - 14 = 4 is not reliable at dose 1, 18 - 12 = 6 at dose 2 is"
    assert found.measured_sessions == 4
    assert (found.waiting_change, found.waiting_days) == (2, 59)
    assert found.follow_up_change == 11, "18 - 7"


def test_higher_is_better_of_some_measures() -> None:
    rising = only(line(series((-1, 18), (6, 26)), "ors", ORS))
    assert (rising.change, rising.case_at_start, rising.case_at_end) == (1, True, False)
    assert rising.first_improved_dose == 1
    falling = only(line(series((-40, 28), (-1, 26), (6, 20)), "ors", ORS))
    assert (falling.change, falling.case_at_start, falling.case_at_end) == (-1, False, True)
    assert falling.first_improved_dose is None
    assert falling.waiting_change == -2


@pytest.mark.parametrize(("last", "change"), [(12, 1), (13, 0), (18, 0), (23, 0), (24, -1)])
def test_change_is_reliable_from_six_points_on(last: int, change: int) -> None:
    assert only(line(series((-1, 18), (6, last)))).change == change


def test_of_one_score_there_is_a_start_and_no_end() -> None:
    found = only(line(series((-1, 18))))
    assert (found.scores, found.baseline, found.case_at_start) == (1, 18, True)
    nothing = (found.last, found.last_dose, found.last_days, found.change, found.case_at_end, found.first_improved_dose)
    assert nothing == (None,) * 6
    assert found.measured_sessions == 1


def test_of_no_score_there_is_nothing_and_it_is_said() -> None:
    found = only(line(series()))
    assert (found.scores, found.measured_sessions, found.rank) == (0, 0, Rank.FOR_THE_MEASURE)
    assert (found.baseline, found.case_at_start, found.waiting_change, found.follow_up_change) == (None,) * 4


def test_before_a_session_counts_all_is_waiting() -> None:
    found = only(line(series((-60, 20), (-1, 18), sessions=0)))
    assert (found.scores, found.baseline, found.measured_sessions, found.waiting_change) == (0, None, 0, None)


def test_a_score_after_the_treatment_is_no_follow_up_of_itself() -> None:
    alone = only(line(series((40, 9), ended_after_days=22)))
    assert (alone.scores, alone.follow_up_change) == (0, None)
    # Its own baseline, in the follow-up as well, with one in the waiting time before it: no change before treatment.
    sessions = [CountedSession(0, FIRST_SESSION)]
    late = Series.build(
        [
            Measurement(0, FIRST_SESSION - timedelta(days=90), 20),
            Measurement(1, FIRST_SESSION + timedelta(days=3), 15, 0, Timing.BEFORE),
        ],
        sessions,
        FIRST_SESSION + timedelta(days=1),
    )
    assert only(line(late)).waiting_change is None


def test_without_published_criteria_nothing_is_said_of_change() -> None:
    own = only(line(series((-60, 9), (-1, 8), (6, 3), (50, 2), ended_after_days=30), "own", None))
    assert (own.baseline, own.last, own.scores) == (8, 3, 2)
    assert (own.change, own.case_at_start, own.first_improved_dose, own.waiting_change) == (None,) * 4
    assert own.follow_up_change is None
    no_cutoff = only(line(series((-1, 8), (6, 1)), "x", ChangeCriteria(0, 27, reliable_change=6)))
    assert (no_cutoff.change, no_cutoff.case_at_start, no_cutoff.case_at_end) == (1, None, None)
    no_change = only(line(series((-1, 18), (6, 1)), "x", ChangeCriteria(0, 27, cutoff=10)))
    assert (no_change.change, no_change.case_at_end, no_change.first_improved_dose) == (None, False, None)


def test_sessions_with_a_score_are_counted_once() -> None:
    # Before sessions 1 and 2 (twice), none before 3, before 4 and after it: sessions 1, 2 and 4 of four.
    found = only(line(series((-1, 18), (2, 17), (5, 17), (20, 12), (22, 12))))
    assert found.measured_sessions == 3
    # An hour after each of four sessions, on days 0, 7, 14 and 21: all four.
    after = only(line(series(*((7 * week + 1 / 24, 18) for week in range(4)))))
    assert after.measured_sessions == 4


def test_of_two_versions_the_one_with_more_scores_is_kept() -> None:
    long, short = line(series((-1, 18), (6, 10))), line(series((-1, 12)))
    for lines in ([long, short], [short, long]):
        [found] = summarise(lines)
        assert found.scores == 2


def test_one_line_stands_for_the_measure_and_one_for_each_role() -> None:
    mother = line(series((-1, 18), (6, 10), (13, 9)), who="mother", role=InformantRole.PARENT)
    father = line(series((-1, 18), (6, 10)), who="father", role=InformantRole.PARENT)
    child = line(series((-1, 18)), who="child")
    ranks = {each.informant_id: each.rank for each in summarise([father, mother, child])}
    assert ranks == {"child": Rank.FOR_THE_MEASURE, "mother": Rank.FOR_THE_ROLE, "father": Rank.BESIDE}
    ranks = {each.informant_id: each.rank for each in summarise([mother, child, replace(father, is_main=True)])}
    assert ranks == {"father": Rank.FOR_THE_MEASURE, "child": Rank.FOR_THE_ROLE, "mother": Rank.BESIDE}


def composite(phq: Series, gad: Series) -> MeasureSummary:
    found = {each.measure: each for each in summarise([line(phq), line(gad, "gad-7", GAD_7)])}
    assert set(found) == {"phq-9", "gad-7", COMPOSITE}
    return found[COMPOSITE]


def test_both_measures_together_are_counted_as_nhs_talking_therapies_does() -> None:
    # PHQ-9 18 to 9 (better by 9), GAD-7 7 to 5 (2, below 4): better on one, worse on none. A case by the PHQ-9 alone.
    found = composite(series((-2, 18), (6, 14), (13, 9)), series((-1, 7), (13.5, 5)))
    assert (found.scores, found.baseline, found.last) == (2, None, None)
    assert (found.change, found.case_at_start, found.case_at_end) == (1, True, False)
    assert (found.last_dose, found.last_days) == (2, 15), "from the first of both, day -2, to the last, day 13.5"
    assert found.first_improved_dose == 2, "the GAD-7 has no later score before dose 2"
    assert found.measured_sessions == 3
    assert (found.waiting_change, found.waiting_days, found.follow_up_change, found.form_family) == (None,) * 3 + ("",)


@pytest.mark.parametrize(
    ("phq", "gad", "change", "case_at_end"),
    [(9, 16, 0, True), (18, 16, -1, True), (24, 7, 0, True), (18, 12, 0, True), (12, 12, 1, True), (9, 7, 1, False)],
)
def test_better_on_one_and_worse_on_the_other_is_no_change(phq: int, gad: int, change: int, case_at_end: bool) -> None:
    # First scores 18 and 12; reliable are 6 and 4.
    found = composite(series((-1, 18), (6, phq)), series((-1, 12), (6, gad)))
    assert (found.change, found.case_at_end) == (change, case_at_end)


def test_both_measures_must_have_both_scores() -> None:
    found = composite(series((-1, 18), (6, 9)), series((-1, 12)))
    assert (found.scores, found.case_at_start, found.case_at_end, found.change) == (1, True, None, None)
    assert (found.last_dose, found.last_days, found.first_improved_dose) == (None, None, None)
    assert composite(series((-1, 18)), series()).case_at_start is None


def test_between_two_forms_of_a_day_nothing_is_told() -> None:
    # Dose 1: no change. Dose 2: PHQ-9 better by 8, and ten minutes later the GAD-7 worse by 5: together no change.
    minutes = 10 / 1440
    phq = series((-1, 18), (6, 18), (13, 10), (20, 10))
    gad = series((-1 + minutes, 10), (6 + minutes, 10), (13 + minutes, 15), (20 + minutes, 10))
    assert composite(phq, gad).first_improved_dose == 3
    never = composite(series((-1, 18), (13, 10)), series((-1 + minutes, 10), (13 + minutes, 15)))
    assert never.first_improved_dose is None


def test_who_filled_in_one_of_both_has_no_composite() -> None:
    lines = [line(series((-1, 18))), line(series((-1, 9)), "gad-7", GAD_7, who="mother", role=InformantRole.PARENT)]
    assert COMPOSITE not in {each.measure for each in summarise(lines)}
