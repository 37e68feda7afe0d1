"""The words of a chart: titles, axes, legends, and its description for who can't see it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from app.charts.charted import ChartedSeries, Judged
from app.scales.change import Better
from app.texts.catalogue import say, say_of
from app.trajectories.progress import Signal


class Word(StrEnum):
    """The names that stand in a chart or its table."""

    SCORES_OF = "scores_of"
    SCORES = "scores"
    SCORE = "score"
    SCORE_LOWER_IS_BETTER = "score_lower_is_better"
    SCORE_HIGHER_IS_BETTER = "score_higher_is_better"
    WEEKS_SINCE_BASELINE = "weeks_since_baseline"
    DOSE = "dose"
    BAND = "band"
    BAND_OF = "band_of"
    EXPECTED = "expected"
    EXPECTED_FROM_BASELINE = "expected_from_baseline"
    EXPECTED_AHEAD = "expected_ahead"
    NATURAL_COURSE = "natural_course"
    UNCHANGED_BAND = "unchanged_band"
    UNCHANGED_BAND_OF = "unchanged_band_of"
    UNCHANGED_BY_PUBLISHED = "unchanged_by_published"
    UNCHANGED_EXPECTED = "unchanged_expected"
    CUTOFF = "cutoff"
    EARLY_WINDOW = "early_window"
    LATE_WINDOW = "late_window"
    REVIEW = "review"
    PERIOD_EVALUATION = "period_evaluation"
    PLANNED_END = "planned_end"
    NOT_JUDGED = "not_judged"
    AS_TABLE = "as_table"
    DATE = "date"
    WEEK = "week"
    PHASE = "phase"
    VERDICT = "verdict"
    CHANGE = "change"
    FROM_TO = "from_to"


class Note(StrEnum):
    """The sentences that a chart says below its title."""

    NO_SCORES = "no_scores"
    LATEST = "latest"
    SET_ASIDE = "set_aside"
    NATURAL_UNKNOWN = "natural_unknown"
    UNCHANGED = "unchanged"


def word(name: Word, language: str, **evidence: object) -> str:
    """Give a name in a language."""
    return say(f"chart.{name}", language, evidence)


def signal_word(signal: Signal | None, language: str) -> str:
    """Name a signal by its colour; None is a score that is not judged."""
    return word(Word.NOT_JUDGED, language) if signal is None else say(f"signal_word.{signal}", language)


def title(charted: ChartedSeries, language: str) -> str:
    """Give the chart's title."""
    return word(Word.SCORES_OF, language, instrument=charted.instrument)


def score_title(charted: ChartedSeries, language: str) -> str:
    """Name the axis of the scores, with its good end."""
    criteria = charted.scale.criteria
    if criteria is None:
        return word(Word.SCORE, language)
    lower = criteria.better is Better.LOWER
    return word(Word.SCORE_LOWER_IS_BETTER if lower else Word.SCORE_HIGHER_IS_BETTER, language)


def notes(charted: ChartedSeries, language: str) -> list[str]:
    """Give the sentences below the title: where the series stands, and what is not drawn."""
    return list(_notes(charted, language))


def _notes(charted: ChartedSeries, language: str) -> Iterator[str]:
    if charted.baseline is None:
        yield say(f"chart_note.{Note.NO_SCORES}", language)
    else:
        last = charted.observations[-1]
        evidence = {"score": last.score, "weeks": last.weeks, "dose": last.dose, "baseline": charted.baseline.score}
        yield say(f"chart_note.{Note.LATEST}", language, evidence)
    if charted.stale:
        yield say("stale", language)
    if charted.set_aside:
        yield say(f"chart_note.{Note.SET_ASIDE}", language, {"count": charted.set_aside})
    if charted.natural_is_unknown:
        yield say(f"chart_note.{Note.NATURAL_UNKNOWN}", language)
    if charted.unchanged is not None:
        yield say(f"chart_note.{Note.UNCHANGED}", language)


def description(charted: ChartedSeries, language: str) -> str:
    """Describe the chart in full sentences, for who can't see it."""
    return " ".join([f"{title(charted, language)}.", *newest_verdict(charted, language), *notes(charted, language)])


def newest_verdict(charted: ChartedSeries, language: str) -> Iterator[str]:
    """Give the newest verdict as a short sentence, if there is one."""
    newest = charted.newest_judged
    if newest is not None:
        yield f"{verdict_word(charted.judged[newest.administration_id], language)}."


def verdict_word(judged: Judged, language: str) -> str:
    """Give a verdict as a name."""
    return say_of(judged.subject, f"verdict_word.{judged.signal_reason}", language)
