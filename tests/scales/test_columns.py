"""Many administrations at once: held against the slow obvious loop, for every form of every instrument."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InvalidAnswer
from app.scales.catalogue import catalogue, instrument
from app.scales.columns import DECLINED, NOT_ANSWERED, score_columns
from app.scales.instrument import Form
from app.scales.scoring import Answers, ItemState, score

FORMS = [(key, form) for key, each in catalogue().items() for form in each.forms]
PHQ_9 = instrument("phq-9").form(None)
STATES = {None: ItemState.BLANK, int(NOT_ANSWERED): ItemState.BLANK, int(DECLINED): ItemState.DECLINED}


def one_by_one(form: Form, rows: list[list[int]]) -> list[dict[str, tuple[float, bool, int, int, int]]]:
    """Score row by row, as tablets' answers are scored."""
    found = []
    for row in rows:
        codes = tuple(None if code in STATES else code for code in row)
        states = tuple(STATES.get(code, ItemState.ANSWERED) for code in row)
        scores = score(form, Answers(codes, states)).subscales
        found.append(
            {
                key: (
                    math.nan if each.value is None else each.value,
                    each.prorated,
                    each.missing,
                    each.answered,
                    each.answered_sum,
                )
                for key, each in scores.items()
            }
        )
    return found


def at_once(form: Form, rows: list[list[int]]) -> list[dict[str, tuple[float, bool, int, int, int]]]:
    columns = score_columns(form, np.array(rows, dtype=np.int16).reshape(-1, len(form.items)))
    return [
        {
            key: (
                float(each.value[row]),
                bool(each.prorated[row]),
                int(each.missing[row]),
                int(each.answered[row]),
                int(each.answered_sum[row]),
            )
            for key, each in columns.items()
        }
        for row in range(len(rows))
    ]


@pytest.mark.parametrize(("key", "form"), FORMS, ids=[f"{key} {form.key}" for key, form in FORMS])
@settings(max_examples=25)
@given(st.data())
def test_it_agrees_with_the_loop(key: str, form: Form, data: st.DataObject) -> None:
    blanks = st.sampled_from([int(NOT_ANSWERED), int(DECLINED)])
    # A row has few blanks or many, so that both sides of each limit are met.
    often = data.draw(st.integers(0, 3))
    answer = {
        item.number: st.one_of(*[st.sampled_from(item.codes)] * (1 + 4 * often), blanks, st.just(item.codes[0]))
        for item in form.items
    }
    rows = data.draw(st.lists(st.tuples(*[answer[item.number] for item in form.items]).map(list), max_size=4))
    for slow, fast in zip(one_by_one(form, rows), at_once(form, rows), strict=True):
        for name, expected in slow.items():
            assert fast[name] == pytest.approx(expected, abs=0, rel=0, nan_ok=True), (key, name)


@given(st.lists(st.lists(st.integers(0, 3), min_size=10, max_size=10), min_size=1, max_size=5), st.data())
def test_a_code_that_an_item_does_not_have_always_raises(rows: list[list[int]], data: st.DataObject) -> None:
    row, item = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, 9))
    wrong = data.draw(st.integers(-30000, -1) | st.integers(4, 32767))
    rows[row][item] = wrong
    with pytest.raises(InvalidAnswer) as caught:
        at_once(PHQ_9, rows)
    assert caught.value.detail == f"item {item + 1} has no such answer, in row {row}"
    assert (caught.value.pointer, caught.value.allowed) == (f"/answers/{item + 1}", "0, 1, 2 or 3")


def test_a_gap_between_codes_is_no_code() -> None:
    form = instrument("audit").form(None)
    with pytest.raises(InvalidAnswer, match="item 9 has no such answer, in row 0"):
        at_once(form, [[0] * 8 + [1, 0]])


@pytest.mark.parametrize("shape", [(10,), (2, 9), (2, 11), (1, 2, 10)])
def test_an_array_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidAnswer, match="belong to another form"):
        score_columns(PHQ_9, np.zeros(shape, dtype=np.int16))


def test_none_at_all_is_no_score_at_all() -> None:
    assert score_columns(PHQ_9, np.zeros((0, 10), dtype=np.int16))["total"].value.shape == (0,)
