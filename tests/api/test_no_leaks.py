"""Nothing of a patient, and no token, in the log at debug, in the metrics or in a problem document."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.cli.logs import JsonLines, TextLines
from app.config import Settings
from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.session import Database
from app.main import create_app
from tests.factories import NAMES, START, Caller, Clinic, administration, make_clinic, make_record, ok, phq_9

MARK = "Zmarked7261"
"""Stands in what is given: a reference, words of a goal, a name, a query, a path, a token."""

MARKED = re.compile(rf"{MARK}-\w+")


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


# What is stored, and read back


def marked(what: str) -> str:
    return f"{MARK}-{what}"


def store_marks(clinic: Clinic, therapist: Caller, record: dict[str, str]) -> list[Response]:
    """Store a mark wherever somebody's own words can be, each through its route."""
    lead, administrator = (Caller(therapist.client, each.token) for each in (clinic.lead, clinic.administrator))
    patient, episode = f"/v1/patients/{record['patient_id']}", f"/v1/episodes/{record['episode_id']}"
    form = administration({"id": record["episode_id"]}, phq_9(9)) | {"answers": {marked("answer"): 3, "9": 2}}
    known = {"birth_month": "1990-05-01", "language": "nb"}
    return [
        therapist.post("/v1/patients", known | {"reference": marked("reference")}),
        therapist.post(f"{patient}/informants", {"role": "parent", "label": marked("label")}),
        therapist.post(f"{episode}/goals", {"place": 3, "words": marked("words"), "set_at": START.isoformat()}),
        therapist.put(f"/v1/administrations/{uuid4()}", form),
        therapist.request(
            "POST",
            f"/v1/risk-alerts/{record['alert_id']}/acknowledgement",
            json={"assessment": marked("assessment")},
            headers={"If-Match": '"1"'},
        ),
        administrator.post(f"{patient}/legal-holds", {"reason": marked("reason")}),
        lead.post("/v1/devices", {"label": marked("device")}),
        administrator.post("/v1/services", {"name": marked("service")}),
        administrator.post(
            "/v1/users",
            {"display_name": marked("name"), "role": "therapist", "service_id": str(clinic.service_id)},
        ),
    ]


def read_everything(callers: list[Caller], record: dict[str, str]) -> list[Response]:
    """Read every route that has something to read, as each of the callers."""
    document = ok(callers[0].get("/v1/openapi.json"))
    ids = {**record, **NAMES}
    paths = [path.format(**ids) for path, methods in document["paths"].items() if "get" in methods]
    return [caller.get(path) for caller in callers for path in paths if path != "/v1/openapi.json"]


def failing_function(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A function of the database that fails and quotes the row at hand."""
    with psycopg.connect(server.conninfo("spor", SUPERUSER), autocommit=True) as connection:
        connection.execute(
            "create function quotes() returns trigger language plpgsql as"
            " $$ begin raise exception 'wrong: %', to_jsonb(new) using detail = new.words; end $$"
        )
        connection.execute("create trigger quotes before insert on goals for each row execute function quotes()")
        try:
            yield
        finally:
            connection.execute("drop trigger quotes on goals")
            connection.execute("drop function quotes()")


def wrong_route(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A mistake of ours in a route, whose error quotes what was given."""

    def add_goal(work: object, episode_id: object, values: dict[str, object]) -> None:
        raise KeyError(values["words"])

    monkeypatch.setattr("app.services.goals.add_goal", add_goal)
    yield


def nothing_wrong(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield


@pytest.mark.parametrize("wrong", [nothing_wrong, failing_function, wrong_route])
def test_nothing_stored_is_told_elsewhere(
    wrong: Callable[[EmbeddedServer, pytest.MonkeyPatch], Iterator[None]],
    server: EmbeddedServer,
    database: Database,
    client: TestClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clinic = make_clinic(database, client)
    record = make_record(clinic)
    app = create_app(Settings(metrics_token="the-token-of-prometheus"), database)
    asking = TestClient(app, base_url="http://spor.test", raise_server_exceptions=False)
    callers = [Caller(asking, each.token) for each in (clinic.therapist, clinic.lead, clinic.administrator)]
    with everything_logged() as lines:
        with contextmanager(wrong)(server, monkeypatch):
            stored = store_marks(clinic, callers[0], record)
        read = read_everything(callers, record)
        metrics = asking.get("/metrics", headers={"Authorization": "Bearer the-token-of-prometheus"}).text
    failed = [each.status_code for each in stored if each.status_code not in {200, 201}]
    assert failed == ([] if wrong is nothing_wrong else [500])
    given = {word for each in stored if each.is_success for word in MARKED.findall(each.request.content.decode())}
    back = {word for each in read if each.is_success for word in MARKED.findall(each.text)}
    assert given - back == set()
    assert len(given) == len(stored) - len(failed)
    assert [text[:300] for text in (*lines, metrics) if MARK in text] == []
    refused = [each for each in (*stored, *read) if each.status_code >= 400]
    assert [(each.request.url.path, each.text[:300]) for each in refused if MARK in each.text] == []
