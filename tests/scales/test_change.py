"""Two scores of one scale: improvement, caseness, reliable change."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InstrumentDataError
from app.scales.catalogue import instrument
from app.scales.change import Better, ChangeCategory, ChangeCriteria

IMPROVED = ChangeCategory.RELIABLE_IMPROVEMENT
UNCHANGED = ChangeCategory.NO_RELIABLE_CHANGE
WORSE = ChangeCategory.RELIABLE_DETERIORATION


def criteria_of(key: str) -> ChangeCriteria:
    criteria = instrument(key).form(None).subscale("total").criteria
    assert criteria is not None
    return criteria


@pytest.mark.parametrize(
    ("key", "baseline", "score", "category"),
    [
        # NHS Talking Therapies manual: reliable change is 6 points on the PHQ-9, 4 on the GAD-7.
        ("phq-9", 15, 9, IMPROVED),
        ("phq-9", 15, 10, UNCHANGED),
        ("phq-9", 15, 15, UNCHANGED),
        ("phq-9", 15, 20, UNCHANGED),
        ("phq-9", 15, 21, WORSE),
        ("gad-7", 12, 8, IMPROVED),
        ("gad-7", 12, 9, UNCHANGED),
        ("gad-7", 12, 15, UNCHANGED),
        ("gad-7", 12, 16, WORSE),
    ],
)
def test_reliable_change_as_published(key: str, baseline: int, score: int, category: ChangeCategory) -> None:
    assert criteria_of(key).category(baseline, score) is category


@pytest.mark.parametrize(("key", "below"), [("phq-9", 9), ("gad-7", 7)])
def test_caseness_as_published(key: str, below: int) -> None:
    # NHS Talking Therapies manual: a case at 10 or more on the PHQ-9, at 8 or more on the GAD-7.
    assert [criteria_of(key).is_case(score) for score in (0, below, below + 1)] == [False, False, True]


def test_where_higher_is_better_the_clinical_side_is_below_the_cutoff() -> None:
    # ORS, adults: cut-off 25, reliable change 5 (scales.md section 5).
    ors = ChangeCriteria(0, 40, Better.HIGHER, cutoff=25, reliable_change=5)
    assert [ors.is_case(score) for score in (24, 25)] == [True, False]
    assert [ors.category(20, score) for score in (25, 24, 16, 15)] == [IMPROVED, UNCHANGED, UNCHANGED, WORSE]


def test_a_single_point_may_be_a_reliable_change() -> None:
    short = ChangeCriteria(0, 4, reliable_change=1)
    assert [short.category(2, score) for score in (1, 2, 3)] == [IMPROVED, UNCHANGED, WORSE]


def test_without_published_figures_nobody_is_a_case_and_nothing_is_reliable() -> None:
    criteria = ChangeCriteria(0, 27)
    assert not criteria.is_case(27)
    assert criteria.category(27, 0) is UNCHANGED


@given(
    st.sampled_from(Better),
    st.integers(min_value=0, max_value=27),
    st.integers(min_value=0, max_value=27),
    st.integers(min_value=1, max_value=27),
)
def test_the_way_back_is_the_mirror_image(better: Better, first: int, second: int, reliable_change: int) -> None:
    criteria = ChangeCriteria(0, 27, better, reliable_change=reliable_change)
    assert criteria.improvement(first, second) == -criteria.improvement(second, first)
    mirrored = {IMPROVED: WORSE, UNCHANGED: UNCHANGED, WORSE: IMPROVED}
    assert criteria.category(second, first) is mirrored[criteria.category(first, second)]


@given(st.integers(min_value=0, max_value=27), st.integers(min_value=0, max_value=27))
def test_improvement_means_better_in_both_directions(first: int, second: int) -> None:
    lower, higher = ChangeCriteria(0, 27), ChangeCriteria(0, 27, Better.HIGHER)
    assert (lower.improvement(first, second) > 0) is (second < first)
    assert (higher.improvement(first, second) > 0) is (second > first)


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: ChangeCriteria(5, 5), "must not be empty"),
        (lambda: ChangeCriteria(6, 5), "must not be empty"),
        (lambda: ChangeCriteria(0, 27, cutoff=28), "cut-off must lie within"),
        (lambda: ChangeCriteria(0, 27, cutoff=-1), "cut-off must lie within"),
        (lambda: ChangeCriteria(0, 27, reliable_change=0), "reliable_change must be above 0"),
        (lambda: ChangeCriteria(0, 27, reliable_change=28), "reliable_change must be above 0"),
        (lambda: ChangeCriteria(0, 27, important_difference=-0.5), "important_difference must be above 0"),
        (lambda: ChangeCriteria(10, 27, important_difference=17.5), "important_difference must be above 0"),
    ],
)
def test_a_broken_rule_is_named(make: Callable[[], ChangeCriteria], rule: str) -> None:
    with pytest.raises(InstrumentDataError, match=rule):
        make()


def test_the_ends_of_the_range_are_allowed() -> None:
    criteria = ChangeCriteria(0, 27, cutoff=27, reliable_change=27, important_difference=27)
    assert criteria.is_case(27)
    assert not ChangeCriteria(0, 27, Better.HIGHER, cutoff=0).is_case(0)
