"""The parts of a score check themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.errors import InstrumentDataError, MalformedBody
from app.scales.change import Better, ChangeCriteria
from app.scales.instrument import (
    Band,
    Confidence,
    Cutoff,
    Gate,
    MissingMethod,
    MissingRule,
    Reliability,
    ReliabilityMeasure,
    Subscale,
)
from app.scales.norms import Sex
from app.scales.sources import Source
from app.scales.subscale import Interval, TimeUnit
from tests.scales.factories import SOURCE, a_missing_rule, a_subscale

ALPHA = ReliabilityMeasure.ALPHA
NOTHING, EXACT = a_missing_rule(0), a_missing_rule(1, MissingMethod.PRORATE_EXACTLY)


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: Source("  ", Confidence.A), "a source needs a text"),
        (lambda: Band("mild", 5, 4, SOURCE), "must not end before"),
        (lambda: Band("Mild", 0, 4, SOURCE), "lower case"),
        (lambda: Cutoff("", 4, SOURCE), "lower case"),
        (lambda: Reliability(ALPHA, 0.0, SOURCE), "above 0 and at most 1"),
        (lambda: Reliability(ALPHA, 1.01, SOURCE), "above 0 and at most 1"),
        (lambda: Reliability(ALPHA, float("nan"), SOURCE), "above 0 and at most 1"),
        (lambda: Interval(0, 1, TimeUnit.WEEKS), "begins at 1 or more"),
        (lambda: Interval(6, 4, TimeUnit.MONTHS), "does not end before that"),
        (lambda: Reliability(ALPHA, 0.8, SOURCE, Interval(4, 6, TimeUnit.MONTHS)), "only a retest has an interval"),
        (lambda: MissingRule(-1, MissingMethod.PRORATE, SOURCE), "must not be negative"),
        (lambda: MissingRule(1, MissingMethod.NONE, SOURCE), "max_missing must be 0"),
        (lambda: a_subscale("Total"), "lower case"),
        (lambda: Subscale("total", 0, 9, NOTHING, {"range": SOURCE}, items=("1",), parts=("a",)), "and not both"),
        (lambda: a_subscale(parts=("a", "a"), missing=NOTHING), "each part of a subscale may occur only once"),
        (lambda: a_subscale(parts=("a",)), "takes them as they are"),
        (lambda: a_subscale(parts=("a",), missing=NOTHING, times_mean=1), "takes them as they are"),
        (lambda: a_subscale(parts=("a",), missing=NOTHING, gate=Gate("4", 0, SOURCE)), "takes them as they are"),
        (lambda: a_subscale(times_mean=0, missing=EXACT), "times_mean must be 1 or more"),
        (lambda: a_subscale(times_mean=1), "a mean of the answered items is not rounded"),
        (lambda: a_subscale(times_mean=1, missing=a_missing_rule(1, MissingMethod.ZERO)), "is not rounded"),
        (lambda: a_subscale(gate=Gate("3", 0, SOURCE)), "a gate is a question beside the items"),
        (lambda: a_subscale(minimum=1, gate=Gate("4", 0, SOURCE)), "0 must lie within the range"),
        (lambda: a_subscale(further_bands={"a": (Band("low", 0, 4, SOURCE),)}), "cover the range"),
        (lambda: a_subscale(bands=(Band("all", 0, 9, SOURCE),), not_found={"bands": SOURCE}), "given were found"),
        (lambda: a_subscale(items=()), "at least one item"),
        (lambda: a_subscale(items=("1", "1")), "each item of a subscale may occur only once"),
        (lambda: a_subscale(maximum=0), "range of a score must not be empty"),
        (lambda: a_subscale(missing=a_missing_rule(3)), "leave at least one item answered"),
        (lambda: a_subscale(bands=(Band("low", 0, 4, SOURCE),)), "cover the range"),
        (lambda: a_subscale(bands=(Band("low", 1, 9, SOURCE),)), "cover the range"),
        (lambda: a_subscale(bands=(Band("low", 0, 4, SOURCE), Band("high", 6, 9, SOURCE))), "cover the range"),
        (lambda: a_subscale(bands=(Band("low", 0, 4, SOURCE), Band("high", 4, 9, SOURCE))), "cover the range"),
        (lambda: a_subscale(bands=(Band("high", 5, 9, SOURCE), Band("low", 0, 4, SOURCE))), "cover the range"),
        (lambda: a_subscale(bands=(Band("low", 0, 4, SOURCE), Band("low", 5, 9, SOURCE))), "each band"),
        (lambda: a_subscale(further_cutoffs=(Cutoff("screening", 10, SOURCE),)), "within the range"),
        (lambda: a_subscale(further_cutoffs=(Cutoff("screening", -1, SOURCE),)), "within the range"),
        (lambda: a_subscale(further_cutoffs=(Cutoff("a", 1, SOURCE), Cutoff("a", 2, SOURCE))), "each further cut-off"),
        (lambda: a_subscale(further_cutoffs=(Cutoff("a", 1, SOURCE, Sex.MALE),)), "one for each sex"),
        (
            lambda: a_subscale(further_cutoffs=(Cutoff("a", 1, SOURCE), Cutoff("a", 1, SOURCE, Sex.MALE))),
            "one for each sex",
        ),
        (lambda: a_subscale(criteria=ChangeCriteria(0, 10)), "must have the range of the score"),
        (lambda: a_subscale(sources={}), "the sources must be those of: range"),
        (lambda: a_subscale(loinc="44261-6"), "the sources must be those of: loinc, range"),
        (lambda: a_subscale(criteria=ChangeCriteria(0, 9, cutoff=5)), "the sources must be those of: cutoff, range"),
        (lambda: a_subscale(sources={"range": SOURCE, "cutoff": SOURCE}), "the sources must be those of: range"),
    ],
)
def test_a_broken_rule_is_named(make: Callable[[], object], rule: str) -> None:
    with pytest.raises(InstrumentDataError, match=rule):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Band("severe", 9, 9, SOURCE),
        lambda: Reliability(ALPHA, 1.0, SOURCE),
        lambda: a_subscale(further_cutoffs=(Cutoff("lowest", 0, SOURCE), Cutoff("highest", 9, SOURCE))),
    ],
)
def test_what_lies_at_a_limit_is_within_it(make: Callable[[], object]) -> None:
    assert make()


def test_bands_and_caseness_by_score() -> None:
    subscale = a_subscale(
        bands=(Band("low", 0, 4, SOURCE), Band("high", 5, 9, SOURCE)),
        criteria=ChangeCriteria(0, 9, Better.HIGHER, cutoff=3),
        sources={"range": SOURCE, "cutoff": SOURCE},
    )
    assert subscale.band_by_score == ("low",) * 5 + ("high",) * 5
    assert subscale.case_by_score == (True,) * 3 + (False,) * 7


def test_without_published_bands_and_cutoff_there_are_none() -> None:
    subscale = a_subscale(criteria=ChangeCriteria(0, 9))
    assert set(subscale.band_by_score) == {None}
    assert set(subscale.case_by_score) == {None}
    assert set(a_subscale().case_by_score) == {None}


def test_a_score_between_two_points_has_not_reached_the_upper_band() -> None:
    subscale = a_subscale(
        bands=(Band("low", 0, 4, SOURCE), Band("high", 5, 9, SOURCE)),
        criteria=ChangeCriteria(0, 9, cutoff=5),
        sources={"range": SOURCE, "cutoff": SOURCE},
        missing=EXACT,
    )
    assert [subscale.band(score) for score in (0.0, 4.99, 5.0, 9.0)] == ["low", "low", "high", "high"]
    assert [subscale.is_case(score) for score in (4.99, 5.0)] == [False, True]


def test_other_ways_of_dividing_the_range() -> None:
    thirds = (Band("low", 0, 2, SOURCE), Band("middle", 3, 6, SOURCE), Band("high", 7, 9, SOURCE))
    subscale = a_subscale(further_bands={"thirds": thirds, "none": ()})
    found = [subscale.further_band_codes(score) for score in (2, 3, 7)]
    assert found == [{"thirds": code, "none": None} for code in ("low", "middle", "high")]


def test_cutoffs_are_told_by_name_and_by_sex_where_they_differ() -> None:
    cutoffs = (
        Cutoff("harmful", 6, SOURCE, Sex.MALE),
        Cutoff("harmful", 2, SOURCE, Sex.FEMALE),
        Cutoff("dependence", 8, SOURCE),
    )
    subscale = a_subscale(further_cutoffs=cutoffs)
    found = {(score, sex): subscale.cutoffs_reached(score, sex) for score in (1, 2, 5, 6, 8) for sex in (*Sex, None)}
    assert [found[score, Sex.FEMALE]["harmful"] for score in (1, 2, 5, 6, 8)] == [False, True, True, True, True]
    assert [found[score, Sex.MALE]["harmful"] for score in (1, 2, 5, 6, 8)] == [False, False, False, True, True]
    assert {found[score, None]["harmful"] for score in (1, 2, 5, 6, 8)} == {None}
    assert [found[score, None]["dependence"] for score in (1, 2, 5, 6, 8)] == [False, False, False, False, True]


def test_where_higher_is_better_a_cutoff_is_the_first_score_that_is_well() -> None:
    criteria = ChangeCriteria(0, 9, Better.HIGHER, cutoff=3)
    subscale = a_subscale(
        criteria=criteria, sources={"range": SOURCE, "cutoff": SOURCE}, further_cutoffs=(Cutoff("upper", 5, SOURCE),)
    )
    found = [subscale.cutoffs_reached(score, None) for score in (2, 3, 4, 5)]
    assert [each["caseness"] for each in found] == [True, False, False, False]
    assert [each["upper"] for each in found] == [True, True, True, False]


def test_the_sources_of_a_score_cannot_be_changed() -> None:
    sources = {"range": SOURCE}
    subscale = a_subscale(sources=sources)
    sources.clear()
    assert dict(subscale.sources) == {"range": SOURCE}


@pytest.mark.parametrize(("chosen", "limit"), [(None, 2), (2, 2), (1, 1), (0, 0)])
def test_a_service_may_choose_a_stricter_limit(chosen: int | None, limit: int) -> None:
    assert a_missing_rule(2).limit(chosen) == limit


@pytest.mark.parametrize("chosen", [-1, 3])
def test_a_service_may_not_choose_a_laxer_limit(chosen: int) -> None:
    with pytest.raises(MalformedBody) as caught:
        a_missing_rule(2).limit(chosen)
    assert caught.value.allowed == "0 to 2"


def test_a_fixed_rule_leaves_no_choice_but_its_own_limit() -> None:
    rule = a_missing_rule(2, configurable=False)
    assert rule.limit(None) == rule.limit(2) == 2
    with pytest.raises(MalformedBody, match="fixed") as caught:
        rule.limit(1)
    assert caught.value.allowed == "2"
