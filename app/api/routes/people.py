"""The people and the services of an organisation."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.api.deps import OpenWork, Version, allow
from app.api.problems import declares
from app.api.routes.answers import After, Limit, next_after, versioned
from app.api.routes.log_in import refuse_beside_provider
from app.api.schemas.people import (
    InvitationRead,
    ServiceChange,
    ServiceCreate,
    ServiceRead,
    UserChange,
    UserCreate,
    UserPage,
    UserRead,
)
from app.db.codes import Role
from app.db.editing import all_of_organisation, get_of_organisation
from app.db.models import Service, User
from app.identity.policy import Action
from app.services import people

router = APIRouter(tags=["people"])


def _issuer(request: Request) -> str | None:
    provider = request.app.state.access_tokens
    return None if provider is None else provider.issuer


@router.get("/users", operation_id=Action.LIST_USERS, response_model=UserPage, responses=declares())
def list_users(
    open_work: Annotated[OpenWork, allow(Action.LIST_USERS)], after: After = None, limit: Limit = 50
) -> UserPage:
    """List the people of the organisation; for everybody but an administrator, those of the own service.

    How people log in is told to administrators and service leads only.
    """
    with open_work() as work:
        found = [UserRead.model_validate(user) for user in people.list_users(work, after, limit)]
        if work.scope.role not in {Role.ADMINISTRATOR, Role.SERVICE_LEAD}:
            found = [each.model_copy(update={"user_name": None, "oidc_subject": None}) for each in found]
    return UserPage(users=found, next_after=next_after(found, limit))


@router.post(
    "/users",
    operation_id=Action.ADD_USER,
    response_model=UserRead,
    status_code=201,
    responses=declares(409),
)
def add_user(
    body: UserCreate, request: Request, response: Response, open_work: Annotated[OpenWork, allow(Action.ADD_USER)]
) -> UserRead:
    """Add a person. User names and subjects are those of one person of the whole server."""
    with open_work() as work:
        return versioned(response, UserRead, people.add_person(work, body.model_dump(), _issuer(request)))


@router.get("/users/{user_id}", operation_id=Action.READ_USER, response_model=UserRead, responses=declares(404))
def read_user(user_id: UUID, response: Response, open_work: Annotated[OpenWork, allow(Action.READ_USER)]) -> UserRead:
    """Give a person."""
    with open_work() as work:
        return versioned(response, UserRead, get_of_organisation(work, User, user_id))


@router.patch(
    "/users/{user_id}",
    operation_id=Action.CHANGE_USER,
    response_model=UserRead,
    responses=declares(404, 409, 412, 428),
)
def change_user(
    user_id: UUID,
    body: UserChange,
    version: Version,
    request: Request,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.CHANGE_USER)],
) -> UserRead:
    """Change a person; role, service and deactivation hold from the next request on."""
    with open_work() as work:
        changed = people.change_person(work, user_id, version, body.changes(), _issuer(request))
        return versioned(response, UserRead, changed)


@router.post(
    "/users/{user_id}/invitation",
    operation_id=Action.INVITE_USER,
    response_model=InvitationRead,
    status_code=201,
    responses=declares(404, 409),
)
def invite_user(
    user_id: UUID, request: Request, open_work: Annotated[OpenWork, allow(Action.INVITE_USER)]
) -> InvitationRead:
    """Invite a person to set a password, within three days; an earlier invitation no longer holds."""
    with open_work() as work:
        refuse_beside_provider(request)
        return InvitationRead.model_validate(people.invite(work, user_id))


@router.delete(
    "/users/{user_id}/credentials",
    operation_id=Action.END_USER_CREDENTIALS,
    status_code=204,
    response_class=Response,
    responses=declares(404, 409),
)
def end_user_credentials(user_id: UUID, open_work: Annotated[OpenWork, allow(Action.END_USER_CREDENTIALS)]) -> None:
    """End every token, the password and the invitation of a person."""
    with open_work() as work:
        people.end_credentials(work, user_id)


@router.get("/services", operation_id=Action.LIST_SERVICES, response_model=list[ServiceRead], responses=declares())
def list_services(open_work: Annotated[OpenWork, allow(Action.LIST_SERVICES)]) -> list[ServiceRead]:
    """List the services of the organisation."""
    with open_work() as work:
        return [ServiceRead.model_validate(row) for row in all_of_organisation(work, Service)]


@router.post(
    "/services",
    operation_id=Action.ADD_SERVICE,
    response_model=ServiceRead,
    status_code=201,
    responses=declares(409),
)
def add_service(
    body: ServiceCreate, response: Response, open_work: Annotated[OpenWork, allow(Action.ADD_SERVICE)]
) -> ServiceRead:
    """Add a service."""
    with open_work() as work:
        return versioned(response, ServiceRead, people.add_service(work, body.name))


@router.patch(
    "/services/{service_id}",
    operation_id=Action.CHANGE_SERVICE,
    response_model=ServiceRead,
    responses=declares(404, 409, 412, 428),
)
def change_service(
    service_id: UUID,
    body: ServiceChange,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.CHANGE_SERVICE)],
) -> ServiceRead:
    """Give a service another name."""
    with open_work() as work:
        return versioned(response, ServiceRead, people.change_service(work, service_id, version, body.changes()))
