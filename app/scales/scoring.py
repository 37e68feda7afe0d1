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
from typing import NamedTuple

from app.errors import InvalidAnswer
from app.scales.answers import Answers, ItemState, each_value, problems, read_answers, without_problems
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
    "screen",
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
    NOTHING_APPLIES = "nothing_applies"


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
        Items of the subscale that were answered, or that a skip rule answers with 0.
    answered_sum : int
        What they sum up to, codes.
    skipped : int
        Items that a skip rule answers with 0.
    """

    value: float | None
    prorated: bool
    missing: int
    band: str | None
    is_case: bool | None
    reason: NoScoreReason | None
    answered: int
    answered_sum: int
    skipped: int = 0


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
    code = form.items[form.position[critical.item]].choices.code(value)
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
            raise InvalidAnswer(f"item {item.number} has no such answer", allowed=item.choices.allowed)
    skipped = _skipped(form, answers) if form.skip_rules else frozenset()
    subscales: dict[str, Score] = {}
    for subscale, places in zip(form.subscales, form.subscale_positions, strict=True):
        if subscale.parts:
            subscales[subscale.key] = _sum_of_parts(subscale, [subscales[part] for part in subscale.parts])
            continue
        gate = subscale.gate
        settled = gate is not None and codes[form.position[gate.item]] == gate.code
        counted = _counted(form, places, codes, skipped)
        subscales[subscale.key] = _score(subscale, counted, max_missing, settled=settled)
    critical = tuple(_critical_answer(each, codes[form.position[each.item]]) for each in form.critical_items)
    return Scores(MappingProxyType(subscales), critical)


def _skipped(form: Form, answers: Answers) -> frozenset[int]:
    """Give the places of the items that a skip rule answers: not asked or left blank, after answers of 0."""
    found: set[int] = set()
    for rule in form.skip_rules:
        if all(answers.codes[form.position[number]] == 0 for number in rule.after):
            found.update(form.position[number] for number in rule.skips)
    return frozenset(place for place in found if answers.states[place] in (ItemState.BLANK, ItemState.NOT_SHOWN))


class _Counted(NamedTuple):
    """What the items of a subscale come to."""

    answered: int
    answered_sum: int
    left_out: int
    skipped: int


def _counted(form: Form, places: Sequence[int], codes: Sequence[int | None], skipped: frozenset[int]) -> _Counted:
    answered = answered_sum = left_out = zeros = 0
    for place in places:
        code = codes[place]
        if code is not None:
            points = form.points[place][code]
            if points is None:
                left_out += 1
            else:
                answered += 1
                answered_sum += points
        elif place in skipped:
            zeros += 1
    return _Counted(answered + zeros, answered_sum, left_out, zeros)


def _score(subscale: Subscale, counted: _Counted, max_missing: int | None, *, settled: bool) -> Score:
    items, rule = len(subscale.items), subscale.missing
    answered, answered_sum, left_out, skipped = counted
    missing = items - left_out - answered
    if settled:
        return _scored(subscale, 0, missing, answered, answered_sum)
    if missing > rule.limit(max_missing) or (answered == 0 and missing):
        return Score(None, False, missing, None, None, NoScoreReason.TOO_MANY_MISSING, answered, answered_sum)
    if answered == 0:
        return Score(None, False, missing, None, None, NoScoreReason.NOTHING_APPLIES, answered, answered_sum)
    prorated = missing > 0 and rule.method is not MissingMethod.ZERO
    if not subscale.is_whole:
        value: float = float(Fraction(items * answered_sum, answered) * subscale.unit)
    elif prorated:
        value = (2 * items * answered_sum + answered) // (2 * answered)
    else:
        value = answered_sum
    return _scored(subscale, value, missing, answered, answered_sum, prorated, skipped)


def _sum_of_parts(subscale: Subscale, parts: Sequence[Score]) -> Score:
    """Add scores up as they are; without one of them there is no sum."""
    missing, answered = sum(each.missing for each in parts), sum(each.answered for each in parts)
    answered_sum = sum(each.answered_sum for each in parts)
    values = [each.value for each in parts if each.value is not None]
    if len(values) < len(parts):
        return Score(None, False, missing, None, None, NoScoreReason.TOO_MANY_MISSING, answered, answered_sum)
    return _scored(subscale, sum(values), missing, answered, answered_sum, any(each.prorated for each in parts))


def _scored(
    subscale: Subscale,
    value: float,
    missing: int,
    answered: int,
    answered_sum: int,
    prorated: bool = False,
    skipped: int = 0,
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
        skipped,
    )


def screen(form: Form, answers: Answers) -> dict[str, str]:
    """Give what each screen of a form comes to.

    Parameters
    ----------
    form : Form
        What was answered.
    answers : Answers
        In the form's item order.

    Returns
    -------
    dict of str to str
        By the screen's key: an outcome's code, ``negative``, or ``undetermined`` where what was not answered could
        make a difference.

    Examples
    --------
    >>> from app.scales.catalogue import instrument
    >>> form = instrument("phq-9").form(None)
    >>> screen(form, read_answers(form, {"1": 2, "2": 2, "3": 3, "4": 2, "5": 0, "6": 0, "7": 0, "8": 0, "9": 1}))
    {'dsm': 'major_depressive_syndrome'}
    >>> screen(form, read_answers(form, {"1": 2, "2": 2, "3": 3, "4": 2, "5": 0, "6": 0, "7": 0, "8": 0}))
    {'dsm': 'undetermined'}
    """
    skipped = _skipped(form, answers)
    found: dict[str, str] = {}
    for each in form.screens:
        codes: dict[str, int | None] = {}
        blanks: dict[str, tuple[int, int]] = {}
        for number in each.items:
            place = form.position[number]
            item, code = form.items[place], 0 if place in skipped else answers.codes[place]
            if code is None:
                applying = [code for code in item.codes if item.points(code) is not None]
                blanks[number] = (applying[0], applying[-1])
            else:
                codes[number] = None if item.points(code) is None else code
        found[each.key] = each.outcome(codes, blanks)
    return found
