"""The same scores as a table, for screen readers and spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from app.charts.charted import ChartedSeries
from app.charts.words import Word, verdict_word, word
from app.texts.catalogue import figure, say
from app.trajectories.series import Observation

_DATE_FORMATS: Final[Mapping[str, str]] = {"nb": "%d.%m.%Y", "nn": "%d.%m.%Y", "en": "%Y-%m-%d"}

_EMPTY: Final = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Table:
    """Column names and rows, in words.

    Parameters
    ----------
    columns : tuple of str
        One name for each column.
    rows : tuple of tuple of str
        One row for each score, in time order; an en dash where there is nothing to say.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_csv(self) -> str:
        """Write it as comma-separated values, as RFC 4180 has them."""
        text = io.StringIO()
        csv.writer(text).writerows([self.columns, *self.rows])
        return text.getvalue()


def table(charted: ChartedSeries, language: str) -> Table:
    """Give the scores of a chart in words: when, how much treatment, and what was said of each.

    Parameters
    ----------
    charted : ChartedSeries
        The series.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    Table
        With dates where the series has a time zone, and in weeks always.
    """
    by_curve = charted.unchanged is None
    expected = Word.EXPECTED if by_curve else Word.UNCHANGED_EXPECTED
    band = Word.BAND if by_curve else Word.UNCHANGED_BAND
    columns: dict[Word, Callable[[Observation], str]] = {
        Word.WEEK: lambda each: figure(each.weeks, language),
        Word.DOSE: lambda each: figure(each.dose, language),
        Word.PHASE: lambda each: say(f"phase.{each.phase}", language),
        Word.SCORE: lambda each: figure(each.score, language),
        expected: lambda each: _expected(charted, each, language),
        band: lambda each: _band(charted, each, language),
        Word.VERDICT: lambda each: _verdict(charted, each, language),
        Word.CHANGE: lambda each: _change(charted, each, language),
    }
    if charted.time_zone is not None:
        columns = {Word.DATE: lambda each: _date(charted, each, language)} | columns
    return Table(
        tuple(word(name, language) for name in columns),
        tuple(tuple(say_of(each) for say_of in columns.values()) for each in charted.observations),
    )


def _date(charted: ChartedSeries, observation: Observation, language: str) -> str:
    return observation.completed_at.astimezone(charted.time_zone).strftime(_DATE_FORMATS[language])


def _expected(charted: ChartedSeries, observation: Observation, language: str) -> str:
    found = charted.expectation(observation)
    return _EMPTY if found is None else figure(found[0], language)


def _band(charted: ChartedSeries, observation: Observation, language: str) -> str:
    found = charted.expectation(observation)
    return _EMPTY if found is None else word(Word.FROM_TO, language, lower=found[1][0], upper=found[1][1])


def _verdict(charted: ChartedSeries, observation: Observation, language: str) -> str:
    judged = charted.judged.get(observation.administration_id)
    return word(Word.NOT_JUDGED, language) if judged is None else verdict_word(judged, language)


def _change(charted: ChartedSeries, observation: Observation, language: str) -> str:
    change = charted.change(observation)
    return _EMPTY if change is None else say(f"change_word.{change}", language)
