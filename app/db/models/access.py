"""Who is kept out of a patient's record, and who has opened it without treating the patient."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped

from app.db.codes import BREAK_GLASS, ReviewFinding
from app.db.models.base import AboutPatient, Base, belongs_to, one_of


class Block(AboutPatient, Base):
    """The patient does not want this person to see the record; it comes before every other right."""

    __tablename__ = "blocks"
    __table_args__ = (
        belongs_to("patients"),
        belongs_to("users"),
        belongs_to("users", "recorded_by"),
        belongs_to("users", "lifted_by"),
        Index(
            "blocks_in_force_key",
            "organisation_id",
            "user_id",
            "patient_id",
            unique=True,
            postgresql_where=text("lifted_at is null"),
        ),
        Index(None, "organisation_id", "patient_id"),
        CheckConstraint("(lifted_at is null) = (lifted_by is null)", name="lifted_by_a_person"),
    )

    patient_id: Mapped[UUID]
    user_id: Mapped[UUID]
    blocked_at: Mapped[datetime]
    recorded_by: Mapped[UUID]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None]


class BreakGlass(AboutPatient, Base):
    """Somebody of the service has opened the record of a patient whom a colleague treats, for a named purpose."""

    __tablename__ = "break_glass"
    __table_args__ = (
        belongs_to("patients"),
        belongs_to("services"),
        belongs_to("users"),
        belongs_to("users", "reviewed_by"),
        Index(None, "organisation_id", "user_id", "expires_at"),
        Index(None, "organisation_id", "patient_id"),
        Index(None, "organisation_id", "service_id", "id"),
        CheckConstraint(f"purpose in ({', '.join(repr(str(code)) for code in BREAK_GLASS)})", name="purpose"),
        one_of("finding", ReviewFinding),
        CheckConstraint("num_nonnulls(reviewed_at, reviewed_by, finding) in (0, 3)", name="reviewed_by_a_person"),
        CheckConstraint("reviewed_by <> user_id", name="reviewed_by_somebody_else"),
        CheckConstraint("expires_at > opened_at", name="expires_after_opening"),
    )

    patient_id: Mapped[UUID]
    service_id: Mapped[UUID]
    user_id: Mapped[UUID]
    purpose: Mapped[str]
    note: Mapped[str | None]
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    reviewed_at: Mapped[datetime | None]
    reviewed_by: Mapped[UUID | None]
    finding: Mapped[str | None]
