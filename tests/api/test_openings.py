"""Assignments: opened on a tablet by a code, at home by a link; answered, declined; and what their holders reach."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.api.examples import EXAMPLES
from app.api.middleware import WITHOUT_CREDENTIAL
from app.config import Settings
from app.db.codes import Role
from app.db.session import Database
from app.identity.credentials import token_hash
from app.identity.policy import ALLOWED
from app.main import create_app
from tests.factories import (
    START,
    Caller,
    Clinic,
    administration,
    created,
    gad_7,
    listed,
    make_assignment,
    make_clinic,
    make_episode,
    make_patient,
    ok,
    open_by_code,
    phq_9,
    put,
    redeem_link,
)
from tests.owner import Owner

NOW = datetime.now(UTC)
OPENING = "/v1/assignments/opening"


def code_of(clinic: Clinic, assignment: dict[str, Any]) -> str:
    code: str = created(clinic.therapist.request("POST", f"/v1/assignments/{assignment['id']}/code"))["code"]
    return code


def link_of(clinic: Clinic, assignment: dict[str, Any]) -> str:
    token: str = created(clinic.therapist.request("POST", f"/v1/assignments/{assignment['id']}/link"))["token"]
    return token


def follow(client: TestClient, token: str) -> Response:
    return client.post("/v1/assignments/redemption", json={"token": token})


def told(answer: Response) -> tuple[int, dict[str, Any]]:
    return answer.status_code, {name: value for name, value in answer.json().items() if name != "request_id"}


def state_of(clinic: Clinic, assignment: dict[str, Any]) -> dict[str, Any]:
    rows = listed(clinic.therapist.get(f"/v1/episodes/{assignment['episode_id']}/assignments"))
    [row] = [each for each in rows if each["id"] == assignment["id"]]
    return row


@pytest.fixture
def episode(clinic: Clinic) -> dict[str, Any]:
    """An episode that no tablet has open yet."""
    opened_at = (START - timedelta(days=7)).isoformat()
    body = {"patient_id": make_patient(clinic, language="nn")["id"], "opened_at": opened_at}
    return created(clinic.therapist.post("/v1/episodes", body))


# ---- On a tablet


def test_a_code_opens_one_assignment_with_nothing_of_the_person(
    clinic: Clinic, episode: dict[str, Any], owner: Owner
) -> None:
    assignment, other = make_assignment(clinic, episode), make_assignment(clinic, episode, instrument="gad-7")
    body = administration(episode, phq_9(5))
    assert put(clinic.tablet, body).status_code == 404
    code = code_of(clinic, assignment)
    assert re.fullmatch("[2-9A-HJKMNP-TV-Z]{6}", code)
    opened = created(clinic.tablet.post(OPENING, {"code": f"{code[:3]} {code[3:].lower()}"}))
    assert opened == {
        "assignment_id": assignment["id"],
        "episode_id": episode["id"],
        "informant_id": assignment["informant_id"],
        "informant_role": "self",
        "instrument": "phq-9",
        "form": "self",
        "language": "nn",
        "treatment_session_id": None,
        "opens_at": "2026-01-05T09:00:00Z",
        "closes_at": None,
    }
    assert listed(clinic.tablet.get("/v1/assignments/open")) == [opened]
    assert other["id"] not in clinic.tablet.get("/v1/assignments/open").text
    created(put(clinic.tablet, body))
    assert not owner.rows("select 1 from assignments a where a::text like %s", f"%{code}%")
    events = owner.rows(
        "select * from audit_events where action = 'open_assignment' and actor_id = %s", clinic.tablet_id
    )
    assert [event["patient_ids"] for event in events] == [[UUID(episode["patient_id"])]]


def test_every_code_that_opens_nothing_is_answered_alike(
    clinic: Clinic, episode: dict[str, Any], owner: Owner, database: Database, client: TestClient
) -> None:
    used, expired, renewed, done, later, elsewhere = (make_assignment(clinic, episode) for _ in range(6))
    codes = {
        name: code_of(clinic, each)
        for name, each in zip("uerdlx", (used, expired, renewed, done, later, elsewhere), strict=True)
    }
    created(clinic.tablet.post(OPENING, {"code": codes["u"]}))
    owner.run("update assignments set code_expires_at = now() where id = %s", UUID(expired["id"]))
    code_of(clinic, renewed)
    ok(clinic.therapist.patch(f"/v1/assignments/{done['id']}", {"state": "unable", "reason": "ill"}, 1))
    owner.run("update assignments set opens_at = now() + interval '1 hour' where id = %s", UUID(later["id"]))
    stranger = make_clinic(database, client)
    answers = [told(clinic.tablet.post(OPENING, {"code": codes[name]})) for name in "uerdl"]
    # Of another service, of another organisation, and of nothing at all.
    answers += [told(each.post(OPENING, {"code": codes["x"]})) for each in (clinic.other_tablet, stranger.tablet)]
    answers += [told(clinic.tablet.post(OPENING, {"code": code})) for code in ("234567", "no", "9" * 200)]
    assert answers[0][0] == 404
    assert all(answer == answers[0] for answer in answers)
    created(clinic.tablet.post(OPENING, {"code": codes["x"]}))


def test_a_code_lasts_a_working_day_and_no_longer_than_the_window(clinic: Clinic, episode: dict[str, Any]) -> None:
    closes_at = NOW + timedelta(hours=1)
    for fields, lasts in (({}, timedelta(hours=8)), ({"closes_at": closes_at.isoformat()}, timedelta(hours=1))):
        path = f"/v1/assignments/{make_assignment(clinic, episode, **fields)['id']}/code"
        expires_at = datetime.fromisoformat(created(clinic.therapist.request("POST", path))["expires_at"])
        assert abs(expires_at - datetime.now(UTC) - lasts) < timedelta(minutes=10)


@pytest.mark.parametrize(
    ("fields", "change", "code", "link"),
    [
        ({"opens_at": (NOW + timedelta(days=3)).isoformat()}, None, 409, 201),
        ({"closes_at": (NOW - timedelta(days=1)).isoformat()}, None, 409, 409),
        ({}, {"state": "completed"}, 409, 409),
        ({}, {"state": "declined", "reason": "ill"}, 409, 409),
        ({}, None, 201, 201),
    ],
    ids=["to come", "over", "completed", "declined", "open"],
)
def test_what_is_not_to_be_answered_gets_no_code(
    clinic: Clinic, episode: dict[str, Any], fields: dict[str, str], change: dict[str, str] | None, code: int, link: int
) -> None:
    path = f"/v1/assignments/{make_assignment(clinic, episode, **fields)['id']}"
    if change:
        ok(clinic.therapist.patch(path, change, 1))
    made = [clinic.therapist.request("POST", f"{path}/{kind}").status_code for kind in ("code", "link")]
    assert made == [code, link]


def test_codes_and_links_are_given_as_pictures_too(clinic: Clinic, episode: dict[str, Any]) -> None:
    path = f"/v1/assignments/{make_assignment(clinic, episode)['id']}"
    for kind in ("code", "link"):
        picture = clinic.therapist.request("POST", f"{path}/{kind}", headers={"Accept": "image/svg+xml"})
        assert (picture.status_code, picture.headers["content-type"]) == (201, "image/svg+xml")
        assert picture.text.startswith("<?xml")
        assert "<svg" in picture.text
        assert picture.headers["cache-control"] == "no-store"
        none = clinic.therapist.request("POST", f"{path}/{kind}", headers={"Accept": "image/png"})
        assert none.status_code == 406


def test_a_put_for_an_assignment_completes_it(clinic: Clinic, episode: dict[str, Any]) -> None:
    assignment = make_assignment(clinic, episode)
    open_by_code(clinic, assignment)
    body = administration(episode, phq_9(5), assignment_id=assignment["id"])
    receipt = created(put(clinic.tablet, body, administration_id := uuid4()))
    assert receipt["state"] == "final"
    row = state_of(clinic, assignment)
    assert (row["state"], row["administration_id"]) == ("completed", str(administration_id))
    assert datetime.fromisoformat(row["completed_at"]) == START
    assert listed(clinic.tablet.get("/v1/assignments/open")) == []
    again = put(clinic.tablet, body, administration_id)
    assert (again.status_code, again.json()) == (200, receipt)
    # The hash is of what was sent: the same without its assignment is another body.
    assert put(clinic.tablet, administration(episode, phq_9(5)), administration_id).status_code == 409


def test_a_batch_completes_assignments_and_each_only_once(clinic: Clinic, episode: dict[str, Any]) -> None:
    assignments = [make_assignment(clinic, episode) for _ in range(2)]
    for each in assignments:
        open_by_code(clinic, each)
    named = [assignments[0], assignments[1], assignments[0]]
    entries = [
        administration(episode, phq_9(5), week=week, assignment_id=each["id"]) | {"id": str(uuid4())}
        for week, each in enumerate(named)
    ]
    answered = ok(clinic.tablet.put("/v1/administrations", {"administrations": entries}))["administrations"]
    assert [each["receipt"]["state"] for each in answered] == ["final", "final", "needs_clarification"]
    kept = [state_of(clinic, each)["administration_id"] for each in assignments]
    assert kept == [entries[0]["id"], entries[1]["id"]]


@pytest.mark.parametrize("what", ["instrument", "informant", "answered before"])
def test_what_was_not_assigned_is_kept_and_needs_clarification(
    clinic: Clinic, episode: dict[str, Any], what: str
) -> None:
    path = f"/v1/patients/{episode['patient_id']}/informants"
    mother = created(clinic.therapist.post(path, {"role": "parent", "label": "mother"}))
    assignment = make_assignment(clinic, episode)
    open_by_code(clinic, assignment)
    body = administration(episode, phq_9(5), assignment_id=assignment["id"])
    if what == "instrument":
        body |= {"instrument": "gad-7", "answers": gad_7(5)}
    elif what == "informant":
        body |= {"informant_id": mother["id"]}
    else:
        created(put(clinic.tablet, body | {"completed_at": (START - timedelta(days=1)).isoformat()}))
    administration_id = created(put(clinic.tablet, body))["id"]
    kept = ok(clinic.therapist.get(f"/v1/administrations/{administration_id}"))
    assert kept["result"]["state"] == "needs_clarification"
    assert "not_assigned" in kept["result"]["clarifications"]
    assert (state_of(clinic, assignment)["state"] == "completed") is (what == "answered before")
    # Somebody confirms that it shall count.
    accept = {"reason": "asked", "accept": kept["result"]["clarifications"]}
    corrections = f"/v1/administrations/{administration_id}/corrections"
    unresolved = clinic.therapist.post(corrections, {"reason": "asked", "mode": "paper"}, headers={"If-Match": '"1"'})
    assert "not_assigned" in created(unresolved)["result"]["clarifications"]
    resolved = clinic.therapist.post(corrections, accept, headers={"If-Match": '"2"'})
    assert created(resolved)["result"]["state"] == "amended"


def test_an_assignment_that_is_not_there_is_refused_unless_a_critical_answer_would_be_lost(
    clinic: Clinic, episode: dict[str, Any]
) -> None:
    open_by_code(clinic, make_assignment(clinic, episode))
    not_opened = make_assignment(clinic, episode)
    answers = []
    for named in (not_opened["id"], str(uuid4())):
        refused = put(clinic.tablet, administration(episode, phq_9(5), assignment_id=named))
        assert (refused.status_code, refused.json()["pointer"]) == (422, "/assignment_id")
        answers.append(told(refused))
        kept = created(put(clinic.tablet, administration(episode, phq_9(5, item_9=1), assignment_id=named)))
        assert kept["state"] == "needs_clarification"
    assert answers[0] == answers[1]
    assert len(listed(clinic.therapist.get("/v1/risk-alerts"))) == 2


def test_who_answers_and_which_form_follow_from_the_assignment(clinic: Clinic) -> None:
    episode = make_episode(clinic, patient_id=make_patient(clinic, birth_month="2016-04-01", sex="female")["id"])
    path = f"/v1/patients/{episode['patient_id']}/informants"
    mother = created(clinic.therapist.post(path, {"role": "parent", "label": "mother"}))
    asked = {"instrument": "kates-2", "form": "caregiver", "informant_id": mother["id"]}
    assignment = make_assignment(clinic, episode, **asked)
    opened = open_by_code(clinic, assignment)
    assert (opened["informant_role"], opened["form"]) == ("parent", "caregiver")
    items = [each["number"] for each in _form(clinic, "kates-2", "caregiver")["items"]]
    body = administration(episode, dict.fromkeys(items, 0), instrument="kates-2", assignment_id=assignment["id"])
    receipt = created(put(clinic.tablet, body))
    kept = ok(clinic.therapist.get(f"/v1/administrations/{receipt['id']}"))
    assert (kept["form"], kept["informant_id"]) == ("caregiver", mother["id"])


def _form(clinic: Clinic, key: str, form: str) -> dict[str, Any]:
    [found] = [each for each in ok(clinic.tablet.get(f"/v1/instruments/{key}"))["forms"] if each["key"] == form]
    return dict(found)


def test_a_therapist_may_put_for_an_assignment_what_was_on_paper(clinic: Clinic, episode: dict[str, Any]) -> None:
    assignment = make_assignment(clinic, episode)
    body = administration(episode, phq_9(5), assignment_id=assignment["id"], mode="paper")
    assert created(put(clinic.therapist, body))["state"] == "final"
    assert state_of(clinic, assignment)["state"] == "completed"


def test_what_was_filled_in_offline_is_taken_after_the_window_and_after_another_tablet_took_over(
    clinic: Clinic, episode: dict[str, Any], owner: Owner, client: TestClient
) -> None:
    added = created(clinic.lead.post("/v1/devices", {"label": "Room 2"}))
    paired = created(client.post("/v1/devices/pairing", json={"code": added["pairing"]["code"]}))
    second = Caller(client, paired["token"])
    assignment = make_assignment(clinic, episode)
    opened = open_by_code(clinic, assignment)
    assert open_by_code(clinic, assignment, second) == opened
    assert listed(clinic.tablet.get("/v1/assignments/open")) == []
    assert listed(second.get("/v1/assignments/open")) == [opened]
    owner.run("update assignments set closes_at = now() - interval '1 day' where id = %s", UUID(assignment["id"]))
    assert listed(second.get("/v1/assignments/open")) == []
    receipt = created(put(clinic.tablet, administration(episode, phq_9(5), assignment_id=assignment["id"])))
    assert receipt["state"] == "final"
    assert state_of(clinic, assignment)["state"] == "completed"


@pytest.mark.parametrize("state", ["declined", "unable"])
def test_a_tablet_tells_that_a_form_was_not_answered_and_may_still_send_it(
    clinic: Clinic, episode: dict[str, Any], state: str
) -> None:
    assignment = make_assignment(clinic, episode)
    path = f"/v1/assignments/{assignment['id']}/declining"
    declining = {"state": state, "reason": "too_unwell"}
    assert clinic.tablet.post(path, declining).status_code == 404
    open_by_code(clinic, assignment)
    words = clinic.tablet.post(path, declining | {"reason": "too tired, says Kari"})
    assert (words.status_code, words.json()["pointer"]) == (422, "/reason")
    assert clinic.tablet.post(path, declining | {"state": "completed"}).status_code == 422
    assert created(clinic.tablet.post(path, declining)) == {"assignment_id": assignment["id"], "state": state}
    row = state_of(clinic, assignment)
    assert (row["state"], row["reason"]) == (state, "too_unwell")
    assert listed(clinic.tablet.get("/v1/assignments/open")) == []
    assert clinic.tablet.post(path, declining).status_code == 404
    created(put(clinic.tablet, administration(episode, phq_9(5), assignment_id=assignment["id"])))
    assert state_of(clinic, assignment)["state"] == "completed"


def test_only_who_treats_the_patient_makes_codes_and_links(clinic: Clinic, episode: dict[str, Any]) -> None:
    path = f"/v1/assignments/{make_assignment(clinic, episode)['id']}"
    statuses = {
        name: [caller.request("POST", f"{path}/{kind}").status_code for kind in ("code", "link")]
        for name, caller in (("colleague", clinic.colleague), ("lead", clinic.lead), ("tablet", clinic.tablet))
    }
    assert statuses == {"colleague": [404, 404], "lead": [403, 403], "tablet": [403, 403]}


# ---- At home


def test_a_link_opens_one_assignment_once(clinic: Clinic, episode: dict[str, Any], owner: Owner) -> None:
    assignment, _ = make_assignment(clinic, episode), make_assignment(clinic, episode)
    client = clinic.therapist.client
    token = link_of(clinic, assignment)
    redeemed = created(follow(client, token))
    assert redeemed["assignment_id"] == assignment["id"]
    lasts = datetime.fromisoformat(redeemed["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=118) < lasts <= timedelta(hours=2)
    assert follow(client, token).status_code == 404
    respondent = Caller(client, redeemed["token"])
    [opened] = listed(respondent.get("/v1/assignments/open"))
    assert opened["assignment_id"] == assignment["id"]
    assert not owner.rows("select 1 from assignments a where a::text like %s", f"%{token}%")
    # With no assignment named, its own is meant.
    body = administration(episode, phq_9(5), mode="home")
    first = put(respondent, body, administration_id := uuid4())
    assert set(created(first)) == {"id", "state", "received_at"}
    again = put(respondent, body, administration_id)
    assert (again.status_code, again.json()) == (200, first.json())
    row = state_of(clinic, assignment)
    assert (row["state"], row["administration_id"]) == ("completed", str(administration_id))
    assert listed(respondent.get("/v1/assignments/open")) == []
    kept = ok(clinic.therapist.get(f"/v1/administrations/{administration_id}"))
    assert kept["versions"][0]["author_id"] == assignment["id"]
    events = owner.rows("select * from audit_events where actor_id = %s", UUID(assignment["id"]))
    assert {event["role"] for event in events} == {"respondent"}
    assert {tuple(event["patient_ids"]) for event in events} == {(UUID(episode["patient_id"]),)}
    assert {"redeem_link", "list_open_assignments", "put_administration"} == {event["action"] for event in events}


def test_every_link_that_opens_nothing_is_answered_alike(clinic: Clinic, episode: dict[str, Any], owner: Owner) -> None:
    used, expired, renewed, done, later = (make_assignment(clinic, episode) for _ in range(5))
    client = clinic.therapist.client
    tokens = [link_of(clinic, each) for each in (used, expired, renewed, done, later)]
    created(follow(client, tokens[0]))
    owner.run("update assignments set link_expires_at = now() where id = %s", UUID(expired["id"]))
    link_of(clinic, renewed)
    ok(clinic.therapist.patch(f"/v1/assignments/{done['id']}", {"state": "unable", "reason": "ill"}, 1))
    owner.run("update assignments set opens_at = now() + interval '1 hour' where id = %s", UUID(later["id"]))
    answers = [told(follow(client, token)) for token in (*tokens, "spor_nothing", "x" * 200, clinic.therapist.token)]
    assert answers[0][0] == 404
    assert all(answer == answers[0] for answer in answers)


def test_a_respondent_s_token_ends_with_the_window_and_after_two_hours(
    clinic: Clinic, episode: dict[str, Any], owner: Owner
) -> None:
    closes_at = datetime.now(UTC) + timedelta(minutes=30)
    assignment = make_assignment(clinic, episode, closes_at=closes_at.isoformat())
    redeemed = created(follow(clinic.therapist.client, link_of(clinic, assignment)))
    assert datetime.fromisoformat(redeemed["expires_at"]) == closes_at
    respondent = Caller(clinic.therapist.client, redeemed["token"])
    assert respondent.get("/v1/assignments/open").status_code == 200
    owner.run("update credentials set expires_at = now() where token_hash = %s", token_hash(redeemed["token"]))
    assert respondent.get("/v1/assignments/open").status_code == 401


def test_a_link_lasts_a_fortnight_and_no_longer_than_the_window(clinic: Clinic, episode: dict[str, Any]) -> None:
    closes_at = NOW + timedelta(days=2)
    for fields, lasts in (({}, timedelta(days=14)), ({"closes_at": closes_at.isoformat()}, timedelta(days=2))):
        path = f"/v1/assignments/{make_assignment(clinic, episode, **fields)['id']}/link"
        expires_at = datetime.fromisoformat(created(clinic.therapist.request("POST", path))["expires_at"])
        assert abs(expires_at - datetime.now(UTC) - lasts) < timedelta(minutes=10)


def test_a_respondent_puts_for_its_own_assignment_only(clinic: Clinic, episode: dict[str, Any]) -> None:
    own, other = make_assignment(clinic, episode), make_assignment(clinic, episode)
    respondent = redeem_link(clinic, own)
    elsewhere = make_episode(clinic)
    assert put(respondent, administration(elsewhere, phq_9(5))).status_code == 404
    named = put(respondent, administration(episode, phq_9(5), assignment_id=other["id"]))
    assert (named.status_code, named.json()["pointer"]) == (422, "/assignment_id")
    strange = administration(episode, gad_7(5), instrument="gad-7")
    assert created(put(respondent, strange))["state"] == "needs_clarification"
    assert created(put(respondent, administration(episode, phq_9(5), assignment_id=own["id"])))["state"] == "final"
    # It is answered: whatever else comes does not count by itself.
    assert created(put(respondent, administration(episode, phq_9(9), week=1)))["state"] == "needs_clarification"
    assert state_of(clinic, other)["state"] == "offered"


def test_a_respondent_learns_nothing_of_what_others_put(clinic: Clinic, episode: dict[str, Any]) -> None:
    respondent = redeem_link(clinic, make_assignment(clinic, episode))
    by_therapist = created(put(clinic.therapist, administration(episode, phq_9(12))))["id"]
    taken = put(respondent, administration(episode, phq_9(5)), UUID(by_therapist))
    assert taken.status_code == 409
    assert set(taken.json()) == {"type", "title", "status", "detail", "pointer", "allowed", "request_id"}
    assert respondent.get(f"/v1/administrations/{by_therapist}").status_code == 403


def test_a_respondent_may_decline_its_own(clinic: Clinic, episode: dict[str, Any]) -> None:
    own, other = make_assignment(clinic, episode), make_assignment(clinic, episode)
    respondent = redeem_link(clinic, own)
    declining = {"state": "declined", "reason": "does_not_want"}
    assert respondent.post(f"/v1/assignments/{other['id']}/declining", declining).status_code == 404
    created(respondent.post(f"/v1/assignments/{own['id']}/declining", declining))
    assert [state_of(clinic, each)["state"] for each in (own, other)] == ["declined", "offered"]


# ---- By every route


def test_by_no_route_do_tablets_and_respondents_reach_more(clinic: Clinic, episode: dict[str, Any]) -> None:
    assignment = make_assignment(clinic, episode)
    respondent = redeem_link(clinic, assignment)
    open_by_code(clinic, make_assignment(clinic, episode))
    bodies = {model.__name__: example for model, example in EXAMPLES.items()}
    ids = {"episode_id": episode["id"], "patient_id": episode["patient_id"], "assignment_id": assignment["id"]}
    tried = 0
    for path, methods in ok(clinic.therapist.get("/v1/openapi.json"))["paths"].items():
        for method, described in methods.items():
            if path in WITHOUT_CREDENTIAL:
                continue
            shape = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            body = bodies.get(shape.get("$ref", "").rpartition("/")[2])
            at = re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], str(uuid4())), path)
            for role, caller in ((Role.RESPONDENT, respondent), (Role.DEVICE, clinic.tablet)):
                if described["operationId"] in ALLOWED[role]:
                    continue
                answer = caller.request(method.upper(), at, json=body, headers={"If-Match": '"1"'})
                assert answer.status_code == 403, (role, method, path)
                assert episode["patient_id"] not in answer.text
                tried += 1
    assert tried > 100
    may = {"put_administration", "list_open_assignments", "decline_assignment"}
    describing = {"read_openapi", "read_problem", "list_instruments", "read_instrument"}
    assert ALLOWED[Role.RESPONDENT] == may | describing
    assert ALLOWED[Role.DEVICE] == may | describing | {"put_administrations", "open_assignment"}


# ---- Guessing


@pytest.fixture
def limited(database: Database) -> Iterator[TestClient]:
    """The service as it is set up outside of the tests."""
    with TestClient(create_app(Settings(), database), base_url="http://spor.test") as client:
        yield client


def test_a_tablet_that_guesses_codes_is_told_to_wait(
    clinic: Clinic, episode: dict[str, Any], limited: TestClient
) -> None:
    guessing, other = Caller(limited, clinic.tablet.token), Caller(limited, clinic.other_tablet.token)
    code = code_of(clinic, make_assignment(clinic, episode))
    assert {guessing.post(OPENING, {"code": f"2345{number}"}).status_code for number in range(22, 32)} == {404}
    refused = [guessing.post(OPENING, {"code": tried}) for tried in (code, "222222")]
    assert [each.status_code for each in refused] == [429, 429]
    assert told(refused[0]) == told(refused[1])
    assert 1 <= int(refused[0].headers["Retry-After"]) <= 60
    # Another one is not made to wait for it; and what is put is no guess.
    assert other.post(OPENING, {"code": "222222"}).status_code == 404
    assert guessing.get("/v1/assignments/open").status_code == 200


def test_who_guesses_links_is_told_to_wait(clinic: Clinic, episode: dict[str, Any], limited: TestClient) -> None:
    token = link_of(clinic, make_assignment(clinic, episode))
    assert {follow(limited, f"spor_{number}").status_code for number in range(10)} == {404}
    refused = [follow(limited, tried) for tried in (token, "spor_x")]
    assert [each.status_code for each in refused] == [429, 429]
    assert told(refused[0]) == told(refused[1])
    assert 1 <= int(refused[0].headers["Retry-After"]) <= 60
