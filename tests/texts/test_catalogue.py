"""Sentences with figures, and the language that a reader wants. Expected values: typed by hand, or RFC 9110."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.texts.catalogue import LANGUAGES, negotiate, say


def written(figure: object, language: str) -> str:
    """Give what stands where a sentence shows a number."""
    head, tail = say("reason.late_baseline", language, {"baseline_dose": "@"}).split("@")
    return say("reason.late_baseline", language, {"baseline_dose": figure}).removeprefix(head).removesuffix(tail)


def written_probability(probability: float, language: str) -> str:
    """Give what stands where a sentence shows a probability."""
    evidence = {"needed_improvement": 4}
    head, tail = say("reason.no_change_yet", language, evidence | {"probability": "@"}).split("@")
    sentence = say("reason.no_change_yet", language, evidence | {"probability": probability})
    return sentence.removeprefix(head).removesuffix(tail)


@pytest.mark.parametrize(
    ("figure", "norwegian", "english"),
    [
        (16, "16", "16"),
        (16.0, "16", "16"),
        (0, "0", "0"),
        (1.7, "1,7", "1.7"),
        (3.75, "3,8", "3.8"),
        (2.25, "2,3", "2.3"),
        (10.349, "10,3", "10.3"),
        (9.96, "10", "10"),
        (-6, "\N{MINUS SIGN}6", "\N{MINUS SIGN}6"),
        (-1.5, "\N{MINUS SIGN}1,5", "\N{MINUS SIGN}1.5"),
        (-0.04, "0", "0"),
        ("PHQ-9", "PHQ-9", "PHQ-9"),
    ],
)
def test_a_number_has_at_most_one_decimal_rounded_half_up(figure: object, norwegian: str, english: str) -> None:
    assert [written(figure, language) for language in ("nb", "nn", "en")] == [norwegian, norwegian, english]


@pytest.mark.parametrize(
    ("probability", "norwegian", "english"),
    [
        (0.38, "38 %", "38%"),
        (0.384, "38 %", "38%"),
        (0.385, "39 %", "39%"),
        (0.285, "29 %", "29%"),  # 28.499999999999996 in binary arithmetic
        (0.0, "under 1 %", "under 1%"),
        (0.0099, "under 1 %", "under 1%"),
        (0.01, "1 %", "1%"),
        (0.99, "99 %", "99%"),
        (0.9901, "over 99 %", "over 99%"),
        (1, "over 99 %", "over 99%"),
    ],
)
def test_a_probability_is_whole_percent_and_never_certain(probability: float, norwegian: str, english: str) -> None:
    languages = ("nb", "nn", "en")
    assert [written_probability(probability, language) for language in languages] == [norwegian, norwegian, english]


@given(st.floats(0, 1), st.sampled_from(LANGUAGES))
def test_no_probability_reads_as_0_or_100_percent(probability: float, language: str) -> None:
    shown = written_probability(probability, language)
    number = re.search("[0-9]+", shown)
    assert number is not None
    assert 1 <= int(number[0]) <= 99
    assert abs(int(number[0]) - 100 * probability) <= 1


@pytest.mark.parametrize("probability", [-0.01, 1.01, 38])
def test_what_is_no_probability_is_our_own_mistake(probability: float) -> None:
    with pytest.raises(AssertionError, match="between 0 and 1"):
        written_probability(probability, "nb")


def test_a_message_without_figures_needs_no_evidence_and_ignores_it() -> None:
    assert say("phase.follow_up", "nb") == say("phase.follow_up", "nb", {"dose": 3}) == "Oppfølging"


def test_a_message_of_its_own_has_no_dot_in_its_key() -> None:
    assert "selvmordstanker" in say("not_asked_about_suicide", "nb")


@pytest.mark.parametrize(
    ("key", "language", "evidence"),
    [
        ("signal.purple", "nb", {}),
        ("signal", "nb", {}),
        ("signal.red", "sv", {}),
        ("reason.late_baseline", "nb", {}),
        ("reason.late_baseline", "nb", {"dose": 3}),
    ],
)
def test_an_unknown_key_language_or_figure_is_our_own_mistake(
    key: str, language: str, evidence: dict[str, object]
) -> None:
    with pytest.raises(KeyError):
        say(key, language, evidence)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        # Plain
        ("nb", "nb"),
        ("nn", "nn"),
        ("en", "en"),
        ("no", "nb"),
        # Regions and scripts; letter case does not matter (RFC 5646, 2.1.1)
        ("nb-NO", "nb"),
        ("nn-NO", "nn"),
        ("en-GB", "en"),
        ("no-NO", "nb"),
        ("EN-us", "en"),
        ("nb-Latn-NO", "nb"),
        # Qualities (RFC 9110, 12.4.2): the weight of an element that has none is 1
        ("nb;q=0.5, en;q=0.8", "en"),
        ("da, en-gb;q=0.8, en;q=0.7", "en"),
        ("en;q=0.5, nn", "nn"),
        ("nn;q=0.001", "nn"),
        ("nb-NO,nb;q=0.9,no;q=0.8,nn;q=0.7,en-US;q=0.6,en;q=0.5", "nb"),
        ("en;q=0.3, en-GB;q=0.9, nn;q=0.6", "en"),
        ("en;Q=0.4, nn;Q=0.6", "nn"),
        # Blanks around the separators
        (" nn ;\tq=0.7 ,\ten ; q=0.3", "nn"),
        (",, nn ,", "nn"),
        # Equal qualities: the header's order
        ("en, nn", "en"),
        ("nn;q=0.8, en;q=0.8", "nn"),
        # 0 is "not acceptable"; all refused is as if nothing had been asked for
        ("en;q=0, nn;q=0.1", "nn"),
        ("en;q=0.000", "nb"),
        ("nb;q=0, nn;q=0, en;q=0", "nb"),
        # Any language: the default, unless it is refused or something else is wanted more
        ("*", "nb"),
        ("da, *;q=0.5", "nb"),
        ("en, *;q=0.5", "en"),
        ("en;q=0.2, *;q=0.5", "nb"),
        ("nb;q=0, *", "nn"),
        ("nb;q=0, nn;q=0, *;q=0.1", "en"),
        ("*;q=0", "nb"),
        # None of ours
        ("da, sv;q=0.9", "nb"),
        ("nob", "nb"),
        ("english", "nb"),
        ("x-en", "nb"),
        # Nothing
        (None, "nb"),
        ("", "nb"),
        ("   ", "nb"),
        # Malformed elements are passed over, the others count
        ("en;q=2, nn;q=0.5", "nn"),
        ("en;q=-1, nn;q=0.5", "nn"),
        ("en;q=1.5, nn;q=0.5", "nn"),
        ("en;q=0.1234, nn;q=0.1", "nn"),
        ("en;q=, nn;q=0.1", "nn"),
        ("en;q=high, nn;q=0.1", "nn"),
        ("en;level=1, nn;q=0.1", "nn"),
        ("en q=0.9, nn;q=0.1", "nn"),
        ("en;q=nan", "nb"),
        ("en_GB, nn;q=0.1", "nn"),
        ("en-, nn;q=0.1", "nn"),
        ("-en", "nb"),
        ("*-NO, en;q=0.1", "en"),
        ("en\x00", "nb"),
        (";;;q=1", "nb"),
        ("e\N{LATIN SMALL LETTER N WITH TILDE}", "nb"),
    ],
)
def test_the_language_that_is_wanted_most(header: str | None, language: str) -> None:
    assert negotiate(header, "nb") == language


@pytest.mark.parametrize("default", LANGUAGES)
def test_the_default_is_the_organisations(default: str) -> None:
    assert negotiate(None, default) == negotiate("*", default) == negotiate("fr", default) == default


_RANGES = st.sampled_from(("nb", "nn-NO", "no", "en-GB", "da", "*"))
_ELEMENTS = st.lists(st.tuples(_RANGES, st.integers(0, 1000)), max_size=6)


@given(st.one_of(st.none(), st.text(), st.text("nbeo-*;q=.01 ,\t")), st.sampled_from(LANGUAGES))
def test_no_header_is_an_error(header: str | None, default: str) -> None:
    assert negotiate(header, default) in LANGUAGES


@given(_ELEMENTS, st.sampled_from(LANGUAGES))
def test_nothing_else_is_wanted_more(elements: list[tuple[str, int]], default: str) -> None:
    header = ", ".join(f"{each};q={quality / 1000:.3f}" for each, quality in elements)

    def wanted(language: str) -> int:
        tags = {"nb": ("nb", "no"), "nn": ("nn-NO",), "en": ("en-GB",)}[language]
        named = [quality for each, quality in elements if each in tags]
        return max(named or [quality for each, quality in elements if each == "*"], default=0)

    chosen = negotiate(header, default)
    assert wanted(chosen) == max(map(wanted, LANGUAGES))
    assert chosen == default or wanted(chosen) > 0
