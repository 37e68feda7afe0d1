"""The ledger of consents: the newest statement of a use is in force, and an export obeys it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.api.examples import EXAMPLES
from app.api.schemas.consents import ConsentCreate
from app.db.codes import ConsentUse, Role
from app.db.consents import consenting_patients
from app.db.session import Access, Database, Scope
from tests.factories import Clinic, at, created, listed, make_clinic, make_patient, ok
from tests.owner import Owner

RESEARCH = ConsentUse.RESEARCH


def consent(clinic: Clinic, patient_id: object, decision: str, week: float, **fields: Any) -> Response:
    body = EXAMPLES[ConsentCreate] | {"decision": decision, "stated_at": at(week)} | fields
    return clinic.therapist.post(f"/v1/patients/{patient_id}/consents", body)


def exported(database: Database, clinic: Clinic, use: ConsentUse = RESEARCH) -> set[str]:
    """Give whom an export would take, asked as the analyst who makes it."""
    scope = Scope(clinic.organisation_id, uuid4(), Role.ANALYST, clinic.service_id)
    with database.work(scope, Access("test", uuid4())) as work:
        return {str(each) for each in consenting_patients(work, use)}


def test_without_consent_nobody_is_exported(clinic: Clinic, database: Database) -> None:
    patient_id = make_patient(clinic)["id"]
    assert [exported(database, clinic, use) for use in ConsentUse] == [set(), set(), set()]
    ledger = ok(clinic.therapist.get(f"/v1/patients/{patient_id}/consents"))
    assert ledger == {"in_force": dict.fromkeys(ConsentUse, False), "statements": []}


def test_a_withdrawal_is_obeyed_and_nothing_that_was_said_is_lost(clinic: Clinic, database: Database) -> None:
    patient_id, other = make_patient(clinic)["id"], make_patient(clinic)["id"]
    first = created(consent(clinic, patient_id, "given", 0, medium="verbal"))
    created(consent(clinic, other, "given", 0))
    assert exported(database, clinic) == {patient_id, other}
    # A consent is for one use.
    assert exported(database, clinic, ConsentUse.QUALITY_REGISTER) == set()
    second = created(consent(clinic, patient_id, "withdrawn", 3))
    assert exported(database, clinic) == {other}
    # What is written down later but was said before changes nothing.
    late = created(consent(clinic, patient_id, "given", 2))
    assert exported(database, clinic) == {other}
    ledger = ok(clinic.therapist.get(f"/v1/patients/{patient_id}/consents"))
    assert ledger["statements"] == [first, late, second]
    assert ledger["in_force"] == {"research": False, "quality_register": False, "teaching": False}
    created(consent(clinic, patient_id, "given", 4))
    assert exported(database, clinic) == {patient_id, other}


def test_of_two_statements_of_one_moment_the_withdrawal_holds(clinic: Clinic, database: Database) -> None:
    for order in (("given", "withdrawn"), ("withdrawn", "given")):
        patient_id = make_patient(clinic)["id"]
        for decision in order:
            created(consent(clinic, patient_id, decision, 1))
    assert exported(database, clinic) == set()


def test_a_consent_is_the_patients_or_a_parents(clinic: Clinic) -> None:
    patient_id, other = make_patient(clinic)["id"], make_patient(clinic)["id"]
    path = f"/v1/patients/{patient_id}/informants"
    mother = created(clinic.therapist.post(path, {"role": "parent", "label": "mother"}))
    teacher = created(clinic.therapist.post(path, {"role": "teacher", "label": "teacher"}))
    [own, *_] = listed(clinic.therapist.get(path))
    [stranger] = listed(clinic.therapist.get(f"/v1/patients/{other}/informants"))
    assert created(consent(clinic, patient_id, "given", 0))["informant_id"] == own["id"]
    assert created(consent(clinic, patient_id, "given", 0, informant_id=mother["id"]))["informant_id"] == mother["id"]
    for wrong in (teacher["id"], stranger["id"], str(uuid4())):
        refused = consent(clinic, patient_id, "given", 0, informant_id=wrong)
        assert (refused.status_code, refused.json()["pointer"]) == (422, "/informant_id")
    ahead = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    refused = consent(clinic, patient_id, "given", 0, stated_at=ahead)
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/stated_at")
    assert clinic.colleague.get(f"/v1/patients/{patient_id}/consents").status_code == 404
    assert clinic.supervisor.post(f"/v1/patients/{patient_id}/consents", EXAMPLES[ConsentCreate]).status_code == 403


def test_another_organisation_s_consents_are_not_ours(clinic: Clinic, database: Database, client: TestClient) -> None:
    patient_id = make_patient(clinic)["id"]
    created(consent(clinic, patient_id, "given", 0))
    elsewhere = make_clinic(database, client)
    assert (exported(database, clinic), exported(database, elsewhere)) == ({patient_id}, set())


@pytest.mark.parametrize("command", ["update consents set decision = 'given'", "delete from consents"])
def test_the_ledger_can_only_grow(clinic: Clinic, owner: Owner, command: str) -> None:
    privilege = command.split(maxsplit=1)[0]
    [row] = owner.rows("select has_table_privilege('spor_app', 'consents', %s) as may", privilege)
    assert row["may"] is False


def test_what_was_recorded_says_by_whom_and_when(clinic: Clinic) -> None:
    before = datetime.now(UTC)
    row = created(consent(clinic, make_patient(clinic)["id"], "given", 0))
    assert row["recorded_by"] == str(clinic.therapist_id)
    assert before <= datetime.fromisoformat(row["recorded_at"]) <= datetime.now(UTC)
