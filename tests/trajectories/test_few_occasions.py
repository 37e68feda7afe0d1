"""A later score against the first one, where no growth curve is known: bands, reliable change, and what is too weak."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import norm as normal

from app.scales.catalogue import catalogue, instrument
from app.scales.change import Better, ChangeCategory, ChangeCriteria
from app.scales.norms import Norm, Sex
from app.scales.sources import Confidence, Source
from app.scales.subscale import Interval, Reliability, ReliabilityMeasure, Subscale, TimeUnit
from app.trajectories.few_occasions import (
    BandBasis,
    Known,
    Usability,
    against_first,
    known_of,
    later_scores,
    limits_of,
)
from app.trajectories.growth import default_curve
from app.trajectories.series import Measurement, Series
from tests.trajectories.factories import at, sessions

SEEN, NOT_SEEN = Source("a paper", Confidence.B), Source("background knowledge", Confidence.UNVERIFIED)
BETTER, WORSE, NEITHER = (
    ChangeCategory.RELIABLE_IMPROVEMENT,
    ChangeCategory.RELIABLE_DETERIORATION,
    ChangeCategory.NO_RELIABLE_CHANGE,
)


def coefficient(measure: ReliabilityMeasure, figure: float, source: Source = SEEN) -> Reliability:
    return Reliability(measure, figure, source)


def alpha(figure: float, source: Source = SEEN) -> Reliability:
    return coefficient(ReliabilityMeasure.ALPHA, figure, source)


def retest(figure: float, source: Source = SEEN) -> Reliability:
    return coefficient(ReliabilityMeasure.RETEST, figure, source)


def norm(mean: float, sd: float, source: Source = SEEN) -> Norm:
    return Norm(Fraction(str(mean)), Fraction(str(sd)), source)


TOTAL = ChangeCriteria(0, 40)
"""The range of the SDQ's total difficulties."""

BRITISH_PARENTS = norm(8.4, 5.8)
"""Total difficulties of British children of 5 to 15 by their parents (scales.json, norms_uk_UNVERIFIED)."""


def sdq(form: str, subscale: str = "total_difficulties") -> Known:
    return known(instrument("sdq").form(form).subscale(subscale))


def known(subscale: Subscale, of: Norm | None = None) -> Known:
    found = known_of(subscale, of)
    assert found is not None
    return found


# ---- By retest and norm group


def test_the_sdq_of_a_parent_by_hand() -> None:
    """Retest .72, mean 8.4, sd 5.8; alpha .82.

    Error of a difference 5.8 sqrt(2 (1 - .72)) = 5.8 * .74833 = 4.3403; times 1.96 = 8.507: reliable from 9 points on.
    Expected after a first 20: 8.4 + .72 * 11.6 = 16.752, with the spread 5.8 sqrt(1 - .72^2) = 5.8 * .69397 = 4.0251.

        > qnorm(c(.1, .9), 16.752, 5.8 * sqrt(1 - .72^2))
        [1] 11.59365 21.91035

    A whole score k is the cell up to k + 1/2, so that the closed band goes from 12 (11.5 does not reach it) to 22.
    """
    parent = sdq("parent-4-17")
    assert parent.basis is BandBasis.RETEST
    assert parent.reliable_change == 9
    assert parent.spread() == pytest.approx(4.0251, abs=1e-4)
    limits = limits_of(parent, 20, level=0.8)
    assert limits is not None
    assert limits == pytest.approx((16.752, 12, 22, 11, 29))


@pytest.mark.parametrize(
    ("form", "points", "expected", "sd"),
    [
        # 6.0 sqrt(2 * .20) = 3.7947, * 1.96 = 7.44; 6.6 + .80 * 13.4 = 17.32; 6.0 sqrt(1 - .64) = 3.6
        ("teacher-4-17", 8, 17.32, 3.6),
        # 5.2 sqrt(2 * .38) = 4.5333, * 1.96 = 8.89; 10.3 + .62 * 9.7 = 16.314; 5.2 sqrt(1 - .3844) = 4.0799
        ("self-11-17", 9, 16.314, 4.0799),
    ],
)
def test_the_sdq_of_others_by_hand(form: str, points: int, expected: float, sd: float) -> None:
    other = sdq(form)
    assert (other.basis, other.reliable_change) == (BandBasis.RETEST, points)
    assert (other.expected(20), other.spread()) == pytest.approx((expected, sd), abs=1e-4)


def test_a_follow_up_form_is_held_against_the_same_figures() -> None:
    assert sdq("parent-4-17-follow-up") == sdq("parent-4-17")


@pytest.mark.parametrize(
    ("score", "improvement", "within", "change"),
    [
        (10, 10, False, BETTER),
        (11, 9, False, BETTER),  # 9 points, and below 12
        (12, 8, True, NEITHER),
        (22, -2, True, NEITHER),
        (23, -3, False, NEITHER),  # outside the band, and less than error may bring
        (28, -8, False, NEITHER),
        (29, -9, False, WORSE),
    ],
)
def test_a_change_is_reliable_beyond_error_and_beyond_regression(
    score: float, improvement: float, within: bool, change: ChangeCategory
) -> None:
    later = against_first(sdq("parent-4-17"), 20, score, level=0.8)
    assert later == (score, improvement, within, change)


def test_what_regression_to_the_mean_brings_is_no_improvement() -> None:
    """Of 35 a parent's next score is expected at 8.4 + .72 * 26.6 = 27.552 if nothing has changed: 9 points less are
    more than error alone, and in the middle of what the norm group does by itself."""
    parent = sdq("parent-4-17")
    assert parent.reliable_change == 9
    assert against_first(parent, 35, 26, level=0.8) == (26, 9, True, NEITHER)
    limits = limits_of(parent, 35, level=0.8)
    assert limits is not None
    # qnorm(.1, 27.552, 4.02505) = 22.394: the band begins at 22, and what is below it is 13 points or more.
    assert (limits.lower, limits.better_at) == (22, 21)


def test_the_expectation_is_near_what_was_published_for_children_in_need() -> None:
    """The added value's expectation for 604 British children with a disorder or recent help-seeking, half a year on
    (sdqinfo e10), with a usual impact of 4 and emotional score of 5: 2.3 + .8 T + .8 - 1.5, with a spread of 5."""
    parent = sdq("parent-4-17")
    for first in (15, 20, 25):
        published = 2.3 + 0.8 * first + 0.8 - 1.5
        assert abs(parent.expected(first) - published) < 1.7
    # It is somewhat narrower, and a child in need falls somewhat less: no reason to read it more strictly than it is.
    assert parent.spread() < 5
    assert parent.expected(25) < 2.3 + 0.8 * 25 + 0.8 - 1.5


# ---- By alpha, by published points, by nothing


def test_by_alpha_alone_the_band_lies_around_the_first_score() -> None:
    """5.8 sqrt(2 * .18) = 3.48; times 1.96 = 6.82, from 7 points on; 20 -/+ 1.28155 * 3.48 = 15.54 to 24.46."""
    by_alpha = Known(TOTAL, alpha=alpha(0.82), norm=BRITISH_PARENTS)
    assert by_alpha.basis is BandBasis.ALPHA
    assert (by_alpha.reliable_change, by_alpha.expected(20)) == (7, 20)
    assert by_alpha.spread() == pytest.approx(3.48)
    assert limits_of(by_alpha, 20, level=0.8) == (20, 16, 24, 13, 27)
    # It is too narrow: with the retest of the same sample it takes two points more.
    assert replace(by_alpha, retest=retest(0.72)).reliable_change == 9


def test_a_published_reliable_change_comes_first_and_has_no_level() -> None:
    """ORS: 5 points, higher is better, marked in tenths (scales.md, section 5)."""
    ors = known(instrument("ors").form("adult").subscale("total"))
    assert (ors.basis, ors.usability) == (BandBasis.PUBLISHED_RELIABLE_CHANGE, Usability.NOT_KNOWN)
    limits = {limits_of(ors, 20, level) for level in (0.5, 0.8, 0.95)}
    assert limits == {(20, 16, 24, 25, 15)}
    said = [against_first(ors, 20, score, level=0.8)[1:] for score in (15, 15.1, 24.9, 25)]
    assert said == [
        (-5, False, WORSE),
        (pytest.approx(-4.9), True, NEITHER),
        (pytest.approx(4.9), True, NEITHER),
        (5, False, BETTER),
    ]


def test_a_published_band_ends_with_the_scale() -> None:
    pcl_5 = known(instrument("pcl-5").form(None).subscale("total"))
    assert (pcl_5.basis, pcl_5.reliable_change) == (BandBasis.PUBLISHED_RELIABLE_CHANGE, 12)
    assert limits_of(pcl_5, 5, level=0.8) == (5, 0, 16, None, 17)
    assert limits_of(pcl_5, 75.5, level=0.8) == (75.5, 64, 80, 63, None)


@pytest.mark.parametrize(
    "nothing",
    [
        Known(TOTAL),
        Known(TOTAL, alpha=alpha(0.95), retest=retest(0.9)),
        Known(TOTAL, norm=BRITISH_PARENTS),
        Known(ChangeCriteria(0, 3), alpha=alpha(0.8), norm=norm(1, 5)),  # reliable from 7 points on, of 3
        Known(TOTAL, alpha=alpha(0.79), norm=BRITISH_PARENTS),  # too unreliable
    ],
    ids=["nothing", "no spread", "no coefficient", "no room", "too unreliable"],
)
def test_where_nothing_can_be_told_nothing_is(nothing: Known) -> None:
    assert not nothing.tells_change
    assert limits_of(nothing, 3, level=0.8) is None
    assert against_first(nothing, 3, 1, level=0.8) == (1, 2, None, None)


def test_nothing_known_has_no_source() -> None:
    assert Known(TOTAL).basis is BandBasis.NOTHING_KNOWN
    assert (Known(TOTAL).sources, Known(TOTAL).confidence, Known(TOTAL).usability) == ((), None, Usability.NOT_KNOWN)


def test_a_score_that_is_not_followed_has_nothing_to_know() -> None:
    screened = instrument("wurs-25").form(None).subscale("total")
    assert known_of(replace(screened, criteria=None, sources={"range": SEEN})) is None


def test_a_coefficient_of_one_is_none() -> None:
    subscale = instrument("sdq").form("parent-4-17").subscale("peer")
    perfect = replace(subscale, reliability=(alpha(1.0), alpha(0.9)))
    assert known(perfect).alpha == alpha(0.9)


# ---- How well it is known


def test_the_answer_is_as_unsure_as_its_weakest_figure() -> None:
    sure, unsure = alpha(0.9), alpha(0.9, NOT_SEEN)
    assert Known(TOTAL, alpha=sure, norm=BRITISH_PARENTS).confidence is Confidence.B
    assert Known(TOTAL, alpha=unsure, norm=BRITISH_PARENTS).confidence is Confidence.UNVERIFIED
    assert Known(TOTAL, alpha=sure, norm=norm(8, 6, NOT_SEEN)).confidence is Confidence.UNVERIFIED
    published = Known(ChangeCriteria(0, 40, reliable_change=5), NOT_SEEN, sure, None, BRITISH_PARENTS)
    assert (published.confidence, published.sources) == (Confidence.UNVERIFIED, (NOT_SEEN,))


@pytest.mark.parametrize(
    ("figure", "usability"),
    [
        (0.95, Usability.ADEQUATE),
        (0.90, Usability.ADEQUATE),
        (0.89, Usability.WITH_CAUTION),
        (0.80, Usability.WITH_CAUTION),
        (0.79, Usability.TOO_UNRELIABLE),
    ],
)
def test_one_person_asks_for_more_than_a_group(figure: float, usability: Usability) -> None:
    assert Known(TOTAL, alpha=alpha(figure)).usability is usability
    assert Known(TOTAL, retest=retest(figure)).usability is usability
    # Where both are known the consistency tells: months of a retest hold true change.
    assert Known(TOTAL, alpha=alpha(figure), retest=retest(0.3)).usability is usability


SUBSCALES = ("emotional", "conduct", "hyperactivity", "peer", "prosocial")


@pytest.mark.parametrize("form", ["parent-4-17", "self-11-17"])
def test_the_subscales_of_the_sdq_are_too_unreliable_and_the_total_asks_for_caution(form: str) -> None:
    assert {sdq(form, key).usability for key in SUBSCALES} == {Usability.TOO_UNRELIABLE}
    assert sdq(form).usability is Usability.WITH_CAUTION


def test_each_subscale_of_the_teachers_sdq_is_judged_by_its_own_alpha() -> None:
    # scales.json, by scale: .78, .74, .88, .70, .84; total .87
    found = {key: str(sdq("teacher-4-17", key).usability) for key in (*SUBSCALES, "total_difficulties")}
    assert found == {
        "emotional": "too_unreliable",
        "conduct": "too_unreliable",
        "hyperactivity": "with_caution",
        "peer": "too_unreliable",
        "prosocial": "with_caution",
        "total_difficulties": "with_caution",
    }


def test_a_spread_of_children_who_mostly_score_0_is_not_used_for_impact() -> None:
    assert sdq("parent-4-17", "impact").basis is BandBasis.NOTHING_KNOWN


def test_the_interval_of_a_retest_is_told() -> None:
    found = sdq("parent-4-17").retest
    assert found is not None
    assert found.interval == Interval(4, 6, TimeUnit.MONTHS)
    assert found.source.confidence is Confidence.UNVERIFIED


def test_what_is_known_of_each_instrument_without_a_curve() -> None:
    """No band is invented: what the list says is what the files have sources for."""
    seventh_grade = {
        key: each.norms.norm_of("child", each.main_subscale, Sex.FEMALE, 7)
        for key, each in catalogue().items()
        if each.norms is not None
    }
    found = {
        f"{key} {form.family}": str(known(form.subscale(each.main_subscale), seventh_grade.get(key)).basis)
        for key, each in catalogue().items()
        for form in each.forms
        if each.for_change and default_curve(key) is None
    }
    assert {name: basis for name, basis in found.items() if basis != "nothing_known"} == {
        **dict.fromkeys(
            ("core-10 self", "core-om self", "pcl-5 self", *(f"ors {who}" for who in ("adult", "adolescent"))),
            "published_reliable_change",
        ),
        **dict.fromkeys(("ors child", "ors caregiver"), "published_reliable_change"),
        **dict.fromkeys((f"sdq {form}" for form in ("parent-4-17", "teacher-4-17", "self-11-17")), "retest"),
        **dict.fromkeys((f"rcads-47 {form}" for form in ("child", "caregiver")), "alpha"),
    }
    assert {name.split()[0] for name, basis in found.items() if basis == "nothing_known"} == {
        *("audit", "dudit", "itq", "kates-2", "lpfs-bf-2.0", "own-goals", "rcads-25", "sdq", "wfirs-p", "wfirs-s")
    }


def test_the_rcads_is_seen_in_the_group_of_its_first_score() -> None:
    """Girls of grade 7: sd 16.67, alpha .93 (Piqueras 2017): 16.67 sqrt(.14) = 6.237, * 1.96 = 12.2: 13 points."""
    rcads = instrument("rcads-47")
    assert rcads.norms is not None
    girls = rcads.norms.norm_of("child", "tot_int", Sex.FEMALE, 7)
    total = known(rcads.form("child").subscale("tot_int"), girls)
    assert (total.basis, total.usability) == (BandBasis.ALPHA, Usability.ADEQUATE)
    assert total.reliable_change == 13
    # Boys of grade 7: sd 15.31: 15.31 * .374166 * 1.96 = 11.23: 12 points.
    boys = known(rcads.form("child").subscale("tot_int"), rcads.norms.norm_of("child", "tot_int", Sex.MALE, 7))
    assert boys.reliable_change == 12
    assert known(rcads.form("child").subscale("tot_int")).basis is BandBasis.NOTHING_KNOWN


# ---- Of a series


def test_every_score_after_the_baseline_is_held_against_it() -> None:
    scores = [(-30, 25), (0, 20), (13, 18), (26, 10), (60, 9)]
    measurements = [Measurement(f"{number}", at(weeks), score) for number, (weeks, score) in enumerate(scores)]
    series = Series.build(measurements, sessions(10), at(26) + timedelta(hours=1))
    found = later_scores(series, sdq("parent-4-17"), level=0.8)
    assert [(round(each.weeks, 6), *later[:2], str(later.change)) for each, later in found] == [
        (13, 18, 2, "no_reliable_change"),
        (26, 10, 10, "reliable_improvement"),
        (60, 9, 11, "reliable_improvement"),
    ]


def test_dose_plays_no_role() -> None:
    measurements = [Measurement("first", at(0), 20), Measurement("second", at(26), 12)]
    said = {
        tuple(later for _, later in later_scores(Series.build(measurements, sessions(count)), sdq("self-11-17"), 0.8))
        for count in (0, 1, 20)
    }
    assert len(said) == 1


def test_without_a_score_there_is_nothing_to_hold_against() -> None:
    assert later_scores(Series.build([], []), sdq("parent-4-17"), level=0.8) == ()


# ---- What holds of all


def _known(draw: Any, better: Better, minimum: int, maximum: int) -> Known:
    mean = draw(st.integers(minimum, maximum))
    sd = draw(st.sampled_from([0.8, 2.5, 6.0, 12.0]))
    found = draw(st.sampled_from([0.81, 0.87, 0.93]))
    criteria = ChangeCriteria(minimum, maximum, better)
    by = draw(st.sampled_from([*BandBasis][:3]))
    if by is BandBasis.PUBLISHED_RELIABLE_CHANGE:
        points = draw(st.integers(1, maximum - minimum))
        return Known(replace(criteria, reliable_change=points), SEEN)
    if by is BandBasis.RETEST:
        return Known(criteria, None, alpha(0.9), retest(draw(st.sampled_from([0.4, 0.62, 0.8, 0.95]))), norm(mean, sd))
    return Known(criteria, None, alpha(found), None, norm(mean, sd))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Known, int, int, float]:
    minimum = draw(st.integers(0, 12))
    maximum = minimum + draw(st.integers(2, 60))
    made = _known(draw, draw(st.sampled_from(Better)), minimum, maximum)
    whole = st.integers(minimum, maximum)
    return made, draw(whole), draw(whole), draw(st.sampled_from([0.5, 0.8, 0.95]))


@given(cases())
def test_the_limits_say_the_same_of_every_whole_score_as_the_scores_themselves(
    case: tuple[Known, int, int, float],
) -> None:
    made, first, score, level = case
    limits = limits_of(made, first, level)
    assume(limits is not None)
    assert limits is not None
    later = against_first(made, first, score, level)
    worse_by = 1 if made.criteria.better is Better.LOWER else -1
    better = limits.better_at is not None and worse_by * (score - limits.better_at) <= 0
    worse = limits.worse_at is not None and worse_by * (score - limits.worse_at) >= 0
    assert not (better and worse)
    assert later.change is (BETTER if better else WORSE if worse else NEITHER)
    assert later.within_band is (limits.lower <= score <= limits.upper)
    assert not (later.within_band and later.change is not NEITHER)
    assert made.criteria.minimum <= limits.lower <= limits.upper <= made.criteria.maximum
    # The expectation lies in the band, or no further from it than the cell of a whole score reaches.
    assert limits.lower - 0.5 <= limits.expected <= limits.upper + 0.5
    # A score that is the first one again has not changed.
    assert against_first(made, first, first, level).change is NEITHER


def _slow_band(made: Known, first: float, level: float) -> tuple[int, int]:
    """Go through all whole scores until the probability of that score or a lower one reaches each tail."""
    scores = range(made.criteria.minimum, made.criteria.maximum + 1)
    tails = ((1 - level) / 2, (1 + level) / 2)

    def at_most(score: int) -> float:
        if score == made.criteria.maximum:
            return 1.0
        return float(normal.cdf(score + 0.5, made.expected(first), made.spread()))

    lower, upper = (next(score for score in scores if at_most(score) >= tail) for tail in tails)
    return lower, upper


@given(cases())
def test_the_band_is_the_one_that_is_found_score_by_score(case: tuple[Known, int, int, float]) -> None:
    made, first, _, level = case
    assume(made.published is None)
    limits = limits_of(made, first, level)
    assume(limits is not None)
    assert limits is not None
    assert (limits.lower, limits.upper) == _slow_band(made, first, level)


def _mirrored(made: Known) -> Known:
    criteria = made.criteria
    other = Better.HIGHER if criteria.better is Better.LOWER else Better.LOWER
    turned = made.norm and Norm(criteria.minimum + criteria.maximum - made.norm.mean, made.norm.sd, made.norm.source)
    return replace(made, criteria=replace(criteria, better=other), norm=turned)


@given(cases())
def test_a_scale_that_runs_the_other_way_says_the_same(case: tuple[Known, int, int, float]) -> None:
    made, first, score, level = case
    ends = made.criteria.minimum + made.criteria.maximum
    straight, turned = limits_of(made, first, level), limits_of(_mirrored(made), ends - first, level)
    assume(straight is not None)
    assert straight is not None
    assert turned is not None
    assert turned.expected == pytest.approx(ends - straight.expected, abs=2e-3)
    # A tail that ends exactly between two whole scores belongs to the lower one either way.
    exactly = [straight.lower - 0.5, straight.upper + 0.5]
    if made.published is None:
        tails = [normal.ppf(tail, made.expected(first), made.spread()) for tail in ((1 - level) / 2, (1 + level) / 2)]
        assume(all(abs(tail - edge) > 1e-6 for tail in tails for edge in exactly))
    assert (turned.lower, turned.upper) == (ends - straight.upper, ends - straight.lower)
    there, back = (
        against_first(made, first, score, level),
        against_first(_mirrored(made), ends - first, ends - score, level),
    )
    assert (back.improvement, back.change, back.within_band) == (there.improvement, there.change, there.within_band)
