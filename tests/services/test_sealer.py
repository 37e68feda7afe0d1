"""The thread that seals: what it says of itself when it can't."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.db.embedded import EmbeddedServer
from app.db.ids import uuid7
from app.db.session import Access, Database
from app.main import create_app
from app.services import sealing
from app.services.organisations import found_organisation
from app.services.seal_log import SealLog
from app.services.sealing import Sealer, sealing_scope
from tests.programs import AUDIT_KEY


@pytest.fixture
def client(database: Database, tmp_path: Path) -> Iterator[TestClient]:
    settings = Settings.model_validate({"audit_key": AUDIT_KEY, "audit_seal_log": tmp_path / "seals.jsonl"})
    with TestClient(create_app(settings, database.apart())) as client:
        yield client


def trouble(client: TestClient, *, ready: bool) -> str | None:
    deadline = time.monotonic() + 20
    while (answer := client.get("/health/ready")).status_code != (200 if ready else 503):
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
    [found] = [each["trouble"] for each in answer.json()["checks"] if each["check"] == "audit"]
    return str(found) if found else None


def an_event(database: Database) -> None:
    organisation_id = found_organisation(database, "Stalled")
    with database.work(sealing_scope(organisation_id), Access("read_patient", uuid7())) as work:
        work.saw([uuid4()])


def test_a_sealer_that_is_kept_from_an_organisation_makes_the_service_unready(
    client: TestClient, database: Database, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trouble(client, ready=True) is None
    monkeypatch.setattr(sealing, "STALLED_SECONDS", 2.0)
    with psycopg.connect(server.conninfo("spor", "spor_app")) as holder:
        # Another process that has an organisation in hand, and hangs.
        organisation_id = found_organisation(database, "Stalled")
        holder.execute(
            "select pg_advisory_xact_lock(hashtextextended('audit_seals ' || %s, 0))", [str(organisation_id)]
        )
        with database.work(sealing_scope(organisation_id), Access("read_patient", uuid7())) as work:
            work.saw([uuid4()])
        an_event(database)  # the others are sealed all the same
        assert trouble(client, ready=False) == "the audit has not been sealed for 2 seconds"
    assert trouble(client, ready=True) is None


def test_what_an_open_transaction_holds_back_is_shown_and_is_no_stall(
    client: TestClient, database: Database, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "STALLED_SECONDS", 2.0)
    sealer: Sealer = client.app.state.sealer  # type: ignore[attr-defined]
    with psycopg.connect(server.conninfo("spor", "spor_app")) as open_transaction:
        open_transaction.execute("select pg_current_xact_id()")
        an_event(database)
        deadline = time.monotonic() + 20
        while sealer.unsealed_seconds() < 3:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert sealer.trouble() is None


def test_a_sealer_that_has_ended_makes_the_service_unready(client: TestClient) -> None:
    client.app.state.sealer.stop()  # type: ignore[attr-defined]
    assert trouble(client, ready=False) == "the audit is not being sealed: the sealer has ended"


def test_a_database_that_is_away_ends_no_sealer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "EVERY_SECONDS", 0.01)
    monkeypatch.setattr(sealing, "STALLED_SECONDS", 0.3)
    nowhere = Database(f"postgresql+psycopg://spor_app@/spor?host={tmp_path}")
    sealer = Sealer(nowhere, b"key", SealLog(tmp_path / "log"))
    sealer.start()
    time.sleep(0.5)
    assert sealer.trouble() == "the audit has not been sealed for 0 seconds"
    sealer.stop()


def test_a_log_that_can_t_be_written_is_a_stall_and_no_end(database: Database, tmp_path: Path) -> None:
    sealer = Sealer(database.apart(), b"key", SealLog(tmp_path / "no such folder" / "log"))
    sealer.start()
    an_event(database)
    time.sleep(1.5)
    assert sealer.trouble() is None  # not for long enough yet, and alive
    sealer.stop()
