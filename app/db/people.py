"""The people of an organisation, how they log in, and the tokens they hold."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from app.db.codes import Role
from app.db.models import Credential, Login, Service, User
from app.db.session import Work


def users(work: Work, after: UUID | None, limit: int, service_id: UUID | None = None) -> list[User]:
    """List the people of the organisation or of one service, those deactivated too, a page at a time."""
    own = select(User).where(User.organisation_id == work.scope.organisation_id).order_by(User.id).limit(limit)
    if service_id is not None:
        own = own.where(User.service_id == service_id)
    return list(work.db.scalars(own.where(User.id > after) if after else own))


def lock_administrators(work: Work) -> set[UUID]:
    """Give the active administrators, locked, so that two of them can't take it from each other at the same time."""
    active = select(User).where(
        User.organisation_id == work.scope.organisation_id,
        User.role == Role.ADMINISTRATOR,
        User.deactivated_at.is_(None),
    )
    locked = work.db.scalars(
        active.order_by(User.id).with_for_update(key_share=True).execution_options(populate_existing=True)
    )
    return {user.id for user in locked}


def service_named(work: Work, name: str) -> Service | None:
    """Give the oldest service of a name."""
    named = select(Service).where(Service.organisation_id == work.scope.organisation_id, Service.name == name)
    return work.db.scalars(named.order_by(Service.id).limit(1)).one_or_none()


def lock_login(work: Work, user_id: UUID) -> Login:
    """Give how a person logs in, locked, and made if they never could before."""
    key = (work.scope.organisation_id, user_id)
    login = work.db.get(Login, key, with_for_update=True)
    if login is None:
        login = Login(organisation_id=key[0], user_id=key[1], failures=0)
        work.db.add(login)
        work.db.flush()
    return login


def set_password(work: Work, login: Login, password_hash: str) -> None:
    """Keep a new password; an invitation has served its purpose, and failures are forgotten."""
    login.password_hash = password_hash
    login.invitation_hash = login.invitation_expires_at = login.locked_until = None
    login.failures = 0
    work.db.flush()


def forget_failures(work: Work, login: Login) -> None:
    """Forget the attempts that failed, since one has succeeded."""
    login.failures, login.locked_until = 0, None
    work.db.flush()


def invite(work: Work, login: Login, token_hash: bytes, expires_at: datetime) -> None:
    """Keep the hash of an invitation; one before it no longer holds."""
    login.invitation_hash, login.invitation_expires_at = token_hash, expires_at
    work.db.flush()


def end_credentials(work: Work, user_id: UUID, *, but: bytes | None = None) -> None:
    """Revoke every token of a person, but one if told."""
    live = update(Credential).where(
        Credential.organisation_id == work.scope.organisation_id,
        Credential.user_id == user_id,
        Credential.revoked_at.is_(None),
    )
    work.db.execute((live.where(Credential.token_hash != but) if but else live).values(revoked_at=work.now))


def end_credential(work: Work, token_hash: bytes) -> None:
    """Revoke one token."""
    one = update(Credential).where(
        Credential.organisation_id == work.scope.organisation_id, Credential.token_hash == token_hash
    )
    work.db.execute(one.values(revoked_at=work.now))


def end_login(work: Work, user_id: UUID) -> None:
    """Forget a person's password and invitation, if they have any."""
    theirs = update(Login).where(Login.organisation_id == work.scope.organisation_id, Login.user_id == user_id)
    nothing = {"password_hash": None, "invitation_hash": None, "invitation_expires_at": None}
    work.db.execute(theirs.values(nothing))


def therapists_of(work: Work, service_id: UUID | None) -> dict[str, str]:
    """Give the names of the therapists of a service, or of all services, by their ids."""
    own = select(User).where(User.organisation_id == work.scope.organisation_id, User.role == Role.THERAPIST)
    if service_id is not None:
        own = own.where(User.service_id == service_id)
    return {str(user.id): user.display_name for user in work.db.scalars(own)}
