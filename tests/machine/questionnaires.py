"""PHQ-9 and GAD-7 by hand: what the slow model knows of them, from the published scoring, not from the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import floor
from typing import Any

from app.scales.change import ChangeCriteria
from tests.trajectories.factories import GAD_7, PHQ_9

CODES = (0, 1, 2, 3)
PRORATED_AT_MOST = 2
"""Unanswered items that are still scaled up: methods, A1."""
YOUNGEST = 12
"""Age in years from which the two are used."""


@dataclass(frozen=True)
class Questionnaire:
    """One of the two; items are numbered from 1, and the first `scored` of them are summed."""

    items: int
    scored: int
    bands: tuple[tuple[int, str], ...]
    criteria: ChangeCriteria

    def number(self, position: int) -> str:
        return str(position + 1)

    @property
    def numbers(self) -> list[str]:
        return [self.number(position) for position in range(self.items)]


QUESTIONNAIRES: Mapping[str, Questionnaire] = {
    # Kroenke, Spitzer & Williams 2001; item 10, on daily life, is not scored.
    "phq-9": Questionnaire(
        10, 9, ((0, "none_minimal"), (5, "mild"), (10, "moderate"), (15, "moderately_severe"), (20, "severe")), PHQ_9
    ),
    # Spitzer et al. 2006; item 8, on daily life, is not scored.
    "gad-7": Questionnaire(8, 7, ((0, "minimal"), (5, "mild"), (10, "moderate"), (15, "severe")), GAD_7),
}
CRITICAL_ITEM = {"phq-9": "9"}


@dataclass(frozen=True)
class Total:
    """A total as it has to be shown; without a value where too many items were not answered."""

    value: int | None
    missing: int
    band: str | None
    is_case: bool | None


def total_of(instrument: str, codes: Sequence[int | None], at_most: int) -> Total:
    """Sum the answered items, scaled up to all of them and rounded half up where a few are missing."""
    asked = QUESTIONNAIRES[instrument]
    answered = [code for code in codes[: asked.scored] if code is not None]
    missing = asked.scored - len(answered)
    if missing > at_most:
        return Total(None, missing, None, None)
    value = floor(Fraction(sum(answered) * asked.scored, len(answered)) + Fraction(1, 2))
    band = [name for lowest, name in asked.bands if lowest <= value][-1]
    cutoff = asked.criteria.cutoff
    assert cutoff is not None
    return Total(value, missing, band, value >= cutoff)


def too_young(birth_month: datetime, completed_at: datetime) -> bool:
    """Tell whether somebody was surely too young; in the month of the birthday they may have been old enough."""
    months = (completed_at.year - birth_month.year) * 12 + completed_at.month - birth_month.month
    return months < 12 * YOUNGEST


def answers(
    instrument: str, total: int, *, item_9: int = 0, first: int = 0, blank: Iterable[int] = ()
) -> dict[str, int]:
    """Answer a form so that its total would be this, were no item left blank; the points begin at item `first`."""
    asked = QUESTIONNAIRES[instrument]
    plain = asked.scored - (instrument in CRITICAL_ITEM)
    left = min(total, 3 * plain)
    given = {}
    for step in range(plain):
        position = (first + step) % plain
        given[asked.number(position)] = min(3, left)
        left -= given[asked.number(position)]
    if instrument in CRITICAL_ITEM:
        given[CRITICAL_ITEM[instrument]] = item_9
    return {number: code for number, code in given.items() if int(number) - 1 not in set(blank)}


def readable_code(value: object) -> bool:
    """Tell whether an answer is one: 1.0 is 1; true, "1" and 9 are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value in CODES


def critical_answer(instrument: str, given: Mapping[str, Any]) -> tuple[str, int | None]:
    """Say what the critical item says: its status and its code."""
    value = given.get(CRITICAL_ITEM[instrument])
    if value is None:
        return "not_answered", None
    if not readable_code(value):
        return "unreadable", None
    return ("positive" if value >= 1 else "negative"), int(value)
