"""Reports that take long: made one after the other in a thread beside the requests, with progress, kept for a day.

A job is the caller's own: nobody else learns that it is there. Only the process that took it makes it; where that
ends first, the job has failed, and is asked for again.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final
from uuid import UUID

from app.db.access_log import organisation_name
from app.db.codes import JobState, ReportFileFormat
from app.db.editing import add_of_organisation
from app.db.ids import uuid7
from app.db.models import ReportJob
from app.db.report_jobs import expire_old_jobs, is_interrupted, move_job, own_job, unfinished_jobs
from app.db.session import Access, Database, Scope, Work
from app.errors import SporError, StateConflict, slug
from app.reports.rounding import rounded_report
from app.services.report_files import report_file
from app.services.report_request import ReportRequest, check_request, require_measure, require_own_service
from app.services.reports import SECTIONS, outcomes_report

logger = logging.getLogger("spor.reports")

MOST_UNFINISHED: Final = 3
"""Of one caller, so that nobody waits long for somebody who asks for everything."""

INTERRUPTED: Final = ("interrupted", "the server was stopped before the report was done; ask for it again")
_NOT_OURS: Final = ("internal-error", "something went wrong on our side")


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be made, for whom and as what."""

    id: UUID
    scope: Scope
    request_id: UUID
    request: ReportRequest
    file_format: ReportFileFormat
    language: str


def start_job(work: Work, request: ReportRequest, file_format: ReportFileFormat) -> ReportJob:
    """Note that a report is asked for; once that is committed, it is handed to `ReportJobs`.

    Raises
    ------
    Forbidden
        If a service lead asks for another service than the own one.
    MalformedBody, InvalidReference
        If it cannot be asked for.
    StateConflict
        If too many reports of the caller's are not done yet.
    """
    check_request(work, request)
    require_measure(work, request.measure)
    expire_old_jobs(work)
    if unfinished_jobs(work) >= MOST_UNFINISHED:
        raise StateConflict(
            "other reports that you have asked for are not done yet", allowed=f"{MOST_UNFINISHED} at a time"
        )
    values = {
        "requested_by": work.scope.actor_id,
        "service_id": request.service_id,
        "requested_at": work.now,
        "changed_at": work.now,
        "file_format": file_format,
        "state": JobState.WAITING,
        "sections_done": 0,
        "sections": SECTIONS,
    }
    return add_of_organisation(work, ReportJob, values)


def read_job(work: Work, job_id: UUID) -> ReportJob:
    """Tell how far a report of the caller's is.

    Raises
    ------
    NotFound
        If there is no such report.
    Forbidden
        If it is of a service that is no longer the caller's.
    """
    job = own_job(work, job_id)
    require_own_service(work, job.service_id)
    if is_interrupted(job, work.now):
        problem, detail = INTERRUPTED
        move_job(work, job.id, {"state": JobState.FAILED, "problem": problem, "detail": detail})
        work.db.refresh(job)
    return job


def read_file(work: Work, job_id: UUID) -> tuple[ReportFileFormat, bytes]:
    """Give the file of a report that is done.

    Raises
    ------
    NotFound
        If there is no such report.
    StateConflict
        If it is not done, or could not be made.
    """
    job = read_job(work, job_id)
    if job.content is None:
        raise StateConflict("the report is not done", allowed=f"a report whose state is {JobState.DONE}")
    work.note()
    return ReportFileFormat(job.file_format), job.content


class ReportJobs:
    """Makes reports in a thread and over connections of its own, in the order in which they are asked for."""

    def __init__(self, database: Database, threshold: int) -> None:
        self._database = database
        self._threshold = threshold
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def take(self, job: Job) -> None:
        """Make a report when its turn comes."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="report-jobs", daemon=True)
                self._thread.start()
        self._queue.put(job)

    def stop(self) -> None:
        """Begin no other report, and wait a moment for the present one; those that are left have failed."""
        self._stopping.set()
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(timeout=5)
        self._database.close()

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            if self._stopping.is_set():
                self._end(job, INTERRUPTED)
                continue
            try:
                self._make(job)
            except SporError as error:
                self._end(job, (slug(type(error)), error.detail))
            except Exception:  # a thread that ended would leave all that follow unmade
                logger.exception("a report could not be made")
                self._end(job, _NOT_OURS)

    def _make(self, job: Job) -> None:
        self._move(job, {"state": JobState.RUNNING})
        with self._database.work(job.scope, Access("make_report", job.request_id, job.id)) as work:
            report = outcomes_report(
                work, job.request, threshold=self._threshold, done=lambda n: self._move(job, {"sections_done": n})
            )
            organisation, day = organisation_name(work), work.now.date()
        content = report_file(rounded_report(report), job.file_format, job.language, organisation=organisation, day=day)
        self._move(job, {"state": JobState.DONE, "content": content})

    def _end(self, job: Job, why: tuple[str, str]) -> None:
        """Say why a report was not made; where the database is away too, that it was interrupted is found later."""
        problem, detail = why
        try:
            self._move(job, {"state": JobState.FAILED, "problem": problem, "detail": detail})
        except SporError as error:
            logger.warning("a report's end could not be noted", extra={"fields": {"error": type(error).__name__}})

    def _move(self, job: Job, values: dict[str, Any]) -> None:
        with self._database.work(job.scope, Access("move_report", uuid7(), job.id)) as work:
            move_job(work, job.id, values)
