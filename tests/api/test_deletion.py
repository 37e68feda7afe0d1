"""Deletion by decision: nothing of the patient is left in any table, everything else stays, and nothing comes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.api.examples import EXAMPLES
from app.api.schemas.consents import ConsentCreate
from app.api.schemas.goals import GoalCreate
from app.db.codes import Role
from app.db.founding import add_credential
from app.db.session import Access, Database
from app.services.organisations import founding_scope
from tests.api.steps import SECRET, correct, observations
from tests.factories import (
    START,
    Caller,
    Clinic,
    administration,
    at,
    created,
    hold,
    listed,
    make_clinic,
    make_episode,
    make_opening,
    make_patient,
    make_programme,
    make_sessions,
    ok,
    phq_9,
    put,
    put_weekly,
    staff_of,
)
from tests.owner import Owner

DECISION = {
    "ground": "patient_demand",
    "decision": "2026/2210-4",
    "decided_at": START.isoformat(),
    "decided_by": "the head of the service",
}

PATHS_TO_PATIENTS = """
with recursive path (child) as (
     select 'patients'::regclass
      union
     select c.conrelid from pg_constraint c join path on c.confrelid = path.child where c.contype = 'f')
select child::text as name from path order by 1
"""
"""The tables from which foreign keys lead to a patient, however many."""

SHARED = ["treatment_sessions"]
"""No key of theirs leads to a patient; a session that only this patient attended is deleted too."""


def delete(clinic: Clinic, patient_id: object, version: int = 1, **decision: Any) -> Response:
    headers = {"If-Match": f'"{version}"'}
    return clinic.administrator.post(f"/v1/patients/{patient_id}/deletion", DECISION | decision, headers=headers)


def tables(owner: Owner) -> list[str]:
    return [row["name"] for row in owner.rows(PATHS_TO_PATIENTS)] + SHARED


def counted(owner: Owner, clinic: Clinic) -> dict[str, int]:
    """Count an organisation's rows in every table from which keys lead to patients."""
    return {
        table: owner.rows(f"select count(*) as n from {table} where organisation_id = %s", clinic.organisation_id)[0][
            "n"
        ]
        for table in tables(owner)
    }


def contents(owner: Owner, clinic: Clinic) -> dict[str, set[str]]:
    """Give an organisation's rows themselves."""
    return {
        table: {
            row["said"]
            for row in owner.rows(
                f"select t::text as said from {table} t where organisation_id = %s", clinic.organisation_id
            )
        }
        for table in tables(owner)
    }


def a_whole_record(
    database: Database, clinic: Clinic, programme: dict[str, Any], *others: dict[str, Any]
) -> dict[str, Any]:
    """One of everything that can be kept of a patient; the others came to one of the sessions."""
    therapist = clinic.therapist
    patient = make_patient(clinic, reference=SECRET + str(uuid4()))
    episode = make_episode(clinic, patient_id=patient["id"], programme_id=programme["id"])
    path, patient_path = f"/v1/episodes/{episode['id']}", f"/v1/patients/{patient['id']}"
    mother = created(therapist.post(f"{patient_path}/informants", {"role": "parent", "label": "mother"}))
    [alone, *_] = make_sessions(clinic, episode, 3)
    shared = hold(clinic, episode, *others, week=4, contact_type="group")
    forms = put_weekly(clinic, episode, [12, 15, 21, 9])
    created(put(clinic.tablet, administration(episode, phq_9(9, item_9=2), week=5)))
    created(correct(clinic, forms[0]["id"], answers=phq_9(11)))
    put(therapist, administration(episode, phq_9(3), week=6, informant_id=str(uuid4())))
    assignment = created(therapist.post(f"{path}/assignments", {"instrument": "gad-7", "opens_at": at(0)}))
    created(therapist.post(f"{path}/goals", EXAMPLES[GoalCreate]))
    review = {"dose": 1, "with_patient": True, "causes": ["alliance"], "action": "continue", "note": SECRET}
    created(therapist.post(f"{path}/reviews", review))
    created(therapist.post(f"{patient_path}/consents", EXAMPLES[ConsentCreate] | {"stated_at": at(0)}))
    created(therapist.post(f"{patient_path}/blocks", staff_of(clinic, "operator")))
    make_opening(clinic, patient["id"])
    ok(therapist.patch(patient_path, {"language": "nn"}, 1))
    held = created(clinic.administrator.post(f"{patient_path}/legal-holds", {"reason": SECRET}))
    lift = {"reason": "settled"}, {"headers": {"If-Match": '"1"'}}
    created(clinic.administrator.post(f"/v1/legal-holds/{held['id']}/lifting", lift[0], **lift[1]))
    with database.work(founding_scope(clinic.organisation_id), Access("test", uuid4())) as work:
        add_credential(work, sha256(uuid4().bytes).digest(), assignment_id=UUID(assignment["id"]))
    return {
        "patient_id": patient["id"],
        "episode": episode,
        "mother_id": mother["id"],
        "alone": alone["id"],
        "shared": shared["id"],
        "forms": forms,
    }


def test_nothing_of_the_patient_is_left_and_everything_else_is(
    clinic: Clinic, database: Database, client: TestClient, owner: Owner
) -> None:
    elsewhere = make_clinic(database, client)
    a_whole_record(database, elsewhere, make_programme(elsewhere, "individual"))
    programme = make_programme(clinic, "individual", "group")
    neighbour = a_whole_record(database, clinic, programme)
    before, theirs = contents(owner, clinic), contents(owner, elsewhere)
    record = a_whole_record(database, clinic, programme, neighbour["episode"])
    full = counted(owner, clinic)
    empty = [table for table in full if full[table] <= len(before[table])]
    assert not empty, f"this test puts nothing into {empty}, so it can't tell whether the deletion empties them"
    # In the group the neighbour was too: that session stays, who came to it, and what verdicts followed for them.
    the_neighbour = UUID(neighbour["episode"]["id"])
    kept = {
        "treatment_sessions": ("t.id = %s", UUID(record["shared"])),
        "attendances": ("t.episode_id = %s", the_neighbour),
        "progress": ("t.administration_id in (select id from administrations where episode_id = %s)", the_neighbour),
        # Summaries are written anew when the record changes, here by the session in the group.
        "episode_summaries": ("t.episode_id = %s", the_neighbour),
        "measure_summaries": ("t.episode_id = %s", the_neighbour),
    }
    before |= {table: set() for table in ("episode_summaries", "measure_summaries")}
    stays = {
        table: {row["said"] for row in owner.rows(f"select t::text as said from {table} t where {which}", whose)}
        for table, (which, whose) in kept.items()
    }
    tombstone = created(delete(clinic, record["patient_id"], 2))
    after = contents(owner, clinic)
    assert after == {table: rows | stays.get(table, set()) for table, rows in before.items()}, (
        "exactly the rows of the patient are gone"
    )
    assert contents(owner, elsewhere) == theirs
    # What is said to have been deleted is what is gone.
    gone = {table: full[table] - len(after[table]) for table in full}
    assert tombstone["counts"] == {
        table: count for table, count in gone.items() if count or table in tombstone["counts"]
    }
    assert set(tombstone["counts"]) == set(tables(owner))
    assert min(tombstone["counts"].values()) > 0


def test_the_tombstone_tells_of_the_decision_and_nothing_of_the_patient(
    clinic: Clinic, database: Database, owner: Owner
) -> None:
    record = a_whole_record(database, clinic, make_programme(clinic, "individual"))
    before = len(owner.audit(clinic.organisation_id))
    answer = created(delete(clinic, record["patient_id"], 2))
    assert answer["patient_id"] == record["patient_id"]
    assert {name: answer[name] for name in ("ground", "decision", "decided_by")} == {
        name: DECISION[name] for name in ("ground", "decision", "decided_by")
    }
    assert ok(clinic.administrator.get("/v1/deletions")) == {"deletions": [answer], "next_after": None}
    kept = owner.rows("select t::text as said from deletions t where organisation_id = %s", clinic.organisation_id)
    kept += owner.rows(
        "select encode(id_hash, 'hex') as said from deleted_administrations where organisation_id = %s",
        clinic.organisation_id,
    )
    said = " ".join(row["said"] for row in kept)
    assert SECRET not in said
    assert not [form["id"] for form in record["forms"] if form["id"] in said]
    # Of the forms that were put, and the one that was put for somebody unknown.
    assert len(kept) == 1 + 6
    [event] = owner.audit(clinic.organisation_id)[before:]
    assert (event["action"], event["role"], event["patient_ids"]) == (
        "delete_patient",
        "administrator",
        [UUID(record["patient_id"])],
    )


def test_a_deleted_patient_is_not_there_and_nothing_comes_back(
    clinic: Clinic, database: Database, owner: Owner
) -> None:
    record = a_whole_record(database, clinic, make_programme(clinic, "individual"))
    episode, other = record["episode"], make_episode(clinic)
    administration_id, body = uuid4(), administration(episode, phq_9(9, item_9=1), week=7)
    created(put(clinic.tablet, body, administration_id))
    created(delete(clinic, record["patient_id"], 2))
    empty = counted(owner, clinic)
    for caller in (clinic.tablet, clinic.therapist):
        # The tablet sends again what it has no receipt of, to whom it was about or to somebody else.
        again = put(caller, body, administration_id)
        assert (again.status_code, again.json()["type"]) == (409, "/v1/problems/administration-conflict")
        assert put(caller, administration(other, phq_9(4)), administration_id).status_code == 409
        assert put(caller, body, uuid4()).status_code == 404
        [entry] = ok(caller.put("/v1/administrations", {"administrations": [body | {"id": str(administration_id)}]}))[
            "administrations"
        ]
        assert (entry["status"], entry["problem"]["status"]) == ("refused", 409)
    assert counted(owner, clinic) == empty
    for path in (
        f"/v1/patients/{record['patient_id']}",
        f"/v1/patients/{record['patient_id']}/copy",
        f"/v1/episodes/{episode['id']}",
        f"/v1/administrations/{administration_id}",
    ):
        assert clinic.therapist.get(path).status_code == 404
    assert delete(clinic, record["patient_id"], 2).status_code == 404
    # The reference can be used again, for somebody who is somebody else.
    assert ok(clinic.therapist.get("/v1/patients"))["patients"][0]["id"] == other["patient_id"]


def test_a_form_that_was_put_on_the_wrong_patient_goes_with_whose_it_is(clinic: Clinic, owner: Owner) -> None:
    mistaken, right = make_episode(clinic), make_episode(clinic)
    moved = created(put(clinic.therapist, administration(mistaken, phq_9(9, item_9=1))))
    created(correct(clinic, moved["id"], episode_id=right["id"]))

    def versions() -> list[int]:
        rows = owner.rows("select version from administrations where id = %s order by version", UUID(moved["id"]))
        return [row["version"] for row in rows]

    assert versions() == [1, 2]
    created(delete(clinic, right["patient_id"]))
    assert versions() == []
    assert ok(clinic.therapist.get(f"/v1/patients/{mistaken['patient_id']}"))
    # The other way round: what is now the right patient's stays.
    moved = created(put(clinic.therapist, administration(mistaken, phq_9(12))))
    owned = make_episode(clinic)
    created(correct(clinic, moved["id"], episode_id=owned["id"]))
    created(delete(clinic, mistaken["patient_id"]))
    assert versions() == [2]
    assert ok(clinic.therapist.get(f"/v1/administrations/{moved['id']}"))["result"]["scores"]["total"]["value"] == 12
    assert put(clinic.therapist, administration(owned, phq_9(12)), UUID(moved["id"])).status_code == 409


def test_a_hold_keeps_the_record_until_it_is_lifted(clinic: Clinic, owner: Owner) -> None:
    episode = make_episode(clinic)
    stored = put_weekly(clinic, episode, [14])[0]
    path = f"/v1/patients/{episode['patient_id']}/legal-holds"
    one = created(clinic.administrator.post(path, {"reason": "a complaint"}))
    two = created(clinic.administrator.post(path, {"reason": "a case in court"}))
    before = counted(owner, clinic)
    first = {"headers": {"If-Match": '"1"'}}
    of_form = f"/v1/administrations/{stored['id']}/deletion"
    for held in (one, two):
        refused = delete(clinic, episode["patient_id"])
        assert (refused.status_code, refused.json()["type"]) == (409, "/v1/problems/state-conflict")
        assert clinic.administrator.post(of_form, DECISION, **first).status_code == 409
        assert counted(owner, clinic) == before
        lifted = created(
            clinic.administrator.post(f"/v1/legal-holds/{held['id']}/lifting", {"reason": "settled"}, **first)
        )
        assert (lifted["lifting_reason"], lifted["version"]) == ("settled", 2)
    again = clinic.administrator.post(
        f"/v1/legal-holds/{one['id']}/lifting", {"reason": "x"}, headers={"If-Match": '"2"'}
    )
    assert again.status_code == 409
    assert [each["lifting_reason"] for each in listed(clinic.administrator.get(path))] == ["settled", "settled"]
    created(delete(clinic, episode["patient_id"]))


def test_a_deletion_is_of_what_was_decided_on(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    patient_id = episode["patient_id"]
    ok(clinic.therapist.patch(f"/v1/patients/{patient_id}", {"language": "nn"}, 1))
    assert delete(clinic, patient_id, 1).status_code == 412
    without = clinic.administrator.post(f"/v1/patients/{patient_id}/deletion", DECISION)
    assert without.status_code == 428
    ahead = delete(clinic, patient_id, 2, decided_at=(datetime.now(UTC) + timedelta(days=1)).isoformat())
    assert (ahead.status_code, ahead.json()["pointer"]) == (422, "/decided_at")
    for wrong in ({"ground": "tidying"}, {"decision": " "}, {"decided_by": ""}):
        refused = delete(clinic, patient_id, 2, **wrong)
        assert (refused.status_code, refused.json()["pointer"]) == (422, f"/{next(iter(wrong))}")
    assert ok(clinic.therapist.get(f"/v1/patients/{patient_id}"))


def test_an_administrator_learns_nothing_but_that_a_patient_is_there(
    clinic: Clinic, database: Database, client: TestClient, owner: Owner
) -> None:
    episode = make_episode(clinic)
    patient_id, stranger = episode["patient_id"], make_clinic(database, client)
    administrator = clinic.administrator
    for path in (
        f"/v1/patients/{patient_id}",
        f"/v1/patients/{patient_id}/copy",
        f"/v1/patients/{patient_id}/consents",
    ):
        assert administrator.get(path).status_code == 403
    before = counted(owner, clinic)
    nothing = uuid4()
    for ids in (patient_id, nothing):
        path = f"/v1/patients/{ids}/legal-holds"
        answers = [
            delete(stranger, ids),
            stranger.administrator.get(path),
            stranger.administrator.post(path, {"reason": "x"}),
        ]
        assert [answer.status_code for answer in answers] == [404, 404, 404]
    for role in set(Role) - {Role.ADMINISTRATOR, Role.RESPONDENT}:
        caller: Caller = clinic.caller(role)
        refused = caller.post(f"/v1/patients/{patient_id}/deletion", DECISION, headers={"If-Match": '"1"'})
        assert refused.status_code == 403
    assert counted(owner, clinic) == before


def test_one_form_is_deleted_and_the_verdicts_that_rested_on_it_are_anew(clinic: Clinic, owner: Owner) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 4)
    forms = put_weekly(clinic, episode, [6, 20, 19, 20])
    created(correct(clinic, forms[0]["id"], answers=phq_9(7)))
    assert observations(clinic, episode) == [7, 20, 19, 20]
    newest = f"/v1/administrations/{forms[3]['id']}"
    assert ok(clinic.therapist.get(newest))["result"]["verdict"]["signal"] == "red"
    path = f"/v1/administrations/{forms[0]['id']}/deletion"
    wrong = clinic.administrator.post(path, DECISION | {"ground": "wrong_person"}, headers={"If-Match": '"1"'})
    assert wrong.status_code == 412
    tombstone = created(
        clinic.administrator.post(path, DECISION | {"ground": "wrong_person"}, headers={"If-Match": '"2"'})
    )
    assert tombstone["patient_id"] == episode["patient_id"]
    assert (tombstone["counts"]["administrations"], tombstone["counts"]["progress"] > 0) == (2, True)
    assert observations(clinic, episode) == [20, 19, 20]
    verdict = ok(clinic.therapist.get(newest))["result"]["verdict"]
    assert (verdict["baseline"], verdict["cause"]) == (20, "correction")
    assert verdict["signal"] != "red"
    assert clinic.therapist.get(f"/v1/administrations/{forms[0]['id']}").status_code == 404
    assert put(clinic.tablet, administration(episode, phq_9(6)), UUID(forms[0]["id"])).status_code == 409
    left = owner.rows("select 1 from administrations where id = %s", UUID(forms[0]["id"]))
    assert left == []


@pytest.mark.parametrize("organisation", ["another", "none"])
def test_the_function_deletes_nobody_of_another_organisation(
    clinic: Clinic, database: Database, client: TestClient, owner: Owner, organisation: str
) -> None:
    patient_id = make_episode(clinic)["patient_id"]
    before = counted(owner, clinic)
    named = str(make_clinic(database, client).organisation_id) if organisation == "another" else ""
    with owner.connection.transaction(force_rollback=True):
        owner.run("select set_config('spor.organisation', %s, true)", named)
        [row] = owner.rows(
            "select spor_delete_patient(%s, %s, 'wrong_person', 'd', now(), 'x', %s, now()) as counts",
            UUID(patient_id),
            uuid4(),
            uuid4(),
        )
        assert row["counts"] is None
        assert counted(owner, clinic) == before
