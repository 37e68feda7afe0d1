"""Screens: rules that count symptoms, decided only where what was not answered could make no difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InstrumentDataError
from app.scales.catalogue import catalogue, instrument
from app.scales.instrument import Form
from app.scales.scoring import Answers, ItemState, screen
from app.scales.screens import Count, MeanAbove, Outcome, Screen, Sign
from app.scales.skips import SkipRule
from tests.scales.factories import SOURCE, a_form, a_subscale, an_item

ANY = Count(1, (Sign("1", at_least=1),))


def a_screen(*outcomes: Outcome, key: str = "screen") -> Screen:
    return Screen(key, outcomes or (Outcome("found", (ANY,)),), SOURCE)


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: Sign("1"), "a sign has at_least or at_most, and not both"),
        (lambda: Sign("1", 1, 2), "a sign has at_least or at_most, and not both"),
        (lambda: Count(0, (Sign("1", 1),)), "at least one and at most all"),
        (lambda: Count(2, (Sign("1", 1),)), "at least one and at most all"),
        (lambda: Count(1, (Sign("1", 1), Sign("1", 2))), "each item of a count may occur only once"),
        (lambda: Outcome("Found", (ANY,)), "lower case"),
        (lambda: Outcome("negative", (ANY,)), "negative is what a screen comes to by itself"),
        (lambda: Outcome("undetermined", (ANY,)), "undetermined is what a screen comes to by itself"),
        (lambda: Outcome("found", ()), "needs at least one requirement"),
        (lambda: a_screen(key="Screen"), "lower case"),
        (lambda: Screen("screen", (), SOURCE), "needs at least one outcome"),
        (lambda: a_screen(Outcome("found", (ANY,)), Outcome("found", (ANY,))), "each outcome of a screen"),
        (
            lambda: a_screen(Outcome("found", (ANY, Count(1, (Sign("2", at_most=1),))))),
            "all signs of a screen must point the same way",
        ),
        (
            lambda: a_screen(Outcome("found", (MeanAbove(Fraction(1), ("2",)), Count(1, (Sign("2", at_most=1),))))),
            "all signs of a screen must point the same way",
        ),
        (lambda: a_form(screens=(a_screen(), a_screen())), "each screen of a form may occur only once"),
        (
            lambda: a_form(screens=(a_screen(Outcome("found", (Count(1, (Sign("4", 1),)),))),)),
            "no item 4, which screen screen looks at",
        ),
        (
            lambda: a_form(screens=(a_screen(Outcome("found", (Count(1, (Sign("1", 4),)),))),)),
            "item 1 has no code 4, as screen screen says",
        ),
        (
            lambda: a_form(screens=(a_screen(Outcome("found", (Count(1, (Sign("1", at_most=-1),)),))),)),
            "item 1 has no code -1, as screen screen says",
        ),
        (lambda: SkipRule((), ("1",), SOURCE), "needs items on both sides"),
        (lambda: SkipRule(("1",), (), SOURCE), "needs items on both sides"),
        (lambda: SkipRule(("1",), ("1",), SOURCE), "each item of a skip rule may occur only once"),
        (lambda: a_form(skip_rules=(SkipRule(("1",), ("4",), SOURCE),)), "no item 4, which a skip rule names"),
        (lambda: a_form(skip_rules=(SkipRule(("2",), ("1",), SOURCE),)), "only what is asked later can be skipped"),
        (lambda: a_form(skip_rules=(SkipRule(("1", "3"), ("2",), SOURCE),)), "only what is asked later can be skipped"),
        (
            lambda: a_form(
                items=(an_item("1"), an_item("2", reversed_=True), an_item("3")),
                skip_rules=(SkipRule(("1",), ("2",), SOURCE),),
            ),
            "item 2 of a skip rule must have the answer 0",
        ),
    ],
)
def test_a_broken_rule_is_named(make: Callable[[], object], rule: str) -> None:
    with pytest.raises(InstrumentDataError, match=rule):
        make()


def test_a_sign_is_shown_from_its_code_on_or_down_from_it() -> None:
    assert [Sign("1", at_least=2).shown(code) for code in (None, 1, 2, 3)] == [False, False, True, True]
    assert [Sign("1", at_most=0).shown(code) for code in (None, 0, 1, 2)] == [False, True, False, False]


def test_a_mean_above_its_limit() -> None:
    above = MeanAbove(Fraction(3, 2), ("1", "2"))
    found = [above.met({"1": one, "2": two}) for one, two in ((1, 2), (2, 2), (None, 2), (None, 1), (None, None))]
    assert found == [False, True, True, False, False]


def test_rules_that_fit_are_taken() -> None:
    mean = a_screen(Outcome("found", (MeanAbove(Fraction(1), ("1", "2")), ANY)))
    items = tuple(an_item(number, codes=(0, 2, 4)) for number in "123")
    total = a_subscale(maximum=12)
    form = a_form(items=items, subscales=(total,), skip_rules=(SkipRule(("1",), ("2", "3"), SOURCE),))
    assert (a_form(screens=(mean,)).screens, len(form.skip_rules)) == ((mean,), 1)


def test_the_items_that_a_screen_looks_at_are_named_once() -> None:
    two = Count(1, (Sign("2", 1), Sign("1", 1)))
    assert a_screen(Outcome("a", (ANY, two)), Outcome("b", (MeanAbove(Fraction(1), ("1", "3")),))).items == (
        "1",
        "2",
        "3",
    )


def test_what_a_skip_rule_answers_counts_0_in_a_screen_too() -> None:
    shown = a_screen(Outcome("shown", (Count(1, (Sign("2", at_least=1),)),)))
    form = a_form(screens=(shown,), skip_rules=(SkipRule(("1",), ("2", "3"), SOURCE),))
    skipped = Answers((0, None, None), (ItemState.ANSWERED, ItemState.NOT_SHOWN, ItemState.BLANK))
    declined = Answers((0, None, None), (ItemState.ANSWERED, ItemState.DECLINED, ItemState.BLANK))
    assert screen(form, skipped) == {"screen": "negative"}
    assert screen(form, declined) == {"screen": "undetermined"}


# --- against the obvious: every way of filling in the blanks


def every_outcome(form: Form, answers: Answers) -> dict[str, set[str]]:
    """Try every way in which the blanks could have been answered."""
    found: dict[str, set[str]] = {each.key: set() for each in form.screens}
    applying = [[code for code in item.codes if item.points(code) is not None] for item in form.items]
    open_codes = [[code] if code is not None else applying[place] for place, code in enumerate(answers.codes)]
    for codes in product(*open_codes):
        filled = Answers(codes, (ItemState.ANSWERED,) * len(codes))
        for key, outcome in screen(form, filled).items():
            found[key].add(outcome)
    return found


UPWARDS = a_screen(
    Outcome("two", (Count(2, (Sign("1", 2), Sign("2", 1), Sign("3", 3))), ANY)),
    Outcome("mean", (MeanAbove(Fraction(3, 2), ("1", "2")), Count(1, (Sign("3", 3),))), any_of_them=True),
    key="upwards",
)
DOWNWARDS = a_screen(Outcome("low", (Count(2, (Sign("1", at_most=1), Sign("2", at_most=0), Sign("3", at_most=2))),)))
SMALL = a_form(screens=(UPWARDS, DOWNWARDS))


@given(st.tuples(*[st.none() | st.integers(0, 3)] * 3))
def test_a_screen_is_undetermined_if_and_only_if_blanks_could_change_it(codes: tuple[int | None, ...]) -> None:
    answers = Answers(codes, tuple(ItemState.BLANK if code is None else ItemState.ANSWERED for code in codes))
    for key, outcomes in every_outcome(SMALL, answers).items():
        expected = next(iter(outcomes)) if len(outcomes) == 1 else "undetermined"
        assert screen(SMALL, answers)[key] == expected


# --- the PHQ-9's DSM screen (CamCOPS tasks/phq9.py; the text of LOINC 44249-1)


def dsm(*codes: int | None) -> str:
    form = instrument("phq-9").form(None)
    states = [ItemState.BLANK if code is None else ItemState.ANSWERED for code in (*codes, None)]
    return screen(form, Answers((*codes, None), tuple(states)))["dsm"]


MAJOR, OTHER, NEGATIVE, UNDETERMINED = (
    "major_depressive_syndrome",
    "other_depressive_syndrome",
    "negative",
    "undetermined",
)


@pytest.mark.parametrize(
    ("codes", "outcome"),
    [
        ((2, 2, 2, 2, 2, 0, 0, 0, 0), MAJOR),  # five symptoms, both core ones
        ((2, 0, 2, 2, 2, 2, 0, 0, 0), MAJOR),  # five, one core one
        ((1, 1, 2, 2, 2, 2, 2, 2, 3), NEGATIVE),  # seven, no core one: 1 does not count for items 1 and 2
        ((2, 0, 2, 2, 0, 0, 0, 0, 1), OTHER),  # four: item 9 counts at 1 already (pitfall 10)
        ((2, 2, 2, 2, 0, 0, 0, 0, 1), MAJOR),  # the fifth is item 9 at 1 (pitfall 10)
        ((2, 2, 2, 2, 1, 1, 1, 1, 0), OTHER),  # four, the others at 1
        ((2, 2, 0, 0, 0, 0, 0, 0, 0), OTHER),  # two
        ((2, 1, 1, 1, 1, 1, 1, 1, 0), NEGATIVE),  # one
        ((0, 0, 0, 0, 0, 0, 0, 0, 0), NEGATIVE),
        ((3, 3, 3, 3, 3, 3, 3, 3, 3), MAJOR),
        ((2, 2, 2, 2, 0, 0, 0, 0, None), UNDETERMINED),  # the blank could be the fifth
        ((2, 2, 2, 2, 2, 0, 0, 0, None), MAJOR),  # it makes no difference
        ((2, 2, 2, 0, 0, 0, 0, 0, None), OTHER),  # it could be the fourth only
        ((None, 0, 2, 2, 2, 2, 2, 0, 0), UNDETERMINED),  # it could be the core symptom
        ((0, 0, 2, 2, 2, 2, 2, None, None), NEGATIVE),  # without a core symptom nothing helps
    ],
)
def test_the_dsm_screen_of_the_phq_9(codes: Sequence[int | None], outcome: str) -> None:
    assert dsm(*codes) == outcome


def slow_dsm(codes: Sequence[int]) -> str:
    """Count as the sources say it, word for word."""
    symptoms = 0
    for number, code in enumerate(codes, start=1):
        if code >= 2 or (number == 9 and code >= 1):
            symptoms += 1
    core = codes[0] >= 2 or codes[1] >= 2
    if core and symptoms >= 5:
        return MAJOR
    return OTHER if core and 2 <= symptoms <= 4 else NEGATIVE


@given(st.tuples(*[st.integers(0, 3)] * 9))
def test_the_dsm_screen_agrees_with_the_obvious_count(codes: tuple[int, ...]) -> None:
    assert dsm(*codes) == slow_dsm(codes)


def test_what_is_screened() -> None:
    found = {key: sorted({each.key for form in one.forms for each in form.screens}) for key, one in catalogue().items()}
    domains = "family life_skills school_behaviour school_learning self_concept social"
    assert {key: keys for key, keys in found.items() if keys} == {
        "asrs-1.1": ["part_a"],
        "itq": ["icd_11"],
        "pcl-5": ["dsm"],
        "phq-9": ["dsm"],
        "srs": ["session"],
        "wfirs-p": sorted([*domains.split(), "risky"]),
        "wfirs-s": sorted(["family", "life_skills", "risk", "school", "self_concept", "social", "work"]),
    }
