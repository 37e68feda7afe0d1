"""What a row said of a patient before it was edited: kept with the edit, so that nothing that was recorded is lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.db.entry import Entry
from app.db.models import EarlierValues, Episode, Informant, Patient
from app.db.models.base import AboutPatient, Base, OfEpisode
from app.db.session import Work


def keep_earlier_values(work: Work, entry: Entry, row: AboutPatient, changes: Mapping[str, Any]) -> None:
    """Keep what an edit is about to replace in a row that belongs to a patient's record."""
    work.writes_with(entry)
    patient_id = _patient_of(work, row)
    was = {name: getattr(row, name) for name, value in changes.items() if getattr(row, name) != value}
    if patient_id is None or not was:
        return
    assert isinstance(row, Base), "a row has a table"
    work.db.add(
        EarlierValues(
            organisation_id=work.scope.organisation_id,
            row_id=row.id,
            version=row.version,
            patient_id=patient_id,
            kind=row.__tablename__,
            was=json.loads(json.dumps(was, default=_plain)),
            replaced_at=work.now,
            replaced_by=work.scope.actor_id,
        )
    )


def _patient_of(work: Work, row: AboutPatient) -> UUID | None:
    if isinstance(row, Patient):
        return row.id
    if isinstance(row, Informant | Episode):
        return row.patient_id
    if isinstance(row, OfEpisode):
        own = select(Episode.patient_id).where(Episode.organisation_id == work.scope.organisation_id)
        return work.db.scalars(own.where(Episode.id == row.episode_id)).one()
    return None


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    assert isinstance(value, UUID), f"no JSON form for {type(value).__name__}"
    return str(value)
