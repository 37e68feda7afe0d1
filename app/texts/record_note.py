"""The words of the note for the patient record."""

from __future__ import annotations

from datetime import date
from typing import Final

from app.reports.record_note import Sentence, Shown, Words
from app.texts.catalogue import say
from app.texts.dates import written_day

_DECIMAL_COMMA: Final = frozenset({"nb", "nn"})


def in_words(sentence: Sentence, language: str) -> str:
    """Put a sentence of the note, or a clause of one, into a language.

    Examples
    --------
    >>> in_words(Sentence("goals", {"set": 3, "reached": 1}), "nn")
    'nådde mål: 1 av 3'
    """
    shown = {name: _shown(name, value, language) for name, value in sentence.evidence.items()}
    return say(f"record_note.{sentence.code}", language, shown)


def _shown(name: str, value: Shown, language: str) -> str | float:
    if isinstance(value, Words):
        words = say(value.key, language)
        return words if value.as_it_is else words[0].lower() + words[1:]
    if isinstance(value, tuple):
        return "; ".join(in_words(each, language) for each in value)
    if isinstance(value, date):
        return written_day(value, language)
    if name == "coefficient":  # two decimals: one would make nonsense of it
        text = f"{value:.2f}"
        return text.replace(".", ",") if language in _DECIMAL_COMMA else text
    return value
