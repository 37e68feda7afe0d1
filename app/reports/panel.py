"""The calibration panel as a section of a report: whether the tool itself is right."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.reports.calibration import DOSE_GROUPS, BandFigure
from app.reports.document import Cell, Column, Kind, Note, Row, Section, Table, Withheld
from app.reports.drift import ALLOWANCE, LIMIT, DriftPoint
from app.reports.flags import ACTED_WITHIN_DAYS, Crossed, FlagFigures
from app.reports.predictions import PredictedFigure, PredictedGroup
from app.trajectories.sampling_error import Interval, share

FEWEST_SHOWN: Final = 8
"""Counts from 1 to one less are withheld, and what would tell them."""

_SECTION: Final = "tool"
_THIRDS: Final = {None: "", 1: "_low", 2: "_middle", 3: "_high"}
_SMALL: Final = Cell(withheld=Withheld.SMALL_NUMBER)
_UNKNOWN: Final = Cell(withheld=Withheld.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Panel:
    """What the panel shows of one measure.

    Parameters
    ----------
    level : float
        Central probability of the bands.
    bands : mapping of (int, int or None) to BandFigure
        By place in `DOSE_GROUPS` and third.
    predicted, at_end : mapping of int to PredictedFigure
        By look: everybody with a later score, and those with one at the end dose or later.
    flags : FlagFigures
        What the flags found.
    drift : sequence of DriftPoint
        The control chart.
    """

    level: float
    bands: Mapping[tuple[int, int | None], BandFigure]
    predicted: Mapping[int, PredictedFigure]
    at_end: Mapping[int, PredictedFigure]
    flags: FlagFigures
    drift: Sequence[DriftPoint]


def nothing_to_judge(why: str) -> Section:
    """Give the section where there are no verdicts to judge, with the note that says why.

    Parameters
    ----------
    why : str
        `nothing_predicted`: in record mode there are no curves and no signals; `no_curve_for_measure`.

    Returns
    -------
    Section
        Without tables.
    """
    return Section(_SECTION, (), (Note(why),))


def tool_section(panel: Panel) -> Section:
    """Put the panel together; small numbers are withheld.

    Parameters
    ----------
    panel : Panel
        The figures.

    Returns
    -------
    Section
        Tables `coverage`, `predicted`, `calibrated`, `flags`, `actions` and `drift`.
    """
    tables = (
        _coverage(panel),
        _predicted(panel),
        _calibrated(panel),
        _flags(panel.flags),
        _actions(panel.flags),
        _drift(panel.drift),
    )
    return Section(_SECTION, tables, (Note("first_issues"), Note("small_numbers_of_panel", {"fewest": FEWEST_SHOWN})))


def is_small(*counts: int) -> bool:
    """Tell whether one of the counts may not be told."""
    return any(0 < count < FEWEST_SHOWN for count in counts)


def shown(count: int, of: int | None = None) -> Cell:
    """Give a count, or the share that it is of others, unless that tells a small number.

    Parameters
    ----------
    count : int
        How many.
    of : int or None
        Of how many; None for the count itself.

    Returns
    -------
    Cell
        A share has its Wilson interval, and is withheld where the count, the rest or all are small; of none it is
        unknown.

    Examples
    --------
    >>> shown(7).withheld, shown(8).value, shown(20, 27).withheld, shown(20, 40).value
    (<Withheld.SMALL_NUMBER: 'small_number'>, 8, <Withheld.SMALL_NUMBER: 'small_number'>, 0.5)
    """
    if of is None:
        return _SMALL if is_small(count) else Cell(count)
    if not of:
        return _UNKNOWN
    if is_small(count, of - count, of):
        return _SMALL
    found = share(np.repeat([True, False], [count, of - count]))
    return Cell(found.estimate, found.lower, found.upper, of)


def _mean(figure: float, persons: int) -> Cell:
    """Give a mean over persons."""
    if is_small(persons):
        return _SMALL
    return _UNKNOWN if math.isnan(figure) else Cell(figure, of=persons)


def _with_interval(figure: Interval, persons: int | None = None) -> Cell:
    """Give a figure with its interval, unless it can't be told."""
    if math.isnan(figure.estimate):
        return _UNKNOWN
    if math.isnan(figure.lower):
        return Cell(figure.estimate, of=persons)
    return Cell(figure.estimate, figure.lower, figure.upper, persons)


_COVERAGE: Final = (
    Column("count", Kind.COUNT),
    Column("within", Kind.SHARE),
    Column("expected_within", Kind.SHARE),
    Column("fractional", Kind.SHARE),
    Column("above", Kind.SHARE),
)


def _coverage(panel: Panel) -> Table:
    rows = []
    for place, group in enumerate(DOSE_GROUPS):
        for third, ending in _THIRDS.items():
            figure = panel.bands.get((place, third))
            if figure is not None:
                thirds = [panel.bands[place, of] for of in (1, 2, 3) if third and (place, of) in panel.bands]
                rows.append(Row(f"{group}{ending}", _of_band(figure, thirds or [figure])))
    unknown = any(figure.known < figure.count for figure in panel.bands.values())
    notes = (
        Note("bands_closed", {"level": panel.level}),
        Note("bands_fractional", {"level": panel.level, "above": (1 - panel.level) / 2}),
        Note("one_score_of_each"),
        *([Note("curve_unknown")] if unknown else []),
    )
    return Table("coverage", _COVERAGE, tuple(rows), notes)


def _of_band(figure: BandFigure, beside: Sequence[BandFigure]) -> tuple[Cell, ...]:
    """Give the cells of a row; one of `beside`, of which the sum is told, withholds what the others would give away."""
    small = is_small(*(each.count for each in beside))
    of_known = [each.known for each in beside] + [each.count - each.known for each in beside]
    within = small or is_small(*(count for each in beside for count in (each.within, each.count - each.within)))
    means = [_SMALL] * 3
    if not small and not is_small(*of_known):
        expected = _mean(figure.expected_within, figure.known)
        means = [
            expected,
            *(_clipped(_with_interval(each, figure.known)) for each in (figure.fractional, figure.above)),
        ]
    return (
        _SMALL if small else shown(figure.count),
        _SMALL if within else shown(figure.within, figure.count),
        *means,
    )


def _clipped(cell: Cell) -> Cell:
    """Keep the interval of a mean of shares within 0 and 1."""
    if cell.low is None or cell.high is None:
        return cell
    return Cell(cell.value, max(cell.low, 0.0), min(cell.high, 1.0), cell.of)


_PREDICTED: Final = (
    Column("dose", Kind.SESSIONS),
    Column("count", Kind.COUNT),
    Column("predicted", Kind.SHARE),
    Column("observed", Kind.SHARE),
)


def _predicted(panel: Panel) -> Table:
    rows = [
        Row(
            f"{look}:{number}",
            (
                Cell(look),
                shown(group.count),
                _mean(group.predicted, group.count),
                shown(group.happened, group.count),
            ),
            label=f"{look} / {number}",
        )
        for look, figure in panel.predicted.items()
        for number, group in enumerate(_pooled(figure.groups), start=1)
    ]
    return Table("predicted", _PREDICTED, tuple(rows), (Note("goal_judged"), Note("groups_pooled")))


def _pooled(groups: Sequence[PredictedGroup]) -> list[PredictedGroup]:
    """Put neighbouring groups together until none tells a small number, unless all of them together do."""
    pooled: list[PredictedGroup] = []
    for group in groups:
        pooled.append(_joined(pooled.pop(), group) if pooled and _tells(pooled[-1]) else group)
    while len(pooled) > 1 and _tells(pooled[-1]):
        last = pooled.pop()
        pooled.append(_joined(pooled.pop(), last))
    return pooled


def _tells(group: PredictedGroup) -> bool:
    return is_small(group.count, group.happened, group.count - group.happened)


def _joined(low: PredictedGroup, high: PredictedGroup) -> PredictedGroup:
    count = low.count + high.count
    mean = (low.count * low.predicted + high.count * high.predicted) / count
    return PredictedGroup(count, low.happened + high.happened, mean)


_CALIBRATED: Final = (
    Column("count", Kind.COUNT),
    Column("not_judged", Kind.COUNT),
    Column("carried_forward", Kind.SHARE),
    Column("predicted", Kind.SHARE),
    Column("observed", Kind.SHARE),
    Column("brier", Kind.NUMBER),
    Column("intercept", Kind.NUMBER),
    Column("slope", Kind.NUMBER),
)


def _calibrated(panel: Panel) -> Table:
    rows = []
    for look, figure in panel.predicted.items():
        rows.append(Row(f"look_{look}", _of_predictions(figure, small=False)))
        if look in panel.at_end:
            end = panel.at_end[look]
            others, happened = figure.count - end.count, figure.happened - end.happened
            small = is_small(others, happened, others - happened)
            rows.append(Row(f"look_{look}_at_end", _of_predictions(end, small=small)))
    return Table("calibrated", _CALIBRATED, tuple(rows), (Note("goal_judged"), Note("calibration_line")))


def _of_predictions(figure: PredictedFigure, *, small: bool) -> tuple[Cell, ...]:
    """Give the cells of a row; `small` where what it leaves of the row above would be a small number."""
    if small or is_small(figure.count):
        return (_SMALL,) * len(_CALIBRATED)
    tells = is_small(figure.happened, figure.count - figure.happened)
    return (
        shown(figure.count),
        shown(figure.not_judged),
        shown(figure.carried_forward, figure.count),
        _mean(figure.predicted, figure.count),
        shown(figure.happened, figure.count),
        _SMALL if tells else Cell(figure.brier),
        _SMALL if tells else _with_interval(figure.line.intercept),
        _SMALL if tells else _with_interval(figure.line.slope),
    )


_FLAGS: Final = (
    Column("count", Kind.COUNT),
    Column("flagged", Kind.SHARE),
    Column("happened", Kind.SHARE),
    Column("sensitivity", Kind.SHARE),
    Column("specificity", Kind.SHARE),
    Column("positive_predictive_value", Kind.SHARE),
    Column("negative_predictive_value", Kind.SHARE),
)


def _flags(flags: FlagFigures) -> Table:
    split = is_small(*flags.acted.cells, *flags.not_acted.cells)
    rows = [
        *(Row(key, _of_crossed(found)) for key, found in (("flag", flags.flag), ("red", flags.red))),
        *(
            Row(key, _of_flags(found, other.count, small=split))
            for key, found, other in (
                ("flag_acted", flags.acted, flags.not_acted),
                ("flag_not_acted", flags.not_acted, flags.acted),
            )
        ),
    ]
    notes = (Note("flags_judged"), Note("flag_paradox", {"days": ACTED_WITHIN_DAYS}), Note("not_an_effect"))
    return Table("flags", _FLAGS, tuple(rows), notes)


def _of_crossed(found: Crossed) -> tuple[Cell, ...]:
    """Give the cells of a row: of the four numbers behind them all are told, or none."""
    rates = (
        found.sensitivity,
        found.specificity,
        found.positive_predictive_value,
        found.negative_predictive_value,
    )
    small = is_small(*found.cells)
    return (
        shown(found.count),
        shown(found.flagged, found.count),
        shown(found.sensitivity[1], found.count),
        *(_SMALL if small and of else shown(count, of) for count, of in rates),
    )


def _of_flags(found: Crossed, others: int, *, small: bool) -> tuple[Cell, ...]:
    """Give the cells of a row that holds flagged episodes only: they have a predictive value, and nothing else."""
    count = _SMALL if is_small(found.count, others) else shown(found.count)
    happened, of = found.positive_predictive_value
    value = _SMALL if small and of else shown(happened, of)
    return (count, *[_UNKNOWN] * 4, value, _UNKNOWN)


_ACTIONS: Final = (
    Column("count", Kind.COUNT),
    Column("acted_in_time", Kind.SHARE),
    Column("median_days", Kind.DAYS),
)


def _actions(flags: FlagFigures) -> Table:
    days = Cell(flags.median_days) if flags.median_days is not None else _UNKNOWN
    row = (
        shown(flags.all_flags),
        shown(flags.acted_in_time, flags.all_flags),
        _SMALL if is_small(flags.all_flags) else days,
    )
    if is_small(flags.all_flags - flags.flag.flagged):
        row = (_SMALL, _SMALL, row[2])
    notes = (Note("acted_in_time", {"days": ACTED_WITHIN_DAYS}), Note("median_of_all_flags"))
    return Table("actions", _ACTIONS, (Row("flag", row),), notes)


_DRIFT: Final = (
    Column("count", Kind.COUNT),
    Column("predicted", Kind.SHARE),
    Column("observed", Kind.SHARE),
    Column("standardised", Kind.NUMBER),
    Column("sum_high", Kind.NUMBER),
    Column("sum_low", Kind.NUMBER),
    Column("alarm", Kind.CODE),
)


def _drift(points: Sequence[DriftPoint]) -> Table:
    notes = (Note("drift_rule", {"allowance": ALLOWANCE, "limit": LIMIT}), Note("quarters_pooled"))
    return Table("drift", _DRIFT, tuple(_drift_rows(points)), notes)


def _drift_rows(points: Sequence[DriftPoint]) -> Iterator[Row]:
    for point in points:
        (year, first), (_, last) = point.first, point.last
        cells = (
            shown(point.count),
            _mean(point.predicted, point.count),
            shown(point.happened, point.count),
            *(Cell(each) for each in (point.standardised, point.high, point.low)),
            Cell(str(point.alarm)),
        )
        yield Row(f"{year}_{last}", cells, label=f"{3 * first - 2}\N{EN DASH}{3 * last}/{year}")
