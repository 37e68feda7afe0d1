"""The log: one line for each request and event, for machines or for people, with nothing of a patient in it."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.cli.logs import JsonLines, TextLines
from app.db.embedded import EmbeddedServer
from app.db.failures import DatabaseFailure
from app.db.session import Database
from tests.api.steps import SECRET, put_text
from tests.factories import Clinic, administration, make_patient, make_record, phq_9, put
from tests.programs import free_port, serving_with

REQUEST = {"time", "level", "logger", "event", "request_id", "method", "route", "status", "duration_ms"}
CALLER = {"organisation_id", "role"}


class Log:
    """What is logged, as it would be written."""

    def __init__(self, stream: io.StringIO) -> None:
        self.stream = stream

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def log() -> Iterator[Log]:
    handler = logging.StreamHandler(stream := io.StringIO())
    handler.setFormatter(JsonLines())
    # The tests' own client would name what it asks; of the database's library the process sees to itself (below).
    handler.addFilter(lambda each: not each.name.startswith(("httpx", "sqlalchemy")))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield Log(stream)
    root.setLevel(before)
    root.removeHandler(handler)


def record(message: str, *arguments: object, **more: Any) -> logging.LogRecord:
    return logging.LogRecord("spor.x", logging.ERROR, "x.py", 1, message, arguments, more.pop("error", None))


def raised(error: Exception, cause: Exception | None = None) -> Any:
    try:
        raise error from cause
    except type(error):
        return sys.exc_info()


# The shape


def test_a_request_is_one_line_with_the_route_s_pattern(clinic: Clinic, log: Log) -> None:
    patient = make_patient(clinic)
    request_id = str(uuid4())
    clinic.therapist.get(f"/v1/patients/{patient['id']}?x={SECRET}", headers={"X-Request-ID": request_id})
    [line] = [line for line in log.lines if line.get("request_id") == request_id]
    assert line.keys() == REQUEST | CALLER
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert (line["level"], line["event"], line["method"]) == ("info", "request", "GET")
    assert (line["route"], line["status"]) == ("/v1/patients/{patient_id}", 200)
    assert (line["organisation_id"], line["role"]) == (str(clinic.organisation_id), "therapist")
    assert 0 < line["duration_ms"] < 60_000


def test_a_stranger_has_no_organisation(clinic: Clinic, log: Log) -> None:
    clinic.therapist.client.get("/v1/caseload")
    clinic.therapist.client.get("/v1/caseload", headers={"Authorization": f"Bearer {SECRET}"})
    first, second = [line for line in log.lines if line["event"] == "request"]
    assert first.keys() == second.keys() == REQUEST
    assert (first["route"], second["route"]) == ("unmatched", "/v1/caseload")


def test_health_is_looked_at_without_a_line(clinic: Clinic, log: Log) -> None:
    for path in ("/health/live", "/health/ready", "/metrics"):
        clinic.therapist.client.get(path)
    assert {line["level"] for line in log.lines if line["event"] == "request"} == {"debug"}


def test_a_text_line_has_the_same_for_people() -> None:
    line = record("request")
    line.fields = {"method": "PUT", "status": 201}
    said = TextLines().format(line)
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} error   request method=PUT status=201", said)


@pytest.mark.parametrize("form", [JsonLines(), TextLines()])
def test_an_exception_is_its_type_and_its_way_and_none_of_its_words(form: logging.Formatter) -> None:
    error = raised(ValueError(f"answer {SECRET}"), KeyError(SECRET))
    said = form.format(record("unexpected error", error=error))
    assert SECRET not in said
    for word in ("builtins.ValueError", "builtins.KeyError", "test_logs.py", "raised"):
        assert word in said


def test_of_a_library_s_message_the_first_line_is_kept() -> None:
    said = json.loads(JsonLines().format(record("Exception in %s\nfuture: %s", "task", SECRET)))
    assert said["event"] == "Exception in task"


# Nothing of a patient


def ask_everything(clinic: Clinic) -> None:
    """Send a mark wherever a request has room for one, to every route."""
    document = clinic.therapist.get("/v1/openapi.json").json()
    for caller in (clinic.therapist, clinic.lead, clinic.tablet):
        for path, methods in document["paths"].items():
            for method, described in methods.items():
                if described["operationId"] == "end_session":  # else nothing more would be asked
                    continue
                for value in (SECRET, str(MARKED)):
                    caller.request(
                        method.upper(),
                        re.sub(r"\{\w+\}", value, path) + f"?after={SECRET}&instrument={SECRET}",
                        json={"answers": {"1": SECRET}, "reference": SECRET, "reason": SECRET, "name": SECRET},
                        headers={"If-Match": f'"{SECRET}"', "Accept-Language": SECRET, "X-Request-ID": SECRET},
                    )


MARKED = uuid4()


def test_nothing_of_a_patient_and_no_credential_is_logged(
    clinic: Clinic, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = make_record(clinic)
    patient = make_patient(clinic, reference=f"P-{SECRET}")
    episode = {"id": record["episode_id"]}
    put(clinic.tablet, administration(episode, phq_9(12, item_9=2), week=1, helped_by=None), MARKED)
    put(clinic.tablet, administration(episode, {"1": SECRET}))
    put_text(clinic.tablet, f'{{"answers": "{SECRET}')
    ask_everything(clinic)
    for error in (ValueError(SECRET), DatabaseFailure("CheckViolation (SQLSTATE 23514): a rule is broken")):
        monkeypatch.setattr("app.api.routes.trajectories.read_caseload", fails_with(error))
        assert clinic.therapist.get("/v1/caseload").status_code == 500
    patients = [patient["id"], str(MARKED), *record.values()]
    tokens = [caller.token for caller in (clinic.therapist, clinic.lead, clinic.tablet)]
    assert [each for each in (SECRET, *patients, *tokens) if each in log.text] == []
    failures = [line for line in log.lines if line["event"] == "unexpected error"]
    assert [line["error"].rpartition(".")[2] for line in failures] == ["ValueError", "DatabaseFailure"]
    assert failures[1]["database"] == "CheckViolation (SQLSTATE 23514): a rule is broken"
    assert all(line["stack"] for line in failures)
    assert len(log.lines) > 100


def fails_with(error: Exception) -> Any:
    def fail(*_: object) -> None:
        raise error

    return fail


# The process


@pytest.mark.parametrize(
    ("chosen", "shape"),
    [({}, r'\{"time": .*"event": "request".*\}'), ({"SPOR_LOG_FORMAT": "text"}, r"[\d:.]{12} info    request .*")],
    ids=["json", "text"],
)
def test_the_process_writes_lines_of_the_chosen_shape(
    chosen: dict[str, str], shape: str, server: EmbeddedServer, database: Database, tmp_path: Path
) -> None:
    port = free_port()
    url = server.url("spor", "spor_app")
    settings = {"DATABASE_URL": url, "SPOR_AUDIT_SEAL_LOG": str(tmp_path / "seals"), **chosen}
    with (tmp_path / "log").open("w+") as log, serving_with(log, "serve", "--port", port, **settings) as (program, _):
        httpx.get(f"http://127.0.0.1:{port}/v1/caseload")
        httpx.get(f"http://127.0.0.1:{port}/health/live")
        program.terminate()
        assert program.wait(30) == 0
    [line] = (tmp_path / "log").read_text().splitlines()
    assert re.fullmatch(shape, line)


def test_even_at_its_most_talkative_it_tells_nothing(
    server: EmbeddedServer, database: Database, clinic: Clinic, tmp_path: Path
) -> None:
    port = free_port()
    patient = make_patient(clinic, reference=f"P-{SECRET}")
    settings = {"DATABASE_URL": server.url("spor", "spor_app"), "SPOR_LOG_LEVEL": "debug"}
    with (tmp_path / "log").open("w+") as log, serving_with(log, "serve", "--port", port, **settings) as (program, _):
        headers = {"Authorization": f"Bearer {clinic.therapist.token}"}
        found = httpx.get(f"http://127.0.0.1:{port}/v1/patients/{patient['id']}", headers=headers)
        program.terminate()
        assert program.wait(30) == 0
    assert found.json()["reference"] == f"P-{SECRET}"
    written = (tmp_path / "log").read_text()
    assert "/v1/patients/{patient_id}" in written
    assert [each for each in (SECRET, patient["id"], clinic.therapist.token) if each in written] == []
