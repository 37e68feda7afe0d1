"""Rows of the reports that are being made, each for whoever asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, update

from app.db.codes import JobState
from app.db.models import ReportJob
from app.db.session import Work
from app.errors import NotFound

KEPT_FOR: Final = timedelta(days=1)
INTERRUPTED_AFTER: Final = timedelta(hours=1)
"""A job that has come no further for so long was another process's, which has ended."""

_UNFINISHED: Final = (JobState.WAITING, JobState.RUNNING)


def own_job(work: Work, job_id: UUID) -> ReportJob:
    """Load a job of the caller's own.

    Raises
    ------
    NotFound
        If there is none, or it is older than a day.
    """
    asked = select(ReportJob).where(
        ReportJob.organisation_id == work.scope.organisation_id,
        ReportJob.id == job_id,
        ReportJob.requested_by == work.scope.actor_id,
        ReportJob.requested_at > work.now - KEPT_FOR,
    )
    row = work.db.scalars(asked).one_or_none()
    if row is None:
        raise NotFound("there is no such report", pointer="/id")
    return row


def unfinished_jobs(work: Work) -> int:
    """Count the caller's jobs that are still to be made."""
    asked = select(func.count()).where(
        ReportJob.organisation_id == work.scope.organisation_id,
        ReportJob.requested_by == work.scope.actor_id,
        ReportJob.state.in_(_UNFINISHED),
        ReportJob.changed_at > work.now - INTERRUPTED_AFTER,
    )
    return work.db.scalar(asked) or 0


def expire_old_jobs(work: Work) -> None:
    """Delete the organisation's files that are older than a day."""
    old = (
        ReportJob.organisation_id == work.scope.organisation_id,
        ReportJob.state == JobState.DONE,
        ReportJob.requested_at <= work.now - KEPT_FOR,
    )
    work.db.execute(update(ReportJob).where(*old).values(state=JobState.EXPIRED, content=None))


def move_job(work: Work, job_id: UUID, values: Mapping[str, Any]) -> None:
    """Note how far a job is that has not ended."""
    unfinished = (
        ReportJob.organisation_id == work.scope.organisation_id,
        ReportJob.id == job_id,
        ReportJob.state.in_(_UNFINISHED),
    )
    work.db.execute(update(ReportJob).where(*unfinished).values(changed_at=work.now, **values))


def is_interrupted(job: ReportJob, now: datetime) -> bool:
    """Tell whether a job will never be finished."""
    return job.state in _UNFINISHED and job.changed_at <= now - INTERRUPTED_AFTER
