"""One question: what may be answered to it, what that counts for, and whether it asks for action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from app.scales.sources import Source, require, require_key

SUICIDAL_THOUGHTS = "suicidal_thoughts"
"""The kind of a critical item that asks about wishes to die or thoughts of self-harm."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that an item offers.

    Parameters
    ----------
    code : int
        The coded answer.
    topic : str
        Short topic in our own words, never the questionnaire's wording.
    loinc : str or None
        LOINC answer code; None where there is none.
    counts : int or None
        What the answer counts for in a score, points; None for the code itself.
    left_out : bool
        True for an answer that takes the item out of the score ("does not apply"): it counts neither as points nor
        as missing.
    """

    code: int
    topic: str
    loinc: str | None = None
    counts: int | None = None
    left_out: bool = False

    def __post_init__(self) -> None:
        require(not self.left_out or self.counts is None, "an answer that is left out counts for nothing")

    @property
    def points(self) -> int | None:
        """What the answer counts for in a score; None where it takes the item out of it."""
        return None if self.left_out else self.code if self.counts is None else self.counts


@dataclass(frozen=True, slots=True)
class ChoiceList:
    """The answers that one or several items offer.

    Parameters
    ----------
    key : str
        Name of the list within the instrument.
    choices : tuple of Choice
        In rising order of their codes, which need not be contiguous (0, 2, 4).
    source : Source
        Where the coding was seen.
    loinc : str or None
        LOINC answer list; None where there is none.
    line : bool
        True for a line from the first choice to the last, on which every code in between may be marked.
    per_point : int
        How many codes make one point: 10 for a line that is marked in tenths and answered as 7.3.

    Raises
    ------
    InstrumentDataError
        If there are fewer than two choices, or their codes do not rise.
    """

    key: str
    choices: tuple[Choice, ...]
    source: Source
    loinc: str | None = None
    line: bool = False
    per_point: int = 1
    codes: tuple[int, ...] = field(init=False, repr=False, compare=False)
    points: Mapping[int, int | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_key(self.key)
        codes = tuple(choice.code for choice in self.choices)
        counted = [choice.points for choice in self.choices if choice.points is not None]
        require(len(counted) >= 2, "a list of choices needs at least two choices that count")
        require(codes == tuple(sorted(set(codes))), "the codes of the choices must rise")
        require(counted == sorted(counted), "a higher code must not count for less")
        require(self.per_point >= 1, "a point must be at least one code")
        if self.line:
            require(
                len(codes) == 2 and all(choice.points == choice.code for choice in self.choices),
                "a line has two ends, which count for what they are",
            )
            codes = tuple(range(codes[0], codes[1] + 1))
        object.__setattr__(self, "codes", codes)
        points = {code: code for code in codes} if self.line else {each.code: each.points for each in self.choices}
        object.__setattr__(self, "points", MappingProxyType(points))

    def code(self, value: object) -> int | None:
        """Give the code that an answer stands for; None if it is none.

        1.0 is 1, but true and "1" are none, and nothing is rounded: 2.5 is a code of a line in tenths only.
        """
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if self.per_point == 1:
            return int(value) if value in self.points else None
        if not self.codes[0] <= value * self.per_point <= self.codes[-1]:
            return None
        code = round(value * self.per_point)
        return code if code / self.per_point == value else None

    def answer(self, code: int) -> float:
        """Give the answer that a code stands for, as it is sent."""
        return code if self.per_point == 1 else code / self.per_point

    @property
    def allowed(self) -> str:
        """What may be answered, in words: "0, 1 or 2", or "0.0 to 10.0 in steps of 0.1"."""
        if self.line:
            ends = f"{self.answer(self.codes[0])} to {self.answer(self.codes[-1])}"
            return f"{ends} in steps of {1 / self.per_point:g}"
        return either([str(code) for code in self.codes])


def either(words: Sequence[str]) -> str:
    """List what would have been accepted: "0, 1 or 2"."""
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


@dataclass(frozen=True, slots=True)
class Item:
    """One question.

    Parameters
    ----------
    number : str
        The item's name within the form, as printed on it.
    topic : str
        Short topic in our own words, never the questionnaire's wording.
    choices : ChoiceList
        What may be answered.
    source : Source
        Where the item's place, coding and LOINC code were seen.
    loinc : str or None
        LOINC code of the question; None where there is none.
    scored : bool
        False for an item that is stored and shown, but counted in no score.
    reversed : bool
        True if the lowest code counts as the highest and the other way round.

    Raises
    ------
    InstrumentDataError
        If the item has no number, or is reversed without being scored or without codes that mirror each other.
    """

    number: str
    topic: str
    choices: ChoiceList
    source: Source
    loinc: str | None = None
    scored: bool = True
    reversed: bool = False

    def __post_init__(self) -> None:
        require(bool(self.number.strip()), "an item needs a number")
        require(self.scored or not self.reversed, "an item that is not scored cannot be reversed")
        require(
            {self.points(code) for code in self.codes} == set(self.choices.points.values()),
            "an item can be reversed only if its points lie symmetrically",
        )

    @property
    def codes(self) -> tuple[int, ...]:
        """The codes that may be answered, rising."""
        return self.choices.codes

    @property
    def range(self) -> tuple[int, int]:
        """The fewest and the most points that the item gives."""
        counted = [points for points in self.choices.points.values() if points is not None]
        return counted[0], counted[-1]

    def points(self, code: int) -> int | None:
        """Give what a code counts for: its choice's points, or their mirror image in a reversed item.

        None where the answer takes the item out of the score.
        """
        points = self.choices.points[code]
        return sum(self.range) - points if self.reversed and points is not None else points


@dataclass(frozen=True, slots=True)
class CriticalItem:
    """An item whose answer asks for action, whatever the other answers say.

    Parameters
    ----------
    item : str
        Number of the item.
    threshold : int
        The lowest code, as answered, that is positive.
    kind : str
        What it is about, e.g. ``suicidal_thoughts``.
    source : Source
        Where the threshold was seen.
    under_age : int or None
        Only patients younger than this, in years, raise an alert by it: what an adult tells of a childhood is for the
        conversation. None for patients of any age.
    duties : tuple of str
        Codes of the legal duties that whoever reads a positive answer is to be reminded of.

    Raises
    ------
    InstrumentDataError
        If the age is not above 0.
    """

    item: str
    threshold: int
    kind: str
    source: Source
    under_age: int | None = None
    duties: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_key(self.kind)
        for duty in self.duties:
            require_key(duty)
        require(self.under_age is None or self.under_age > 0, "under_age must be above 0")
