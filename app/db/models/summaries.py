"""What reports read instead of the record: a row for each episode, and one for each measure of it by an informant.

Both follow from the record alone and are written in the transaction that changes it (`app.services.summaries`). They
have room left in their pages, since the rows of an episode under way are written anew with every answer.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, SmallInteger
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from app.db.codes import InformantRole
from app.db.models.base import Base, Tenant, belongs_to, of_organisation, one_of


class Compared:
    """By what episodes are compared; the same in both tables, so that no report has to join a million rows."""

    service_id: Mapped[UUID]
    programme_id: Mapped[UUID | None]
    therapist_id: Mapped[UUID | None]
    closed_year: Mapped[int | None] = mapped_column(SmallInteger)
    pathway: Mapped[int | None] = mapped_column(SmallInteger)
    sex: Mapped[str | None]
    age_years: Mapped[int] = mapped_column(SmallInteger)
    language: Mapped[str]
    problem_areas: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    dose: Mapped[int] = mapped_column(SmallInteger)
    interval_days: Mapped[int | None] = mapped_column(SmallInteger)
    dropped_out: Mapped[bool]


class EpisodeSummary(Compared, Tenant, Base):
    """One episode: when, how much help, what became of it."""

    __tablename__ = "episode_summaries"
    __table_args__ = (
        belongs_to("episodes"),
        Index(None, "organisation_id", "closed_year"),
        {"postgresql_with": {"fillfactor": 80}},
    )

    episode_id: Mapped[UUID] = mapped_column(primary_key=True)
    opened_on: Mapped[date]
    closed_on: Mapped[date | None]
    closing_reason: Mapped[str | None]
    planned_dose: Mapped[int | None] = mapped_column(SmallInteger)
    waiting_days: Mapped[int | None] = mapped_column(SmallInteger)
    treatment_days: Mapped[int | None] = mapped_column(SmallInteger)
    days_after_last: Mapped[int | None] = mapped_column(SmallInteger)
    attended: Mapped[int] = mapped_column(SmallInteger)
    cancelled: Mapped[int] = mapped_column(SmallInteger)
    no_shows: Mapped[int] = mapped_column(SmallInteger)
    missed_last: Mapped[bool | None]
    forms_offered: Mapped[int] = mapped_column(SmallInteger)
    forms_completed: Mapped[int] = mapped_column(SmallInteger)
    forms_declined: Mapped[int] = mapped_column(SmallInteger)
    forms_unable: Mapped[int] = mapped_column(SmallInteger)


class MeasureSummary(Compared, Tenant, Base):
    """One measure of one episode by one informant: first and last score, and what came of it."""

    __tablename__ = "measure_summaries"
    __table_args__ = (
        belongs_to("episodes"),
        Index(None, "organisation_id", "measure", "closed_year"),
        one_of("role", InformantRole),
        CheckConstraint("rank between 0 and 2", name="rank"),
        CheckConstraint("change between -1 and 1", name="change"),
        {"postgresql_with": {"fillfactor": 80}},
    )

    episode_id: Mapped[UUID] = mapped_column(primary_key=True)
    measure: Mapped[str] = mapped_column(primary_key=True)
    form_family: Mapped[str] = mapped_column(primary_key=True)
    informant_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str]
    rank: Mapped[int] = mapped_column(SmallInteger)
    scores: Mapped[int] = mapped_column(SmallInteger)
    baseline: Mapped[float | None]
    last: Mapped[float | None]
    last_dose: Mapped[int | None] = mapped_column(SmallInteger)
    last_days: Mapped[int | None] = mapped_column(SmallInteger)
    change: Mapped[int | None] = mapped_column(SmallInteger)
    case_at_start: Mapped[bool | None]
    case_at_end: Mapped[bool | None]
    first_improved_dose: Mapped[int | None] = mapped_column(SmallInteger)
    measured_sessions: Mapped[int] = mapped_column(SmallInteger)
    waiting_change: Mapped[float | None]
    waiting_days: Mapped[int | None] = mapped_column(SmallInteger)
    follow_up_change: Mapped[float | None]


class SummaryYear(Tenant, Base):
    """How often summaries of the episodes closed in a year have changed; triggers of the two tables count it."""

    __tablename__ = "summary_years"
    __table_args__ = (of_organisation(),)

    closed_year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    changes: Mapped[int] = mapped_column(BigInteger)


class CountedCells(Tenant, Base):
    """What was counted of the episodes closed in a year, for one question; it holds until their summaries change."""

    __tablename__ = "counted_cells"
    __table_args__ = (of_organisation(),)

    question: Mapped[str] = mapped_column(primary_key=True)
    closed_year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    changes: Mapped[int] = mapped_column(BigInteger)
    cells: Mapped[str]
