"""`spor db`: migrations and roles."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.connections import owner_url, refuse_other_revision
from app.cli.options import DataDir, settings_of
from app.db import migrations
from app.db.provision import APP_ROLE, DATABASE, OWNER_ROLE, libpq_address, provision
from app.errors import ServerMisconfigured

commands = typer.Typer(no_args_is_help=True, help="The database: migrations and roles.")


@commands.command()
def upgrade(revision: str = "head", data_dir: DataDir = None) -> None:
    """Bring the database to the newest revision, or to another.

    Connects as the owner: OWNER_DATABASE_URL, or the embedded PostgreSQL.
    """
    with owner_url(settings_of(data_dir=data_dir)) as url:
        migrations.upgrade(url, revision)
        print(f"The database is at revision {migrations.present_revision(url)}.")


@commands.command()
def downgrade(revision: str, data_dir: DataDir = None) -> None:
    """Take the database back to a revision; base is nothing."""
    with owner_url(settings_of(data_dir=data_dir)) as url:
        migrations.downgrade(url, revision)
        print(f"The database is at revision {migrations.present_revision(url) or 'base'}.")


@commands.command()
def check(data_dir: DataDir = None) -> None:
    """Fail unless the tables are those of this program."""
    with owner_url(settings_of(data_dir=data_dir)) as url:
        refuse_other_revision(url)
        migrations.check(url)
        print(f"The database is at revision {migrations.newest_revision()}, and its tables are as expected.")


@commands.command("provision")
def provision_database(
    database: Annotated[str, typer.Option(help="Name of the database.")] = DATABASE,
) -> None:
    """Make the two roles and the database on the server of ADMIN_DATABASE_URL; safe to repeat.

    Their passwords come from SPOR_OWNER_PASSWORD and SPOR_APP_PASSWORD; without one, a role keeps what it has.
    """
    settings = settings_of()
    if settings.admin_database_url is None:
        raise ServerMisconfigured("set ADMIN_DATABASE_URL to the server as a role that may make roles and databases")
    given = {OWNER_ROLE: settings.owner_password, APP_ROLE: settings.app_password}
    passwords = {role: each.get_secret_value() for role, each in given.items() if each}
    provision(libpq_address(settings.admin_database_url), database, passwords=passwords)
    print(f"The database {database} is ready for {OWNER_ROLE} and {APP_ROLE}. Next: spor db upgrade.")
    for role in (role for role, password in given.items() if password is None):
        print(f"No password was set for {role}.")
