"""What no report can be asked for: each is refused in one clear answer, which names the field and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

import pytest

from app.reports.cohort import FIRST_YEAR, LAST_YEAR
from app.services.report_request import FILTERS
from tests.factories import Caller, Clinic

RIGHT = {"year": "2026", "measure": "phq-9"}
ALL = ("outcomes", "outcomes/charts/outcomes", "own", "tool", "grant")
MEASURED = ALL[:4]
NARROWED = ALL[:2]
OF_SERVICE = (*NARROWED, "grant")
NOBODYS = str(uuid4())
OWN = "own_fall too, or neither"

REFUSED: list[tuple[tuple[str, ...], Mapping[str, str | None], int, str, str]] = [
    # Of which reports, what is asked for besides what is right, status, the field, and what is allowed.
    (MEASURED, {"measure": "phq-99"}, 422, "/measure", "gad-7"),
    (MEASURED, {"measure": "x" * 101}, 422, "/measure", "at most 100 characters"),
    (MEASURED, {"measure": None}, 422, "/measure", "required"),
    (ALL, {"year": None}, 422, "/year", "required"),
    (ALL, {"year": str(FIRST_YEAR - 1)}, 422, "/year", str(FIRST_YEAR)),
    (ALL, {"year": str(LAST_YEAR + 1)}, 422, "/year", str(LAST_YEAR)),
    (ALL, {"year": "this"}, 422, "/year", "integer"),
    (MEASURED[:3], {"years": "2"}, 422, "/years", "1 or 3"),
    (MEASURED[:3], {"years": "some"}, 422, "/years", "integer"),
    (NARROWED, {"service_id": NOBODYS}, 422, "/service_id", "the id of a service of the organisation"),
    (("grant",), {"service_id": NOBODYS}, 404, "/service_id", "the id of a service of the organisation"),
    (OF_SERVICE, {"service_id": "ours"}, 422, "/service_id", "UUID"),
    (NARROWED, {"respondent": "aunt"}, 422, "/respondent", "'parent'"),
    (NARROWED, {"dimension": "shoes", "value": "brown"}, 422, "/dimension", ", ".join(FILTERS)),
    # There are tables by these, and no reports of one: therapists are not ranked, and services are asked for by id.
    (NARROWED, {"dimension": "therapist", "value": NOBODYS}, 422, "/dimension", ", ".join(FILTERS)),
    (NARROWED, {"dimension": "service", "value": NOBODYS}, 422, "/dimension", ", ".join(FILTERS)),
    (NARROWED, {"dimension": "sex"}, 422, "/value", "both or neither"),
    (NARROWED, {"value": "male"}, 422, "/value", "both or neither"),
    (NARROWED, {"dimension": "sex", "value": "brown"}, 422, "/value", "a row of the table by_sex"),
    (NARROWED, {"dimension": "sex", "value": "x" * 101}, 422, "/value", "at most 100 characters"),
    (("outcomes",), {"own_fall": "2"}, 422, "/own_source", OWN),
    (("outcomes",), {"own_source": "a waiting list"}, 422, "/own_source", OWN),
    (("outcomes",), {"own_fall": "101", "own_source": "a list"}, 422, "/own_fall", "less than or equal to 100"),
    (("outcomes",), {"own_fall": "nan", "own_source": "a list"}, 422, "/own_fall", "finite"),
    (("outcomes/charts/shoes",), {}, 404, "/table", "denominators"),
]


@pytest.mark.parametrize(
    ("report", "asked", "status", "pointer", "allowed"),
    [(report, *refused) for reports, *refused in REFUSED for report in reports],
)
def test_one_answer_names_the_field_and_what_is_allowed(
    clinic: Clinic, report: str, asked: Mapping[str, str | None], status: int, pointer: str, allowed: str
) -> None:
    caller = clinic.therapist if report == "own" else clinic.administrator
    problem = refused(caller, report, asked, status)
    assert problem["pointer"] == pointer
    assert allowed in problem.get("allowed", problem["detail"])
    assert len(problem.get("errors", ())) < 2


@pytest.mark.parametrize("report", OF_SERVICE)
def test_a_lead_is_told_which_services_there_are_reports_of(clinic: Clinic, report: str) -> None:
    problem = refused(clinic.lead, report, {"service_id": NOBODYS}, 403)
    assert (problem["pointer"], problem["type"]) == ("/service_id", "/v1/problems/forbidden")
    assert problem["allowed"] == f"{clinic.service_id}, or none for the whole organisation"


def refused(caller: Caller, report: str, asked: Mapping[str, str | None], status: int) -> dict[str, str]:
    query = {name: value for name, value in (RIGHT | dict(asked)).items() if value is not None}
    answer = caller.get(f"/v1/reports/{report}", params=query)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, str] = answer.json()
    return problem
