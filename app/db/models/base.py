"""What all tables share: names of constraints, the tenant's key, composite foreign keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, MetaData, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.db.ids import uuid7


class Base(DeclarativeBase):
    """All tables; constraints are named by rule, so that migrations can name them too."""

    metadata = MetaData(
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s_check",
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: DateTime(timezone=True),
        str: Text(),
        dict[str, Any]: JSONB(),
        list[dict[str, Any]]: JSONB(),
    }


class Tenant:
    """A table of one organisation's rows: the key begins with the organisation."""

    organisation_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-20)


class Identified(Tenant):
    """A tenant's row with an id of its own."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7, sort_order=-10)


class Edited(Identified):
    """A row that is edited in place; `version` is its ETag."""

    version: Mapped[int] = mapped_column(default=1, sort_order=90)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=91)


class AboutPatient(Edited):
    """A row that is about one patient: whoever adds or edits one shows the audit entry (`app.db.editing`)."""


class OfEpisode(AboutPatient):
    """A row that hangs on an episode and is reached through it."""

    episode_id: Mapped[UUID] = mapped_column(sort_order=-5)


def belongs_to(table: str, column: str | None = None, *, circular: bool = False) -> ForeignKeyConstraint:
    """Make the composite foreign key to another table of the same organisation."""
    column = column or f"{table.removesuffix('s')}_id"
    return ForeignKeyConstraint(
        ["organisation_id", column], [f"{table}.organisation_id", f"{table}.id"], use_alter=circular
    )


def of_organisation() -> ForeignKeyConstraint:
    """Make the foreign key to the organisation itself."""
    return ForeignKeyConstraint(["organisation_id"], ["organisations.id"])


def one_of(column: str, codes: Iterable[StrEnum]) -> CheckConstraint:
    """Make the constraint that a text column holds one of the codes (or null, where the column may be null)."""
    listed = ", ".join(f"'{code}'" for code in codes)
    return CheckConstraint(f"{column} in ({listed})", name=column)
