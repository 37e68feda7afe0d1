"""The tables of comparisons: with the expected curve and natural courses, and with published results."""

from __future__ import annotations

from collections.abc import Sequence

from app.reports.cohort import Lasting
from app.reports.comparison import (
    Comparator,
    Difference,
    Missing,
    by_curve,
    by_nature,
    difference,
    published_results,
)
from app.reports.document import Cell, Column, Kind, Note, Row, Table, Withheld
from app.reports.guarded import HIDDEN, Where, share
from app.reports.outcomes import FIRST_CASES, PAIRED, WITH_FIRST, Tabulated
from app.scales.change import ChangeCriteria
from app.trajectories.growth import GrowthCurve

_UNKNOWN = Cell(withheld=Withheld.UNKNOWN)


def compared(
    tabulated: Tabulated,
    where: Where,
    pairs: Sequence[Lasting],
    criteria: ChangeCriteria,
    curve: GrowthCurve | None,
    natural: Sequence[Comparator],
) -> Table:
    """Tell how much more, or less, people improved than was to be expected: in treatment, and without it."""
    columns = (
        Column("count", Kind.COUNT),
        Column("observed", Kind.POINTS),
        Column("compared", Kind.POINTS),
        Column("difference", Kind.POINTS),
    )
    told = tabulated.stages.count(where, PAIRED)
    rows, notes = [], [Note("similar_people")]
    held = [("expected", None if curve is None else by_curve(curve))]
    held += [(f"natural_{each.key}", by_nature(each.course, criteria)) for each in natural]
    for key, expectation in held:
        found = None if expectation is None else difference(pairs, criteria, expectation)
        rows.append(Row(key, _difference(told, found)))
    notes += [Note("natural_source", {"name": f"natural_{each.key}", "source": each.source}) for each in natural]
    if not natural:
        notes.append(Note("natural_unknown"))
    return Table("compared", columns, tuple(rows), tuple(notes))


def _difference(told: int | None, found: Difference | None) -> tuple[Cell, ...]:
    if told is None:
        return (HIDDEN,) * 4
    if found is None:
        return (_UNKNOWN,) * 4
    between = found.difference
    return (
        Cell(told),
        Cell(found.observed),
        Cell(found.expected),
        Cell(between.estimate, between.lower, between.upper) if found.persons > 1 else Cell(between.estimate),
    )


def published(tabulated: Tabulated, where: Where, measure: str) -> Table:
    """Set the own shares beside published ones, where they are the same thing; otherwise say what differs."""
    columns = (Column("published", Kind.SHARE), Column("own", Kind.SHARE), Column("state", Kind.CODE))
    rows, notes = [], []
    for each in published_results():
        own, state = Cell(withheld=Withheld.NOT_COMPARABLE), "comparable"
        for rule in (Missing.LAST_RECORDED, Missing.CARRIED_FORWARD):
            refused = each.refused_for(measure, rule)
            state = refused or "comparable"
            if refused is None:
                own = _own(tabulated, where, each.outcome, rule)
                break
        rows.append(Row(f"published_{each.key}", (Cell(each.share, of=each.of), own, Cell(state))))
        evidence = {"name": f"published_{each.key}", "source": each.source, "status": each.status}
        notes.append(Note("published_source", evidence))
    return Table("published", columns, tuple(rows), tuple(notes))


def _own(tabulated: Tabulated, where: Where, outcome: str, rule: Missing) -> Cell:
    count, of = tabulated.outcome(where, outcome)
    if rule is Missing.CARRIED_FORWARD:
        of = tabulated.stages.count(where, WITH_FIRST if outcome == "reliable_improvement" else FIRST_CASES)
    return share(count, of)
