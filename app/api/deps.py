"""What routes are given: the transaction of the caller, the version of an edit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, Any, TypeAlias

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param

from app.db.session import Access, Database, Work
from app.errors import MalformedBody, PreconditionRequired, Unauthenticated
from app.identity.credentials import token_hash
from app.identity.policy import Action, check

OpenWork: TypeAlias = Callable[[], AbstractContextManager[Work]]

_bearer = HTTPBearer(auto_error=False, description="The token of a tablet, a therapist or a service lead.")


async def credential(credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]) -> str:
    """Give the caller's token.

    Raises
    ------
    Unauthenticated
        If there is none.
    """
    if credentials is None:
        raise Unauthenticated("a credential is needed", allowed="Authorization: Bearer <token>")
    return credentials.credentials


Token: TypeAlias = Annotated[str, Depends(credential)]


def allow(action: Action) -> Any:
    """Give the parameter through which a route opens the caller's transaction, for callers who may do this.

    Opening checks the credential and the role, sets the organisation and begins the audit; leaving commits,
    before the answer is made. Nothing of it happens on the event loop.
    """

    async def opener(request: Request, token: Token) -> OpenWork:
        return lambda: opened_work(request, token, action)

    opener.action = action  # type: ignore[attr-defined]  # tests/test_rules.py reads which action a route names
    return Depends(opener)


@contextmanager
def opened_work(request: Request, token: str, action: Action) -> Iterator[Work]:
    """Open the transaction of whoever holds a token, if their role may do this."""
    database: Database = request.app.state.database
    with database.work_for_token(token_hash(token), Access(action, request.state.request_id)) as work:
        check(work.scope.role, action)
        yield work


def refuse_strangers(request: Request) -> None:
    """Refuse who may not ask at all, before telling what is wrong with what they ask.

    FastAPI reads a body before the route opens a transaction, so a malformed one gets here first.
    """
    _, token = get_authorization_scheme_param(request.headers.get("authorization"))
    with opened_work(request, token, Action(request.scope["route"].operation_id)):
        pass


async def if_match(
    _: Token, if_match: Annotated[str | None, Header(description="The ETag as last read.")] = None
) -> int:
    """Give the version that an edit rests on; asked for only of those who have a credential.

    Raises
    ------
    PreconditionRequired
        If the header is absent: an edit without it could overwrite somebody else's.
    """
    if if_match is None:
        raise PreconditionRequired("an edit needs the header If-Match", allowed='the ETag as last read, e.g. "3"')
    written = if_match.strip().removeprefix('"').removesuffix('"')
    if not (written.isascii() and written.isdigit() and len(written) < 10):
        raise MalformedBody("If-Match is not an ETag of ours", pointer="/if-match", allowed='e.g. "3"')
    return int(written)


Version: TypeAlias = Annotated[int, Depends(if_match)]


def etag(version: int) -> dict[str, str]:
    """Give the ETag header of a version."""
    return {"ETag": f'"{version}"'}
