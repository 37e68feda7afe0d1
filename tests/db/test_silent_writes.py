"""A write of patient data leaves an event, or it does not happen."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, update
from sqlalchemy.orm import class_mapper

from app.db.administrations import NewRows, write
from app.db.auditing import OF_PATIENTS
from app.db.editing import add, add_of_organisation
from app.db.ids import uuid7
from app.db.models import Patient, Service
from app.db.models.base import AboutPatient, Base, Edited
from app.db.session import Access, Database, Work
from app.services.organisations import founding_scope
from tests.factories import START, Clinic, make_patient
from tests.owner import Owner
from tests.rules import ROOT


def values() -> dict[str, Any]:
    return {
        "reference": f"P-{uuid4()}",
        "birth_month": START.date().replace(day=1),
        "language": "nb",
        "registered_by": uuid4(),
    }


def by_row(work: Work, clinic: Clinic, patient_id: UUID) -> None:
    row = {"organisation_id": clinic.organisation_id, "id": uuid7(), "version": 1}
    work.db.add(Patient(**row, **{**values(), "registered_by": clinic.therapist_id}))


def as_intended(work: Work, clinic: Clinic, patient_id: UUID) -> None:
    add(work, work.entry, Patient, {**values(), "registered_by": clinic.therapist_id})


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
    write(work, work.entry, NewRows())


@pytest.mark.parametrize("silently", [as_intended, by_row, by_statement, by_many, by_edit, on_the_hot_path])
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
        work.saw([patient_id])
        silently(work, clinic, patient_id)
    assert owner.audit(clinic.organisation_id)[-1]["patient_ids"] == [patient_id]


def test_what_says_nothing_of_patients_needs_no_event(database: Database, clinic: Clinic) -> None:
    with database.work(founding_scope(clinic.organisation_id), Access("x", uuid7())) as work:
        add_of_organisation(work, Service, {"name": "Another"})


def test_the_entry_of_another_transaction_does_not_do(database: Database, clinic: Clinic) -> None:
    patient_id = UUID(make_patient(clinic)["id"])
    scope = founding_scope(clinic.organisation_id)
    with database.work(scope, Access("x", uuid7())) as earlier:
        entry = earlier.saw([patient_id])
    with database.work(scope, Access("x", uuid7())) as work:
        work.saw([patient_id])
        with pytest.raises(AssertionError, match="own"):
            add(work, entry, Patient, values())


def test_what_is_edited_and_about_patients_is_typed_so() -> None:
    edited = {each.class_ for each in Base.registry.mappers if issubclass(each.class_, Edited)}
    typed = {each for each in edited if issubclass(each, AboutPatient)}
    assert typed == {each for each in edited if str(class_mapper(each).local_table) in OF_PATIENTS}


SILENT = """
from app.db.administrations import NewRows, write
from app.db.consents import add_consent
from app.db.editing import add, add_of_organisation, edit, edit_of_organisation
from app.db.models import Goal, Patient, Programme
from app.db.entry import Entry
from app.db.session import Work


def silent(work: Work, goal: Goal, patient: Patient, rows: NewRows) -> None:
    add(work, Goal, {})
    add_of_organisation(work, Goal, {})
    edit(work, goal, 1, {})
    edit_of_organisation(work, patient, 1, {})
    write(work, rows)
    add_consent(work, patient.id, {})
    add(work, Entry(), Goal, {})


def told(work: Work, goal: Goal, patient: Patient, rows: NewRows) -> None:
    entry = work.saw([patient.id])
    add(work, entry, Goal, {})
    edit(work, entry, goal, 1, {})
    write(work, entry, rows)
    add_consent(work, work.entry, patient.id, {})
    add_of_organisation(work, Programme, {})
"""


def test_a_silent_write_does_not_type_check(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(SILENT)
    config = ROOT / "pyproject.toml"
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "--config-file", str(config), str(planted)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = SILENT.splitlines()
    wrong = {int(found) for found in re.findall(r"planted\.py:(\d+): error", checked.stdout)}
    silent = range(lines.index("    add(work, Goal, {})"), lines.index("    add(work, Entry(), Goal, {})") + 1)
    assert wrong == {number + 1 for number in silent}, checked.stdout + checked.stderr
    assert "abstract" in checked.stdout


def test_the_tables_of_patients_are_known() -> None:
    assert {"patients", "episodes", "administrations", "scores", "progress", "risk_alerts", "goals"} <= OF_PATIENTS
    assert not {"users", "services", "audit_events", "credentials", "organisations"} & OF_PATIENTS
