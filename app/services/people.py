"""The people of an organisation and its services, as an administrator looks after them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.db import people
from app.db.codes import Role
from app.db.editing import add_of_organisation, edit_of_organisation, get_of_organisation
from app.db.failures import translated_errors
from app.db.models import Service, User
from app.db.session import Work
from app.errors import StateConflict
from app.identity.credentials import new_token, token_hash

INVITATION: Final = timedelta(days=3)
"""How long an invitation to set a password holds."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A token to set a password with, which is shown once."""

    token: str
    expires_at: datetime


def list_users(work: Work, after: UUID | None, limit: int) -> list[User]:
    """List the people that the caller may know of: an administrator everybody, others those of the own service."""
    own = None if work.scope.role is Role.ADMINISTRATOR else work.scope.service_id
    return people.users(work, after, limit, own)


def add_person(work: Work, values: Mapping[str, Any], issuer: str | None) -> User:
    """Add a person; they can log in once they are invited, or by the subject that the provider calls them."""
    work.note()
    with translated_errors():
        return add_of_organisation(work, User, _columns(values, issuer))


def change_person(work: Work, user_id: UUID, version: int, changes: Mapping[str, Any], issuer: str | None) -> User:
    """Change a person. Role, service and deactivation hold from the next request on, whatever token it comes with.

    Raises
    ------
    StateConflict
        If administrators would take their own administration away, or the last one's.
    """
    active = people.lock_administrators(work)
    user = get_of_organisation(work, User, user_id)
    stays = changes.get("role", user.role) == Role.ADMINISTRATOR and not changes.get("deactivated", False)
    if user.id in active and not stays:
        if user.id == work.scope.actor_id:
            raise StateConflict("nobody can take their own administration away; another administrator can")
        if active == {user.id}:
            raise StateConflict("the organisation would be without an administrator")
    work.note()
    columns = _columns(changes, issuer)
    if "deactivated" in columns:
        deactivated = columns.pop("deactivated")
        columns["deactivated_at"] = (user.deactivated_at or work.now) if deactivated else None
    with translated_errors():
        edit_of_organisation(work, user, version, columns)
    if columns.get("deactivated_at"):
        _end_everything(work, user.id)
    return user


def _columns(values: Mapping[str, Any], issuer: str | None) -> dict[str, Any]:
    """Give what is kept of what was told; a subject is one of the provider that is set now.

    Raises
    ------
    StateConflict
        If there is a subject and no provider.
    """
    columns = dict(values)
    if "oidc_subject" in columns:
        if columns["oidc_subject"] is not None and issuer is None:
            raise StateConflict("no identity provider is set, so that nobody has a subject", pointer="/oidc_subject")
        columns["oidc_issuer"] = None if columns["oidc_subject"] is None else issuer
    return columns


def invite(work: Work, user_id: UUID) -> Invitation:
    """Invite a person to set a password; an earlier invitation no longer holds, a password does until then.

    Raises
    ------
    StateConflict
        If they have no user name, or are deactivated.
    """
    user = get_of_organisation(work, User, user_id)
    if user.user_name is None or user.deactivated_at is not None:
        raise StateConflict("only somebody active with a user name can be invited")
    invitation = Invitation(new_token(), work.now + INVITATION)
    people.invite(work, people.lock_login(work, user.id), token_hash(invitation.token), invitation.expires_at)
    work.note()
    return invitation


def end_credentials(work: Work, user_id: UUID) -> None:
    """End every token, the password and the invitation of a person; to be invited anew is how they come back.

    Raises
    ------
    StateConflict
        If it is the caller.
    """
    user = get_of_organisation(work, User, user_id)
    if user.id == work.scope.actor_id:
        raise StateConflict("nobody can end their own credentials; change the password, which ends all other sessions")
    _end_everything(work, user.id)
    work.note()


def _end_everything(work: Work, user_id: UUID) -> None:
    people.end_credentials(work, user_id)
    people.end_login(work, user_id)


def add_service(work: Work, name: str) -> Service:
    """Add a service."""
    work.note()
    return add_of_organisation(work, Service, {"name": name})


def change_service(work: Work, service_id: UUID, version: int, changes: Mapping[str, Any]) -> Service:
    """Change a service's name."""
    work.note()
    return edit_of_organisation(work, get_of_organisation(work, Service, service_id), version, changes)


def add_administrator(
    work: Work, display_name: str, *, service: str, user_name: str | None, subject: str | None, issuer: str | None
) -> Invitation | None:
    """Add an administrator from the command line, by a subject of the provider, or with an invitation."""
    place = people.service_named(work, service) or add_service(work, service)
    told = {"user_name": user_name, "oidc_subject": subject}
    values = {"display_name": display_name, "role": Role.ADMINISTRATOR, "service_id": place.id, **told}
    user = add_person(work, values, issuer)
    return invite(work, user.id) if user_name is not None else None
