"""What patients have a right to: earlier values, consents, holds; and what is left when a record was deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.codes import ConsentDecision, ConsentMedium, ConsentUse, DeletionGround
from app.db.models.base import AboutPatient, Base, Identified, Tenant, belongs_to, of_organisation, one_of


class EarlierValues(Tenant, Base):
    """What one version of an edited row said before the next one replaced it: only the columns that were changed."""

    __tablename__ = "earlier_values"
    __table_args__ = (belongs_to("patients"), Index(None, "organisation_id", "patient_id"))

    row_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    patient_id: Mapped[UUID]
    kind: Mapped[str]
    was: Mapped[dict[str, Any]]
    replaced_at: Mapped[datetime]
    replaced_by: Mapped[UUID]


class Consent(Identified, Base):
    """One statement about a use of the record beyond care: given or withdrawn; the newest of a use is in force."""

    __tablename__ = "consents"
    __table_args__ = (
        belongs_to("patients"),
        belongs_to("informants"),
        belongs_to("users", "recorded_by"),
        Index(None, "organisation_id", "patient_id"),
        Index(None, "organisation_id", "informant_id"),
        Index(None, "organisation_id", "use"),
        one_of("use", ConsentUse),
        one_of("decision", ConsentDecision),
        one_of("medium", ConsentMedium),
    )

    patient_id: Mapped[UUID]
    informant_id: Mapped[UUID]
    use: Mapped[str]
    decision: Mapped[str]
    stated_at: Mapped[datetime]
    medium: Mapped[str]
    text_version: Mapped[str]
    recorded_by: Mapped[UUID]
    recorded_at: Mapped[datetime]


class LegalHold(AboutPatient, Base):
    """Why a patient's record must not be deleted, until somebody lifts the hold."""

    __tablename__ = "legal_holds"
    __table_args__ = (
        belongs_to("patients"),
        belongs_to("users", "placed_by"),
        belongs_to("users", "lifted_by"),
        Index(None, "organisation_id", "patient_id"),
        CheckConstraint("num_nonnulls(lifted_at, lifted_by, lifting_reason) in (0, 3)", name="lifted_with_a_reason"),
    )

    patient_id: Mapped[UUID]
    reason: Mapped[str]
    placed_by: Mapped[UUID]
    placed_at: Mapped[datetime]
    lifted_by: Mapped[UUID | None]
    lifted_at: Mapped[datetime | None]
    lifting_reason: Mapped[str | None]


class Deletion(Identified, Base):
    """The tombstone of a deleted record: who decided what, and how many rows there were; nothing of what they said."""

    __tablename__ = "deletions"
    __table_args__ = (of_organisation(), Index(None, "organisation_id", "patient_id"), one_of("ground", DeletionGround))

    patient_id: Mapped[UUID]
    ground: Mapped[str]
    decision: Mapped[str]
    decided_at: Mapped[datetime]
    decided_by: Mapped[str]
    deleted_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_by: Mapped[UUID]
    counts: Mapped[dict[str, Any]]


class DeletedAdministration(Tenant, Base):
    """The hash of a deleted administration's id, so that a tablet's repeated put does not bring it back."""

    __tablename__ = "deleted_administrations"
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "deletion_id"], ["deletions.organisation_id", "deletions.id"]),
        Index(None, "organisation_id", "deletion_id"),
    )

    id_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    deletion_id: Mapped[UUID]
