"""Exports for analysts: single episodes, de-identified, of who has consented."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from app.api.charts import CSV, wanted
from app.api.deps import OpenWork, allow
from app.api.problems import declares
from app.config import Settings
from app.identity.policy import Action
from app.reports.cohort import FIRST_YEAR, LAST_YEAR, Period
from app.services.exports import COLUMNS, Use, as_csv, as_json_lines, export_cases

router = APIRouter(tags=["exports"])

JSON_LINES: Final = "application/x-ndjson"
LEFT_OUT: Final = "Spor-Rows-Left-Out"

_FORMS: Final = (CSV, JSON_LINES)

_GIVEN: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": f"A row for each measure of an episode, with {', '.join(COLUMNS)}.",
        "content": {each: {"schema": {"type": "string"}} for each in _FORMS},
        "headers": {
            "Vary": {"description": "What chose the form.", "schema": {"type": "string", "const": "Accept"}},
            LEFT_OUT: {
                "description": "Rows that no generalisation protects, rounded to 5; absent where they are of few.",
                "schema": {"type": "string", "pattern": "^[0-9]+$"},
            },
        },
    }
}


@router.get(
    "/exports/cases",
    operation_id=Action.EXPORT_CASES,
    response_class=StreamingResponse,
    responses=_GIVEN | declares(406),
)
def read_cases(
    request: Request,
    open_work: Annotated[OpenWork, allow(Action.EXPORT_CASES)],
    year: Annotated[int, Query(ge=FIRST_YEAR, le=LAST_YEAR, description="Year in which the episodes were closed.")],
    use: Annotated[Use, Query(description="What the patients have consented to.")],
    years: Annotated[int, Query(description="1 for that year, 3 for the three years that end with it.")] = 1,
    measure: Annotated[
        str | None, Query(max_length=100, description="Key of the instrument, or phq-9+gad-7; all if not named.")
    ] = None,
) -> StreamingResponse:
    """Give closed episodes one by one, de-identified, of the patients whose consent to the use is in force.

    No row has an id of the record or a date. Of what could tell who somebody is (service, programme, age band,
    language, pathway, sex) as much is null, in that order, as is needed for the smallest number of persons that
    reports tell to share the rest within year, measure and informant role; rows for which nothing is enough are left
    out. It is still data about persons: see the documentation for what is not guaranteed.
    """
    settings: Settings = request.app.state.settings
    with open_work() as work:
        media_type = wanted(request, _FORMS)
        export = export_cases(work, Period(year, years), measure, use, threshold=settings.report_threshold)
    written = as_csv(export) if media_type == CSV else as_json_lines(export)
    ending = "csv" if media_type == CSV else "jsonl"
    headers = {"Vary": "Accept", "Content-Disposition": f'attachment; filename="cases-{year}.{ending}"'}
    if export.left_out is not None:
        headers[LEFT_OUT] = str(export.left_out)
    return StreamingResponse(written, media_type=media_type, headers=headers)
