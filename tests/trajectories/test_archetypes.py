"""Six patients with twenty weekly PHQ-9 scores each, and the verdict that each score should get.

The scores are made up; the verdicts follow from design 4.3 and 4.5: nothing before dose 3, late responders *pending*
until dose 7, red at once and confirmed by the next score, grey for those who started below the cut-off of 10.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.scales.change import ChangeCriteria
from app.trajectories.policy import Flagging, Policy
from app.trajectories.progress import Signal, SignalReason
from tests.trajectories.factories import GAD_7, PHQ_9, a_curve, verdicts

EARLY_FLAGGING = Policy(flagging=Flagging.EARLY)

# dose, score, signal, signal reason, responder state

EARLY_RESPONDER = """
 0  16  grey    too_early     not_assessed
 1  12  grey    too_early     not_assessed
 2   9  grey    too_early     not_assessed
 3   7  green   good_enough   early
 4   6  green   good_enough   early
 5   6  green   good_enough   early
 6   5  green   good_enough   early
 7   5  green   good_enough   early
 8   4  green   good_enough   early
 9   4  green   good_enough   early
10   4  green   good_enough   early
11   3  green   good_enough   early
12   4  green   good_enough   early
13   3  green   good_enough   early
14   3  green   good_enough   early
15   3  green   good_enough   early
16   2  green   good_enough   early
17   3  green   good_enough   early
18   2  green   good_enough   early
19   2  green   good_enough   early
"""

LATE_RESPONDER = """
 0  17  grey    too_early               not_assessed
 1  17  grey    too_early               not_assessed
 2  18  grey    too_early               not_assessed
 3  17  grey    no_change_yet           pending
 4  18  grey    no_change_yet           pending
 5  17  grey    no_change_yet           pending
 6  17  grey    no_change_yet           pending
 7  15  yellow  time_for_review         none
 8  13  yellow  time_for_review         none
 9  12  yellow  unlikely_to_reach_goal  pending
10  10  green   as_expected             late
11   9  green   good_enough             late
12   8  green   good_enough             late
13   8  green   good_enough             late
14   7  green   good_enough             late
15   7  green   good_enough             late
16   6  green   good_enough             late
17   6  green   good_enough             late
18   6  green   good_enough             late
19   6  green   good_enough             late
"""

NON_RESPONDER = """
 0  16  grey    too_early        not_assessed
 1  15  grey    too_early        not_assessed
 2  16  grey    too_early        not_assessed
 3  17  grey    no_change_yet    pending
 4  16  grey    no_change_yet    pending
 5  15  grey    no_change_yet    pending
 6  16  grey    no_change_yet    pending
 7  16  yellow  time_for_review  none
 8  17  yellow  time_for_review  none
 9  16  yellow  time_for_review  none
10  15  yellow  time_for_review  none
11  16  yellow  time_for_review  none
12  16  yellow  time_for_review  none
13  17  yellow  time_for_review  none
14  16  yellow  time_for_review  none
15  16  yellow  time_for_review  none
16  15  yellow  time_for_review  none
17  16  yellow  time_for_review  none
18  16  yellow  time_for_review  none
19  16  yellow  time_for_review  none
"""

DETERIORATING = """
 0  14  grey   too_early                  not_assessed
 1  15  grey   too_early                  not_assessed
 2  16  grey   too_early                  not_assessed
 3  18  grey   no_change_yet              pending
 4  20  red    deterioration_unconfirmed  pending
 5  21  red    deterioration_confirmed    pending
 6  21  red    deterioration_confirmed    pending
 7  22  red    deterioration_confirmed    none
 8  22  red    deterioration_confirmed    none
 9  23  red    deterioration_confirmed    none
10  23  red    deterioration_confirmed    none
11  24  red    deterioration_confirmed    none
12  24  red    deterioration_confirmed    none
13  24  red    deterioration_confirmed    none
14  25  red    deterioration_confirmed    none
15  25  red    deterioration_confirmed    none
16  25  red    deterioration_confirmed    none
17  25  red    deterioration_confirmed    none
18  26  red    deterioration_confirmed    none
19  26  red    deterioration_confirmed    none
"""

MILD_STARTER = """
 0  11  grey   too_early    not_assessed
 1  10  grey   too_early    not_assessed
 2   9  grey   too_early    not_assessed
 3   8  green  as_expected  pending
 4   7  green  as_expected  pending
 5   7  green  as_expected  pending
 6   6  green  as_expected  pending
 7   6  green  as_expected  late
 8   6  green  as_expected  late
 9   5  green  good_enough  late
10   5  green  good_enough  late
11   5  green  good_enough  late
12   5  green  good_enough  late
13   4  green  good_enough  late
14   4  green  good_enough  late
15   4  green  good_enough  late
16   4  green  good_enough  late
17   4  green  good_enough  late
18   4  green  good_enough  late
19   3  green  good_enough  late
"""

STARTED_BELOW = """
 0   7  grey  started_below_cutoff       not_assessed
 1   8  grey  started_below_cutoff       not_assessed
 2   7  grey  started_below_cutoff       not_assessed
 3   6  grey  started_below_cutoff       not_assessed
 4   7  grey  started_below_cutoff       not_assessed
 5   8  grey  started_below_cutoff       not_assessed
 6   9  grey  started_below_cutoff       not_assessed
 7  11  grey  started_below_cutoff       not_assessed
 8  12  grey  started_below_cutoff       not_assessed
 9  13  red   deterioration_unconfirmed  not_assessed
10  14  red   deterioration_confirmed    not_assessed
11  13  red   deterioration_confirmed    not_assessed
12  11  grey  started_below_cutoff       not_assessed
13   9  grey  started_below_cutoff       not_assessed
14  14  red   deterioration_unconfirmed  not_assessed
15   8  grey  started_below_cutoff       not_assessed
16   7  grey  started_below_cutoff       not_assessed
17   6  grey  started_below_cutoff       not_assessed
18   6  grey  started_below_cutoff       not_assessed
19   5  grey  started_below_cutoff       not_assessed
"""

TABLES = [EARLY_RESPONDER, LATE_RESPONDER, NON_RESPONDER, DETERIORATING, MILD_STARTER, STARTED_BELOW]
NAMES = ["early", "late", "none", "deteriorating", "mild", "below"]


def rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()]


def scores(table: str) -> list[int]:
    return [int(row[1]) for row in rows(table)]


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_each_score_gets_its_verdict(table: str) -> None:
    given_ = [
        [str(each.dose), str(each.score), each.signal, each.signal_reason, each.responder_state]
        for each in verdicts(scores(table))
    ]
    assert given_ == rows(table)
    assert len(given_) == 20


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_the_reason_of_the_signal_comes_first(table: str) -> None:
    for progress in verdicts(scores(table)):
        assert str(progress.reasons[0].code) == str(progress.signal_reason)


@pytest.mark.parametrize("table", [LATE_RESPONDER, NON_RESPONDER], ids=["late", "none"])
def test_early_flagging_calls_a_flat_course_from_dose_3_on(table: str) -> None:
    by_default = verdicts(scores(table))
    early = verdicts(scores(table), policy=EARLY_FLAGGING)
    assert [(each.signal, each.signal_reason) for each in early[3:7]] == [
        (Signal.YELLOW, SignalReason.TIME_FOR_REVIEW)
    ] * 4
    assert early[:3] == by_default[:3]
    assert early[7:] == by_default[7:]


def test_early_flagging_calls_worsening_before_it_is_reliable() -> None:
    at_dose_3 = verdicts(scores(DETERIORATING), policy=EARLY_FLAGGING)[3]
    assert (at_dose_3.signal, at_dose_3.score) == (Signal.YELLOW, 18)


def expected_course(baseline: int, instrument: str = "phq-9") -> list[int]:
    """Give the expected scores of 19 weeks, from the first score only, in whole points."""
    prediction = a_curve(instrument).given([0], [0], [baseline]).predict(range(1, 20), range(1, 20))
    return list(map(round, prediction.tabled().expected().tolist()))


@given(st.lists(st.integers(-1, 1), min_size=19, max_size=19), st.sampled_from(list(Flagging)))
def test_a_mild_starter_on_the_expected_course_is_never_yellow(noise: list[int], flagging: Flagging) -> None:
    """Baseline 11, then the expected course and a point more or less."""
    course = [11, *(max(0, score + shift) for score, shift in zip(expected_course(11), noise, strict=True))]
    signals = {each.signal for each in verdicts(course, policy=Policy(flagging=flagging))}
    assert signals <= {Signal.GREY, Signal.GREEN}


@pytest.mark.parametrize("flagging", Flagging)
@pytest.mark.parametrize("baseline", range(10, 28))
def test_the_expected_course_is_green_from_wherever_it_starts(baseline: int, flagging: Flagging) -> None:
    """Also from 25, where 18 at dose 3 is as expected although it is no established fall of a quarter.

    And from 27, the end of the scale, which is a bound: 21 at dose 3 is as expected.
    """
    course = verdicts([baseline, *expected_course(baseline)], policy=Policy(flagging=flagging))
    assert {each.signal for each in course[3:]} == {Signal.GREEN}


@pytest.mark.parametrize("flagging", Flagging)
@pytest.mark.parametrize("baseline", range(8, 22))
def test_the_expected_course_of_the_gad_7_is_green_from_dose_4_on(baseline: int, flagging: Flagging) -> None:
    """At dose 3 some are *no change yet*: with 13, 11, 10, 10 a noticeable fall has a probability of .75, not .80."""
    scores_ = [baseline, *expected_course(baseline, "gad-7")]
    course = verdicts(scores_, criteria=GAD_7, curve=a_curve("gad-7"), policy=Policy(flagging=flagging))
    assert {each.signal for each in course[4:]} == {Signal.GREEN}


CASES = [("phq-9", PHQ_9, baseline) for baseline in range(10, 28)] + [
    ("gad-7", GAD_7, baseline) for baseline in range(8, 22)
]


@pytest.mark.parametrize("flagging", Flagging)
@pytest.mark.parametrize(("instrument", "criteria", "baseline"), CASES)
def test_a_flat_course_is_never_green(
    instrument: str, criteria: ChangeCriteria, baseline: int, flagging: Flagging
) -> None:
    course = verdicts([baseline] * 20, criteria=criteria, curve=a_curve(instrument), policy=Policy(flagging=flagging))
    before, after = (Signal.GREY, Signal.YELLOW) if flagging is Flagging.PENDING else (Signal.YELLOW,) * 2
    assert [each.signal for each in course[3:]] == [before] * 4 + [after] * 13
    assert {each.signal_reason for each in course[7:]} == {SignalReason.TIME_FOR_REVIEW}
