"""A write of patient data leaves an event, or it does not happen."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, update

from app.db.administrations import NewRows, write
from app.db.auditing import OF_PATIENTS
from app.db.editing import add
from app.db.ids import uuid7
from app.db.models import Patient, Service
from app.db.session import Access, Database, Work
from app.services.organisations import founding_scope
from tests.api.conftest import Owner
from tests.api.conftest import owner as owner  # noqa: PLC0414 - a fixture
from tests.factories import START, Clinic, make_patient


def values() -> dict[str, Any]:
    return {
        "reference": f"P-{uuid4()}",
        "birth_month": START.date().replace(day=1),
        "language": "nb",
        "registered_by": uuid4(),
    }


def by_row(work: Work, clinic: Clinic, patient_id: UUID) -> None:
    add(work, Patient, {**values(), "registered_by": clinic.therapist_id})


def by_statement(work: Work, clinic: Clinic, patient_id: UUID) -> None:
    work.db.execute(update(Patient).where(Patient.id == patient_id).values(language="nn"))


def by_many(work: Work, clinic: Clinic, patient_id: UUID) -> None:
    row = {"organisation_id": clinic.organisation_id, "id": uuid7(), "version": 1}
    work.db.execute(insert(Patient), [{**row, **values(), "registered_by": clinic.therapist_id}])


def by_edit(work: Work, clinic: Clinic, patient_id: UUID) -> None:
    patient = work.db.get(Patient, (clinic.organisation_id, patient_id))
    assert patient is not None
    patient.language = "nn"


def on_the_hot_path(work: Work, clinic: Clinic, patient_id: UUID) -> None:
    write(work, NewRows())


@pytest.mark.parametrize("silently", [by_row, by_statement, by_many, by_edit, on_the_hot_path])
def test_what_is_written_without_saying_whose_is_not_kept(
    silently: Any, database: Database, clinic: Clinic, owner: Owner
) -> None:
    patient_id = UUID(make_patient(clinic)["id"])
    before = owner.rows("select * from patients where organisation_id = %s order by id", clinic.organisation_id)
    scope = founding_scope(clinic.organisation_id)
    with pytest.raises(AssertionError, match="for the audit"), database.work(scope, Access("x", uuid7())) as work:
        silently(work, clinic, patient_id)
    assert owner.rows("select * from patients where organisation_id = %s order by id", clinic.organisation_id) == before
    with database.work(scope, Access("x", uuid7())) as work:
        silently(work, clinic, patient_id)
        work.saw([patient_id])
    assert owner.audit(clinic.organisation_id)[-1]["patient_ids"] == [patient_id]


def test_what_says_nothing_of_patients_needs_no_event(database: Database, clinic: Clinic) -> None:
    with database.work(founding_scope(clinic.organisation_id), Access("x", uuid7())) as work:
        add(work, Service, {"name": "Another"})


def test_the_tables_of_patients_are_known() -> None:
    assert {"patients", "episodes", "administrations", "scores", "progress", "risk_alerts", "goals"} <= OF_PATIENTS
    assert not {"users", "services", "audit_events", "credentials", "organisations"} & OF_PATIENTS
