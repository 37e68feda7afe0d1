"""Methods of reliable change, against published examples, R, and hand arithmetic."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import MalformedBody
from app.scales.catalogue import instrument
from app.scales.change import Better, ChangeCategory, ChangeCriteria
from app.scales.reliable_change import (
    ChangeMethod,
    Functional,
    Spread,
    change_index,
    clinical_cutoff,
    composite_change,
    crosses,
    percentage_improvement,
)

LOWER, HIGHER = Better.LOWER, Better.HIGHER
JT, HA, NK = ChangeMethod.JACOBSON_TRUAX, ChangeMethod.HAGEMAN_ARRINDELL, ChangeMethod.NUNNALLY_KOTSCH

TABLE = Path(__file__).parents[1] / "reference" / "change.das.csv"
"""The 30 couples of Jacobson & Truax 1991, table 2 (Dyadic Adjustment Scale), as AWKruijt/JT-RCI has them; the indices
were computed with R 4.2.2 by the formulas of the package clinicalsignificance (calc_rci), reliability .88, for
Nunnally & Kotsch .80 at the end."""
with TABLE.open(encoding="utf-8", newline="") as lines:
    ROWS = list(csv.DictReader(lines))
PRE, POST = (np.array([float(row[name]) for row in ROWS]) for name in ("pre", "post"))
# R: mean(pre), sd(pre), mean(post), sd(post), cor(pre, post)
DAS = Spread(81.5833333333, 11.8256612656, 98.05, 19.2418142022, 0.517721362632)
TEXTBOOK = Spread(40, 7.5, 50, 7.5)
"""The hypothetical data of Jacobson & Truax 1991: means 40 with and 60 without the problem, sd 7.5, reliability .80."""


@pytest.mark.parametrize("method", list(ChangeMethod))
def test_every_method_agrees_with_r(method: ChangeMethod) -> None:
    found = change_index(method, PRE, POST, DAS, 0.88, better=HIGHER, reliability_post=0.80)
    assert found == pytest.approx([float(row[method]) for row in ROWS], abs=1e-7)


def test_the_example_of_jacobson_and_truax() -> None:
    # SE = 7.5 sqrt(1 - .80) = 3.35, S_diff = sqrt(2) 3.35 = 4.74, RC = (47.5 - 32.5) / 4.74 = 3.16
    [index] = change_index(JT, np.array([32.5]), np.array([47.5]), TEXTBOOK, 0.80, better=HIGHER)
    assert index == pytest.approx(3.16, abs=0.005)


def test_the_cutoffs_of_jacobson_and_truax() -> None:
    # a = 40 + 2 x 7.5 = 55, b = 60 - 2 x 7.5 = 45, c = (7.5 x 60 + 7.5 x 40) / 15 = 50
    functional = Functional(60, 7.5)
    found = [clinical_cutoff(kind, TEXTBOOK, functional, better=HIGHER) for kind in "abc"]
    assert found == [55, 45, 50]


def test_the_cutoffs_of_a_scale_on_which_lower_is_better() -> None:
    # clinicalsignificance, snapshot of its tests, a BDI sample: M 35.48, SD 8.16; functional 8, 8: a 19.16, c 21.6
    depressed = Spread(35.48, 8.16, 20, 8)
    assert clinical_cutoff("a", depressed, None, better=LOWER) == pytest.approx(19.16, abs=1e-9)
    assert clinical_cutoff("c", depressed, Functional(8, 8), better=LOWER) == pytest.approx(21.6, abs=0.01)
    # b = 8 + 2 x 8
    assert clinical_cutoff("b", depressed, Functional(8, 8), better=LOWER) == 24


@pytest.mark.parametrize(
    ("make", "pointer"),
    [
        (lambda: Spread(40, 0, 50, 7.5), "/sd_pre"),
        (lambda: Spread(40, 7.5, 50, -1), "/sd_post"),
        (lambda: Spread(float("nan"), 7.5, 50, 7.5), "/mean_pre"),
        (lambda: Spread(40, 7.5, 50, 7.5, 1.01), "/correlation"),
        (lambda: Functional(60, 0), "/functional_sd"),
        (lambda: Functional(float("inf"), 1), "/functional_sd"),
        (lambda: clinical_cutoff("d", TEXTBOOK, None, better=LOWER), "/cutoff"),
        (lambda: clinical_cutoff("b", TEXTBOOK, None, better=LOWER), "/cutoff"),
        (lambda: clinical_cutoff("c", TEXTBOOK, None, better=LOWER), "/cutoff"),
        (lambda: change_index(JT, PRE, POST, DAS, 0.0, better=LOWER), "/reliability"),
        (lambda: change_index(JT, PRE, POST, DAS, 1.0, better=LOWER), "/reliability"),
        (lambda: change_index(NK, PRE, POST, DAS, 0.8, better=LOWER, reliability_post=1.0), "/reliability"),
        (lambda: change_index(HA, PRE, POST, Spread(40, 7.5, 50, 7.5, 1.0), 0.8, better=LOWER), "/method"),
        (lambda: change_index(HA, PRE, POST, Spread(40, 7.5, 50, 7.5, 0.9), 0.8, better=LOWER), "/method"),
    ],
)
def test_what_can_t_be_is_refused(make: Callable[[], object], pointer: str) -> None:
    with pytest.raises(MalformedBody) as caught:
        make()
    assert caught.value.pointer == pointer
    assert caught.value.allowed


def test_the_critical_values() -> None:
    assert {method: method.critical for method in ChangeMethod} == {
        **dict.fromkeys(ChangeMethod, 1.96),
        HA: 1.65,
    }


def test_differences_without_any_reliable_part_give_no_index() -> None:
    # SEM = 1 sqrt(1 - .75) = .5; (1 - .25) + (1 - .25) - 2 x .75 = 0
    with pytest.raises(MalformedBody, match="vary no more than measurement error"):
        change_index(HA, PRE, POST, Spread(40, 1, 50, 1, 0.75), 0.75, better=LOWER)


def test_equal_pairs_have_no_difference_to_speak_of() -> None:
    """Both spreads 1, correlation 1: the differences don't vary, whatever the reliability."""
    with pytest.raises(MalformedBody, match="vary no more than measurement error"):
        change_index(HA, PRE, POST, Spread(40, 1, 50, 1, 1.0), 0.999, better=LOWER)


def test_the_difference_score_of_small_numbers_is_judged_like_that_of_large_ones() -> None:
    """Ten times smaller scores have the same index, as an index has no unit."""
    large, small = Spread(40, 7.5, 50, 8, 0.3), Spread(0.4, 0.075, 0.5, 0.08, 0.3)
    of_large = change_index(HA, PRE, POST, large, 0.8, better=LOWER)
    np.testing.assert_allclose(change_index(HA, PRE / 100, POST / 100, small, 0.8, better=LOWER), of_large)


def test_what_is_allowed_is_told() -> None:
    with pytest.raises(MalformedBody) as of_sd:
        Spread(40, 0, 50, 7.5)
    with pytest.raises(MalformedBody) as of_mean:
        Spread(float("nan"), 7.5, 50, 7.5)
    with pytest.raises(MalformedBody) as of_cutoff:
        clinical_cutoff("d", TEXTBOOK, None, better=LOWER)
    told = [each.value.allowed for each in (of_sd, of_mean, of_cutoff)]
    assert told == ["above 0", "a number", "a, b, c or a number"]
    assert of_sd.value.detail == "sd_pre is out of its range"


def test_a_scale_of_small_numbers_has_small_spreads() -> None:
    small = Spread(1.5, 0.5, 1.0, 0.25)
    # 1.5 - 1.0 by sqrt 2 x .5 x sqrt(1 - .75) = .353553: 1.414214
    [index] = change_index(JT, np.array([1.5]), np.array([1.0]), small, 0.75, better=LOWER)
    assert index == pytest.approx(1.414214, abs=1e-6)
    assert clinical_cutoff("b", small, Functional(0.5, 0.25), better=LOWER) == 1.0


def test_one_point_may_be_a_reliable_change() -> None:
    one = ChangeCriteria(0, 10, reliable_change=1)
    assert composite_change([(one, 5, 4)]).outcome is ChangeCategory.RELIABLE_IMPROVEMENT
    assert composite_change([(one, 5, 6)]).outcome is ChangeCategory.RELIABLE_DETERIORATION


scores = st.floats(0, 60)


@given(scores, scores, st.sampled_from(list(ChangeMethod)), st.floats(0.3, 0.99))
def test_a_mirrored_scale_gives_the_same_index(pre: float, post: float, method: ChangeMethod, r: float) -> None:
    mirrored = Spread(60 - DAS.mean_pre, DAS.sd_pre, 60 - DAS.mean_post, DAS.sd_post, DAS.correlation)
    pairs = np.array([pre]), np.array([post])
    try:
        [index] = change_index(method, *pairs, DAS, r, better=HIGHER)
    except MalformedBody:
        return
    [other] = change_index(method, 60 - pairs[0], 60 - pairs[1], mirrored, r, better=LOWER)
    assert other == pytest.approx(index, abs=1e-6)


@given(scores, scores)
def test_without_a_score_there_is_no_index(pre: float, post: float) -> None:
    found = change_index(JT, np.array([pre, np.nan, pre]), np.array([np.nan, post, post]), DAS, 0.8, better=LOWER)
    assert list(np.isnan(found)) == [True, True, False]


@pytest.mark.parametrize(
    ("pre", "post", "better", "crossing"),
    [
        (10, 9, LOWER, True),
        (10, 10, LOWER, False),
        (9, 5, LOWER, False),
        (24.9, 25, HIGHER, True),
        (24.9, 24.9, HIGHER, False),
        (25, 30, HIGHER, False),
    ],
)
def test_the_cutoff_belongs_to_one_side(pre: float, post: float, better: Better, crossing: bool) -> None:
    # As caseness is read: a case at 10 or more where lower is better, below 25 where higher is.
    assert crosses(pre, post, 10 if better is LOWER else 25, better) is crossing


@pytest.mark.parametrize(
    ("baseline", "score", "better", "percent"),
    [(20, 10, LOWER, 50), (20, 25, LOWER, -25), (20, 25, HIGHER, 25), (8, 8, LOWER, 0), (0, 5, LOWER, None)],
)
def test_percentage_improvement(baseline: float, score: float, better: Better, percent: float | None) -> None:
    assert percentage_improvement(baseline, score, better) == percent


def criteria(key: str) -> ChangeCriteria:
    found = instrument(key).form(None).subscale("total").criteria
    assert found is not None
    return found


PHQ_9, GAD_7 = criteria("phq-9"), criteria("gad-7")


@pytest.mark.parametrize(
    ("phq_9", "gad_7", "case", "recovered", "improved", "deteriorated"),
    [
        ((18, 8), (12, 7), True, True, True, False),
        ((18, 12), (12, 7), True, False, True, False),  # still a case on the PHQ-9
        ((18, 9), (7, 8), True, False, True, False),  # a case at the end on the GAD-7 only
        ((10, 9), (5, 5), True, True, False, False),  # recovered, not reliably
        ((9, 3), (7, 2), False, False, True, False),  # better, and no case at the start
        ((18, 12), (10, 14), True, False, False, False),  # one reliably better, one reliably worse
        ((12, 18), (10, 11), True, False, False, True),
        ((12, 12), (10, 14), True, False, False, True),
        ((9, 15), (7, 7), False, False, False, True),
        ((14, 9), (12, 9), True, False, False, False),  # five and three points: neither is reliable
    ],
)
def test_the_composite_of_nhs_talking_therapies(
    phq_9: tuple[int, int], gad_7: tuple[int, int], case: bool, recovered: bool, improved: bool, deteriorated: bool
) -> None:
    """Case at 10 and 8, reliable change 6 and 4 points; methods.md B6 (Fingertips glossary, CORC wording)."""
    found = composite_change([(PHQ_9, *phq_9), (GAD_7, *gad_7)])
    assert (found.case_at_start, found.recovered, found.reliably_improved, found.reliably_deteriorated) == (
        case,
        recovered,
        improved,
        deteriorated,
    )


def test_the_composite_amounts_to_one_outcome() -> None:
    found = [
        composite_change([(PHQ_9, *phq_9), (GAD_7, *gad_7)]).outcome
        for phq_9, gad_7 in (((18, 8), (12, 7)), ((18, 12), (12, 7)), ((12, 18), (10, 11)), ((10, 9), (5, 5)))
    ]
    assert found == [
        ChangeCategory.RELIABLE_RECOVERY,
        ChangeCategory.RELIABLE_IMPROVEMENT,
        ChangeCategory.RELIABLE_DETERIORATION,
        ChangeCategory.NO_RELIABLE_CHANGE,
    ]


def test_a_measure_without_a_published_reliable_change_has_not_changed_reliably() -> None:
    assert composite_change([(ChangeCriteria(0, 40), 40, 0)]).outcome is ChangeCategory.NO_RELIABLE_CHANGE
