"""What every figure comes with: where it was seen, and how well that supports it."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from app.errors import InstrumentDataError

_KEY = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")


def require(condition: bool, rule: str) -> None:
    """Raise the rule that an instrument breaks, if it does."""
    if not condition:
        raise InstrumentDataError(rule)


def is_key(text: str) -> bool:
    """Tell whether a text is written as keys are."""
    return _KEY.fullmatch(text) is not None


def require_key(key: str) -> None:
    """Require that a key is written as keys are."""
    require(is_key(key), "a key is written in lower case letters, digits and single . _ or -")


def require_unique(keys: Iterable[Hashable], what: str) -> None:
    """Require that no key occurs twice."""
    listed = list(keys)
    require(len(listed) == len(set(listed)), f"each {what} may occur only once")


class Confidence(StrEnum):
    """How well a fact was found to be supported when it was looked up."""

    A = "A"
    """Two or more independent sources, agreeing."""
    A_MINUS = "A-"
    """One source, agreeing with background knowledge."""
    B = "B"
    """One source."""
    UNVERIFIED = "UNVERIFIED"
    """Background knowledge or common practice only; to be confirmed before anything important rests on it."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a figure comes from, and how well it is supported.

    Parameters
    ----------
    text : str
        Author, year and place, or the pages and programs that were seen.
    confidence : Confidence
        How well the figure is supported by them.
    """

    text: str
    confidence: Confidence

    def __post_init__(self) -> None:
        require(bool(self.text.strip()), "a source needs a text")
