"""Reports over several organisations: equal to the hand arithmetic, and no source of anybody's small numbers.

Each of the three is the service of twenty in `tests/api/twenty.py`, or has some patients of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from app.db.session import Database
from app.errors import InvalidInput, NotFound, StateConflict, UnknownInstrument
from app.reports.cohort import Period
from app.reports.document import Cell, Report, Withheld
from app.services.pooled_reports import pooled_report
from app.services.report_request import ReportRequest
from tests.api.conftest import Owner, owner  # noqa: F401 - a fixture
from tests.api.test_exports import treated
from tests.api.twenty import YEAR, keep
from tests.factories import Clinic, make_clinic, ok

TREATED_IN = 2026


def agree(clinic: Clinic, *, agrees: bool = True) -> None:
    version = ok(clinic.lead.get("/v1/settings"))["version"]
    change = {"reason": "the county's small services", "pools_reports": agrees}
    ok(clinic.lead.patch("/v1/settings", change, version))


@pytest.fixture(scope="module")
def three(database: Database, client: TestClient) -> list[Clinic]:
    clinics = [make_clinic(database, client) for _ in range(3)]
    for clinic in clinics:
        keep(clinic)
        agree(clinic)
    return clinics


def pooled(
    database: Database, clinics: Sequence[Clinic], *, year: int = YEAR, measure: str = "phq-9", threshold: int = 8
) -> Report:
    ids = [clinic.organisation_id for clinic in clinics]
    return pooled_report(database, ids, ReportRequest(Period(year), measure), threshold=threshold)


def cell(report: Report, table: str, row: str, place: int = 0) -> Cell:
    [found] = [each for section in report.sections for each in section.tables if each.key == table]
    [cells] = [each.cells for each in found.rows if each.key == row]
    return cells[place]


def test_the_sums_are_three_times_those_of_the_twenty(database: Database, three: list[Clinic]) -> None:
    report = pooled(database, three, threshold=1)
    # tests/api/test_reports.py counts 20, 18, 16, 13 and 10 of one.
    flow = {"referred": 60, "started": 54, "two_sessions": 48, "paired": 39, "cases": 30}
    assert {name: cell(report, "denominators", name).value for name in flow} == flow
    # Reliably better: 1, 2, 3, 4, 7 and 11 of the thirteen; reliably worse: 10.
    for outcome, count in (("reliable_improvement", 18), ("reliable_deterioration", 3)):
        found = cell(report, "outcomes", outcome, 1)
        assert found.of == 39
        assert found.value == pytest.approx(count / 39)


def test_small_numbers_are_withheld_and_larger_ones_told(database: Database, three: list[Clinic]) -> None:
    report = pooled(database, three)
    assert cell(report, "denominators", "referred").value == 60
    # Three are worse, and one who knows that one of them is the own would be left with two.
    assert cell(report, "outcomes", "reliable_deterioration", 1).withheld is Withheld.SMALL_NUMBER


def test_it_names_the_organisations_and_no_service(database: Database, three: list[Clinic]) -> None:
    report = pooled(database, three)
    facts = {fact.key: fact.value for fact in report.facts}
    assert facts["organisations"] == "Testing, Testing, Testing"
    assert "service" not in facts
    assert report.notes[0].code == "put_together"
    ids = {str(each) for clinic in three for each in (clinic.organisation_id, clinic.service_id)}
    assert not [row for section in report.sections for table in section.tables for row in table.rows if row.key in ids]


def test_nobody_is_left_with_few_of_the_others(database: Database, client: TestClient) -> None:
    """One large organisation and two small ones: it could take its own from every figure, and have seven left."""
    clinics = [make_clinic(database, client) for _ in range(3)]
    for clinic, patients in zip(clinics, (12, 4, 3), strict=True):
        agree(clinic)
        for _ in range(patients):
            treated(clinic)
    report = pooled(database, clinics, year=TREATED_IN)
    assert cell(report, "denominators", "referred").withheld is Withheld.SMALL_NUMBER
    for _ in range(2):
        treated(clinics[2])
    report = pooled(database, clinics, year=TREATED_IN)
    assert (
        cell(report, "denominators", "referred").value == 20
    )  # 12, 4 and 5, to the nearest 5: nine are left to the largest


def test_who_has_not_agreed_is_named(database: Database, three: list[Clinic], client: TestClient) -> None:
    other = make_clinic(database, client)
    with pytest.raises(StateConflict, match=f"{other.organisation_id} has not agreed"):
        pooled(database, [*three, other])
    agree(other)
    assert cell(pooled(database, [*three, other]), "denominators", "referred").value == 60
    agree(other, agrees=False)
    with pytest.raises(StateConflict, match="has not agreed"):
        pooled(database, [*three, other])


def test_who_agreed_and_withdrew_is_in_the_audit(database: Database, client: TestClient, owner: Owner) -> None:  # noqa: F811
    clinic = make_clinic(database, client)
    agree(clinic)
    agree(clinic, agrees=False)
    events: list[Any] = [
        each for each in owner.audit(clinic.organisation_id) if each["action"].startswith("change_settings")
    ]
    assert [(each["action"], each["actor_id"]) for each in events] == [
        ("change_settings: pools_reports false to true", clinic.staff["service lead"]),
        ("change_settings: pools_reports true to false", clinic.staff["service lead"]),
    ]


@pytest.mark.parametrize("chosen", [(0, 1), (0, 1, 1)], ids=["two", "one twice"])
def test_it_takes_three_of_them(database: Database, three: list[Clinic], chosen: Sequence[int]) -> None:
    with pytest.raises(InvalidInput, match="3 organisations or more, each named once"):
        pooled(database, [three[at] for at in chosen])


def test_what_there_is_not_is_refused(database: Database, three: list[Clinic]) -> None:
    with pytest.raises(UnknownInstrument):
        pooled(database, three, measure="no-such")
    ids = [three[0].organisation_id, three[1].organisation_id, uuid4()]
    with pytest.raises(NotFound, match="no such organisation"):
        pooled_report(database, ids, ReportRequest(Period(YEAR), "phq-9"), threshold=8)


def test_the_audit_of_each_of_them_says_so(database: Database, three: list[Clinic], owner: Owner) -> None:  # noqa: F811
    pooled(database, three, measure="phq-9+gad-7")
    events: list[Any] = [owner.audit(clinic.organisation_id)[-1] for clinic in three]
    assert {(each["action"], each["role"], len(each["patient_ids"])) for each in events} == {
        ("make_pooled_report", "operator", 0)
    }
    assert len({each["request_id"] for each in events}) == 1
    assert {each["actor_id"] for each in events} == {UUID(int=0)}
