"""Where patients stand: one trajectory, and the whole caseload."""

from __future__ import annotations

from typing import Annotated, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.api.charts import (
    CSV,
    HTML,
    JSON,
    PNG,
    SPECIFICATIONS,
    SVG,
    VARY,
    drawn,
    given_as,
    specification,
    table_of_text,
    wanted,
)
from app.api.deps import OpenWork, allow
from app.api.errors import language_of
from app.api.problems import declares
from app.api.schemas.trajectories import CaseloadRead, TrajectoryRead, caseload_entry_read, trajectory_read
from app.charts.page import page, with_words
from app.charts.sparkline import sparkline
from app.charts.table import table
from app.charts.trajectory import trajectory_chart
from app.identity.policy import Action
from app.services.caseload import read_caseload
from app.services.charts import charted_series
from app.services.decision_rules import read_rule
from app.services.trajectories import read_trajectory

router = APIRouter(tags=["trajectories"])


_TRAJECTORY_FORMS = (JSON, *SPECIFICATIONS, SVG, PNG, HTML, CSV)
_SPARKLINE_FORMS = (*SPECIFICATIONS, SVG, PNG)

Instrument: TypeAlias = Annotated[str | None, Query(description="The main measure, if not named.", examples=["phq-9"])]


@router.get(
    "/episodes/{episode_id}/trajectory",
    operation_id=Action.READ_TRAJECTORY,
    response_model=TrajectoryRead,
    responses=given_as(_TRAJECTORY_FORMS) | declares(404, 406, 409),
)
def get_trajectory(
    episode_id: UUID,
    request: Request,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.READ_TRAJECTORY)],
    instrument: Instrument = None,
    form: str | None = None,
    informant: UUID | None = None,
) -> TrajectoryRead | Response:
    """Give a series with its expected curve, its verdict and what lies ahead.

    By Accept also as a chart: a Vega-Lite specification, a picture (SVG, PNG), a page with the picture and its scores
    as a table, or the table alone (CSV). The words of charts are in the language of Accept-Language.
    """
    language = language_of(request)
    with open_work() as work:
        media_type = wanted(request, _TRAJECTORY_FORMS)
        trajectory = read_trajectory(work, episode_id, instrument, form, informant)
        as_data = media_type == JSON
        rule = read_rule(work, trajectory) if as_data else None
        charted = None if as_data else charted_series(work, trajectory)
    if charted is None:
        response.headers.update(VARY)
        return trajectory_read(trajectory, rule, language)
    if media_type == CSV:
        return table_of_text(table(charted, language).as_csv())
    spec = trajectory_chart(charted, language)
    if media_type in SPECIFICATIONS:
        return specification(spec, media_type)
    finish = page if media_type == HTML else with_words
    return drawn(spec, media_type, lambda svg: finish(svg, charted, language))


@router.get(
    "/episodes/{episode_id}/sparkline",
    operation_id=Action.READ_SPARKLINE,
    response_class=Response,
    responses=given_as(_SPARKLINE_FORMS) | declares(404, 406, 409),
)
def get_sparkline(
    episode_id: UUID,
    request: Request,
    open_work: Annotated[OpenWork, allow(Action.READ_SPARKLINE)],
    instrument: Instrument = None,
    form: str | None = None,
    informant: UUID | None = None,
) -> Response:
    """Give a series as a small chart for one row of a caseload: a Vega-Lite specification, SVG or PNG."""
    language = language_of(request)
    with open_work() as work:
        media_type = wanted(request, _SPARKLINE_FORMS)
        charted = charted_series(work, read_trajectory(work, episode_id, instrument, form, informant))
    spec = sparkline(charted, language)
    if media_type in SPECIFICATIONS:
        return specification(spec, media_type)
    return drawn(spec, media_type, lambda svg: with_words(svg, charted, language))


@router.get("/caseload", operation_id=Action.READ_CASELOAD, response_model=CaseloadRead, responses=declares())
def get_caseload(request: Request, open_work: Annotated[OpenWork, allow(Action.READ_CASELOAD)]) -> CaseloadRead:
    """Give the caller's open episodes, worst first: open risk alerts above all, stale above green.

    A closed episode stays in the list until somebody has assessed the critical answers in it.
    """
    with open_work() as work:
        entries = read_caseload(work)
    language = language_of(request)
    return CaseloadRead(episodes=[caseload_entry_read(entry, language) for entry in entries])
