"""What a service says of itself in the grant report: evidence and evaluation of its programmes, and its own words."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.models.base import Base, Edited, belongs_to


class ProgrammeEvidence(Edited, Base):
    """How well a programme is documented for one target group; a level of null is unknown, and never the same as 0."""

    __tablename__ = "programme_evidence"
    __table_args__ = (
        belongs_to("programmes"),
        UniqueConstraint("organisation_id", "programme_id", "target_group"),
        CheckConstraint("level between 0 and 5", name="level"),
        CheckConstraint(
            "level is null or (source is not null and assessed_on is not null)", name="level_has_source_and_date"
        ),
    )

    programme_id: Mapped[UUID]
    target_group: Mapped[str]
    level: Mapped[int | None] = mapped_column(SmallInteger)
    source: Mapped[str | None]
    assessed_on: Mapped[date | None]


class EvaluationPlan(Edited, Base):
    """How a programme is evaluated: what is asked, by which measure, when, against what, and by whom."""

    __tablename__ = "evaluation_plans"
    __table_args__ = (belongs_to("programmes"), UniqueConstraint("organisation_id", "programme_id"))

    programme_id: Mapped[UUID]
    question: Mapped[str | None]
    measure: Mapped[str | None]
    time: Mapped[str | None]
    comparator: Mapped[str | None]
    missing_data: Mapped[str | None]
    drop_out_follow_up: Mapped[str | None]
    responsible: Mapped[str | None]


class ServiceStatements(Edited, Base):
    """What figures can't tell of a service in one year, in its own words."""

    __tablename__ = "service_statements"
    __table_args__ = (
        belongs_to("services"),
        UniqueConstraint("organisation_id", "service_id", "year"),
        CheckConstraint("year between 2000 and 2199", name="year"),
        *(
            CheckConstraint(f"length({name}) <= 4000", name=name)
            for name in (
                "target_group",
                "goals",
                "leadership",
                "budget",
                "plan",
                "involvement_individual",
                "involvement_service",
                "involvement_system",
            )
        ),
    )

    service_id: Mapped[UUID]
    year: Mapped[int] = mapped_column(SmallInteger)
    target_group: Mapped[str | None]
    goals: Mapped[str | None]
    leadership: Mapped[str | None]
    budget: Mapped[str | None]
    plan: Mapped[str | None]
    involvement_individual: Mapped[str | None]
    involvement_service: Mapped[str | None]
    involvement_system: Mapped[str | None]
