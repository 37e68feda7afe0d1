"""Reports that take long: asked for, followed, fetched as files by whoever asked, and by nobody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from app.db.codes import JobState
from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.report_jobs import INTERRUPTED_AFTER, KEPT_FOR
from app.db.session import Database
from app.services import report_jobs
from app.services.report_jobs import MOST_UNFINISHED, ReportJobs
from app.services.reports import outcomes_report
from tests.api.twenty import YEAR, keep
from tests.factories import Caller, Clinic, listed, make_clinic, ok

ASKED = {"year": YEAR, "measure": "phq-9", "file_format": "csv"}


@pytest.fixture(scope="module")
def twenty(database: Database, client: TestClient) -> Clinic:
    clinic = make_clinic(database, client)
    keep(clinic)
    return clinic


def started(caller: Caller, **asked: Any) -> dict[str, Any]:
    response = caller.post("/v1/report-jobs", ASKED | asked, headers={"Accept-Language": "en"})
    assert response.status_code == 202, response.text
    answer: dict[str, Any] = response.json()
    return answer


def ended(caller: Caller, job: Mapping[str, Any]) -> dict[str, Any]:
    """Follow a report until it is done or has failed."""
    return followed(caller, job, JobState.DONE, JobState.FAILED)


def followed(caller: Caller, job: Mapping[str, Any], *until: JobState) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found: dict[str, Any] = ok(caller.get(f"/v1/report-jobs/{job['id']}"))
        if found["state"] in until:
            return found
        time.sleep(0.02)
    raise AssertionError("the report did not come so far within a minute")


@pytest.mark.parametrize(
    ("file_format", "media_type", "beginning"),
    [
        ("csv", "text/csv", b""),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
        ("pdf", "application/pdf", b"%PDF-"),
    ],
)
def test_a_report_is_made_and_fetched(twenty: Clinic, file_format: str, media_type: str, beginning: bytes) -> None:
    job = started(twenty.lead, file_format=file_format)
    assert (job["state"], job["sections_done"], job["sections"]) == (JobState.WAITING, 0, 6)
    done = ended(twenty.lead, job)
    assert (done["state"], done["sections_done"], done["problem"]) == (JobState.DONE, 6, None)
    file = twenty.lead.get(f"/v1/report-jobs/{job['id']}/file")
    assert (file.status_code, file.headers["content-type"].split(";")[0]) == (200, media_type)
    assert file.headers["content-disposition"] == f'attachment; filename="outcomes.{file_format}"'
    assert file.content.startswith(beginning)


def test_the_file_is_the_one_that_is_answered_at_once(twenty: Clinic) -> None:
    job = started(twenty.lead, years=3, dimension="sex", value="female")
    assert ended(twenty.lead, job)["state"] == JobState.DONE
    asked = {"year": YEAR, "years": 3, "measure": "phq-9", "dimension": "sex", "value": "female"}
    at_once = twenty.lead.get(
        "/v1/reports/outcomes", params=asked, headers={"Accept": "text/csv", "Accept-Language": "en"}
    )
    assert twenty.lead.get(f"/v1/report-jobs/{job['id']}/file").content == at_once.content


def test_it_is_nobody_elses(twenty: Clinic, database: Database, client: TestClient) -> None:
    job = started(twenty.lead)
    assert ended(twenty.lead, job)["state"] == JobState.DONE
    for other in (twenty.administrator, twenty.analyst, make_clinic(database, client).lead):
        for path in (f"/v1/report-jobs/{job['id']}", f"/v1/report-jobs/{job['id']}/file"):
            assert other.get(path).status_code == 404


def test_the_audit_tells_who_had_it_made_and_who_fetched_it(twenty: Clinic, server: EmbeddedServer) -> None:
    job = started(twenty.lead)
    ended(twenty.lead, job)
    twenty.lead.get(f"/v1/report-jobs/{job['id']}/file")
    with psycopg.connect(server.conninfo("spor", SUPERUSER)) as connection:
        events = connection.execute(
            "select action, actor_id from audit_events where resource_id = %s order by id", [job["id"]]
        ).fetchall()
    assert events == [(action, twenty.staff["service lead"]) for action in ("make_report", "read_report_file")]


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"years": 2}, "/years"),
        ({"dimension": "sex"}, "/value"),
        ({"dimension": "service", "value": "x"}, "/dimension"),
        ({"own_fall": 2.0}, "/own_source"),
        ({"measure": "no-such"}, "/measure"),
        ({"service_id": "01a2318f-0000-7000-8000-000000000000"}, "/service_id"),
        ({"file_format": "docx"}, "/file_format"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_at_once(twenty: Clinic, asked: dict[str, Any], pointer: str) -> None:
    refused = twenty.administrator.post("/v1/report-jobs", ASKED | asked)
    assert (refused.status_code, refused.json()["pointer"]) == (422, pointer)


def test_a_lead_asks_for_no_other_service(twenty: Clinic) -> None:
    others = [each for each in listed(twenty.lead.get("/v1/services")) if each["id"] != str(twenty.service_id)]
    assert twenty.lead.post("/v1/report-jobs", ASKED | {"service_id": others[0]["id"]}).status_code == 403


def test_what_fails_says_why(twenty: Clinic) -> None:
    failed = ended(twenty.lead, started(twenty.lead, dimension="sex", value="no such"))
    assert (failed["state"], failed["problem"]) == (JobState.FAILED, "invalid-reference")
    assert failed["detail"] == "no closed episode has this value"
    assert twenty.lead.get(f"/v1/report-jobs/{failed['id']}/file").status_code == 409


def test_a_mistake_of_ours_ends_one_report_and_not_the_next(
    twenty: Clinic, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(report_jobs, "report_file", lambda *_, **__: 1 / 0)
        failed = ended(twenty.lead, started(twenty.lead))
    assert (failed["state"], failed["problem"]) == (JobState.FAILED, "internal-error")
    assert "a report could not be made" in caplog.text
    assert ended(twenty.lead, started(twenty.lead))["state"] == JobState.DONE


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let no report be made until the event is set."""
    free, make = threading.Event(), outcomes_report

    def when_free(*arguments: Any, **more: Any) -> Any:
        free.wait(timeout=60)
        return make(*arguments, **more)

    monkeypatch.setattr(report_jobs, "outcomes_report", when_free)
    yield free
    free.set()


def test_one_caller_waits_for_a_few_at_a_time(twenty: Clinic, held: threading.Event) -> None:
    jobs = [started(twenty.analyst) for _ in range(MOST_UNFINISHED)]
    refused = twenty.analyst.post("/v1/report-jobs", ASKED)
    assert (refused.status_code, refused.json()["allowed"]) == (409, f"{MOST_UNFINISHED} at a time")
    assert twenty.analyst.get(f"/v1/report-jobs/{jobs[0]['id']}/file").status_code == 409
    others = started(twenty.lead)
    held.set()
    assert {ended(twenty.analyst, job)["state"] for job in jobs} == {JobState.DONE}
    assert ended(twenty.lead, others)["state"] == JobState.DONE


def _aged(server: EmbeddedServer, job: Mapping[str, Any], column: str, age: timedelta) -> None:
    with psycopg.connect(server.conninfo("spor", SUPERUSER)) as connection:
        update = f"update report_jobs set {column} = %s where id = %s"
        connection.execute(update.encode(), [datetime.now(UTC) - age, job["id"]])


def test_a_file_is_kept_for_a_day(twenty: Clinic, server: EmbeddedServer) -> None:
    job = started(twenty.lead)
    kept = ended(twenty.lead, job)
    assert datetime.fromisoformat(kept["kept_until"]) - datetime.fromisoformat(kept["requested_at"]) == KEPT_FOR
    _aged(server, job, "requested_at", KEPT_FOR)
    assert twenty.lead.get(f"/v1/report-jobs/{job['id']}").status_code == 404
    ended(twenty.lead, started(twenty.lead))
    with psycopg.connect(server.conninfo("spor", SUPERUSER)) as connection:
        kept_of_it = connection.execute("select state, content from report_jobs where id = %s", [job["id"]]).fetchone()
    assert kept_of_it == (JobState.EXPIRED, None)


def test_what_another_process_left_is_told_as_interrupted(
    twenty: Clinic, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReportJobs, "take", lambda *_: None)
    job = started(twenty.lead)
    _aged(server, job, "changed_at", INTERRUPTED_AFTER)
    found = ok(twenty.lead.get(f"/v1/report-jobs/{job['id']}"))
    assert (found["state"], found["problem"]) == (JobState.FAILED, "interrupted")


def test_what_waits_when_the_server_stops_is_told_as_interrupted(
    twenty: Clinic, database: Database, held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = ReportJobs(database.apart(), threshold=8)
    taken: list[report_jobs.Job] = []
    with monkeypatch.context() as patch:
        patch.setattr(ReportJobs, "take", lambda _, job: taken.append(job))
        begun, waiting = started(twenty.administrator), started(twenty.administrator)
    for job in taken:
        jobs.take(job)
    followed(twenty.administrator, begun, JobState.RUNNING)
    threading.Timer(0.2, held.set).start()
    jobs.stop()
    assert ended(twenty.administrator, begun)["state"] == JobState.DONE
    assert ended(twenty.administrator, waiting)["problem"] == "interrupted"
