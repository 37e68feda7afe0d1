"""Reports over several organisations: equal to the hand arithmetic, and no source of anybody's small numbers.

Each of the three is the service of twenty in `tests/api/twenty.py`, or has some patients of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from app.db.codes import Role
from app.db.ids import uuid7
from app.db.session import Access, Database, Scope
from app.errors import InvalidInput, NotFound, StateConflict, UnknownInstrument
from app.reports.cohort import Period
from app.reports.document import Cell, Kind, Report, Withheld
from app.services.pooled_reports import pooled_report
from app.services.report_request import ReportRequest
from app.services.reports import outcomes_report
from tests.api.test_exports import treated
from tests.api.twenty import YEAR, keep
from tests.factories import Clinic, make_clinic, ok
from tests.owner import Owner

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


def exact(database: Database, clinic: Clinic, year: int) -> Report:
    """The report that an organisation could make of itself if it held its own numbers back from nobody."""
    scope = Scope(clinic.organisation_id, UUID(int=0), Role.OPERATOR, UUID(int=0))
    with database.work(scope, Access("test", uuid7())) as work:
        return outcomes_report(work, ReportRequest(Period(year), "phq-9"), threshold=1)


def persons(report: Report) -> Iterator[tuple[tuple[str, ...], int]]:
    """Give of how many persons each figure is, and how many of them have what it is a share of."""
    for section in report.sections:
        for table in (each for each in section.tables if each.key != "published"):
            for row in table.rows:
                for column, each in zip(table.columns, row.cells, strict=True):
                    place = table.key, row.key, column.key
                    if column.kind is Kind.COUNT and each.value is not None:
                        yield (*place, "count"), int(each.value)
                    if each.of is not None and each.value is not None:
                        yield (*place, "of"), each.of
                        if column.key == "share":
                            yield (*place, "with"), round(float(each.value) * each.of)


def test_who_takes_the_own_numbers_away_is_left_with_nobody_or_with_enough(
    database: Database, three: list[Clinic], client: TestClient
) -> None:
    """Each of them attacks: every figure that is told, less the own exact one, is of none or of eight of the others."""
    uneven = [make_clinic(database, client) for _ in range(4)]
    for clinic, patients in zip(uneven, (11, 6, 3, 1), strict=True):
        agree(clinic)
        for _ in range(patients):
            treated(clinic)
    told = 0
    for clinics, year in ((three, YEAR), (uneven, TREATED_IN)):
        own = [dict(persons(exact(database, clinic, year))) for clinic in clinics]
        for place, count in persons(pooled(database, clinics, year=year)):
            told += 1
            together = sum(each.get(place, 0) for each in own)
            assert abs(count - together) <= 2, place  # to the nearest 5
            for each in own:
                left = together - each.get(place, 0)
                assert left == 0 or left >= 8, place
    assert told > 40


def test_it_takes_three_who_have_somebody_in_it(database: Database, three: list[Clinic], client: TestClient) -> None:
    """With two others of whom nobody was measured it would be the report of one."""
    empty = [make_clinic(database, client) for _ in range(2)]
    for clinic in empty:
        agree(clinic)
    with pytest.raises(StateConflict, match="fewer than 3 of the organisations have closed episodes") as refused:
        pooled(database, [three[0], *empty])
    assert all(str(clinic.organisation_id) in str(refused.value.allowed) for clinic in empty)


def test_who_has_not_agreed_is_named(database: Database, three: list[Clinic], client: TestClient) -> None:
    other = make_clinic(database, client)
    with pytest.raises(StateConflict, match=f"{other.organisation_id} has not agreed"):
        pooled(database, [*three, other])
    agree(other)
    assert cell(pooled(database, [*three, other]), "denominators", "referred").value == 60
    agree(other, agrees=False)
    with pytest.raises(StateConflict, match=f"{other.organisation_id} has not agreed"):
        pooled(database, [*three, other])


def test_who_agreed_and_withdrew_is_in_the_audit(database: Database, client: TestClient, owner: Owner) -> None:
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


def test_nothing_is_noted_where_nothing_is_read(
    database: Database,
    three: list[Clinic],
    client: TestClient,
    owner: Owner,
) -> None:
    def noted() -> int:
        events: list[Any] = owner.audit(three[0].organisation_id)
        return sum(each["action"] == "make_pooled_report" for each in events)

    before = noted()
    with pytest.raises(StateConflict):
        pooled(database, [*three, make_clinic(database, client)])
    assert noted() == before
    pooled(database, three)
    assert noted() == before + 1


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


def test_the_audit_of_each_of_them_says_so(database: Database, three: list[Clinic], owner: Owner) -> None:
    pooled(database, three, measure="phq-9+gad-7")
    events: list[Any] = [owner.audit(clinic.organisation_id)[-1] for clinic in three]
    assert {(each["action"], each["role"], len(each["patient_ids"])) for each in events} == {
        ("make_pooled_report", "operator", 0)
    }
    assert len({each["request_id"] for each in events}) == 1
    assert {each["actor_id"] for each in events} == {UUID(int=0)}
