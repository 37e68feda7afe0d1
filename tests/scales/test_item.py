"""Items: lines that are marked in parts of a point, answers that take an item out, and what is no answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InstrumentDataError, InvalidAnswer
from app.scales.catalogue import instrument
from app.scales.instrument import Choice, ChoiceList, CriticalItem, Form, Item, MissingMethod
from app.scales.scoring import NoScoreReason, Score, read_answers, score
from tests.scales.factories import SOURCE, a_choice_list, a_form, a_missing_rule, a_subscale, a_sum, an_item

EXACT = a_missing_rule(2, MissingMethod.PRORATE_EXACTLY)


def a_line(lowest: int = 0, highest: int = 100, per_point: int = 10) -> ChoiceList:
    ends = (Choice(lowest, "poor"), Choice(highest, "good"))
    return ChoiceList("line", ends, SOURCE, line=True, per_point=per_point)


def with_not_applicable() -> ChoiceList:
    counted = [Choice(code, f"choice {code}") for code in range(4)]
    return ChoiceList("degree", (*counted, Choice(9, "does not apply", left_out=True)), SOURCE)


def means(max_missing: int = 2) -> Form:
    items = tuple(Item(number, "topic", with_not_applicable(), SOURCE) for number in "123")
    rule = a_missing_rule(max_missing, MissingMethod.PRORATE_EXACTLY)
    return a_form(items=items, subscales=(a_subscale(times_mean=1, maximum=3, missing=rule),))


def total(form: Form, **answers: float) -> Score:
    return score(form, read_answers(form, {name[1:]: value for name, value in answers.items()})).subscales["total"]


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: Choice(9, "does not apply", counts=1, left_out=True), "counts for nothing"),
        (lambda: ChoiceList("x", (Choice(0, "a"), Choice(9, "b", left_out=True)), SOURCE), "two choices that count"),
        (lambda: a_line(per_point=0), "a point must be at least one code"),
        (lambda: a_line(3, 3), "codes of the choices must rise"),
        (
            lambda: ChoiceList("x", tuple(Choice(code, "a") for code in (0, 5, 9)), SOURCE, line=True),
            "a line has two ends",
        ),
        (
            lambda: ChoiceList("x", (Choice(0, "a", counts=0), Choice(5, "b", counts=1)), SOURCE, line=True),
            "a line has two ends",
        ),
        (lambda: CriticalItem("1", 1, "violence", SOURCE, under_age=0), "under_age must be above 0"),
        (lambda: CriticalItem("1", 1, "violence", SOURCE, duties=("To avert",)), "lower case"),
        (lambda: a_subscale(per_point=0, missing=EXACT), "a point must be at least one code"),
        (lambda: a_subscale(per_point=10), "is not rounded to whole ones"),
        (lambda: a_form(subscales=(a_subscale(per_point=2, maximum=4, missing=EXACT),)), "give a range of 0 to 9/2"),
        (
            lambda: a_form(
                items=tuple(Item(number, "topic", a_line(0, 3), SOURCE) for number in "123"),
                subscales=(a_subscale(missing=EXACT),),
            ),
            "must have 1 codes to a point",
        ),
        (
            lambda: a_form(items=(*(an_item(n) for n in "12"), Item("3", "topic", with_not_applicable(), SOURCE))),
            "the score must be a mean of those that are left",
        ),
        (
            lambda: a_form(subscales=(a_subscale(missing=EXACT), a_sum("sum", "total", maximum=9))),
            "only scores of whole points are summed",
        ),
    ],
)
def test_a_broken_rule_is_named(make: Callable[[], object], rule: str) -> None:
    with pytest.raises(InstrumentDataError, match=rule):
        make()


# --- lines


@pytest.mark.parametrize(
    ("value", "code"),
    [(0, 0), (0.1, 1), (0.3, 3), (0.7, 7), (5, 50), (5.0, 50), (7.3, 73), (9.9, 99), (10, 100), (10.0, 100)],
)
def test_a_line_is_answered_in_tenths(value: float, code: int) -> None:
    assert a_line().code(value) == code
    assert a_line().answer(code) == value


@pytest.mark.parametrize(
    "value", [10.1, 73, -0.1, 7.25, 0.05, 1e-9, True, "7.3", None, math.nan, math.inf, -math.inf, 10**400, [7.3]]
)
def test_what_is_no_tenth_of_the_line_is_none(value: object) -> None:
    assert a_line().code(value) is None


@given(st.integers(0, 100))
def test_every_tenth_comes_back_as_it_was_answered(code: int) -> None:
    value = code / 10
    assert a_line().code(value) == code
    assert a_line().answer(code) == value


@given(st.floats(allow_nan=True))
def test_nothing_is_rounded_on_a_line(value: float) -> None:
    code = a_line().code(value)
    tenths = [tenth for tenth in range(101) if tenth / 10 == value]
    assert ([] if code is None else [code]) == tenths


def test_a_line_of_whole_points_takes_whole_numbers_only() -> None:
    line = a_line(0, 10, per_point=1)
    assert [line.code(value) for value in (0, 7, 7.0, 7.5, 11)] == [0, 7, 7, None, None]
    assert line.answer(7) == 7
    assert type(line.answer(7)) is int


def test_a_line_may_begin_anywhere() -> None:
    assert a_line(1, 10, per_point=1).codes == tuple(range(1, 11))
    assert a_line(1, 10, per_point=1).code(0) is None


def test_a_refused_answer_is_told_what_the_line_takes() -> None:
    form = instrument("ors").form("adult")
    with pytest.raises(InvalidAnswer) as caught:
        read_answers(form, {"1": 73})
    assert (caught.value.pointer, caught.value.allowed) == ("/answers/1", "0.0 to 10.0 in steps of 0.1")
    with pytest.raises(InvalidAnswer) as caught:
        read_answers(instrument("own-goals").form("self"), {"1": 2.5})
    assert caught.value.allowed == "0 to 10 in steps of 1"


def test_answers_are_given_back_as_they_were_sent() -> None:
    form = instrument("ors").form("adult")
    sent = {"1": 7.3, "2": 0, "4": 10}
    assert form.answers(read_answers(form, sent).codes) == {"1": 7.3, "2": 0.0, "3": None, "4": 10.0}


@given(st.lists(st.integers(0, 100), min_size=4, max_size=4))
def test_tenths_add_up_exactly(codes: list[int]) -> None:
    form = instrument("ors").form("adult")
    scored = score(form, read_answers(form, {str(n): code / 10 for n, code in enumerate(codes, start=1)}))
    assert scored.subscales["total"].value == float(Fraction(sum(codes), 10))


def test_the_youngest_age_of_a_limit_is_one() -> None:
    assert CriticalItem("1", 1, "violence", SOURCE, under_age=1).under_age == 1


def test_what_lies_between_two_codes_is_none() -> None:
    choices = instrument("audit").form(None).items[8].choices
    assert [choices.code(value) for value in (0, 1, 2, 3, 4)] == [0, None, 2, None, 4]


# --- answers that take an item out


def test_what_does_not_apply_is_neither_counted_nor_missing() -> None:
    scored = total(means(), i1=3, i2=9, i3=0)
    assert (scored.value, scored.missing, scored.prorated, scored.answered) == (1.5, 0, False, 2)
    scored = total(means(), i1=3, i2=9)
    assert (scored.value, scored.missing, scored.prorated) == (3.0, 1, True)


def test_where_nothing_applies_there_is_no_score() -> None:
    scored = total(means(), i1=9, i2=9, i3=9)
    assert scored == Score(None, False, 0, None, None, NoScoreReason.NOTHING_APPLIES, 0, 0, 0)


def test_where_nothing_that_applies_was_answered_too_much_is_missing() -> None:
    for given_answers in ({}, {"i1": 9}, {"i1": 9, "i2": 9}):
        scored = total(means(), **given_answers)
        assert (scored.value, scored.reason) == (None, NoScoreReason.TOO_MANY_MISSING)


def test_a_reversed_item_may_not_apply_either() -> None:
    item = Item("1", "topic", with_not_applicable(), SOURCE, reversed=True)
    assert [item.points(code) for code in item.codes] == [3, 2, 1, 0, None]
    assert item.range == (0, 3)


def test_a_list_of_choices_says_what_it_allows() -> None:
    assert a_choice_list().allowed == "0, 1, 2 or 3"
    assert a_choice_list(codes=(0, 1)).allowed == "0 or 1"
    assert a_line(0, 20, per_point=2).allowed == "0.0 to 10.0 in steps of 0.5"
