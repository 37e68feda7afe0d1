"""`spor organisation`: the tenants of the service."""

from __future__ import annotations

import typer

from app.cli.connections import ready_database
from app.cli.options import DataDir, settings_of
from app.services.organisations import found_organisation

commands = typer.Typer(no_args_is_help=True, help="Organisations, the tenants of the service.")


@commands.command()
def found(name: str, data_dir: DataDir = None) -> None:
    """Found an organisation, in record mode, and print its id."""
    with ready_database(settings_of(data_dir=data_dir)) as database:
        print(found_organisation(database, name))
