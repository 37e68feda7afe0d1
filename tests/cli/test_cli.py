"""The command line: one clear line for what goes wrong, exit code 2, and nothing left running."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from app.cli import main
from app.db import migrations
from app.db.embedded import EmbeddedServer
from app.db.provision import provision
from tests import programs
from tests.programs import enterable_folder, free_port, serving


@dataclass(frozen=True)
class Ran:
    """What a command said, and how it ended."""

    code: object
    out: str
    err: str

    @property
    def refusal(self) -> str:
        """The one line of a command that was refused."""
        assert (self.code, self.out) == (2, ""), self
        [line] = self.err.splitlines()
        assert line.startswith("spor: ")
        return line


Spor: TypeAlias = Callable[..., Ran]


@pytest.fixture
def spor(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Spor]:
    """Run commands in this process, which saves the seconds that a new one takes to import everything."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for name in programs.settings_in_environment():
        monkeypatch.delenv(name)

    def run(*arguments: object, **settings: str) -> Ran:
        with monkeypatch.context() as environment:
            if "DATABASE_URL" in settings:
                environment.setenv("SPOR_AUDIT_KEY", programs.AUDIT_KEY)
            for name, value in settings.items():
                environment.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main([str(each) for each in arguments])
        said = capsys.readouterr()
        return Ran(ended.value.code, said.out, said.err)

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def folder() -> Iterator[Path]:
    with enterable_folder() as folder:
        yield folder


@pytest.fixture
def fresh_database(server: EmbeddedServer) -> str:
    """Give the name of a database with the roles' rights and no tables."""
    name = f"fresh_{uuid4().hex}"
    provision(server.conninfo("postgres", "postgres"), name)
    return name


def test_help_names_the_commands(spor: Spor) -> None:
    said = spor("--help").out
    commands = ("serve", "run", "demo", "openapi", "access", "settings", "db", "organisation", "curve")
    assert all(f"\n  {command} " in said for command in commands)
    assert "--port" in spor("run", "--help").out


def test_an_unknown_option_is_refused(spor: Spor) -> None:
    ran = spor("serve", "--prot", "1")
    assert ran.code == 2
    assert "No such option: --prot" in ran.err


def test_a_port_in_use_is_refused_before_anything_is_started(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = programs.spor("serve", "--port", port, "--data-dir", folder / "data")
    assert f"port {port} is in use" in Ran(ran.returncode, ran.stdout, ran.stderr).refusal
    assert not (folder / "data").exists()


@pytest.mark.parametrize("host", ["203.0.113.1", "nowhere.invalid"])
def test_an_address_that_is_not_ours_is_refused(host: str, spor: Spor, folder: Path) -> None:
    assert f"can't listen on {host}" in spor("serve", "--host", host, "--data-dir", folder).refusal


@pytest.mark.parametrize(("name", "value"), [("SPOR_PORT", "eight"), ("SPOR_THREADS", "0")])
def test_a_setting_that_is_none_is_refused(name: str, value: str, spor: Spor) -> None:
    assert f"the setting {name.removeprefix('SPOR_').lower()} is wrong" in spor("serve", **{name: value}).refusal


def test_a_data_directory_in_use_is_refused(spor: Spor, server: EmbeddedServer) -> None:
    ran = spor("serve", "--port", free_port(), "--data-dir", server.root)
    assert f"in use by process {os.getpid()}" in ran.refusal


def test_a_database_that_does_not_answer_is_refused(spor: Spor) -> None:
    url = f"postgresql+psycopg://spor_app@127.0.0.1:{free_port()}/spor"
    assert "Connection refused" in spor("serve", "--port", free_port(), DATABASE_URL=url).refusal


def test_a_database_at_another_revision_is_refused(spor: Spor, server: EmbeddedServer, fresh_database: str) -> None:
    ran = spor("serve", "--port", free_port(), DATABASE_URL=server.url(fresh_database, "spor_app"))
    assert "the database is at revision base" in ran.refusal
    assert "spor db upgrade" in ran.refusal


def test_a_role_that_sees_every_organisation_is_refused(
    spor: Spor, server: EmbeddedServer, fresh_database: str
) -> None:
    owner = server.url(fresh_database, "spor_owner")
    migrations.upgrade(owner)
    assert "connect as spor_app" in spor("serve", "--port", free_port(), DATABASE_URL=owner).refusal


def test_an_upgrade_needs_the_owner(spor: Spor, server: EmbeddedServer, fresh_database: str) -> None:
    ran = spor("db", "upgrade", DATABASE_URL=server.url(fresh_database, "spor_app"))
    assert "OWNER_DATABASE_URL" in ran.refusal


def test_the_database_is_upgraded_checked_and_downgraded(
    spor: Spor, server: EmbeddedServer, fresh_database: str
) -> None:
    settings = {"OWNER_DATABASE_URL": server.url(fresh_database, "spor_owner")}
    newest = migrations.newest_revision()
    assert "at revision base" in spor("db", "check", **settings).refusal
    assert spor("db", "upgrade", **settings).out == f"The database is at revision {newest}.\n"
    assert f"at revision {newest}" in spor("db", "check", **settings).out
    assert spor("db", "downgrade", "base", **settings).out == "The database is at revision base.\n"


def test_a_database_is_provisioned(spor: Spor, server: EmbeddedServer) -> None:
    name = f"operators_{uuid4().hex}"
    admin = server.conninfo("postgres", "postgres")
    for _ in range(2):
        ran = spor("db", "provision", "--database", name, ADMIN_DATABASE_URL=admin)
        assert ran.code == 0, ran.err
    with psycopg.connect(server.conninfo(name, "spor_app")) as connection:
        assert connection.execute("select current_user").fetchone() == ("spor_app",)


def test_provisioning_sets_passwords_that_let_the_roles_in(spor: Spor, server: EmbeddedServer) -> None:
    name = f"operators_{uuid4().hex}"
    admin = server.conninfo("postgres", "postgres")
    try:
        given = {"SPOR_OWNER_PASSWORD": "correct horse battery", "SPOR_APP_PASSWORD": "staple battery horse"}
        said = spor("db", "provision", "--database", name, ADMIN_DATABASE_URL=admin, **given).out
        assert "No password was set" not in said
        assert not any(password in said for password in given.values())
        with psycopg.connect(admin) as connection:
            kept: dict[str, str] = dict(
                connection.execute("select rolname, rolpassword from pg_authid where rolname like 'spor_%'").fetchall()
            )
        assert accepts(kept["spor_owner"], given["SPOR_OWNER_PASSWORD"])
        assert accepts(kept["spor_app"], given["SPOR_APP_PASSWORD"])
        assert not accepts(kept["spor_app"], given["SPOR_OWNER_PASSWORD"])
        assert "No password was set for spor_app." in spor("db", "provision", ADMIN_DATABASE_URL=admin).out
        with psycopg.connect(admin) as connection:
            again = connection.execute("select rolpassword from pg_authid where rolname = 'spor_app'").fetchone()
        assert again == (kept["spor_app"],)
    finally:
        with psycopg.connect(admin) as connection:
            connection.execute("alter role spor_owner password null; alter role spor_app password null")


def accepts(verifier: str, password: str) -> bool:
    """Check a password as RFC 5803 and RFC 5802 have it: the stored key is the hash of the client key."""
    iterations, salt, stored = re.fullmatch(r"SCRAM-SHA-256[$](\d+):([^$]+)[$]([^:]+):.+", verifier).groups()  # type: ignore[union-attr]
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return hashlib.sha256(client_key).digest() == base64.b64decode(stored)


def test_a_password_that_is_too_short_is_refused_without_showing_it(spor: Spor) -> None:
    refused = spor("db", "provision", ADMIN_DATABASE_URL="host=/nowhere", SPOR_APP_PASSWORD="hunter2").refusal
    assert "the setting app_password is wrong" in refused
    assert "hunter2" not in refused


def test_an_organisation_is_founded(spor: Spor, server: EmbeddedServer, fresh_database: str) -> None:
    migrations.upgrade(server.url(fresh_database, "spor_owner"))
    ran = spor("organisation", "found", "Storvik", DATABASE_URL=server.url(fresh_database, "spor_app"))
    with psycopg.connect(server.conninfo(fresh_database, "spor_owner")) as connection:
        found = connection.execute(
            "select o.id, o.name, s.mode from organisations o join organisation_settings s on s.organisation_id = o.id"
        ).fetchall()
    assert found == [(UUID(ran.out.strip()), "Storvik", "record")]


def test_the_openapi_document_is_printed(spor: Spor) -> None:
    document = json.loads(spor("openapi").out)
    assert document["openapi"] == "3.1.0"
    assert "/v1/administrations/{administration_id}" in document["paths"]


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_server_and_database(sign: signal.Signals, folder: Path) -> None:
    port = free_port()
    with serving("serve", "--port", port, "--data-dir", folder / "data") as (program, said):
        assert said == f"Spor answers at http://127.0.0.1:{port}"
        assert httpx.get(f"http://127.0.0.1:{port}/v1/caseload").status_code == 401
        program.send_signal(sign)
        assert program.wait(30) == 0
    assert not (folder / "data" / "data" / "postmaster.pid").exists()


def test_an_address_that_is_none_of_postgresqls_is_one_line(spor: Spor) -> None:
    refused = spor("serve", "--port", free_port(), DATABASE_URL="foo")
    assert refused.refusal.startswith("spor: the setting DATABASE_URL is wrong")
