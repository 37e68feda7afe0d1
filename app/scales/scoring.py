"""Answers to scores: reads the critical items first, and scores the rest exactly.

A score that can't be had is None with its reason. `read_critical` comes before everything else and never fails, so
that no fault in the rest of a body can hide an answer that asks for action.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType

from app.errors import InvalidAnswer
from app.scales.answers import Answers, ItemState, code_of, each_value, either, problems, read_answers, without_problems
from app.scales.instrument import CriticalItem, Form, Instrument, MissingMethod, Subscale

__all__ = [
    "Answers",
    "CriticalAnswer",
    "CriticalStatus",
    "ItemState",
    "NoScoreReason",
    "Score",
    "Scores",
    "problems",
    "read_answers",
    "read_critical",
    "score",
    "without_problems",
]


class CriticalStatus(StrEnum):
    """What the answer to a critical item says."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    NOT_ANSWERED = "not_answered"
    UNREADABLE = "unreadable"


class NoScoreReason(StrEnum):
    """Why there is no score."""

    TOO_MANY_MISSING = "too_many_missing"


@dataclass(frozen=True, slots=True)
class CriticalAnswer:
    """What one critical item says.

    Parameters
    ----------
    item : str
        Number of the item.
    kind : str
        What it is about.
    status : CriticalStatus
        Positive from the item's threshold on.
    code : int or None
        The code answered; None where there is none or it can't be read.
    """

    item: str
    kind: str
    status: CriticalStatus
    code: int | None


@dataclass(frozen=True, slots=True)
class Score:
    """One score, with what is needed to follow how it came about.

    Parameters
    ----------
    value : int, float or None
        Points; None where there is no score.
    prorated : bool
        True if the value was scaled up from the answered items.
    missing : int
        Items of the subscale that were not answered.
    band : str or None
        Code of the band; None without a value or where no bands are published.
    is_case : bool or None
        On the clinical side of the cut-off; None without a value or where none is published.
    reason : NoScoreReason or None
        Why there is no value; None where there is one.
    answered : int
        Items of the subscale that were answered.
    answered_sum : int
        What they sum up to, points.
    """

    value: float | None
    prorated: bool
    missing: int
    band: str | None
    is_case: bool | None
    reason: NoScoreReason | None
    answered: int
    answered_sum: int


@dataclass(frozen=True, slots=True)
class Scores:
    """What one administration says.

    Parameters
    ----------
    subscales : mapping of str to Score
        By the subscale's key, in the form's order.
    critical : tuple of CriticalAnswer
        In the form's order; a prorated score never hides a blank one.
    """

    subscales: Mapping[str, Score]
    critical: tuple[CriticalAnswer, ...]


def read_critical(instrument: Instrument, answers: object) -> tuple[CriticalAnswer, ...]:
    """Read the critical items of a body, whatever the rest of it is like. Never raises.

    Parameters
    ----------
    instrument : Instrument
        What was answered; the form need not be known.
    answers : object
        What came in: a mapping of item number to code if all is well, anything if not.

    Returns
    -------
    tuple of CriticalAnswer
        One for each critical item of the instrument: ``not_answered`` where the item is absent or null,
        ``unreadable`` where its value is no code of the item or the answers are no mapping. Of `SeveralValues` the
        highest positive one counts, and without any they are unreadable.

    Examples
    --------
    >>> from app.scales.catalogue import instrument
    >>> [each.status.value for each in read_critical(instrument("phq-9"), {"9": 1, "1": "rubbish"})]
    ['positive']
    >>> [each.status.value for each in read_critical(instrument("phq-9"), None)]
    ['unreadable']
    """
    form = instrument.forms[0]
    return tuple(_read_critical_item(form, critical, answers) for critical in instrument.critical_items)


def _read_critical_item(form: Form, critical: CriticalItem, answers: object) -> CriticalAnswer:
    """Read one critical item; where it came more than once, any positive answer to it is heard."""
    read = [
        _read_critical_value(form, critical, value)
        for given in each_value(answers)
        for value in each_value(given.get(critical.item) if isinstance(given, Mapping) else _NO_ANSWERS)
    ]
    if len(read) == 1:
        return read[0]
    positive = [each for each in read if each.status is CriticalStatus.POSITIVE]
    unreadable = CriticalAnswer(critical.item, critical.kind, CriticalStatus.UNREADABLE, None)
    return max(positive, key=lambda each: each.code or 0, default=unreadable)


_NO_ANSWERS = object()


def _read_critical_value(form: Form, critical: CriticalItem, value: object) -> CriticalAnswer:
    if value is None:
        return _critical_answer(critical, None)
    code = code_of(form.items[form.position[critical.item]], value)
    if code is None:
        return CriticalAnswer(critical.item, critical.kind, CriticalStatus.UNREADABLE, None)
    return _critical_answer(critical, code)


def _critical_answer(critical: CriticalItem, code: int | None) -> CriticalAnswer:
    if code is None:
        status = CriticalStatus.NOT_ANSWERED
    else:
        status = CriticalStatus.POSITIVE if code >= critical.threshold else CriticalStatus.NEGATIVE
    return CriticalAnswer(critical.item, critical.kind, status, code)


def score(form: Form, answers: Answers, *, max_missing: int | None = None) -> Scores:
    """Score the answers to a form.

    Parameters
    ----------
    form : Form
        What was answered.
    answers : Answers
        In the form's item order.
    max_missing : int, optional
        A service's own, stricter limit of unanswered items; None for the instrument's.

    Returns
    -------
    Scores
        Each subscale's score, and the critical items.

    Raises
    ------
    InvalidAnswer
        If the answers are not those of the form.
    MalformedBody
        If a subscale's rule does not allow the chosen limit.

    Notes
    -----
    With n items of which a were answered, summing to s, the value is s if a = n, and n s / a rounded half up if at
    most the allowed number is missing. Half up in integers: floor((2 n s + a) / 2 a). Rounding half to even, as
    Python's `round` does, would give 2 for 2.5. Where the instrument's rule does not round, or gives a mean, the
    value is worked out as a fraction and rounded once, to the nearest binary number.

    Examples
    --------
    >>> from app.scales.catalogue import instrument
    >>> form = instrument("phq-9").form(None)
    >>> total = score(form, read_answers(form, {str(number): 2 for number in range(1, 9)})).subscales["total"]
    >>> total.value, total.prorated, total.missing, total.band
    (18, True, 1, 'moderately_severe')
    """
    codes = answers.codes
    if len(codes) != len(form.items):
        raise InvalidAnswer("the answers belong to another form", allowed=f"{len(form.items)} items")
    for item, code, points in zip(form.items, codes, form.points, strict=True):
        if code is not None and code not in points:
            raise InvalidAnswer(f"item {item.number} has no such answer", allowed=either(list(map(str, points))))
    subscales: dict[str, Score] = {}
    for subscale, places in zip(form.subscales, form.subscale_positions, strict=True):
        if subscale.parts:
            subscales[subscale.key] = _sum_of_parts(subscale, [subscales[part] for part in subscale.parts])
            continue
        answered = answered_sum = 0
        for place in places:
            code = codes[place]
            if code is not None:
                answered += 1
                answered_sum += form.points[place][code]
        gate = subscale.gate
        settled = gate is not None and codes[form.position[gate.item]] == gate.code
        subscales[subscale.key] = _score(subscale, answered, answered_sum, max_missing, settled=settled)
    critical = tuple(_critical_answer(each, codes[form.position[each.item]]) for each in form.critical_items)
    return Scores(MappingProxyType(subscales), critical)


def _score(
    subscale: Subscale, answered: int, answered_sum: int, max_missing: int | None, *, settled: bool = False
) -> Score:
    items, rule = len(subscale.items), subscale.missing
    missing = items - answered
    if settled:
        return _scored(subscale, 0, missing, answered, answered_sum)
    if missing > rule.limit(max_missing):
        return Score(None, False, missing, None, None, NoScoreReason.TOO_MANY_MISSING, answered, answered_sum)
    prorated = missing > 0 and rule.method is not MissingMethod.ZERO
    if not subscale.is_whole:
        value: float = float(Fraction(items * answered_sum, answered) * subscale.unit)
    elif prorated:
        value = (2 * items * answered_sum + answered) // (2 * answered)
    else:
        value = answered_sum
    return _scored(subscale, value, missing, answered, answered_sum, prorated)


def _sum_of_parts(subscale: Subscale, parts: Sequence[Score]) -> Score:
    """Add scores up as they are; without one of them there is no sum."""
    missing, answered = sum(each.missing for each in parts), sum(each.answered for each in parts)
    answered_sum = sum(each.answered_sum for each in parts)
    values = [each.value for each in parts if each.value is not None]
    if len(values) < len(parts):
        return Score(None, False, missing, None, None, NoScoreReason.TOO_MANY_MISSING, answered, answered_sum)
    return _scored(subscale, sum(values), missing, answered, answered_sum, any(each.prorated for each in parts))


def _scored(
    subscale: Subscale, value: float, missing: int, answered: int, answered_sum: int, prorated: bool = False
) -> Score:
    return Score(
        value,
        prorated,
        missing,
        subscale.band(value),
        subscale.is_case(value),
        None,
        answered,
        answered_sum,
    )
