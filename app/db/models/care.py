"""Patients and their care: informants, episodes, who treats, programmes in sequence, sessions and who came."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from app.db.codes import (
    AssignmentState,
    AttendanceOutcome,
    ClosingReason,
    ContactMode,
    ContactType,
    InformantRole,
    Language,
    ReferralSource,
    ReferredTo,
    Sex,
    Visibility,
)
from app.db.models.base import AboutPatient, Base, Edited, OfEpisode, Tenant, belongs_to, of_organisation, one_of


class Patient(AboutPatient, Base):
    """A person who gets help, under the pseudonymous reference of the record system; no name."""

    __tablename__ = "patients"
    __table_args__ = (
        of_organisation(),
        belongs_to("users", "registered_by"),
        UniqueConstraint("organisation_id", "reference"),
        Index(None, "organisation_id", "registered_by"),
        one_of("sex", Sex),
        one_of("language", Language),
        CheckConstraint("extract(day from birth_month) = 1", name="birth_month_is_a_month"),
    )

    reference: Mapped[str]
    birth_month: Mapped[date]
    sex: Mapped[str | None]
    language: Mapped[str]
    registered_by: Mapped[UUID]


class Informant(AboutPatient, Base):
    """A person who answers about a patient: the patient, a parent, a teacher."""

    __tablename__ = "informants"
    __table_args__ = (
        belongs_to("patients"),
        UniqueConstraint("organisation_id", "patient_id", "label"),
        Index(
            "informants_self_informant_key",
            "organisation_id",
            "patient_id",
            unique=True,
            postgresql_where="role = 'self'",
        ),
        one_of("role", InformantRole),
        one_of("visibility", Visibility),
    )

    patient_id: Mapped[UUID]
    role: Mapped[str]
    label: Mapped[str]
    visibility: Mapped[str]


class Episode(AboutPatient, Base):
    """First contact to closing in one service. Its row is the lock that serialises all that changes its verdicts."""

    __tablename__ = "episodes"
    __table_args__ = (
        belongs_to("patients"),
        belongs_to("services"),
        belongs_to("series", "main_series_id", circular=True),
        Index(None, "organisation_id", "patient_id"),
        Index(None, "organisation_id", "service_id", "id"),
        Index(None, "organisation_id", "main_series_id"),
        one_of("closing_reason", ClosingReason),
        one_of("referral_source", ReferralSource),
        one_of("referred_to", ReferredTo),
        CheckConstraint("(closed_at is null) = (closing_reason is null)", name="closed_with_a_reason"),
        CheckConstraint("closed_at >= opened_at", name="closed_after_opening"),
        CheckConstraint("pathway between 1 and 3", name="pathway"),
        CheckConstraint("planned_dose between 1 and 500", name="planned_dose"),
        CheckConstraint("planned_interval_days between 1 and 366", name="planned_interval_days"),
    )

    patient_id: Mapped[UUID]
    service_id: Mapped[UUID]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closing_reason: Mapped[str | None]
    pathway: Mapped[int | None] = mapped_column(SmallInteger)
    problem_areas: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    planned_dose: Mapped[int | None] = mapped_column(SmallInteger)
    planned_interval_days: Mapped[int | None] = mapped_column(SmallInteger)
    planned_end: Mapped[date | None]
    crisis_pause_since: Mapped[datetime | None]
    main_series_id: Mapped[UUID | None]
    referral_source: Mapped[str | None]
    referred_to: Mapped[str | None]


class TreatmentRelation(OfEpisode, Base):
    """A therapist treats a patient in an episode, from a time until a time."""

    __tablename__ = "treatment_relations"
    __table_args__ = (
        belongs_to("episodes"),
        belongs_to("users"),
        Index(
            "treatment_relations_active_relation_key",
            "organisation_id",
            "user_id",
            "episode_id",
            unique=True,
            postgresql_where="ended_at is null",
        ),
        Index(None, "organisation_id", "episode_id"),
    )

    user_id: Mapped[UUID]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class EpisodeProgramme(OfEpisode, Base):
    """One programme of an episode's sequence."""

    __tablename__ = "episode_programmes"
    __table_args__ = (
        belongs_to("episodes"),
        belongs_to("programmes"),
        UniqueConstraint("organisation_id", "episode_id", "position"),
        CheckConstraint("ended_at >= started_at", name="ended_after_start"),
    )

    programme_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(SmallInteger)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class TreatmentSession(Edited, Base):
    """An event of treatment with one or many participants."""

    __tablename__ = "treatment_sessions"
    __table_args__ = (
        belongs_to("services"),
        belongs_to("programmes"),
        belongs_to("users", "therapist_id"),
        one_of("contact_type", ContactType),
        one_of("mode", ContactMode),
        CheckConstraint("minutes between 0 and 1440", name="minutes"),
    )

    service_id: Mapped[UUID]
    programme_id: Mapped[UUID | None]
    therapist_id: Mapped[UUID | None]
    starts_at: Mapped[datetime]
    contact_type: Mapped[str]
    mode: Mapped[str]
    minutes: Mapped[int | None] = mapped_column(SmallInteger)
    module: Mapped[str | None]


class Attendance(OfEpisode, Base):
    """Whether one participant, the patient or another informant, came to a session; it counts for one episode."""

    __tablename__ = "attendances"
    __table_args__ = (
        belongs_to("treatment_sessions"),
        belongs_to("episodes"),
        belongs_to("informants"),
        Index(
            "attendances_participant_key",
            "organisation_id",
            "treatment_session_id",
            "episode_id",
            "informant_id",
            unique=True,
        ),
        Index(None, "organisation_id", "episode_id"),
        Index(None, "organisation_id", "informant_id"),
        one_of("outcome", AttendanceOutcome),
        one_of("mode", ContactMode),
        CheckConstraint("minutes between 0 and 1440", name="minutes"),
    )

    treatment_session_id: Mapped[UUID]
    informant_id: Mapped[UUID]
    outcome: Mapped[str]
    reason: Mapped[str | None]
    mode: Mapped[str | None]
    minutes: Mapped[int | None] = mapped_column(SmallInteger)


class Goal(OfEpisode, Base):
    """What the patient wants to reach, in the patient's own words; at one of the places of the form own-goals."""

    __tablename__ = "goals"
    __table_args__ = (
        belongs_to("episodes"),
        Index(None, "organisation_id", "episode_id"),
        Index(
            "goals_place_key",
            "organisation_id",
            "episode_id",
            "place",
            unique=True,
            postgresql_where=text("ended_at is null"),
        ),
        CheckConstraint("place between 1 and 3", name="place"),
        CheckConstraint("ended_at >= set_at", name="ends_after_it_was_set"),
        CheckConstraint("ended_at is not null or reached is null", name="reached_when_ended"),
    )

    place: Mapped[int] = mapped_column(SmallInteger)
    words: Mapped[str]
    set_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    reached: Mapped[bool | None]


class Assignment(OfEpisode, Base):
    """A form that is due from an informant, for a session or in a window, and what became of it."""

    __tablename__ = "assignments"
    __table_args__ = (
        belongs_to("episodes"),
        belongs_to("informants"),
        belongs_to("treatment_sessions"),
        Index(None, "organisation_id", "episode_id"),
        Index(None, "organisation_id", "informant_id"),
        Index(None, "organisation_id", "treatment_session_id"),
        Index("assignments_link_hash_key", "link_hash", unique=True, postgresql_where=text("link_hash is not null")),
        Index(
            "assignments_code_key",
            "organisation_id",
            "code_hash",
            unique=True,
            postgresql_where=text("code_hash is not null"),
        ),
        Index(
            "assignments_schedule_key",
            "organisation_id",
            "episode_id",
            "schedule_key",
            unique=True,
            postgresql_where=text("schedule_key is not null"),
        ),
        one_of("state", AssignmentState),
        CheckConstraint("closes_at > opens_at", name="closes_after_opening"),
        CheckConstraint("state not in ('declined', 'unable') or reason is not null", name="reason_given"),
    )

    informant_id: Mapped[UUID]
    treatment_session_id: Mapped[UUID | None]
    instrument: Mapped[str]
    form: Mapped[str]
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime | None]
    state: Mapped[str]
    reason: Mapped[str | None]
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    code_expires_at: Mapped[datetime | None]
    link_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    link_expires_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    administration_id: Mapped[UUID | None]
    schedule_key: Mapped[str | None]


class AssignmentOpening(Tenant, Base):
    """An assignment was opened on a tablet, which so reaches its episode; closed if it was opened elsewhere since."""

    __tablename__ = "assignment_openings"
    __table_args__ = (
        belongs_to("assignments"),
        belongs_to("devices"),
        belongs_to("episodes"),
        Index(None, "organisation_id", "episode_id", "device_id"),
        Index(
            "assignment_openings_open_on_idx",
            "organisation_id",
            "device_id",
            postgresql_where=text("closed_at is null"),
        ),
    )

    assignment_id: Mapped[UUID] = mapped_column(primary_key=True)
    device_id: Mapped[UUID] = mapped_column(primary_key=True)
    episode_id: Mapped[UUID]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
