"""One real PostgreSQL per worker, built by the migrations; each test works in an organisation of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import settings as hypothesis_settings
from psycopg.rows import dict_row

from app.api.guesses import Guesses
from app.api.limits import Limit
from app.config import Settings
from app.db import migrations
from app.db.embedded import EmbeddedServer
from app.db.session import Database
from app.main import create_app
from app.services.summaries import check
from tests.factories import Clinic, make_clinic
from tests.owner import Owner

# The names by which test clients call, and no limit on how often: what is limited has tests of its own.
os.environ["SPOR_ALLOWED_HOSTS"] = "spor.test, testserver, localhost, 127.0.0.1"
os.environ["SPOR_REQUESTS_PER_MINUTE"] = "0"

# Property tests say what is true, not how fast: a slow machine fails none of them.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    # As root the server runs as another account, which must be able to enter the folder.
    folder = Path(tempfile.mkdtemp(prefix="spor-test-"))
    folder.chmod(0o755)
    with EmbeddedServer(folder / "root", durable=False) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def database(server: EmbeddedServer) -> Iterator[Database]:
    migrations.upgrade(server.url("spor", "spor_owner"))
    database = Database(server.url("spor", "spor_app"))
    yield database
    database.close()


@pytest.fixture(scope="session")
def owner(server: EmbeddedServer, database: Database) -> Iterator[Owner]:
    with psycopg.connect(server.conninfo("spor", "spor_owner"), autocommit=True, row_factory=dict_row) as connection:
        yield Owner(connection)


@pytest.fixture(scope="session")
def client(database: Database) -> Iterator[TestClient]:
    app = create_app(Settings(), database)
    app.state.guesses = Guesses(Limit(1_000_000))  # all tests come from one address
    # An unexpected error has to reach the client as the answer that it would get in production.
    with TestClient(app, base_url="http://spor.test", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def clinic(database: Database, client: TestClient) -> Iterator[Clinic]:
    clinic = make_clinic(database, client)
    yield clinic
    # Whatever a test has done to the record: what reports read of it says the same.
    checked = list(check(database, clinic.organisation_id))
    assert [episode_id for part in checked for episode_id in part.differing] == []
