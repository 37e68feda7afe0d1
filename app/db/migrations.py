"""Bringing the database to the newest version, as the owner role."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from app.errors import ServerMisconfigured

TIMEOUTS = ("set lock_timeout = '5s'", "set statement_timeout = '15min'")
_MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"  # beside app, in the project as where it is installed


def owner_engine(url: str | None) -> Engine:
    """Make the engine that migrates: the given URL, or OWNER_DATABASE_URL when alembic is run by hand."""
    url = url or os.environ.get("OWNER_DATABASE_URL")
    if not url:
        raise ServerMisconfigured("set OWNER_DATABASE_URL to the database as its owner role, to migrate it")
    return create_engine(url, poolclass=NullPool, hide_parameters=True)


def configuration(url: str | None = None) -> Config:
    """Give alembic's configuration for a database; `[tool.alembic]` serves whoever writes a migration by hand."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to a revision, the newest unless told."""
    with _one_line():
        command.upgrade(configuration(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Take the database back to a revision."""
    with _one_line():
        command.downgrade(configuration(url), revision)


def check(url: str) -> None:
    """Fail if the tables and the migrations say different things."""
    with _one_line():
        command.check(configuration(url))


@contextmanager
def _one_line() -> Iterator[None]:
    """Say what alembic refuses as an operator's error: a revision that is not there, tables that differ."""
    try:
        yield
    except CommandError as error:
        raise ServerMisconfigured(str(error).splitlines()[0]) from None


def newest_revision() -> str | None:
    """Give the revision that this program expects."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def is_known(revision: str) -> bool:
    """Tell whether this program has a revision."""
    known = {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}
    return revision in known


def present_revision(url: str) -> str | None:
    """Give the revision the database is at; None where it was never migrated."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        exists = connection.execute(text("select to_regclass('alembic_version') is not null")).scalar_one()
        revision = connection.execute(text("select version_num from alembic_version")).scalar() if exists else None
    engine.dispose()
    return revision
