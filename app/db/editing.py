"""Adding rows and editing them under optimistic locking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import insert, select

from app.db.history import keep_earlier_values
from app.db.ids import uuid7
from app.db.models import Device, Programme, Service, User
from app.db.models.base import Edited
from app.db.session import Work
from app.errors import NotFound, PreconditionFailed

Row = TypeVar("Row", bound=Edited)
OfOrganisation = TypeVar("OfOrganisation", Programme, Service, User, Device)


def add(work: Work, table: type[Row], values: Mapping[str, Any]) -> Row:
    """Add a row to the caller's organisation."""
    row = table()
    row.organisation_id, row.id, row.version = work.scope.organisation_id, uuid7(), 1
    for name, value in values.items():
        setattr(row, name, value)
    work.db.add(row)
    work.db.flush()
    return row


def add_all(work: Work, table: type[Edited], rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows to the caller's organisation, each with a new id unless it brings one."""
    key = {"organisation_id": work.scope.organisation_id, "version": 1}
    complete = [{**key, "id": uuid7(), **row} for row in rows]
    if complete:
        work.db.execute(insert(table), complete)


def edit(work: Work, row: Row, version: int, changes: Mapping[str, Any]) -> Row:
    """Change columns of a row that the caller has read at a version; what they said of a patient before is kept.

    Raises
    ------
    PreconditionFailed
        If somebody else has changed it since.
    """
    work.db.refresh(row, with_for_update={"key_share": True})
    if row.version != version:
        raise PreconditionFailed("it has been changed since; read it again")
    keep_earlier_values(work, row, changes)
    for name, value in changes.items():
        setattr(row, name, value)
    row.version = version + 1
    work.db.flush()
    return row


def get_of_organisation(work: Work, table: type[OfOrganisation], row_id: UUID) -> OfOrganisation:
    """Load a row that belongs to the organisation as a whole and says nothing of a patient.

    Raises
    ------
    NotFound
        If there is none.
    """
    row = work.db.get(table, (work.scope.organisation_id, row_id))
    if row is None:
        raise NotFound(f"there is no such {table.__name__.lower()}", pointer="/id")
    return row


def all_of_organisation(work: Work, table: type[OfOrganisation]) -> list[OfOrganisation]:
    """List the rows of a table that says nothing of patients, oldest first."""
    own = select(table).where(table.organisation_id == work.scope.organisation_id)
    return list(work.db.scalars(own.order_by(table.id)))
