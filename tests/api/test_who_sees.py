"""Who sees a record beyond the roles: shared treatment, blocks that come first, and records opened in need."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.api.limits import Limit
from app.db.codes import BREAK_GLASS, Role
from app.db.session import Access, Database
from app.services.organisations import add_service, add_user, founding_scope, issue_credential
from tests.factories import (
    Caller,
    Clinic,
    administration,
    created,
    listed,
    make_clinic,
    make_episode,
    make_former_patient,
    make_opening,
    make_patient,
    ok,
    phq_9,
    put,
    staff_of,
)
from tests.owner import Owner

FIRST = {"If-Match": '"1"'}


@pytest.fixture(autouse=True)
def a_new_minute(clinic: Clinic) -> None:
    clinic.lead.client.app.state.openings = Limit(per_minute=10)  # type: ignore[attr-defined]  # Starlette leaves app untyped


def patient_of(clinic: Clinic) -> tuple[dict[str, Any], dict[str, Any]]:
    """A patient whom the therapist treats, and the episode."""
    patient = make_patient(clinic)
    return patient, make_episode(clinic, patient_id=patient["id"])


def sees(caller: Caller, patient: dict[str, Any], episode: dict[str, Any]) -> set[int]:
    """The statuses with which the record answers, wherever it is asked."""
    paths = (
        f"/v1/patients/{patient['id']}",
        f"/v1/patients/{patient['id']}/informants",
        f"/v1/episodes/{episode['id']}",
        f"/v1/episodes/{episode['id']}/goals",
    )
    return {caller.get(path).status_code for path in paths}


def open_in_need(caller: Caller, patient: dict[str, Any], purpose: str = "emergency") -> Any:
    return caller.post("/v1/break-glass", {"reference": patient["reference"], "purpose": purpose})


def block(clinic: Clinic, patient: dict[str, Any], name: str) -> dict[str, Any]:
    return created(clinic.therapist.post(f"/v1/patients/{patient['id']}/blocks", staff_of(clinic, name)))


# ---- Who treats


def test_a_colleague_treats_too_until_the_relation_ends(clinic: Clinic) -> None:
    patient, episode = patient_of(clinic)
    path = f"/v1/episodes/{episode['id']}/treatment-relations"
    assert sees(clinic.colleague, patient, episode) == {404}
    relation = created(clinic.therapist.post(path, staff_of(clinic, "colleague")))
    assert sees(clinic.colleague, patient, episode) == {200}
    created(put(clinic.colleague, administration(episode, phq_9(7))))
    assert [each["ended_at"] for each in listed(clinic.colleague.get(path))] == [None, None]
    ended = created(clinic.therapist.request("POST", f"/v1/treatment-relations/{relation['id']}/end", headers=FIRST))
    assert ended["ended_at"] is not None
    assert sees(clinic.colleague, patient, episode) == {404}


def test_a_relation_begins_and_ends_once(clinic: Clinic) -> None:
    _, episode = patient_of(clinic)
    path = f"/v1/episodes/{episode['id']}/treatment-relations"
    relation = created(clinic.therapist.post(path, staff_of(clinic, "colleague")))
    again = clinic.therapist.post(path, staff_of(clinic, "colleague"))
    assert (again.status_code, again.json()["detail"]) == (409, "the user treats the patient already")
    end = f"/v1/treatment-relations/{relation['id']}/end"
    created(clinic.therapist.request("POST", end, headers=FIRST))
    ended = clinic.therapist.request("POST", end, headers={"If-Match": '"2"'})
    assert (ended.status_code, ended.json()["detail"]) == (409, "the relation has ended already")
    # Who comes back to a patient begins anew.
    created(clinic.therapist.post(path, staff_of(clinic, "colleague")))


@pytest.mark.parametrize("name", ["lead", "nobody", "elsewhere", "left"])
def test_only_a_therapist_of_the_service_can_treat(clinic: Clinic, database: Database, owner: Owner, name: str) -> None:
    _, episode = patient_of(clinic)
    with database.work(founding_scope(clinic.organisation_id), Access("test", uuid4())) as work:
        elsewhere = add_user(work, add_service(work, "Elsewhere"), Role.THERAPIST, "Elsewhere").id
    owner.run("update users set deactivated_at = now() where id = %s", clinic.staff["substitute"])
    ids = {
        "lead": clinic.staff["service lead"],
        "nobody": uuid4(),
        "elsewhere": elsewhere,
        "left": clinic.staff["substitute"],
    }
    path = f"/v1/episodes/{episode['id']}/treatment-relations"
    answer = clinic.therapist.post(path, {"user_id": str(ids[name])})
    problem = answer.json()
    assert (answer.status_code, problem["pointer"]) == (422, "/user_id")
    assert problem["detail"] == "the user is no therapist of the service"


def test_a_supervisor_hands_over_what_nobody_treats(clinic: Clinic) -> None:
    former = make_former_patient(clinic)
    episode = {"id": former["episode_id"]}
    assert sees(clinic.therapist, former, episode) == {404}
    path = f"/v1/episodes/{episode['id']}/treatment-relations"
    created(clinic.supervisor.post(path, staff_of(clinic, "colleague")))
    assert sees(clinic.colleague, former, episode) == {200}


# ---- Blocks


@pytest.mark.parametrize("who", ["therapist", "colleague", "supervisor"])
def test_who_is_blocked_sees_nothing_whatever_else_would_let_them_in(clinic: Clinic, who: str) -> None:
    """The therapist treats, the colleague has opened the record in need, the supervisor oversees the service."""
    patient, episode = patient_of(clinic)
    created(open_in_need(clinic.colleague, patient))
    caller: Caller = getattr(clinic, who)
    assert sees(caller, patient, episode) == {200}
    kept = created(clinic.supervisor.post(f"/v1/patients/{patient['id']}/blocks", staff_of(clinic, who)))
    assert kept["user_id"] == str(clinic.staff[who])
    assert sees(caller, patient, episode) == {404}
    assert patient["id"] not in {each["id"] for each in ok(caller.get("/v1/patients"))["patients"]}
    assert episode["id"] not in {each["id"] for each in ok(caller.get("/v1/episodes"))["episodes"]}
    assert episode["id"] not in {each["episode_id"] for each in ok(caller.get("/v1/caseload"))["episodes"]}
    assert put(caller, administration(episode, phq_9(7))).status_code in {403, 404}


def test_a_block_bars_what_is_opened_in_need_and_tells_nobody_of_itself(clinic: Clinic) -> None:
    patient, _ = patient_of(clinic)
    block(clinic, patient, "colleague")
    barred, unknown = open_in_need(clinic.colleague, patient), open_in_need(clinic.colleague, {"reference": "nobody"})
    assert barred.status_code == unknown.status_code == 404
    assert barred.json()["detail"] == unknown.json()["detail"] == "the service has no such patient"


def test_who_is_blocked_is_not_made_to_treat(clinic: Clinic) -> None:
    patient, episode = patient_of(clinic)
    block(clinic, patient, "colleague")
    path = f"/v1/episodes/{episode['id']}/treatment-relations"
    answer = clinic.therapist.post(path, staff_of(clinic, "colleague"))
    assert (answer.status_code, answer.json()["detail"]) == (409, "the patient has blocked this user")


def test_a_block_ends_when_it_is_lifted(clinic: Clinic) -> None:
    patient, episode = patient_of(clinic)
    kept = block(clinic, patient, "therapist")
    lifting = f"/v1/blocks/{kept['id']}/lifting"
    # Who is kept out can't let themselves in again, nor learn that there is a block.
    assert clinic.therapist.request("POST", lifting, headers=FIRST).status_code == 404
    lifted = created(clinic.supervisor.request("POST", lifting, headers=FIRST))
    assert lifted["lifted_by"] == str(clinic.staff["supervisor"])
    assert sees(clinic.therapist, patient, episode) == {200}
    again = clinic.supervisor.request("POST", lifting, headers={"If-Match": '"2"'})
    assert (again.status_code, again.json()["detail"]) == (409, "the block was lifted already")
    block(clinic, patient, "therapist")
    [first, second] = listed(clinic.supervisor.get(f"/v1/patients/{patient['id']}/blocks"))
    assert (first["lifted_at"] is None, second["lifted_at"] is None) == (False, True)


def test_nobody_is_blocked_twice_and_only_who_works_there(clinic: Clinic, database: Database) -> None:
    patient, _ = patient_of(clinic)
    block(clinic, patient, "colleague")
    path = f"/v1/patients/{patient['id']}/blocks"
    again = clinic.therapist.post(path, staff_of(clinic, "colleague"))
    assert (again.status_code, again.json()["detail"]) == (409, "the patient has blocked this user already")
    other = make_clinic(database, clinic.therapist.client)
    for user_id in (uuid4(), other.therapist_id):
        answer = clinic.therapist.post(path, {"user_id": str(user_id)})
        assert (answer.status_code, answer.json()["pointer"]) == (422, "/user_id")


def test_a_block_concerns_one_patient(clinic: Clinic) -> None:
    (blocked, _), (other, episode) = patient_of(clinic), patient_of(clinic)
    block(clinic, blocked, "therapist")
    assert sees(clinic.therapist, other, episode) == {200}


# ---- Opened in need


@pytest.mark.parametrize("purpose", list(BREAK_GLASS))
def test_a_colleague_opens_a_record_for_twelve_hours(clinic: Clinic, owner: Owner, purpose: str) -> None:
    patient, episode = patient_of(clinic)
    before = datetime.now(UTC)
    opening = created(open_in_need(clinic.colleague, patient, purpose))
    assert (opening["patient_id"], opening["purpose"]) == (patient["id"], purpose)
    until = datetime.fromisoformat(opening["expires_at"])
    assert timedelta(hours=12) <= until - before < timedelta(hours=12, minutes=1)
    assert sees(clinic.colleague, patient, episode) == {200}
    created(put(clinic.colleague, administration(episode, phq_9(7))))
    owner.run(
        "update break_glass set opened_at = now() - interval '13 h', expires_at = now() where id = %s",
        UUID(opening["id"]),
    )
    assert sees(clinic.colleague, patient, episode) == {404}
    # The need may come again.
    created(open_in_need(clinic.colleague, patient, purpose))


def test_every_look_at_an_opened_record_is_noted_with_its_purpose(clinic: Clinic, owner: Owner) -> None:
    (opened, episode), own = patient_of(clinic), make_patient_of_colleague(clinic)
    before = len(owner.audit(clinic.organisation_id))
    created(open_in_need(clinic.colleague, opened, "covering_for_colleague"))
    ok(clinic.colleague.get(f"/v1/episodes/{episode['id']}"))
    ok(clinic.colleague.get("/v1/patients"))
    events = owner.audit(clinic.organisation_id)[before:]
    assert {(each["action"], each["purpose"], tuple(each["patient_ids"])) for each in events} == {
        ("break_glass", "covering_for_colleague", (UUID(opened["id"]),)),
        ("read_episode", "covering_for_colleague", (UUID(opened["id"]),)),
        ("list_patients", "covering_for_colleague", (UUID(opened["id"]),)),
        ("list_patients", "treatment", (UUID(own["id"]),)),
    }
    # Who comes to treat the patient needs no opening any more.
    path = f"/v1/episodes/{episode['id']}/treatment-relations"
    created(clinic.therapist.post(path, staff_of(clinic, "colleague")))
    ok(clinic.colleague.get(f"/v1/episodes/{episode['id']}"))
    assert owner.audit(clinic.organisation_id)[-1]["purpose"] == "treatment"


def make_patient_of_colleague(clinic: Clinic) -> dict[str, Any]:
    body = {"reference": f"P-{uuid4()}", "birth_month": "1988-04-01"}
    patient = created(clinic.colleague.post("/v1/patients", body))
    created(clinic.colleague.post("/v1/episodes", {"patient_id": patient["id"], "opened_at": "2026-01-05T09:00:00Z"}))
    return patient


def test_who_treats_is_told_and_somebody_else_reviews(clinic: Clinic) -> None:
    patient, _ = patient_of(clinic)
    note = {"note": "Rang vakttelefonen."}
    needed = {"reference": patient["reference"], "purpose": "emergency"} | note
    opening = created(clinic.colleague.post("/v1/break-glass", needed))
    for caller in (clinic.therapist, clinic.supervisor, clinic.administrator):
        [told] = ok(caller.get("/v1/break-glass"))["openings"]
        assert (told["id"], told["user_id"], told["note"]) == (
            opening["id"],
            str(clinic.staff["colleague"]),
            "Rang vakttelefonen.",
        )
    review = f"/v1/break-glass/{opening['id']}/review"
    found = created(clinic.administrator.post(review, {"finding": "not_justified"}, headers=FIRST))
    assert (found["finding"], found["reviewed_by"]) == ("not_justified", str(clinic.staff["administrator"]))
    again = clinic.supervisor.post(review, {"finding": "justified"}, headers={"If-Match": '"2"'})
    assert (again.status_code, again.json()["detail"]) == (409, "the opening was reviewed already")
    for reviewed, ids in (("true", [opening["id"]]), ("false", [])):
        listed_ids = ok(clinic.administrator.get(f"/v1/break-glass?reviewed={reviewed}"))["openings"]
        assert [each["id"] for each in listed_ids] == ids


def test_nobody_reviews_what_they_opened(clinic: Clinic, owner: Owner) -> None:
    patient, _ = patient_of(clinic)
    opening = created(open_in_need(clinic.colleague, patient))
    owner.run("update users set role = 'supervisor' where id = %s", clinic.staff["colleague"])
    answer = clinic.colleague.post(f"/v1/break-glass/{opening['id']}/review", {"finding": "justified"}, headers=FIRST)
    assert (answer.status_code, answer.json()["detail"]) == (409, "somebody else reviews what you opened")


def test_openings_are_told_to_those_whom_they_concern(clinic: Clinic, database: Database) -> None:
    patient, _ = patient_of(clinic)
    opening = make_opening(clinic, patient["id"])
    strangers = [clinic.colleague, make_clinic(database, clinic.lead.client).administrator]
    with database.work(founding_scope(clinic.organisation_id), Access("test", uuid4())) as work:
        elsewhere = add_user(work, add_service(work, "Elsewhere"), Role.SUPERVISOR, "Elsewhere")
        strangers.append(Caller(clinic.lead.client, issue_credential(work, elsewhere)))
    for stranger in strangers:
        assert ok(stranger.get("/v1/break-glass"))["openings"] == []
    for stranger in strangers[1:]:
        review = stranger.post(f"/v1/break-glass/{opening['id']}/review", {"finding": "justified"}, headers=FIRST)
        assert review.status_code == 404


def test_openings_come_a_page_at_a_time_newest_first(clinic: Clinic) -> None:
    patient, _ = patient_of(clinic)
    made = [make_opening(clinic, patient["id"])["id"] for _ in range(5)]
    found, after = [], ""
    for _ in range(3):
        page = ok(clinic.administrator.get(f"/v1/break-glass?limit=2{after}"))
        found += [each["id"] for each in page["openings"]]
        after = f"&after={page['next_after']}"
    assert found == made[::-1]
    assert page["next_after"] is None


def test_a_record_that_is_open_is_not_opened_again(clinic: Clinic) -> None:
    patient, _ = patient_of(clinic)
    assert open_in_need(clinic.therapist, patient).json()["detail"] == "the record is open to you already"
    created(open_in_need(clinic.colleague, patient))
    assert open_in_need(clinic.colleague, patient).status_code == 409


def test_only_a_record_of_the_own_service_is_opened(clinic: Clinic, database: Database) -> None:
    patient, _ = patient_of(clinic)
    with database.work(founding_scope(clinic.organisation_id), Access("test", uuid4())) as work:
        elsewhere = add_user(work, add_service(work, "Elsewhere"), Role.THERAPIST, "Elsewhere")
        token = issue_credential(work, elsewhere)
    for stranger in (
        Caller(clinic.lead.client, token),
        make_clinic(database, clinic.lead.client).therapist,
    ):
        assert open_in_need(stranger, patient).status_code == 404
    # A patient without an episode is nobody's but of who has registered them.
    assert open_in_need(clinic.colleague, make_patient(clinic)).status_code == 404


def test_guessing_references_is_slowed_down(clinic: Clinic) -> None:
    patient, _ = patient_of(clinic)
    guesses = [open_in_need(clinic.colleague, {"reference": f"guess {number}"}) for number in range(10)]
    assert {each.status_code for each in guesses} == {404}
    refused = open_in_need(clinic.colleague, patient)
    assert (refused.status_code, refused.json()["type"]) == (429, "/v1/problems/too-many-requests")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    # One caller's guesses are not held against another.
    assert open_in_need(clinic.therapist, patient).status_code == 409


def test_a_purpose_is_one_of_the_three(clinic: Clinic) -> None:
    patient, _ = patient_of(clinic)
    answer = open_in_need(clinic.colleague, patient, "curiosity")
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/purpose")
