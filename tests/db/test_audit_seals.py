"""The seals over the audit: what they cover, who can be found to have changed what, and that nothing slips between."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import errors

from app.db.embedded import EmbeddedServer
from app.db.ids import uuid7
from app.db.models import AuditEvent
from app.db.seals import Seal
from app.db.session import Access, Database
from app.services.audit_seals import canonical, root_hash
from app.services.audit_verification import Finding, Verification
from app.services.organisations import found_organisation
from app.services.seal_log import SealLog, logged_seals
from app.services.sealing import seal_next, sealing_scope, unsealed
from tests.db.conftest import Connection

KEY = b"a key that no database has, 32 long"


@dataclass(frozen=True)
class Audited:
    """An organisation with some requests in its audit."""

    database: Database
    organisation_id: UUID
    log: SealLog

    def request(self, action: str = "read_patient", patients: int = 1) -> None:
        scope = sealing_scope(self.organisation_id)
        with self.database.work(scope, Access(action, uuid7())) as work:
            work.saw(uuid4() for _ in range(patients))

    def seal(self, *, largest: int = 5_000) -> list[Seal]:
        made = []
        while seal := seal_next(self.database, self.organisation_id, KEY, largest=largest):
            self.log.append(seal)
            made.append(seal)
        return made

    def findings(self, key: bytes = KEY) -> list[Finding]:
        verification = Verification(self.database, key)
        found = [*verification.record(self.organisation_id)]
        assert self.log.file is not None
        if self.log.file.exists():
            with self.log.file.open() as lines:
                found += verification.log(logged_seals(lines))
        return found

    def kinds(self) -> list[str]:
        return [each.kind for each in self.findings()]


@pytest.fixture
def audited(database: Database, tmp_path: Path) -> Audited:
    """Four seals, over one to four events; and one event that has none yet."""
    organisation_id = found_organisation(database, "Sealed")
    made = Audited(database, organisation_id, SealLog(tmp_path / "seals.jsonl"))
    for number in range(1, 5):
        for _ in range(number):
            made.request()
        [seal] = made.seal()
        assert (seal.number, seal.events) == (number, number)
    made.request()
    return made


def events(as_owner: Connection, audited: Audited) -> list[dict[str, Any]]:
    return as_owner.execute(
        "select xid::text, id from audit_events where organisation_id = %s order by xid, id", [audited.organisation_id]
    ).fetchall()


# What is sealed


def test_what_was_sealed_is_found_to_be_so(audited: Audited) -> None:
    verification = Verification(audited.database, KEY)
    assert [*verification.record(audited.organisation_id)] == []
    verified = verification.verified[audited.organisation_id]
    assert (verified.seals, verified.events, verified.unsealed) == (4, 10, 1)
    assert verified.oldest_unsealed is not None
    assert abs((datetime.now(UTC) - verified.oldest_unsealed).total_seconds()) < 60
    assert audited.findings() == []


def test_a_seal_can_be_recomputed_by_hand(audited: Audited, as_owner: Connection) -> None:
    """Written down anew, from the columns as the database gives them."""
    [seal] = as_owner.execute(
        "select *, first_xid::text as a, end_xid::text as b from audit_seals where organisation_id = %s and number = 2",
        [audited.organisation_id],
    ).fetchall()
    [before] = as_owner.execute(
        "select seal from audit_seals where organisation_id = %s and number = 1", [audited.organisation_id]
    ).fetchall()
    rows = as_owner.execute(
        "select xid::text, id, organisation_id::text, actor_id::text, service_id::text, request_id::text, role,"
        " purpose, action, patient_ids::text[] as patient_ids, to_char(occurred_at at time zone 'UTC',"
        """ 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as occurred_at"""
        " from audit_events where organisation_id = %s and xid >= %s::xid8 and xid < %s::xid8 order by xid, id",
        [audited.organisation_id, seal["a"], seal["b"]],
    ).fetchall()
    assert len(rows) == 2
    hashes = [hashlib.sha256(json.dumps(row, sort_keys=True, separators=(",", ":")).encode()).digest() for row in rows]
    root = hashlib.sha256(b"".join(hashes)).digest()
    assert root == seal["root_hash"]
    said = {
        "after_id": seal["after_id"],
        "cluster": seal["cluster"],
        "end_xid": int(seal["b"]),
        "epoch": 1,
        "events": 2,
        "first_xid": int(seal["a"]),
        "last_id": rows[-1]["id"],
        "number": 2,
        "organisation_id": str(audited.organisation_id),
        "previous_seal": before["seal"].hex(),
        "root_hash": root.hex(),
        "sealed_at": seal["sealed_at"].astimezone(UTC).isoformat(timespec="microseconds"),
    }
    message = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    assert seal["seal"] == hmac.new(KEY, message, "sha256").digest()


_TEXTS = st.one_of(st.text(), st.integers(), st.none())
_ROWS = st.dictionaries(st.text(min_size=1), _TEXTS, max_size=4)


@given(_ROWS, _ROWS)
def test_rows_that_differ_are_written_differently(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (canonical(one) == canonical(other)) == (one == other)
    assert (root_hash([one, other]) == root_hash([other, one])) == (one == other)


def test_a_column_that_is_added_later_may_be_empty() -> None:
    """The columns of the first seals; each that is added since has to take nulls, so that their hashes stay."""
    first = [
        "organisation_id",
        "xid",
        "id",
        "occurred_at",
        "actor_id",
        "service_id",
        "request_id",
        "role",
        "purpose",
        "action",
        "patient_ids",
    ]
    needed = [column.name for column in AuditEvent.__table__.columns if not column.nullable]
    assert sorted(needed) == sorted(first)


def test_nothing_new_makes_no_seal(audited: Audited) -> None:
    assert audited.organisation_id in unsealed(audited.database)
    [seal] = audited.seal()
    assert seal.events == 1
    assert audited.seal() == []
    assert audited.organisation_id not in unsealed(audited.database)


def test_a_backlog_is_sealed_in_pieces(database: Database, tmp_path: Path) -> None:
    audited = Audited(database, found_organisation(database, "Behind"), SealLog(tmp_path / "log"))
    for _ in range(11):
        audited.request()
    assert [seal.events for seal in audited.seal(largest=4)] == [4, 4, 3]
    assert audited.findings() == []


def test_a_transaction_with_many_events_is_sealed_whole(
    database: Database, as_owner: Connection, tmp_path: Path
) -> None:
    audited = Audited(database, found_organisation(database, "Many"), SealLog(tmp_path / "log"))
    audited.request()
    as_owner.execute(
        "insert into audit_events (organisation_id, actor_id, service_id, request_id, role, purpose, action,"
        " patient_ids) select %(id)s, %(id)s, %(id)s, %(id)s, 'operator', 'operation', 'x', '{}'"
        " from generate_series(1, 7)",
        {"id": audited.organisation_id},
    )
    audited.request()
    assert [seal.events for seal in audited.seal(largest=3)] == [1, 7, 1]
    assert audited.findings() == []


# What is found


TAMPERING = [
    ("update audit_events set action = 'list_patients' where {event}", ["event_changed"]),
    ("update audit_events set actor_id = gen_random_uuid() where {event}", ["event_changed"]),
    ("update audit_events set occurred_at = occurred_at + interval '1 microsecond' where {event}", ["event_changed"]),
    ("update audit_events set patient_ids = '{{}}' where {event}", ["event_changed"]),
    ("delete from audit_events where {event}", ["event_missing"]),
    (
        "insert into audit_events (organisation_id, xid, actor_id, service_id, request_id, role, purpose, action,"
        " patient_ids) select organisation_id, xid, actor_id, service_id, request_id, role, purpose, action,"
        " patient_ids from audit_events where {event}",
        ["event_added"],
    ),
    (
        "insert into audit_events (organisation_id, id, actor_id, service_id, request_id, role, purpose, action,"
        " patient_ids) overriding system value select organisation_id, -id, actor_id, service_id, request_id, role,"
        " purpose, action, patient_ids from audit_events where {event}",
        ["event_outside"],
    ),
    (
        "update audit_events set xid = (select end_xid from audit_seals s where s.organisation_id ="
        " audit_events.organisation_id and number = 3) where {event}",
        ["event_missing", "event_added"],
    ),
    ("update audit_seals set events = events + 1 where {seal}", ["seal_changed"]),
    ("update audit_seals set root_hash = sha256('x') where {seal}", ["seal_changed"]),
    ("update audit_seals set sealed_at = sealed_at - interval '1 day' where {seal}", ["seal_changed"]),
    ("delete from audit_seals where {seal}", ["seal_missing", "seals_cut_off"]),
    ("update audit_seals set seal = sha256('x') where {seal}", ["seal_changed", "seal_order", "log_differs"]),
]


@pytest.mark.parametrize(("command", "kinds"), TAMPERING)
def test_what_a_superuser_changes_is_found(
    command: str, kinds: list[str], audited: Audited, as_owner: Connection
) -> None:
    third = events(as_owner, audited)[4]  # of the ten under four seals, the middle one of seal 3
    own = f"organisation_id = '{audited.organisation_id}'"
    command = command.format(event=f"{own} and id = {third['id']}", seal=f"{own} and number = 3")
    assert as_owner.execute(command).rowcount == 1
    findings = audited.findings()
    assert [each.kind for each in findings] == kinds
    assert all(str(audited.organisation_id) == str(each.organisation_id) and each.text for each in findings)
    if "outside" not in kinds[0] and "cut" not in kinds[-1]:
        assert findings[0].where["seal"] == 3


def test_two_events_that_change_places_are_found(audited: Audited, as_owner: Connection) -> None:
    one, other = events(as_owner, audited)[3:5]
    as_owner.execute(
        "update audit_events set request_id = case id when %(a)s then (select request_id from audit_events where id ="
        " %(b)s) else (select request_id from audit_events where id = %(a)s) end where id in (%(a)s, %(b)s)",
        {"a": one["id"], "b": other["id"]},
    )
    [finding] = audited.findings()
    assert finding.kind == "event_changed"
    assert "under seal 3" in finding.text


def test_two_seals_that_change_places_are_found(audited: Audited, as_owner: Connection) -> None:
    for old, new in ((2, 99), (3, 2), (99, 3)):
        as_owner.execute(
            "update audit_seals set number = %s where organisation_id = %s and number = %s",
            [new, audited.organisation_id, old],
        )
    assert {"seal_changed", "seal_order", "log_differs"} <= set(audited.kinds())


def test_a_tail_that_was_cut_off_is_found_by_the_log(audited: Audited, as_owner: Connection) -> None:
    as_owner.execute(
        "delete from audit_events where organisation_id = %(id)s and xid >="
        " (select first_xid from audit_seals where organisation_id = %(id)s and number = 3)",
        {"id": audited.organisation_id},
    )
    as_owner.execute("delete from audit_seals where organisation_id = %s and number >= 3", [audited.organisation_id])
    [finding] = audited.findings()
    assert finding.kind == "seals_cut_off"
    assert "seals 3 to 4" in finding.text


def test_seals_made_anew_with_another_key_are_found(audited: Audited, as_owner: Connection) -> None:
    as_owner.execute("delete from audit_seals where organisation_id = %s", [audited.organisation_id])
    while seal_next(audited.database, audited.organisation_id, b"what the attacker thinks of"):
        pass
    assert {"seal_changed", "log_differs"} <= set(audited.kinds())


def test_a_log_that_lacks_seals_is_no_finding(audited: Audited) -> None:
    assert audited.log.file is not None
    lines = audited.log.file.read_text().splitlines(keepends=True)
    audited.log.file.write_text("".join([*lines[:1], "not JSON: audit sealed\n", lines[2], lines[3][:40]]))
    [finding] = audited.findings()
    assert (finding.kind, finding.is_notice) == ("not_in_log", True)
    assert "2 seals" in finding.text


# The application's role


@pytest.mark.parametrize("table", ["audit_events", "audit_seals"])
@pytest.mark.parametrize(
    "command", ["update {} set organisation_id = organisation_id", "delete from {}", "truncate {}"]
)
def test_the_application_changes_neither_events_nor_seals(
    command: str, table: str, audited: Audited, as_app: Connection
) -> None:
    as_app.execute("select set_config('spor.organisation', %s, false)", [str(audited.organisation_id)])
    assert as_app.execute(f"select count(*) from {table}").fetchone() != {"count": 0}
    with pytest.raises(errors.InsufficientPrivilege):
        as_app.execute(command.format(table))


def test_the_application_sees_who_has_something_to_seal_and_no_more(audited: Audited, as_app: Connection) -> None:
    cursor = as_app.execute("select * from spor_unsealed()")
    assert cursor.description is not None
    assert [column.name for column in cursor.description] == ["organisation_id"]
    assert {"organisation_id": audited.organisation_id} in cursor.fetchall()
    assert as_app.execute("select count(*) from audit_events").fetchone() == {"count": 0}


# Transactions that overlap


@pytest.fixture
def other_connection(server: EmbeddedServer) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server.conninfo("spor", "spor_app")) as connection:
        yield connection
        connection.rollback()


def test_a_transaction_that_ends_after_a_later_seal_is_not_lost(
    audited: Audited, other_connection: psycopg.Connection[Any]
) -> None:
    audited.seal()
    # One request takes its transaction's number and goes on; a later one comes and ends.
    other_connection.execute("select set_config('spor.organisation', %s, true)", [str(audited.organisation_id)])
    other_connection.execute(
        "insert into audit_events (organisation_id, actor_id, service_id, request_id, role, purpose, action,"
        " patient_ids) values (%(id)s, %(id)s, %(id)s, %(id)s, 'operator', 'operation', 'slow', '{}')",
        {"id": audited.organisation_id},
    )
    audited.request("quick")
    # What came later is not sealed before what came earlier has ended, else the earlier one would have no place.
    assert audited.seal() == []
    assert audited.organisation_id in unsealed(audited.database)
    other_connection.commit()
    [seal] = audited.seal()
    assert seal.events == 2
    assert audited.findings() == []


def test_two_sealers_make_one_chain(audited: Audited, server: EmbeddedServer) -> None:
    """The second passes by an organisation that the first has in hand, and neither waits."""
    with psycopg.connect(server.conninfo("spor", "spor_app")) as first:
        first.execute(
            "select pg_try_advisory_xact_lock(hashtextextended('audit_seals ' || %s, 0))",
            [str(audited.organisation_id)],
        )
        assert audited.seal() == []
        first.rollback()
    assert len(audited.seal()) == 1
