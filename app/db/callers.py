"""Who is known by something else than a token: the subject of a provider, an invitation, a user name.

Each is looked up before the organisation is known, by a function of the database that tells nothing else.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from app.db.codes import Role
from app.db.pipeline import statement
from app.db.session import Access, Database, Scope, Work, whoever

_SUBJECT = whoever("spor_authenticate_subject(%(issuer)s, %(subject)s, %(organisation)s)")
_INVITED = whoever("spor_authenticate_invitation(%(token_hash)s, %(at)s)")
_COUNT_LOGIN = statement(
    "select organisation_id, actor_id, role, service_id, password_hash from spor_count_login(%(user_name)s, %(at)s)"
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an identity provider names, and the organisation that it says they work in, if it says so."""

    issuer: str
    subject: str
    organisation: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A person who tries to log in, and the hash that the password has to fit."""

    scope: Scope
    password_hash: str


def work_for_subject(database: Database, whom: Subject, access: Access) -> AbstractContextManager[Work]:
    """Open the transaction of whom a provider names; refused as an unknown token is, if that is nobody."""
    found = {"issuer": whom.issuer, "subject": whom.subject, "organisation": whom.organisation}
    return database.work_of((_SUBJECT, found), access)


def work_for_invitation(
    database: Database, token_hash: bytes, access: Access, *, now: datetime
) -> AbstractContextManager[Work]:
    """Open the transaction of whoever holds an invitation; refused if it is unknown, expired or used."""
    return database.work_of((_INVITED, {"token_hash": token_hash, "at": now}), access, now=now)


def count_login(database: Database, user_name: str, *, now: datetime) -> Attempt | None:
    """Count an attempt to log in as failed, and give whose it is; None if nobody may at present.

    It is committed at once, so that of many attempts at a time each is counted before it can succeed.
    """
    [row] = database.ask_alone(sql=_COUNT_LOGIN, user_name=user_name, at=now)
    organisation_id, actor_id, role, service_id, password_hash = row
    if organisation_id is None:
        return None
    return Attempt(Scope(organisation_id, actor_id, Role(role), service_id), password_hash)
