"""Many administrations of one form at once, as columns of an array: the same scores as one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.errors import InvalidAnswer
from app.scales.form import Form
from app.scales.item import Item
from app.scales.missing import MissingMethod
from app.scales.subscale import Subscale

Codes = NDArray[np.int16]

NOT_ANSWERED: Final = np.int16(np.iinfo(np.int16).min)
"""Stands for an item that was left blank or not shown."""

DECLINED: Final = np.int16(NOT_ANSWERED + 1)
"""Stands for an item that was declined; only a skip rule makes a difference between the two."""

_NO_CODE, _LEFT_OUT = np.iinfo(np.int32).min, np.iinfo(np.int32).min + 1


@dataclass(frozen=True, slots=True, eq=False)
class ScoreColumn:
    """One score of many administrations; all arrays have the shape (n,).

    Parameters
    ----------
    value : array of float
        Points; NaN where there is no score.
    prorated : array of bool
        True where the value was scaled up from the answered items.
    missing : array of int
        Items that were not answered.
    answered, answered_sum : array of int
        How many items were answered, or answered with 0 by a skip rule, and what they sum up to, codes.
    """

    value: NDArray[np.float64]
    prorated: NDArray[np.bool_]
    missing: NDArray[np.int32]
    answered: NDArray[np.int32]
    answered_sum: NDArray[np.int32]


def score_columns(form: Form, codes: Codes) -> dict[str, ScoreColumn]:
    """Score many administrations of a form.

    Parameters
    ----------
    form : Form
        What was answered.
    codes : array of int16, shape (n, items)
        Codes as answered, in the form's item order; `NOT_ANSWERED` or `DECLINED` where there is none.

    Returns
    -------
    dict of str to ScoreColumn
        By the subscale's key; what `app.scales.scoring.score` gives for each row.

    Raises
    ------
    InvalidAnswer
        If the array has another number of items, or a code that an item does not have: the first such row is named.

    Examples
    --------
    >>> from app.scales.catalogue import instrument
    >>> form = instrument("gad-7").form(None)
    >>> two = np.array([[1, 1, 1, 1, 1, 1, 1, 0], [3, 3, 3, 3, 3, 3, NOT_ANSWERED, NOT_ANSWERED]], dtype=np.int16)
    >>> score_columns(form, two)["total"].value
    array([ 7., 21.])
    """
    if codes.ndim != 2 or codes.shape[1] != len(form.items):
        raise InvalidAnswer("the answers belong to another form", allowed=f"{len(form.items)} items")
    points = [_points(item, codes[:, place]) for place, item in enumerate(form.items)]
    skipped = _skipped(form, codes)
    columns: dict[str, ScoreColumn] = {}
    for subscale, places in zip(form.subscales, form.subscale_positions, strict=True):
        if subscale.parts:
            columns[subscale.key] = _sum_of_parts([columns[part] for part in subscale.parts])
            continue
        column = _column(subscale, [points[place] for place in places], [skipped[place] for place in places])
        if subscale.gate is not None:
            settled = codes[:, form.position[subscale.gate.item]] == subscale.gate.code
            column.value[settled] = 0
            column.prorated[settled] = False
        columns[subscale.key] = column
    return columns


def _points(item: Item, answered: Codes) -> NDArray[np.int32]:
    """Give what one item's codes count for, with marks for what is no code and what takes the item out."""
    lowest, highest = item.codes[0], item.codes[-1]
    table = np.full(highest - lowest + 1, _NO_CODE, dtype=np.int32)
    for code in item.codes:
        points = item.points(code)
        table[code - lowest] = _LEFT_OUT if points is None else points
    blank = answered <= DECLINED
    inside = (answered >= lowest) & (answered <= highest)
    found = np.where(inside, table[np.clip(answered, lowest, highest) - lowest], _NO_CODE)
    wrong = (found == _NO_CODE) & ~blank
    if wrong.any():
        detail = f"item {item.number} has no such answer, in row {int(np.argmax(wrong))}"
        raise InvalidAnswer(detail, pointer=f"/answers/{item.number}", allowed=item.choices.allowed)
    return found


def _skipped(form: Form, codes: Codes) -> NDArray[np.bool_]:
    """Tell, by item and row, what a skip rule answers with 0."""
    skipped = np.zeros(codes.T.shape, dtype=bool)
    for rule in form.skip_rules:
        holds = np.all(codes[:, [form.position[number] for number in rule.after]] == 0, axis=1)
        for number in rule.skips:
            place = form.position[number]
            skipped[place] |= holds & (codes[:, place] == NOT_ANSWERED)
    return skipped


def _column(subscale: Subscale, points: list[NDArray[np.int32]], skipped: list[NDArray[np.bool_]]) -> ScoreColumn:
    rows = len(points[0])
    answered, answered_sum, left_out = (np.zeros(rows, dtype=np.int32) for _ in range(3))
    for each, zero in zip(points, skipped, strict=True):
        counted = each > _LEFT_OUT
        answered += counted | zero
        answered_sum += np.where(counted, each, 0)
        left_out += each == _LEFT_OUT
    items, rule = len(points), subscale.missing
    missing = items - left_out - answered
    scored = (missing <= rule.max_missing) & (answered > 0)
    prorated = scored & (missing > 0) & (rule.method is not MissingMethod.ZERO)
    divisor = np.maximum(answered, 1)
    if not subscale.is_whole:
        unit = subscale.unit
        # Both are whole numbers, so that the division is rounded once, as a fraction is.
        value = (items * answered_sum * unit.numerator) / (divisor * unit.denominator)
    else:
        whole = np.where(prorated, (2 * items * answered_sum + divisor) // (2 * divisor), answered_sum)
        value = whole.astype(np.float64)
    value = np.where(scored, value, np.nan)
    return ScoreColumn(value, prorated, missing, answered, answered_sum)


def _sum_of_parts(parts: list[ScoreColumn]) -> ScoreColumn:
    value = np.sum([part.value for part in parts], axis=0)
    prorated = np.any([part.prorated for part in parts], axis=0) & ~np.isnan(value)
    missing, answered, answered_sum = (
        np.sum([getattr(part, name) for part in parts], axis=0) for name in ("missing", "answered", "answered_sum")
    )
    return ScoreColumn(value, prorated, missing, answered, answered_sum)
