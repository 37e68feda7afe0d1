"""Adding rows and editing them under optimistic locking.

What is about a patient is written with the audit entry; what belongs to the organisation as a whole has functions of
its own, which take nothing that is about a patient.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import insert, select

from app.db.entry import Entry
from app.db.history import keep_earlier_values
from app.db.ids import uuid7
from app.db.models import (
    Curve,
    Device,
    EvaluationPlan,
    Programme,
    ProgrammeEvidence,
    ReportJob,
    Service,
    ServiceStatements,
    TreatmentSession,
    User,
)
from app.db.models.base import AboutPatient, Edited
from app.db.session import Work
from app.errors import NotFound, PreconditionFailed

Row = TypeVar("Row", bound=AboutPatient)
OfOrganisation = TypeVar("OfOrganisation", Programme, Service, User, Device)
OfNobody = TypeVar(
    "OfNobody",
    Programme,
    Service,
    User,
    Device,
    Curve,
    TreatmentSession,
    ProgrammeEvidence,
    EvaluationPlan,
    ServiceStatements,
    ReportJob,
)
"""What says nothing of a patient: of a treatment session, when it was, not who came."""
Kept = TypeVar("Kept", bound=Edited)


def add(work: Work, entry: Entry, table: type[Row], values: Mapping[str, Any]) -> Row:
    """Add a row about a patient whom the audit entry names."""
    work.writes_with(entry)
    return _add(work, table, values)


def add_of_organisation(work: Work, table: type[OfNobody], values: Mapping[str, Any]) -> OfNobody:
    """Add a row that says nothing of a patient."""
    return _add(work, table, values)


def _add(work: Work, table: type[Kept], values: Mapping[str, Any]) -> Kept:
    row = table()
    row.organisation_id, row.id, row.version = work.scope.organisation_id, uuid7(), 1
    for name, value in values.items():
        setattr(row, name, value)
    work.db.add(row)
    work.db.flush()
    return row


def add_all(work: Work, entry: Entry, table: type[AboutPatient], rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows about patients whom the audit entry names, each with a new id unless it brings one."""
    work.writes_with(entry)
    _add_all(work, table, rows)


def add_all_of_organisation(work: Work, table: type[OfNobody], rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows that say nothing of a patient, each with a new id unless it brings one."""
    _add_all(work, table, rows)


def _add_all(work: Work, table: type[Edited], rows: Iterable[Mapping[str, Any]]) -> None:
    key = {"organisation_id": work.scope.organisation_id, "version": 1}
    complete = [{**key, "id": uuid7(), **row} for row in rows]
    if complete:
        work.db.execute(insert(table), complete)


def edit(work: Work, entry: Entry, row: Row, version: int, changes: Mapping[str, Any]) -> Row:
    """Change columns of a row that the caller has read at a version; what they said of a patient before is kept.

    Raises
    ------
    PreconditionFailed
        If somebody else has changed it since.
    """
    work.writes_with(entry)
    _lock(work, row, version)
    keep_earlier_values(work, entry, row, changes)
    return _change(work, row, changes)


def edit_of_organisation(work: Work, row: OfNobody, version: int, changes: Mapping[str, Any]) -> OfNobody:
    """Change columns of a row that says nothing of a patient, and that the caller has read at a version.

    Raises
    ------
    PreconditionFailed
        If somebody else has changed it since.
    """
    _lock(work, row, version)
    return _change(work, row, changes)


def _lock(work: Work, row: Edited, version: int) -> None:
    work.db.refresh(row, with_for_update={"key_share": True})
    if row.version != version:
        raise PreconditionFailed("it has been changed since; read it again")


def _change(work: Work, row: Kept, changes: Mapping[str, Any]) -> Kept:
    for name, value in changes.items():
        setattr(row, name, value)
    row.version += 1
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
