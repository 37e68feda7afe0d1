"""A panel with every row and every note, by which its words and charts are tried."""

from __future__ import annotations

import math
from collections.abc import Iterator

from app.reports.calibration import BandFigure
from app.reports.document import Kind, Section
from app.reports.drift import Alarm, DriftPoint
from app.reports.flags import Crossed, FlagFigures
from app.reports.panel import Panel, nothing_to_judge, tool_section
from app.reports.predictions import LOOK_DOSES, PredictedFigure, PredictedGroup
from app.trajectories.calibration import Calibration
from app.trajectories.sampling_error import Interval


def about(estimate: float, error: float = 0.02) -> Interval:
    return Interval(estimate, error, estimate - 2 * error, estimate + 2 * error)


def a_band(count: int = 300, within: int = 255, known: int | None = None) -> BandFigure:
    known = count if known is None else known
    return BandFigure(count, within, 0.86 if known else math.nan, known, about(0.8), about(0.11))


def predictions(look: int, count: int = 400) -> PredictedFigure:
    share = [0.14, 0.2, 0.34, 0.37, 0.52, 0.55, 0.6, 0.72, 0.73, 0.79]
    each = count // len(share)
    groups = tuple(
        PredictedGroup(each, round(each * reached), 0.08 + 0.085 * place + look / 200)
        for place, reached in enumerate(share)
    )
    happened = sum(group.happened for group in groups)
    return PredictedFigure(
        count, happened, 60, 20, 0.49, 0.197, Calibration(about(0.05, 0.1), about(0.88, 0.09)), groups
    )


def points(*differences: tuple[float, float, float]) -> tuple[DriftPoint, ...]:
    return tuple(
        DriftPoint((2023 + place // 4, place % 4 + 1), (2023 + place // 4, place % 4 + 1), 40, 18, 0.5, z, high, low)
        for place, (z, high, low) in enumerate(differences)
    )


def full_panel() -> Panel:
    thirds = (None, 1, 2, 3)
    drifting = points((0.4, 0, 0), (-1.2, 0, -0.7), (-2.4, 0, -2.6), (0.9, 0.4, -1.2), (-1.9, 0, -2.6), (-2.2, 0, -4.3))
    assert drifting[-1].alarm is Alarm.LESS
    return Panel(
        level=0.8,
        bands={(place, third): a_band(known=299 if place else 300) for place in range(5) for third in thirds},
        predicted={look: predictions(look) for look in LOOK_DOSES},
        at_end={look: predictions(look, 340) for look in LOOK_DOSES},
        flags=FlagFigures(
            Crossed(60, 20, 40, 180), Crossed(12, 10, 20, 300), Crossed(30, 15, 0, 0), Crossed(30, 10, 0, 0), 95, 50, 9
        ),
        drift=drifting,
    )


def words_of(section: Section) -> Iterator[str]:
    """Give the keys of the messages that a section needs; what has own words needs none."""
    yield f"report.section.{section.key}"
    yield from (f"report.note.{note.code}" for note in section.notes)
    for table in section.tables:
        yield from (f"report.{part}.{table.key}" for part in ("table", "reading", "head"))
        yield from (f"report.note.{note.code}" for note in table.notes)
        yield from (f"report.column.{column.key}" for column in table.columns)
        yield from (f"report.row.{row.key}" for row in table.rows if row.label is None)
        for row in table.rows:
            yield from (
                f"report.code.{cell.value}"
                for column, cell in zip(table.columns, row.cells, strict=True)
                if column.kind is Kind.CODE and cell.value is not None
            )


def words_of_panel() -> set[str]:
    empty = (nothing_to_judge(why) for why in ("nothing_predicted", "no_curve_for_measure"))
    alarms = {f"report.code.{alarm}" for alarm in Alarm}
    return {word for section in (tool_section(full_panel()), *empty) for word in words_of(section)} | alarms
