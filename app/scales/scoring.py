"""Answers to scores: reads the critical items first, and scores the rest exactly.

A score that can't be had is None with its reason. `read_critical` comes before everything else and never fails, so
that no fault in the rest of a body can hide an answer that asks for action.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from app.errors import InvalidAnswer
from app.scales.answers import Answers, ItemState, code_of, each_value, either, problems, read_answers, without_problems
from app.scales.instrument import CriticalItem, Form, Instrument, Subscale

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
    value : int or None
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

    value: int | None
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
    Python's `round` does, would give 2 for 2.5.

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
    subscales = {}
    for subscale, places in zip(form.subscales, form.subscale_positions, strict=True):
        answered = answered_sum = 0
        for place in places:
            code = codes[place]
            if code is not None:
                answered += 1
                answered_sum += form.points[place][code]
        limit = subscale.missing.limit(max_missing)
        subscales[subscale.key] = _score(subscale, answered, answered_sum, limit)
    critical = tuple(_critical_answer(each, codes[form.position[each.item]]) for each in form.critical_items)
    return Scores(MappingProxyType(subscales), critical)


def _score(subscale: Subscale, answered: int, answered_sum: int, limit: int) -> Score:
    items = len(subscale.items)
    missing = items - answered
    if missing > limit:
        return Score(None, False, missing, None, None, NoScoreReason.TOO_MANY_MISSING, answered, answered_sum)
    value = answered_sum if missing == 0 else (2 * items * answered_sum + answered) // (2 * answered)
    place = value - subscale.minimum
    return Score(
        value,
        missing > 0,
        missing,
        subscale.band_by_score[place],
        subscale.case_by_score[place],
        None,
        answered,
        answered_sum,
    )
