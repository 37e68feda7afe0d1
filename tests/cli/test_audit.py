"""`spor audit`: what an operator's timer runs, and what serving keeps without being asked."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest

from app.cli.connections import refuse_other_revision
from app.config import Settings
from app.db import migrations
from app.db.embedded import EmbeddedServer
from app.db.ids import uuid7
from app.db.session import Access, Database
from app.errors import ServerMisconfigured
from app.services.audit_keeping import KEY_FILE, LOG_FILE, key_of, with_audit_key
from app.services.organisations import found_organisation
from app.services.sealing import sealing_scope
from tests.programs import AUDIT_KEY, enterable_folder, free_port, serving, spor


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


@pytest.fixture
def audited(server: EmbeddedServer, database: Database, tmp_path: Path) -> tuple[str, dict[str, str]]:
    """An organisation with an event, and the environment in which it is sealed."""
    refuse_other_revision(server.url("spor", "spor_app"))
    organisation_id = found_organisation(database, "Audited")
    with database.work(sealing_scope(organisation_id), Access("read_patient", uuid7())) as work:
        work.saw([uuid4()])
    settings = {
        "DATABASE_URL": server.url("spor", "spor_app"),
        "SPOR_AUDIT_SEAL_LOG": str(tmp_path / "seals.jsonl"),
        "SPOR_AUDIT_KEY": AUDIT_KEY,
    }
    return str(organisation_id), settings


def test_serving_seals_and_says_so(audited: tuple[str, dict[str, str]], server: EmbeddedServer, tmp_path: Path) -> None:
    organisation, settings = audited
    log, port = tmp_path / "seals.jsonl", free_port()
    given = {**settings, "SPOR_METRICS_TOKEN": "a token of the metrics"}
    with serving("serve", "--port", port, **given):
        until(lambda: log.exists() and organisation in log.read_text())
        checks = httpx.get(f"http://127.0.0.1:{port}/health/ready").json()["checks"]
        assert {"check": "audit", "passed": True, "trouble": None} in checks
        headers = {"Authorization": "Bearer a token of the metrics"}

        def told() -> list[str]:
            return httpx.get(f"http://127.0.0.1:{port}/metrics", headers=headers).text.splitlines()

        until(lambda: "spor_audit_unsealed_seconds 0.0" in told())
        [seals] = [line for line in told() if line.startswith("spor_audit_seals_total ")]
        assert float(seals.split()[1]) >= 1
    [line] = [each for each in map(json.loads, log.read_text().splitlines()) if each["organisation_id"] == organisation]
    assert (line["number"], line["events"], len(line["seal"])) == (1, 1, 64)

    verified = spor("audit", "verify", "--organisation", organisation, **settings)
    assert (verified.returncode, "Everything is as it was sealed." in verified.stderr) == (0, True), verified.stderr
    [told_of] = map(json.loads, verified.stdout.splitlines())
    assert (
        told_of["verified"] | {"organisation_id": organisation, "events": 1, "unsealed_events": 0}
        == told_of["verified"]
    )

    with psycopg.connect(server.conninfo("spor", "spor_owner"), autocommit=True) as owner:
        owner.execute("update audit_events set action = 'x' where organisation_id = %s", [organisation])
    found = spor("audit", "verify", "--organisation", organisation, **settings)
    assert found.returncode == 1
    [finding, _] = map(json.loads, found.stdout.splitlines())
    assert finding["finding"]["kind"] == "event_changed"
    assert "not those that were sealed" in found.stderr

    owner_url = server.url("spor", "spor_owner")
    of_all = spor("audit", "verify", OWNER_DATABASE_URL=owner_url, **settings)
    assert of_all.returncode == 1
    assert organisation in of_all.stdout


def test_the_process_s_own_log_has_the_seals_too(audited: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    organisation, settings = audited
    del settings["SPOR_AUDIT_SEAL_LOG"]
    sealed = spor("audit", "seal", SPOR_LOG_FORMAT="json", **settings)
    assert (sealed.returncode, "were sealed under" in sealed.stdout) == (0, True), sealed.stderr
    log = tmp_path / "service.log"
    log.write_text(f"not JSON\n{sealed.stderr}")
    verified = spor("audit", "verify", "--organisation", organisation, "--seal-log", log, **settings)
    assert (verified.returncode, "notice" in verified.stdout) == (0, False), verified.stdout


def test_what_can_t_be_verified_is_one_line(audited: tuple[str, dict[str, str]]) -> None:
    organisation, settings = audited
    for more, named in (
        (["--seal-log", "/nowhere/seals.jsonl", "--organisation", organisation], "/nowhere/seals.jsonl"),
        ([], "OWNER_DATABASE_URL"),
    ):
        ran = spor("audit", "verify", *more, **settings)
        assert (ran.returncode, ran.stderr.count("spor: ")) == (2, 1)
        assert named in ran.stderr


def test_serving_an_operator_s_database_needs_a_key(server: EmbeddedServer) -> None:
    settings = {"DATABASE_URL": server.url("spor", "spor_app"), "SPOR_AUDIT_KEY": ""}
    with pytest.raises(ServerMisconfigured, match="set SPOR_AUDIT_KEY"):
        with_audit_key(Settings.model_validate({"DATABASE_URL": settings["DATABASE_URL"]}))


def test_the_embedded_database_has_a_key_of_its_own(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    first = with_audit_key(settings)
    assert key_of(with_audit_key(settings)) == key_of(first)
    assert len(key_of(first)) == 64
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert first.audit_seal_log == tmp_path / LOG_FILE
    (tmp_path / KEY_FILE).write_text("short")
    with pytest.raises(ServerMisconfigured, match="holds no key"):
        with_audit_key(settings)


def test_the_embedded_database_is_sealed_and_verified() -> None:
    with enterable_folder() as folder:
        with EmbeddedServer(folder / "spor", durable=False) as server:
            migrations.upgrade(server.url("spor", "spor_owner"))
            database = Database(server.url("spor", "spor_app"))
            organisation_id = found_organisation(database, "At home")
            with database.work(sealing_scope(organisation_id), Access("read_patient", uuid7())) as work:
                work.saw([uuid4()])
            database.close()
            here = ["--data-dir", folder / "spor"]
            # While a program runs the server, what only looks does so beside it, and what changes something is refused.
            sealed_log = folder / "seals.jsonl"
            sealed_log.touch()
            beside = spor("audit", "verify", *here, "--seal-log", sealed_log)
            assert beside.returncode == 0, beside.stderr
            assert json.loads(beside.stdout)["verified"]["seals"] == 0
            looked = spor("doctor", *here)
            assert "ok      database" in looked.stdout, looked.stdout
            assert "ok      sealing" in looked.stdout, looked.stdout
            assert "in use by process" in spor("db", "upgrade", *here).stderr
            assert (folder / "spor/data/postmaster.pid").exists()
        assert spor("audit", "seal", *here).returncode == 0
        verified = spor("audit", "verify", *here)
        assert verified.returncode == 0, verified.stderr
        assert json.loads(verified.stdout)["verified"]["seals"] == 1
