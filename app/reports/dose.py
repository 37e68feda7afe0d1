"""How many sessions it took: the first reliable improvement against drop-out, and the good-enough level.

People who are well stop coming, so that many sessions look worse than few (responsive regulation: Barkham et al. 2006,
doi:10.1037/0022-006X.74.1.160). None of the tables here says what one more session gives.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from app.reports.cohort import STEPS, Event, First, Period, Reached, Step
from app.reports.document import Cell, Column, Kind, Note, Row, Table, Withheld
from app.reports.guarded import HIDDEN, Guarded, Where, counted, share
from app.reports.survival import cumulative_incidence
from app.reports.tabulation import Axes
from app.trajectories.sampling_error import wilson_ends

MARKS: Final = (3, 7, 20, 52)
"""Sessions that are marked: the windows of early and late response, and the two of the dose-response studies."""

EARLY_BY: Final = 3
LATE_FROM: Final = 7

_FOLLOWED: Final = "followed"
_EVENTS: Final = ("improved", "dropped_out")
_REMAINED: Final = "remained"
_LEFT: Final = "left"
"""Neither has happened by a step: later, or the episode ended without."""

_COLUMNS: Final = (Column("at_risk", Kind.COUNT), Column("improved", Kind.SHARE), Column("dropped_out", Kind.SHARE))


def guarded_steps(axes: Axes, cells: Sequence[Step], threshold: int) -> Guarded:
    """Guard what happened in each step of sessions: improved, dropped out, or the end without either."""
    names = [*(f"{event}_{step}" for event in _EVENTS for step in range(len(STEPS) + 1)), _REMAINED]
    services, values = ({each: place for place, each in enumerate(axis)} for axis in (axes.services, axes.values))
    first = {Event.IMPROVED: 0, Event.DROPPED_OUT: len(STEPS) + 1}
    lines = []
    for cell in cells:
        place = len(names) - 1 if cell.event == Event.ENDED else first[Event(cell.event)] + cell.step
        value = 0 if axes.values == (None,) else values[cell.value]
        lines.append((services[cell.service], cell.year - axes.years[0], value, place, cell.episodes))
    found = axes.filled(names, lines)
    unions = {_FOLLOWED: names}
    for event in _EVENTS:
        unions |= {f"{event}_by_{step}": [f"{event}_{each}" for each in range(step + 1)] for step in range(len(STEPS))}
    for step in range(len(STEPS)):
        gone = {each for event in _EVENTS for each in unions[f"{event}_by_{step}"]}
        unions[f"{_LEFT}_{step}"] = [each for each in names if each not in gone]
    early, late = STEPS.index(EARLY_BY) + 1, STEPS.index(LATE_FROM)
    unions |= {
        "early": [f"improved_{step}" for step in range(early)],
        "linear": [f"improved_{step}" for step in range(early, late)],
        "late": [f"improved_{step}" for step in range(late, len(STEPS) + 1)],
        "none": [name for name in names if not name.startswith("improved")],
    }
    return Guarded.of(axes, found, names, unions, threshold=threshold)


def dose(guarded: Guarded, where: Where, cells: Sequence[First]) -> Table:
    """Tell by which session how many had improved reliably for the first time, or had dropped out before."""
    return Table("dose", _COLUMNS, tuple(_curve(guarded, where, cells)), notes=(Note("responsive_regulation"),))


def dose_by(key: str, guarded: Guarded, strata: Mapping[str, Where], cells: Mapping[str, Sequence[First]]) -> Table:
    """Tell the same for each stratum, at the marks alone; rows are named `<stratum>:<session>`."""
    rows = [
        Row(f"{stratum}:{row.key}", row.cells)
        for stratum, where in strata.items()
        for row in _curve(guarded, where, cells.get(stratum, ()))
        if int(row.key) in MARKS
    ]
    return Table(key, _COLUMNS, tuple(rows))


def _curve(guarded: Guarded, where: Where, cells: Sequence[First]) -> list[Row]:
    """Estimate the curves from all sessions; tell them at the ends of those steps whose counts may be told."""
    time, event, count = ([getattr(cell, name) for cell in cells] for name in ("sessions", "event", "episodes"))
    found = cumulative_incidence(time, event, count, causes=len(_EVENTS))
    followed = guarded.count(where, _FOLLOWED)
    rows = []
    for step, sessions in enumerate(STEPS):
        if found is None or followed is None:
            unknown = Cell(withheld=Withheld.UNKNOWN) if found is None else HIDDEN
            rows.append(Row(str(sessions), (unknown,) * len(_COLUMNS)))
            continue
        at = found.at([sessions])
        told = []
        for name, curve in zip(_EVENTS, at.causes, strict=True):
            hidden = guarded.count(where, f"{name}_by_{step}") is None
            value, low, high = (float(each[0]) for each in (curve.estimate, curve.low, curve.high))
            if guarded.to > 1 and not math.isnan(low):
                error = float(curve.standard_error[0])
                value, low, high = _of_rounded(value, error, sum(count), followed, guarded.to)
            told.append(HIDDEN if hidden else _share(value, low, high, followed))
        rows.append(Row(str(sessions), (counted(guarded.count(where, f"{_LEFT}_{step}")), *told)))
    return rows


def _of_rounded(value: float, error: float, persons: int, followed: int, to: int) -> tuple[float, float, float]:
    """Give a share of rounded counts, with the interval of so many persons as it is worth, rounded likewise.

    Also in whole per cent a share of few is one fraction alone, and the reach of its interval tells of how many.
    Without censoring this is the share of the rounded counts, with their Wilson interval.
    """
    share = min(to * round(value * persons / to), followed) / followed
    worth = max(to * round(value * (1 - value) / error**2 / to), to)
    low, high = wilson_ends(share * worth, worth)
    return share, float(low), float(high)


def _share(value: float, low: float, high: float, of: int) -> Cell:
    if math.isnan(value):
        return Cell(withheld=Withheld.UNKNOWN)
    return Cell(value, of=of) if math.isnan(low) else Cell(value, low, high, of)


def responders(guarded: Guarded, where: Where) -> Table:
    """Tell the shares of early and late response, of what lies between, and of none."""
    everybody = guarded.count(where, _FOLLOWED)
    counts = {name: guarded.count(where, name) for name in ("early", "linear", "late", "none")}
    columns = (Column("count", Kind.COUNT), Column("share", Kind.SHARE))
    rows = tuple(Row(name, (counted(count), share(count, everybody))) for name, count in counts.items())
    return Table("responders", columns, rows, notes=(Note("windows_are_no_shapes"),))


_GOOD, _NOT_GOOD = "good_enough", "not_good_enough"


def guarded_levels(axes: Axes, cells: Sequence[Reached], threshold: int) -> Guarded:
    """Guard how many of those with so many sessions ended good enough; the steps are the values of the table."""
    lines = []
    for cell in cells:
        place, value = 0 if cell.good_enough else 1, axes.values.index(str(cell.step))
        lines.append((axes.services.index(cell.service), cell.year - axes.years[0], value, place, cell.episodes))
    found = axes.filled((_GOOD, _NOT_GOOD), lines)
    return Guarded.of(axes, found, (_GOOD, _NOT_GOOD), {"count": (_GOOD, _NOT_GOOD)}, threshold=threshold)


def good_enough(guarded: Guarded, period: Period, service: str | None) -> Table:
    """Tell, by sessions attended in all, how many ended reliably better and below the cut-off."""
    rows = []
    for value in guarded.axes.values:
        where = Where(period, service, value, any_value=False)
        count = guarded.count(where, "count")
        if count != 0:
            rows.append(Row(_between(int(value or 0)), (counted(count), guarded.share(where, _GOOD, "count"))))
    columns = (Column("count", Kind.COUNT), Column("good_enough", Kind.SHARE))
    return Table("good_enough", columns, tuple(rows), notes=(Note("responsive_regulation"),))


def _between(step: int) -> str:
    """Name a step by its first and last session, as `4-5`; the last one is open."""
    first = 1 if step == 0 else STEPS[step - 1] + 1
    return f"{first}+" if step == len(STEPS) else f"{first}-{STEPS[step]}"
