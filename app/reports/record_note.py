"""The summary of one episode for the patient record: which sentences the record holds ground for, with their figures.

No words, no names, no answers: codes and evidence only, which :mod:`app.texts.record_note` puts into a language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from app.scales.change import ChangeCategory


class Words(NamedTuple):
    """A code that stands in the middle of a sentence, to be put into words there."""

    key: str
    as_it_is: bool = False
    """Whether its capital letter is kept."""


@dataclass(frozen=True, slots=True)
class Dated:
    """A score, points, and the day on which it was given."""

    score: float
    day: date


@dataclass(frozen=True, slots=True)
class MeasureFacts:
    """What is told of one series.

    Parameters
    ----------
    measure : str
        Name of the form, as ``PHQ-9``.
    informant : str
        Code of who answered.
    first : Dated
        The baseline, or the first score there is.
    newest : Dated or None
        The last score after it; None where there is none.
    """

    measure: str
    informant: str
    first: Dated
    newest: Dated | None = None


@dataclass(frozen=True, slots=True)
class MainFacts:
    """What is told of the main measure beside its scores.

    Parameters
    ----------
    scores : MeasureFacts
        First and newest score.
    first_band, newest_band : str or None
        Codes of the bands they lie in; None where none are published.
    change : ChangeCategory or None
        What the change is; None where a change of one person can't be told.
    coefficient : float or None
        The reliability, where the change is to be used with caution because of it.
    cutoff : int or None
        The clinical cut-off, points; None where none is published.
    was_case, is_case : bool
        Whether first and newest score lie on its clinical side.
    late_baseline : int or None
        Sessions held before the first score, where treatment was well under way then.
    """

    scores: MeasureFacts
    first_band: str | None = None
    newest_band: str | None = None
    change: ChangeCategory | None = None
    coefficient: float | None = None
    cutoff: int | None = None
    was_case: bool = False
    is_case: bool = False
    late_baseline: int | None = None


@dataclass(frozen=True, slots=True)
class VerdictFacts:
    """The standing verdict: key of its words, the day of the score it was issued on, and whether it may be outdated."""

    key: str
    day: date
    stale: bool = False


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """Risk alerts: how many nobody has assessed, and the newest of those, or else of the assessed ones."""

    open: int
    answered_on: date
    assessed_on: date | None = None


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    """The last review: day, code of what was decided, and whether the patient took part."""

    day: date
    action: str
    with_patient: bool


@dataclass(frozen=True, slots=True)
class NoteFacts:
    """All that a note is made of; what is None or 0 is not in the record.

    Parameters
    ----------
    held : int
        Sessions that count as dose.
    planned : int or None
        Sessions planned.
    programme : str or None
        Name of the programme.
    main : MainFacts or None
        The main measure.
    tells_no_score : bool
        Whether it is told that the main measure has no score; not where one might be hidden.
    others : tuple of MeasureFacts
        The other series.
    verdict : VerdictFacts or None
        Only in the mode `decision_support`.
    paused_since : date or None
        Since when there is a crisis pause.
    alerts : AlertFacts or None
        Risk alerts.
    review : ReviewFacts or None
        The last review.
    goals_set, goals_reached : int
        Numbers only.
    review_due, planned_end, closed_on : date or None
        What comes next, or when it ended.
    set_aside : int
        Forms that are not used before somebody has clarified them.
    """

    held: int
    planned: int | None = None
    programme: str | None = None
    main: MainFacts | None = None
    tells_no_score: bool = True
    others: tuple[MeasureFacts, ...] = ()
    verdict: VerdictFacts | None = None
    paused_since: date | None = None
    alerts: AlertFacts | None = None
    review: ReviewFacts | None = None
    goals_set: int = 0
    goals_reached: int = 0
    review_due: date | None = None
    planned_end: date | None = None
    closed_on: date | None = None
    set_aside: int = 0


Shown = str | int | float | date | Words | tuple["Sentence", ...]


class Sentence(NamedTuple):
    """One sentence: its code, which is the key of its words too, and what it shows."""

    code: str
    evidence: Mapping[str, Shown]


def composed(facts: NoteFacts) -> list[Sentence]:
    """Tell which sentences a note has, in their order.

    Parameters
    ----------
    facts : NoteFacts
        What the record holds.

    Returns
    -------
    list of Sentence
        At least the one about the sessions held.

    Examples
    --------
    >>> [each.code for each in composed(NoteFacts(held=3, planned=10, goals_set=2))]
    ['held_of_planned', 'no_score', 'goals']
    """
    return [
        _held(facts),
        *(_main(facts.main) if facts.main else _no_score(facts)),
        *_others(facts.others),
        *_verdict(facts),
        *_alerts(facts.alerts),
        *_review(facts.review),
        *_goals(facts),
        *_plan(facts),
        *_set_aside(facts),
    ]


def _held(facts: NoteFacts) -> Sentence:
    evidence: dict[str, Shown] = {"held": facts.held}
    code = "held" if facts.held != 1 else "held_one"
    if facts.planned is not None:
        code, evidence["planned"] = "held_of_planned", facts.planned
    if facts.programme is not None:
        code, evidence["programme"] = f"{code}_in_programme", facts.programme
    return Sentence(code, evidence)


def _main(main: MainFacts) -> Iterator[Sentence]:
    scores, newest = main.scores, main.scores.newest
    name, first = _name(scores), scores.first
    if newest is None:
        yield Sentence("only_score", {"measure": name, **_placed("first", first, main.first_band)})
    else:
        both = _placed("first", first, main.first_band) | _placed("newest", newest, main.newest_band)
        yield Sentence("scores", {"measure": name, **both})
        yield _change(newest.score - first.score, main.change)
        if main.coefficient is not None:
            yield Sentence("with_caution", {"coefficient": main.coefficient})
    if main.cutoff is not None:
        side = "in_clinical_range" if main.is_case else "outside_clinical_range"
        yield Sentence(side, {"cutoff": main.cutoff})
        if newest is not None and not main.was_case:
            yield Sentence("started_below_cutoff", {"cutoff": main.cutoff})
    if main.late_baseline is not None:
        yield Sentence("late_baseline", {"held": main.late_baseline})


def _no_score(facts: NoteFacts) -> Iterator[Sentence]:
    if facts.tells_no_score:
        yield Sentence("no_score", {})


def _placed(which: str, dated: Dated, band: str | None) -> dict[str, Shown]:
    """Give a score with its day, and its band in brackets where it has one."""
    inside = () if band is None else (Sentence("band", {"band": Words(f"band.{band}")}),)
    return {f"{which}_score": dated.score, f"{which}_day": dated.day, f"{which}_band": inside}


def _change(points: float, change: ChangeCategory | None) -> Sentence:
    direction = "unchanged" if points == 0 else "fallen" if points < 0 else "risen"
    if change is None:
        return Sentence(f"{direction}_not_judged", {"points": abs(points)})
    return Sentence(direction, {"points": abs(points), "change": Words(f"change_word.{change}")})


def _others(others: tuple[MeasureFacts, ...]) -> Iterator[Sentence]:
    clauses = []
    for each in others:
        evidence: dict[str, Shown] = {
            "measure": _name(each),
            "first_score": each.first.score,
            "first_day": each.first.day,
        }
        if each.newest is None:
            clauses.append(Sentence("other_once", evidence))
        else:
            newest: dict[str, Shown] = {"newest_score": each.newest.score, "newest_day": each.newest.day}
            clauses.append(Sentence("other", evidence | newest))
    if clauses:
        yield Sentence("others", {"clauses": tuple(clauses)})


def _name(scores: MeasureFacts) -> Shown:
    """Name a form, with who answered where that is not the patient."""
    if scores.informant == "self":
        return scores.measure
    informant = Words(f"code.informant_role.{scores.informant}")
    return (Sentence("measure_of", {"measure": scores.measure, "informant": informant}),)


def _verdict(facts: NoteFacts) -> Iterator[Sentence]:
    if facts.verdict is not None:
        verdict = Words(facts.verdict.key, as_it_is=True)
        yield Sentence("verdict", {"verdict": verdict, "day": facts.verdict.day})
        if facts.verdict.stale:
            yield Sentence("stale", {})
    if facts.paused_since is not None:
        yield Sentence("crisis_pause", {"day": facts.paused_since})


def _alerts(alerts: AlertFacts | None) -> Iterator[Sentence]:
    if alerts is None:
        return
    if alerts.open:
        yield Sentence("alerts_open", {"count": alerts.open, "answered": alerts.answered_on})
    elif alerts.assessed_on is not None:
        yield Sentence("alert_assessed", {"answered": alerts.answered_on, "assessed": alerts.assessed_on})


def _review(review: ReviewFacts | None) -> Iterator[Sentence]:
    if review is not None:
        code = "reviewed_with_patient" if review.with_patient else "reviewed_without_patient"
        yield Sentence(code, {"day": review.day, "action": Words(f"code.review_action.{review.action}")})


def _goals(facts: NoteFacts) -> Iterator[Sentence]:
    if facts.goals_set:
        yield Sentence("goals", {"set": facts.goals_set, "reached": facts.goals_reached})


def _plan(facts: NoteFacts) -> Iterator[Sentence]:
    if facts.closed_on is not None:
        yield Sentence("closed", {"day": facts.closed_on})
        return
    if facts.review_due is not None:
        yield Sentence("review_due", {"day": facts.review_due})
    if facts.planned_end is not None:
        yield Sentence("planned_end", {"day": facts.planned_end})


def _set_aside(facts: NoteFacts) -> Iterator[Sentence]:
    if facts.set_aside:
        yield Sentence("set_aside", {"count": facts.set_aside})
