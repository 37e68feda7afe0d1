"""What routes are given: the transaction of the caller, the version of an edit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param

from app.db.callers import work_for_subject
from app.db.session import Access, Database, Work
from app.identity.credentials import PREFIX, token_hash
from app.identity.oidc import AccessTokens
from app.identity.policy import Action, check

OpenWork: TypeAlias = Callable[[], AbstractContextManager[Work]]


class Opener(HTTPBearer):
    """Opens the caller's transaction for one action; FastAPI knows it as the security scheme of the route."""

    def __init__(self, action: Action) -> None:
        words = "The token of a tablet, a therapist or a service lead."
        super().__init__(scheme_name="HTTPBearer", description=words, auto_error=False)
        self.action = action

    async def __call__(self, request: Request) -> OpenWork:  # type: ignore[override]
        """Give what opens the transaction; nothing of it happens on the event loop."""
        return lambda: opened_work(request, token_of(request), self.action)


def allow(action: Action) -> Any:
    """Give the parameter through which a route opens the caller's transaction, for callers who may do this.

    Opening checks the credential and the role, sets the organisation and begins the audit; leaving commits,
    before the answer is made.
    """
    return Security(Opener(action))


def token_of(request: Request) -> str:
    """Give the caller's token; without one, nothing but what needs none is asked (see app.api.middleware)."""
    return get_authorization_scheme_param(request.headers.get("authorization"))[1]


@contextmanager
def opened_work(request: Request, token: str, action: Action) -> Iterator[Work]:
    """Open the transaction of whoever holds a token, if their role may do this."""
    access = Access(action, request.state.request_id, _resource_of(request))
    with work_of_token(request, token, access) as work:
        request.state.caller = work.scope
        check(work.scope.role, action)
        yield work


def work_of_token(request: Request, token: str, access: Access) -> AbstractContextManager[Work]:
    """Open the transaction of whoever holds a token: one of ours, or an access token of the identity provider."""
    database: Database = request.app.state.database
    provider: AccessTokens | None = request.app.state.access_tokens
    if provider is None or token.startswith(PREFIX):
        return database.work_for_token(token_hash(token), access)
    return work_for_subject(database, provider.subject(token), access)


def _resource_of(request: Request) -> UUID | None:
    """Give the id that the address names, of whatever kind: the action tells which; None where it names none."""
    for value in request.path_params.values():
        try:
            return UUID(str(value))
        except ValueError:
            continue
    return None


def refuse_strangers(request: Request) -> None:
    """Refuse who may not ask at all, before telling what is wrong with what they ask.

    FastAPI reads a body before the route opens a transaction, so a malformed one gets here first.
    """
    operation = request.scope["route"].operation_id
    if operation not in _ACTIONS:  # it needs no credential, and so knows no strangers
        return
    with opened_work(request, token_of(request), Action(operation)):
        pass


_ACTIONS = frozenset(map(str, Action))


_ETag: TypeAlias = Annotated[
    str, Header(description="The ETag as last read.", pattern='^"?[0-9]{1,9}"?$', examples=['"3"'])
]


async def if_match(if_match: _ETag) -> int:
    """Give the version that an edit rests on; without it, one could overwrite somebody else's.

    That it is absent or no ETag of ours is found together with what is wrong with the body, and told only to those
    who may ask.
    """
    return int(if_match.strip('"'))


Version: TypeAlias = Annotated[int, Depends(if_match)]


def etag(version: int) -> dict[str, str]:
    """Give the ETag header of a version."""
    return {"ETag": f'"{version}"'}
