"""What patients answered and what was made of it: series, administrations, scores, verdicts."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, SmallInteger, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY, SMALLINT, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from app.db.codes import AdministrationState, AnsweringMode, Clarification, IssueCause, Occasion
from app.db.models.base import Base, Identified, Tenant, belongs_to, one_of


class Series(Identified, Base):
    """Instrument in one version, form family and informant in one episode: what is compared with each other."""

    __tablename__ = "series"
    __table_args__ = (
        belongs_to("episodes"),
        belongs_to("informants"),
        UniqueConstraint(
            "organisation_id", "episode_id", "instrument", "instrument_version", "form_family", "informant_id"
        ),
        Index(None, "organisation_id", "informant_id"),
    )

    episode_id: Mapped[UUID]
    instrument: Mapped[str]
    instrument_version: Mapped[str]
    form_family: Mapped[str]
    informant_id: Mapped[UUID]


class Administration(Tenant, Base):
    """One version of one filled-in form; rows are never changed, except that a newer version supersedes them.

    `answers` and `item_states` are in the item order of `form` in `instrument_version`; an item state is the
    first letter of answered, blank, declined, not shown. `body` is kept only where the columns can't hold it, as JSON
    text: jsonb refuses some of what a broken tablet may send.
    """

    __tablename__ = "administrations"
    __table_args__ = (
        belongs_to("episodes"),
        belongs_to("series", "series_id"),
        belongs_to("treatment_sessions"),
        Index(None, "id", unique=True, postgresql_where="version = 1"),
        Index("administrations_of_episode_idx", "organisation_id", "episode_id"),
        Index(None, "organisation_id", "series_id"),
        Index(None, "organisation_id", "treatment_session_id", postgresql_where="treatment_session_id is not null"),
        one_of("state", AdministrationState),
        one_of("mode", AnsweringMode),
        one_of("occasion", Occasion),
        CheckConstraint("timing in ('before', 'after', 'between')", name="timing"),
        CheckConstraint(
            f"clarifications <@ array[{', '.join(repr(str(code)) for code in Clarification)}]", name="clarifications"
        ),
        CheckConstraint("cardinality(answers) = length(item_states)", name="one_state_per_answer"),
        CheckConstraint("body is not null or answers is not null", name="something_kept"),
        CheckConstraint("version = 1 or reason is not null", name="later_versions_have_a_reason"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    episode_id: Mapped[UUID]
    series_id: Mapped[UUID | None]
    treatment_session_id: Mapped[UUID | None]
    completed_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]
    author_id: Mapped[UUID]
    instrument: Mapped[str]
    instrument_version: Mapped[str]
    form: Mapped[str]
    state: Mapped[str]
    timing: Mapped[str | None]
    occasion: Mapped[str | None]
    mode: Mapped[str | None]
    helped_by: Mapped[str | None]
    reason: Mapped[str | None]
    item_states: Mapped[str | None]
    answers: Mapped[list[int | None] | None] = mapped_column(ARRAY(SMALLINT))
    clarifications: Mapped[list[str] | None] = mapped_column(ARRAY(TEXT))
    accepted: Mapped[list[str] | None] = mapped_column(ARRAY(TEXT))
    body_hash: Mapped[bytes] = mapped_column(LargeBinary)
    body: Mapped[str | None]


def of_administration() -> ForeignKeyConstraint:
    """Make the foreign key to one version of an administration."""
    columns = ["organisation_id", "administration_id", "administration_version"]
    return ForeignKeyConstraint(
        columns, ["administrations.organisation_id", "administrations.id", "administrations.version"]
    )


class Score(Tenant, Base):
    """One subscale's score of one version of an administration; null with the reason where there is none."""

    __tablename__ = "scores"
    __table_args__ = (
        of_administration(),
        CheckConstraint("(value is null) = (reason is not null)", name="value_or_reason"),
    )

    administration_id: Mapped[UUID] = mapped_column(primary_key=True)
    administration_version: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    subscale: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float | None]
    missing: Mapped[int] = mapped_column(SmallInteger)
    prorated: Mapped[bool]
    is_case: Mapped[bool | None]
    band: Mapped[str | None]
    reason: Mapped[str | None]


class Progress(Tenant, Base):
    """One verdict as it was issued: append-only, so that what was shown, and when, can be told."""

    __tablename__ = "progress"
    __table_args__ = (
        of_administration(),
        one_of("cause", IssueCause),
        CheckConstraint("signal in ('red', 'yellow', 'green', 'grey')", name="signal"),
        CheckConstraint(
            "responder_state in ('early', 'pending', 'late', 'none', 'not_assessed')", name="responder_state"
        ),
    )

    administration_id: Mapped[UUID] = mapped_column(primary_key=True)
    issue: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    administration_version: Mapped[int] = mapped_column(SmallInteger)
    dose: Mapped[int] = mapped_column(SmallInteger)
    end_dose: Mapped[int | None] = mapped_column(SmallInteger)
    lower: Mapped[int | None] = mapped_column(SmallInteger)
    upper: Mapped[int | None] = mapped_column(SmallInteger)
    settings_version: Mapped[int]
    issued_at: Mapped[datetime] = mapped_column(server_default=func.now())
    weeks: Mapped[float]
    score: Mapped[float]
    baseline: Mapped[float]
    expected: Mapped[float | None]
    goal_probability: Mapped[float | None]
    deterioration_probability: Mapped[float | None]
    change_probability: Mapped[float | None]
    cause: Mapped[str]
    curve: Mapped[str | None]
    change: Mapped[str]
    signal: Mapped[str]
    signal_reason: Mapped[str]
    responder_state: Mapped[str]
    reasons: Mapped[list[dict[str, Any]]]
