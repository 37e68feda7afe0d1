"""What an organisation brings to the instruments: its own, and the wordings that it has the right to use."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import SmallInteger, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.models.base import Base, Tenant, of_organisation


class OwnInstrument(Tenant, Base):
    """One version of an instrument of the organisation's own, as its file; the one added last is in use."""

    __tablename__ = "own_instruments"
    __table_args__ = (of_organisation(),)

    key: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    main_subscale: Mapped[str]
    file: Mapped[str]
    author_id: Mapped[UUID]
    added_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class Wording(Tenant, Base):
    """The official wording of a form in one language; the revision added last is in use."""

    __tablename__ = "wordings"
    __table_args__ = (of_organisation(),)

    instrument: Mapped[str] = mapped_column(primary_key=True)
    instrument_version: Mapped[str] = mapped_column(primary_key=True)
    form: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    wording: Mapped[dict[str, Any]]
    author_id: Mapped[UUID]
    added_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
