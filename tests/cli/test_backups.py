"""`spor backup` and `spor restore`: what was there is there again, and what is damaged is refused."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.db import migrations
from app.db.backup import Manifest, back_up, count_rows
from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.provision import APP_ROLE, DATABASE, OWNER_ROLE
from app.db.session import Database
from app.main import create_app
from app.services.seal_log import SealLog
from app.services.sealing import seal_everything
from tests import programs
from tests.cli.commands import refusal, run
from tests.db.test_migrations import schema
from tests.factories import Caller, Clinic, make_clinic, make_episode, ok, put_weekly
from tests.programs import AUDIT_KEY, enterable_folder


def trajectory(clinic: Clinic, client: TestClient, episode_id: str) -> Any:
    return ok(Caller(client, clinic.therapist.token).get(f"/v1/episodes/{episode_id}/trajectory"))


def without_names(lines: list[str]) -> list[str]:
    """Leave out the names that PostgreSQL writes to the columns of a function that it has read back."""
    return [re.sub(r" AS \w+(?=,?$)", "", line, flags=re.MULTILINE) for line in lines]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with enterable_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def filled(folder: Path) -> tuple[Clinic, str, Any, list[str], dict[str, int]]:
    """A record in a data directory of its own; its server has stopped."""
    with EmbeddedServer(folder / "first", durable=False) as server:
        migrations.upgrade(server.url(DATABASE, OWNER_ROLE))
        database = Database(server.url(DATABASE, APP_ROLE))
        with TestClient(create_app(Settings(), database), base_url="http://spor.test") as client:
            clinic = make_clinic(database, client)
            episode = make_episode(clinic)
            put_weekly(clinic, episode, [17, 15, 12])
            seen = trajectory(clinic, client, episode["id"])
        assert [*seal_everything(database, AUDIT_KEY.encode(), SealLog(None))]
        database.close()
        with psycopg.connect(server.conninfo(DATABASE, OWNER_ROLE)) as connection:
            rows = count_rows(connection)
        return clinic, episode["id"], seen, schema(server, DATABASE), rows


@pytest.fixture(scope="module")
def dump(folder: Path, filled: object) -> Path:
    backups = folder / "backups"
    backups.mkdir()
    ran = programs.spor("backup", backups, "--data-dir", folder / "first")
    assert ran.returncode == 0, ran.stderr
    [made] = backups.glob("spor-*.dump")
    assert sorted(path.name for path in backups.iterdir()) == [made.name, f"{made.name}.json"]
    assert str(made) in ran.stdout
    return made


def test_a_backup_is_for_our_own_eyes_and_says_what_is_in_it(dump: Path, filled: Any) -> None:
    assert {stat.S_IMODE(path.stat().st_mode) for path in (dump, Manifest.path_of(dump))} == {0o600}
    manifest = json.loads(Manifest.path_of(dump).read_text())
    assert manifest["revision"] == migrations.newest_revision()
    assert manifest["rows"] == filled[4]
    assert manifest["rows"]["administrations"] == 3


def test_a_backup_comes_back_whole(capsys: pytest.CaptureFixture[str], folder: Path, dump: Path, filled: Any) -> None:
    clinic, episode_id, seen, tables, rows = filled
    code, out, err = run(capsys, "restore", dump, "--data-dir", folder / "second")
    assert (code, err) == (0, ""), err
    made_at = json.loads(Manifest.path_of(dump).read_text())["made_at"]
    assert f"Next: delete again what was deleted after {made_at}" in out
    assert "Next: spor serve" in out
    assert "Next: spor audit verify, with the SPOR_AUDIT_KEY" in out
    assert not (folder / "second" / "audit.key").exists()
    with EmbeddedServer(folder / "second", durable=False) as server:
        with psycopg.connect(server.conninfo(DATABASE, OWNER_ROLE)) as connection:
            assert count_rows(connection) == rows
        # With its policies and grants.
        assert without_names(schema(server, DATABASE)) == without_names(tables)
        migrations.check(server.url(DATABASE, OWNER_ROLE))
        database = Database(server.url(DATABASE, APP_ROLE))
        database.check_role()
        with psycopg.connect(server.conninfo(DATABASE, APP_ROLE)) as connection:
            assert connection.execute("select count(*) from patients").fetchone() == (0,)
        with TestClient(create_app(Settings(), database), base_url="http://spor.test") as client:
            assert trajectory(clinic, client, episode_id) == seen
    assert "holds a database" in refusal(capsys, "restore", dump, "--data-dir", folder / "second")


@pytest.mark.parametrize(
    ("key", "code", "words"), [(AUDIT_KEY, 0, "everything is as it was sealed."), ("another " * 8, 1, " findings.")]
)
def test_the_audit_that_came_back_is_verified(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, dump: Path, key: str, code: int, words: str
) -> None:
    monkeypatch.setenv("SPOR_AUDIT_KEY", key)
    with enterable_folder() as new:
        left, out, err = run(capsys, "restore", dump, "--data-dir", new / "audited")
    assert (left, err) == (code, "")
    [told] = [line for line in out.splitlines() if line.startswith("Audit: ") and " events under " in line]
    assert told.endswith(words)
    assert " under 0 seals" not in told
    assert "Next: spor audit verify" not in out


def test_a_backup_is_never_written_over_another(capsys: pytest.CaptureFixture[str], folder: Path, dump: Path) -> None:
    before = dump.read_bytes()
    assert "is there already" in refusal(capsys, "backup", dump, "--data-dir", folder / "first")
    assert dump.read_bytes() == before


def damaged(dump: Path, place: Path, change: str) -> Path:
    copy = place / dump.name
    content = bytearray(dump.read_bytes())
    if change == "a bit":
        content[len(content) // 2] ^= 1
    copy.write_bytes(content[:-100] if change == "the end" else content)
    if change != "the manifest":
        Manifest.path_of(copy).write_text(Manifest.path_of(dump).read_text())
    return copy


@pytest.mark.parametrize(
    ("change", "words"),
    [("a bit", "is damaged"), ("the end", "is damaged"), ("the manifest", "the manifest")],
)
def test_a_damaged_backup_is_refused_before_anything_is_made(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, dump: Path, change: str, words: str
) -> None:
    copy = damaged(dump, tmp_path, change)
    assert words in refusal(capsys, "restore", copy, "--data-dir", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def with_manifest(dump: Path, place: Path, **changes: Any) -> Path:
    copy = place / dump.name
    copy.write_bytes(dump.read_bytes())
    manifest = json.loads(Manifest.path_of(dump).read_text()) | changes
    Manifest.path_of(copy).write_text(json.dumps(manifest))
    return copy


def test_a_backup_of_a_later_program_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, dump: Path) -> None:
    copy = with_manifest(dump, tmp_path, revision="9999")
    assert "does not know" in refusal(capsys, "restore", copy, "--data-dir", tmp_path / "new")


def test_rows_that_did_not_come_back_are_found_and_nothing_is_left(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path, dump: Path, filled: Any
) -> None:
    copy = with_manifest(dump, tmp_path, rows=filled[4] | {"patients": 2})
    assert "not all rows came back: patients" in refusal(capsys, "restore", copy, "--data-dir", folder / "third")
    assert not (folder / "third" / "data").exists()


@pytest.fixture
def place(server: EmbeddedServer) -> Iterator[str]:
    name = f"restored_{uuid4().hex}"
    yield name
    with psycopg.connect(server.conninfo("postgres", SUPERUSER), autocommit=True) as connection:
        connection.execute(f'drop database if exists "{name}" with (force)')


def test_a_server_of_one_s_own_is_backed_up_and_restored(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    server: EmbeddedServer,
    clinic: Clinic,
    place: str,
) -> None:
    put_weekly(clinic, make_episode(clinic), [10])
    monkeypatch.setenv("OWNER_DATABASE_URL", server.url("spor", OWNER_ROLE))
    code, _, err = run(capsys, "backup", tmp_path / "ours.dump")
    assert (code, err) == (0, "")
    assert "is not empty" in refusal(capsys, "restore", tmp_path / "ours.dump")
    monkeypatch.setenv("OWNER_DATABASE_URL", server.url(place, OWNER_ROLE))
    monkeypatch.setenv("ADMIN_DATABASE_URL", server.conninfo("postgres", SUPERUSER))
    code, _, err = run(capsys, "restore", tmp_path / "ours.dump")
    assert (code, err) == (0, "")
    assert without_names(schema(server, place)) == without_names(schema(server, "spor"))


def test_a_missing_program_is_one_clear_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: EmbeddedServer
) -> None:
    monkeypatch.setattr("app.db.postgres_programs._PACKAGE", "no_such_package")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("OWNER_DATABASE_URL", server.url("spor", OWNER_ROLE))
    said = refusal(capsys, "backup", tmp_path / "ours.dump")
    assert said == "pg_dump of PostgreSQL 18 or newer is needed: install postgresql-client-18"
    assert [*tmp_path.iterdir()] == []


def test_a_password_is_on_no_command_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: EmbeddedServer
) -> None:
    seen: dict[str, Any] = {}

    def note(command: list[str], **more: Any) -> Any:
        seen.update(command=command, **more)
        raise ZeroDivisionError

    monkeypatch.setattr("app.db.backup._found", lambda program, _: program)
    monkeypatch.setattr("app.db.backup.subprocess.run", note)
    url = server.url("spor", OWNER_ROLE).replace(f"{OWNER_ROLE}@", f"{OWNER_ROLE}:hunter2@")
    with pytest.raises(ZeroDivisionError):
        back_up(url, tmp_path / "ours.dump")
    assert "hunter2" not in " ".join(seen["command"])
    assert seen["env"]["PGPASSWORD"] == "hunter2"
    assert [*tmp_path.iterdir()] == []
