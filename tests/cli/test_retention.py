"""`spor retention run`: what an organisation's setting lets go, by command only, and nothing without the setting."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from app.cli import main
from app.db.embedded import EmbeddedServer
from app.db.provision import OWNER_ROLE
from app.db.session import Access, Database
from app.errors import StateConflict
from app.services.deletion import delete_due, find_due
from app.services.organisations import founding_scope
from tests.factories import Clinic, administration, created, hold, make_episode, make_patient, ok, phq_9, put

LONG_AGO = datetime(2001, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def record(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record that the command works on."""
    monkeypatch.setenv("DATABASE_URL", server.url("spor", "spor_app"))


def run(*options: str) -> object:
    """Run the command; give its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["retention", "run", *options])
    return ended.value.code


def keep_for(clinic: Clinic, years: int | None, until_age: int | None = None) -> None:
    version = ok(clinic.administrator.get("/v1/settings"))["version"]
    setting = {"retention_years": years, "retention_until_age": until_age, "reason": "the archive plan"}
    ok(clinic.administrator.patch("/v1/settings", setting, version))


def closed(clinic: Clinic, closed_at: datetime, patient_id: str | None = None, **fields: Any) -> str:
    """Make an episode that was closed then; give the patient."""
    patient_id = patient_id or make_patient(clinic, **fields)["id"]
    opened = {"opened_at": (closed_at - timedelta(days=90)).isoformat()}
    ending = {"closed_at": closed_at.isoformat(), "closing_reason": "completed"}
    episode = make_episode(clinic, patient_id=patient_id, **opened)
    ok(clinic.therapist.patch(f"/v1/episodes/{episode['id']}", ending, 1))
    return patient_id


def due(database: Database, clinic: Clinic, now: datetime) -> set[str]:
    return {str(each) for each in find_due(database, clinic.organisation_id, now=now).patient_ids}


@pytest.fixture
def rows(server: EmbeddedServer, clinic: Clinic) -> Any:
    """Give every row of the organisation, past the application."""

    def look() -> dict[str, set[str]]:
        with closing(psycopg.connect(server.conninfo("spor", OWNER_ROLE), autocommit=True)) as connection:
            tables = connection.execute(
                "select table_name from information_schema.columns where column_name = 'organisation_id'"
                " and table_schema = 'public'"
            ).fetchall()
            return {
                name: {
                    said
                    for (said,) in connection.execute(
                        f"select t::text from {name} t where organisation_id = %s".encode(), [clinic.organisation_id]
                    )
                }
                for (name,) in tables
            }

    return look


def test_without_the_setting_nothing_is_ever_due(database: Database, clinic: Clinic) -> None:
    closed(clinic, LONG_AGO)
    in_a_thousand_years = datetime(3000, 1, 1, tzinfo=UTC)
    assert due(database, clinic, in_a_thousand_years) == set()
    keep_for(clinic, 10)
    assert len(due(database, clinic, in_a_thousand_years)) == 1
    keep_for(clinic, None)
    assert due(database, clinic, in_a_thousand_years) == set()


def test_a_record_is_due_whole_years_after_the_last_activity(database: Database, clinic: Clinic) -> None:
    keep_for(clinic, 10)
    patient_id = closed(clinic, LONG_AGO)
    tenth = LONG_AGO.replace(year=2011)
    second = timedelta(seconds=1)
    assert due(database, clinic, tenth - second) == set()
    assert due(database, clinic, tenth) == {patient_id}
    # A later episode counts, and an open one keeps the record whatever its age.
    closed(clinic, LONG_AGO + timedelta(days=31), patient_id)
    later = datetime(2011, 4, 1, 12, tzinfo=UTC)
    assert (due(database, clinic, later - second), due(database, clinic, later)) == (set(), {patient_id})
    make_episode(clinic, patient_id=patient_id, opened_at=LONG_AGO.isoformat())
    assert due(database, clinic, datetime(2100, 1, 1, tzinfo=UTC)) == set()
    # Who never had an episode has no last activity to count from.
    make_patient(clinic)
    assert due(database, clinic, datetime(2100, 1, 1, tzinfo=UTC)) == set()


@pytest.mark.parametrize("what", ["a form", "a session", "a review"])
def test_what_came_after_the_closing_counts_as_activity(database: Database, clinic: Clinic, what: str) -> None:
    keep_for(clinic, 10)
    opened = {"opened_at": (LONG_AGO - timedelta(days=90)).isoformat()}
    episode = make_episode(clinic, **opened)
    moment = datetime(2005, 1, 2, 12, tzinfo=UTC)
    if what == "a form":  # which is received now, whenever it was filled in
        created(put(clinic.therapist, administration(episode, phq_9(9)) | {"completed_at": moment.isoformat()}))
        moment = datetime.now(UTC)
    elif what == "a session":
        hold(clinic, episode, starts_at=moment.isoformat())
    else:
        hold(clinic, episode, starts_at=LONG_AGO.isoformat())
        review = {"dose": 1, "with_patient": True, "causes": ["alliance"], "action": "continue"}
        created(clinic.therapist.post(f"/v1/episodes/{episode['id']}/reviews", review))
        moment = datetime.now(UTC)
    ending = {"closed_at": LONG_AGO.isoformat(), "closing_reason": "completed"}
    ok(clinic.therapist.patch(f"/v1/episodes/{episode['id']}", ending, 1))
    day = timedelta(days=1)
    assert due(database, clinic, moment.replace(year=moment.year + 10) - day) == set()
    assert due(database, clinic, moment.replace(year=moment.year + 10) + day) == {episode["patient_id"]}


def test_an_age_keeps_the_record_until_the_month_of_the_birthday_has_passed(database: Database, clinic: Clinic) -> None:
    keep_for(clinic, 10, 25)
    patient_id = closed(clinic, LONG_AGO, birth_month="1990-02-01")
    assert due(database, clinic, datetime(2015, 2, 28, 23, tzinfo=UTC)) == set()
    assert due(database, clinic, datetime(2015, 3, 1, 1, tzinfo=UTC)) == {patient_id}
    version = ok(clinic.administrator.get("/v1/settings"))["version"]
    alone = {"retention_years": None, "reason": "x"}
    refused = clinic.administrator.patch("/v1/settings", alone, version)
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/retention_until_age")


def test_a_dry_run_tells_and_changes_nothing(clinic: Clinic, capsys: pytest.CaptureFixture[str], rows: Any) -> None:
    keep_for(clinic, 10)
    patient_id, held = closed(clinic, LONG_AGO), closed(clinic, LONG_AGO)
    created(clinic.administrator.post(f"/v1/patients/{held}/legal-holds", {"reason": "a complaint"}))
    before = rows()
    assert run("--organisation", str(clinic.organisation_id), "--dry-run") == 0
    assert json.loads(capsys.readouterr().out) == {
        "organisation_id": str(clinic.organisation_id),
        "retention_years": 10,
        "retention_until_age": None,
        "dry_run": True,
        "due": 1,
        "held": 1,
        "patients": [patient_id],
    }
    assert rows() == before


def test_a_run_deletes_what_is_due_and_leaves_what_is_held(
    clinic: Clinic, capsys: pytest.CaptureFixture[str], rows: Any
) -> None:
    keep_for(clinic, 10)
    recent, held = closed(clinic, datetime.now(UTC) - timedelta(days=400)), closed(clinic, LONG_AGO)
    created(clinic.administrator.post(f"/v1/patients/{held}/legal-holds", {"reason": "a complaint"}))
    stays = rows()
    gone = {closed(clinic, LONG_AGO), closed(clinic, LONG_AGO)}
    assert run("--organisation", str(clinic.organisation_id)) == 2
    assert "--decision must name" in capsys.readouterr().err
    assert run("--organisation", str(clinic.organisation_id), "--decision", "2026/77") == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert (set(told["patients"]), told["deleted"], told["dry_run"]) == (gone, 2, False)
    assert (told["rows"]["patients"], told["rows"]["episodes"]) == (2, 2)
    assert said.err.splitlines() == ["spor: deleted 1 of 2", "spor: deleted 2 of 2"]
    after = rows()
    for table in stays.keys() - {"deletions", "audit_events", "summary_years"}:
        assert after[table] == stays[table], table
    tombstones = ok(clinic.administrator.get("/v1/deletions"))["deletions"]
    assert {each["patient_id"] for each in tombstones} == gone
    assert {(each["ground"], each["decision"], each["deleted_by"]) for each in tombstones} == {
        ("retention_expired", "2026/77", str(UUID(int=0)))
    }
    events = [each for each in after["audit_events"] if "run_retention" in each]
    assert len(events) == 2
    # Again: there is nothing left to do.
    assert run("--organisation", str(clinic.organisation_id), "--decision", "2026/77") == 0
    assert json.loads(capsys.readouterr().out)["deleted"] == 0
    assert rows() == after
    for patient_id in (recent, held):
        assert ok(clinic.therapist.get(f"/v1/patients/{patient_id}"))


def test_a_run_that_was_cut_short_goes_on_and_looks_at_each_again(database: Database, clinic: Clinic) -> None:
    keep_for(clinic, 10)
    patients = sorted(closed(clinic, LONG_AGO) for _ in range(4))
    found = find_due(database, clinic.organisation_id)
    running = delete_due(database, found, "2026/77")
    first, _ = next(running)
    # Meanwhile one is held, and one comes back.
    created(clinic.administrator.post(f"/v1/patients/{patients[1]}/legal-holds", {"reason": "a complaint"}))
    make_episode(clinic, patient_id=patients[2])
    running.close()
    again = [str(patient_id) for patient_id, _ in delete_due(database, found, "2026/77")]
    assert (str(first), again) == (patients[0], [patients[3]])


def test_two_runs_don_t_work_at_once(database: Database, clinic: Clinic) -> None:
    keep_for(clinic, 10)
    patient_id = closed(clinic, LONG_AGO)
    found = find_due(database, clinic.organisation_id)
    lock = "select pg_advisory_xact_lock(hashtextextended('retention ' || %s, 0))"
    with database.work(founding_scope(clinic.organisation_id), Access("test", uuid4())) as work:
        work.connection.exec_driver_sql(lock, (str(clinic.organisation_id),))
        with pytest.raises(StateConflict, match="another run"):
            list(delete_due(database, found, "2026/77"))
    assert ok(clinic.therapist.get(f"/v1/patients/{patient_id}"))
    assert [str(each) for each, _ in delete_due(database, found, "2026/77")] == [patient_id]


def test_another_organisation_is_not_touched(database: Database, clinic: Clinic) -> None:
    keep_for(clinic, 10)
    patient_id = closed(clinic, LONG_AGO)
    found = find_due(database, clinic.organisation_id)
    stranger = replace(found, organisation_id=uuid4())
    with pytest.raises(Exception, match="no such organisation"):
        list(delete_due(database, stranger, "2026/77"))
    assert ok(clinic.therapist.get(f"/v1/patients/{patient_id}"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "Missing option '--organisation'"),
        ({"--organisation": str(UUID(int=7)), "--dry-run": ""}, "spor: there is no such organisation"),
        ({"--organisation": str(UUID(int=7)), "--decision": "  "}, "--decision must name"),
    ],
)
def test_what_can_t_be_is_one_line(capsys: pytest.CaptureFixture[str], options: Mapping[str, str], said: str) -> None:
    assert run(*(part for pair in options.items() for part in pair if part)) == 2
    assert said in capsys.readouterr().err
