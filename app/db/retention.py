"""Whose records have been kept for as long as the organisation keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.db.pipeline import Rows, statement
from app.db.session import Query, Work

# It ends with the transaction, so that a pooler may give the next one another connection.
_TAKE_TURN = statement("select pg_try_advisory_xact_lock(hashtextextended('retention ' || %(organisation_id)s, 0))")


def takes_turn(work: Work) -> bool:
    """Tell whether this transaction may delete records for their age: until it ends, no other run may."""
    parameters = {"organisation_id": str(work.scope.organisation_id)}
    return work.ask(Query(_TAKE_TURN, parameters, lambda rows: bool(rows[0][0])))


@dataclass(frozen=True, slots=True)
class Aged:
    """A patient whose record is old enough, and whether a legal hold keeps it."""

    patient_id: UUID
    held: bool


# A birthday is known by its month: it has certainly passed when the month has. What is set aside counts as activity
# too. `greatest` passes over what there is none of.
_AGED = statement(
    """
    select p.id,
           exists (select from legal_holds h
                    where h.organisation_id = p.organisation_id and h.patient_id = p.id and h.lifted_at is null) as held
      from patients p
     where p.organisation_id = %(organisation_id)s
       and (%(patient_id)s::uuid is null or p.id = %(patient_id)s::uuid)
       and (%(until_age)s::int is null or
            (p.birth_month + make_interval(years => %(until_age)s::int, months => 1)) <= %(now)s::timestamptz)
       and exists (select from episodes e where e.organisation_id = p.organisation_id and e.patient_id = p.id)
       and not exists (select from episodes e
                        where e.organisation_id = p.organisation_id and e.patient_id = p.id
                          and (e.closed_at is null or greatest(
                               e.closed_at,
                               (select max(greatest(a.received_at, a.completed_at)) from administrations a
                                 where a.organisation_id = e.organisation_id and a.episode_id = e.id),
                               (select max(s.starts_at) from attendances t
                                  join treatment_sessions s
                                    on s.organisation_id = t.organisation_id and s.id = t.treatment_session_id
                                 where t.organisation_id = e.organisation_id and t.episode_id = e.id),
                               (select max(greatest(r.reviewed_at, r.done_at)) from reviews r
                                 where r.organisation_id = e.organisation_id and r.episode_id = e.id),
                               (select max(greatest(r.raised_at, r.acknowledged_at)) from risk_alerts r
                                 where r.organisation_id = e.organisation_id and r.episode_id = e.id)
                               ) + make_interval(years => %(years)s::int) > %(now)s::timestamptz))
     order by p.id
    """
)


def aged(work: Work, years: int, until_age: int | None, patient_id: UUID | None = None) -> list[Aged]:
    """List the patients, or look at one, all of whose episodes are closed and whose last activity is so long ago."""
    parameters: dict[str, Any] = {
        "organisation_id": work.scope.organisation_id,
        "patient_id": patient_id,
        "years": years,
        "until_age": until_age,
        "now": work.now,
    }
    return work.ask(Query(_AGED, parameters, _aged))


def _aged(rows: Rows) -> list[Aged]:
    return [Aged(*row) for row in rows]
