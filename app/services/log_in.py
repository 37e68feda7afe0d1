"""Logging in with a password of our own: sessions, invitations to set a password, and changing it.

Whether a user name exists is told to nobody: a name that nobody has, a wrong password and an account that is locked
get the same answer, after the same work.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from app.db.callers import count_login, work_for_invitation
from app.db.editing import get_of_organisation
from app.db.founding import add_credential
from app.db.models import User
from app.db.people import end_credential, end_credentials, forget_failures, lock_login, set_password
from app.db.session import Access, Database, Work
from app.errors import StateConflict, Unauthenticated
from app.identity.credentials import new_token, token_hash
from app.identity.passwords import Passwords, check_new

SESSION: Final = timedelta(hours=10)
"""How long a log-in holds, whether it is used or not: a working day."""


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A token, which is shown once, and who holds it."""

    token: str
    expires_at: datetime
    user: User


def log_in(
    database: Database,
    passwords: Passwords,
    user_name: str,
    password: str,
    access: Access,
    *,
    now: datetime | None = None,
) -> OpenedSession:
    """Open a session for who knows the password.

    Raises
    ------
    Unauthenticated
        If the user name is nobody's, the password is wrong, or the account is locked: the same error.
    """
    now = now or datetime.now(UTC)
    attempt = count_login(database, user_name.lower(), now=now)
    if not passwords.fits(password, attempt.password_hash if attempt else None) or attempt is None:
        raise _refusal()
    with database.work(attempt.scope, access, now=now) as work:
        login = lock_login(work, attempt.scope.actor_id)
        if login.password_hash != attempt.password_hash:  # it was changed or ended while it was looked at
            raise _refusal()
        forget_failures(work, login)
        return _open_session(work)


def _refusal() -> Unauthenticated:
    return Unauthenticated(
        "user name and password do not fit, or there were too many attempts; wait a while before many more"
    )


def _open_session(work: Work) -> OpenedSession:
    token, expires_at, user_id = new_token(), work.now + SESSION, work.scope.actor_id
    add_credential(work, token_hash(token), user_id=user_id, expires_at=expires_at)
    work.note()
    return OpenedSession(token, expires_at, get_of_organisation(work, User, user_id))


def end_session(work: Work, held: bytes) -> None:
    """Revoke the token that the caller has come with."""
    end_credential(work, held)
    work.note()


def redeem_invitation(
    database: Database,
    passwords: Passwords,
    invitation: str,
    password: str,
    access: Access,
    *,
    now: datetime | None = None,
) -> OpenedSession:
    """Set the password of whoever holds an invitation, and log them in; every token they had before ends.

    Raises
    ------
    Unauthenticated
        If the invitation is unknown, expired or used.
    """
    invited = token_hash(invitation)
    with work_for_invitation(database, invited, access, now=now or datetime.now(UTC)) as work:
        user = get_of_organisation(work, User, work.scope.actor_id)
        login = lock_login(work, user.id)
        if login.invitation_hash != invited:  # somebody was quicker
            raise Unauthenticated("the credential is unknown, expired or revoked")
        check_new(password, user.user_name or "")
        set_password(work, login, passwords.hash(password))
        end_credentials(work, user.id)
        return _open_session(work)


def change_password(
    open_work: Callable[[], AbstractContextManager[Work]],
    database: Database,
    passwords: Passwords,
    present: str,
    wanted: str,
    held: bytes,
) -> None:
    """Change the caller's own password; every other token of theirs ends.

    Raises
    ------
    StateConflict
        If the present password is wrong, there were too many attempts, or the caller has none.
    """
    with open_work() as work:
        user_name, now = get_of_organisation(work, User, work.scope.actor_id).user_name or "", work.now
    check_new(wanted, user_name)
    attempt = count_login(database, user_name, now=now)
    if not passwords.fits(present, attempt.password_hash if attempt else None):
        raise StateConflict("the present password is wrong, or there were too many attempts", pointer="/present")
    password_hash = passwords.hash(wanted)
    with open_work() as work:
        set_password(work, lock_login(work, work.scope.actor_id), password_hash)
        end_credentials(work, work.scope.actor_id, but=held)
        work.note()
