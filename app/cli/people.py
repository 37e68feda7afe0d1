"""`spor user`: the first person of an organisation, who looks after all others."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from app.cli.connections import ready_database
from app.cli.options import DataDir, settings_of
from app.db.ids import uuid7
from app.db.session import Access
from app.errors import ServerMisconfigured
from app.services.organisations import founding_scope
from app.services.people import add_administrator as add_as_administrator

commands = typer.Typer(no_args_is_help=True, help="The first people of an organisation; they add the others.")


@commands.callback()
def _people() -> None:
    """Keep `add-administrator` a command of its own group, though it is the only one."""


@commands.command()
def add_administrator(
    name: Annotated[str, typer.Argument(help="What the others call the person.")],
    organisation: Annotated[UUID, typer.Option(help="Id of the organisation.")],
    user_name: Annotated[str | None, typer.Option(help="To log in with a password; prints an invitation.")] = None,
    subject: Annotated[str | None, typer.Option(help="What the identity provider calls the person.")] = None,
    service: Annotated[str, typer.Option(help="The service they belong to; made if there is none of that name.")] = (
        "Administrasjon"
    ),
    data_dir: DataDir = None,
) -> None:
    """Add an administrator: with an invitation to set a password, or as a subject of the identity provider.

    The invitation is printed once and holds for three days: POST /v1/invitations with it and a password.
    """
    settings = settings_of(data_dir=data_dir)
    if subject is not None and settings.oidc_issuer is None:
        raise ServerMisconfigured("a subject needs an identity provider: set SPOR_OIDC_ISSUER")
    if (user_name is None) == (subject is None):
        raise ServerMisconfigured("give either --user-name or --subject")
    if user_name is not None and settings.oidc_issuer is not None:
        raise ServerMisconfigured("with SPOR_OIDC_ISSUER nobody has a password: give --subject")
    with ready_database(settings) as database:
        scope, access = founding_scope(organisation), Access("add_administrator", uuid7())
        with database.work(scope, access) as work:
            invitation = add_as_administrator(
                work,
                name,
                service=service,
                user_name=user_name and user_name.lower(),
                subject=subject,
                issuer=settings.oidc_issuer,
            )
    print(invitation.token if invitation else f"{subject} is an administrator")
