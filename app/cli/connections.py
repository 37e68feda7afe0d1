"""The database that a command works on: the operator's own, or the embedded one, as the right role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from app.config import Settings
from app.db import migrations
from app.db.embedded import EmbeddedServer, reached_url
from app.db.failures import translated_errors
from app.db.provision import APP_ROLE, DATABASE, OWNER_ROLE
from app.db.session import Database
from app.errors import ServerMisconfigured


@contextmanager
def ready_database(settings: Settings) -> Iterator[Database]:
    """Give the database as the application sees it: the operator's, which must be up to date, or our own."""
    if settings.database_url is not None:
        refuse_other_revision(settings.database_url)
        prepares = settings.prepared_statements
        with closing(Database(settings.database_url, pool_size=settings.threads, prepares=prepares)) as database:
            database.check_role()
            yield database
        return
    with EmbeddedServer(settings.data_dir) as server:
        migrations.upgrade(server.url(DATABASE, OWNER_ROLE))
        with closing(Database(server.url(DATABASE, APP_ROLE), pool_size=settings.threads)) as database:
            yield database


@contextmanager
def owner_url(settings: Settings, *, only_looks: bool = False) -> Iterator[str]:
    """Give the address of the database as its owner: the operator's, or that of our own.

    What only looks may do so while a service runs on our own; whatever changes something has to wait until it stops.
    """
    if settings.owner_database_url is not None:
        yield settings.owner_database_url
    elif settings.database_url is not None:
        raise ServerMisconfigured("set OWNER_DATABASE_URL to the same database as its owner role")
    elif only_looks:
        with reached_url(settings.data_dir, DATABASE, OWNER_ROLE) as url:
            yield url
    else:
        with EmbeddedServer(settings.data_dir) as server:
            yield server.url(DATABASE, OWNER_ROLE)


def refuse_other_revision(url: str) -> None:
    """Refuse a database whose tables are not those of this program."""
    with translated_errors():
        present = migrations.present_revision(url)
    newest = migrations.newest_revision()
    if present != newest:
        raise ServerMisconfigured(
            f"the database is at revision {present or 'base'}, and this program needs {newest}: run spor db upgrade"
        )
