"""For whom: outcomes by what patients and services differ in, how far services lie apart, what therapists add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from app.reports.cohort import Dimension, Measured, OfTherapist, Period
from app.reports.document import Cell, Column, Kind, Note, Row, Table, Withheld
from app.reports.funnel import funnel as funnel_of
from app.reports.guarded import HIDDEN, Where, counted, share
from app.reports.outcomes import OUTCOMES, PAIRED, REFERRED, Tabulated
from app.reports.therapists import Sums, therapist_effects
from app.scales.change import Better
from app.trajectories.prediction import IntArray

_TOLD: Final = tuple(name for name, _ in OUTCOMES if name != "no_reliable_change")


def by_dimension(
    dimension: Dimension,
    tabulated: Tabulated,
    values: Mapping[str, Where],
    labels: Mapping[str, str],
) -> Table:
    """Tell the outcomes of each value of a dimension.

    `values` say, by the key of the row, which episodes have the value; `labels` the own words of those that have any.
    """
    columns = (
        Column("ended", Kind.COUNT),
        Column("paired", Kind.COUNT),
        *(Column(name, Kind.SHARE) for name in _TOLD),
    )
    rows = []
    for key, where in values.items():
        ended, paired = (tabulated.stages.count(where, name) for name in (REFERRED, PAIRED))
        shares = (share(*tabulated.outcome(where, name)) for name in _TOLD)
        rows.append(Row(key, (counted(ended), counted(paired), *shares), labels.get(key)))
    return Table(f"by_{dimension}", columns, tuple(rows))


def funnel(tabulated: Tabulated, period: Period, strata: Sequence[Measured], labels: Mapping[str, str]) -> Table:
    """Tell how far the services' shares of reliable improvement lie from what their case mix makes likely.

    `strata` are the organisation's measured episodes of the period, by first score.
    """
    services = list(labels)
    of, improved = _by_stratum(strata, services)
    columns = (
        Column("count", Kind.COUNT),
        Column("share", Kind.SHARE),
        *(Column(name, Kind.SHARE) for name in ("expected", "lower_95", "upper_95", "lower_998", "upper_998")),
    )
    told_counts = [tabulated.outcome(Where(period, service), "reliable_improvement")[1] or 0 for service in services]
    found = funnel_of(improved, of, told_counts)
    # What is expected of a service is the share of all: where that is hidden, it is not told in this way either.
    whole = share(*tabulated.outcome(Where(period), "reliable_improvement"))
    rows = []
    for place, service in enumerate(services):
        where = Where(period, service)
        count, paired = tabulated.outcome(where, "reliable_improvement")
        told = share(count, paired)
        if found is None or told.withheld or whole.withheld:
            withheld = Cell(withheld=told.withheld or whole.withheld)
            number = withheld if "reliable_improvement" in tabulated.unknown else counted(paired)
            rows.append(Row(service, (number, told, *(withheld,) * 5), labels[service]))
            continue
        limits = found.limits
        around = (found.expected, limits.lower_95, limits.upper_95, limits.lower_998, limits.upper_998)
        rows.append(
            Row(service, (counted(paired), told, *(_share(float(each[place])) for each in around)), labels[service])
        )
    notes = [Note("case_mix")]
    if found is not None and found.dispersion.inflation > 1:
        notes.append(Note("over_dispersion", {"phi": round(found.dispersion.phi, 2)}))
    return Table("funnel", columns, tuple(rows), notes=tuple(notes))


def _by_stratum(cells: Sequence[Measured], services: Sequence[str]) -> tuple[IntArray, IntArray]:
    """Count pairs and improved of each service by thirds of the first score in the whole organisation."""
    paired = [cell for cell in cells if cell.paired and cell.sessions > 1 and cell.change is not None]
    cuts = thirds(_counts(paired))
    shape = (len(services), 3)
    of, improved = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for cell in paired:
        place = services.index(cell.service), third(cell.baseline, cuts) - 1
        of[place] += cell.episodes
        improved[place] += cell.episodes * (cell.change == 1)
    return of, improved


def _counts(cells: Sequence[Measured]) -> dict[float | None, int]:
    found: dict[float | None, int] = {}
    for cell in cells:
        found[cell.baseline] = found.get(cell.baseline, 0) + cell.episodes
    return found


def thirds(counts: Mapping[float | None, int]) -> tuple[float, float]:
    """Give the first scores above which the middle and the upper third begin, as even as whole scores allow.

    Parameters
    ----------
    counts : mapping of float or None to int
        Episodes by first score; those without one are left out.

    Returns
    -------
    tuple of float
        The highest score of the lower third, and that of the middle one.

    Examples
    --------
    >>> thirds({5.0: 10, 10.0: 10, 15.0: 10, None: 3})
    (5.0, 10.0)
    """
    scores = sorted((score, count) for score, count in counts.items() if score is not None)
    if not scores:
        return 0.0, 0.0
    total, so_far, cuts = sum(count for _, count in scores), 0, list[float]()
    for score, count in scores:
        so_far += count
        while len(cuts) < 2 and so_far * 3 >= total * (len(cuts) + 1):
            cuts.append(score)
    return cuts[0], cuts[1]


def third(score: float | None, cuts: tuple[float, float]) -> int:
    """Tell in which third a first score lies, 1 to 3 from the lowest scores on; those without one are in the first."""
    return 1 + sum(score is not None and score > cut for cut in cuts)


def _share(value: float) -> Cell:
    return Cell(withheld=Withheld.UNKNOWN) if np.isnan(value) else Cell(value)


def therapists(
    tabulated: Tabulated, period: Period, cells: Sequence[OfTherapist], better: Better, labels: Mapping[str, str]
) -> Table:
    """Tell what each therapist adds to the end score, shrunken towards the others, in the order of their names.

    `tabulated` has the therapists as values; `labels` are the names of those who are told. Where a therapist has fewer
    episodes than make a figure reliable (.8), the interval shows it; a note says that the order means nothing.
    """
    columns = (Column("count", Kind.COUNT), Column("estimate", Kind.POINTS))
    found = therapist_effects(_sums(cells), better)
    places = {therapist: place for place, therapist in enumerate(sorted({cell.therapist for cell in cells}))}
    rows = []
    for therapist, name in sorted(labels.items(), key=lambda pair: pair[1]):
        count = tabulated.stages.count(Where(period, None, therapist, any_value=False), PAIRED)
        place = places.get(therapist)
        estimate = HIDDEN if count is None else Cell(withheld=Withheld.UNKNOWN)
        if count and found is not None and place is not None:
            value, reach = float(found.estimate[place]), found.reach(count)  # of the told number, which says no more
            estimate = Cell(value, value - reach, value + reach, count)
            if found.needed is None:
                estimate = Cell(withheld=Withheld.UNRELIABLE)
        rows.append(Row(therapist, (counted(count), estimate), name))
    notes = [Note("no_difference_found")]
    if found is not None and found.needed is not None:
        notes = [Note("no_ranking", {"cases": found.needed})]
    return Table("therapists", columns, tuple(rows), notes=tuple(notes))


def _sums(cells: Sequence[OfTherapist]) -> Sums:
    """Add up the years of each therapist, in the order of their ids."""
    therapists = sorted({cell.therapist for cell in cells})
    added = np.zeros((6, len(therapists)))
    for cell in cells:
        added[:, therapists.index(cell.therapist)] += cell[2:]
    episodes, first, end, first_squared, end_squared, first_end = added
    return Sums(episodes.astype(np.int64), first, end, first_squared, first_end, end_squared)


def single_values(axis_values: Sequence[str | None], period: Period, service: str | None) -> dict[str, Where]:
    """Give, by the key of its row, where each value of a dimension is; those for whom it is not known come last."""
    return {str(value or "unknown"): Where(period, service, value, any_value=False) for value in axis_values}
