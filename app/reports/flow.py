"""How patients came through the service: waits, sessions held and missed, endings, drop-out by rule, measuring."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from app.reports.axes import Axis
from app.reports.cohort import Attended, Change, ChangeIn, Ended, FollowedUp, Held
from app.reports.disclosure import Stages
from app.reports.document import Cell, Column, Kind, Note, Row, Table, Withheld
from app.reports.guarded import HIDDEN, Guarded, Where, counted, share
from app.reports.tabulation import Axes
from app.trajectories.prediction import IntArray

FEW_SESSIONS: Final = 4
"""Ended before so many sessions: in low-intensity care at least four went with recovery in more than half of patients
(Delgadillo et al. 2014, eprints.hud.ac.uk/18900)."""

_EVERYBODY: Final = "ended"
_YES, _NO = "yes", "no"
_CHANGED: Final = "changed"
_QUARTERS: Final = (0.25, 0.5, 0.75)
_NORMAL_95: Final = 1.959963984540054

DROPPED_OUT: Final = "dropped_out"
"""As the closing reason records it."""

BY_RULE: Final[dict[str, Callable[[Ended], bool]]] = {
    "few_sessions": lambda cell: cell.sessions < FEW_SESSIONS,
    "missed_last": lambda cell: cell.missed_last,
    "no_contact": lambda cell: cell.no_contact,
}
"""Other definitions of drop-out that the record can tell; they differ, so a report names the one that it means."""


def guarded_endings(axes: Axes, cells: Sequence[Ended], threshold: int) -> dict[str, Guarded]:
    """Guard how episodes ended, and each definition of drop-out, for all of the organisation.

    Drop-out as recorded is one of the ways to end, so that there is no second table of it.
    """
    reasons = sorted({str(cell.reason) for cell in cells} | {DROPPED_OUT})
    found = axes.filled(
        reasons, [(*_place(axes, each), reasons.index(str(each.reason)), each.episodes) for each in cells]
    )
    guarded = {"endings": Guarded.of(axes, found, reasons, {_EVERYBODY: reasons}, threshold=threshold)}
    for name, holds in BY_RULE.items():
        split = _split(axes, cells, holds)
        unions = {_EVERYBODY: (_YES, _NO)}
        guarded[name] = Guarded.of(axes, split, (_YES, _NO), unions, threshold=threshold)
    return guarded


def _split(axes: Axes, cells: Iterable[Ended], holds: Callable[[Ended], bool]) -> IntArray:
    return axes.filled((_YES, _NO), [(*_place(axes, each), 0 if holds(each) else 1, each.episodes) for each in cells])


def _place(axes: Axes, cell: Ended | FollowedUp | ChangeIn) -> tuple[int, int, int]:
    return axes.services.index(cell.service), cell.year - axes.years[0], 0


_COUNTED: Final = (Column("count", Kind.COUNT), Column("share", Kind.SHARE))


def endings(guarded: Guarded, where: Where) -> Table:
    """Tell how episodes ended."""
    everybody = guarded.count(where, _EVERYBODY)
    counts = {reason: guarded.count(where, reason) for reason in guarded.entries if reason != _EVERYBODY}
    rows = tuple(Row(reason, (counted(count), share(count, everybody))) for reason, count in counts.items())
    return Table("endings", _COUNTED, rows)


def drop_out(guarded: dict[str, Guarded], where: Where) -> Table:
    """Tell the share that dropped out, by each definition."""
    named = {"as_recorded": (guarded["endings"], DROPPED_OUT)} | {name: (guarded[name], _YES) for name in BY_RULE}
    rows = []
    for name, (table, category) in named.items():
        count, of = table.count(where, category), table.count(where, _EVERYBODY)
        rows.append(Row(name, (counted(count), share(count, of))))
    return Table("drop_out", _COUNTED, tuple(rows), notes=(Note("drop_out_depends_on_definition"),))


def waits(cells: Sequence[Attended], started: int | None, two_sessions: int | None, threshold: int) -> Table:
    """Tell the days from opening to the first session, those between sessions, and how many sessions there were.

    `started` and `two_sessions` are the counts that may be told of those of whom the figures are.
    """
    figures: dict[str, tuple[int | None, list[tuple[int | None, int]]]] = {
        "to_first_session": (started, [(cell.waiting_days, cell.episodes) for cell in cells]),
        "between_sessions": (two_sessions, [(cell.interval_days, cell.episodes) for cell in cells]),
        "sessions": (started, [(cell.sessions or None, cell.episodes) for cell in cells]),
    }
    columns = (
        Column("count", Kind.COUNT),
        *(Column(name, Kind.NUMBER) for name in ("lower_quartile", "median", "upper_quartile")),
    )
    rows = []
    for name, (told, values) in figures.items():
        if told is None:
            rows.append(Row(name, (HIDDEN,) * 4))
            continue
        known = [(float(value), count) for value, count in values if value is not None]
        rows.append(Row(name, (Cell(told), *_quantiles(known, _QUARTERS, threshold))))
    return Table("waits", columns, tuple(rows))


def _quantiles(values: Sequence[tuple[float, int]], levels: Sequence[float], threshold: int) -> tuple[Cell, ...]:
    """Give quantiles of those of whom something is known; of too few they would be somebody's own figures."""
    if 0 < sum(count for _, count in values) < threshold:
        return (HIDDEN,) * len(levels)
    found = quantiles(values, levels)
    return tuple(Cell(withheld=Withheld.UNKNOWN) if math.isnan(each) else Cell(each) for each in found)


def quantiles(values: Sequence[tuple[float, int]], levels: Sequence[float]) -> list[float]:
    """Give the lowest value that so large a share of persons has at most; NaN of nobody.

    Examples
    --------
    >>> quantiles([(0, 2), (7, 1), (30, 1)], [0.5, 0.75])
    [0, 7]
    """
    if not values:
        return [math.nan] * len(levels)
    ordered = sorted(values)
    so_far = np.cumsum([count for _, count in ordered])
    return [ordered[int(np.searchsorted(so_far, level * so_far[-1]))][0] for level in levels]


def attendance(cells: Sequence[Ended], threshold: int) -> Table:
    """Tell what came of the sessions that were planned: attended, cancelled, stayed away from."""
    names = ("attended", "cancelled", "no_shows")
    counts = {name: sum(getattr(cell, name) for cell in cells) for name in names}
    enough = sum(cell.episodes for cell in cells) >= threshold
    total = sum(counts.values())
    rows = tuple(Row(name, (_session_share(count, total) if enough else HIDDEN,)) for name, count in counts.items())
    return Table("attendance", (Column("share", Kind.SHARE),), rows)


def measuring(held: Sequence[Held], ended: Sequence[Ended], threshold: int) -> Table:
    """Tell the share of sessions with a score of the measure, and what came of the forms that were asked for."""
    episodes = sum(cell.episodes for cell in held)
    sessions, measured = (sum(getattr(cell, name) for cell in held) for name in ("sessions", "measured"))
    rows = [Row("sessions_with_measure", (_session_share(measured, sessions) if episodes >= threshold else HIDDEN,))]
    offered = sum(cell.forms_offered for cell in ended)
    enough = sum(cell.episodes for cell in ended if cell.forms_offered) >= threshold
    for name in ("completed", "declined", "unable"):
        count = sum(getattr(cell, f"forms_{name}") for cell in ended)
        rows.append(Row(f"forms_{name}", (_session_share(count, offered) if enough else HIDDEN,)))
    return Table("measuring", (Column("share", Kind.SHARE),), tuple(rows))


def _session_share(count: int, of: int) -> Cell:
    """Give a share of sessions or forms, without an interval: those of one person go together."""
    return Cell(round(count / of, 2)) if of else Cell(withheld=Withheld.UNKNOWN)


def guarded_follow_up(axes: Axes, cells: Sequence[FollowedUp], threshold: int) -> Guarded:
    """Guard how many of those with a first and a last score have one after the treatment too, beside those without.

    How many have both scores is told elsewhere, so that no witness may rest on that number being hidden here.
    """
    lines = [(*_place(axes, each), 0 if each.followed_up else 1, each.episodes) for each in cells]
    found = axes.filled((_YES, _NO), lines)
    unions = {_EVERYBODY: (_YES, _NO)}
    return Guarded.of(axes, found, (_YES, _NO), unions, threshold=threshold, stages=Stages(Axis(1), (0, 0)))


def follow_up(guarded: Guarded, where: Where, paired: int | None) -> Table:
    """Tell how many were followed up after the treatment, of those with both scores, whose count may be told."""
    count = guarded.count(where, _YES)
    return Table("follow_up", _COUNTED, (Row("followed_up", (counted(count), share(count, paired))),))


def guarded_changes(axes: Axes, cells: Sequence[ChangeIn], threshold: int) -> Guarded:
    """Guard how many have a change: a mean of whole points gives away of how many it is."""
    found = axes.filled((_CHANGED,), [(*_place(axes, each), 0, each.episodes) for each in cells])
    return Guarded.of(axes, found, (_CHANGED,), {}, threshold=threshold)


def changes_told(guarded: Guarded, where: Where, cells: Sequence[ChangeIn]) -> list[Change]:
    """Give the changes asked for; none where their number may not be told."""
    if guarded.count(where, _CHANGED) is None:
        return []
    return [
        Change(cell.year, cell.points, cell.weeks, cell.episodes)
        for cell in cells
        if where.period.holds(cell.year) and where.service in (None, cell.service)
    ]


def phases(waiting: Sequence[Change], treated: Sequence[Change], follow_up: Sequence[Change], threshold: int) -> Table:
    """Tell the change in the waiting time, in treatment and until the follow-up apart, with normal 95 % intervals.

    How many they are is not told; whose number may not be told are not among them. An exact mean of whole points would
    tell it (4.2727 is 47 of 11), so that there is one decimal.
    """
    columns = (Column("change", Kind.POINTS), Column("weeks", Kind.NUMBER))
    cells = {"waiting": waiting, "treatment": treated, "follow_up": follow_up}
    return Table("phases", columns, tuple(Row(name, _mean_change(each, threshold)) for name, each in cells.items()))


def _mean_change(cells: Sequence[Change], threshold: int) -> tuple[Cell, ...]:
    n = sum(cell.episodes for cell in cells)
    if n < max(threshold, 1):
        return HIDDEN, HIDDEN
    points, counts = (np.array([getattr(cell, name) for cell in cells], dtype=float) for name in ("points", "episodes"))
    mean = float(points @ counts) / n
    digits = 1 if threshold > 1 else 9
    change = Cell(round(mean, digits))
    if n > 1:
        reach = _NORMAL_95 * math.sqrt(float((points - mean) ** 2 @ counts) / (n - 1) / n)
        change = replace(change, low=round(mean - reach, digits), high=round(mean + reach, digits))
    known = [(float(cell.weeks), cell.episodes) for cell in cells if cell.weeks is not None]
    return change, *_quantiles(known, [0.5], threshold)
