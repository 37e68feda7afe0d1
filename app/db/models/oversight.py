"""What must not be missed, and who looked: risk alerts, reviews, audit events and their seals."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from app.db.codes import Purpose, ReviewAction, ReviewCause, RiskDuty, Role
from app.db.models.base import Base, OfEpisode, Tenant, belongs_to, of_organisation, one_of
from app.db.models.measures import of_administration


class TransactionId(UserDefinedType[str]):
    """PostgreSQL's xid8: the 64-bit number of the writing transaction."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Name the type in SQL."""
        return "xid8"


class RiskAlert(OfEpisode, Base):
    """A critical item was answered; raised once for an answer, closed only by a person."""

    __tablename__ = "risk_alerts"
    __table_args__ = (
        of_administration(),
        belongs_to("patients"),
        belongs_to("episodes"),
        belongs_to("users", "acknowledged_by"),
        UniqueConstraint("organisation_id", "administration_id", "administration_version", "item"),
        Index(None, "organisation_id", "episode_id"),
        Index(None, "organisation_id", "patient_id"),
        one_of("duty", RiskDuty),
        CheckConstraint("(acknowledged_at is null) = (acknowledged_by is null)", name="acknowledged_by_a_person"),
    )

    administration_id: Mapped[UUID]
    administration_version: Mapped[int] = mapped_column(SmallInteger)
    patient_id: Mapped[UUID]
    instrument: Mapped[str]
    item: Mapped[str]
    kind: Mapped[str]
    code: Mapped[int] = mapped_column(SmallInteger)
    duty: Mapped[str]
    duties: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    answered_at: Mapped[datetime]
    raised_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[UUID | None]
    assessment: Mapped[str | None]


class Review(OfEpisode, Base):
    """A conversation that a signal asked for: what was found, what was decided, what is due when."""

    __tablename__ = "reviews"
    __table_args__ = (
        belongs_to("episodes"),
        belongs_to("users", "author_id"),
        Index(None, "organisation_id", "episode_id"),
        one_of("action", ReviewAction),
        CheckConstraint(f"causes <@ array[{', '.join(repr(str(code)) for code in ReviewCause)}]", name="causes"),
        CheckConstraint(
            "action <> 'snooze' or (snoozed_until is not null and note is not null)", name="snooze_has_reason_and_date"
        ),
    )

    author_id: Mapped[UUID]
    dose: Mapped[int] = mapped_column(SmallInteger)
    reviewed_at: Mapped[datetime]
    with_patient: Mapped[bool]
    causes: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    action: Mapped[str]
    note: Mapped[str | None]
    due_on: Mapped[date | None]
    done_at: Mapped[datetime | None]
    snoozed_until: Mapped[date | None]


class AuditEvent(Tenant, Base):
    """One request that read or wrote patient data; written in the same transaction, never changed."""

    __tablename__ = "audit_events"
    __table_args__ = (
        of_organisation(),
        one_of("role", Role),
        one_of("purpose", Purpose),
        Index(None, "patient_ids", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    )

    xid: Mapped[str] = mapped_column(TransactionId, primary_key=True, server_default=func.pg_current_xact_id())
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_id: Mapped[UUID]
    service_id: Mapped[UUID]
    request_id: Mapped[UUID]
    role: Mapped[str]
    purpose: Mapped[str]
    action: Mapped[str]
    patient_ids: Mapped[list[UUID]] = mapped_column(ARRAY(PG_UUID(as_uuid=True)))
    resource_id: Mapped[UUID | None]


class AuditSeal(Tenant, Base):
    """A sealed range of audit events, by transaction and, within an epoch, by id; each seal covers the one before it.

    An epoch lasts as long as the database counts its transactions in one line. It holds the events whose id is above
    `after_id`, up to that of the next epoch; `last_id` is the highest id that has been sealed so far.
    """

    __tablename__ = "audit_seals"
    __table_args__ = (of_organisation(),)

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    first_xid: Mapped[str] = mapped_column(TransactionId)
    end_xid: Mapped[str] = mapped_column(TransactionId)
    events: Mapped[int]
    root_hash: Mapped[bytes] = mapped_column(LargeBinary)
    previous_seal: Mapped[bytes | None] = mapped_column(LargeBinary)
    seal: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    epoch: Mapped[int] = mapped_column(server_default=text("1"))
    cluster: Mapped[str] = mapped_column(server_default=text("''"))
    after_id: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    last_id: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
