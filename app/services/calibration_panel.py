"""The calibration panel: an organisation's own verdicts, as they were shown, held against what came later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from app.db.calibration_panel import Judged, bands_held, flags_raised, goals_reached
from app.db.codes import OrganisationMode
from app.db.curves import Line, learnt_curves
from app.db.session import Work
from app.reports.calibration import BandCell, coverage
from app.reports.document import Section
from app.reports.drift import drift
from app.reports.flags import judge_flags
from app.reports.panel import FEWEST_SHOWN, Panel, nothing_to_judge, tool_section
from app.reports.predictions import predicted
from app.services.settings import current_settings
from app.services.verdicts import criteria_for
from app.trajectories.curve_files import curve_from_document
from app.trajectories.growth import GrowthCurve, default_curve

_CHARTED_YEARS: Final = 3
"""The control chart needs more points than a year has."""


def calibration_section(
    work: Work,
    instrument: str,
    form_family: str,
    year: int,
    *,
    years: int = 1,
    service_id: UUID | None = None,
) -> Section:
    """Judge the verdicts on one measure in the episodes that ended in a year, or in some years up to it.

    The drift is charted over three years whatever is asked for. Where nothing is predicted, by the organisation's mode
    or for want of a curve, the section says so and holds no tables.
    """
    settings = current_settings(work)
    line = Line(instrument, form_family)
    if settings.mode is not OrganisationMode.DECISION_SUPPORT:
        return nothing_to_judge("nothing_predicted")
    criteria = None if default_curve(instrument) is None else criteria_for(line)
    if criteria is None:
        return nothing_to_judge("no_curve_for_measure")
    judged = Judged(
        instrument=instrument,
        form_family=form_family,
        years=range(year - max(years, _CHARTED_YEARS) + 1, year + 1),
        time_zone=settings.time_zone.key,
        service_id=service_id,
        lower_is_better=criteria.improvement(1, 0) > 0,
        reliable_change=criteria.reliable_change,
        cutoff=criteria.cutoff,
    )
    bands, goals, flags = work.ask_all(
        bands_held(work, judged), goals_reached(work, judged), flags_raised(work, judged)
    )
    work.note()
    asked = range(year - years + 1, year + 1)
    of_period = [cell for cell in bands if cell.year in asked]
    own = [cell for cell in goals if cell.year in asked]
    level = settings.policy.band_level
    return tool_section(
        Panel(
            level=level,
            bands=coverage(of_period, _curves(work, line, of_period), level),
            predicted=predicted(own),
            at_end=predicted(own, only_at_end=True),
            flags=judge_flags([cell for cell in flags if cell.year in asked]),
            drift=drift(goals, FEWEST_SHOWN),
        )
    )


def _curves(work: Work, line: Line, cells: Iterable[BandCell]) -> dict[str, GrowthCurve]:
    """Give the curves that the bands were made with, by name, as far as they are still known."""
    published = default_curve(line.instrument)
    known = {} if published is None else {published.key: published}
    if {cell.curve for cell in cells} - set(known):
        own = (curve for curve in learnt_curves(work) if curve.instrument == line.instrument)
        known |= {curve.key: curve for curve in (curve_from_document(each.parameters) for each in own)}
    return known
