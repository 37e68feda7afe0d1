"""Nothing of a patient, and no token, in the log at debug, in the metrics or in a problem document."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from fastapi.testclient import TestClient

from app.cli.logs import JsonLines, TextLines
from app.config import Settings
from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.session import Database
from app.main import create_app
from tests.factories import NAMES, Caller, administration, make_clinic, make_record, ok, phq_9

MARK = "Zmarked7261"
"""Stands in what is given: a reference, words of a goal, a name, a query, a path, a token."""


class Kept(logging.Handler):
    """What would be written, in both shapes."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("httpx"):  # the tests' own client
            return
        self.lines += [JsonLines().format(record), TextLines().format(record)]


@contextmanager
def everything_logged() -> Iterator[list[str]]:
    handler, root = Kept(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield handler.lines
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def ask_everything(callers: list[Caller], record: dict[str, str]) -> tuple[list[str], set[int]]:
    """Ask every route with marks in all that can be given; give the problem documents, and the statuses."""
    document = ok(callers[0].get("/v1/openapi.json"))
    form = administration({"id": record["episode_id"]}, phq_9(9)) | {"answers": {MARK: MARK, "9": 2}}
    bodies = [
        {"reference": MARK, "birth_month": MARK, "words": MARK, "name": MARK, "label": MARK, "answers": {MARK: MARK}},
        form,
        {"administrations": [form | {"id": str(uuid4())}]},
    ]
    problems, statuses = [], set()
    for path, methods in document["paths"].items():
        for method in methods:
            ids = {**record, **NAMES, "administration_id": str(uuid4())}
            for address in (path.format(**ids), path.format(**dict.fromkeys(ids, MARK)) + f"?informant={MARK}"):
                for caller in callers:
                    for body in [None] if method == "get" else bodies:
                        answer = caller.request(method.upper(), address, json=body, headers={"If-Match": MARK})
                        statuses.add(answer.status_code)
                        if answer.status_code >= 400 and "problem" in answer.headers["content-type"]:
                            problems.append(answer.text)
    return problems, statuses


@pytest.mark.parametrize("broken", [False, True], ids=["as it is", "with a broken function"])
def test_nothing_given_is_told_elsewhere(
    server: EmbeddedServer, database: Database, client: TestClient, broken: bool
) -> None:
    clinic = make_clinic(database, client)
    record = make_record(clinic)
    app = create_app(Settings(metrics_token="the-token-of-prometheus"), database)
    asking = TestClient(app, base_url="http://spor.test", raise_server_exceptions=False)
    good = [Caller(asking, each.token) for each in (clinic.therapist, clinic.tablet)]
    callers = [*good, Caller(asking, f"spor_{MARK}")]

    with everything_logged() as lines:
        if broken:
            ok(good[0].get("/v1/openapi.json"))  # the document is asked for first, and its callers are known
            with psycopg.connect(server.conninfo("spor", SUPERUSER), autocommit=True) as connection:
                connection.execute("alter table episodes rename column opened_at to away")
                try:
                    problems, statuses = ask_everything(callers, record)
                finally:
                    connection.execute("alter table episodes rename column away to opened_at")
        else:
            problems, statuses = ask_everything(callers, record)
        metrics = asking.get("/metrics", headers={"Authorization": "Bearer the-token-of-prometheus"}).text
    assert {401, 403, 404, 422} <= statuses
    assert (500 in statuses) is broken
    assert len(lines) > 100
    marks = [MARK, *(caller.token for caller in callers), "the-token-of-prometheus"]
    found = {mark: text[:300] for mark in marks for text in (*lines, metrics) if mark in text}
    assert found == {}
    assert [text[:300] for text in problems if any(mark in text for mark in marks if mark != MARK)] == []
    said = [text[:300] for text in problems if MARK in text and '"pointer"' not in text]
    assert said == []  # a pointer names the caller's own field, and nothing else does
