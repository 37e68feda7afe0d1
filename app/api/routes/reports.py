"""The service lead's reports: outcomes with what they are held against, and the grant report."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.api.charts import PNG, SPECIFICATIONS, SVG, drawn, given_as, specification, wanted
from app.api.deps import OpenWork, allow
from app.api.errors import language_of
from app.api.problems import declares
from app.api.reports import FORMS, answer, given_as_report
from app.api.schemas.reports import ReportRead
from app.charts.reports import charted_tables, report_chart
from app.config import Settings
from app.db.access_log import organisation_name
from app.errors import NotFound
from app.identity.policy import Action
from app.reports.cohort import FIRST_YEAR, LAST_YEAR, Period
from app.reports.rounding import rounded_report
from app.scales.instrument import InformantRole
from app.services.grant import report_for_grant
from app.services.report_request import FILTERS, ReportRequest, filter_named, require_own_service
from app.services.reports import outcomes_report, own_report, tool_report

router = APIRouter(tags=["reports"])

_CHARTS = (*SPECIFICATIONS, SVG, PNG)

_Year = Annotated[
    int,
    Query(ge=FIRST_YEAR, le=LAST_YEAR, description="Year in which the episodes were closed.", examples=[2025]),
]
_Years = Annotated[int, Query(description="1 for that year, 3 for the three years that end with it.", examples=[1])]
_Measure = Annotated[
    str, Query(max_length=100, description="Key of the instrument, or phq-9+gad-7.", examples=["phq-9"])
]
_Service = Annotated[UUID | None, Query(description="The whole organisation, if not named.")]
_Respondent = Annotated[InformantRole | None, Query(description="Answers of this informant role only.")]
_Dimension = Annotated[
    str | None,
    Query(
        description=f"Only episodes with one value of: {', '.join(FILTERS)}.",
        examples=["sex"],
        json_schema_extra={"enum": [*FILTERS, None]},
    ),
]
_Value = Annotated[str | None, Query(max_length=100, description="The value, as the table of the dimension names it.")]
_OwnFall = Annotated[
    float | None,
    Query(ge=-100, le=100, allow_inf_nan=False, description="The service's own natural course: points in 10 weeks."),
]
_OwnSource = Annotated[str | None, Query(min_length=1, max_length=500, description="Where that figure comes from.")]


@router.get(
    "/reports/outcomes",
    operation_id=Action.READ_OUTCOMES_REPORT,
    response_model=ReportRead,
    responses=given_as_report() | declares(404, 406),
)
def read_outcomes(
    request: Request,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.READ_OUTCOMES_REPORT)],
    year: _Year,
    measure: _Measure,
    years: _Years = 1,
    service_id: _Service = None,
    respondent: _Respondent = None,
    dimension: _Dimension = None,
    value: _Value = None,
    own_fall: _OwnFall = None,
    own_source: _OwnSource = None,
) -> ReportRead | Response:
    """Tell what became of the patients whose episodes were closed in a period, compared with what.

    By Accept also as comma-separated values, as a workbook or as a document, in the language of Accept-Language and
    with rounded figures. Counts below the threshold, and whatever would give them away, are withheld in every form.
    """
    language = language_of(request)
    narrowed = filter_named(dimension), value
    asked = ReportRequest(Period(year, years), measure, service_id, respondent, *narrowed, own_fall, own_source)
    with open_work() as work:
        media_type = wanted(request, FORMS)
        report = outcomes_report(work, asked, threshold=_threshold(request))
        organisation, day = organisation_name(work), work.now.date()
    return answer(report, media_type, language, response, organisation=organisation, day=day)


@router.get(
    "/reports/outcomes/charts/{table}",
    operation_id=Action.READ_REPORT_CHART,
    response_class=Response,
    responses=given_as(_CHARTS) | declares(404, 406),
)
def read_chart(
    table: str,
    request: Request,
    open_work: Annotated[OpenWork, allow(Action.READ_REPORT_CHART)],
    year: _Year,
    measure: _Measure,
    years: _Years = 1,
    service_id: _Service = None,
    respondent: _Respondent = None,
    dimension: _Dimension = None,
    value: _Value = None,
) -> Response:
    """Draw one table of the report of outcomes: a Vega-Lite specification, SVG or PNG, from what the table tells."""
    asked = ReportRequest(Period(year, years), measure, service_id, respondent, filter_named(dimension), value)
    with open_work() as work:
        media_type = wanted(request, _CHARTS)
        report = rounded_report(outcomes_report(work, asked, threshold=_threshold(request)))
    charted = {each.key: each for each in charted_tables(report)}
    spec = report_chart(charted[table], language_of(request)) if table in charted else None
    if spec is None:
        raise NotFound("the report has no chart of that name", pointer="/table", allowed=", ".join(charted))
    if media_type in SPECIFICATIONS:
        return specification(spec, media_type)
    return drawn(spec, media_type, str)


@router.get(
    "/reports/grant",
    operation_id=Action.READ_GRANT_REPORT,
    response_model=ReportRead,
    responses=given_as_report() | declares(404, 406),
)
def read_grant(
    request: Request,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.READ_GRANT_REPORT)],
    year: _Year,
    service_id: _Service = None,
) -> ReportRead | Response:
    """Tell, criterion by criterion, what the record shows for the grant and evaluation report of a year."""
    language = language_of(request)
    with open_work() as work:
        media_type = wanted(request, FORMS)
        require_own_service(work, service_id)
        report = report_for_grant(work, service_id, year, _threshold(request))
        organisation, day = organisation_name(work), work.now.date()
    return answer(report, media_type, language, response, organisation=organisation, day=day)


@router.get(
    "/reports/tool",
    operation_id=Action.READ_TOOL_REPORT,
    response_model=ReportRead,
    responses=given_as_report() | declares(406),
)
def read_tool(
    request: Request,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.READ_TOOL_REPORT)],
    year: _Year,
    measure: _Measure,
) -> ReportRead | Response:
    """Tell how right the tool itself was: coverage of its bands, what it foretold and what came, its flags, its drift.

    Of the whole organisation; in the mode `record`, in which nothing is foretold, it says so.
    """
    language = language_of(request)
    with open_work() as work:
        media_type = wanted(request, FORMS)
        report = tool_report(work, year, measure)
        organisation, day = organisation_name(work), work.now.date()
    return answer(report, media_type, language, response, organisation=organisation, day=day)


@router.get(
    "/reports/own",
    operation_id=Action.READ_OWN_REPORT,
    response_model=ReportRead,
    responses=given_as_report() | declares(406),
)
def read_own(
    request: Request,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.READ_OWN_REPORT)],
    year: _Year,
    measure: _Measure,
    years: _Years = 1,
) -> ReportRead | Response:
    """Tell a therapist what became of the own patients, beside the whole organisation; nobody else's figures."""
    language = language_of(request)
    with open_work() as work:
        media_type = wanted(request, FORMS)
        report = own_report(work, Period(year, years), measure, threshold=_threshold(request))
        organisation, day = organisation_name(work), work.now.date()
    return answer(report, media_type, language, response, organisation=organisation, day=day)


def _threshold(request: Request) -> int:
    settings: Settings = request.app.state.settings
    return settings.report_threshold
