"""Reports that are made while their reader does something else."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, LargeBinary, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.db.codes import JobState, ReportFileFormat
from app.db.models.base import Base, Edited, belongs_to, one_of


class ReportJob(Edited, Base):
    """A report that is asked for as a file, how far it is, and the file; kept for a day, for its reader alone."""

    __tablename__ = "report_jobs"
    __table_args__ = (
        belongs_to("services"),
        one_of("file_format", ReportFileFormat),
        one_of("state", JobState),
        CheckConstraint("sections_done between 0 and sections", name="sections_done"),
        CheckConstraint("(state = 'done') = (content is not null)", name="content"),
        CheckConstraint("(state = 'failed') = (problem is not null)", name="problem"),
    )

    requested_by: Mapped[UUID]
    service_id: Mapped[UUID | None]
    requested_at: Mapped[datetime]
    file_format: Mapped[str]
    state: Mapped[str]
    sections_done: Mapped[int] = mapped_column(SmallInteger)
    sections: Mapped[int] = mapped_column(SmallInteger)
    changed_at: Mapped[datetime]
    problem: Mapped[str | None]
    detail: Mapped[str | None]
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
