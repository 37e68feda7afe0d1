"""The one place that opens transactions: sets the organisation, writes the audit event, commits.

A `Work` is one request's transaction. It is opened for a caller and a named action, and everything that
reads or writes the record takes it as its first parameter, so that scope and audit can't be forgotten.
The commit comes before `Database.work` is left, and so before any answer: a commit that fails is an error.

The hot path asks in SQL (`Work.ask`), the other routes through the ORM (`Work.db`); both are one transaction on one
connection. A transaction is begun together with its first statement, and the last statement, the audit event and the
commit leave together, so that none of them costs a round trip of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from select import POLLIN, poll
from typing import Any, Final, Generic, TypeVar, cast
from uuid import UUID

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.pool import ConnectionPoolEntry

from app.db.auditing import AUDIT, AUDIT_OF_THERAPIST, OF_PATIENTS, PURPOSES, writes_patients
from app.db.codes import Role
from app.db.entry import Entry
from app.db.failures import translated_errors
from app.db.pipeline import Pipeline, Rows, Sent, Statement, statement
from app.errors import (
    NotFound,
    ServerMisconfigured,
    Unauthenticated,
)

Answer = TypeVar("Answer")

NOTHING_SUCH: Final = "it is not valid: mistyped, used, expired, or meant for somewhere else"
"""What is said of every code and link that opens nothing, so that nobody learns why."""


def uuids(ids: Iterable[UUID]) -> str:
    """Give ids as PostgreSQL writes an array, sorted; psycopg takes a quarter of a millisecond for a list of them."""
    return f"{{{','.join(sorted(map(str, ids)))}}}"


# Every statement finds its rows by keys, whatever their values: to plan it each time costs more than to run it.
_PLANS = "set_config('plan_cache_mode', 'force_generic_plan', true)"

_SET_ORGANISATION = statement(f"select set_config('spor.organisation', %(organisation)s, true), {_PLANS}")


def whoever(found: str) -> Statement:
    """Give the statement that sets the organisation of whom a function of ours finds."""
    return statement(
        f"""
        select organisation_id, actor_id, role, service_id,
               set_config('spor.organisation', organisation_id::text, true), {_PLANS}
          from {found}
        """  # noqa: S608 - our own words
    )


_AUTHENTICATE = whoever("spor_authenticate(%(token_hash)s)")


class Secret(StrEnum):
    """What a caller can show once, before the organisation is known: the function that looks it up and uses it up."""

    PAIRING_CODE = "spor_take_pairing_code"
    LINK = "spor_take_link"


_USED_UP = {secret: whoever(f"{secret}(%(secret_hash)s)") for secret in Secret}

_COMMIT = statement("commit")

# A member of a role has its tables, or can become it: what any of them may do counts.
_TOO_STRONG = text(
    "select exists (select from pg_roles r where pg_has_role(current_user, r.oid, 'member') and (r.rolsuper"
    " or r.rolbypassrls or exists (select from pg_class c where c.relowner = r.oid and c.relkind in ('r', 'p'))))"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows a request may reach."""

    organisation_id: UUID
    actor_id: UUID
    role: Role
    service_id: UUID


@dataclass(frozen=True, slots=True)
class Access:
    """What a request is about to do, and with which row, for the audit event."""

    action: str
    request_id: UUID
    resource_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Query(Generic[Answer]):
    """A statement with its parameters, and how its rows are read."""

    sql: Statement
    parameters: Mapping[str, Any]
    read: Callable[[Rows], Answer]


class _Entry(Entry):
    __slots__ = ("_named",)

    def __init__(self, named: Set[UUID]) -> None:
        self._named = named

    @property
    def patient_ids(self) -> Set[UUID]:
        return self._named


@dataclass(slots=True)
class Work:
    """One request's transaction, with its caller, its time and the patients it has touched."""

    connection: Connection
    scope: Scope
    access: Access
    now: datetime
    committed: bool = False
    _session: Session | None = None
    _patient_ids: set[UUID] = field(default_factory=set)
    _noted: bool = False
    _wrote: bool = False

    @property
    def db(self) -> Session:
        """The ORM's view of the transaction; made when it is asked for, as the hot path does without."""
        if self._session is None:
            self._session = Session(self.connection, expire_on_commit=False)
            event.listen(self._session, "do_orm_execute", self._see_statement)
            event.listen(self._session, "before_flush", self._see_rows)
            event.listen(self._session, "after_rollback", self._forget)
        return self._session

    def _see_statement(self, asked: ORMExecuteState) -> None:
        if not asked.is_select and asked.bind_mapper is not None:
            self._wrote |= str(asked.bind_mapper.local_table) in OF_PATIENTS

    def _see_rows(self, session: Session, *_: object) -> None:
        rows = [*session.new, *session.dirty, *session.deleted]
        self._wrote |= any(row.__tablename__ in OF_PATIENTS for row in rows)

    def _forget(self, _: Session) -> None:
        self._wrote = False

    def flush(self) -> None:
        """Send what the ORM still holds back."""
        if self._session is not None:
            self._session.flush()

    def saw(self, patient_ids: Iterable[UUID]) -> Entry:
        """Note that data of these patients were read or written; they go into the audit event, whose entry is given."""
        self._patient_ids.update(patient_ids)
        return _Entry(self._patient_ids)

    @property
    def entry(self) -> Entry:
        """The audit entry, once a patient was reached: what writes rows of patients asks for it."""
        assert self._patient_ids, "what is written about patients says whose, for the audit"
        return _Entry(self._patient_ids)

    def writes_with(self, entry: Entry) -> None:
        """Make sure that an entry is this transaction's own: whatever takes one to write begins with this."""
        assert entry.patient_ids is self._patient_ids, "the audit entry is the transaction's own"
        assert self._patient_ids, "what is written about patients says whose, for the audit"

    def note(self, about: str = "") -> None:
        """Have the request noted in the audit, though it may touch nobody's data: it changes what is said of many.

        `about` is added to the action's name; it holds codes of ours, never what somebody wrote.
        """
        self._noted = True
        if about:
            self.access = replace(self.access, action=f"{self.access.action}: {about}")

    def ask(self, query: Query[Answer]) -> Answer:
        """Send one statement and give what it answers."""
        return cast(Answer, self.ask_all(query)[0])

    def ask_all(self, *queries: Query[Any]) -> list[Any]:
        """Send statements together, in one round trip, and give the answer of each; each sees those before it."""
        assert not self.committed, "what is asked after the commit would have neither scope nor audit"
        self.flush()
        self._wrote = self._wrote or any(writes_patients(query.sql.sql) for query in queries)
        rows = _send(self.connection, *((query.sql, query.parameters) for query in queries))
        return [query.read(each) for query, each in zip(queries, rows, strict=True)]

    def ask_last(self, *last: Query[Any]) -> list[Any]:
        """Send the last statements, the audit event and the commit together; give what the statements answer.

        Nothing can be asked after it. Where a use case has no last statement of its own, leaving the work commits.
        """
        assert not self.committed, "a transaction is committed once"
        self.flush()
        self._wrote = self._wrote or any(writes_patients(query.sql.sql) for query in last)
        assert self._patient_ids or not self._wrote, "what was written about patients says whose, for the audit"
        asked = [(query.sql, query.parameters) for query in last]
        rows = _send(self.connection, *asked, *self._audit_event(), (_COMMIT, {}))
        self.committed = True
        return [query.read(each) for query, each in zip(last, rows, strict=False)]

    def _audit_event(self) -> list[Sent]:
        """Give the statement of the request's one audit event, if it touched anybody's data or must be noted."""
        if not self._patient_ids and not self._noted:
            return []
        values = {
            "organisation_id": self.scope.organisation_id,
            "occurred_at": self.now,
            "actor_id": self.scope.actor_id,
            "service_id": self.scope.service_id,
            "request_id": self.access.request_id,
            "role": self.scope.role,
            "purpose": PURPOSES[self.scope.role],
            "action": self.access.action,
            "resource_id": self.access.resource_id,
            "patient_ids": uuids(self._patient_ids),
        }
        treats = self.scope.role is Role.THERAPIST and self._patient_ids
        return [(AUDIT_OF_THERAPIST if treats else AUDIT, values)]


class Database:
    """The engine, and the two ways in: by a credential, or for a known scope."""

    def __init__(self, url: str, *, pool_size: int = 8, prepares: bool = True) -> None:
        # The pipeline prepares its statements itself; whenever the driver has prepared any of its own, it drops them
        # all at a rollback, and the pipeline's with them.
        by_hand = {"prepare_threshold": None}
        self.engine: Engine = create_engine(
            url, pool_size=pool_size, max_overflow=2, hide_parameters=True, connect_args=by_hand
        )
        event.listen(self.engine, "checkout", _refuse_dead_connection)
        self._prepares = prepares
        if not prepares:
            event.listen(self.engine, "connect", _prepare_nothing)

    def apart(self) -> Database:
        """Give the same database over one connection of its own, for work beside the requests."""
        url = self.engine.url.render_as_string(hide_password=False)
        return Database(url, pool_size=1, prepares=self._prepares)

    def close(self) -> None:
        """Close the pooled connections."""
        self.engine.dispose()

    @contextmanager
    def work_for_token(self, token_hash: bytes, access: Access, *, now: datetime | None = None) -> Iterator[Work]:
        """Open the transaction of whoever holds the credential.

        Raises
        ------
        Unauthenticated
            If the credential is unknown, expired or revoked.
        """
        with self.work_of((_AUTHENTICATE, {"token_hash": token_hash}), access, now=now) as work:
            yield work

    @contextmanager
    def work_of(self, found: Sent, access: Access, *, now: datetime | None = None) -> Iterator[Work]:
        """Open the transaction of whom a statement finds (`whoever`).

        Raises
        ------
        Unauthenticated
            If it finds nobody.
        """
        with self._work_of_holder(found, access, now) as work:
            if work is None:
                raise Unauthenticated("the credential is unknown, expired or revoked")
            yield work

    @contextmanager
    def work_for_secret(self, secret: Secret, secret_hash: bytes, access: Access, pointer: str) -> Iterator[Work]:
        """Open the transaction of whoever shows what can be shown once; rolled back, it can be shown again.

        Raises
        ------
        NotFound
            If there is none, or it has expired or been used: the same words for the same work.
        """
        with self._work_of_holder((_USED_UP[secret], {"secret_hash": secret_hash}), access, None) as work:
            if work is None:
                raise NotFound(NOTHING_SUCH, pointer=pointer)
            yield work

    @contextmanager
    def _work_of_holder(self, found: Sent, access: Access, now: datetime | None) -> Iterator[Work | None]:
        """Begin by asking whom a secret stands for, which sets the organisation; None where it stands for nobody."""
        with self._transaction(found) as (connection, holders):
            if not holders:
                yield None
                return
            [(organisation_id, actor_id, role, service_id, *_)] = holders
            scope = Scope(organisation_id, actor_id, Role(role), service_id)
            with _audited(Work(connection, scope, access, _time(now))) as work:
                yield work

    def ask_alone(self, *, sql: Statement, **values: Any) -> Rows:
        """Send one statement in a transaction of its own, committed at once; no organisation is set for it."""
        with translated_errors(), self.engine.connect() as connection:
            return _send(connection, (sql, values), (_COMMIT, {}))[0]

    @contextmanager
    def work(self, scope: Scope, access: Access, *, now: datetime | None = None) -> Iterator[Work]:
        """Open a transaction for a scope that is known, as the command line and the demonstration have it."""
        with (
            self._transaction((_SET_ORGANISATION, {"organisation": str(scope.organisation_id)})) as (connection, _),
            _audited(Work(connection, scope, access, _time(now))) as work,
        ):
            yield work

    @contextmanager
    def _transaction(self, first: Sent) -> Iterator[tuple[Connection, Sequence[Any]]]:
        """Begin with the statement that sets the organisation: without it, there are no rows."""
        with translated_errors(), self.engine.connect() as connection:
            [rows] = _send(connection, first)
            yield connection, rows

    def check_role(self) -> None:
        """Refuse to serve as a role that owns tables or bypasses row-level security.

        Raises
        ------
        ServerMisconfigured
            If the application's role could see more than one organisation at a time.
        """
        with self.engine.connect() as connection:
            too_strong = connection.execute(_TOO_STRONG).scalar_one()
        if too_strong:
            raise ServerMisconfigured(
                "the application's database role owns tables, is a superuser or bypasses row-level security;"
                " connect as spor_app"
            )


_PIPELINE = "spor.pipeline"
_UNPREPARED = "spor.unprepared"


def _prepare_nothing(_: object, record: ConnectionPoolEntry) -> None:
    """Note on a new connection that its statements are sent with their words."""
    record.info[_UNPREPARED] = True


def _send(connection: Connection, *statements: Sent) -> list[Rows]:
    """Send statements together, over the pipeline that belongs to the connection, and give the rows of each."""
    pipeline: Pipeline | None = connection.info.get(_PIPELINE)
    if pipeline is None:
        driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        pipeline = connection.info[_PIPELINE] = Pipeline(driver, prepares=not connection.info.get(_UNPREPARED, False))
    return pipeline.send(*statements)


@contextmanager
def _audited(work: Work) -> Iterator[Work]:
    """Commit with the audit event once the work is done; without that, nothing has happened."""
    try:
        yield work
        if not work.committed:
            work.ask_last()
    finally:
        if work._session is not None:
            work._session.close()


def _time(given: datetime | None) -> datetime:
    return given or datetime.now(UTC)


def _refuse_dead_connection(driver: psycopg.Connection[Any], *_: object) -> None:
    """Have the pool open another connection where the server has hung up: it never speaks first otherwise.

    Looking at the socket costs a thousandth of asking the server whether it is there.
    """
    socket = poll()
    socket.register(driver.fileno(), POLLIN)
    if driver.closed or socket.poll(0):
        raise DisconnectionError("the server has closed the connection")
