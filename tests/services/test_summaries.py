"""The summaries that reports are made from: equal to the record after every kind of event, and checked by command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from app.api.examples import EXAMPLES
from app.api.schemas.deletion import DeletionCreate
from app.cli import main
from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.ids import uuid7
from app.db.session import Access, Database
from app.reports.cohort import Period
from app.services.organisations import founding_scope
from app.services.reports import ReportRequest, outcomes_report
from app.services.summaries import check
from tests.factories import (
    START,
    Clinic,
    administration,
    at,
    created,
    gad_7,
    hold,
    listed,
    make_assignment,
    make_episode,
    make_programme,
    make_sessions,
    ok,
    phq_9,
    put,
    put_weekly,
)

FIRST = {"If-Match": '"1"'}


@pytest.fixture
def superuser(server: EmbeddedServer) -> Iterator[psycopg.Connection[Any]]:
    """Past the interface and row-level security."""
    with psycopg.connect(server.conninfo("spor", SUPERUSER), autocommit=True) as connection:
        yield connection


def close(clinic: Clinic, episode: Mapping[str, Any], reason: str | None = "completed") -> None:
    """Close an episode in March 2026, or open it again."""
    path = f"/v1/episodes/{episode['id']}"
    closing = {"closed_at": None if reason is None else at(10), "closing_reason": reason}
    ok(clinic.therapist.patch(path, closing, ok(clinic.therapist.get(path))["version"]))


def differing(database: Database, clinic: Clinic) -> list[UUID]:
    return [episode_id for part in check(database, clinic.organisation_id) for episode_id in part.differing]


def kept(superuser: psycopg.Connection[Any], episode: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Give what is kept of an episode and its measures, as text."""
    found: list[tuple[Any, ...]] = []
    for table in ("episode_summaries", "measure_summaries"):
        asked = f"select t::text from {table} t where episode_id = %s order by 1"
        found += superuser.execute(asked.encode(), [episode["id"]]).fetchall()
    return found


# ---- Each kind of event


def put_one(clinic: Clinic, episode: Mapping[str, Any]) -> None:
    created(put(clinic.tablet, administration(episode, phq_9(3), week=2)))


def put_batch(clinic: Clinic, episode: Mapping[str, Any]) -> None:
    bodies = [administration(episode, gad_7(9), week=week, instrument="gad-7") for week in (0, 1)]
    batch = [body | {"id": str(uuid4())} for body in bodies]
    ok(clinic.tablet.put("/v1/administrations", {"administrations": batch}))


def put_before(clinic: Clinic, episode: Mapping[str, Any]) -> None:
    """It comes later, and lies before all others."""
    created(put(clinic.tablet, administration(episode, phq_9(23), week=-0.01)))


def newest(clinic: Clinic, episode: Mapping[str, Any]) -> str:
    stored = created(put(clinic.therapist, administration(episode, phq_9(4), week=1.5)))
    return str(stored["id"])


def correct(clinic: Clinic, episode: Mapping[str, Any]) -> None:
    correction = {"reason": "read wrongly", "answers": phq_9(24)}
    created(
        clinic.therapist.post(f"/v1/administrations/{newest(clinic, episode)}/corrections", correction, headers=FIRST)
    )


def enter_in_error(clinic: Clinic, episode: Mapping[str, Any]) -> None:
    path = f"/v1/administrations/{newest(clinic, episode)}/entered-in-error"
    answer = clinic.therapist.post(path, {"reason": "somebody else's"}, headers=FIRST)
    assert answer.status_code < 300, answer.text


def attend(clinic: Clinic, episode: Mapping[str, Any]) -> None:
    hold(clinic, episode, week=3)


def stay_away_after_all(clinic: Clinic, episode: Mapping[str, Any]) -> None:
    [*_, session] = listed(clinic.therapist.get(f"/v1/episodes/{episode['id']}/treatment-sessions"))
    [attendance] = listed(clinic.therapist.get(f"/v1/treatment-sessions/{session['id']}/attendances"))
    ok(clinic.therapist.patch(f"/v1/attendances/{attendance['id']}", {"outcome": "no_show"}, 1))


def move_session(clinic: Clinic, episode: Mapping[str, Any]) -> None:
    [*_, session] = listed(clinic.therapist.get(f"/v1/episodes/{episode['id']}/treatment-sessions"))
    ok(clinic.therapist.patch(f"/v1/treatment-sessions/{session['id']}", {"starts_at": at(4)}, 1))


def start_programme(clinic: Clinic, episode: Mapping[str, Any]) -> dict[str, Any]:
    programme = make_programme(clinic, "individual", planned_dose=6)
    body = {"programme_id": programme["id"], "started_at": at(0)}
    return created(clinic.therapist.post(f"/v1/episodes/{episode['id']}/programmes", body))


def end_programme(clinic: Clinic, episode: Mapping[str, Any]) -> None:
    """The second score then lies after the treatment."""
    row = start_programme(clinic, episode)
    ok(clinic.therapist.patch(f"/v1/episode-programmes/{row['id']}", {"ended_at": at(0.5)}, 1))


def count_other_contacts(clinic: Clinic, episode: Mapping[str, Any]) -> None:
    """The programme counts only groups from now on, so that there has been no session."""
    row = start_programme(clinic, episode)
    path = f"/v1/programmes/{row['programme_id']}"
    ok(clinic.lead.patch(path, {"counted_contact_types": ["group"]}, 1))


def close_and_reopen(clinic: Clinic, episode: Mapping[str, Any]) -> None:
    close(clinic, episode)
    close(clinic, episode, None)
    close(clinic, episode, "dropped_out")


def change_patient(clinic: Clinic, episode: Mapping[str, Any]) -> None:
    change = {"sex": "female", "language": "en", "birth_month": "1950-01-01"}
    ok(clinic.therapist.patch(f"/v1/patients/{episode['patient_id']}", change, 1))


def change_episode(clinic: Clinic, episode: Mapping[str, Any]) -> None:
    path = f"/v1/episodes/{episode['id']}"
    change = {"pathway": 2, "problem_areas": ["sleep"], "planned_dose": 9}
    ok(clinic.therapist.patch(path, change, ok(clinic.therapist.get(path))["version"]))


def assign(clinic: Clinic, episode: Mapping[str, Any]) -> None:
    make_assignment(clinic, episode)


def decline(clinic: Clinic, episode: Mapping[str, Any]) -> None:
    assignment = make_assignment(clinic, episode)
    said = {"state": "declined", "reason": "not today"}
    ok(clinic.therapist.patch(f"/v1/assignments/{assignment['id']}", said, 1))


def complete(clinic: Clinic, episode: Mapping[str, Any]) -> None:
    assignment = make_assignment(clinic, episode, instrument="gad-7")
    body = administration(episode, gad_7(5), instrument="gad-7", week=1, assignment_id=assignment["id"])
    created(put(clinic.therapist, body))


def delete_answer(clinic: Clinic, episode: Mapping[str, Any]) -> None:
    body = EXAMPLES[DeletionCreate] | {"decided_at": START.isoformat()}
    path = f"/v1/administrations/{newest(clinic, episode)}/deletion"
    created(clinic.administrator.post(path, body, headers=FIRST))


EVENTS: list[Callable[[Clinic, Mapping[str, Any]], Any]] = [
    put_one,
    put_batch,
    put_before,
    correct,
    attend,
    stay_away_after_all,
    move_session,
    start_programme,
    end_programme,
    count_other_contacts,
    close_and_reopen,
    change_patient,
    change_episode,
    assign,
    decline,
    complete,
]
"""What changes a summary; what takes something back again has a test of its own."""


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_an_event_changes_the_summaries_as_it_changes_the_record(
    database: Database, clinic: Clinic, superuser: psycopg.Connection[Any], event: Callable[..., Any]
) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 2)
    put_weekly(clinic, episode, [18, 10])
    before = kept(superuser, episode)
    assert len(before) == 2
    event(clinic, episode)
    assert kept(superuser, episode) != before
    assert differing(database, clinic) == []


@pytest.mark.parametrize("event", [enter_in_error, delete_answer], ids=lambda event: event.__name__)
def test_what_is_taken_back_leaves_the_summaries_as_they_were(
    database: Database, clinic: Clinic, superuser: psycopg.Connection[Any], event: Callable[..., Any]
) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 2)
    put_weekly(clinic, episode, [18, 10])
    before = kept(superuser, episode)
    event(clinic, episode)
    assert kept(superuser, episode) == before
    assert differing(database, clinic) == []


def test_a_deleted_patient_leaves_no_summary(clinic: Clinic, superuser: psycopg.Connection[Any]) -> None:
    episode = make_episode(clinic)
    put_weekly(clinic, episode, [18])
    assert kept(superuser, episode)
    body = EXAMPLES[DeletionCreate] | {"decided_at": START.isoformat()}
    created(clinic.administrator.post(f"/v1/patients/{episode['patient_id']}/deletion", body, headers=FIRST))
    assert kept(superuser, episode) == []


# ---- Checked and mended by command


@pytest.fixture
def command(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str, Clinic], tuple[object, dict[str, Any]]]:
    monkeypatch.setenv("DATABASE_URL", server.url("spor", "spor_app"))

    def run(name: str, clinic: Clinic) -> tuple[object, dict[str, Any]]:
        with pytest.raises(SystemExit) as ended:
            main(["report", name, "--organisation", str(clinic.organisation_id)])
        return ended.value.code, json.loads(capsys.readouterr().out)

    return run


@pytest.mark.parametrize(
    "planted",
    [
        "update episode_summaries set dose = dose + 1 where episode_id = %s",
        "update measure_summaries set last = 0 where episode_id = %s",
        "update measure_summaries set language = 'en' where episode_id = %s",
        "delete from measure_summaries where episode_id = %s",
        "delete from episode_summaries where episode_id = %s",
    ],
)
def test_a_wrong_summary_is_found_and_mended(
    clinic: Clinic,
    superuser: psycopg.Connection[Any],
    command: Callable[[str, Clinic], tuple[object, dict[str, Any]]],
    planted: str,
) -> None:
    spoilt, sound = make_episode(clinic), make_episode(clinic)
    for episode in (spoilt, sound):
        make_sessions(clinic, episode, 2)
        put_weekly(clinic, episode, [18, 10])
    organisation = {"organisation_id": str(clinic.organisation_id), "episodes": 2}
    assert command("check", clinic) == (0, {**organisation, "differing": []})
    superuser.execute(planted.encode(), [spoilt["id"]])
    assert command("check", clinic) == (1, {**organisation, "differing": [spoilt["id"]]})
    assert command("rebuild", clinic) == (0, organisation)
    assert command("check", clinic) == (0, {**organisation, "differing": []})


# ---- What was counted follows


def referred(database: Database, clinic: Clinic) -> Any:
    with database.work(founding_scope(clinic.organisation_id), Access("test", uuid7())) as work:
        report = outcomes_report(work, ReportRequest(Period(START.year), "phq-9"), threshold=1)
    return report.sections[0].tables[0].rows[0].cells[0].value


def test_a_report_asked_again_shows_what_was_closed_meanwhile(database: Database, clinic: Clinic) -> None:
    one, other = make_episode(clinic), make_episode(clinic)
    assert referred(database, clinic) == 0
    close(clinic, one)
    assert [referred(database, clinic), referred(database, clinic)] == [1, 1]
    close(clinic, other)
    assert referred(database, clinic) == 2
    close(clinic, one, None)
    assert referred(database, clinic) == 1


def test_many_closings_at_once_are_all_counted(database: Database, clinic: Clinic) -> None:
    episodes = [make_episode(clinic) for _ in range(12)]

    def close_and_ask(episode: Mapping[str, Any]) -> Any:
        close(clinic, episode)
        return referred(database, clinic)

    with ThreadPoolExecutor(6) as threads:
        seen = list(threads.map(close_and_ask, episodes))
    assert all(1 <= count <= 12 for count in seen)
    assert referred(database, clinic) == 12
