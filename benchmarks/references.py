"""What a put is held against: a route that only parses, and one that only inserts.

Both are as fast as one would write them with the same framework and driver, so that a ratio flatters nobody:

`parsed`
    takes the body as the real route does (raw JSON, read by `read_submission`), and answers a receipt. It has nothing
    to wait for, so it is a coroutine and saves the hop into a thread.
`inserted`
    does the same, and puts one row of an administration's size into a table with nothing but a primary key:
    one statement that commits itself, prepared, on a connection that stays open; one round trip. Psycopg waits, so it
    makes the hop into a thread, like the real route.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import psycopg
from fastapi import APIRouter, Body

from app.api.schemas.administrations import ReceiptRead, read_submission
from app.config import Settings
from app.db.codes import AdministrationState
from app.services.admission import Submission

TABLE = """
create table bench_inserted (
    id uuid primary key,
    organisation_id uuid not null,
    episode_id uuid not null,
    series_id uuid not null,
    author_id uuid not null,
    completed_at timestamptz not null,
    received_at timestamptz not null,
    instrument text not null,
    instrument_version text not null,
    form text not null,
    state text not null,
    item_states text not null,
    answers smallint[] not null,
    body_hash bytea not null
)
"""
"""The columns of an administration that a put of a PHQ-9 fills."""

_COLUMNS = 14
_INSERT = f"insert into bench_inserted values ({', '.join(['%s'] * _COLUMNS)})"

ReadBody = Annotated[Any, Body()]


def router_of(settings: Settings) -> APIRouter:
    """Make the two routes; the second keeps as many connections as there are threads."""
    router = APIRouter(prefix="/bench")
    pool = _Connections(settings)

    @router.put("/parsed/{administration_id}", status_code=201)
    async def parsed(administration_id: UUID, body: ReadBody) -> ReceiptRead:
        return _receipt(read_submission(administration_id, body))

    @router.put("/inserted/{administration_id}", status_code=201)
    def inserted(administration_id: UUID, body: ReadBody) -> ReceiptRead:
        submission = read_submission(administration_id, body)
        receipt = _receipt(submission)
        with pool.connection() as connection:
            connection.execute(_INSERT, _row(submission, receipt.received_at))
        return receipt

    return router


class _Connections:
    """The simplest pool: connections that commit each statement, made when first needed."""

    def __init__(self, settings: Settings) -> None:
        self._conninfo = str(settings.database_url).replace("postgresql+psycopg://", "postgresql://")
        self._idle: queue.LifoQueue[psycopg.Connection | None] = queue.LifoQueue()
        for _ in range(settings.threads):
            self._idle.put(None)

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        connection = self._idle.get() or psycopg.connect(self._conninfo, autocommit=True)
        try:
            yield connection
        finally:
            self._idle.put(connection)


def _receipt(submission: Submission) -> ReceiptRead:
    return ReceiptRead(id=submission.id, state=AdministrationState.FINAL, received_at=datetime.now(UTC))


_SOMEBODY = UUID(int=0)
_HASH = bytes(32)


def _row(submission: Submission, received_at: datetime) -> list[object]:
    answers = submission.answers
    assert isinstance(answers, dict), "the load sends what can be read"
    return [
        submission.id,
        _SOMEBODY,
        submission.episode_id,
        submission.episode_id,
        _SOMEBODY,
        submission.completed_at,
        received_at,
        submission.instrument,
        "1",
        "standard",
        "final",
        "a" * len(answers),
        list(answers.values()),
        _HASH,
    ]
