"""Turns codes and their evidence into sentences, and tells which language a reader wants.

The core says what is the case in codes and numbers; `messages.toml` holds the one sentence for each code in each
language. A template says which figures of the evidence it shows, and which of them are probabilities.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

LANGUAGES = ("nb", "nn", "en")
"""Bokmål, nynorsk and English, as in BCP 47."""

_LANGUAGE_OF_TAG: Mapping[str, str] = MappingProxyType({"no": "nb", **{each: each for each in LANGUAGES}})
"""By primary subtag; `no`, which means either written form, is read as bokmål."""

_DECIMAL_COMMA = frozenset({"nb", "nn"})
_MINUS = "\N{MINUS SIGN}"
_TENTH, _WHOLE = Decimal("0.1"), Decimal(1)
_ONE_PERCENT = Decimal("0.01")

_LANGUAGE_RANGE = re.compile(
    r"[ \t]*(?P<range>[a-z]{1,8}(?:-[a-z0-9]{1,8})*|\*)"
    r"[ \t]*(?:;[ \t]*q=(?P<quality>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?",
    re.ASCII | re.IGNORECASE,
)
"""One element of Accept-Language (RFC 9110, 12.4.2 and 12.5.4; RFC 4647, 2.1)."""


def say(key: str, language: str, evidence: Mapping[str, object] | None = None) -> str:
    """Give the sentence for a code.

    Parameters
    ----------
    key : str
        Kind of code, dot, code: ``signal.red``, ``reason.above_band``, ``problem.not-found``.
    language : str
        One of `nb`, `nn`, `en`.
    evidence : mapping of str to object, optional
        Texts and numbers, by name; what the sentence does not use is ignored.

    Returns
    -------
    str
        One or two sentences, or a short name. Numbers have at most one decimal, with a comma in Norwegian;
        probabilities are whole percent, and never 0 or 100.

    Raises
    ------
    KeyError
        If there is no such message or language, or the evidence lacks a figure that the sentence shows: a mistake
        of ours.

    Examples
    --------
    >>> say("band.moderate", "nn")
    'Moderate plager'
    >>> say("reason.started_below_cutoff", "en", {"baseline": 7.0, "cutoff": 10})
    'The baseline score of 7 lay outside the clinical range (cut-off 10), so there is little room for change.'
    """
    template = _messages()[key][language]
    return template.format_map({name: _Figure(value, language) for name, value in (evidence or {}).items()})


def say_of(subject: str, key: str, language: str, evidence: Mapping[str, object] | None = None) -> str:
    """Give the sentence for a code as it is said of a subject, or else as it is said of everything.

    Parameters
    ----------
    subject : str
        Of what it is said, as ``few_occasions``; empty for nothing special.
    key, language, evidence
        As for :func:`say`.

    Returns
    -------
    str
        The words.

    Examples
    --------
    >>> say_of("few_occasions", "verdict_word.as_expected", "en"), say_of("", "verdict_word.as_expected", "en")
    ('Green: reliable improvement', 'Green: as expected')
    """
    own = f"{subject}.{key}"
    return say(own if own in _messages() else key, language, evidence)


def is_known(key: str) -> bool:
    """Tell whether there is a message of this key, for codes that were kept by another version of the program.

    Examples
    --------
    >>> is_known("signal.red"), is_known("signal.purple")
    (True, False)
    """
    return key in _messages()


def figure(value: float, language: str) -> str:
    """Write a number as the sentences do: with at most one decimal, after a comma in Norwegian.

    Examples
    --------
    >>> figure(3.75, "nb"), figure(12.0, "en")
    ('3,8', '12')
    """
    return f"{_Figure(value, language)}"


def negotiate(accept_language: str | None, default: str) -> str:
    """Tell which language a reader wants. Never raises.

    Parameters
    ----------
    accept_language : str or None
        Value of the header field Accept-Language, if there is one.
    default : str
        The language where the reader wants none of ours, or any.

    Returns
    -------
    str
        One of `nb`, `nn`, `en`, or the default.

    Notes
    -----
    RFC 9110, sections 12.4.2 and 12.5.4: the highest quality wins, 0 means *not acceptable*, and ``*`` stands for
    what is not named. Equal qualities are taken in the header's order, as browsers mean them. Regions are not told
    apart, and an element that is malformed is passed over.

    Examples
    --------
    >>> negotiate("da, nn-NO;q=0.8, en;q=0.5", "nb")
    'nn'
    """
    named: dict[str, float] = {}
    anything = 0.0
    for element in (accept_language or "").split(","):
        match = _LANGUAGE_RANGE.fullmatch(element)
        if match is None:
            continue
        quality = float(match["quality"] or 1)
        language = _LANGUAGE_OF_TAG.get(match["range"].partition("-")[0].lower())
        if match["range"] == "*":
            anything = max(anything, quality)
        elif language is not None:
            named[language] = max(named.get(language, 0.0), quality)
    unnamed = {each: anything for each in (default, *LANGUAGES) if each not in named}
    qualities = named | unnamed
    best = max(qualities, key=qualities.__getitem__)
    return best if qualities[best] > 0 else default


@dataclass(frozen=True, slots=True)
class _Figure:
    """A value of the evidence, as a language writes it: ``{score}`` a number, ``{probability:%}`` a probability."""

    value: object
    language: str

    def __format__(self, spec: str) -> str:
        if isinstance(self.value, str):
            return self.value
        number = Decimal(str(self.value))
        return self._percent(number) if spec == "%" else self._number(number)

    def _number(self, number: Decimal) -> str:
        rounded = number.quantize(_TENTH, ROUND_HALF_UP)
        digits = f"{abs(rounded)}".removesuffix(".0")
        if self.language in _DECIMAL_COMMA:
            digits = digits.replace(".", ",")
        return f"{_MINUS}{digits}" if rounded < 0 else digits

    def _percent(self, probability: Decimal) -> str:
        """Write a probability; nobody is certain, so the ends are left open."""
        assert 0 <= probability <= 1, "a probability lies between 0 and 1"
        sign = " %" if self.language in _DECIMAL_COMMA else "%"
        if probability < _ONE_PERCENT:
            return f"under 1{sign}"
        if probability > 1 - _ONE_PERCENT:
            return f"over 99{sign}"
        return f"{(100 * probability).quantize(_WHOLE, ROUND_HALF_UP)}{sign}"


@cache
def _messages() -> Mapping[str, Mapping[str, str]]:
    """Read the catalogue once: template by key and language."""
    content = files("app.texts").joinpath("messages.toml").read_text(encoding="utf-8")
    return MappingProxyType(dict(_flat(tomllib.loads(content))))


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, str]]]:
    """Give the messages of a table and its subtables; a table that holds the languages is a message."""
    for name, content in table.items():
        if LANGUAGES[0] in content:
            yield f"{prefix}{name}", content
        else:
            yield from _flat(content, f"{prefix}{name}.")
