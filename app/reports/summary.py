"""What one measure says of one episode, kept beside the record so that reports need not read every score.

All of it follows from the scores, the sessions and the criteria of change, and from nothing else, so that it can be
worked out anew at any time and must come out the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from itertools import groupby
from typing import Final

from app.scales.change import ChangeCategory, ChangeCriteria
from app.scales.instrument import InformantRole
from app.scales.reliable_change import composite_change
from app.trajectories.series import Observation, Phase, Series

COMPOSITE: Final = "phq-9+gad-7"
"""The two measures together, as NHS Talking Therapies counts outcomes (`app.scales.reliable_change`)."""

_PARTS: Final = ("phq-9", "gad-7")


class Rank(IntEnum):
    """Which of an episode's summaries of a measure is counted, so that an episode is never counted twice."""

    FOR_THE_MEASURE = 0
    FOR_THE_ROLE = 1
    """It stands for its informant role; another role stands for the measure."""
    BESIDE = 2


@dataclass(frozen=True, slots=True)
class Line:
    """The scores of one measure by one informant in an episode, and what they are held against.

    Parameters
    ----------
    measure : str
        Key of the instrument.
    form_family : str
        Which of its forms.
    informant_id : Hashable
        Who answered.
    role : InformantRole
        As what.
    series : Series
        The scores on their axes.
    criteria : ChangeCriteria or None
        Of the score that is followed; None where nothing is published (an instrument of the organisation's own).
    is_main : bool
        Whether it is the episode's main measure.
    """

    measure: str
    form_family: str
    informant_id: Hashable
    role: InformantRole
    series: Series
    criteria: ChangeCriteria | None
    is_main: bool


@dataclass(frozen=True, slots=True)
class MeasureSummary:
    """What became of one measure in one episode.

    Parameters
    ----------
    measure, form_family, informant_id, role
        As in :class:`Line`; the composite has no form family.
    rank : Rank
        What it stands for in the episode.
    scores : int
        How many lie in treatment, the baseline among them.
    baseline, last : float or None
        First and last score in treatment, points; `last` only where there are two. None for the composite.
    last_dose, last_days : int or None
        When the last one was given: counted sessions before it, and whole days since the baseline.
    change : int or None
        1 reliably better, 0 neither, -1 reliably worse from the first to the last score; None without a pair, or where
        no reliable change is published.
    case_at_start, case_at_end : bool or None
        By the published cut-off; None where there is none, or no such score.
    first_improved_dose : int or None
        Dose of the first score that was reliably better than the baseline.
    measured_sessions : int
        Counted sessions that a score was given with, before or after them.
    waiting_change : float or None
        Improvement from the first score in the waiting time to the baseline, points.
    waiting_days : int or None
        Whole days between the two.
    follow_up_change : float or None
        Improvement from the baseline to the last score after the treatment, points.
    """

    measure: str
    form_family: str
    informant_id: Hashable
    role: InformantRole
    rank: Rank
    scores: int
    baseline: float | None
    last: float | None
    last_dose: int | None
    last_days: int | None
    change: int | None
    case_at_start: bool | None
    case_at_end: bool | None
    first_improved_dose: int | None
    measured_sessions: int
    waiting_change: float | None
    waiting_days: int | None
    follow_up_change: float | None


def summarise(lines: Iterable[Line]) -> list[MeasureSummary]:
    """Summarise the measures of one episode, the composite among them where one person filled in both.

    Parameters
    ----------
    lines : iterable of Line
        All series of the episode.

    Returns
    -------
    list of MeasureSummary
        One for each line, and one for each person who filled in both measures of the composite. Where there is no
        score (any more) it says so, and takes the place of what was said before.
    """
    present = _one_of_each(lines)
    ranked = [*((line, line.measure, (line,)) for line in present), *_composites(present)]
    ranks = _ranks([(measure, line, parts) for line, measure, parts in ranked])
    return [
        _of_line(parts[0], rank) if len(parts) == 1 else _of_composite(parts, rank)
        for (_, _, parts), rank in zip(ranked, ranks, strict=True)
    ]


def _one_of_each(lines: Iterable[Line]) -> list[Line]:
    """Keep one line of a measure, form family and informant: of two versions the one with more scores."""
    kept: dict[tuple[Hashable, ...], Line] = {}
    for line in lines:
        key = (line.measure, line.form_family, line.informant_id)
        if key not in kept or len(line.series.observations) >= len(kept[key].series.observations):
            kept[key] = line
    return list(kept.values())


def _composites(lines: Sequence[Line]) -> Iterator[tuple[Line, str, tuple[Line, ...]]]:
    """Pair the lines of the two measures that one person filled in."""
    by_informant: dict[Hashable, dict[str, Line]] = defaultdict(dict)
    for line in lines:
        if line.measure in _PARTS:
            by_informant[line.informant_id][line.measure] = line
    for parts in by_informant.values():
        if len(parts) == len(_PARTS):
            pair = tuple(parts[key] for key in _PARTS)
            yield pair[0], COMPOSITE, pair


def _ranks(candidates: Sequence[tuple[str, Line, tuple[Line, ...]]]) -> list[Rank]:
    """Rank: of each measure the main one first, then self-reports, then by the number of scores."""

    def place(index: int) -> tuple[bool, bool, int, str]:
        _, line, parts = candidates[index]
        scores = min(len(part.series.treated()) for part in parts)
        is_main = any(part.is_main for part in parts)
        return not is_main, line.role is not InformantRole.SELF, -scores, str(line.informant_id) + line.form_family

    ranks = [Rank.BESIDE] * len(candidates)
    for measure in {measure for measure, *_ in candidates}:
        led: set[InformantRole] = set()
        for index in sorted((i for i, each in enumerate(candidates) if each[0] == measure), key=place):
            role = candidates[index][1].role
            if role not in led:
                ranks[index] = Rank.FOR_THE_ROLE if led else Rank.FOR_THE_MEASURE
                led.add(role)
    return ranks


def _of_line(line: Line, rank: Rank) -> MeasureSummary:
    series, criteria = line.series, line.criteria
    treated = series.treated()
    first, last = (treated[0], treated[-1]) if treated else (None, None)
    pair = (first, last) if first and last and len(treated) > 1 else None
    has_cutoff = criteria is not None and criteria.cutoff is not None
    return MeasureSummary(
        line.measure,
        line.form_family,
        line.informant_id,
        line.role,
        rank,
        len(treated),
        baseline=first.score if first else None,
        last=pair[1].score if pair else None,
        last_dose=pair[1].dose if pair else None,
        last_days=_days(*pair) if pair else None,
        change=_change(criteria, *pair) if pair and criteria else None,
        case_at_start=criteria.is_case(first.score) if criteria and has_cutoff and first else None,
        case_at_end=criteria.is_case(pair[1].score) if criteria and has_cutoff and pair else None,
        first_improved_dose=_first_improved(criteria, treated) if criteria else None,
        measured_sessions=_measured([series]),
        waiting_change=_waiting(series, criteria)[0],
        waiting_days=_waiting(series, criteria)[1],
        follow_up_change=_follow_up(series, criteria),
    )


def _change(criteria: ChangeCriteria, first: Observation, last: Observation) -> int | None:
    return None if criteria.reliable_change is None else _SIGN[criteria.category(first.score, last.score)]


_SIGN: Final = {
    ChangeCategory.RELIABLE_IMPROVEMENT: 1,
    ChangeCategory.NO_RELIABLE_CHANGE: 0,
    ChangeCategory.RELIABLE_DETERIORATION: -1,
}


def _first_improved(criteria: ChangeCriteria, treated: Sequence[Observation]) -> int | None:
    better = (
        each.dose
        for each in treated[1:]
        if criteria.category(treated[0].score, each.score) is ChangeCategory.RELIABLE_IMPROVEMENT
    )
    return next(better, None)


def _measured(series: Sequence[Series]) -> int:
    """Count the sessions that a score was given with; none is given with one after the treatment."""
    with_score = {each.session for one in series for each in one.observations if each.phase is not Phase.FOLLOW_UP}
    return len(with_score - {None})


def _waiting(series: Series, criteria: ChangeCriteria | None) -> tuple[float | None, int | None]:
    if not series.baseline_index or criteria is None:
        return None, None
    first, baseline = series.observations[0], series.observations[series.baseline_index]
    if baseline.phase is not Phase.TREATMENT:
        return None, None
    return criteria.improvement(first.score, baseline.score), _days(first, baseline)


def _follow_up(series: Series, criteria: ChangeCriteria | None) -> float | None:
    treated = series.treated()
    if not treated or criteria is None or series.observations[-1].phase is not Phase.FOLLOW_UP:
        return None
    return criteria.improvement(treated[0].score, series.observations[-1].score)


def _days(first: Observation, last: Observation) -> int:
    return (last.completed_at - first.completed_at).days


def _of_composite(parts: Sequence[Line], rank: Rank) -> MeasureSummary:
    """Put both measures together: the first score of each, and the last of each."""
    treated = [part.series.treated() for part in parts]
    scores = min(len(each) for each in treated)
    started, paired = scores > 0, scores > 1
    firsts, lasts = [each[0] for each in treated if started], [each[-1] for each in treated if paired]
    end = max(lasts, key=_time, default=None)
    found = composite_change(_held(parts, firsts, lasts)) if paired else None
    return MeasureSummary(
        COMPOSITE,
        "",
        parts[0].informant_id,
        parts[0].role,
        rank,
        scores,
        baseline=None,
        last=None,
        last_dose=end.dose if end else None,
        last_days=_days(min(firsts, key=_time), end) if end else None,
        change=found.reliably_improved - found.reliably_deteriorated if found else None,
        case_at_start=_is_case(parts, firsts) if started else None,
        case_at_end=_is_case(parts, lasts) if paired else None,
        first_improved_dose=_first_improved_together(parts, treated) if paired else None,
        measured_sessions=_measured([part.series for part in parts]),
        waiting_change=None,
        waiting_days=None,
        follow_up_change=None,
    )


def _is_case(parts: Sequence[Line], scores: Sequence[Observation]) -> bool:
    return any(_criteria(part).is_case(each.score) for part, each in zip(parts, scores, strict=True))


def _held(
    parts: Sequence[Line], firsts: Sequence[Observation], lasts: Sequence[Observation]
) -> list[tuple[ChangeCriteria, float, float]]:
    return [(_criteria(part), first.score, last.score) for part, first, last in zip(parts, firsts, lasts, strict=True)]


def _criteria(part: Line) -> ChangeCriteria:
    assert part.criteria is not None, "both measures have published criteria"
    return part.criteria


def _first_improved_together(parts: Sequence[Line], treated: Sequence[Sequence[Observation]]) -> int | None:
    """Go through the scores of both by day; each day has the newest of each, once both have a later one.

    Both are filled in one after the other: between the two, one of them would be held against an older score.
    """
    firsts = [each[0] for each in treated]
    newest = list(firsts)
    later = sorted(
        ((each, part) for part, own in enumerate(treated) for each in own[1:]), key=lambda pair: _time(pair[0])
    )
    for _, same_day in groupby(later, key=lambda pair: _time(pair[0]).date()):
        for each, part in same_day:
            newest[part] = each
        both = all(new is not first for new, first in zip(newest, firsts, strict=True))
        if both and composite_change(_held(parts, firsts, newest)).reliably_improved:
            return max(newest, key=_time).dose
    return None


def _time(each: Observation) -> datetime:
    return each.completed_at
