"""Answers to scores: reads what was answered, critical items first, and scores it exactly.

Nothing here guesses. 0 is an answer, blank is blank, declined is declined, not shown is not shown; a score that can't
be had is None with its reason. `read_critical` comes before everything else and never fails, so that no fault in the
rest of a body can hide an answer that asks for action.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from app.errors import InvalidAnswer, InvalidInput, MalformedBody, UnknownItem
from app.scales.instrument import CriticalItem, Form, Instrument, Item, Subscale


class ItemState(StrEnum):
    """What became of an item."""

    ANSWERED = "answered"
    BLANK = "blank"
    DECLINED = "declined"
    NOT_SHOWN = "not_shown"


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
class Answers:
    """The answers to one form, in the form's item order.

    Parameters
    ----------
    codes : tuple of int or None
        The code answered; None where the item was not answered.
    states : tuple of ItemState
        What became of each item.

    Raises
    ------
    InvalidAnswer
        If the two are not equally long, or an item has a code without being answered or the other way round.
    """

    codes: tuple[int | None, ...]
    states: tuple[ItemState, ...]

    def __post_init__(self) -> None:
        if len(self.codes) != len(self.states):
            raise InvalidAnswer("there must be as many item states as answers")
        for code, state in zip(self.codes, self.states, strict=True):
            if (code is None) is (state is ItemState.ANSWERED):
                raise InvalidAnswer("an item has a code if, and only if, its state is answered")


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
        ``unreadable`` where its value is no code of the item or the answers are no mapping.

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
    if not isinstance(answers, Mapping):
        return CriticalAnswer(critical.item, critical.kind, CriticalStatus.UNREADABLE, None)
    value = answers.get(critical.item)
    if value is None:
        return CriticalAnswer(critical.item, critical.kind, CriticalStatus.NOT_ANSWERED, None)
    code = _code(form.items[form.position[critical.item]], value)
    if code is None:
        return CriticalAnswer(critical.item, critical.kind, CriticalStatus.UNREADABLE, None)
    return _critical_answer(critical, code)


def _critical_answer(critical: CriticalItem, code: int | None) -> CriticalAnswer:
    if code is None:
        status = CriticalStatus.NOT_ANSWERED
    else:
        status = CriticalStatus.POSITIVE if code >= critical.threshold else CriticalStatus.NEGATIVE
    return CriticalAnswer(critical.item, critical.kind, status, code)


def _code(item: Item, value: object) -> int | None:
    """Give the code that a value stands for: 1.0 is 1, but true, "1" and 2.5 are none; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value not in item.codes:
        return None
    return int(value)


def problems(form: Form, answers: object, item_states: object = None) -> tuple[InvalidInput, ...]:
    """List everything that keeps answers from being read as a form's.

    Parameters
    ----------
    form : Form
        What was answered.
    answers : object
        Item number to code, as it came in.
    item_states : object
        Item number to item state, as it came in; None for none.

    Returns
    -------
    tuple of InvalidInput
        Empty if all is well: `UnknownItem`, `InvalidAnswer` or `MalformedBody`, each with a pointer; none of them
        carries an answer.
    """
    found: list[InvalidInput] = []
    if isinstance(answers, Mapping):
        found += _answer_problems(form, answers)
    else:
        found.append(MalformedBody("answers must be an object of item numbers and codes", pointer="/answers"))
    if isinstance(item_states, Mapping):
        found += _state_problems(form, answers if isinstance(answers, Mapping) else {}, item_states)
    elif item_states is not None:
        found.append(MalformedBody("item_states must be an object of item numbers and states", pointer="/item_states"))
    return tuple(found)


def _answer_problems(form: Form, answers: Mapping[object, object]) -> Iterator[InvalidInput]:
    for number, value in answers.items():
        item = _item(form, number)
        if item is None:
            yield _unknown_item(form, "answers", number)
        elif _code(item, value) is None:
            yield InvalidAnswer(
                f"item {item.number} has no such answer",
                pointer=_pointer("answers", number),
                allowed=_either([str(code) for code in item.codes]),
            )


def _state_problems(
    form: Form, answers: Mapping[object, object], item_states: Mapping[object, object]
) -> Iterator[InvalidInput]:
    for number, value in item_states.items():
        item = _item(form, number)
        if item is None:
            yield _unknown_item(form, "item_states", number)
            continue
        pointer = _pointer("item_states", number)
        state = _state(value)
        if state is None:
            detail = f"item {item.number} has an item state that is not known"
            yield MalformedBody(detail, pointer=pointer, allowed=_either(list(ItemState)))
        elif item.number in answers and state is not ItemState.ANSWERED:
            yield InvalidAnswer(f"item {item.number} has an answer, but is marked {state}", pointer=pointer)
        elif item.number not in answers and state is ItemState.ANSWERED:
            yield InvalidAnswer(f"item {item.number} is marked answered, but has no answer", pointer=pointer)


def _item(form: Form, number: object) -> Item | None:
    place = form.position.get(number) if isinstance(number, str) else None
    return None if place is None else form.items[place]


def _state(value: object) -> ItemState | None:
    return next((state for state in ItemState if isinstance(value, str) and state == value), None)


def _unknown_item(form: Form, field: str, number: object) -> UnknownItem:
    allowed = _either([item.number for item in form.items])
    return UnknownItem("the form has no such item", pointer=_pointer(field, number), allowed=allowed)


def _pointer(field: str, number: object) -> str:
    """Give the JSON pointer to a member of a field, escaped as RFC 6901 asks."""
    return f"/{field}/" + str(number).replace("~", "~0").replace("/", "~1")


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


def read_answers(form: Form, answers: Mapping[str, object], item_states: Mapping[str, object] | None = None) -> Answers:
    """Read answers as a form's; an item that neither mapping names is blank.

    Parameters
    ----------
    form : Form
        What was answered.
    answers : mapping of str to object
        Item number to code; 1.0 is 1, but true, "1", 2.5, null and not-a-number are no codes.
    item_states : mapping of str to object, optional
        Item number to item state, for items that were not answered.

    Returns
    -------
    Answers
        In the form's item order.

    Raises
    ------
    UnknownItem
        If the form has no such item.
    InvalidAnswer
        If an item has no such code, or its state contradicts its answer.
    MalformedBody
        If a state is not known, or one of the mappings is none.

    Examples
    --------
    >>> from app.scales.catalogue import instrument
    >>> form = instrument("gad-7").form(None)
    >>> read_answers(form, {"1": 3, "2": 0}, {"3": "declined"}).codes
    (3, 0, None, None, None, None, None, None)
    """
    found = problems(form, answers, item_states)
    if found:
        raise found[0]
    marked = {} if item_states is None else item_states
    codes: list[int | None] = []
    states: list[ItemState] = []
    for item in form.items:
        if item.number in answers:
            codes.append(_code(item, answers[item.number]))
            states.append(ItemState.ANSWERED)
        else:
            codes.append(None)
            states.append(_state(marked.get(item.number)) or ItemState.BLANK)
    return Answers(tuple(codes), tuple(states))


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
            raise InvalidAnswer(f"item {item.number} has no such answer", allowed=_either(list(map(str, points))))
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
