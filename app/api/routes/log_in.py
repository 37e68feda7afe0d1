"""Logging in with a password of our own, where no identity provider is set."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Request, Response

from app.api.deps import OpenWork, allow, token_of
from app.api.problems import declares
from app.api.schemas.people import InvitationRedemption, PasswordChange, SessionCreate, SessionRead
from app.db.session import Access
from app.errors import LocalLoginOff
from app.identity.credentials import token_hash
from app.identity.policy import Action
from app.services import log_in

SESSIONS, INVITATIONS = "/v1/sessions", "/v1/invitations"

MOST_A_MINUTE: Final = 60
"""Log-ins and invitations from one address; behind a proxy that is everybody."""

router = APIRouter(tags=["log-in"])


@router.post(
    "/sessions", operation_id="open_session", response_model=SessionRead, status_code=201, responses=declares(409)
)
def open_session(body: SessionCreate, request: Request) -> SessionRead:
    """Log in: the answer holds a token for ten hours. A wrong password and an unknown user name are answered alike."""
    access = _admitted(request, "open_session")
    state = request.app.state
    return SessionRead.model_validate(
        log_in.log_in(state.database, state.passwords, body.user_name, body.password, access)
    )


@router.post(
    "/invitations",
    operation_id="redeem_invitation",
    response_model=SessionRead,
    status_code=201,
    responses=declares(409),
)
def redeem_invitation(body: InvitationRedemption, request: Request) -> SessionRead:
    """Set the password of whoever holds the invitation, and log them in; it holds once."""
    access = _admitted(request, "redeem_invitation")
    state = request.app.state
    return SessionRead.model_validate(
        log_in.redeem_invitation(state.database, state.passwords, body.invitation, body.password, access)
    )


def _admitted(request: Request, action: str) -> Access:
    """Count a request of who has no credential, if passwords are the way to log in."""
    refuse_beside_provider(request)
    request.app.state.login_limit.take(request.state.place)
    return Access(action, request.state.request_id)


def refuse_beside_provider(request: Request) -> None:
    """Refuse what has to do with passwords where an identity provider knows the people.

    Raises
    ------
    LocalLoginOff
        If there is one.
    """
    if request.app.state.access_tokens is not None:
        raise LocalLoginOff("people log in through the identity provider")


@router.delete(
    "/sessions/current", operation_id=Action.END_SESSION, status_code=204, response_class=Response, responses=declares()
)
def end_session(request: Request, open_work: Annotated[OpenWork, allow(Action.END_SESSION)]) -> None:
    """Log out: the token that this comes with holds no more. A provider's token ends at the provider."""
    with open_work() as work:
        log_in.end_session(work, token_hash(token_of(request)))


@router.put(
    "/users/me/password",
    operation_id=Action.CHANGE_PASSWORD,
    status_code=204,
    response_class=Response,
    responses=declares(409),
)
def change_password(
    body: PasswordChange, request: Request, open_work: Annotated[OpenWork, allow(Action.CHANGE_PASSWORD)]
) -> None:
    """Change the caller's own password; every other token of theirs ends."""
    with open_work():
        refuse_beside_provider(request)
    state, held = request.app.state, token_hash(token_of(request))
    log_in.change_password(open_work, state.database, state.passwords, body.present, body.password, held)
