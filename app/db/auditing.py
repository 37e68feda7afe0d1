"""The audit event of a request: how it is written, what for, and which writes can't do without one."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from app.db.codes import Purpose, Role
from app.db.models import Base
from app.db.pipeline import statement

PURPOSES: Final = {
    Role.DEVICE: Purpose.ANSWERING,
    Role.RESPONDENT: Purpose.ANSWERING,
    Role.THERAPIST: Purpose.TREATMENT,
    Role.SUPERVISOR: Purpose.SUPERVISION,
    Role.SERVICE_LEAD: Purpose.ADMINISTRATION,
    Role.ADMINISTRATOR: Purpose.ADMINISTRATION,
    Role.ANALYST: Purpose.ANALYSIS,
    Role.OPERATOR: Purpose.OPERATION,
}
"""What each role uses patients' data for, where nothing else was said."""

AUDIT: Final = statement(
    """
    insert into audit_events (organisation_id, occurred_at, actor_id, service_id, request_id, role, purpose, action,
                              resource_id, patient_ids)
    values (%(organisation_id)s, %(occurred_at)s, %(actor_id)s, %(service_id)s, %(request_id)s, %(role)s, %(purpose)s,
            %(action)s, %(resource_id)s, %(patient_ids)s::uuid[])
    """
)

# What a therapist sees of a patient whom only colleagues treat was opened for a purpose of its own.
AUDIT_OF_THERAPIST: Final = statement(
    """
    insert into audit_events (organisation_id, occurred_at, actor_id, service_id, request_id, role, purpose, action,
                              resource_id, patient_ids)
    select %(organisation_id)s, %(occurred_at)s, %(actor_id)s, %(service_id)s, %(request_id)s, %(role)s,
           coalesce(opened.purpose, %(purpose)s), %(action)s, %(resource_id)s,
           array_agg(seen.patient_id order by seen.patient_id)
      from unnest(%(patient_ids)s::uuid[]) seen(patient_id)
      left join lateral (
           select b.purpose
             from break_glass b
            where b.organisation_id = %(organisation_id)s and b.user_id = %(actor_id)s and b.expires_at > now()
              and b.patient_id = seen.patient_id
              and not exists (select from treatment_relations r
                                join episodes e on e.organisation_id = r.organisation_id and e.id = r.episode_id
                               where r.organisation_id = %(organisation_id)s and r.user_id = %(actor_id)s
                                 and r.ended_at is null and e.patient_id = seen.patient_id)
            order by b.id desc limit 1) opened on true
     group by coalesce(opened.purpose, %(purpose)s)
    """
)

OF_PATIENTS: Final = frozenset(
    name
    for name, table in Base.metadata.tables.items()
    if name == "patients" or {"patient_id", "episode_id", "administration_id"} & {*table.columns.keys()}
)
"""The tables whose rows are about a patient."""

_WRITTEN = re.compile(rb"\b(?:insert into|update|delete from) (\w+)", re.IGNORECASE)


@cache
def writes_patients(sql: bytes) -> bool:
    """Tell whether a statement writes rows of patients."""
    return any(name.decode() in OF_PATIENTS for name in _WRITTEN.findall(sql))
