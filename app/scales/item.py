"""One question: what may be answered to it, what that counts for, and whether it asks for action."""

from __future__ import annotations

from collections.abc import Mapping
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
    """

    code: int
    topic: str
    loinc: str | None = None
    counts: int | None = None

    @property
    def points(self) -> int:
        """What the answer counts for in a score."""
        return self.code if self.counts is None else self.counts


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

    Raises
    ------
    InstrumentDataError
        If there are fewer than two choices, or their codes do not rise.
    """

    key: str
    choices: tuple[Choice, ...]
    source: Source
    loinc: str | None = None
    codes: tuple[int, ...] = field(init=False, repr=False, compare=False)
    points: Mapping[int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_key(self.key)
        codes = tuple(choice.code for choice in self.choices)
        points = tuple(choice.points for choice in self.choices)
        require(len(codes) >= 2, "a list of choices needs at least two choices")
        require(codes == tuple(sorted(set(codes))), "the codes of the choices must rise")
        require(points == tuple(sorted(points)), "a higher code must not count for less")
        object.__setattr__(self, "codes", codes)
        object.__setattr__(self, "points", MappingProxyType(dict(zip(codes, points, strict=True))))


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
        counted = set(self.choices.points.values())
        require(
            {self.points(code) for code in self.codes} == counted,
            "an item can be reversed only if its points lie symmetrically",
        )

    @property
    def codes(self) -> tuple[int, ...]:
        """The codes that may be answered, rising."""
        return self.choices.codes

    @property
    def range(self) -> tuple[int, int]:
        """The fewest and the most points that the item gives."""
        return self.choices.choices[0].points, self.choices.choices[-1].points

    def points(self, code: int) -> int:
        """Give what a code counts for: its choice's points, or their mirror image in a reversed item."""
        points = self.choices.points[code]
        return sum(self.range) - points if self.reversed else points


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
    """

    item: str
    threshold: int
    kind: str
    source: Source

    def __post_init__(self) -> None:
        require_key(self.kind)
