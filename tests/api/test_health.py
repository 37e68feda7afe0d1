"""What an operator's tools ask: the truth about the database, numbers that name nobody, and no credential of a user."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from app.api.middleware import LARGEST_BODY, WITHOUT_CREDENTIAL
from app.config import Settings
from app.db import migrations
from app.db.embedded import EmbeddedServer
from app.db.provision import provision
from app.db.session import Database
from app.main import create_app
from tests.api.steps import SECRET
from tests.factories import Clinic, administration, make_episode, phq_9, put
from tests.programs import enterable_folder, free_port, serving

TOKEN = "the-token-of-prometheus"


def findings(answer: Any) -> dict[str, str]:
    """Give what is wrong, by the name of the check."""
    assert answer.status_code == 503, answer.text
    assert answer.json()["ready"] is False
    return {check["check"]: check["trouble"] for check in answer.json()["checks"] if not check["passed"]}


def until(answers: Callable[[], Any], status: int) -> Any:
    """Ask until the answer has that status; the last finding is kept for a second."""
    deadline = time.monotonic() + 20
    while (answer := answers()).status_code != status:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.2)
    return answer


@contextmanager
def client_of(url: str, **settings: Any) -> Iterator[TestClient]:
    """Give the service on a database, as it is before it has looked at it."""
    with closing(Database(url, pool_size=1)) as database:
        yield TestClient(create_app(Settings(**settings), database), raise_server_exceptions=False)


@pytest.fixture
def fresh(server: EmbeddedServer) -> str:
    """Give the name of a migrated database of one's own."""
    name = f"health_{uuid4().hex}"
    provision(server.conninfo("postgres", "postgres"), name)
    migrations.upgrade(server.url(name, "spor_owner"))
    return name


# Live and ready


def test_live_needs_no_database() -> None:
    with client_of(f"postgresql://spor_app@127.0.0.1:{free_port()}/spor") as client:
        answer = client.get("/health/live")
        assert (answer.status_code, answer.json()) == (200, {"status": "live"})
        assert findings(client.get("/health/ready")) == {"database": "the database does not answer"}


def test_ready_tells_every_check(client: TestClient) -> None:
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "ready": True,
        "checks": [{"check": name, "passed": True, "trouble": None} for name in ("database", "revision", "role")],
    }


@pytest.mark.parametrize(("present", "named"), [("0000", "0000"), ("9999", "9999"), (None, "base")])
def test_another_revision_is_named_with_ours(
    present: str | None, named: str, server: EmbeddedServer, fresh: str
) -> None:
    with psycopg.connect(server.conninfo(fresh, "spor_owner")) as connection:
        if present is None:
            connection.execute("drop table alembic_version")
        else:
            connection.execute("update alembic_version set version_num = %s", [present])
    with client_of(server.url(fresh, "spor_app")) as client:
        trouble = findings(client.get("/health/ready"))
    newest = migrations.newest_revision()
    assert trouble == {"revision": f"the database is at revision {named}, and this program needs {newest}"}


def test_a_role_that_sees_too_much_is_named(server: EmbeddedServer, fresh: str) -> None:
    with client_of(server.url(fresh, "spor_owner")) as client:
        trouble = findings(client.get("/health/ready"))
    assert list(trouble) == ["role"]
    assert "connect as spor_app" in trouble["role"]


def test_ready_does_not_wait_for_the_connections_of_requests(server: EmbeddedServer, fresh: str) -> None:
    url = server.url(fresh, "spor_app")
    with closing(Database(url, pool_size=1)) as database, ExitStack() as held:
        client = TestClient(create_app(Settings(), database))
        while database.engine.pool.checkedout() < database.engine.pool.size() + 2:  # type: ignore[attr-defined]
            held.enter_context(database.engine.connect())
        assert client.get("/health/ready").status_code == 200


def test_the_database_is_looked_at_once_a_second(server: EmbeddedServer, fresh: str) -> None:
    with client_of(server.url(fresh, "spor_app")) as client:
        assert client.get("/health/ready").status_code == 200
        with psycopg.connect(server.conninfo(fresh, "spor_owner")) as connection:
            connection.execute("update alembic_version set version_num = '9999'")
        assert client.get("/health/ready").status_code == 200
        assert "revision" in findings(until(lambda: client.get("/health/ready"), 503))


def test_a_dead_database_is_told_and_comes_back() -> None:
    with enterable_folder() as folder:
        server = EmbeddedServer(folder / "spor", durable=False)
        with server:
            migrations.upgrade(server.url("spor", "spor_owner"))
            url, port = server.url("spor", "spor_app"), free_port()
            address = f"http://127.0.0.1:{port}"

            def ready() -> httpx.Response:
                return httpx.get(f"{address}/health/ready", timeout=10)

            def ask() -> httpx.Response:
                return httpx.get(f"{address}/v1/caseload", headers={"Authorization": "Bearer nobody"}, timeout=10)

            with serving("serve", "--port", port, DATABASE_URL=url):
                assert ready().status_code == 200
                assert ask().status_code == 401
                server.stop()
                assert findings(until(ready, 503)) == {"database": "the database does not answer"}
                refused = ask()
                assert refused.status_code == 503
                assert refused.headers["content-type"] == "application/problem+json"
                assert refused.json()["type"] == "/v1/problems/database-unavailable"
                assert int(refused.headers["retry-after"]) > 0
                for answer in (ready(), refused):
                    assert str(folder) not in answer.text
                assert httpx.get(f"{address}/health/live").status_code == 200
                server.start()
                until(ready, 200)
                assert ask().status_code == 401


# Who may ask


def test_only_these_are_asked_without_a_credential(client: TestClient) -> None:
    redeeming = {"/v1/devices/pairing", "/v1/assignments/redemption", "/v1/sessions", "/v1/invitations"}
    assert {"/health/live", "/health/ready", "/metrics", *redeeming} == WITHOUT_CREDENTIAL
    for path in ("/health", "/health/", "/health/live/", "/health/other", "/", "/v1/openapi.json", "/metrics/"):
        assert client.get(path).status_code == 401, path


@pytest.mark.parametrize("path", ["/v1/caseload/", "/v1//caseload", "/health/live/"])
def test_nobody_is_sent_to_another_address(path: str, clinic: Clinic) -> None:
    assert clinic.therapist.get(path, follow_redirects=False).status_code == 404


def test_the_document_describes_them_without_a_credential(client: TestClient) -> None:
    paths = create_app(Settings(), Database("postgresql://nobody@/nowhere")).openapi()["paths"]
    described = {path: each["get"] for path, each in paths.items() if not path.startswith("/v1/")}
    assert {path: set(each["responses"]) for path, each in described.items()} == {
        "/health/live": {"200"},
        "/health/ready": {"200", "503"},
    }
    assert not [path for path, each in described.items() if "security" in each]


# Bodies


def too_long() -> Iterator[bytes]:
    """Give a body piece by piece, so that its length is not told before."""
    yield b'{"reason": "'
    for _ in range(LARGEST_BODY // 65_536 + 1):
        yield b"x" * 65_536
    yield b'"}'


@pytest.mark.parametrize("body", [b"x" * (LARGEST_BODY + 1), too_long], ids=["told", "in pieces"])
def test_a_body_that_is_too_long_is_refused(body: Any, clinic: Clinic) -> None:
    content = body() if callable(body) else body
    path = f"/v1/administrations/{uuid4()}"
    answer = clinic.tablet.request("PUT", path, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["type"] == "/v1/problems/content-too-large"
    assert answer.headers["x-request-id"] == answer.json()["request_id"]


def test_the_longest_body_is_read(clinic: Clinic) -> None:
    path = f"/v1/administrations/{uuid4()}"
    headers = {"Content-Type": "application/json"}
    answer = clinic.tablet.request("PUT", path, content=b" " * (LARGEST_BODY - 2) + b"{}", headers=headers)
    assert answer.status_code == 422


# Metrics


def samples(answer: Any) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Read the text format; give the values by name and labels."""
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.fixture
def measured(database: Database) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(metrics_token=TOKEN), database), raise_server_exceptions=False) as client:
        yield client


def scrape(client: TestClient) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return samples(client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}))


def test_metrics_are_for_who_holds_their_token(measured: TestClient, client: TestClient) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": TOKEN}, {"Authorization": "Bearer é"}):
        given = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        assert measured.get("/metrics", headers=given).status_code == 401
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 404


def test_requests_are_counted_by_pattern_and_status(measured: TestClient) -> None:
    for _ in range(3):
        measured.get(f"/v1/episodes/{uuid4()}", headers={"Authorization": f"Bearer {SECRET}"})
    measured.get(f"/{SECRET}")
    measured.request(SECRET, "/v1/caseload")
    found = scrape(measured)
    labels = (("method", "GET"), ("route", "/v1/episodes/{episode_id}"), ("status", "401"))
    assert found["spor_request_duration_seconds_count", labels] == 3
    unmatched = (("method", "GET"), ("route", "unmatched"), ("status", "401"))
    assert found["spor_request_duration_seconds_count", unmatched] == 1
    assert not [each for each in found if SECRET in str(each)]
    assert found["spor_requests_in_progress", ()] == 1  # the one that asks


def test_puts_are_counted_by_outcome(measured: TestClient, clinic: Clinic) -> None:
    episode = make_episode(clinic)
    tablet = type(clinic.tablet)(measured, clinic.tablet.token)
    body, wrong = administration(episode, phq_9(12)), administration(episode, {"1": 17})
    for each in (body, body, wrong):
        put(tablet, each, uuid4() if each is wrong else _ID)
    batch = [{"id": str(uuid4())} | each for each in (administration(episode, phq_9(3), week=1), wrong)]
    tablet.put("/v1/administrations", {"administrations": batch})
    found = scrape(measured)
    outcomes = {outcome: found["spor_puts_total", (("outcome", outcome),)] for outcome in ("stored", "repeated")}
    assert outcomes == {"stored": 2, "repeated": 1}
    assert found["spor_puts_total", (("outcome", "refused"),)] == 2


_ID = uuid4()


def test_what_runs_and_how_busy_it_is(measured: TestClient) -> None:
    found = scrape(measured)
    [build] = [dict(labels) for name, labels in found if name == "spor_build_info"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", build["version"])
    for name in ("spor_threads_busy", "spor_requests_waiting", "spor_database_connections_in_use"):
        assert found[name, ()] == 0
    assert found["process_resident_memory_bytes", ()] > 10_000_000


def test_two_applications_in_one_process_count_apart(measured: TestClient, database: Database) -> None:
    other = TestClient(create_app(Settings(metrics_token=TOKEN), database))
    measured.get("/health/live")
    labels = (("method", "GET"), ("route", "/health/live"), ("status", "200"))
    assert scrape(measured)["spor_request_duration_seconds_count", labels] == 1
    assert ("spor_request_duration_seconds_count", labels) not in scrape(other)
