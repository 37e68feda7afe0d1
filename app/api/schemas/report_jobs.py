"""Reports that are made while their reader does something else."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field

from app.api.schemas.fields import Answer, Body, Label, whole_number
from app.db.codes import JobState, ReportFileFormat
from app.db.models import ReportJob
from app.db.report_jobs import KEPT_FOR
from app.reports.cohort import FIRST_YEAR, LAST_YEAR, Period
from app.scales.instrument import InformantRole
from app.services.report_request import FILTERS, ReportRequest, filter_named


class ReportJobCreate(Body):
    """Which report of outcomes, and as what file; the fields are those of the route that answers at once."""

    year: Annotated[int, BeforeValidator(whole_number)] = Field(ge=FIRST_YEAR, le=LAST_YEAR, examples=[2025])
    years: Annotated[int, BeforeValidator(whole_number)] = Field(
        default=1, ge=1, le=3, description="1 for that year, 3 for the three years that end with it.", examples=[1]
    )
    measure: Label = Field(max_length=100, description="Key of the instrument, or phq-9+gad-7.", examples=["phq-9"])
    service_id: UUID | None = Field(default=None, description="The whole organisation, if not named.")
    respondent: InformantRole | None = Field(default=None, description="Answers of this informant role only.")
    dimension: str | None = Field(
        default=None,
        description=f"Only episodes with one value of: {', '.join(FILTERS)}.",
        json_schema_extra={"enum": [*FILTERS, None]},
    )
    value: Label | None = Field(default=None, description="The value, as the table of the dimension names it.")
    own_fall: float | None = Field(
        default=None,
        ge=-100,
        le=100,
        allow_inf_nan=False,
        description="The service's own natural course: points in 10 weeks.",
    )
    own_source: Label | None = Field(default=None, description="Where that figure comes from.")
    file_format: ReportFileFormat = Field(examples=["csv"])

    def asked(self) -> ReportRequest:
        """Give what is asked for."""
        named = self.model_dump(exclude={"year", "years", "file_format", "dimension"})
        return ReportRequest(Period(self.year, self.years), dimension=filter_named(self.dimension), **named)


class ReportJobRead(Answer):
    """How far a report is. Whoever asked for it can fetch the file for a day, once its state is `done`."""

    id: UUID
    state: JobState
    file_format: ReportFileFormat
    sections_done: int = Field(description="So many of its sections are made; the file is written after the last.")
    sections: int
    requested_at: datetime
    kept_until: datetime
    problem: str | None = Field(
        description="Why it could not be made: the name of a problem of the catalogue, or `interrupted`."
    )
    detail: str | None


def report_job_read(job: ReportJob) -> ReportJobRead:
    """Show how far a report is."""
    return ReportJobRead(
        id=job.id,
        state=JobState(job.state),
        file_format=ReportFileFormat(job.file_format),
        sections_done=job.sections_done,
        sections=job.sections,
        requested_at=job.requested_at,
        kept_until=job.requested_at + KEPT_FOR,
        problem=job.problem,
        detail=job.detail,
    )
