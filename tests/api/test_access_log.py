"""Who has used what is known about a patient: as data, and as a document that the patient can read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from fastapi.testclient import TestClient

from app.db.session import Database
from tests.factories import Clinic, administration, make_clinic, make_episode, make_record, ok, phq_9, put
from tests.owner import Owner
from tests.pdf_text import pages_of, text_of

PDF = {"Accept": "application/pdf"}


def log_of(clinic: Clinic, patient_id: str, **query: Any) -> dict[str, Any]:
    return ok(clinic.therapist.get(f"/v1/patients/{patient_id}/access-log", params=query))


def test_the_log_tells_who_did_what_and_why_newest_first(clinic: Clinic) -> None:
    before = datetime.now(UTC)
    episode = make_episode(clinic)
    patient = episode["patient_id"]
    put(clinic.tablet, administration(episode, phq_9(12)))
    ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}/trajectory"))
    ok(clinic.supervisor.get("/v1/caseload"))
    found = log_of(clinic, patient)
    entries = found["entries"]
    assert found["next_after"] is None
    assert [(each["action"], each["role"], each["purpose"]) for each in entries] == [
        ("read_caseload", "supervisor", "supervision"),
        ("read_trajectory", "therapist", "treatment"),
        ("put_administration", "device", "answering"),
        *[(each["action"], "therapist", "treatment") for each in entries[3:]],
    ]
    assert {each["action"] for each in entries[3:]} >= {"open_episode", "register_patient"}
    assert [each["occurred_at"] for each in entries] == sorted((each["occurred_at"] for each in entries), reverse=True)
    assert datetime.fromisoformat(entries[-1]["occurred_at"]) >= before
    assert entries[1]["name"] is not None
    assert entries[1]["who"] == f"{entries[1]['name']}, behandler"
    assert (entries[1]["what"], entries[1]["why"]) == ("Så på kurven over skårer", "Behandling")
    assert entries[1]["service"] is not None


def test_reading_the_log_is_in_the_log(clinic: Clinic) -> None:
    patient = make_episode(clinic)["patient_id"]
    assert "read_access_log" not in [each["action"] for each in log_of(clinic, patient)["entries"]]
    assert log_of(clinic, patient)["entries"][0]["action"] == "read_access_log"
    clinic.therapist.get(f"/v1/patients/{patient}/access-log", headers=PDF)
    assert [each["action"] for each in log_of(clinic, patient)["entries"]][:2] == ["read_access_log"] * 2


def test_pages_go_on_where_the_last_one_ended(clinic: Clinic) -> None:
    patient = make_episode(clinic)["patient_id"]
    for _ in range(4):
        ok(clinic.therapist.get(f"/v1/patients/{patient}"))
    page = log_of(clinic, patient, limit=200)
    assert page["next_after"] is None
    whole = [each["id"] for each in page["entries"]]
    walked: list[int] = []
    after: dict[str, int] = {}
    while True:
        page = log_of(clinic, patient, limit=2, **after)
        assert len(page["entries"]) <= 2
        walked += [each["id"] for each in page["entries"] if each["id"] <= whole[0]]
        if page["next_after"] is None:
            break
        after = {"after": page["next_after"]}
    assert walked == whole


def test_the_words_are_in_the_reader_s_language(clinic: Clinic) -> None:
    patient = make_episode(clinic)["patient_id"]
    path = f"/v1/patients/{patient}/access-log"
    ok(clinic.therapist.get(path))
    said = {
        language: ok(clinic.therapist.get(path, headers={"Accept-Language": language}))["entries"][0]
        for language in ("nb", "nn", "en")
    }
    assert {language: each["what"] for language, each in said.items()} == {
        "nb": "Leste denne oversikten",
        "nn": "Las denne oversikta",
        "en": "Read this overview",
    }
    assert said["en"]["who"].endswith(", therapist")


def test_nobody_reads_the_log_of_somebody_else_s_patient(
    clinic: Clinic, database: Database, client: TestClient
) -> None:
    record = make_record(clinic)
    path = f"/v1/patients/{record['patient_id']}/access-log"
    stranger = make_clinic(database, client)
    for headers in ({}, PDF):
        for caller in (clinic.colleague, stranger.therapist, stranger.supervisor):
            answer = caller.get(path, headers=headers)
            nothing = caller.get(f"/v1/patients/{uuid4()}/access-log", headers=headers)
            assert answer.status_code == nothing.status_code == 404
        for caller in (clinic.tablet, clinic.lead, clinic.analyst, clinic.operator):
            assert caller.get(path, headers=headers).status_code == 403
    assert clinic.therapist.get(path, headers={"Accept": "image/png"}).status_code == 406


def test_an_event_of_another_organisation_is_never_shown(
    clinic: Clinic, database: Database, client: TestClient, owner: Owner
) -> None:
    """Even where a hostile organisation has written this patient's id into an event of its own."""
    patient = make_episode(clinic)["patient_id"]
    other = make_clinic(database, client)
    ids = other.organisation_id
    owner.run(
        "insert into audit_events (organisation_id, actor_id, service_id, request_id, role, purpose, action,"
        " patient_ids) values (%s, %s, %s, %s, 'therapist', 'treatment', 'hostile', array[%s::uuid])",
        *(ids, ids, ids, ids, patient),
    )
    assert "hostile" not in [each["action"] for each in log_of(clinic, patient, limit=200)["entries"]]


def test_the_document_can_be_handed_over(clinic: Clinic, owner: Owner) -> None:
    episode = make_episode(clinic)
    patient = episode["patient_id"]
    for _ in range(3):
        ok(clinic.therapist.get(f"/v1/patients/{patient}"))
    reference = ok(clinic.therapist.get(f"/v1/patients/{patient}"))["reference"]
    owner.run("update users set display_name = '#panic(\"x\") *Kari* $Å$' where id = %s", clinic.therapist_id)
    answer = clinic.therapist.get(f"/v1/patients/{patient}/access-log", headers=PDF | {"Accept-Language": "nb"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["vary"] == "Accept, Accept-Language"
    assert answer.headers["content-disposition"] == 'attachment; filename="access-log.pdf"'
    said = text_of(answer.content)
    for wanted in (
        "Hvem har brukt opplysningene om deg",
        reference,
        "Testing",
        '#panic("x") *Kari* $Å$',
        "Leste opplysninger om pasienten Antall ganger: 4",
        "Hvis noe ikke stemmer",
        "Datatilsynet",
    ):
        assert wanted in said, wanted
    assert b"/Lang(nb)" in answer.content


def test_a_long_log_is_whole_in_the_document(clinic: Clinic, owner: Owner) -> None:
    patient = make_episode(clinic)["patient_id"]
    owner.run(
        "insert into audit_events (organisation_id, occurred_at, actor_id, service_id, request_id, role, purpose,"
        " action, patient_ids) select %s, now() - n * interval '1 day', %s, %s, gen_random_uuid(), 'therapist',"
        " 'treatment', 'read_patient', array[%s::uuid] from generate_series(1, 300) n",
        clinic.organisation_id,
        clinic.therapist_id,
        clinic.service_id,
        patient,
    )
    pages = pages_of(clinic.therapist.get(f"/v1/patients/{patient}/access-log", headers=PDF).content)
    assert len(pages) > 5
    assert sum(page.count("Leste opplysninger") for page in pages) == 300
