"""A commit that fails is an error: no answer may say *stored* of what was not (the issue's seventh demand)."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Response
from sqlalchemy import text

from app.db.failures import DatabaseFailure
from app.db.session import Access, Database
from app.errors import DatabaseUnavailable
from app.services.organisations import founding_scope
from tests.api.steps import SECRET
from tests.factories import (
    START,
    Clinic,
    administration,
    created,
    make_episode,
    make_patient,
    make_sessions,
    ok,
    phq_9,
    put,
    put_weekly,
)
from tests.owner import Owner


@contextmanager
def failing_at_commit(owner: Owner, clinic: Clinic, table: str, code: str = "53100") -> Iterator[None]:
    """Let every commit of this organisation that wrote to the table fail, when all statements have gone well."""
    name = f"fails_at_commit_{clinic.organisation_id.hex}"
    owner.run(
        f"create function {name}() returns trigger language plpgsql as"
        f" $$ begin raise exception 'the disk is full' using detail = 'row: ' || new::text, errcode = '{code}'; end $$"
    )
    owner.run(
        f"create constraint trigger {name} after insert or update on {table} deferrable initially deferred"
        f" for each row when (new.organisation_id = '{clinic.organisation_id}') execute function {name}()"
    )
    try:
        yield
    finally:
        owner.run(f"drop function {name}() cascade")


def assert_failed(answer: Response) -> None:
    """A full disk is the server's trouble, and may pass: whoever sends the same again later loses nothing."""
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["type"] == "/v1/problems/database-unavailable"
    assert "disk" not in answer.text


@pytest.mark.parametrize("table", ["administrations", "scores", "progress", "risk_alerts", "audit_events"])
def test_a_put_that_is_not_committed_is_an_error_and_is_stored_when_it_is_sent_again(
    clinic: Clinic, owner: Owner, table: str
) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 1)
    body, administration_id = administration(episode, phq_9(12, item_9=1)), uuid4()
    stored = owner.counts(clinic.organisation_id)
    with failing_at_commit(owner, clinic, table):
        for caller in (clinic.tablet, clinic.therapist):
            assert_failed(put(caller, body, administration_id))
    assert owner.counts(clinic.organisation_id) == stored
    assert clinic.therapist.get("/v1/risk-alerts").json() == []
    receipt = created(put(clinic.tablet, body, administration_id))
    assert ok(put(clinic.tablet, body, administration_id)) == receipt
    assert len(clinic.therapist.get("/v1/risk-alerts").json()) == 1


def test_a_batch_that_is_not_committed_fails_as_a_whole(clinic: Clinic, owner: Owner) -> None:
    episode, other = make_episode(clinic), make_episode(clinic)
    make_sessions(clinic, episode, 3)
    entries = [
        {"id": str(uuid4()), **administration(each, phq_9(12), week=week)}
        for each in (episode, other)
        for week in (0, 1)
    ]
    entries.append({"id": str(uuid4()), **administration(episode, {"1": 9})})
    stored = owner.counts(clinic.organisation_id)
    with failing_at_commit(owner, clinic, "administrations"):
        assert_failed(clinic.tablet.put("/v1/administrations", {"administrations": entries}))
    assert owner.counts(clinic.organisation_id) == stored
    again = ok(clinic.tablet.put("/v1/administrations", {"administrations": entries}))["administrations"]
    assert [each["status"] for each in again] == ["stored"] * 4 + ["refused"]


def test_a_repeated_put_whose_audit_event_is_not_committed_is_an_error_too(clinic: Clinic, owner: Owner) -> None:
    body, administration_id = administration(make_episode(clinic), phq_9(12)), uuid4()
    receipt = created(put(clinic.tablet, body, administration_id))
    with failing_at_commit(owner, clinic, "audit_events"):
        assert_failed(put(clinic.tablet, body, administration_id))
    assert ok(put(clinic.tablet, body, administration_id)) == receipt


def test_a_read_whose_audit_event_is_not_committed_gives_nothing(clinic: Clinic, owner: Owner) -> None:
    episode = make_episode(clinic)
    put_weekly(clinic, episode, [12])
    with failing_at_commit(owner, clinic, "audit_events"):
        for path in (f"/v1/episodes/{episode['id']}/trajectory", "/v1/caseload", "/v1/patients"):
            answer = clinic.therapist.get(path)
            assert_failed(answer)
            assert episode["patient_id"] not in answer.text
    assert ok(clinic.therapist.get("/v1/caseload"))["episodes"]


def test_other_writes_that_are_not_committed_are_errors(clinic: Clinic, owner: Owner) -> None:
    patient, episode = make_patient(clinic), make_episode(clinic)
    receipt = created(put(clinic.tablet, administration(episode, phq_9(12, item_9=1))))
    [alert] = clinic.therapist.get("/v1/risk-alerts").json()
    corrections = f"/v1/administrations/{receipt['id']}/corrections"
    attended = [{"episode_id": episode["id"], "outcome": "attended"}]
    posts: Mapping[str, tuple[str, dict[str, Any]]] = {
        "patients": ("/v1/patients", {"reference": "P-1", "birth_month": "1990-01-01"}),
        "episodes": ("/v1/episodes", {"patient_id": patient["id"], "opened_at": START.isoformat()}),
        "attendances": (
            "/v1/treatment-sessions",
            {"starts_at": START.isoformat(), "contact_type": "individual", "attendances": attended},
        ),
        "administrations": (corrections, {"reason": "misread", "answers": phq_9(13)}),
        "risk_alerts": (f"/v1/risk-alerts/{alert['id']}/acknowledgement", {"assessment": "talked"}),
    }
    for table, (path, body) in posts.items():
        before = owner.rows(f"select * from {table} where organisation_id = %s", clinic.organisation_id)
        with failing_at_commit(owner, clinic, table):
            assert_failed(clinic.therapist.post(path, body, headers={"If-Match": '"1"'}))
        after = owner.rows(f"select * from {table} where organisation_id = %s", clinic.organisation_id)
        assert sorted(map(str, after)) == sorted(map(str, before))
        created(clinic.therapist.post(path, body, headers={"If-Match": '"1"'}))


def test_settings_that_are_not_committed_are_not_in_force(clinic: Clinic, owner: Owner) -> None:
    change = {"reason": "trial", "mode": "record"}
    with failing_at_commit(owner, clinic, "organisation_settings"):
        assert_failed(clinic.lead.patch("/v1/settings", change, 1))
    assert ok(clinic.lead.get("/v1/settings"))["mode"] == "decision_support"
    assert ok(clinic.lead.patch("/v1/settings", change, 1))["mode"] == "record"


def test_what_the_database_says_of_a_row_does_not_get_into_the_log(
    clinic: Clinic, owner: Owner, caplog: pytest.LogCaptureFixture
) -> None:
    """Its errors may hold the whole row: the answers, the body, who helped."""
    body = administration(make_episode(clinic), {"1": SECRET, "9": 1}, helped_by=SECRET)
    for code, status, found in (
        ("53100", 503, "the disk is full"),
        ("P0001", 500, "P0001): raised by a function"),  # which quotes what it pleases
    ):
        caplog.clear()
        with caplog.at_level(logging.DEBUG), failing_at_commit(owner, clinic, "administrations", code):
            answer = put(clinic.tablet, body)
        logged = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
        assert answer.status_code == status
        assert SECRET not in answer.text
        assert SECRET not in logged
        # What went wrong has to be found all the same.
        assert answer.json()["request_id"] in logged
        assert found in logged


def test_a_value_that_the_database_can_t_use_does_not_get_into_the_log(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    scope = founding_scope(uuid4())
    with (
        pytest.raises(
            DatabaseFailure, match=r"InvalidTextRepresentation \(SQLSTATE 22P02\): data exception"
        ) as failure,
        database.work(scope, Access("test", uuid4())) as work,
    ):
        work.db.execute(text("select cast(:answer as integer)"), {"answer": SECRET})
    assert SECRET not in "".join(traceback.format_exception(failure.value))


def test_a_database_that_can_t_be_reached_is_named(tmp_path: Path) -> None:
    nowhere = Database(f"postgresql+psycopg://spor_app@/spor?host={tmp_path}")
    with (
        pytest.raises(DatabaseUnavailable, match="can't be reached") as failure,
        nowhere.work(founding_scope(uuid4()), Access("test", uuid4())),
    ):
        pass
    assert str(tmp_path) in failure.value.reason
    nowhere.close()


def test_after_a_lost_connection_the_next_request_gets_a_new_one(database: Database) -> None:
    end_itself = text("select pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(DatabaseUnavailable), database.work(founding_scope(uuid4()), Access("test", uuid4())) as work:
        work.db.execute(end_itself)
    with database.work(founding_scope(uuid4()), Access("test", uuid4())) as work:
        assert work.db.scalar(text("select 1")) == 1
