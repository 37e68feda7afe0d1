"""The two database roles and the database, made ready on any server: embedded or an operator's own.

``spor_owner`` owns the tables, migrates and dumps. ``spor_app`` serves requests: it owns nothing and can't
bypass row-level security. An external server's operator gives them passwords; the embedded server needs none,
since nobody but the program's own account reaches it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import psycopg
from psycopg import sql

from app.errors import ServerMisconfigured

OWNER_ROLE: Final = "spor_owner"
APP_ROLE: Final = "spor_app"
DATABASE: Final = "spor"

OLDEST_SERVER: Final = 160_000
"""PostgreSQL 16, as the number that a server gives of itself."""

FIRST_WITH_BUILTIN_LOCALE: Final = 170_000

_PLAIN_ATTRIBUTES: Final = sql.SQL("login nosuperuser nocreatedb nocreaterole noreplication nobypassrls")


def provision(admin_conninfo: str, database: str = DATABASE, passwords: Mapping[str, str] | None = None) -> None:
    """Make the roles and `database` where they are missing, and put right what they may do; safe to repeat.

    `admin_conninfo` is a libpq connection string of a role that may create roles and databases. A role that has no
    entry in `passwords` keeps the password that it has, if any.
    """
    try:
        # A database made under the locale C has no encoding, and psycopg would give us bytes for its names.
        with psycopg.connect(admin_conninfo, autocommit=True, client_encoding="utf8") as connection:
            _refuse_old_server(connection)
            for role in (OWNER_ROLE, APP_ROLE):
                _ensure_role(connection, role)
                _set_password(connection, role, (passwords or {}).get(role))
            _ensure_database(connection, database)
        with psycopg.connect(admin_conninfo, dbname=database) as connection:
            _limit_access(connection, database)
    except psycopg.Error as error:
        reason = error.diag.message_primary or str(error).partition("\n")[0]
        raise ServerMisconfigured(f"The database {database} and its roles can't be made ready: {reason}.") from error


def libpq_address(url: str) -> str:
    """Give an address as libpq takes it; SQLAlchemy's has the driver's name in it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _refuse_old_server(connection: psycopg.Connection) -> None:
    if connection.info.server_version < OLDEST_SERVER:
        major = connection.info.server_version // 10_000
        raise ServerMisconfigured(f"The server is PostgreSQL {major}; Spor needs PostgreSQL 16 or newer.")


def _ensure_role(connection: psycopg.Connection, role: str) -> None:
    """Make the role, or take from an existing one what it must not have."""
    found = connection.execute(
        "select rolcanlogin and not (rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls)"
        " from pg_roles where rolname = %s",
        [role],
    ).fetchone()
    name = sql.Identifier(role)
    if found is None:
        connection.execute(sql.SQL("create role {} {}").format(name, _PLAIN_ATTRIBUTES))
    elif found != (True,):
        connection.execute(sql.SQL("alter role {} {}").format(name, _PLAIN_ATTRIBUTES))


def _set_password(connection: psycopg.Connection, role: str, password: str | None) -> None:
    """Set a password, hashed before it is sent, so that the server can't log it."""
    if password is not None:
        hashed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        connection.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(role), hashed))


def _ensure_database(connection: psycopg.Connection, database: str) -> None:
    found = connection.execute(
        "select pg_get_userbyid(datdba) from pg_database where datname = %s", [database]
    ).fetchone()
    if found is None:
        _create_database(connection, database)
    elif found != (OWNER_ROLE,):
        raise ServerMisconfigured(
            f"The database {database} belongs to {found[0]} and must belong to {OWNER_ROLE}:"
            f" run alter database {database} owner to {OWNER_ROLE}, or choose another database."
        )


def _create_database(connection: psycopg.Connection, database: str) -> None:
    """Make the database with an order of text that is the same on every machine."""
    owner = sql.Identifier(OWNER_ROLE)
    superuser = connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()
    if superuser != (True,):  # only a member of a role can give it a database
        connection.execute(sql.SQL("grant {} to current_user").format(owner))
    builtin = connection.info.server_version >= FIRST_WITH_BUILTIN_LOCALE
    locale = "locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'" if builtin else "locale 'C'"
    connection.execute(
        sql.SQL("create database {} owner {} template template0 encoding 'UTF8' {}").format(
            sql.Identifier(database), owner, sql.SQL(locale)
        )
    )


def _limit_access(connection: psycopg.Connection, database: str) -> None:
    """Take from everybody what PostgreSQL gives by default, and let the application in."""
    names = {"database": sql.Identifier(database), "app": sql.Identifier(APP_ROLE)}
    for statement in (
        "revoke all on database {database} from public",
        "revoke all on schema public from public",
        "grant connect on database {database} to {app}",
        "grant usage on schema public to {app}",
        # The default is that of a turning disk; from memory or a solid disk a page costs hardly more out of turn.
        "alter role {app} in database {database} set random_page_cost = 1.1",
    ):
        connection.execute(sql.SQL(statement).format(**names))
