"""What became of the patients of a service: the flow of denominators, outcomes, missing ends, size of the change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.reports.axes import Axis
from app.reports.cohort import Measured, Pair, Started
from app.reports.comparison import Modelled
from app.reports.disclosure import Stages
from app.reports.document import Cell, Column, Kind, Note, Row, Section, Table, Withheld
from app.reports.effects import Pairs, pre_post, severity_adjusted
from app.reports.guarded import HIDDEN, Guarded, Named, Where, counted, share
from app.reports.tabulation import PARTS, Axes, Change, Recovery, Stage, ValueOf, parts
from app.scales.change import ChangeCriteria

STARTED: Final = "started"
TWO_SESSIONS: Final = "two_sessions"
WITH_FIRST: Final = "with_first"
PAIRED: Final = "paired"
CASES: Final = "cases"
FIRST_CASES: Final = "first_cases"
"""Cases by the first score, with a later one or without."""
REFERRED: Final = "referred"
RECOVERED: Final = "recovery"

_UNKNOWN: Final = Cell(withheld=Withheld.UNKNOWN)
_DOES_NOT_APPLY: Final = Cell(withheld=Withheld.DOES_NOT_APPLY)

_STAGES: Final[dict[str, Sequence[Stage]]] = {
    REFERRED: list(Stage),
    STARTED: list(Stage)[1:],
    TWO_SESSIONS: list(Stage)[2:],
    WITH_FIRST: list(Stage)[3:],
    PAIRED: [Stage.PAIRED_BELOW, Stage.PAIRED_CASE],
    FIRST_CASES: [Stage.FIRST_CASE, Stage.PAIRED_CASE],
    **{stage: [stage] for stage in Stage},
}
_RECOVERIES_TOLD: Final[dict[str, Sequence[Recovery]]] = {
    CASES: list(Recovery),
    RECOVERED: [Recovery.RELIABLE, Recovery.BELOW_ONLY],
    Recovery.RELIABLE: [Recovery.RELIABLE],
}

_OF_STAGES, _OF_CHANGES, _OF_RECOVERIES = "stage:", "change:", "recovery:"

_UNIONS: Final = {
    **{f"{_OF_STAGES}{name}": [part.name for part in PARTS if part.stage in some] for name, some in _STAGES.items()},
    **{f"{_OF_CHANGES}{each}": [part.name for part in PARTS if part.change is each] for each in Change},
    f"{_OF_CHANGES}{PAIRED}": [part.name for part in PARTS if part.change is not None],
    **{
        f"{_OF_RECOVERIES}{name}": [part.name for part in PARTS if part.recovery in some]
        for name, some in _RECOVERIES_TOLD.items()
    },
}

_WORTH: Final = {
    f"{_OF_STAGES}{REFERRED}": 200.0,
    f"{_OF_STAGES}{TWO_SESSIONS}": 100.0,
    f"{_OF_STAGES}{PAIRED}": 200.0,
    f"{_OF_CHANGES}{PAIRED}": 200.0,
    f"{_OF_RECOVERIES}{CASES}": 100.0,
    f"{_OF_STAGES}{Stage.PAIRED_CASE}": 100.0,
    **{f"{_OF_CHANGES}{each}": 50.0 for each in Change},
    **{f"{_OF_RECOVERIES}{each}": 50.0 for each in (RECOVERED, Recovery.RELIABLE)},
    f"{_OF_STAGES}{STARTED}": 10.0,
    f"{_OF_STAGES}{WITH_FIRST}": 10.0,
    f"{_OF_STAGES}{FIRST_CASES}": 5.0,
}
"""What a reader would miss most: where something has to be hidden, steps between the denominators go first."""

FLOW: Final = Stages(
    Axis(3, ((0, 1, 2), (1, 2)), worth=(1.0, 1.0, 100.0, 200.0, 10.0)),
    tuple(min(list(Stage).index(part.stage), 2) for part in PARTS),
)
"""What all reports have in common, whatever the measure: not started, one session, two or more."""

OUTCOMES: Final = (
    ("reliable_improvement", Change.IMPROVED),
    ("recovery", RECOVERED),
    ("reliable_recovery", Recovery.RELIABLE),
    ("no_reliable_change", Change.UNCHANGED),
    ("reliable_deterioration", Change.DETERIORATED),
)
"""In the order in which they are told, as NHS Talking Therapies defines them."""


@dataclass(frozen=True, slots=True)
class Tabulated:
    """The parts of a measure's episodes, with what may be told of them: of stages, of pairs, of cases."""

    stages: Named
    changes: Named
    recoveries: Named
    unknown: frozenset[str] = frozenset()
    """Outcomes of which nobody's is known, since no reliable change or no cut-off of the measure is published."""

    @classmethod
    def of(
        cls, axes: Axes, started: Sequence[Started], measured: Sequence[Measured], value_of: ValueOf, threshold: int
    ) -> Tabulated:
        """Count how far episodes came and what became of the pairs and of the cases, and guard all of it together."""
        counts = parts(axes, started, measured, value_of)
        names = [part.name for part in PARTS]
        guarded = Guarded.of(axes, counts, names, _UNIONS, threshold=threshold, stages=FLOW, worth=_WORTH)
        of_stages, of_changes, of_recoveries = (
            Named(guarded, each) for each in (_OF_STAGES, _OF_CHANGES, _OF_RECOVERIES)
        )
        return cls(of_stages, of_changes, of_recoveries, _unknown(measured))

    def outcome(self, where: Where, name: str) -> tuple[int | None, int | None]:
        """Give how many showed an outcome, and of how many; None where it may not be told."""
        category = dict(OUTCOMES)[name]
        if category is Recovery.RELIABLE and self.changes.count(where, PAIRED) == 0:
            return 0, 0  # where no reliable change is published, nobody can be said to have none
        if isinstance(category, Change):
            return self.changes.count(where, category), self.changes.count(where, PAIRED)
        return self.recoveries.count(where, category), self.recoveries.count(where, CASES)


def _unknown(measured: Sequence[Measured]) -> frozenset[str]:
    """Tell which counts are of nothing that is known, for want of a published criterion: they are not 0."""
    paired = [cell for cell in measured if cell.paired]
    found: set[str] = set()
    if paired and all(cell.change is None for cell in paired):
        found |= {name for name, category in OUTCOMES if isinstance(category, Change)} | {"reliable_recovery"}
    if paired and all(cell.case_at_start is None for cell in paired):
        found |= {CASES, *_RECOVERIES}
    return frozenset(found)


def denominators(tabulated: Tabulated, where: Where) -> Table:
    """Tell how many episodes there were at each step from the referral to a case with two scores."""
    steps = {name: tabulated.stages.count(where, name) for name in (REFERRED, STARTED, TWO_SESSIONS, PAIRED)}
    steps[CASES] = tabulated.stages.count(where, Stage.PAIRED_CASE)
    rows, before = [], None
    for place, (name, count) in enumerate(steps.items()):
        of_previous = _DOES_NOT_APPLY if place == 0 else share(count, before)
        rows.append(Row(name, (_UNKNOWN, _UNKNOWN) if name in tabulated.unknown else (counted(count), of_previous)))
        before = count
    single = tabulated.stages.count(where, Stage.ONE_SESSION)
    rows.append(Row("single_session", (counted(single), share(single, steps[STARTED]))))
    columns = (Column("count", Kind.COUNT), Column("share_of_previous", Kind.SHARE))
    return Table("denominators", columns, tuple(rows))


def outcomes(tabulated: Tabulated, where: Where, modelled: Modelled | None) -> Table:
    """Tell the outcomes of those with both scores, and what they would be by other rules for the missing ends."""
    columns = (
        Column("count", Kind.COUNT),
        Column("share", Kind.SHARE),
        Column("carried_forward", Kind.SHARE),
        Column("modelled", Kind.SHARE),
        Column("lowest", Kind.SHARE),
        Column("highest", Kind.SHARE),
    )
    rows = []
    for name, _ in OUTCOMES:
        if name in tabulated.unknown:
            rows.append(Row(name, (_UNKNOWN,) * len(columns)))
            continue
        count, of = tabulated.outcome(where, name)
        rows.append(Row(name, (counted(count), share(count, of), *_by_other_rules(tabulated, where, name, modelled))))
    return Table("outcomes", columns, tuple(rows), notes=(Note("missing_rules_differ"),))


def _by_other_rules(tabulated: Tabulated, where: Where, name: str, modelled: Modelled | None) -> tuple[Cell, ...]:
    """Give the share among all with a first score: unchanged since then, by the model, at worst and at best.

    Of the two kinds of recovery it is the share among the cases. At worst and at best no one, or everybody without a
    later score shows the outcome; of changes, those who were never measured are counted among them.
    """
    stages, (count, paired) = tabulated.stages, tabulated.outcome(where, name)
    of_cases = name in _RECOVERIES
    first = stages.count(where, FIRST_CASES if of_cases else WITH_FIRST)
    everybody = first if of_cases else stages.count(where, TWO_SESSIONS)
    if count is None or paired is None or first is None or everybody is None:
        return HIDDEN, HIDDEN, HIDDEN, HIDDEN
    carried = count + (first - paired if name == "no_reliable_change" else 0)
    by_model = Cell(withheld=Withheld.UNKNOWN)
    if modelled is not None and first:
        by_model = Cell((count + _expected(modelled, name, first - paired)) / first, of=first)
    return (
        share(carried, first),
        by_model,
        _plain(count, everybody),
        _plain(count + everybody - paired, everybody),
    )


_RECOVERIES: Final = ("recovery", "reliable_recovery")


def _expected(modelled: Modelled, name: str, persons: int) -> float:
    return {
        "reliable_improvement": modelled.improved,
        "reliable_deterioration": modelled.deteriorated,
        "no_reliable_change": persons - modelled.improved - modelled.deteriorated,
        "recovery": modelled.recovered,
        "reliable_recovery": modelled.reliably_recovered,
    }[name]


def _plain(count: int, of: int) -> Cell:
    return Cell(count / of, of=of) if of else Cell(withheld=Withheld.UNKNOWN)


def effects(
    tabulated: Tabulated,
    where: Where,
    pairs: Sequence[Pair],
    reference: Sequence[Pair],
    criteria: ChangeCriteria,
) -> Table:
    """Tell how large the change was, in standard deviations: plain, and as if all had started alike.

    `pairs` are those asked for, `reference` those of the whole organisation in the period.
    """
    columns = (
        Column("count", Kind.COUNT),
        Column("mean_before", Kind.POINTS),
        Column("mean_after", Kind.POINTS),
        Column("sd_before", Kind.POINTS),
        Column("effect", Kind.EFFECT),
    )
    rows = [
        Row("pre_post", _pre_post(tabulated.stages.count(where, PAIRED), pairs, criteria)),
        Row("severity_adjusted", _adjusted(tabulated, where, pairs, reference, criteria)),
    ]
    return Table("effect", columns, tuple(rows), notes=(Note("uncontrolled"),))


def _pre_post(persons: int | None, pairs: Sequence[Pair], criteria: ChangeCriteria) -> tuple[Cell, ...]:
    if persons is None:
        return (HIDDEN,) * 5
    found = pre_post(histogram(pairs), criteria.better)
    if found is None:
        return (Cell(persons), *(Cell(withheld=Withheld.UNKNOWN),) * 4)
    effect = found.effect
    return (
        Cell(persons),
        Cell(found.mean_before),
        Cell(found.mean_after),
        _number(found.sd_before),
        _number(effect.estimate, effect.lower, effect.upper),
    )


def _adjusted(
    tabulated: Tabulated, where: Where, pairs: Sequence[Pair], reference: Sequence[Pair], criteria: ChangeCriteria
) -> tuple[Cell, ...]:
    cases = tabulated.recoveries.count(where, CASES)
    plain = (_DOES_NOT_APPLY,) * 3  # the means that are not adjusted stand in the row above
    if cases is None:
        return HIDDEN, *plain, HIDDEN
    group, all_cases = (histogram(each).cases(criteria) for each in (pairs, reference))
    found = severity_adjusted(group, all_cases, criteria.better)
    effect = _UNKNOWN if found is None else _number(found.estimate, found.lower, found.upper)
    return Cell(cases), *plain, effect


def _number(value: float, low: float = np.nan, high: float = np.nan) -> Cell:
    """Give a figure that may not exist (NaN), with its interval if that does."""
    if np.isnan(value):
        return Cell(withheld=Withheld.UNKNOWN)
    return Cell(value) if np.isnan(low) or np.isnan(high) else Cell(value, low, high)


def histogram(pairs: Sequence[Pair]) -> Pairs:
    """Count pairs of scores, wherever they lie."""
    rows = [(pair.baseline, pair.last, pair.episodes) for pair in pairs]
    baseline, last, count = zip(*rows, strict=True) if rows else ((), (), ())
    return Pairs.of(baseline, last, count)


def section(tables: Sequence[Table]) -> Section:
    """Put the tables of outcomes together."""
    return Section("outcomes", tuple(tables))
