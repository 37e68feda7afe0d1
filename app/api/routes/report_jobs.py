"""Reports that take long: asked for, followed, and fetched as files."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.api.deps import OpenWork, allow
from app.api.errors import language_of
from app.api.papers import attachment
from app.api.problems import declares
from app.api.reports import FILES
from app.api.schemas.report_jobs import ReportJobCreate, ReportJobRead, report_job_read
from app.identity.policy import Action
from app.services.report_jobs import Job, ReportJobs, read_file, read_job, start_job

router = APIRouter(tags=["reports"])

_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {each: {"schema": {"type": "string", "format": "binary"}} for each in FILES.values()}}
}


@router.post(
    "/report-jobs",
    operation_id=Action.START_REPORT_JOB,
    response_model=ReportJobRead,
    status_code=202,
    responses=declares(409),
)
def start_report_job(
    body: ReportJobCreate, request: Request, open_work: Annotated[OpenWork, allow(Action.START_REPORT_JOB)]
) -> ReportJobRead:
    """Ask for a report of outcomes that may take long, as a file in the language of Accept-Language.

    It is the same report as the one that is answered at once, with the same numbers withheld.
    """
    jobs: ReportJobs = request.app.state.report_jobs
    asked = body.asked()
    with open_work() as work:
        row = start_job(work, asked, body.file_format)
        scope, answer = work.scope, report_job_read(row)
    jobs.take(Job(answer.id, scope, request.state.request_id, asked, body.file_format, language_of(request)))
    return answer


@router.get(
    "/report-jobs/{job_id}",
    operation_id=Action.READ_REPORT_JOB,
    response_model=ReportJobRead,
    responses=declares(404),
)
def read_report_job(job_id: UUID, open_work: Annotated[OpenWork, allow(Action.READ_REPORT_JOB)]) -> ReportJobRead:
    """Tell how far a report is that the caller has asked for."""
    with open_work() as work:
        return report_job_read(read_job(work, job_id))


@router.get(
    "/report-jobs/{job_id}/file",
    operation_id=Action.READ_REPORT_FILE,
    response_class=Response,
    responses=_FILE | declares(404, 409),
)
def read_report_file(job_id: UUID, open_work: Annotated[OpenWork, allow(Action.READ_REPORT_FILE)]) -> Response:
    """Give the file of a report that is done, to whoever asked for it."""
    with open_work() as work:
        file_format, content = read_file(work, job_id)
    return attachment(content, FILES[file_format], f"outcomes.{file_format}", {})
