"""The hot path: lock the episodes, read their series, write everything that follows from some answers.

Two statements read (the lock has to come first, because a statement that waits for a lock still sees the rest
of the database as it was before it waited) and one writes. Rows travel as JSON, so that one entry and five
hundred are the same statement.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select, text

from app.db.codes import ContactType
from app.db.models import (
    Administration,
    Attendance,
    Base,
    Episode,
    Progress,
    RiskAlert,
    Score,
    Series,
    TreatmentSession,
)
from app.db.scope import may_reach_episode
from app.db.session import Work

# What counts as dose where no programme says so: meetings in which treatment is given.
COUNTED_WITHOUT_PROGRAMME = [ContactType.INDIVIDUAL, ContactType.GROUP, ContactType.PARENTS]

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
    opened_at: datetime
    closed_at: datetime | None
    pathway: int | None
    planned_dose: int | None
    planned_interval_days: int
    crisis_pause_since: datetime | None
    main_series_id: UUID | None
    main_instrument: str | None
    review_due_on: date | None
    treatment_ended_at: datetime | None
    sessions: list[tuple[UUID, datetime]]
    informants: dict[UUID, str]
    series: list[KeptSeries]
    administrations: list[KeptAdministration]
    alerts: list[KeptAlert]
    reviewed_doses: list[int]


_READ = text(
    """
    select e.id, e.patient_id, p.reference as patient_reference, e.service_id, p.birth_month, e.opened_at,
           e.closed_at, e.pathway,
           coalesce(e.planned_dose, programme.planned_dose) as planned_dose,
           coalesce(e.planned_interval_days, programme.planned_interval_days, :weekly) as planned_interval_days,
           e.crisis_pause_since, e.main_series_id, programme.main_instrument,
           case when e.closed_at is not null then least(e.closed_at, programmes.ended_at)
                else programmes.ended_at end as treatment_ended_at,
           (select jsonb_agg(jsonb_build_array(c.id, c.starts_at) order by c.starts_at, c.id)
              from (select distinct s.id, s.starts_at
                      from attendances a
                      join treatment_sessions s
                        on s.organisation_id = a.organisation_id and s.id = a.treatment_session_id
                      left join programmes own on own.organisation_id = s.organisation_id and own.id = s.programme_id
                      left join lateral (
                           select pr.counted_contact_types
                             from episode_programmes ep
                             join programmes pr
                               on pr.organisation_id = ep.organisation_id and pr.id = ep.programme_id
                            where ep.organisation_id = e.organisation_id and ep.episode_id = e.id
                              and ep.started_at <= s.starts_at
                            order by ep.position desc limit 1) present on true
                     where a.organisation_id = e.organisation_id and a.episode_id = e.id and a.outcome = 'attended'
                       and s.contact_type = any(coalesce(own.counted_contact_types, present.counted_contact_types,
                                                         cast(:counted as text[])))) c) as sessions,
           (select jsonb_agg(jsonb_build_array(i.id, i.role))
              from informants i
             where i.organisation_id = e.organisation_id and i.patient_id = e.patient_id) as informants,
           (select jsonb_agg(jsonb_build_array(
                     s.id, s.instrument, s.instrument_version, s.form_family, s.informant_id) order by s.id)
              from series s
             where s.organisation_id = e.organisation_id and s.episode_id = e.id) as series,
           (select jsonb_agg(jsonb_build_array(
                     a.id, a.version, a.series_id, a.instrument, a.form, a.state, a.completed_at, a.received_at,
                     a.answers, a.timing, a.treatment_session_id, ts.starts_at, sc.value))
              from administrations a
              left join treatment_sessions ts
                on ts.organisation_id = a.organisation_id and ts.id = a.treatment_session_id
              left join scores sc
                on sc.organisation_id = a.organisation_id and sc.administration_id = a.id
               and sc.administration_version = a.version and sc.subscale = 'total'
             where a.organisation_id = e.organisation_id and a.episode_id = e.id and a.superseded_at is null
               and a.state <> 'entered_in_error') as administrations,
           (select jsonb_agg(jsonb_build_array(
                     r.id, r.administration_id, r.instrument, r.item, r.code, r.duty, r.answered_at, r.due_at,
                     r.acknowledged_at))
              from risk_alerts r
             where r.organisation_id = e.organisation_id and r.episode_id = e.id) as alerts,
           (select array_agg(r.dose) from reviews r
             where r.organisation_id = e.organisation_id and r.episode_id = e.id) as reviewed_doses,
           (select min(coalesce(r.snoozed_until, r.due_on)) from reviews r
             where r.organisation_id = e.organisation_id and r.episode_id = e.id and r.done_at is null
           ) as review_due_on
      from episodes e
      join patients p on p.organisation_id = e.organisation_id and p.id = e.patient_id
      left join lateral (
           select pr.planned_dose, pr.planned_interval_days, pr.main_instrument
             from episode_programmes ep
             join programmes pr on pr.organisation_id = ep.organisation_id and pr.id = ep.programme_id
            where ep.organisation_id = e.organisation_id and ep.episode_id = e.id
            order by ep.position desc limit 1) programme on true
      left join lateral (
           select case when bool_and(ep.ended_at is not null) then max(ep.ended_at) end as ended_at
             from episode_programmes ep
            where ep.organisation_id = e.organisation_id and ep.episode_id = e.id) programmes on true
     where e.organisation_id = :organisation_id and e.id = any(:episode_ids)
    """
)

_FIRST_VERSIONS = text(
    "select id, body_hash, state, received_at from administrations"
    " where organisation_id = :organisation_id and id = any(:ids) and version = 1"
)


def lock_episodes(work: Work, episode_ids: Iterable[UUID]) -> dict[UUID, EpisodeRecord]:
    """Lock those of the episodes that the caller may reach, in sorted order, and read them and their series."""
    wanted = and_(may_reach_episode(work), Episode.id.in_(set(episode_ids)))
    return read_episodes(work, _lock(work, wanted))


def lock_episodes_of_session(work: Work, session: TreatmentSession) -> dict[UUID, EpisodeRecord]:
    """Lock all episodes whose dose a session may change, also those of other therapists: their verdicts follow."""
    attended = select(Attendance.episode_id).where(
        Attendance.organisation_id == work.scope.organisation_id, Attendance.treatment_session_id == session.id
    )
    linked = select(Administration.episode_id).where(
        Administration.organisation_id == work.scope.organisation_id,
        Administration.treatment_session_id == session.id,
    )
    return read_episodes(work, _lock(work, Episode.id.in_(attended.union(linked))))


def _lock(work: Work, condition: ColumnElement[bool]) -> Sequence[UUID]:
    """Lock episodes in sorted order, so that no two requests wait for each other."""
    statement = select(Episode.id).where(Episode.organisation_id == work.scope.organisation_id, condition)
    return work.db.scalars(statement.order_by(Episode.id).with_for_update(key_share=True, of=Episode)).all()


def read_episodes(work: Work, reached_ids: Sequence[UUID]) -> dict[UUID, EpisodeRecord]:
    """Read episodes that were reached within the caller's scope, with their series."""
    if not reached_ids:
        return {}
    rows = work.db.execute(
        _READ,
        {
            "organisation_id": work.scope.organisation_id,
            "episode_ids": list(reached_ids),
            "counted": COUNTED_WITHOUT_PROGRAMME,
            "weekly": DAYS_BETWEEN_SESSIONS,
        },
    ).mappings()
    records = {row["id"]: _record(row) for row in rows}
    work.saw(record.patient_id for record in records.values())
    return records


def _record(row: Mapping[Any, Any]) -> EpisodeRecord:
    lists = ("sessions", "informants", "series", "administrations", "alerts", "reviewed_doses")
    plain = {name: row[name] for name in EpisodeRecord.__dataclass_fields__ if name not in lists}
    return EpisodeRecord(
        **plain,
        sessions=[(UUID(session), datetime.fromisoformat(at)) for session, at in row["sessions"] or ()],
        informants={UUID(informant): role for informant, role in row["informants"] or ()},
        series=[_kept(KeptSeries, values) for values in row["series"] or ()],
        administrations=[_kept(KeptAdministration, values) for values in row["administrations"] or ()],
        alerts=[_kept(KeptAlert, values) for values in row["alerts"] or ()],
        reviewed_doses=list(row["reviewed_doses"] or ()),
    )


Kept = TypeVar("Kept", KeptSeries, KeptAdministration, KeptAlert)


def _kept(kind: type[Kept], values: Sequence[Any]) -> Kept:
    """Read a JSON array, whose order is that of the fields."""
    fields = kind.__dataclass_fields__
    return kind(*(_typed(name, value) for name, value in zip(fields, values, strict=True)))


def _typed(name: str, value: Any) -> Any:
    """Give a JSON value the type that the field's name tells."""
    if value is None:
        return None
    if name.endswith("_at"):
        return datetime.fromisoformat(value)
    return UUID(value) if name == "id" or name.endswith("_id") else value


def session_starts(work: Work, session_ids: Iterable[UUID]) -> dict[UUID, datetime]:
    """Tell when those of the treatment sessions that the organisation has begin."""
    wanted = set(session_ids)
    if not wanted:
        return {}
    statement = select(TreatmentSession.id, TreatmentSession.starts_at).where(
        TreatmentSession.organisation_id == work.scope.organisation_id, TreatmentSession.id.in_(wanted)
    )
    return {row.id: row.starts_at for row in work.db.execute(statement)}


@dataclass(frozen=True, slots=True)
class FirstVersion:
    """What was first put under an id: enough to tell a repetition from a conflict, and to give the receipt again."""

    id: UUID
    body_hash: bytes
    state: str
    received_at: datetime


def first_versions(work: Work, ids: Sequence[UUID]) -> dict[UUID, FirstVersion]:
    """Read what was first put under each of the ids that are taken."""
    rows = work.db.execute(_FIRST_VERSIONS, {"organisation_id": work.scope.organisation_id, "ids": list(ids)})
    return {row.id: FirstVersion(row.id, bytes(row.body_hash), row.state, row.received_at) for row in rows}


@dataclass(slots=True)
class NewRows:
    """All that some answers add to the record, to be written by one statement."""

    series: list[dict[str, Any]] = field(default_factory=list)
    administrations: list[dict[str, Any]] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)
    progress: list[dict[str, Any]] = field(default_factory=list)
    risk_alerts: list[dict[str, Any]] = field(default_factory=list)
    main_series: list[dict[str, Any]] = field(default_factory=list)


def _insertion(name: str, table: type[Base], *, only_new: bool = False) -> str:
    columns = [column.name for column in table.__table__.columns if column.name != "created_at"]
    listed, values = ", ".join(columns), ", ".join(f"r.{column}" for column in columns)
    source = f"jsonb_populate_recordset(null::{table.__tablename__}, cast(:{name} as jsonb)) r"
    joined = " join stored on stored.id = r.administration_id" if only_new else ""
    return f"insert into {table.__tablename__} ({listed}) select {values} from {source}{joined}"  # noqa: S608 - own names


_WRITE = text(
    f"""
    with superseded as (
           update administrations old set superseded_at = r.received_at
             from jsonb_populate_recordset(null::administrations, cast(:administrations as jsonb)) r
            where old.organisation_id = r.organisation_id and old.id = r.id and old.version = r.version - 1),
         stored as ({_insertion("administrations", Administration)} on conflict do nothing returning id),
         made as ({_insertion("series", Series)} where exists (select from stored)),
         scored as ({_insertion("scores", Score, only_new=True)}),
         alerted as ({_insertion("risk_alerts", RiskAlert, only_new=True)}),
         judged as ({_insertion("progress", Progress)}
           where r.administration_id in (select id from stored)
              or r.administration_id not in (select (a ->> 'id')::uuid
                                               from jsonb_array_elements(cast(:administrations as jsonb)) a)
                 and (exists (select from stored) or cast(:administrations as jsonb) = '[]')),
         chosen as (
           update episodes e set main_series_id = r.main_series_id
             from jsonb_populate_recordset(null::episodes, cast(:main_series as jsonb)) r
            where e.organisation_id = r.organisation_id and e.id = r.id and e.main_series_id is null
              and exists (select from stored))
    select id from stored
    """  # noqa: S608 - only our own table and column names
)


def write(work: Work, rows: NewRows) -> set[UUID]:
    """Write the rows; give the ids of the administrations that were new. If none of them is, nothing is written."""
    parameters = {name: json.dumps(getattr(rows, name), default=_plain) for name in NewRows.__dataclass_fields__}
    return set(work.db.execute(_WRITE, parameters).scalars())


def write_if_all_are_new(work: Work, rows: NewRows) -> set[UUID]:
    """Write the rows, or nothing where an administration's id is taken; give the ids that are.

    Another organisation may hold an id, which can't be seen from here; what follows from the others would be wrong
    if it had been worked out with the one that can't be stored. One row needs no savepoint: see the statement.
    """
    wanted = {row["id"] for row in rows.administrations}
    if len(wanted) == 1:
        return wanted - write(work, rows)
    with work.db.begin_nested() as savepoint:
        taken = wanted - write(work, rows)
        if taken:
            savepoint.rollback()
    return taken


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")


def episodes_of_caseload(work: Work) -> dict[UUID, EpisodeRecord]:
    """Read the caller's open episodes, and the closed ones with a critical answer that nobody has assessed."""
    unassessed = exists().where(
        RiskAlert.organisation_id == Episode.organisation_id,
        RiskAlert.episode_id == Episode.id,
        RiskAlert.acknowledged_at.is_(None),
    )
    wanted = select(Episode.id).where(may_reach_episode(work), or_(Episode.closed_at.is_(None), unassessed))
    return read_episodes(work, work.db.scalars(wanted).all())
