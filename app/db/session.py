"""The one place that opens transactions: sets the organisation, writes the audit event, commits.

A `Work` is one request's transaction. It is opened for a caller and a named action, and everything that
reads or writes the record takes it as its first parameter, so that scope and audit can't be forgotten.
The commit comes before `Database.work` is left, and so before any answer: a commit that fails is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from psycopg import errors as pg
from sqlalchemy import Engine, Row, create_engine, insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.db.codes import Purpose, Role
from app.db.models import AuditEvent, Base
from app.errors import InvalidReference, MalformedBody, ServerMisconfigured, SporError, StateConflict, Unauthenticated

_SET_ORGANISATION = text("select set_config('spor.organisation', :organisation, true)")
_AUTHENTICATE = text("select organisation_id, actor_id, role, service_id from spor_authenticate(:token_hash)")

# A member of a role has its tables, or can become it: what any of them may do counts.
_TOO_STRONG = text(
    "select exists (select from pg_roles r where pg_has_role(current_user, r.oid, 'member') and (r.rolsuper"
    " or r.rolbypassrls or exists (select from pg_class c where c.relowner = r.oid and c.relkind in ('r', 'p'))))"
)

_PURPOSES = {
    Role.DEVICE: Purpose.ANSWERING,
    Role.THERAPIST: Purpose.TREATMENT,
    Role.SERVICE_LEAD: Purpose.ADMINISTRATION,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows a request may reach."""

    organisation_id: UUID
    actor_id: UUID
    role: Role
    service_id: UUID


@dataclass(frozen=True, slots=True)
class Access:
    """What a request is about to do, for the audit event."""

    action: str
    request_id: UUID


@dataclass(slots=True)
class Work:
    """One request's transaction, with its caller, its time and the patients it has touched."""

    db: Session
    scope: Scope
    access: Access
    now: datetime
    _patient_ids: set[UUID] = field(default_factory=set)

    def saw(self, patient_ids: Iterable[UUID]) -> None:
        """Note that data of these patients were read or written; they go into the audit event."""
        self._patient_ids.update(patient_ids)

    def write_audit(self) -> None:
        """Write the one audit event of the request, if it touched anybody's data."""
        if not self._patient_ids:
            return
        self.db.execute(
            insert(AuditEvent).values(
                organisation_id=self.scope.organisation_id,
                occurred_at=self.now,
                actor_id=self.scope.actor_id,
                service_id=self.scope.service_id,
                request_id=self.access.request_id,
                role=self.scope.role,
                purpose=_PURPOSES[self.scope.role],
                action=self.access.action,
                patient_ids=sorted(self._patient_ids),
            )
        )


class Database:
    """The engine, and the two ways in: by a credential, or for a known scope."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.engine: Engine = create_engine(
            url, pool_size=pool_size, max_overflow=2, pool_pre_ping=True, hide_parameters=True
        )

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
        with self._transaction() as db:
            holder = db.execute(_AUTHENTICATE, {"token_hash": token_hash}).one_or_none()
            if holder is None:
                raise Unauthenticated("the credential is unknown, expired or revoked")
            with _open(db, _scope_of(holder), access, now) as work:
                yield work

    @contextmanager
    def work(self, scope: Scope, access: Access, *, now: datetime | None = None) -> Iterator[Work]:
        """Open a transaction for a scope that is known, as the command line and the demonstration have it."""
        with self._transaction() as db, _open(db, scope, access, now) as work:
            yield work

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        with translated_errors(), Session(self.engine, expire_on_commit=False) as db:
            yield db
            db.commit()

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


@contextmanager
def _open(db: Session, scope: Scope, access: Access, now: datetime | None) -> Iterator[Work]:
    db.execute(_SET_ORGANISATION, {"organisation": str(scope.organisation_id)})
    work = Work(db, scope, access, now or datetime.now(UTC))
    yield work
    db.flush()
    work.write_audit()


def _scope_of(holder: Row[tuple[UUID, UUID, str, UUID]]) -> Scope:
    return Scope(holder.organisation_id, holder.actor_id, Role(holder.role), holder.service_id)


class DatabaseFailure(Exception):
    """The database failed. What it says beside the first sentence may hold a whole row, and so is left out."""


def _failure(refusal: BaseException | None) -> DatabaseFailure:
    state = getattr(refusal, "sqlstate", None)
    if isinstance(refusal, pg.Error) and state is not None:
        # Errors of class 22 quote the value that could not be used.
        words = "data exception" if state.startswith("22") else refusal.diag.message_primary
    else:
        words = str(refusal) if isinstance(refusal, pg.OperationalError) else "no words of the server"
    return DatabaseFailure(f"{type(refusal).__name__} (SQLSTATE {state}): {words}")


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what the database refuses into a domain error; the sentence names the rule, never a value."""
    try:
        yield
    except DBAPIError as error:
        domain_error = _domain_error(error.orig)
        if domain_error is None:
            raise _failure(error.orig).with_traceback(error.__traceback__) from None
        raise domain_error from None


def _domain_error(refusal: BaseException | None) -> SporError | None:
    if not isinstance(refusal, pg.IntegrityError) or refusal.diag.constraint_name is None:
        return None
    rule = refusal.diag.constraint_name
    words = rule.removeprefix(f"{refusal.diag.table_name}_").rsplit("_", 1)[0].removeprefix("organisation_id_")
    if isinstance(refusal, pg.ForeignKeyViolation):
        return InvalidReference(f"{words} points at nothing in this organisation", pointer=f"/{words}")
    if isinstance(refusal, pg.UniqueViolation):
        return StateConflict(f"another row has the same {words.replace('_', ' ')}")
    if isinstance(refusal, pg.CheckViolation):
        table = Base.metadata.tables[str(refusal.diag.table_name)]
        pointer = f"/{words}" if words in table.columns else None  # some rules hold between several columns
        return MalformedBody(f"the rule '{words.replace('_', ' ')}' is broken", pointer=pointer)
    return None
