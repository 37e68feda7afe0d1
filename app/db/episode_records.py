"""An episode as new answers are held against it: locked, and read with its series in one statement.

The lock has to be a statement of its own before the one that reads, because a statement that waits for a lock still
sees the rest of the database as it was before it waited. Both leave together.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import cache, lru_cache, partial
from typing import Any, TypeVar
from uuid import UUID

from app.db.codes import ContactType
from app.db.models import TreatmentSession
from app.db.pipeline import Statement, statement
from app.db.scope import caller, reach
from app.db.session import Query, Work, uuids
from app.scales.catalogue import catalogue

# What counts as dose where no programme says so: meetings in which treatment is given.
_COUNTED = f"{{{ContactType.INDIVIDUAL},{ContactType.GROUP},{ContactType.PARENTS}}}"

COUNTED_SESSIONS = f"""
    select distinct s.id, s.starts_at, s.therapist_id
      from attendances a
      join treatment_sessions s on s.organisation_id = a.organisation_id and s.id = a.treatment_session_id
      left join programmes own on own.organisation_id = s.organisation_id and own.id = s.programme_id
      left join lateral (
           select pr.counted_contact_types
             from episode_programmes ep
             join programmes pr on pr.organisation_id = ep.organisation_id and pr.id = ep.programme_id
            where ep.organisation_id = e.organisation_id and ep.episode_id = e.id and ep.started_at <= s.starts_at
            order by ep.position desc limit 1) present on true
     where a.organisation_id = e.organisation_id and a.episode_id = e.id and a.outcome = 'attended'
       and s.contact_type = any(coalesce(own.counted_contact_types, present.counted_contact_types,
                                         '{_COUNTED}'::text[]))
"""  # noqa: S608 - our own codes
"""The sessions of an episode `e` that count as its dose."""

DAYS_BETWEEN_SESSIONS = 7
"""Where neither the episode nor its programme plans otherwise: the curves are for weekly sessions."""


@dataclass(slots=True)
class KeptAdministration:
    """The current version of an administration, as much as the verdicts need."""

    id: UUID
    version: int
    series_id: UUID | None
    instrument: str
    form: str
    state: str
    completed_at: datetime | None
    received_at: datetime
    answers: list[int | None] | None
    timing: str | None
    treatment_session_id: UUID | None
    session_starts_at: datetime | None
    score: float | None


@dataclass(frozen=True, slots=True)
class KeptSeries:
    """A series of the episode."""

    id: UUID
    instrument: str
    instrument_version: str
    form_family: str
    informant_id: UUID


@dataclass(slots=True)
class KeptAlert:
    """A critical answer that was noticed before."""

    id: UUID
    administration_id: UUID
    instrument: str
    item: str
    code: int
    duty: str
    answered_at: datetime
    due_at: datetime | None
    acknowledged_at: datetime | None


@dataclass(slots=True)
class EpisodeRecord:
    """Everything about one locked episode that a new answer is held against."""

    id: UUID
    patient_id: UUID
    patient_reference: str
    service_id: UUID
    birth_month: date
    sex: str | None
    opened_at: datetime
    closed_at: datetime | None
    pathway: int | None
    planned_dose: int | None
    planned_interval_days: int
    crisis_pause_since: datetime | None
    main_series_id: UUID | None
    main_instrument: str | None
    programme_id: UUID | None
    """The programme that the episode came to last."""
    review_due_on: date | None
    treatment_ended_at: datetime | None
    sessions: list[tuple[str, datetime]]
    """Id, as text since most are only counted, and start of those that count as dose."""
    informants: dict[UUID, str]
    series: list[KeptSeries]
    administrations: list[KeptAdministration]
    alerts: list[KeptAlert]
    reviewed_doses: list[int]


_READ = f"""
    select e.id, e.patient_id, p.reference as patient_reference, e.service_id, p.birth_month, p.sex,
           e.opened_at, e.closed_at, e.pathway,
           coalesce(e.planned_dose, programme.planned_dose) as planned_dose,
           coalesce(e.planned_interval_days, programme.planned_interval_days, %(weekly)s) as planned_interval_days,
           e.crisis_pause_since, e.main_series_id, programme.main_instrument, programme.id as programme_id,
           (select min(coalesce(r.snoozed_until, r.due_on)) from reviews r
             where r.organisation_id = e.organisation_id and r.episode_id = e.id and r.done_at is null
           ) as review_due_on,
           case when e.closed_at is not null then least(e.closed_at, programmes.ended_at)
                else programmes.ended_at end as treatment_ended_at,
           (select json_agg(json_build_array(c.id, c.starts_at) order by c.starts_at, c.id)
              from ({COUNTED_SESSIONS}) c) as sessions,
           (select json_agg(json_build_array(i.id, i.role))
              from informants i
             where i.organisation_id = e.organisation_id and i.patient_id = e.patient_id) as informants,
           (select json_agg(json_build_array(
                     s.id, s.instrument, s.instrument_version, s.form_family, s.informant_id) order by s.id)
              from series s
             where s.organisation_id = e.organisation_id and s.episode_id = e.id) as series,
           (select json_agg(json_build_array(
                     a.id, a.version, a.series_id, a.instrument, a.form, a.state, a.completed_at, a.received_at,
                     a.answers, a.timing, a.treatment_session_id,
                     (select ts.starts_at from treatment_sessions ts
                       where ts.organisation_id = a.organisation_id and ts.id = a.treatment_session_id),
                     (select sc.value from scores sc
                       where sc.organisation_id = a.organisation_id and sc.administration_id = a.id
                         and sc.administration_version = a.version
                         and sc.subscale = coalesce(
                               %(main_subscales)s::jsonb ->> a.instrument,
                               (select o.main_subscale from own_instruments o
                                 where o.organisation_id = a.organisation_id and o.key = a.instrument
                                   and o.version = a.instrument_version)))))
              from administrations a
             where a.organisation_id = e.organisation_id and a.episode_id = e.id and a.superseded_at is null
               and a.state <> 'entered_in_error') as administrations,
           (select json_agg(json_build_array(
                     r.id, r.administration_id, r.instrument, r.item, r.code, r.duty, r.answered_at, r.due_at,
                     r.acknowledged_at))
              from risk_alerts r
             where r.organisation_id = e.organisation_id and r.episode_id = e.id) as alerts,
           (select array_agg(r.dose) from reviews r
             where r.organisation_id = e.organisation_id and r.episode_id = e.id) as reviewed_doses
      from episodes e
      join patients p on p.organisation_id = e.organisation_id and p.id = e.patient_id
      left join lateral (
           select pr.id, pr.planned_dose, pr.planned_interval_days, pr.main_instrument
             from episode_programmes ep
             join programmes pr on pr.organisation_id = ep.organisation_id and pr.id = ep.programme_id
            where ep.organisation_id = e.organisation_id and ep.episode_id = e.id
            order by ep.position desc limit 1) programme on true
      left join lateral (
           select case when bool_and(ep.ended_at is not null) then max(ep.ended_at) end as ended_at
             from episode_programmes ep
            where ep.organisation_id = e.organisation_id and ep.episode_id = e.id) programmes on true
     where e.organisation_id = %(organisation_id)s and """  # noqa: S608 - our own words


_LOCK = (
    "select e.id from episodes e where e.organisation_id = %(organisation_id)s and {} order by e.id for no key update"
)

_BY_ID = "e.id = any(%(episode_ids)s::uuid[])"

_TOUCHED_BY_SESSION = """
    e.id in (select episode_id from attendances
              where organisation_id = %(organisation_id)s and treatment_session_id = %(session_id)s
              union
             select episode_id from administrations
              where organisation_id = %(organisation_id)s and treatment_session_id = %(session_id)s)
"""

_OF_PATIENT = "e.patient_id = %(patient_id)s"

_OF_ASSIGNMENT = """
    e.id = (select episode_id from assignments where organisation_id = %(organisation_id)s and id = %(assignment_id)s)
"""

_OF_PROGRAMME = """
    e.id in (select episode_id from episode_programmes
              where organisation_id = %(organisation_id)s and programme_id = %(programme_id)s
              union
             select a.episode_id
               from attendances a
               join treatment_sessions s on s.organisation_id = a.organisation_id and s.id = a.treatment_session_id
              where a.organisation_id = %(organisation_id)s and s.programme_id = %(programme_id)s)
"""

_IN_CASELOAD = """
    (e.closed_at is null
     or exists (select from risk_alerts r
                 where r.organisation_id = e.organisation_id and r.episode_id = e.id and r.acknowledged_at is null))
"""


@cache
def _locking(condition: str) -> Statement:
    return statement(_LOCK.format(condition))


@cache
def _reading(condition: str) -> Statement:
    return statement(_READ + condition)


Records = dict[UUID, "EpisodeRecord"]


def lock_and_read(work: Work, episode_ids: Collection[UUID]) -> tuple[Query[Any], Query[Records]]:
    """Make the two statements that lock those of the episodes that the caller may reach, and read them.

    They are locked in sorted order, so that no two requests wait for each other.
    """
    reached = f"{_BY_ID} and {reach(work)}"
    parameters = {**caller(work), "episode_ids": uuids(episode_ids)}
    return Query(_locking(reached), parameters, list), _read(work, reached, parameters)


def lock_episodes(work: Work, episode_ids: Iterable[UUID]) -> Records:
    """Lock those of the episodes that the caller may reach, and read them and their series."""
    _, records = work.ask_all(*lock_and_read(work, set(episode_ids)))
    return dict(records)


def lock_episodes_of_session(work: Work, session: TreatmentSession) -> Records:
    """Lock all episodes whose dose a session may change, also those of other therapists: their verdicts follow."""
    return read_episodes(work, _lock(work, _TOUCHED_BY_SESSION, session_id=session.id))


def lock_episodes_of_patient(work: Work, patient_id: UUID) -> list[UUID]:
    """Lock all episodes of a patient, also those of other services: their summaries follow from the patient's row."""
    return _lock(work, _OF_PATIENT, patient_id=patient_id)


def lock_episode_of_assignment(work: Work, assignment_id: UUID) -> list[UUID]:
    """Lock the episode to which an assignment belongs, before the assignment itself is changed."""
    return _lock(work, _OF_ASSIGNMENT, assignment_id=assignment_id)


def lock_episodes_of_programme(work: Work, programme_id: UUID) -> list[UUID]:
    """Lock all episodes whose dose or plan a programme's settings may change, those of other services too."""
    return _lock(work, _OF_PROGRAMME, programme_id=programme_id)


def _lock(work: Work, condition: str, **values: UUID) -> list[UUID]:
    parameters = {"organisation_id": work.scope.organisation_id, **values}
    return [episode_id for (episode_id,) in work.ask(Query(_locking(condition), parameters, list))]


def lock_known_episodes(work: Work, episode_ids: Collection[UUID]) -> Records:
    """Lock and read episodes that were not reached as a person's: a form is deleted, or their summaries are checked."""
    parameters = {"organisation_id": work.scope.organisation_id, "episode_ids": uuids(episode_ids)}
    work.ask(Query(_locking(_BY_ID), parameters, list))
    return read_episodes(work, episode_ids)


def read_episodes(work: Work, reached_ids: Collection[UUID]) -> Records:
    """Read episodes that were reached within the caller's scope, with their series."""
    if not reached_ids:
        return {}
    parameters = {"organisation_id": work.scope.organisation_id, "episode_ids": uuids(reached_ids)}
    return work.ask(_read(work, _BY_ID, parameters))


def episodes_of_caseload(work: Work) -> Query[Records]:
    """Make the statement that reads the caller's open episodes, and the closed ones with an unassessed alert."""
    return _read(work, f"{reach(work, listing=True)} and {_IN_CASELOAD}", caller(work))


@cache
def _main_subscales() -> str:
    """Give, by instrument, the score that is followed over time."""
    return json.dumps({each.key: each.main_subscale for each in catalogue().values()})


def _read(work: Work, condition: str, parameters: dict[str, Any]) -> Query[Records]:
    plans = {"weekly": DAYS_BETWEEN_SESSIONS, "main_subscales": _main_subscales()}
    return Query(_reading(condition), parameters | plans, partial(_records, work))


def _records(work: Work, rows: Sequence[Sequence[Any]]) -> Records:
    records = {record.id: record for record in map(_record, rows)}
    work.saw(record.patient_id for record in records.values())
    return records


def _record(row: Sequence[Any]) -> EpisodeRecord:
    *plain, sessions, informants, series, administrations, alerts, reviewed_doses = row
    lists: Sequence[Any] = (
        [(session, datetime.fromisoformat(at)) for session, at in sessions or ()],
        {_uuid(informant): role for informant, role in informants or ()},
        _kept(KeptSeries, series),
        _kept(KeptAdministration, administrations),
        _kept(KeptAlert, alerts),
        list(reviewed_doses or ()),
    )
    return EpisodeRecord(*plain, *lists)


_uuid = lru_cache(maxsize=4096)(UUID)


def _reader(name: str) -> Callable[[Any], Any] | None:
    """Give what makes a field's value of the JSON one: the name tells. None where that is the value already."""
    if name.endswith("_at"):
        return datetime.fromisoformat
    return _uuid if name == "id" or name.endswith("_id") else None


Kept = TypeVar("Kept", KeptSeries, KeptAdministration, KeptAlert)

_READERS: dict[type[Any], list[tuple[int, Callable[[Any], Any]]]] = {
    kind: [(index, read) for index, field in enumerate(fields(kind)) if (read := _reader(field.name))]
    for kind in (KeptSeries, KeptAdministration, KeptAlert)
}


def _kept(kind: type[Kept], rows: Sequence[list[Any]] | None) -> list[Kept]:
    """Read JSON arrays, whose order is that of the fields."""
    readers = _READERS[kind]
    for row in rows or ():
        for index, read in readers:
            if row[index] is not None:
                row[index] = read(row[index])
    return [kind(*row) for row in rows or ()]
