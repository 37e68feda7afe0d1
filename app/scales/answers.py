"""What was answered: the answers of a body, read as those of a form.

Nothing here guesses. 0 is an answer, blank is blank, declined is declined, not shown is not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.errors import InvalidAnswer, InvalidInput, MalformedBody, UnknownItem
from app.scales.instrument import Form, Item
from app.scales.item import either


class ItemState(StrEnum):
    """What became of an item."""

    ANSWERED = "answered"
    BLANK = "blank"
    DECLINED = "declined"
    NOT_SHOWN = "not_shown"


def letters_of_states(states: Iterable[ItemState]) -> str:
    """Write item states as one letter each."""
    return "".join(state[0] for state in states)


_STATE_OF_LETTER = {state[0]: state for state in ItemState}


def states_of_letters(letters: str) -> tuple[ItemState, ...]:
    """Read item states that were written as one letter each."""
    return tuple(_STATE_OF_LETTER[letter] for letter in letters)


class SeveralValues(tuple[object, ...]):
    """The different values that came under one name, where there may be one: it is open which of them was meant."""

    __slots__ = ()


def each_value(given: object) -> Sequence[object]:
    """Give the values that came under a name: as a rule the one."""
    return given if isinstance(given, SeveralValues) else (given,)


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
        elif isinstance(value, SeveralValues):
            yield _more_than_once("answers", number, "answered")
        elif item.choices.code(value) is None:
            yield InvalidAnswer(
                f"item {item.number} has no such answer",
                pointer=_pointer("answers", number),
                allowed=item.choices.allowed,
            )


def _state_problems(
    form: Form, answers: Mapping[object, object], item_states: Mapping[object, object]
) -> Iterator[InvalidInput]:
    for number, value in item_states.items():
        item = _item(form, number)
        if item is None:
            yield _unknown_item(form, "item_states", number)
            continue
        if isinstance(value, SeveralValues):
            yield _more_than_once("item_states", number, "marked")
            continue
        pointer = _pointer("item_states", number)
        state = _state(value)
        if state is None:
            detail = f"item {item.number} has an item state that is not known"
            yield MalformedBody(detail, pointer=pointer, allowed=either(list(ItemState)))
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
    allowed = either([item.number for item in form.items])
    return UnknownItem("the form has no such item", pointer=_pointer(field, number), allowed=allowed)


def _more_than_once(field: str, number: object, done: str) -> InvalidAnswer:
    return InvalidAnswer(f"item {number} is {done} more than once, and differently", pointer=_pointer(field, number))


def _pointer(field: str, number: object) -> str:
    """Give the JSON pointer to a member of a field, escaped as RFC 6901 asks."""
    return f"/{field}/" + str(number).replace("~", "~0").replace("/", "~1")


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
    return without_problems(form, answers, item_states)


def without_problems(
    form: Form, answers: Mapping[str, object], item_states: Mapping[str, object] | None = None
) -> Answers:
    """Read answers in which :func:`problems` has found none, as :func:`read_answers` does."""
    marked = {} if item_states is None else item_states
    codes: list[int | None] = []
    states: list[ItemState] = []
    for item in form.items:
        if item.number in answers:
            codes.append(item.choices.code(answers[item.number]))
            states.append(ItemState.ANSWERED)
        else:
            codes.append(None)
            states.append(_state(marked.get(item.number)) or ItemState.BLANK)
    return Answers(tuple(codes), tuple(states))
