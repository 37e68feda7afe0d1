"""The export for analysts: only of who has consented, and no row that tells who somebody is."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.api.examples import EXAMPLES
from app.api.schemas.consents import ConsentCreate
from app.db.codes import Role
from app.db.session import Database
from app.services.exports import COLUMNS
from tests.factories import (
    Clinic,
    administration,
    at,
    created,
    hold,
    make_clinic,
    make_episode,
    make_patient,
    ok,
    phq_9,
    put,
)
from tests.owner import Owner

ASKED = {"year": 2026, "use": "research"}
AS_LINES = {"Accept": "application/x-ndjson"}
THRESHOLD = 8
"""As settings have it where nothing else is said."""


def treated(clinic: Clinic, *, consents: str | None = "given", **patient: Any) -> dict[str, Any]:
    """Treat somebody of 1990 from 18 to 8 points of the PHQ-9 in two sessions, three weeks apart."""
    person = make_patient(clinic, **{"birth_month": "1990-05-01", "sex": "female", "language": "nb"} | patient)
    episode = make_episode(clinic, patient_id=person["id"], opened_at=at(0, hours=-1))
    for week, total in ((0, 18), (3, 8)):
        hold(clinic, episode, week=week)
        created(put(clinic.therapist, administration(episode, phq_9(total), week=week)))
    path = f"/v1/episodes/{episode['id']}"
    version = ok(clinic.therapist.get(path))["version"]
    ok(clinic.therapist.patch(path, {"closed_at": at(4), "closing_reason": "completed"}, version))
    if consents:
        consent(clinic, person, consents)
    return {**episode, "reference": person["reference"]}


def consent(clinic: Clinic, person: Mapping[str, Any], decision: str, **fields: Any) -> None:
    body = EXAMPLES[ConsentCreate] | {"use": "research", "decision": decision, "stated_at": at(1)} | fields
    created(clinic.therapist.post(f"/v1/patients/{person['id']}/consents", body))


@pytest.fixture(scope="module")
def kept(database: Database, client: TestClient) -> tuple[Clinic, list[dict[str, Any]]]:
    """A clinic with eight women and one man who have consented, and two who have not, or no longer."""
    clinic = make_clinic(database, client)
    episodes = [treated(clinic) for _ in range(THRESHOLD)]
    episodes.append(treated(clinic, sex="male"))
    for others in (None, "withdrawn"):
        treated(clinic, consents=others)
    return clinic, episodes


def export(clinic: Clinic, **asked: Any) -> Response:
    answer = clinic.analyst.get("/v1/exports/cases", params={**ASKED, **asked}, headers=AS_LINES)
    assert answer.status_code == 200, answer.text
    return answer


def rows(answer: Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.text.splitlines()]


def test_a_row_says_what_came_of_an_episode_and_not_whose_it_is(kept: tuple[Clinic, list[dict[str, Any]]]) -> None:
    clinic, episodes = kept
    answer = export(clinic)
    found = rows(answer)
    # Eight women who share everything are told with everything. The man is one, whatever is left out: too few.
    assert len(found) == THRESHOLD
    assert [list(row) for row in found] == [list(COLUMNS)] * THRESHOLD
    same = {
        "measure": "phq-9",
        "role": "self",
        "rank": 0,
        "year": 2026,
        "service": "Rask psykisk helsehjelp",
        "programme": None,
        "age_band": "25-44",
        "language": "nb",
        "pathway": found[0]["pathway"],
        "sex": "female",
        "sessions": 2,
        "first_score": 18.0,
        "last_score": 8.0,
        # From 18 to 8 is more than the reliable change of 6, and from above the cut-off of 10 to below it.
        "days": 21,
        "change": "reliable_improvement",
        "case_at_start": True,
        "case_at_end": False,
        "dropped_out": False,
        "first_improved_session": found[0]["first_improved_session"],
    }
    assert [{name: value for name, value in row.items() if name != "id"} for row in found] == [same] * THRESHOLD
    ids = [row["id"] for row in found]
    assert ids == sorted(set(ids))
    for episode in episodes:
        for secret in (episode["id"], episode["patient_id"], episode["reference"]):
            assert secret not in answer.text
    assert "spor-rows-left-out" not in answer.headers


def test_no_two_exports_have_an_id_in_common(kept: tuple[Clinic, list[dict[str, Any]]]) -> None:
    first, second = ({row["id"] for row in rows(export(kept[0]))} for _ in range(2))
    assert not first & second


def test_the_same_as_a_table(kept: tuple[Clinic, list[dict[str, Any]]]) -> None:
    answer = kept[0].analyst.get("/v1/exports/cases", params=ASKED)
    assert answer.headers["Content-Type"].startswith("text/csv")
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [tuple(row) for row in table] == [COLUMNS] * THRESHOLD
    told = {(row["first_score"], row["case_at_end"], row["programme"], row["change"]) for row in table}
    assert told == {("18.0", "false", "", "reliable_improvement")}


def test_nothing_is_exported_for_another_use_measure_or_year(kept: tuple[Clinic, list[dict[str, Any]]]) -> None:
    for asked in ({"use": "quality_register"}, {"measure": "gad-7"}, {"year": 2025}, {"year": 2025, "years": 3}):
        assert rows(export(kept[0], **asked)) == []
    assert len(rows(export(kept[0], year=2028, years=3, measure="phq-9"))) == THRESHOLD


def test_what_tells_few_apart_is_left_out_in_order(clinic: Clinic) -> None:
    # Four and four, by language: language is left out, and so is what comes before it.
    for language in ("nb", "nn"):
        for _ in range(4):
            treated(clinic, language=language)
    found = rows(export(clinic))
    told = {(row["service"], row["programme"], row["age_band"], row["language"], row["sex"]) for row in found}
    assert (len(found), told) == (THRESHOLD, {(None, None, None, None, "female")})


def test_who_was_exported_finds_it_in_the_access_log(kept: tuple[Clinic, list[dict[str, Any]]], owner: Owner) -> None:
    clinic, episodes = kept
    export(clinic)
    event = owner.audit(clinic.organisation_id)[-1]
    assert (event["action"], event["role"], event["purpose"]) == ("export_cases: research", "analyst", "analysis")
    # The ninth is the man, of whom no row was told.
    assert sorted(event["patient_ids"]) == sorted(UUID(each["patient_id"]) for each in episodes[:THRESHOLD])
    path = f"/v1/patients/{episodes[0]['patient_id']}/access-log"
    entries = ok(clinic.therapist.get(path, headers={"Accept-Language": "en"}))["entries"]
    assert any("has consented to" in str(entry) for entry in entries)


def test_an_export_of_nobody_is_noted_too(clinic: Clinic, owner: Owner) -> None:
    assert rows(export(clinic)) == []
    assert owner.audit(clinic.organisation_id)[-1]["action"] == "export_cases: research"


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"use": "teaching"}, "/use"),
        ({"years": 2}, "/years"),
        ({"measure": "phq-8"}, "/measure"),
    ],
)
def test_what_can_not_be_exported_is_refused(clinic: Clinic, asked: dict[str, Any], pointer: str) -> None:
    refused = clinic.analyst.get("/v1/exports/cases", params={**ASKED, **asked})
    assert (refused.status_code, refused.json()["pointer"]) == (422, pointer)


def test_only_analysts_export(clinic: Clinic) -> None:
    statuses = {role: clinic.caller(role).get("/v1/exports/cases", params=ASKED).status_code for role in Role}
    assert {role for role, status in statuses.items() if status == 200} == {Role.ANALYST}
    assert set(statuses.values()) == {200, 403}


def test_another_form_is_not_acceptable(clinic: Clinic) -> None:
    answer = clinic.analyst.get("/v1/exports/cases", params=ASKED, headers={"Accept": "application/json"})
    assert answer.status_code == 406
