"""Bugs that are planted on purpose, each as small as a slip of somebody who rewrites the service.

Three are planted in the database, where the record is what it is however the service is written: a trigger that drops
or changes rows. The others replace one function: `used_scores` of app.services.placing, `assess_all` as
app.services.verdicts knows it, and `receipt_read` as app.api.routes.administrations does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from app.api.routes import administrations as routes
from app.db.embedded import EmbeddedServer
from app.services import placing, verdicts
from tests.machine.questionnaires import QUESTIONNAIRES

Planting = Callable[[EmbeddedServer], AbstractContextManager[None]]


def _trigger(events: str, table: str, body: str) -> Planting:
    """Let a trigger do something to each row before it is written."""

    @contextmanager
    def planted(server: EmbeddedServer) -> Iterator[None]:
        with psycopg.connect(server.conninfo("spor", "spor_owner"), autocommit=True) as owner:
            function = f"create function planted() returns trigger language plpgsql as $$ begin {body} end $$"
            owner.execute(function.encode())
            owner.execute(
                f"create trigger planted before {events} on {table} for each row execute function planted()".encode()
            )
            try:
                yield
            finally:
                owner.execute("drop function planted cascade")

    return planted


def _without_cause(cause: str) -> Planting:
    return _trigger("insert", "progress", f"if new.cause = '{cause}' then return null; end if; return new;")


def _replaced(module: object, name: str, slip: Callable[[Any], Callable[..., Any]]) -> Planting:
    """Put a function in the place of another, which it is given."""

    @contextmanager
    def planted(_: EmbeddedServer) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, name, slip(getattr(module, name)))
            yield

    return planted


def _counts_the_first_version(used_scores: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    first: dict[UUID, float] = {}

    def slipped(*arguments: Any) -> list[Any]:
        return [replace(each, score=first.setdefault(each.id, each.score)) for each in used_scores(*arguments)]

    return slipped


def _counts_what_was_set_aside(used_scores: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    def slipped(record: Any, series_id: UUID) -> list[Any]:
        set_aside = [
            replace(each, score=sum(code or 0 for code in each.answers[: QUESTIONNAIRES[each.instrument].scored]))
            for each in record.administrations
            if each.series_id == series_id and each.state == "needs_clarification" and each.answers
        ]
        return [*used_scores(record, series_id), *set_aside]

    return slipped


def _looks_ahead(assess_all: Callable[..., Sequence[Sequence[Any]]]) -> Callable[..., list[list[Any]]]:
    def slipped(*arguments: Any) -> list[list[Any]]:
        return [
            [replace(each, probabilities=of_course[-1].probabilities) for each in of_course]
            for of_course in assess_all(*arguments)
        ]

    return slipped


def _tells_the_time_again(receipt_read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    told: set[UUID] = set()

    def slipped(receipt: Any) -> Any:
        read = receipt_read(receipt)
        again = receipt.id in told
        told.add(receipt.id)
        return read.model_copy(update={"received_at": datetime.now(UTC)}) if again else read

    return slipped


BUGS: Mapping[str, tuple[Planting, str]] = {
    "later verdicts are not issued anew after a late answer": (_without_cause("late_answer"), "verdict"),
    "an attendance issues nothing anew": (_without_cause("attendance"), "verdict"),
    "a missed session counts as dose": (
        _trigger(
            "insert or update",
            "attendances",
            "if new.outcome = 'no_show' then new.outcome := 'attended'; end if; return new;",
        ),
        "dose|counted_sessions",
    ),
    "a correction counts under the old score": (_replaced(placing, "used_scores", _counts_the_first_version), "score"),
    "what was set aside is used": (
        _replaced(placing, "used_scores", _counts_what_was_set_aside),
        "observations|score",
    ),
    "a verdict looks ahead": (_replaced(verdicts, "assess_all", _looks_ahead), "probability"),
    "a repeated put gets a new receipt": (_replaced(routes, "receipt_read", _tells_the_time_again), "receipt"),
}
"""Each with a word of what gives it away."""
