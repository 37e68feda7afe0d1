"""The ledger of consents to uses beyond care: statements are added, and the newest of a use is in force."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.db.codes import ConsentUse
from app.db.entry import Entry
from app.db.ids import uuid7
from app.db.models import Consent
from app.db.pipeline import Rows, statement
from app.db.scope import get_patient
from app.db.session import Query, Work


def consents(work: Work, patient_id: UUID) -> list[Consent]:
    """List every statement about a patient that the caller may reach, in the order in which they were made."""
    get_patient(work, patient_id)
    return list(
        work.db.scalars(
            select(Consent)
            .where(Consent.organisation_id == work.scope.organisation_id, Consent.patient_id == patient_id)
            .order_by(Consent.stated_at, Consent.recorded_at, Consent.id)
        )
    )


def add_consent(work: Work, entry: Entry, patient_id: UUID, values: dict[str, Any]) -> Consent:
    """Add a statement."""
    work.writes_with(entry)
    row = Consent(organisation_id=work.scope.organisation_id, id=uuid7(), patient_id=patient_id, **values)
    row.recorded_by, row.recorded_at = work.scope.actor_id, work.now
    work.db.add(row)
    work.db.flush()
    return row


# Of two statements of one moment the withdrawal holds: 'withdrawn' comes after 'given'.
_CONSENTING = statement(
    """
    select patient_id
      from (select distinct on (patient_id) patient_id, decision
              from consents
             where organisation_id = %(organisation_id)s and use = %(use)s
               and (%(patient_id)s::uuid is null or patient_id = %(patient_id)s::uuid)
             order by patient_id, stated_at desc, decision desc) newest
     where decision = 'given'
    """
)


def consenting_patients(work: Work, use: ConsentUse, patient_id: UUID | None = None) -> frozenset[UUID]:
    """Give the patients whose data the organisation may use for this; nobody whose consent was not recorded.

    An export takes only these, and notes itself whom it has shown. With a patient, only that one is looked at.
    """
    parameters = {"organisation_id": work.scope.organisation_id, "use": use, "patient_id": patient_id}
    return work.ask(Query(_CONSENTING, parameters, _ids))


def _ids(rows: Rows) -> frozenset[UUID]:
    return frozenset(row[0] for row in rows)
