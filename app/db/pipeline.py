"""Statements in one round trip: prepared once on each connection, sent together, answered together.

Psycopg's own pipeline speaks to the server anew, and hands Python's lock over, for each statement that it sends; with
several threads at work, each time is a wait. Here all of them leave in one go, by the same driver's interface to libpq.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from select import POLLIN, POLLOUT, poll
from typing import Any, TypeAlias

import psycopg
import psycopg.abc
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.types.json import set_json_loads
from pydantic_core import from_json

Rows: TypeAlias = Sequence[tuple[Any, ...]]

_NAMED = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as PostgreSQL is to prepare it.

    Parameters
    ----------
    sql : bytes
        With `$1`, `$2` … where parameters belong; PostgreSQL finds out their types.
    parameters : tuple of str
        Their names, in that order.
    name : bytes
        What it is prepared as: the same for the same words, in every process.
    """

    sql: bytes
    parameters: tuple[str, ...]
    name: bytes


def statement(sql: str) -> Statement:
    """Give a statement whose parameters stand in it as `%(name)s`, without the spaces that only serve the reader."""
    names = tuple(dict.fromkeys(_NAMED.findall(sql)))
    numbered = _NAMED.sub(lambda found: f"${names.index(found[1]) + 1}", " ".join(sql.split())).encode()
    return Statement(numbered, names, b"spor_" + sha256(numbered).hexdigest()[:16].encode())


Sent: TypeAlias = tuple[Statement, Mapping[str, Any]]
"""A statement with its parameters' values."""

_BEGIN = b"begin"


@dataclass(slots=True)
class Pipeline:
    """Sends statements over one connection of the driver, and remembers which of them are prepared on it.

    Where a pooler gives each transaction another connection and knows nothing of what is prepared on which, nothing
    is prepared (`prepares`): each statement is sent with its words, in the same one round trip.
    """

    driver: psycopg.Connection[Any]
    prepares: bool = True
    _prepared: set[bytes] = field(default_factory=set)
    _transformer: psycopg.abc.Transformer = field(init=False)

    def __post_init__(self) -> None:
        set_json_loads(from_json, self.driver)  # what a record is read as, in half of the time
        self._transformer = Transformer(self.driver)

    def send(self, *statements: Sent) -> list[Rows]:
        """Send statements together and give the rows of each; each sees what those before it did.

        Where no transaction is under way, one is begun with them.

        Raises
        ------
        psycopg.Error
            If one of them fails; those after it are not carried out, and the transaction has failed.
        """
        written = [(each, self._written(each, values)) for each, values in statements]
        new = {each.name: each.sql for each, _ in statements if self.prepares and each.name not in self._prepared}
        connection = self.driver.pgconn
        connection.enter_pipeline_mode()
        try:
            begins = connection.transaction_status == TransactionStatus.IDLE
            if begins:
                connection.send_query_params(b"begin", None)
            for name, sql in new.items():
                connection.send_prepare(name, sql)
            for each, values in written:
                if self.prepares:
                    connection.send_query_prepared(each.name, values)
                else:
                    connection.send_query_params(each.sql, values)
            connection.pipeline_sync()
            results = _results(connection)
        finally:
            if connection.status == ConnStatus.OK:
                connection.exit_pipeline_mode()
        of_prepared = zip(new, results[begins:], strict=False)
        self._prepared.update(name for name, result in of_prepared if result.status == ExecStatus.COMMAND_OK)
        for result in results:
            if result.status == ExecStatus.FATAL_ERROR:
                raise psycopg.errors.error_from_result(result)
        return [self._rows(result) for result in results[-len(statements) :]]

    def _written(self, asked: Statement, values: Mapping[str, Any]) -> Sequence[psycopg.abc.Buffer | None]:
        given = [values[name] for name in asked.parameters]
        return self._transformer.dump_sequence(given, [PyFormat.TEXT] * len(given))

    def _rows(self, result: PGresult) -> Rows:
        if not result.nfields:
            return ()
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, tuple)


def _results(connection: PGconn) -> list[PGresult]:
    """Read the answers up to the synchronisation: one to each thing that was sent."""
    results: list[PGresult] = []
    while True:
        _await_answer(connection)
        result = connection.get_result()
        if result is None:  # what ends the answer to each statement
            continue
        if result.status == ExecStatus.PIPELINE_SYNC:
            return results
        results.append(result)


def _await_answer(connection: PGconn) -> None:
    """Wait until an answer is whole. What the network has not taken yet leaves meanwhile."""
    if not connection.is_busy():
        return
    waiting = poll()
    waiting.register(connection.socket, POLLIN | POLLOUT if connection.flush() else POLLIN)
    while connection.is_busy():
        waiting.poll()
        connection.consume_input()
        waiting.modify(connection.socket, POLLIN | POLLOUT if connection.flush() else POLLIN)
