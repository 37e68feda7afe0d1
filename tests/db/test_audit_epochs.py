"""A dump that is restored into another server: transactions are counted anew, and the audit goes on in a new epoch."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from app.db import migrations
from app.db.embedded import EmbeddedServer
from app.db.postgres_programs import ServerAccount, programs_for
from app.db.provision import OWNER_ROLE
from app.db.session import Database
from app.services.organisations import found_organisation
from app.services.seal_log import SealLog
from tests.db.test_audit_seals import Audited
from tests.programs import enterable_folder


@pytest.fixture
def busy() -> Iterator[EmbeddedServer]:
    """A server that has counted many transactions before."""
    with enterable_folder() as folder, EmbeddedServer(folder / "busy", durable=False) as server:
        migrations.upgrade(server.url("spor", OWNER_ROLE))
        burn(server, 3_000)
        yield server


@pytest.fixture
def fresh() -> Iterator[EmbeddedServer]:
    """A server that has just been made."""
    with enterable_folder() as folder, EmbeddedServer(folder / "fresh", durable=False) as server:
        yield server


def burn(server: EmbeddedServer, transactions: int) -> None:
    with psycopg.connect(server.conninfo("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(
            f"do $$ begin for n in 1..{transactions} loop perform pg_current_xact_id(); commit; end loop; end $$"
        )


def next_transaction(server: EmbeddedServer) -> int:
    with psycopg.connect(server.conninfo("spor", OWNER_ROLE)) as connection:
        row = connection.execute("select pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()
    assert row is not None
    return int(row[0])


def dump_and_restore(source: EmbeddedServer, target: EmbeddedServer, folder: Path) -> None:
    programs = programs_for(ServerAccount.choose(), source.root, durable=False)
    file = folder / "spor.dump"
    with file.open("wb") as written:
        command = [str(programs / "pg_dump"), "--format=custom", source.conninfo("spor", OWNER_ROLE)]
        subprocess.run(command, stdout=written, check=True)
    options = ["--no-owner", "--exit-on-error", "--single-transaction", "-d", target.conninfo("spor", OWNER_ROLE)]
    with file.open("rb") as read:
        subprocess.run([str(programs / "pg_restore"), *options], stdin=read, check=True)


@pytest.mark.parametrize("unsealed", [0, 3])
def test_a_restored_dump_goes_on_in_a_new_epoch(
    unsealed: int, busy: EmbeddedServer, fresh: EmbeddedServer, tmp_path: Path
) -> None:
    log = SealLog(tmp_path / "seals.jsonl")
    with closing(Database(busy.url("spor", "spor_app"))) as database:
        before = Audited(database, found_organisation(database, "Moved"), log)
        for _ in range(5):
            before.request()
        [last] = before.seal()
        for _ in range(unsealed):  # the last second before the dump
            before.request()
        dump_and_restore(busy, fresh, tmp_path)
        before.request("after the dump")
        assert [seal.events for seal in before.seal()] == [unsealed + 1]

    assert next_transaction(fresh) < last.end_xid, "else this proves nothing"
    with closing(Database(fresh.url("spor", "spor_app"))) as database:
        after = Audited(database, before.organisation_id, log)
        after.request("the first in the new server, before the sealer has looked")
        made = after.seal()
        assert [(seal.epoch, seal.events) for seal in made] == ([(2, 3), (3, 1)] if unsealed else [(2, 1)])
        after.request()
        after.request()
        assert [(seal.epoch, seal.events) for seal in after.seal()] == [(made[-1].epoch, 2)]
        found = after.findings()
        # What was sealed after the dump is in the log and not in the database: that is said, and is no finding.
        assert [(each.kind, each.is_notice) for each in found] == [("epoch", True), ("lost_in_restore", True)]
        assert "restored" in found[0].text

        # Tampering is found on both sides of the boundary, and at it.
        with psycopg.connect(fresh.conninfo("spor", OWNER_ROLE), autocommit=True) as owner:
            ids = [row[0] for row in owner.execute("select id from audit_events order by id")]
            for event_id in (ids[0], ids[4 + unsealed], ids[-1]):
                owner.execute("update audit_events set role = 'therapist' where id = %s", [event_id])
                assert "event_changed" in after.kinds()
                owner.execute("update audit_events set role = 'operator' where id = %s", [event_id])
            owner.execute(
                "insert into audit_events (organisation_id, xid, id, actor_id, service_id, request_id, role, purpose,"
                " action, patient_ids) overriding system value select organisation_id, '9000000', 0, actor_id,"
                " service_id, request_id, role, purpose, action, patient_ids from audit_events limit 1"
            )
            assert "event_outside" in after.kinds()


def test_a_dump_with_no_seals_yet_is_sealed_whole(busy: EmbeddedServer, fresh: EmbeddedServer, tmp_path: Path) -> None:
    log = SealLog(tmp_path / "seals.jsonl")
    with closing(Database(busy.url("spor", "spor_app"))) as database:
        before = Audited(database, found_organisation(database, "Moved"), log)
        for _ in range(4):
            before.request()
        dump_and_restore(busy, fresh, tmp_path)
    with closing(Database(fresh.url("spor", "spor_app"))) as database:
        after = Audited(database, before.organisation_id, log)
        after.request()
        assert [(seal.epoch, seal.events) for seal in after.seal()] == [(1, 4), (2, 1)]
        assert after.kinds() == []


def test_a_server_that_has_counted_further_seals_what_came_with_the_dump(
    busy: EmbeddedServer, fresh: EmbeddedServer, tmp_path: Path
) -> None:
    """The other way round: the numbers of the dump are all in the past of the new server."""
    migrations.upgrade(fresh.url("spor", OWNER_ROLE))
    log = SealLog(tmp_path / "seals.jsonl")
    with closing(Database(fresh.url("spor", "spor_app"))) as database:
        before = Audited(database, found_organisation(database, "Moved"), log)
        before.request()
        before.seal()
        before.request()
    with psycopg.connect(busy.conninfo("spor", OWNER_ROLE), autocommit=True) as owner:
        owner.execute("drop owned by spor_owner cascade")
        owner.execute("create schema if not exists public")
    with psycopg.connect(busy.conninfo("postgres", "postgres"), dbname="spor", autocommit=True) as admin:
        admin.execute("alter schema public owner to pg_database_owner; grant usage on schema public to spor_app")
    dump_and_restore(fresh, busy, tmp_path)
    with closing(Database(busy.url("spor", "spor_app"))) as database:
        after = Audited(database, before.organisation_id, log)
        after.request()
        assert [(seal.epoch, seal.events) for seal in after.seal()] == [(2, 2)]
        assert after.kinds() == ["epoch"]
