"""What holds for every form of every instrument, whatever is answered; and pitfalls 9 to 11 of the reference."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InvalidAnswer
from app.scales.catalogue import catalogue, instrument
from app.scales.instrument import Form, Item, MissingMethod
from app.scales.scoring import Answers, ItemState, NoScoreReason, read_answers, score, screen

FORMS = [(key, form) for key, each in catalogue().items() for form in each.forms]
every_form = pytest.mark.parametrize(("key", "form"), FORMS, ids=[f"{key} {form.key}" for key, form in FORMS])


def drawn(data: st.DataObject, form: Form, *, blanks: bool = True) -> Answers:
    often = data.draw(st.integers(1, 6))
    codes = [
        data.draw(st.one_of(*[st.sampled_from(item.codes)] * often, *([st.none()] if blanks else [])))
        for item in form.items
    ]
    return Answers(tuple(codes), tuple(ItemState.BLANK if code is None else ItemState.ANSWERED for code in codes))


def given_answers(form: Form, answers: Answers) -> dict[str, Any]:
    return {number: value for number, value in form.answers(answers.codes).items() if value is not None}


@every_form
@settings(max_examples=25)
@given(st.data())
def test_a_score_lies_in_its_range_or_has_its_reason(key: str, form: Form, data: st.DataObject) -> None:
    scores = score(form, drawn(data, form)).subscales
    for subscale in form.subscales:
        each = scores[subscale.key]
        assert (each.value is None) is (each.reason is not None)
        if each.value is None:
            assert each.band is None
            assert each.is_case is None
        else:
            assert subscale.minimum <= each.value <= subscale.maximum
            assert (each.band is not None) is bool(subscale.bands)
        if each.reason is NoScoreReason.TOO_MANY_MISSING:
            assert each.missing > 0


@every_form
@settings(max_examples=25)
@given(st.data(), st.randoms(use_true_random=False))
def test_the_order_in_which_answers_come_does_not_matter(
    key: str, form: Form, data: st.DataObject, shuffle: Random
) -> None:
    answers = drawn(data, form)
    body = list(given_answers(form, answers).items())
    shuffle.shuffle(body)
    assert read_answers(form, dict(body)) == answers


@every_form
@settings(max_examples=25)
@given(st.data())
def test_prorating_a_complete_form_changes_nothing(key: str, form: Form, data: st.DataObject) -> None:
    """What was answered whole is the same by every method for missing items."""
    answers = drawn(data, form, blanks=False)
    scores = score(form, answers).subscales
    for subscale in form.subscales:
        assert scores[subscale.key].missing == 0
        assert not scores[subscale.key].prorated
        if subscale.is_whole and not subscale.parts:
            strict = replace(subscale.missing, max_missing=0, method=MissingMethod.NONE)
            alone = replace(form, subscales=tuple(_with(each, subscale.key, strict) for each in form.subscales))
            assert score(alone, answers).subscales[subscale.key].value == scores[subscale.key].value


def _with(subscale: Any, key: str, missing: Any) -> Any:
    return replace(subscale, missing=missing) if subscale.key == key else subscale


@every_form
@settings(max_examples=25)
@given(st.data())
def test_an_unknown_code_always_raises(key: str, form: Form, data: st.DataObject) -> None:
    item = data.draw(st.sampled_from(form.items))
    wrong = data.draw(st.integers() | st.floats() | st.text() | st.booleans())
    if item.choices.code(wrong) is None:
        with pytest.raises(InvalidAnswer) as caught:
            read_answers(form, {item.number: wrong})
        assert caught.value.pointer == f"/answers/{item.number}"
        assert caught.value.allowed == item.choices.allowed


@every_form
def test_a_double_reversal_changes_nothing(key: str, form: Form) -> None:
    for item in form.items:
        if item.scored and None not in item.choices.points.values():
            turned = Item(
                **{name: getattr(item, name) for name in ("number", "topic", "choices", "source")}, reversed=True
            )
            straight = replace(turned, reversed=False)
            for code in item.codes:
                points = straight.points(code)
                assert points is not None
                assert turned.points(code) == sum(item.range) - points
                assert sum(item.range) - (turned.points(code) or 0) == points


@every_form
@settings(max_examples=25)
@given(st.data())
def test_what_a_screen_decides_stands_however_blanks_are_filled(key: str, form: Form, data: st.DataObject) -> None:
    answers = drawn(data, form)
    decided = {name: outcome for name, outcome in screen(form, answers).items() if outcome != "undetermined"}
    filled = [
        data.draw(st.sampled_from([each for each in item.codes if item.points(each) is not None]))
        if code is None
        else code
        for item, code in zip(form.items, answers.codes, strict=True)
    ]
    # What a skip rule answers is not open: filled in, it would be another form.
    if not form.skip_rules:
        whole = screen(form, Answers(tuple(filled), (ItemState.ANSWERED,) * len(filled)))
        assert decided.items() <= whole.items()


# --- pitfalls met in public programs (scales.md section 6); 1 to 8 and 12 stand with the SDQ and the RCADS


def total_of(key: str, answers: dict[str, Any]) -> float | None:
    form = instrument(key).form(None)
    return score(form, read_answers(form, answers)).subscales["total"].value


def test_pitfall_9_item_30_of_the_core_om_is_not_reversed_and_the_core_10_reverses_2_and_3() -> None:
    om = {str(number): 0 for number in range(1, 35)}
    assert total_of("core-om", om | {"30": 4}) == pytest.approx(10 * (8 * 4 + 4) / 34)  # eight reversed items at 0
    ten = {str(number): 0 for number in range(1, 11)}
    assert total_of("core-10", ten) == 8
    assert [total_of("core-10", ten | {number: 4}) for number in ("2", "3", "4")] == [4, 4, 12]


def test_pitfall_10_the_difficulty_is_not_added_and_item_9_counts_from_1_on_and_is_not_hidden() -> None:
    nine = {str(number): 1 for number in range(1, 10)}
    assert total_of("phq-9", nine | {"10": 3}) == total_of("phq-9", nine) == 9
    form = instrument("phq-9").form(None)
    four = {"1": 2, "2": 2, "3": 2, "4": 2, "5": 0, "6": 0, "7": 0, "8": 0}
    assert screen(form, read_answers(form, four | {"9": 1})) == {"dsm": "major_depressive_syndrome"}
    blank = score(form, read_answers(form, four))
    assert blank.subscales["total"].prorated
    assert [each.status for each in blank.critical] == ["not_answered"]


def test_pitfall_11_what_an_audit_skips_counts_0_and_is_not_missing() -> None:
    assert total_of("audit", {"1": 0, "9": 0, "10": 4}) == 4
    assert total_of("audit", {"1": 3, "2": 0, "3": 0, "9": 0, "10": 4}) == 7
    assert total_of("audit", {"1": 3, "2": 1, "3": 0, "9": 0, "10": 4}) is None
