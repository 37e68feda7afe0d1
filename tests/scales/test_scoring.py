"""Answers to scores: what is read, what is refused, and what comes out."""

from __future__ import annotations

import csv
import json
import math
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidAnswer, MalformedBody, SporError, UnknownItem
from app.scales.answers import SeveralValues
from app.scales.catalogue import catalogue, instrument
from app.scales.instrument import Band, Form, Gate, Item, MissingMethod
from app.scales.scoring import (
    Answers,
    CriticalStatus,
    ItemState,
    NoScoreReason,
    Score,
    problems,
    read_answers,
    read_critical,
    score,
)
from tests.scales.factories import (
    SOURCE,
    a_choice_list,
    a_critical_item,
    a_form,
    a_missing_rule,
    a_subscale,
    an_instrument,
    an_item,
)

PHQ_9 = instrument("phq-9")
FORM = PHQ_9.form(None)
REFERENCE = Path(__file__).parent.parent / "reference"
ONE_TOTAL = ("gad-7", "phq-9")
"""Instruments whose one form gives one score; the others have tests and tables of their own."""

ANSWERED, BLANK, DECLINED, NOT_SHOWN = ItemState.ANSWERED, ItemState.BLANK, ItemState.DECLINED, ItemState.NOT_SHOWN
POSITIVE, NEGATIVE = CriticalStatus.POSITIVE, CriticalStatus.NEGATIVE
NOT_ANSWERED, UNREADABLE = CriticalStatus.NOT_ANSWERED, CriticalStatus.UNREADABLE

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
json_like = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)
codes = st.none() | st.integers(min_value=0, max_value=3)


def some_codes(form: Form) -> st.SearchStrategy[tuple[int | None, ...]]:
    return st.tuples(*[codes for _ in form.items])


def answers_of(given_codes: tuple[int | None, ...]) -> Answers:
    return Answers(given_codes, tuple(BLANK if code is None else ANSWERED for code in given_codes))


def phq(*given_codes: int | None) -> dict[str, object]:
    return {str(number): code for number, code in enumerate(given_codes, 1) if code is not None}


def total(form: Form, answers: Answers, max_missing: int | None = None) -> Score:
    return score(form, answers, max_missing=max_missing).subscales["total"]


def reference_rows() -> list[tuple[str, dict[str, str]]]:
    rows = []
    for file in sorted(REFERENCE.glob("*.csv")):
        if file.stem in ONE_TOTAL:
            with file.open(encoding="utf-8", newline="") as lines:
                rows += [(file.stem, row) for row in csv.DictReader(lines)]
    return rows


def slow_total(form: Form, given_codes: tuple[int | None, ...], limit: int) -> int | None:
    """Score a form with one subscale the obvious way, with exact fractions."""
    (subscale,) = form.subscales
    points = []
    for item, code in zip(form.items, given_codes, strict=True):
        if item.number in subscale.items and code is not None:
            points.append(item.codes[0] + item.codes[-1] - code if item.reversed else code)
    if len(subscale.items) - len(points) > limit:
        return None
    mean = Fraction(sum(points), len(points))
    return math.floor(mean * len(subscale.items) + Fraction(1, 2))


# --- against the outside world


@pytest.mark.parametrize(("key", "row"), reference_rows())
def test_reference_table(key: str, row: dict[str, str]) -> None:
    form = instrument(key).form(None)
    given_answers = {
        item.number: int(code) for item, code in zip(form.items, row["answers"].split(), strict=True) if code != "-"
    }
    scored = total(form, read_answers(form, given_answers))
    assert scored.value == (int(row["total"]) if row["total"] else None)
    assert scored.band == (row["band"] or None)
    assert scored.is_case == (json.loads(row["is_case"]) if row["is_case"] else None)
    assert scored.prorated == json.loads(row["prorated"])
    assert scored.missing == int(row["missing"])
    assert scored.reason == (row["reason"] or None)
    assert row["source"]


def test_every_instrument_has_a_reference_table() -> None:
    assert {key for key, _ in reference_rows()} == set(ONE_TOTAL)
    assert {file.stem for file in REFERENCE.glob("*.csv")} >= set(catalogue())


# --- reading answers


def test_items_that_nobody_mentions_are_blank() -> None:
    read = read_answers(FORM, {"2": 3, "9": 0}, {"1": "declined", "3": "not_shown", "4": "blank", "9": "answered"})
    assert read.codes == (None, 3, None, None, None, None, None, None, 0, None)
    assert read.states[:4] == (DECLINED, ANSWERED, NOT_SHOWN, BLANK)
    assert read.states[4:] == (BLANK, BLANK, BLANK, BLANK, ANSWERED, BLANK)


def test_a_whole_number_may_come_as_a_decimal() -> None:
    read = read_answers(FORM, {"1": 1.0})
    assert read.codes[0] == 1
    assert type(read.codes[0]) is int


@pytest.mark.parametrize("value", [None, True, False, "1", "", 2.5, -1, 4, 10**400, math.nan, math.inf, [1], {"1": 1}])
def test_what_is_no_code_is_refused(value: object) -> None:
    with pytest.raises(InvalidAnswer) as caught:
        read_answers(FORM, {"3": value})
    assert (caught.value.pointer, caught.value.allowed) == ("/answers/3", "0, 1, 2 or 3")
    assert caught.value.detail == "item 3 has no such answer"


@pytest.mark.parametrize(
    ("number", "pointer"),
    [("11", "/answers/11"), ("01", "/answers/01"), ("", "/answers/"), ("a/b~c", "/answers/a~1b~0c")],
)
def test_an_unknown_item_is_refused(number: str, pointer: str) -> None:
    with pytest.raises(UnknownItem) as caught:
        read_answers(FORM, {number: 1})
    assert caught.value.pointer == pointer
    assert caught.value.allowed == "1, 2, 3, 4, 5, 6, 7, 8, 9 or 10"


def test_a_form_of_one_item_names_it() -> None:
    form = a_form(items=(an_item("1"),), subscales=(a_subscale(items=("1",), maximum=3, missing=a_missing_rule(0)),))
    assert [problem.allowed for problem in problems(form, {"2": 0})] == ["1"]


@pytest.mark.parametrize("number", [1, None, ("1",)])
def test_an_item_is_named_by_a_text(number: object) -> None:
    assert [type(problem) for problem in problems(FORM, {number: 1}, {number: "blank"})] == [UnknownItem, UnknownItem]


@pytest.mark.parametrize(
    ("answers", "item_states", "kind", "pointer", "allowed"),
    [
        ({"1": 0}, {"1": "declined"}, InvalidAnswer, "/item_states/1", None),
        ({"1": 0}, {"1": "blank"}, InvalidAnswer, "/item_states/1", None),
        ({}, {"1": "answered"}, InvalidAnswer, "/item_states/1", None),
        ({}, {"1": "refused"}, MalformedBody, "/item_states/1", "answered, blank, declined or not_shown"),
        ({}, {"1": 1}, MalformedBody, "/item_states/1", "answered, blank, declined or not_shown"),
        ({}, {"1": ["blank"]}, MalformedBody, "/item_states/1", "answered, blank, declined or not_shown"),
        ({}, {"1": SeveralValues(("blank", "declined"))}, InvalidAnswer, "/item_states/1", None),
        ({"1": SeveralValues((0, 1))}, None, InvalidAnswer, "/answers/1", None),
        ({}, {"11": "blank"}, UnknownItem, "/item_states/11", "1, 2, 3, 4, 5, 6, 7, 8, 9 or 10"),
        ({}, ["blank"], MalformedBody, "/item_states", None),
        ([1, 2], None, MalformedBody, "/answers", None),
        (None, None, MalformedBody, "/answers", None),
    ],
)
def test_states_and_answers_that_contradict_each_other_or_themselves(
    answers: object, item_states: object, kind: type[SporError], pointer: str, allowed: str | None
) -> None:
    (problem,) = problems(FORM, answers, item_states)
    assert (type(problem), problem.pointer, problem.allowed) == (kind, pointer, allowed)


def test_all_problems_of_a_body_are_found_and_the_first_is_raised() -> None:
    answers: dict[str, object] = {"1": 7, "x": 1, "2": 3}
    item_states = {"2": "declined", "y": "blank", "3": "blank", "4": "refused", "5": "answered"}
    found = problems(FORM, answers, item_states)
    assert [(problem.pointer, problem.detail) for problem in found] == [
        ("/answers/1", "item 1 has no such answer"),
        ("/answers/x", "the form has no such item"),
        ("/item_states/2", "item 2 has an answer, but is marked declined"),
        ("/item_states/y", "the form has no such item"),
        ("/item_states/4", "item 4 has an item state that is not known"),
        ("/item_states/5", "item 5 is marked answered, but has no answer"),
    ]
    with pytest.raises(InvalidAnswer, match="item 1 has no such answer"):
        read_answers(FORM, answers, item_states)
    with pytest.raises(InvalidAnswer, match="item 2 has an answer, but is marked declined"):
        read_answers(FORM, {"2": 3}, {"2": "declined"})
    assert problems(FORM, phq(1, 2), {"3": "declined"}) == ()


def test_what_is_said_twice_of_one_item_does_not_hide_what_is_wrong_with_the_next() -> None:
    found = problems(FORM, {}, {"1": SeveralValues(("blank", "declined")), "2": "lost"})
    assert [(each.pointer, each.detail) for each in found] == [
        ("/item_states/1", "item 1 is marked more than once, and differently"),
        ("/item_states/2", "item 2 has an item state that is not known"),
    ]


def test_states_are_checked_even_when_the_answers_are_none_at_all() -> None:
    for answers in ("rubbish", None, 1):
        found = problems(FORM, answers, {"1": "lost", "2": "declined"})
        assert [problem.pointer for problem in found] == ["/answers", "/item_states/1"]


@given(st.sampled_from([item.number for item in FORM.items]), json_like)
def test_a_code_that_the_item_does_not_have_always_raises(number: str, value: object) -> None:
    allowed = type(value) in (int, float) and value in (0, 1, 2, 3)
    assert bool(problems(FORM, {number: value})) is not allowed


@given(st.sampled_from(["answers", "item_states"]), st.sampled_from([{"secret": 1}, ["secret"], "secret", 4.6662]))
def test_no_problem_carries_what_was_answered(field: str, value: object) -> None:
    body = {"answers": {}, "item_states": {}, field: {"3": value}}
    (problem,) = problems(FORM, body["answers"], body["item_states"])
    assert all(trace not in f"{problem.detail} {problem.allowed}" for trace in ("secret", "4.6662"))
    assert problem.pointer == f"/{field}/3"


@pytest.mark.parametrize(
    ("given_codes", "states"),
    [((1,), ()), ((1,), (BLANK,)), ((None,), (ANSWERED,)), ((0,), (DECLINED,)), ((), (BLANK,))],
)
def test_answers_cannot_contradict_themselves(
    given_codes: tuple[int | None, ...], states: tuple[ItemState, ...]
) -> None:
    with pytest.raises(InvalidAnswer):
        Answers(given_codes, states)


# --- other ways of making a score


def scored(form: Form, *codes: int | None) -> dict[str, tuple[float | None, bool]]:
    return {key: (each.value, each.prorated) for key, each in score(form, answers_of(codes)).subscales.items()}


def test_a_score_that_is_not_rounded_keeps_its_fraction() -> None:
    form = a_form(subscales=(a_subscale(missing=a_missing_rule(2, MissingMethod.PRORATE_EXACTLY)),))
    assert scored(form, 1, 2, 3) == {"total": (6.0, False)}
    # 3 x (2 + 3) / 2 and 3 x 1 / 1
    assert scored(form, None, 2, 3) == {"total": (7.5, True)}
    assert scored(form, 1, None, None) == {"total": (3.0, True)}


def test_a_mean_is_taken_over_what_was_answered() -> None:
    exact = a_missing_rule(1, MissingMethod.PRORATE_EXACTLY)
    form = a_form(subscales=(a_subscale(times_mean=10, maximum=30, missing=exact),))
    # 10 x (1 + 2 + 1) / 3, rounded once: the double nearest to 40/3; 10 x (1 + 2) / 2
    assert scored(form, 1, 2, 1) == {"total": (40 / 3, False)}
    assert scored(form, 1, 2, None) == {"total": (15.0, True)}
    assert scored(form, 3, 3, 3) == {"total": (30.0, False)}


def test_a_blank_that_counts_nothing_is_not_prorated() -> None:
    form = a_form(subscales=(a_subscale(missing=a_missing_rule(2, MissingMethod.ZERO)),))
    assert scored(form, None, 2, None) == {"total": (2, False)}
    assert scored(form, None, None, None) == {"total": (None, False)}
    assert score(form, answers_of((None, 2, None))).subscales["total"].missing == 2


def test_a_choice_counts_for_its_points_and_a_reversed_one_for_their_mirror_image() -> None:
    counted = a_choice_list(counts=(0, 0, 1, 2))
    items = [Item(number, "topic", counted, SOURCE, reversed=number == "3") for number in "123"]
    form = a_form(items=tuple(items), subscales=(a_subscale(maximum=6),))
    assert scored(form, 1, 2, 3) == {"total": (0 + 1 + 0, False)}
    assert scored(form, 0, 3, 0) == {"total": (0 + 2 + 2, False)}


def test_a_sum_of_scores_takes_them_as_they_are() -> None:
    """SDQ: the total is the sum of the four scales as rounded, missing if one is."""
    halves = [a_subscale(key, items=items, maximum=6) for key, items in (("a", ("1", "2")), ("b", ("3", "4")))]
    bands = (Band("low", 0, 6, SOURCE), Band("high", 7, 12, SOURCE))
    both = a_subscale("both", parts=("a", "b"), maximum=12, missing=a_missing_rule(0), bands=bands)
    form = a_form(items=tuple(an_item(number) for number in "1234"), subscales=(*halves, both))
    assert scored(form, 1, 2, 3, None) == {"a": (3, False), "b": (6, True), "both": (9, True)}
    assert scored(form, 1, 2, None, None) == {"a": (3, False), "b": (None, False), "both": (None, False)}
    whole = score(form, answers_of((1, 2, 3, None))).subscales["both"]
    assert (whole.missing, whole.answered, whole.answered_sum, whole.band) == (1, 3, 6, "high")
    missing = score(form, answers_of((1, 2, None, None))).subscales["both"]
    assert (missing.missing, missing.band, missing.is_case) == (2, None, None)
    assert missing.reason is NoScoreReason.TOO_MANY_MISSING


def test_a_gate_settles_the_score_whatever_else_was_answered() -> None:
    gated = a_subscale(gate=Gate("4", 0, SOURCE), bands=(Band("none", 0, 0, SOURCE), Band("some", 1, 9, SOURCE)))
    items = (*(an_item(number) for number in "123"), an_item("4", scored=False))
    form = a_form(items=items, subscales=(gated,))
    for codes in ((3, 3, 3, 0), (None, None, None, 0)):
        settled = score(form, answers_of(codes)).subscales["total"]
        assert (settled.value, settled.band, settled.reason, settled.skipped) == (0, "none", None, 0)
    assert scored(form, 3, 3, 3, 1) == {"total": (9, False)}
    assert scored(form, 3, 3, 3, None) == {"total": (9, False)}
    assert scored(form, None, None, None, 1) == {"total": (None, False)}


# --- critical items


@pytest.mark.parametrize(
    ("answers", "status", "code"),
    [
        ({"9": 0}, NEGATIVE, 0),
        ({"9": 1}, POSITIVE, 1),
        ({"9": 3}, POSITIVE, 3),
        ({"9": 2.0}, POSITIVE, 2),
        ({"9": 1, "1": "rubbish", "99": None}, POSITIVE, 1),
        ({}, NOT_ANSWERED, None),
        ({"1": 3}, NOT_ANSWERED, None),
        ({"9": None}, NOT_ANSWERED, None),
        ({"9": "1"}, UNREADABLE, None),
        ({"9": True}, UNREADABLE, None),
        ({"9": 4}, UNREADABLE, None),
        ({"9": 1.5}, UNREADABLE, None),
        ({"9": math.nan}, UNREADABLE, None),
        ({"9": [1]}, UNREADABLE, None),
        ({"9": SeveralValues((0, 3))}, POSITIVE, 3),
        ({"9": SeveralValues((1, 3, 2))}, POSITIVE, 3),
        ({"9": SeveralValues((None, "3", 1))}, POSITIVE, 1),
        ({"9": SeveralValues((0, None))}, UNREADABLE, None),
        ({"9": SeveralValues((0, 4))}, UNREADABLE, None),
        (SeveralValues(({"9": 0}, {"9": 2})), POSITIVE, 2),
        (SeveralValues(({}, [1], {"9": SeveralValues((0, 1))})), POSITIVE, 1),
        (SeveralValues(({"9": 0}, {"1": 1})), UNREADABLE, None),
        (None, UNREADABLE, None),
        ([1], UNREADABLE, None),
        ("9", UNREADABLE, None),
    ],
)
def test_critical_items_are_read_from_whatever_comes(answers: object, status: CriticalStatus, code: int | None) -> None:
    (critical,) = read_critical(PHQ_9, answers)
    assert (critical.item, critical.kind) == ("9", "suicidal_thoughts")
    assert (critical.status, critical.code) == (status, code)


def test_an_instrument_without_critical_items_has_none() -> None:
    assert read_critical(instrument("gad-7"), {"9": 3}) == ()
    assert read_critical(instrument("gad-7"), None) == ()


def test_several_critical_items_with_thresholds_of_their_own() -> None:
    critical = (a_critical_item("1", 2, "violence"), a_critical_item("3", 1))
    form = a_form(critical_items=critical)
    made = an_instrument(forms=(form,), asks_about_suicide=True)
    assert [each.status for each in read_critical(made, {"1": 1, "3": 1})] == [NEGATIVE, POSITIVE]
    assert [each.status for each in score(form, answers_of((2, 0, None))).critical] == [POSITIVE, NOT_ANSWERED]


def test_a_reversed_critical_item_is_judged_by_what_was_answered() -> None:
    form = a_form(items=(an_item("1"), an_item("2"), an_item("3", reversed_=True)), critical_items=(a_critical_item(),))
    scores = score(form, answers_of((0, 0, 0)))
    assert scores.subscales["total"].value == 3
    assert [each.status for each in scores.critical] == [NEGATIVE]


@given(json_like)
def test_reading_critical_items_never_raises(answers: object) -> None:
    assert [each.item for each in read_critical(PHQ_9, answers)] == ["9"]


@given(st.dictionaries(st.text(), json_like, max_size=4), json_like)
def test_reading_the_critical_item_depends_on_nothing_else(others: dict[str, object], value: object) -> None:
    (alone,) = read_critical(PHQ_9, {"9": value})
    (among_others,) = read_critical(PHQ_9, {**others, "9": value})
    assert alone == among_others


@given(some_codes(FORM))
def test_the_scores_say_the_same_of_critical_items_as_the_body(given_codes: tuple[int | None, ...]) -> None:
    assert score(FORM, answers_of(given_codes)).critical == read_critical(PHQ_9, phq(*given_codes))


def test_a_prorated_total_does_not_hide_a_blank_item_9() -> None:
    scores = score(FORM, read_answers(FORM, phq(2, 2, 2, 2, 2, 2, 2, 2)))
    assert scores.subscales["total"].prorated
    assert [each.status for each in scores.critical] == [NOT_ANSWERED]


# --- scores


def test_a_score_tells_how_it_came_about() -> None:
    scored = total(FORM, read_answers(FORM, phq(2, 2, 2, 2, 2, 2, 2, 2)))
    assert (scored.answered, scored.answered_sum, scored.missing) == (8, 16, 1)
    unscored = total(FORM, read_answers(FORM, phq(1)))
    assert (unscored.answered, unscored.answered_sum, unscored.missing) == (1, 1, 8)
    assert unscored.reason is NoScoreReason.TOO_MANY_MISSING


def test_declined_and_not_shown_are_missing_and_never_zero() -> None:
    read = read_answers(FORM, phq(2, 2, 2, 2, 2, 2, 2), {"8": "declined", "9": "not_shown"})
    scored = total(FORM, read)
    assert (scored.value, scored.missing) == (18, 2)


@pytest.mark.parametrize(("max_missing", "value"), [(None, 9), (2, 9), (1, None), (0, None)])
def test_a_service_may_be_stricter(max_missing: int | None, value: int | None) -> None:
    assert total(FORM, answers_of((1,) * 7 + (None,) * 3), max_missing).value == value


@pytest.mark.parametrize("max_missing", [-1, 3])
def test_a_service_may_not_be_laxer(max_missing: int) -> None:
    with pytest.raises(MalformedBody):
        score(FORM, answers_of((1,) * 10), max_missing=max_missing)


def test_answers_of_another_form_are_refused() -> None:
    with pytest.raises(InvalidAnswer, match="another form"):
        score(FORM, answers_of((0,) * 8))
    with pytest.raises(InvalidAnswer, match="item 10 has no such answer") as caught:
        score(FORM, answers_of((0,) * 9 + (4,)))
    assert caught.value.allowed == "0, 1, 2 or 3"


def test_subscales_come_in_the_forms_order_with_reversed_items_and_gaps_in_the_codes() -> None:
    form = a_form(
        items=(an_item("1", codes=(0, 2, 4)), an_item("2", codes=(0, 2, 4), reversed_=True), an_item("3")),
        subscales=(
            a_subscale("tail", items=("3",), maximum=3, missing=a_missing_rule(0)),
            a_subscale("head", items=("2", "1"), maximum=8),
        ),
    )
    scores = score(form, answers_of((4, 0, 1)))
    assert [(key, each.value) for key, each in scores.subscales.items()] == [("tail", 1), ("head", 8)]
    # Only item 2 answered, with 2, its own mirror image: 2 * 2 / 1 = 4.
    assert score(form, answers_of((None, 2, None))).subscales["head"].value == 4


def test_bands_of_a_score_that_does_not_begin_at_0() -> None:
    # Three items coded 1-4, one blank: 3 * (1 + 2) / 2 = 4.5, half up 5.
    bands = (Band("low", 3, 4, SOURCE), Band("high", 5, 12, SOURCE))
    form = a_form(
        items=tuple(an_item(number, codes=(1, 2, 3, 4)) for number in "123"),
        subscales=(a_subscale(minimum=3, maximum=12, bands=bands),),
    )
    scored = [total(form, answers_of(given_codes)) for given_codes in ((1, 1, 1), (1, 2, None), (4, 4, 4))]
    assert [(each.value, each.band) for each in scored] == [(3, "low"), (5, "high"), (12, "high")]


@pytest.mark.parametrize("key", ONE_TOTAL)
@given(data=st.data())
def test_the_score_agrees_with_the_slow_loop_and_stays_in_range(key: str, data: st.DataObject) -> None:
    form = instrument(key).form(None)
    given_codes = data.draw(some_codes(form))
    limit = data.draw(st.integers(min_value=0, max_value=2))
    scored = total(form, answers_of(given_codes), limit)
    assert scored.value == slow_total(form, given_codes, limit)
    assert (scored.value is None) is (scored.reason is not None)
    assert scored.value is None or 0 <= scored.value <= form.subscale("total").maximum


@given(some_codes(FORM), st.randoms(use_true_random=False))
def test_the_order_of_the_items_does_not_matter(given_codes: tuple[int | None, ...], shuffle: Random) -> None:
    shuffled = list(given_codes[:9])
    shuffle.shuffle(shuffled)
    assert total(FORM, answers_of((*shuffled, None))) == total(FORM, answers_of((*given_codes[:9], None)))
    body = list(phq(*given_codes).items())
    shuffle.shuffle(body)
    assert read_answers(FORM, dict(body)) == answers_of(given_codes)


@given(st.tuples(*[st.integers(min_value=0, max_value=3)] * 10))
def test_prorating_a_complete_form_changes_nothing(given_codes: tuple[int, ...]) -> None:
    prorated = total(FORM, answers_of(given_codes))
    assert prorated == total(FORM, answers_of(given_codes), max_missing=0)
    assert (prorated.value, prorated.prorated) == (sum(given_codes[:9]), False)


@given(some_codes(FORM), codes)
def test_the_difficulty_is_never_added(given_codes: tuple[int | None, ...], difficulty: int | None) -> None:
    assert total(FORM, answers_of(given_codes)) == total(FORM, answers_of((*given_codes[:9], difficulty)))
