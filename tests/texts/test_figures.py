"""Figures as a language writes them. Expected values: typed by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reports.document import Cell, Kind, Withheld
from app.texts.catalogue import LANGUAGES
from app.texts.figures import (
    code_word,
    plain,
    withheld_word,
    written_denominator,
    written_interval,
    written_value,
    written_whole,
)

N = "\N{NO-BREAK SPACE}"
DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "kind", "norwegian", "english"),
    [
        (0, Kind.COUNT, "0", "0"),
        (999, Kind.COUNT, "999", "999"),
        (1250000, Kind.COUNT, f"1{N}250{N}000", "1,250,000"),
        (0.58, Kind.SHARE, f"58{N}%", "58%"),
        (0.585, Kind.SHARE, f"59{N}%", "59%"),
        (0, Kind.SHARE, f"0{N}%", "0%"),
        (1.0, Kind.SHARE, f"100{N}%", "100%"),
        # What is not none does not read as none, nor as all.
        (0.004, Kind.SHARE, f"0,4{N}%", "0.4%"),
        (0.006, Kind.SHARE, f"1{N}%", "1%"),
        (0.996, Kind.SHARE, f"99,6{N}%", "99.6%"),
        (0.994, Kind.SHARE, f"99{N}%", "99%"),
        (5.25, Kind.POINTS, "5,3", "5.3"),
        (6, Kind.POINTS, "6,0", "6.0"),
        (-0.04, Kind.POINTS, "0,0", "0.0"),
        (-1.25, Kind.POINTS, f"{MINUS}1,3", f"{MINUS}1.3"),
        (0.855, Kind.EFFECT, "0,86", "0.86"),
        (1.1, Kind.EFFECT, "1,10", "1.10"),
        (14, Kind.DAYS, "14", "14"),
        (14.0, Kind.DAYS, "14", "14"),
        (17.5, Kind.DAYS, "17,5", "17.5"),
        (6.75, Kind.SESSIONS, "6,8", "6.8"),
        (1.5, Kind.NUMBER, "1,50", "1.50"),
        (3, Kind.NUMBER, "3", "3"),
        ("=cmd()", Kind.TEXT, "=cmd()", "=cmd()"),
        ("comparable", Kind.CODE, "Ja", "Yes"),
    ],
)
def test_a_value_is_written_by_its_kind(value: float | str, kind: Kind, norwegian: str, english: str) -> None:
    said = [written_value(Cell(value), kind, language) for language in LANGUAGES]
    assert said == [norwegian, norwegian, english]


@pytest.mark.parametrize(
    ("value", "kind", "norwegian", "english"),
    [
        (1.25, Kind.POINTS, "+1,3", "+1.3"),
        (-1.25, Kind.POINTS, f"{MINUS}1,3", f"{MINUS}1.3"),
        (0.0, Kind.POINTS, "0,0", "0.0"),
        (0.04, Kind.POINTS, "0,0", "0.0"),
        (0.031, Kind.SHARE, "+3 prosentpoeng", "+3 percentage points"),
        (-0.12, Kind.SHARE, f"{MINUS}12 prosentpoeng", f"{MINUS}12 percentage points"),
    ],
)
def test_a_difference_has_its_sign(value: float, kind: Kind, norwegian: str, english: str) -> None:
    said = [written_value(Cell(value), kind, language, is_difference=True) for language in ("nn", "en")]
    assert said == [norwegian, english]


def test_an_interval_has_a_dash_or_a_word() -> None:
    assert written_interval(Cell(0.58, 0.482, 0.672, 100), Kind.SHARE, "nb") == f"48{DASH}67{N}%"
    assert written_interval(Cell(0.58, 0.482, 0.672, 100), Kind.SHARE, "en") == f"48{DASH}67%"
    assert written_interval(Cell(1.1, 0.9, 1.3), Kind.EFFECT, "nn") == f"0,90{DASH}1,30"
    assert written_interval(Cell(-0.2, -1.5, 1.1), Kind.POINTS, "nb") == f"{MINUS}1,5 til 1,1"
    assert written_interval(Cell(-0.2, -1.5, -0.1), Kind.POINTS, "en") == f"{MINUS}1.5 to {MINUS}0.1"
    difference = written_interval(Cell(0.1, 0.05, 0.15), Kind.SHARE, "en", is_difference=True)
    assert difference == f"5{DASH}15 percentage points"
    assert written_interval(Cell(0.58), Kind.SHARE, "nb") == ""


def test_a_denominator_is_written_only_where_there_is_one() -> None:
    assert [written_denominator(Cell(0.5, of=1240), each) for each in ("nb", "en")] == [f"av 1{N}240", "of 1,240"]
    assert written_denominator(Cell(0.5), "nb") == ""


def test_all_of_it_in_one_line() -> None:
    assert written_whole(Cell(0.58, 0.482, 0.672, 100), Kind.SHARE, "nb") == f"58{N}% (48{DASH}67{N}%) av 100"
    assert written_whole(Cell(7), Kind.COUNT, "nb") == "7"


@pytest.mark.parametrize("reason", Withheld)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_withheld_is_said_in_words_and_no_figure(reason: Withheld, language: str) -> None:
    for kind in Kind:
        said = written_whole(Cell(withheld=reason), kind, language)
        assert said == withheld_word(reason, language)
        assert not any(letter.isdigit() for letter in said)


def test_words_that_another_version_had_stand_for_themselves() -> None:
    assert [code_word("of_long_ago", language) for language in LANGUAGES] == ["Of long ago"] * 3
    assert plain("") == ""


@given(st.floats(0, 1), st.sampled_from(LANGUAGES))
def test_only_nothing_reads_as_none_and_only_everything_as_all(share: float, language: str) -> None:
    said = written_value(Cell(share), Kind.SHARE, language).replace(",", ".").rstrip(f"%{N}")
    assert abs(float(said) - 100 * share) <= 0.5 + 1e-9
    if share >= 0.0005:
        assert float(said) > 0
    if share <= 0.9995 - 1e-9:
        assert float(said) < 100
