"""Statements, round trips and commits are those that PostgreSQL saw, however the program speaks to it."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from app.db.embedded import SUPERUSER, EmbeddedServer
from benchmarks.proxy import counting
from benchmarks.wire import Conversation, Frames, Tally

INSERT = "insert into counted values (%s)"
Connection = psycopg.Connection


def message(kind: bytes, content: bytes = b"") -> bytes:
    return kind + struct.pack("!I", len(content) + 4) + content


STARTUP = message(b"", b"\x00\x03\x00\x00user\x00a\x00\x00")


def test_messages_are_found_wherever_the_stream_is_cut() -> None:
    stream = STARTUP + message(b"Q", b"select 1\x00") + message(b"S")
    whole = list(Frames(of_client=True).feed(stream))
    assert [kind for kind, _ in whole] == [b"", b"Q", b"S"]
    assert whole[1] == (b"Q", b"select 1\x00")
    frames = Frames(of_client=True)
    assert [each for byte in stream for each in frames.feed(bytes([byte]))] == whole


def test_a_long_message_in_pieces_is_one_round_trip() -> None:
    tally = Tally()
    conversation = Conversation(tally)
    conversation.client_says(STARTUP)
    conversation.server_says(message(b"Z", b"I"))
    sent = message(b"Q", bytes(1000))
    for piece in (sent[:500], sent[500:]):
        conversation.client_says(piece)
        conversation.server_says(message(b"N"))
    assert tally.round_trips == 2


def autocommit(connection: Connection) -> None:
    connection.autocommit = True
    connection.execute(INSERT, [1])


def in_transaction(connection: Connection) -> None:
    connection.execute(INSERT, [1])
    connection.execute(INSERT, [2])
    connection.commit()


def rolled_back(connection: Connection) -> None:
    connection.execute(INSERT, [1])
    connection.rollback()


def refused(connection: Connection) -> None:
    connection.autocommit = True
    with pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("insert into nowhere values (1)")


def failed_and_committed(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("insert into nowhere values (1)")
    connection.commit()  # which rolls back, and says so


def savepoint_rolled_back(connection: Connection) -> None:
    connection.execute(INSERT, [1])
    with connection.transaction(force_rollback=True):
        connection.execute(INSERT, [2])
    connection.commit()


def pipelined(connection: Connection) -> None:
    connection.autocommit = True
    with connection.pipeline():
        connection.execute(INSERT, [1])
        connection.execute(INSERT, [2])


def pipelined_transaction(connection: Connection) -> None:
    connection.execute("select 1")
    with connection.pipeline():
        connection.execute(INSERT, [1])
        connection.execute(INSERT, [2])
    connection.commit()


@pytest.fixture(scope="module")
def counted_table(server: EmbeddedServer) -> Iterator[Connection]:
    with psycopg.connect(server.conninfo("postgres", SUPERUSER), autocommit=True) as connection:
        connection.execute("create table counted (number int)")
        yield connection
        connection.execute("drop table counted")


@pytest.mark.parametrize(
    ("act", "statements", "round_trips", "commits"),
    [
        (autocommit, 1, 1, 1),
        (in_transaction, 4, 4, 1),  # begin, insert, insert, commit
        (rolled_back, 3, 3, 0),
        (refused, 0, 1, 0),
        (failed_and_committed, 2, 3, 0),  # begin and rollback are completed, the insert is not
        (savepoint_rolled_back, 7, 7, 1),  # begin, insert, savepoint, insert, rollback to, release, commit
        (pipelined_transaction, 5, 4, 1),  # begin, select, both inserts together, commit
        (pipelined, 2, 1, 1),  # between two syncs all is one transaction
    ],
    ids=lambda value: value.__name__ if callable(value) else str(value),
)
def test_what_passes_is_counted(
    server: EmbeddedServer,
    counted_table: Connection,
    act: Callable[[Connection], None],
    statements: int,
    round_trips: int,
    commits: int,
) -> None:
    counted_table.execute("truncate counted")
    with tempfile.TemporaryDirectory() as folder, counting(server.socket_directory, Path(folder)) as tally:
        proxied = make_conninfo(server.conninfo("postgres", SUPERUSER), host=folder)
        with psycopg.connect(proxied, prepare_threshold=None) as connection:
            before = tally.copy()
            act(connection)
            found = tally.since(before)
            connection.rollback()
    assert (found.statements, found.round_trips, found.commits) == (statements, round_trips, commits)
    # Every row bears the number of the transaction that wrote it.
    [(writers,)] = counted_table.execute("select count(distinct xmin::text) from counted")
    assert writers == commits
