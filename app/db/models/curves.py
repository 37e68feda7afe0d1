"""Curves learnt from an organisation's own episodes, and who put them into force."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.codes import CurveState
from app.db.models.base import Base, Edited, belongs_to, of_organisation, one_of
from app.trajectories.link import LinkKind


class Curve(Edited, Base):
    """A curve of one instrument and form family, for one programme or (null) the whole organisation.

    What was learnt and how it did is never changed; only `state` and what belongs to it is. `successor_id` names the
    curve that has taken its place, and is null once that was taken back.
    """

    __tablename__ = "curves"
    __table_args__ = (
        of_organisation(),
        belongs_to("programmes"),
        belongs_to("users", "activated_by"),
        belongs_to("users", "retired_by"),
        belongs_to("curves", "successor_id"),
        UniqueConstraint("organisation_id", "key", "instrument"),
        Index(
            "curves_revision_key",
            "organisation_id",
            "instrument",
            "form_family",
            "programme_id",
            "revision",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index(
            "curves_live_key",
            "organisation_id",
            "instrument",
            "form_family",
            "programme_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where="state = 'live'",
        ),
        one_of("state", CurveState),
        one_of("link", LinkKind),
        CheckConstraint("state = 'candidate' or activated_by is not null", name="activated_by_a_person"),
        CheckConstraint(
            """state = 'candidate' or coalesce(evaluation @> '{"passed": true}', false)""", name="passed_every_gate"
        ),
        CheckConstraint(
            "case when state = 'retired' then num_nonnulls(retired_at, retired_by) = 2"
            " else num_nonnulls(retired_at, retired_by, successor_id) = 0 end",
            name="retired_by_a_person",
        ),
        CheckConstraint("local_information between 0 and 1", name="local_information"),
    )

    key: Mapped[str]
    instrument: Mapped[str]
    form_family: Mapped[str]
    programme_id: Mapped[UUID | None]
    revision: Mapped[int]
    link: Mapped[str]
    state: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    parameters_hash: Mapped[bytes] = mapped_column(LargeBinary)
    provenance: Mapped[dict[str, Any]]
    evaluation: Mapped[dict[str, Any] | None]
    data_from: Mapped[date]
    data_to: Mapped[date]
    n_episodes: Mapped[int]
    n_observations: Mapped[int]
    local_information: Mapped[float]
    made_at: Mapped[datetime]
    activated_by: Mapped[UUID | None]
    activated_at: Mapped[datetime | None]
    retired_by: Mapped[UUID | None]
    retired_at: Mapped[datetime | None]
    successor_id: Mapped[UUID | None]
