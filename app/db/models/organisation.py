"""The tenant: organisation, services, people and tablets that work there, credentials, programmes, settings."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, SmallInteger, UniqueConstraint, false, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from app.db.codes import STAFF, ContactType, Language, OrganisationMode, ProgrammeFormat
from app.db.ids import uuid7
from app.db.models.base import Base, Edited, Tenant, belongs_to, of_organisation, one_of


class Organisation(Base):
    """A municipality, or the host of several: the tenant."""

    __tablename__ = "organisations"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class OrganisationSettings(Tenant, Base):
    """One version of an organisation's settings; the newest is in force, the others tell what was."""

    __tablename__ = "organisation_settings"
    __table_args__ = (
        of_organisation(),
        one_of("mode", OrganisationMode),
        one_of("language", Language),
        CheckConstraint("retention_years between 1 and 200", name="retention_years"),
        CheckConstraint("retention_until_age between 1 and 150", name="retention_until_age"),
        CheckConstraint("retention_until_age is null or retention_years is not null", name="retention_has_years"),
    )

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mode: Mapped[str]
    language: Mapped[str]
    time_zone: Mapped[str]
    policy: Mapped[dict[str, Any]]
    max_missing: Mapped[dict[str, Any]]
    agreements: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    retention_years: Mapped[int | None] = mapped_column(SmallInteger)
    retention_until_age: Mapped[int | None] = mapped_column(SmallInteger)
    pools_reports: Mapped[bool] = mapped_column(server_default=false())
    author_id: Mapped[UUID | None]
    reason: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Service(Edited, Base):
    """A service of the organisation."""

    __tablename__ = "services"
    __table_args__ = (of_organisation(),)

    name: Mapped[str]


class User(Edited, Base):
    """A person who works in a service; by user name or subject they are one of the whole server."""

    __tablename__ = "users"
    __table_args__ = (
        belongs_to("services"),
        one_of("role", STAFF),
        CheckConstraint("(oidc_issuer is null) = (oidc_subject is null)", name="subject_of_an_issuer"),
        CheckConstraint("user_name = lower(user_name)", name="user_name_is_lower_case"),
        Index("users_user_name_key", "user_name", unique=True),
        Index("users_oidc_issuer_oidc_subject_key", "oidc_issuer", "oidc_subject", unique=True),
    )

    service_id: Mapped[UUID]
    role: Mapped[str]
    display_name: Mapped[str]
    deactivated_at: Mapped[datetime | None]
    user_name: Mapped[str | None]
    oidc_issuer: Mapped[str | None]
    oidc_subject: Mapped[str | None]


class Login(Tenant, Base):
    """How a person logs in with a password: its hash, an invitation to set one, and attempts that failed."""

    __tablename__ = "logins"
    __table_args__ = (
        belongs_to("users"),
        UniqueConstraint("invitation_hash"),
        CheckConstraint("(invitation_hash is null) = (invitation_expires_at is null)", name="invitation_expires"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    password_hash: Mapped[str | None]
    invitation_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    invitation_expires_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Device(Edited, Base):
    """A tablet of a service."""

    __tablename__ = "devices"
    __table_args__ = (
        belongs_to("services"),
        Index(
            "devices_pairing_hash_key",
            "pairing_hash",
            unique=True,
            postgresql_where=text("pairing_hash is not null"),
        ),
    )

    service_id: Mapped[UUID]
    label: Mapped[str]
    pairing_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    pairing_expires_at: Mapped[datetime | None]
    paired_at: Mapped[datetime | None]
    last_seen_on: Mapped[date | None]
    revoked_at: Mapped[datetime | None]


class Credential(Base):
    """The hash of a token and whom it stands for; looked up before the organisation is known."""

    __tablename__ = "credentials"
    __table_args__ = (
        of_organisation(),
        belongs_to("users"),
        belongs_to("devices"),
        belongs_to("assignments"),
        Index(None, "organisation_id", "assignment_id"),
        CheckConstraint("num_nonnulls(user_id, device_id, assignment_id) = 1", name="one_holder"),
    )

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    organisation_id: Mapped[UUID]
    user_id: Mapped[UUID | None]
    device_id: Mapped[UUID | None]
    assignment_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Programme(Edited, Base):
    """A treatment offer: how it is given, how long it is planned to be, what counts as dose."""

    __tablename__ = "programmes"
    __table_args__ = (
        of_organisation(),
        UniqueConstraint("organisation_id", "name"),
        one_of("format", ProgrammeFormat),
        CheckConstraint(
            f"counted_contact_types <@ array[{', '.join(repr(str(code)) for code in ContactType)}]",
            name="counted_contact_types",
        ),
        CheckConstraint("planned_dose between 1 and 500", name="planned_dose"),
        CheckConstraint("planned_interval_days between 1 and 366", name="planned_interval_days"),
        CheckConstraint("evidence_level between 0 and 5", name="evidence_level"),
        CheckConstraint(
            "evidence_level is null or (evidence_source is not null and evidence_date is not null)",
            name="evidence_has_a_source",
        ),
    )

    name: Mapped[str]
    format: Mapped[str]
    counted_contact_types: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    planned_dose: Mapped[int | None] = mapped_column(SmallInteger)
    planned_interval_days: Mapped[int] = mapped_column(SmallInteger)
    main_instrument: Mapped[str | None]
    schedule: Mapped[Any] = mapped_column(JSONB, nullable=True)
    decision_rule: Mapped[dict[str, Any] | None]
    evidence_level: Mapped[int | None] = mapped_column(SmallInteger)
    evidence_source: Mapped[str | None]
    evidence_date: Mapped[date | None]


__all__ = [
    "Credential",
    "Device",
    "Login",
    "Organisation",
    "OrganisationSettings",
    "Programme",
    "Service",
    "User",
]
