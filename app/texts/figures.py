"""The figures of a report as a language writes them, the same in every format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Final

from app.reports.document import Cell, Kind, Withheld
from app.texts.catalogue import is_known, say

_COMMA: Final = frozenset({"nb", "nn"})
_RANGE: Final = re.compile(r"(\d+)-(\d+)")
_MINUS: Final = "\N{MINUS SIGN}"
_DASH: Final = "\N{EN DASH}"
_FIXED: Final = "\N{NO-BREAK SPACE}"

_DECIMALS: Final[Mapping[Kind, int]] = MappingProxyType(
    {Kind.COUNT: 0, Kind.POINTS: 1, Kind.EFFECT: 2, Kind.DAYS: 1, Kind.SESSIONS: 1, Kind.NUMBER: 2}
)
_WHOLE_IF_IT_IS: Final = frozenset({Kind.DAYS, Kind.SESSIONS, Kind.NUMBER})
"""Whose decimals are left out where there are none: 14 days, and 17.5."""

_PERCENT: Final = MappingProxyType({"nb": f"{_FIXED}%", "nn": f"{_FIXED}%", "en": "%"})
_PERCENTAGE_POINTS: Final = MappingProxyType({"nb": " prosentpoeng", "nn": " prosentpoeng", "en": " percentage points"})
_OF: Final = MappingProxyType({"nb": "av", "nn": "av", "en": "of"})
_TO: Final = MappingProxyType({"nb": "til", "nn": "til", "en": "to"})


def written_value(cell: Cell, kind: Kind, language: str, *, is_difference: bool = False) -> str:
    """Write the value of a cell, or say why there is none.

    Parameters
    ----------
    cell : Cell
        What is told.
    kind : Kind
        What the figures of its column are.
    language : str
        One of `nb`, `nn`, `en`.
    is_difference : bool
        Whether it is a difference: it then has its sign, and one between shares is in percentage points.

    Returns
    -------
    str
        Shares are whole per cent, and have a decimal where they would otherwise read as none or all.

    Examples
    --------
    >>> written_value(Cell(0.58, 0.48, 0.67, 100), Kind.SHARE, "en"), written_value(Cell(1250000), Kind.COUNT, "en")
    ('58%', '1,250,000')
    >>> written_value(Cell(2.25), Kind.POINTS, "nb", is_difference=True)
    '+2,3'
    """
    if cell.withheld is not None:
        return withheld_word(cell.withheld, language)
    assert cell.value is not None, "a cell holds a value, or says why there is none"
    if isinstance(cell.value, str):
        return code_word(cell.value, language) if kind is Kind.CODE else cell.value
    number = _number(cell.value, kind, language)
    signed = f"+{number}" if is_difference and number.strip("0.,") and cell.value > 0 else number
    return signed + _unit(kind, language, is_difference=is_difference)


def written_interval(cell: Cell, kind: Kind, language: str, *, is_difference: bool = False) -> str:
    """Write the interval of a cell; nothing where it has none.

    Parameters
    ----------
    cell, kind, language, is_difference
        As for :func:`written_value`.

    Returns
    -------
    str
        Both ends, with a dash between them, or a word where one is below zero.

    Examples
    --------
    >>> written_interval(Cell(0.58, 0.48, 0.67, 100), Kind.SHARE, "en")
    '48\u201367%'
    >>> written_interval(Cell(-0.5, -1.5, 0.5), Kind.POINTS, "nb")
    '\u22121,5 til 0,5'
    """
    if cell.low is None or cell.high is None:
        return ""
    low, high = (_number(each, kind, language) for each in (cell.low, cell.high))
    between = f" {_TO[language]} " if cell.low < 0 else _DASH
    return f"{low}{between}{high}{_unit(kind, language, is_difference=is_difference)}"


def written_denominator(cell: Cell, language: str) -> str:
    """Write of how many a figure is a share or a mean; nothing where it has none.

    Examples
    --------
    >>> written_denominator(Cell(0.58, of=1240), "en")
    'of 1,240'
    """
    return "" if cell.of is None else f"{_OF[language]} {_number(cell.of, Kind.COUNT, language)}"


def written_whole(cell: Cell, kind: Kind, language: str, *, is_difference: bool = False) -> str:
    """Write a cell in one line: value, interval and denominator.

    Examples
    --------
    >>> written_whole(Cell(0.58, 0.48, 0.67, 100), Kind.SHARE, "en")
    '58% (48\u201367%) of 100'
    >>> written_whole(Cell(withheld=Withheld.UNKNOWN), Kind.SHARE, "en")
    'Unknown'
    """
    interval = written_interval(cell, kind, language, is_difference=is_difference)
    parts = (
        written_value(cell, kind, language, is_difference=is_difference),
        f"({interval})" if interval else "",
        written_denominator(cell, language),
    )
    return " ".join(filter(None, parts))


def withheld_word(reason: Withheld, language: str) -> str:
    """Say why a cell shows nothing.

    Examples
    --------
    >>> withheld_word(Withheld.SMALL_NUMBER, "en")
    'Hidden: few people'
    """
    return say(f"report.withheld.{reason}", language)


def code_word(code: str, language: str) -> str:
    """Give the words of a code of ours; the code itself where another version of the program knew it.

    Examples
    --------
    >>> code_word("comparable", "en"), code_word("of_long_ago", "en")
    ('Yes', 'Of long ago')
    """
    return say(f"report.code.{code}", language) if is_known(f"report.code.{code}") else plain(code)


def plain(key: str) -> str:
    """Make a name of a key that has no words.

    Examples
    --------
    >>> plain("of_long_ago"), plain("18-29"), plain("7-7")
    ('Of long ago', '18\u201329', '7')
    """
    return ranged(key[:1].upper() + key[1:].replace("_", " "))


def ranged(text: str) -> str:
    """Write a range of years, ages or sessions with the dash that ranges have; leave any other text as it is."""
    found = _RANGE.fullmatch(text)
    if found is None:
        return text
    first, last = found.groups()
    return first if first == last else f"{first}{_DASH}{last}"


def _unit(kind: Kind, language: str, *, is_difference: bool) -> str:
    if kind is not Kind.SHARE:
        return ""
    return (_PERCENTAGE_POINTS if is_difference else _PERCENT)[language]


def _number(value: float, kind: Kind, language: str) -> str:
    number = Decimal(str(value))
    if kind is Kind.SHARE:
        reads_as_an_end = number not in {0, 1} and (100 * abs(number)).quantize(Decimal(1), ROUND_HALF_UP) in {0, 100}
        return _rounded(100 * number, int(reads_as_an_end), language)
    decimals = 0 if kind in _WHOLE_IF_IT_IS and number == number.to_integral_value() else _DECIMALS[kind]
    return _rounded(number, decimals, language)


def _rounded(number: Decimal, decimals: int, language: str) -> str:
    rounded = number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    digits = f"{abs(rounded):,}"
    if language in _COMMA:
        digits = digits.translate({ord(","): _FIXED, ord("."): ","})
    return f"{_MINUS}{digits}" if rounded < 0 else digits
