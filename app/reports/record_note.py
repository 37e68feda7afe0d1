"""The summary of one episode for the patient record: which sentences the record holds ground for, with their figures.

No words, no names, no answers: codes and evidence only, which :mod:`app.texts.record_note` puts into a language.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from app.scales.change import ChangeCategory

_PAUSED: Final = "verdict_word.crisis_pause"
"""The verdict that says no more than that there is a pause."""


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
        The reliability, where because of it the change is to be used with caution or can't be told.
    too_unreliable : bool
        Whether it is so low that the change can't be told.
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
    too_unreliable: bool = False
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
    """One sentence, or a clause of one: its code, which is the key of its words too, and what it shows."""

    code: str
    evidence: Mapping[str, Shown]


def composed(facts: NoteFacts) -> list[Sentence]:
    """Tell which sentences a note has, the most important first.

    Parameters
    ----------
    facts : NoteFacts
        What the record holds.

    Returns
    -------
    list of Sentence
        From one, of the plan, to eight. A risk that nobody has assessed comes before all else; what limits the scores
        and the verdict is one sentence, as is the plan.

    Examples
    --------
    >>> [each.code for each in composed(NoteFacts(held=3, planned=10, goals_set=2))]
    ['no_score', 'plan']
    """
    risk = list(_alerts(facts.alerts))
    unassessed = facts.alerts is not None and facts.alerts.open > 0
    return [
        *(risk if unassessed else ()),
        *(_main(facts.main) if facts.main else _no_score(facts)),
        *_verdict(facts),
        *_listed("others" if facts.main else "measures", map(_other, facts.others)),
        *_listed("reservations", _reservations(facts)),
        *(() if unassessed else risk),
        *_listed("plan", _plan(facts)),
        *_review(facts),
    ]


def _listed(code: str, clauses: Iterable[Sentence]) -> Iterator[Sentence]:
    """Make one sentence of some clauses; none of nothing."""
    together = tuple(clauses)
    if together:
        yield Sentence(code, {"clauses": together})


def _main(main: MainFacts) -> Iterator[Sentence]:
    scores, newest = main.scores, main.scores.newest
    name, first = _name(scores), scores.first
    if newest is None:
        only = _placed("first", first, main.first_band) | {"side": _side(main, "only")}
        yield Sentence("only_score", {"measure": name, **only})
    else:
        both = _placed("first", first, main.first_band) | _placed("newest", newest, main.newest_band)
        yield Sentence("scores", {"measure": name, **both})
        yield _change(newest.score - first.score, main)


def _no_score(facts: NoteFacts) -> Iterator[Sentence]:
    if facts.tells_no_score:
        yield Sentence("no_score", {})


def _placed(which: str, dated: Dated, band: str | None) -> dict[str, Shown]:
    """Give a score with its day, and its band in brackets where it has one."""
    inside = () if band is None else (Sentence("band", {"band": Words(f"band.{band}")}),)
    return {f"{which}_score": dated.score, f"{which}_day": dated.day, f"{which}_band": inside}


def _side(main: MainFacts, score: str) -> tuple[Sentence, ...]:
    """Tell on which side of the cut-off the only or the latest score lies; nothing where none is published."""
    if main.cutoff is None:
        return ()
    where = "in" if main.is_case else "outside"
    return (Sentence(f"{score}_{where}_clinical_range", {"cutoff": main.cutoff}),)


def _change(points: float, main: MainFacts) -> Sentence:
    direction = "unchanged" if points == 0 else "fallen" if points < 0 else "risen"
    judged = () if main.change is None else (Sentence("judged", {"change": Words(f"change_word.{main.change}")}),)
    return Sentence(direction, {"points": abs(points), "judged": judged, "side": _side(main, "latest")})


def _other(scores: MeasureFacts) -> Sentence:
    evidence: dict[str, Shown] = {
        "measure": _name(scores),
        "first_score": scores.first.score,
        "first_day": scores.first.day,
    }
    if scores.newest is None:
        return Sentence("other_once", evidence)
    newest: dict[str, Shown] = {"newest_score": scores.newest.score, "newest_day": scores.newest.day}
    return Sentence("other", evidence | newest)


def _name(scores: MeasureFacts) -> Shown:
    """Name a form, with who answered where that is not the patient."""
    if scores.informant == "self":
        return scores.measure
    informant = Words(f"code.informant_role.{scores.informant}")
    return (Sentence("measure_of", {"measure": scores.measure, "informant": informant}),)


def _verdict(facts: NoteFacts) -> Iterator[Sentence]:
    paused = facts.paused_since is not None
    if facts.verdict is not None and not (paused and facts.verdict.key == _PAUSED):
        verdict = Words(facts.verdict.key, as_it_is=True)
        pause = () if facts.paused_since is None else (Sentence("paused", {"day": facts.paused_since}),)
        yield Sentence("verdict", {"verdict": verdict, "day": facts.verdict.day, "pause": pause})
    elif facts.paused_since is not None:
        yield Sentence("crisis_pause", {"day": facts.paused_since})


def _reservations(facts: NoteFacts) -> Iterator[Sentence]:
    """Tell what to bear in mind of the scores and of the verdict."""
    if facts.main is not None:
        yield from _limits(facts.main)
    if facts.verdict is not None and facts.verdict.stale:
        yield Sentence("stale", {})
    if facts.set_aside:
        yield Sentence("set_aside", {"count": facts.set_aside})


def _limits(main: MainFacts) -> Iterator[Sentence]:
    if main.scores.newest is not None:
        if main.change is None and not main.too_unreliable:
            yield Sentence("not_judged", {})
        if main.coefficient is not None:
            code = "too_unreliable" if main.too_unreliable else "with_caution"
            yield Sentence(code, {"coefficient": main.coefficient})
        if main.cutoff is not None and not main.was_case:
            yield Sentence("started_below_cutoff", {})
    if main.late_baseline is not None:
        yield Sentence("late_baseline", {"held": main.late_baseline})


def _alerts(alerts: AlertFacts | None) -> Iterator[Sentence]:
    if alerts is None:
        return
    if alerts.open:
        yield Sentence("alerts_open", {"count": alerts.open, "answered": alerts.answered_on})
    elif alerts.assessed_on is not None:
        yield Sentence("alert_assessed", {"answered": alerts.answered_on, "assessed": alerts.assessed_on})


def _plan(facts: NoteFacts) -> Iterator[Sentence]:
    yield _held(facts)
    if facts.goals_set:
        yield Sentence("goals", {"set": facts.goals_set, "reached": facts.goals_reached})
    if facts.closed_on is not None:
        yield Sentence("closed", {"day": facts.closed_on})
    elif facts.planned_end is not None:
        yield Sentence("planned_end", {"day": facts.planned_end})


def _held(facts: NoteFacts) -> Sentence:
    programme = () if facts.programme is None else (Sentence("in_programme", {"programme": facts.programme}),)
    evidence: dict[str, Shown] = {"held": facts.held, "programme": programme}
    if facts.planned is not None:
        return Sentence("held_of_planned", evidence | {"planned": facts.planned})
    return Sentence({0: "held_none", 1: "held_one"}.get(facts.held, "held"), evidence)


def _review(facts: NoteFacts) -> Iterator[Sentence]:
    """Tell the last review and the next; of a closed episode nothing is due."""
    due = None if facts.closed_on is not None else facts.review_due
    if facts.review is not None:
        code = "reviewed_with_patient" if facts.review.with_patient else "reviewed_without_patient"
        action = Words(f"code.review_action.{facts.review.action}")
        following = () if due is None else (Sentence("next_review", {"day": due}),)
        yield Sentence(code, {"day": facts.review.day, "action": action, "next": following})
    elif due is not None:
        yield Sentence("review_due", {"day": due})
