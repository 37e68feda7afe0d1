"""The counted cells of a report, put on its axes and guarded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from app.db import reports as questions
from app.db.counted import count
from app.db.reports import AGE_BANDS, OF_MEASURE_ONLY, Asked
from app.db.session import Work
from app.reports.casemix import third, thirds
from app.reports.cohort import Dimension, Measured, Started
from app.reports.outcomes import Tabulated
from app.reports.tabulation import Axes, ValueOf

AREAS: Final = Dimension.PROBLEM_AREA


def age_bands() -> dict[str, str]:
    """Give the bands of age in years, by their place as the database counts them."""
    starts = (0, *AGE_BANDS)
    ends = [f"-{end - 1}" for end in AGE_BANDS] + ["+"]
    return {str(place): f"{start}{end}" for place, (start, end) in enumerate(zip(starts, ends, strict=True))}


@dataclass(frozen=True, slots=True)
class ByDimension:
    """The episodes of the organisation by one dimension: their cells, and what may be told of them."""

    axes: Axes
    tabulated: Tabulated
    started: Sequence[Started]
    measured: Sequence[Measured]
    cuts: tuple[float, float]
    """Where the thirds of the first score lie in the whole organisation."""


def by_dimension(work: Work, asked: Asked, services: Sequence[str], threshold: int) -> ByDimension:
    """Count the organisation's episodes by the dimension that is asked for.

    What only measured episodes have, the others have not: there they are those of whom it is not known. The thirds of
    the first score follow from the first scores, which are counted without a dimension.
    """
    of_all = replace(asked, by=None) if asked.by in OF_MEASURE_ONLY else asked
    of_measured = of_all if asked.by is Dimension.BASELINE_THIRD else asked
    started, measured = count(work, questions.started(of_all), questions.measured(of_measured))
    return tabulated(asked, started, measured, services, threshold)


def of_respondents(work: Work, asked: Asked, services: Sequence[str], threshold: int) -> dict[str, ByDimension]:
    """Count by informant role: an episode may have several, so that each stands beside those without it."""
    by_role = replace(asked, by=Dimension.RESPONDENT)
    started, measured = count(work, questions.started(replace(asked, by=None)), questions.measured(by_role))
    return {
        role: tabulated(by_role, started, [cell for cell in measured if cell.value == role], services, threshold)
        for role in sorted({str(cell.value) for cell in measured})
    }


def tabulated(
    asked: Asked, started: Sequence[Started], measured: Sequence[Measured], services: Sequence[str], threshold: int
) -> ByDimension:
    """Put cells on the axes of a dimension, and guard them."""
    cuts = cuts_of(measured)
    value_of = _value_of(asked.by, cuts)
    axes = Axes.of(started, measured, asked.period, services, value_of)
    return ByDimension(axes, Tabulated.of(axes, started, measured, value_of, threshold), started, measured, cuts)


def of_areas(
    work: Work, asked: Asked, whole: ByDimension, services: Sequence[str], threshold: int
) -> dict[str, ByDimension]:
    """Count by problem area: an episode may have several, so that each is one of two values, it or not.

    `whole` are all episodes, by no dimension.
    """
    by_area = replace(asked, by=AREAS)
    of_area, measured_of_area = count(work, questions.started(by_area), questions.measured(by_area))
    measured_of_all = _alike(whole.measured)
    return {
        area: tabulated(
            by_area,
            [*_of(of_area, area), *_less(whole.started, _of(of_area, area))],
            [*_of(measured_of_area, area), *_less(measured_of_all, _of(measured_of_area, area))],
            services,
            threshold,
        )
        for area in sorted({str(cell.value) for cell in of_area})
    }


Cell = TypeVar("Cell", Started, Measured)


def _of(cells: Sequence[Cell], area: str) -> list[Cell]:
    return [cell for cell in cells if cell.value == area]


def _alike(measured: Sequence[Measured]) -> list[Measured]:
    """Put together those who differ by their first score alone."""
    found: dict[Measured, int] = {}
    for cell in measured:
        kind = cell._replace(baseline=None, episodes=0)
        found[kind] = found.get(kind, 0) + cell.episodes
    return [kind._replace(episodes=episodes) for kind, episodes in found.items()]


def _less(cells: Sequence[Cell], taken: Sequence[Cell]) -> list[Cell]:
    """Give what is left of the cells of everybody without those of an area, under no value."""
    left = {cell._replace(value=None, episodes=0): cell.episodes for cell in cells}
    for cell in taken:
        left[cell._replace(value=None, episodes=0)] -= cell.episodes
    return [cell._replace(episodes=episodes) for cell, episodes in left.items() if episodes]


def cuts_of(measured: Sequence[Measured]) -> tuple[float, float]:
    """Find where the thirds of the first score lie among all episodes that were measured."""
    counts: dict[float | None, int] = {}
    for cell in measured:
        counts[cell.baseline] = counts.get(cell.baseline, 0) + cell.episodes
    return thirds(counts)


def _value_of(dimension: Dimension | None, cuts: tuple[float, float]) -> ValueOf:
    """Give what tells the value of a cell; who was not measured has none of what only measured episodes have."""

    def of_measured(cell: Started | Measured) -> str | None:
        if not isinstance(cell, Measured):
            return None
        if dimension is Dimension.RESPONDENT:
            return cell.value
        return None if cell.baseline is None else str(third(cell.baseline, cuts))

    return of_measured if dimension in OF_MEASURE_ONLY else lambda cell: cell.value
