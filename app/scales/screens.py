"""Diagnostic screens: published rules that count symptoms, as data.

A screen never guesses. What was not answered is tried at both ends: if the outcome is the same whether it counts as the
lowest or as the highest answer, it is the same whatever was meant, since a screen's rules all point one way; otherwise
the screen is undetermined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from app.scales.item import Item
from app.scales.sources import Source, require, require_key, require_unique

NEGATIVE = "negative"
UNDETERMINED = "undetermined"

Codes = Mapping[str, int | None]
"""Item number to the code answered; None where the answer takes the item out ("does not apply")."""


@dataclass(frozen=True, slots=True)
class Sign:
    """When an item's answer counts as a symptom: from a code on, or down from one.

    Parameters
    ----------
    item : str
        Number of the item.
    at_least, at_most : int or None
        The first and the last code, as answered, that count; exactly one of them is given.
    """

    item: str
    at_least: int | None = None
    at_most: int | None = None

    def __post_init__(self) -> None:
        require((self.at_least is None) is not (self.at_most is None), "a sign has at_least or at_most, and not both")

    def shown(self, code: int | None) -> bool:
        """Tell whether a code shows the sign."""
        if code is None:
            return False
        if self.at_least is not None:
            return code >= self.at_least
        assert self.at_most is not None, "a sign has one of the two"
        return code <= self.at_most


@dataclass(frozen=True, slots=True)
class Count:
    """A requirement: so many of some signs are shown.

    Parameters
    ----------
    count : int
        The least number of them.
    signs : tuple of Sign
        Of which items, and from which answer on.
    """

    count: int
    signs: tuple[Sign, ...]

    def __post_init__(self) -> None:
        require(1 <= self.count <= len(self.signs), "a screen must ask for at least one and at most all of its signs")
        require_unique((sign.item for sign in self.signs), "item of a count")

    def met(self, codes: Codes) -> bool:
        """Tell whether so many are shown."""
        return sum(sign.shown(codes[sign.item]) for sign in self.signs) >= self.count


@dataclass(frozen=True, slots=True)
class MeanAbove:
    """A requirement: the mean of those of some items that apply lies above a limit.

    Parameters
    ----------
    limit : Fraction
        Points; the limit itself is not above it.
    items : tuple of str
        Numbers of the items.
    """

    limit: Fraction
    items: tuple[str, ...]

    def met(self, codes: Codes) -> bool:
        """Tell whether it does; of nothing there is no mean, and none above a limit."""
        applying = [code for number in self.items if (code := codes[number]) is not None]
        return sum(applying) > self.limit * len(applying)


Requirement = Count | MeanAbove


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a screen may come to.

    Parameters
    ----------
    code : str
        Code of its name; texts turn it into words.
    requirements : tuple of Requirement
        What it takes.
    any_of_them : bool
        True if one of them is enough; False if it takes all.
    """

    code: str
    requirements: tuple[Requirement, ...]
    any_of_them: bool = False

    def __post_init__(self) -> None:
        require_key(self.code)
        require(self.code not in (NEGATIVE, UNDETERMINED), f"{self.code} is what a screen comes to by itself")
        require(bool(self.requirements), "an outcome of a screen needs at least one requirement")

    def reached(self, codes: Codes) -> bool:
        """Tell whether the requirements are met."""
        enough: Callable[[Sequence[bool]], bool] = any if self.any_of_them else all
        return enough([each.met(codes) for each in self.requirements])


@dataclass(frozen=True, slots=True)
class Screen:
    """A published rule by which answers hint at a diagnosis, or ask for a conversation.

    Parameters
    ----------
    key : str
        Name of the screen within the form.
    outcomes : tuple of Outcome
        In the order in which they are tried: the first that is reached is the screen's. None of them: negative.
    source : Source
        Where the rule was seen.

    Raises
    ------
    InstrumentDataError
        If outcomes have the same name, or signs point both ways: then blanks could not be tried at their ends.
    """

    key: str
    outcomes: tuple[Outcome, ...]
    source: Source

    def __post_init__(self) -> None:
        require_key(self.key)
        require(bool(self.outcomes), "a screen needs at least one outcome")
        require_unique((outcome.code for outcome in self.outcomes), "outcome of a screen")
        signs = [sign for each in self._requirements if isinstance(each, Count) for sign in each.signs]
        means = any(isinstance(each, MeanAbove) for each in self._requirements)
        upwards = any(sign.at_least is not None for sign in signs) or means
        downwards = any(sign.at_most is not None for sign in signs)
        require(upwards is not downwards, "all signs of a screen must point the same way")

    @property
    def _requirements(self) -> list[Requirement]:
        return [each for outcome in self.outcomes for each in outcome.requirements]

    @property
    def items(self) -> tuple[str, ...]:
        """Numbers of the items that the screen looks at, each once."""
        found: list[str] = []
        for each in self._requirements:
            found += each.items if isinstance(each, MeanAbove) else [sign.item for sign in each.signs]
        return tuple(dict.fromkeys(found))

    def check(self, items: Mapping[str, Item]) -> None:
        """Require that a form's items are what the screen takes them for.

        Raises
        ------
        InstrumentDataError
            If the screen names an item or a code that the form does not have.
        """
        for number in self.items:
            require(number in items, f"the form has no item {number}, which screen {self.key} looks at")
        for each in self._requirements:
            for sign in each.signs if isinstance(each, Count) else ():
                code = sign.at_least if sign.at_least is not None else sign.at_most
                known = code in items[sign.item].codes
                require(known, f"item {sign.item} has no code {code}, as screen {self.key} says")

    def outcome(self, codes: Codes, blanks: Mapping[str, tuple[int, int]]) -> str:
        """Give what the screen comes to.

        Parameters
        ----------
        codes : mapping of str to int or None
            Of the items that were answered; None for an answer that takes the item out.
        blanks : mapping of str to (int, int)
            The lowest and the highest code of the items that were not.

        Returns
        -------
        str
            Code of an outcome, ``negative`` or ``undetermined``.
        """
        lowest = self._outcome({**codes, **{number: low for number, (low, _) in blanks.items()}})
        highest = self._outcome({**codes, **{number: high for number, (_, high) in blanks.items()}})
        return lowest if lowest == highest else UNDETERMINED

    def _outcome(self, codes: Codes) -> str:
        return next((each.code for each in self.outcomes if each.reached(codes)), NEGATIVE)
