"""The grant and evaluation report: for each criterion, what the record can show and what the service says itself.

What is asked for differs between grants and years; the criteria here are those of the sections, in neutral words, and
the grant letter says which of them must be met.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields

import numpy as np

from app.reports.document import Cell, Column, Fact, Kind, Note, Report, Row, Section, Table, Withheld
from app.reports.grant_facts import (
    NOT_RECORDED,
    EvaluationPlan,
    Events,
    Evidence,
    GrantFacts,
    Outcomes,
    ProgrammeFacts,
)
from app.trajectories.sampling_error import share as share_of

THRESHOLD = 8
"""Numbers below it and above 0 are withheld: NHS England hides 1 to 7 below national level (methods, D11)."""

_SMALL = Cell(withheld=Withheld.SMALL_NUMBER)
_UNKNOWN = Cell(withheld=Withheld.UNKNOWN)
_COUNT, _SHARE = Column("count", Kind.COUNT), Column("share", Kind.SHARE)


def grant_report(facts: GrantFacts, about: Iterable[Fact] = (), threshold: int = THRESHOLD) -> Report:
    """Put the grant report together.

    Parameters
    ----------
    facts : GrantFacts
        Counts and own words of one calendar year.
    about : iterable of Fact
        Organisation, service and year, as the reader is told them.
    threshold : int
        The smallest number of persons that is told, beside 0.

    Returns
    -------
    Report
        With key ``grant``. Shares have Wilson's 95 % interval where they are shares of episodes; times within the
        same episode depend on each other, so that shares of sessions, goals and reviews have none.

    Examples
    --------
    >>> report = grant_report(GrantFacts(received={"self": 30, "general_practitioner": 10}, without_referral=30))
    >>> report.key, [section.key for section in report.sections][:3]
    ('grant', ['grant_overview', 'grant_target_group', 'grant_method'])
    """
    figures = _Figures(threshold)
    sections = (
        Section("grant_overview", (_criteria(facts),), (Note("grant_criteria"),)),
        _target_group(facts, figures),
        _method(facts, figures),
        _feedback(facts, figures),
        _own_goals(facts, figures),
        _involvement(facts, figures),
        _cooperation(facts, figures),
        _digital(facts, figures),
        Section("grant_leadership", (_words(facts, "leadership", "budget", "plan"),)),
        Section("grant_evaluation", (_plans(facts.programmes),)),
        _results(facts, figures),
    )
    notes = (Note("grant_populations"), Note("grant_small_numbers", {"largest": threshold - 1}))
    return Report("grant", tuple(about), notes, sections)


def shown(count: int, threshold: int, *, of: int | None = None) -> bool:
    """Tell whether a number of persons may be told, and, with its whole, whether that gives none of the rest away.

    Parameters
    ----------
    count : int
        Persons, or episodes.
    threshold : int
        The smallest number that is told, beside 0.
    of : int or None
        The whole that is told too, of which `count` is a part.

    Returns
    -------
    bool

    Examples
    --------
    >>> shown(0, 8), shown(7, 8), shown(8, 8), shown(40, 8, of=43)
    (True, False, True, False)
    """
    told = (count,) if of is None else (count, of - count, of)
    return all(each == 0 or each >= threshold for each in told)


@dataclass(frozen=True, slots=True)
class _Figures:
    """Writes counts as cells, or says why there is nothing to see."""

    threshold: int

    def count(self, count: int) -> Cell:
        return Cell(count) if shown(count, self.threshold) else _SMALL

    def share(self, count: int, of: int) -> Cell:
        """Give a share of episodes, with its interval."""
        if of == 0:
            return _UNKNOWN
        if not shown(count, self.threshold, of=of):
            return _SMALL
        found = share_of(np.arange(of) < count)
        return Cell(found.estimate, found.lower, found.upper, of)

    def part(self, key: str, count: int, of: int) -> Row:
        """Give a count and its share; both or neither, since one tells the other."""
        share = self.share(count, of)
        return Row(key, (_SMALL if share.withheld is Withheld.SMALL_NUMBER else self.count(count), share))

    def hidden(self, counts: Mapping[str, int]) -> set[str]:
        """Give which parts of a whole that is told are hidden: the small ones, and the next ones where that is too few.

        What is missing from the whole must be neither one part alone nor small itself.
        """
        hidden = {code for code, count in counts.items() if not shown(count, self.threshold)}
        for code in sorted((each for each in counts if counts[each] >= self.threshold), key=lambda each: counts[each]):
            if not hidden or (len(hidden) > 1 and sum(counts[each] for each in hidden) >= self.threshold):
                break
            hidden.add(code)
        return hidden

    def whole(self, key: str, count: int) -> Row:
        """Give a count that the shares below it are shares of; there is nothing uncertain in all of it."""
        cell = self.count(count)
        return Row(key, (cell, cell if cell.withheld else Cell(1.0, of=count) if count else _UNKNOWN))

    def times(self, key: str, part: Events, of: Events) -> Row:
        """Give how often something was done, and its share of the times that it could have been."""
        few = not shown(part.episodes, self.threshold) or not shown(of.episodes, self.threshold)
        if few or not shown(part.count, self.threshold, of=of.count):
            return Row(key, (_SMALL, _SMALL))
        return Row(key, (Cell(part.count), Cell(part.count / of.count, of=of.count) if of.count else _UNKNOWN))


def _counts(key: str, rows: Iterable[Row], *notes: Note) -> Table:
    return Table(key, (_COUNT, _SHARE), tuple(rows), notes)


def _text(words: str | None) -> Cell:
    return Cell(words) if words else _UNKNOWN


def _words(facts: GrantFacts, *names: str) -> Table:
    """Give what the service says itself."""
    rows = (Row(f"words_{name}", (_text(getattr(facts.statements, name)),)) for name in names)
    return Table("grant_words", (Column("text", Kind.TEXT),), tuple(rows))


def _state(*parts: bool) -> Cell:
    """Tell how much there is of what belongs to a criterion."""
    return Cell("documented" if parts and all(parts) else "documented_in_part" if any(parts) else "not_documented")


def _criteria(facts: GrantFacts) -> Table:
    """Tell, criterion by criterion, whether the report has something to show."""
    said, programmes = facts.statements, facts.programmes
    levels = [line.level is not None for each in programmes for line in each.evidence or (Evidence(""),)]
    written = [bool(each.plan) and all(astuple(each.plan or EvaluationPlan())) for each in programmes]
    done = [any(each.count for each in by.values()) for by in (facts.sessions_by_mode, facts.forms_by_mode)]
    found = {
        "target_group": _state(bool(said.target_group)),
        "reach": _state(facts.referred > 0, facts.started > 0),
        "goals": _state(bool(said.goals)),
        "method": _state(bool(programmes)),
        "evidence_level": _state(*levels),
        "feedback": _state(facts.measured_twice > 0, facts.discussed > 0),
        "own_goals": _state(facts.with_goals > 0),
        "involvement_individual": _state(facts.with_next_of_kin > 0, bool(said.involvement_individual)),
        "involvement_service": _state(bool(said.involvement_service)),
        "involvement_system": _state(bool(said.involvement_system)),
        "cooperation": _state(facts.referred > facts.received.get(NOT_RECORDED, 0), any(facts.referred_on.values())),
        "digital_tools": _state(*done),
        "leadership": _state(bool(said.leadership)),
        "budget": _state(bool(said.budget)),
        "plan": _state(bool(said.plan)),
        "evaluation_plan": _state(*written, any(each.plan is not None for each in programmes)),
        "problem_areas": _state(facts.outcomes.paired > 0, bool(facts.outcomes_by_area)),
    }
    rows = tuple(Row(f"criterion_{key}", (cell,)) for key, cell in found.items())
    return Table("grant_criteria", (Column("documentation", Kind.CODE),), rows)


def _target_group(facts: GrantFacts, figures: _Figures) -> Section:
    known = facts.referred - facts.received.get(NOT_RECORDED, 0)
    reach = (
        figures.whole("referred", facts.referred),
        figures.part("source_known", known, facts.referred),
        figures.part("without_referral", facts.without_referral, known),
        figures.part("started", facts.started, facts.referred),
    )
    quartiles = [
        Cell(_quantile(facts.first_session_days, at)) if facts.started else _UNKNOWN for at in (0.25, 0.5, 0.75)
    ]
    if not shown(facts.started, figures.threshold):
        quartiles = [_SMALL] * len(quartiles)
    days = [Column(key, Kind.DAYS) for key in ("lower_quartile", "median", "upper_quartile")]
    waits = Table(
        "grant_waits",
        (_COUNT, *days),
        (Row("first_session", (figures.count(facts.started), *quartiles)),),
        (Note("grant_waits"),),
    )
    return Section("grant_target_group", (_words(facts, "target_group"), _counts("grant_reach", reach), waits))


def _quantile(histogram: Mapping[int, int], at: float) -> float:
    """Give the value that a share of a histogram lies below, halfway between two where it falls between them.

    Definition 2 of Hyndman & Fan (1996), The American Statistician 50:361, doi:10.1080/00031305.1996.10473566.

    Examples
    --------
    >>> _quantile({3: 1, 5: 1, 20: 2}, 0.5), _quantile({3: 1, 5: 1, 20: 2}, 0.25), _quantile({3: 1, 5: 1, 20: 1}, 0.5)
    (12.5, 4.0, 5.0)
    """
    values = [value for value in sorted(histogram) for _ in range(histogram[value])]
    place = at * len(values)
    upper = values[math.floor(place)]
    return float(upper if place % 1 else (values[round(place) - 1] + upper) / 2)


def _method(facts: GrantFacts, figures: _Figures) -> Section:
    programmes = tuple(
        Row(each.id, (Cell(f"format_{each.format}"), figures.count(each.episodes)), each.name)
        for each in facts.programmes
    )
    evidence = tuple(
        Row(
            f"{each.id}:{number}",
            (
                _text(line.target_group),
                _UNKNOWN if line.level is None else Cell(line.level),
                _text(line.source),
                _text(line.assessed_on),
            ),
            each.name,
        )
        for each in facts.programmes
        for number, line in enumerate(each.evidence or (Evidence(""),), 1)
    )
    columns = (
        Column("target_group", Kind.TEXT),
        Column("evidence_level", Kind.NUMBER),
        Column("source", Kind.TEXT),
        Column("assessed_on", Kind.TEXT),
    )
    tables = (
        _words(facts, "goals"),
        Table("grant_programmes", (Column("format", Kind.CODE), _COUNT), programmes, (Note("grant_programmes"),)),
        Table("grant_evidence", columns, evidence, (Note("grant_evidence"),)),
    )
    return Section("grant_method", tables)


def _feedback(facts: GrantFacts, figures: _Figures) -> Section:
    courses = (
        figures.whole("helped", facts.helped),
        figures.part("measured_twice", facts.measured_twice, facts.helped),
        figures.part("discussed", facts.discussed, facts.helped),
    )
    done = (
        figures.times("sessions", facts.sessions, facts.sessions),
        figures.times("sessions_measured", facts.sessions_measured, facts.sessions),
        figures.times("reviews", facts.reviews, facts.reviews),
        figures.times("reviews_with_patient", facts.reviews_with_patient, facts.reviews),
    )
    tables = (_counts("grant_feedback", courses), _counts("grant_feedback_done", done, Note("grant_feedback_done")))
    return Section("grant_feedback", tables, (Note("grant_feedback"),))


def _own_goals(facts: GrantFacts, figures: _Figures) -> Section:
    courses = (
        figures.whole("helped", facts.helped),
        figures.part("with_goals", facts.with_goals, facts.helped),
    )
    goals = (
        figures.times("goals_set", facts.goals_set, facts.goals_set),
        figures.times("goals_ended", facts.goals_ended, facts.goals_set),
        figures.times("goals_judged", facts.goals_judged, facts.goals_ended),
        figures.times("goals_reached", facts.goals_reached, facts.goals_judged),
    )
    return Section("grant_own_goals", (_counts("grant_with_goals", courses), _counts("grant_goals", goals)))


def _involvement(facts: GrantFacts, figures: _Figures) -> Section:
    courses = (
        figures.whole("helped", facts.helped),
        figures.part("discussed", facts.discussed, facts.helped),
        figures.part("with_next_of_kin", facts.with_next_of_kin, facts.helped),
    )
    words = _words(facts, "involvement_individual", "involvement_service", "involvement_system")
    return Section("grant_involvement", (_counts("grant_involved", courses), words))


def _by_code(key: str, prefix: str, counts: Mapping[str, int], figures: _Figures) -> Table:
    """Give each code's part of all of them."""
    whole, hidden = sum(counts.values()), figures.hidden(counts)
    rows = (
        Row(f"{prefix}_{code}", (_SMALL, _SMALL)) if code in hidden else figures.part(f"{prefix}_{code}", count, whole)
        for code, count in counts.items()
    )
    return _counts(key, rows)


def _cooperation(facts: GrantFacts, figures: _Figures) -> Section:
    received = _by_code("grant_received", "source", facts.received, figures)
    referred_on = _by_code("grant_referred_on", "referred_to", facts.referred_on, figures)
    whole = (
        figures.whole("ended", facts.ended),
        figures.part("referred_on", sum(facts.referred_on.values()), facts.ended),
    )
    return Section("grant_cooperation", (received, _counts("grant_passed_on", whole), referred_on))


def _digital(facts: GrantFacts, figures: _Figures) -> Section:
    tables = []
    for key, prefix, by in (
        ("grant_sessions_by_mode", "session", facts.sessions_by_mode),
        ("grant_forms_by_mode", "form", facts.forms_by_mode),
    ):
        episodes = max((each.episodes for each in by.values()), default=0)  # at least: some may be in several modes
        whole = Events(sum(each.count for each in by.values()), episodes)
        hidden = figures.hidden({mode: each.episodes for mode, each in by.items()})
        rows = (
            Row(f"{prefix}_{mode}", (_SMALL, _SMALL))
            if mode in hidden
            else figures.times(f"{prefix}_{mode}", each, whole)
            for mode, each in by.items()
        )
        tables.append(_counts(key, rows))
    return Section("grant_digital", tuple(tables))


def _plans(programmes: Iterable[ProgrammeFacts]) -> Table:
    columns = tuple(Column(f"plan_{each.name}", Kind.TEXT) for each in fields(EvaluationPlan))
    rows = tuple(
        Row(each.id, tuple(_text(words) for words in astuple(each.plan or EvaluationPlan())), each.name)
        for each in programmes
    )
    return Table("grant_plans", columns, rows)


def _results(facts: GrantFacts, figures: _Figures) -> Section:
    """Tell how courses end, and in which problem areas people get better more and less often."""
    endings = _by_code("grant_endings", "ending", facts.endings, figures)
    told = {area: of for area, of in facts.outcomes_by_area.items() if of.ended >= figures.threshold}
    whole = figures.share(facts.outcomes.improved, facts.outcomes.paired)
    rows = [Row("all_areas", (*_outcomes(facts.outcomes, figures), Cell("is_the_whole")))]
    for area in sorted(told, key=str.casefold):
        cells = _outcomes(told[area], figures)
        rows.append(Row(f"area:{area}", (*cells, _held_against(cells[2], whole)), area))
    columns = (
        Column("ended", Kind.COUNT),
        Column("paired", Kind.SHARE),
        Column("reliable_improvement", Kind.SHARE),
        Column("reliable_deterioration", Kind.SHARE),
        Column("compared_with_whole", Kind.CODE),
    )
    notes = [Note("grant_problem_areas"), Note("grant_uncontrolled")]
    if rare := len(facts.outcomes_by_area) - len(told):
        notes.append(Note("grant_rare_areas", {"areas": rare}))
    return Section("grant_results", (endings, Table("grant_problem_areas", columns, tuple(rows), tuple(notes))))


def _outcomes(of: Outcomes, figures: _Figures) -> tuple[Cell, Cell, Cell, Cell]:
    return (
        figures.count(of.ended),
        figures.share(of.paired, of.ended),
        figures.share(of.improved, of.paired),
        figures.share(of.deteriorated, of.paired),
    )


def _held_against(area: Cell, whole: Cell) -> Cell:
    """Tell whether an area differs from the whole; where its interval holds the whole's share, nothing is ranked."""
    for each in (area, whole):
        if each.withheld:
            return each
    rate, low, high = (float(each or 0) for each in (whole.value, area.low, area.high))
    return Cell("above_whole" if low > rate else "below_whole" if high < rate else "not_told_apart")
