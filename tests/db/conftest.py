"""Databases to migrate up and down, and connections that go past the application."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.provision import APP_ROLE, OWNER_ROLE, provision
from app.db.session import Database

Connection = psycopg.Connection[dict[str, Any]]


@pytest.fixture
def empty_database(server: EmbeddedServer) -> Iterator[str]:
    """The name of a database that holds nothing yet."""
    name = f"scratch_{uuid4().hex}"
    admin = server.conninfo("postgres", SUPERUSER)
    provision(admin, name)
    yield name
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def as_owner(server: EmbeddedServer, database: Database) -> Iterator[Connection]:
    """A connection that sees every organisation's rows."""
    with psycopg.connect(server.conninfo("spor", OWNER_ROLE), row_factory=dict_row, autocommit=True) as connection:
        yield connection


@pytest.fixture
def as_app(server: EmbeddedServer, database: Database) -> Iterator[Connection]:
    """A connection of the application's role, with none of the application's own care."""
    with psycopg.connect(server.conninfo("spor", APP_ROLE), row_factory=dict_row, autocommit=True) as connection:
        yield connection
