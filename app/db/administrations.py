"""Administrations as they are put: what is known of their ids, and all that follows from them, written at once.

One statement writes. Rows travel as JSON, so that one entry and five hundred are the same statement.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from pydantic_core import to_json

from app.db.entry import Entry
from app.db.models import Administration, Base, Progress, RiskAlert, Score, Series
from app.db.pipeline import Statement, statement
from app.db.session import Query, Work, uuids
from app.db.summaries import measures_written

_SESSION_STARTS = statement(
    """
    select id, starts_at
      from treatment_sessions
     where organisation_id = %(organisation_id)s and id = any(%(ids)s::uuid[])
    """
)


def session_starts(work: Work, session_ids: Collection[UUID]) -> Query[dict[UUID, datetime]]:
    """Make the statement that tells when those of the treatment sessions that the organisation has begin."""
    return Query(_SESSION_STARTS, {"organisation_id": work.scope.organisation_id, "ids": uuids(session_ids)}, dict)


@dataclass(frozen=True, slots=True)
class FirstVersion:
    """What was first put under an id: enough to tell a repetition from a conflict, and to give the receipt again."""

    id: UUID
    body_hash: bytes
    state: str
    received_at: datetime


# No body has the hash '', so that a deleted id is taken by another body for ever. It is looked for last, and by a key.
_FIRST_VERSIONS = statement(
    """
    select id, body_hash, state, received_at
      from administrations
     where organisation_id = %(organisation_id)s and id = any(%(ids)s::uuid[]) and version = 1
    union all
    select asked.id, ''::bytea, 'entered_in_error', now()
      from unnest(%(ids)s::uuid[]) asked (id)
      join deleted_administrations d
        on d.organisation_id = %(organisation_id)s and d.id_hash = sha256(uuid_send(asked.id))
    """
)


def first_versions(work: Work, ids: Collection[UUID]) -> Query[dict[UUID, FirstVersion]]:
    """Make the statement that reads what was first put under each of the ids that are taken.

    An id whose administration was deleted is taken too, by what nobody can send: a repeated put is a conflict.
    """
    parameters = {"organisation_id": work.scope.organisation_id, "ids": uuids(ids)}
    return Query(_FIRST_VERSIONS, parameters, lambda rows: {row[0]: FirstVersion(*row) for row in rows})


@dataclass(slots=True)
class NewRows:
    """All that some answers add to the record, to be written by one statement."""

    series: list[dict[str, Any]] = field(default_factory=list)
    administrations: list[dict[str, Any]] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)
    progress: list[dict[str, Any]] = field(default_factory=list)
    risk_alerts: list[dict[str, Any]] = field(default_factory=list)
    main_series: list[dict[str, Any]] = field(default_factory=list)
    assignments: list[dict[str, Any]] = field(default_factory=list)
    """Those that the administrations complete."""
    measures: list[dict[str, Any]] = field(default_factory=list)
    """What is summarised of each measure of the episodes."""


def _insertion(name: str, table: type[Base], *, only_new: bool = False) -> str:
    columns = [column.name for column in table.__table__.columns if column.name != "created_at"]
    listed, values = ", ".join(columns), ", ".join(f"r.{column}" for column in columns)
    source = f"jsonb_populate_recordset(null::{table.__tablename__}, %({name})s::jsonb) r"
    joined = " join stored on stored.id = r.administration_id" if only_new else ""
    return f"insert into {table.__tablename__} ({listed}) select {values} from {source}{joined}"  # noqa: S608 - own names


_IF_ANY_IS_NEW = "(exists (select from stored) or %(administrations)s::jsonb = '[]')"


def _write(if_taken: str) -> Statement:
    return statement(
        f"""
        with superseded as (
               update administrations old set superseded_at = r.received_at
                 from jsonb_populate_recordset(null::administrations, %(administrations)s::jsonb) r
                where old.organisation_id = r.organisation_id and old.id = r.id and old.version = r.version - 1),
             stored as ({_insertion("administrations", Administration)} {if_taken} returning id),
             made as ({_insertion("series", Series)} where exists (select from stored)),
             scored as ({_insertion("scores", Score, only_new=True)}),
             alerted as ({_insertion("risk_alerts", RiskAlert, only_new=True)}),
             judged as ({_insertion("progress", Progress)}
               where r.administration_id in (select id from stored)
                  or r.administration_id not in (select (a ->> 'id')::uuid
                                                   from jsonb_array_elements(%(administrations)s::jsonb) a)
                     and {_IF_ANY_IS_NEW}),
             chosen as (
               update episodes e set main_series_id = r.main_series_id
                 from jsonb_populate_recordset(null::episodes, %(main_series)s::jsonb) r
                where e.organisation_id = r.organisation_id and e.id = r.id and e.main_series_id is null
                  and exists (select from stored)),
             completed as (
               update assignments a set state = 'completed', administration_id = r.administration_id,
                      completed_at = r.completed_at, version = a.version + 1
                 from jsonb_populate_recordset(null::assignments, %(assignments)s::jsonb) r
                where a.organisation_id = r.organisation_id and a.id = r.id and a.administration_id is null
                  and r.administration_id in (select id from stored)),
             summarised as ({measures_written("%(measures)s::jsonb", _IF_ANY_IS_NEW)})
        select id from stored
        """  # noqa: S608 - only our own table and column names
    )


_WRITE_WHAT_IS_NEW = _write("on conflict do nothing")
_WRITE_OR_FAIL = _write("")


def write(work: Work, entry: Entry, rows: NewRows) -> set[UUID]:
    """Write the rows; give the ids of the administrations that were new. If none of them is, nothing is written."""
    work.writes_with(entry)
    return work.ask(_writing(_WRITE_WHAT_IS_NEW, rows))


def _writing(asked: Statement, rows: NewRows) -> Query[set[UUID]]:
    parameters = {name: _as_json(getattr(rows, name)) for name in NewRows.__dataclass_fields__}
    return Query(asked, parameters, lambda stored: {row[0] for row in stored})


def _as_json(rows: list[dict[str, Any]]) -> str:
    # What is no number is written as such, so that PostgreSQL refuses it: never as null.
    return to_json(rows, inf_nan_mode="constants").decode()


def as_bytea(value: bytes) -> str:
    """Write bytes as a row has them: JSON knows none, and PostgreSQL reads this."""
    return rf"\x{value.hex()}"


def write_at_last(work: Work, entry: Entry, rows: NewRows, *after: Query[Any]) -> bool:
    """Write one administration's rows as the last thing in its transaction; tell whether its id was still free.

    Where it was taken the whole transaction has failed, and leaves nothing.
    """
    work.writes_with(entry)
    try:
        work.ask_last(_writing(_WRITE_OR_FAIL, rows), *after)
    except UniqueViolation as refusal:
        if refusal.diag.constraint_name not in _IDS:
            raise
        return False
    return True


_IDS = {"administrations_pkey", "administrations_id_idx"}


def write_if_all_are_new(work: Work, entry: Entry, rows: NewRows) -> set[UUID]:
    """Write the rows, or nothing where an administration's id is taken; give the ids that are.

    Another organisation may hold an id, which can't be seen from here; what follows from the others would be wrong
    if it had been worked out with the one that can't be stored. One row needs no savepoint: see the statement.
    """
    work.writes_with(entry)
    wanted = {row["id"] for row in rows.administrations}
    if len(wanted) == 1:
        return wanted - write(work, entry, rows)
    _, stored = work.ask_all(_SAVEPOINT, _writing(_WRITE_WHAT_IS_NEW, rows))
    taken: set[UUID] = wanted - stored
    if taken:
        work.ask(_ROLLBACK)
    return taken


_SAVEPOINT = Query(statement("savepoint before_rows"), {}, list)
_ROLLBACK = Query(statement("rollback to savepoint before_rows"), {}, list)
