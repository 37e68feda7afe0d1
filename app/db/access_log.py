"""The audit as a patient may read it: who read or changed what is known about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.db.models import Patient
from app.db.pipeline import statement
from app.db.scope import get_patient
from app.db.session import Query, Work


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """One request that touched a patient's data; who is not a person or tablet of the organisation has no name."""

    id: int
    occurred_at: datetime
    role: str
    purpose: str
    action: str
    actor_id: UUID
    name: str | None
    service: str | None


_ABOUT_PATIENT = statement(
    """
    select e.id, e.occurred_at, e.role, e.purpose, e.action, e.actor_id, coalesce(u.display_name, d.label), s.name
      from spor_events_about(%(patient_id)s, %(before)s, %(limit)s) e
      left join users u on u.organisation_id = e.organisation_id and u.id = e.actor_id
      left join devices d on d.organisation_id = e.organisation_id and d.id = e.actor_id
      left join services s on s.organisation_id = e.organisation_id and s.id = e.service_id
     order by e.id desc
    """
)
_ORGANISATION = statement("select name from organisations where id = %(organisation_id)s")


def entries_about(work: Work, patient_id: UUID, before: int | None, limit: int) -> tuple[Patient, list[AccessEntry]]:
    """Give a patient, and the newest entries about them: all, or those before one of them."""
    patient = get_patient(work, patient_id)
    parameters = {"patient_id": patient.id, "before": before, "limit": limit}
    return patient, work.ask(Query(_ABOUT_PATIENT, parameters, lambda rows: [AccessEntry(*row) for row in rows]))


def organisation_name(work: Work) -> str:
    """Give the name of the caller's organisation."""
    return work.ask(Query(_ORGANISATION, {"organisation_id": work.scope.organisation_id}, lambda rows: str(rows[0][0])))
