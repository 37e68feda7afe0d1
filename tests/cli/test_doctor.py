"""`spor doctor`: each thing is broken, and found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from pydantic import ValidationError

from app.cli import doctor
from app.cli.doctor import judge_lag, of_settings
from app.config import Settings
from app.db import migrations
from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.ids import uuid7
from app.db.inspection import Level, inspect, judge_clock
from app.db.provision import APP_ROLE, OWNER_ROLE, provision
from app.db.session import Access, Database
from app.services.organisations import found_organisation
from app.services.sealing import sealing_scope
from tests.cli.commands import run
from tests.programs import AUDIT_KEY, enterable_folder, free_port

SAFE: dict[str, Any] = {"requests_per_minute": 1200, "allowed_hosts": None, "metrics_token": "x" * 16}


SOMEWHERE = "postgresql://spor_app@127.0.0.1/spor"


def levels(**settings: Any) -> dict[str, Level]:
    return {each.check: each.level for each in of_settings(Settings(**SAFE | settings))}


def test_what_is_safe_is_said_to_be(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    write_backup(tmp_path, hours=3)
    found = levels(data_dir=tmp_path, secrets_dir=folder, backup_dir=tmp_path, public_url="https://spor.example")
    assert {**found, "disk": Level.OK} == dict.fromkeys(found, Level.OK)


@pytest.mark.parametrize(
    ("check", "settings", "level"),
    [
        ("address", {"host": "0.0.0.0"}, "unsafe"),
        ("address", {"host": "0.0.0.0", "public_url": "http://spor.example"}, "unsafe"),
        ("address", {"host": "0.0.0.0", "public_url": "https://spor.example"}, "ok"),
        ("address", {"public_url": "http://localhost:8000"}, "ok"),
        ("address", {"host": "::1"}, "ok"),
        ("hosts", {"allowed_hosts": "spor.example, *"}, "unsafe"),
        ("limits", {"requests_per_minute": 0}, "unsafe"),
        ("metrics", {"metrics_token": None}, "warning"),
        ("log", {"log_level": "debug"}, "warning"),
        ("log-in", {"public_url": "http://spor.example"}, "unsafe"),
        ("log-in", {"public_url": "https://spor.example"}, "ok"),
        ("audit key", {"database_url": SOMEWHERE}, "unsafe"),
        ("audit key", {"database_url": SOMEWHERE, "audit_key": AUDIT_KEY}, "ok"),
        ("seal log", {"database_url": SOMEWHERE}, "warning"),
        ("seal log", {"database_url": SOMEWHERE, "audit_seal_log": "/tmp/seals.jsonl"}, "ok"),
        ("secrets", {}, "warning"),
        ("backups", {}, "warning"),
    ],
)
def test_a_setting_that_is_unsafe_is_found(check: str, settings: dict[str, Any], level: str) -> None:
    assert levels(**settings)[check] == level


def write_backup(folder: Path, hours: float) -> None:
    (folder / "spor.dump").touch()
    made_at = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
    manifest = {"made_at": made_at, "revision": "0001", "server_version": 160000, "sha256": "", "rows": {}}
    (folder / "spor.dump.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(("hours", "level"), [(1, "ok"), (25, "ok"), (27, "unsafe"), (None, "unsafe")])
def test_old_backups_are_found(tmp_path: Path, hours: float | None, level: str) -> None:
    if hours is not None:
        write_backup(tmp_path, hours)
    assert levels(backup_dir=tmp_path)["backups"] == level


@pytest.mark.parametrize(
    ("folder_mode", "file_mode", "level"), [(0o700, 0o644, "ok"), (0o755, 0o644, "warning"), (0o700, 0o666, "unsafe")]
)
def test_open_secrets_are_found(tmp_path: Path, folder_mode: int, file_mode: int, level: str) -> None:
    (tmp_path / "spor_app_password").touch()
    (tmp_path / "spor_app_password").chmod(file_mode)
    tmp_path.chmod(folder_mode)
    assert levels(secrets_dir=tmp_path)["secrets"] == level


def test_an_open_data_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    assert levels(data_dir=tmp_path)["data folder"] == Level.OK
    (tmp_path / "data").chmod(0o750)
    assert levels(data_dir=tmp_path)["data folder"] == Level.UNSAFE


@pytest.mark.parametrize(("free", "level"), [(50, "ok"), (9, "warning"), (1, "unsafe")])
def test_a_full_disk_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: str) -> None:
    usage = SimpleNamespace(total=100, free=free)
    monkeypatch.setattr("app.cli.doctor.shutil.disk_usage", lambda _: usage)
    assert levels(data_dir=tmp_path)["disk"] == level


@pytest.mark.parametrize(("seconds", "level"), [(0.5, "ok"), (5, "warning"), (90, "unsafe")])
def test_a_clock_that_is_off_is_found(seconds: float, level: str) -> None:
    assert judge_clock(seconds).level == level


def test_an_issuer_without_tls_is_refused_before_anything_is_checked() -> None:
    with pytest.raises(ValidationError, match="oidc_issuer"):
        Settings(oidc_issuer="http://id.example", oidc_audience="spor")


@pytest.mark.parametrize(("seconds", "level"), [(None, "ok"), (59, "ok"), (61, "unsafe")])
def test_a_sealer_that_lags_is_found(seconds: float | None, level: str) -> None:
    now = datetime(2026, 12, 1, tzinfo=UTC)
    assert judge_lag(None if seconds is None else now - timedelta(seconds=seconds), now).level == level


# The database


@pytest.fixture
def place(server: EmbeddedServer) -> Iterator[str]:
    name = f"doctor_{uuid4().hex}"
    provision(server.conninfo("postgres", SUPERUSER), name)
    migrations.upgrade(server.url(name, OWNER_ROLE))
    yield name
    with psycopg.connect(server.conninfo("postgres", SUPERUSER), autocommit=True) as connection:
        connection.execute(f'drop database "{name}" with (force)')


def findings(server: EmbeddedServer, name: str, role: str = APP_ROLE) -> dict[str, str]:
    return {each.check: each.found for each in inspect(server.url(name, role)) if each.level is not Level.OK}


# The tests' own server forgets what was acknowledged, which is found every time.
FORGETFUL = {
    "durability": "acknowledged answers can be lost, off is: fsync, full_page_writes, synchronous_commit",
}


@pytest.mark.parametrize(
    ("broken", "check", "words"),
    [
        ("alter table patients disable row level security", "row-level security", "not as it must be on: patients"),
        ("drop policy {policy} on episodes", "row-level security", "not as it must be on: episodes"),
        (
            "create policy everything on patients using (true)",
            "row-level security",
            "not as it must be on: patients",
        ),
        ("alter policy {policy} on episodes using (true)", "row-level security", "not as it must be on: episodes"),
        ("grant delete on patients to spor_app", "grants", "the role may also: delete on patients"),
        ("grant update on audit_events to spor_app", "grants", "the role may also: update on audit_events"),
        ("grant truncate on scores to public", "grants", "the role may also: truncate on scores"),
        ("grant insert on deletions to spor_app", "grants", "the role may also: insert on deletions"),
        ("grant delete on logins to spor_app", "grants", "the role may also: delete on logins"),
        ("revoke select on deletions from spor_app", "access", "the role lacks: select on deletions"),
        ("revoke insert on audit_events from spor_app", "access", "the role lacks: insert on audit_events"),
        (
            "grant execute on function spor_authenticate to public",
            "functions",
            "run as their owner, and can be led astray: spor_authenticate",
        ),
        (
            "alter function spor_authenticate reset search_path",
            "functions",
            "run as their owner, and can be led astray: spor_authenticate",
        ),
        ("update alembic_version set version_num = '0001'", "revision", "0001, and this program needs {newest}"),
        (
            "alter role spor_app in database {name} set timezone = 'Europe/Oslo'",
            "time zone",
            "the server's is Europe/Oslo",
        ),
    ],
)
def test_what_is_broken_in_the_database_is_found(
    server: EmbeddedServer, place: str, broken: str, check: str, words: str
) -> None:
    assert findings(server, place) == FORGETFUL
    with psycopg.connect(server.conninfo(place, SUPERUSER), autocommit=True) as connection:
        [policy] = connection.execute("select polname from pg_policy where polrelid = 'episodes'::regclass").fetchone()  # type: ignore[misc]
        connection.execute(broken.format(policy=policy, name=place))
    assert findings(server, place) == FORGETFUL | {check: words.format(newest=migrations.newest_revision())}


@pytest.mark.parametrize("role", [OWNER_ROLE, SUPERUSER])
def test_a_role_that_is_too_strong_is_found(server: EmbeddedServer, place: str, role: str) -> None:
    assert findings(server, place, role)["role"].startswith(f"{role} owns tables")


def test_the_command_says_it_a_line_each_and_by_its_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, server: EmbeddedServer, place: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", server.url(place, APP_ROLE))
    code, out, _ = run(capsys, "doctor")
    assert code == 1
    lines = out.splitlines()
    assert "ok      role: spor_app" in lines
    assert any(line.startswith("unsafe  durability: ") and " -- set it to on" in line for line in lines)
    monkeypatch.setattr(doctor, "CHECKS", ())
    monkeypatch.setattr(doctor, "inspect", lambda url: [each for each in inspect(url) if each.check != "durability"])
    assert run(capsys, "doctor")[0] == 0


def test_an_event_that_nobody_seals_is_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, server: EmbeddedServer, place: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", server.url(place, APP_ROLE))
    with closing(Database(server.url(place, APP_ROLE))) as database:
        organisation_id = found_organisation(database, "Storvik")
        with database.work(sealing_scope(organisation_id), Access("read_patient", uuid7())) as work:
            work.saw([uuid4()])
    assert "ok      sealing: " in run(capsys, "doctor")[1]
    with psycopg.connect(server.conninfo(place, SUPERUSER), autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("update audit_events set occurred_at = occurred_at - interval '2 minutes'")
    assert "unsafe  sealing: an event has had no seal for 12" in run(capsys, "doctor")[1]


def test_a_database_that_is_away_is_found(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://spor_app:hunter2@127.0.0.1:{free_port()}/spor")
    code, out, err = run(capsys, "doctor")
    assert code == 1
    assert "unsafe  database: it can't be reached" in out
    assert "hunter2" not in out + err


def test_looking_makes_no_database(capsys: pytest.CaptureFixture[str]) -> None:
    with enterable_folder() as folder:
        code, out, _ = run(capsys, "doctor", "--data-dir", folder / "none")
        assert not (folder / "none").exists()
    assert code == 1
    assert "there is no database in" in out
