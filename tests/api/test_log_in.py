"""Logging in with a password: sessions, invitations, lock-out, and that nobody learns who there is."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.api.limits import Limit
from app.config import Settings
from app.db.ids import uuid7
from app.db.session import Access, Database
from app.errors import TooManyRequests, Unauthenticated
from app.identity.passwords import Passwords
from app.main import create_app
from app.services import log_in
from tests.factories import PASSWORD, Caller, Clinic, created, make_user, user_name_of
from tests.owner import Owner

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
WRONG = "a wrong password"


@pytest.fixture(autouse=True)
def unlimited(client: TestClient) -> None:
    """Let the tests log in as often as they want; the limit has a test of its own."""
    client.app.state.login_limit = Limit(1_000_000)  # type: ignore[attr-defined]  # Starlette leaves app untyped


@pytest.fixture
def therapist(clinic: Clinic) -> str:
    return user_name_of("Therapist", clinic.organisation_id)


def log_in_as(client: TestClient, user_name: str, password: str = PASSWORD) -> Response:
    return client.post("/v1/sessions", json={"user_name": user_name, "password": password})


def without_request_id(answer: Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "request_id"}


# ---- Sessions


def test_a_log_in_gives_a_token_for_ten_hours(client: TestClient, clinic: Clinic, therapist: str, owner: Owner) -> None:
    before = datetime.now(UTC)
    session = created(log_in_as(client, therapist.upper()))
    assert session["user"]["id"] == str(clinic.therapist_id)
    lasts = datetime.fromisoformat(session["expires_at"]) - before
    assert timedelta(hours=10) <= lasts < timedelta(hours=10, minutes=1)
    caller = Caller(client, session["token"])
    assert caller.get("/v1/patients").status_code == 200
    [event] = [each for each in owner.audit(clinic.organisation_id) if each["action"] == "open_session"]
    assert (event["actor_id"], event["patient_ids"]) == (clinic.therapist_id, [])
    owner.run(
        "update credentials set expires_at = now() where user_id = %s and expires_at is not null", clinic.therapist_id
    )
    assert caller.get("/v1/patients").status_code == 401
    assert clinic.therapist.get("/v1/patients").status_code == 200


def test_logging_out_ends_this_session_only(client: TestClient, therapist: str) -> None:
    one, two = (Caller(client, created(log_in_as(client, therapist))["token"]) for _ in range(2))
    assert one.request("DELETE", "/v1/sessions/current").status_code == 204
    assert one.request("DELETE", "/v1/sessions/current").status_code == 401
    assert one.get("/v1/patients").status_code == 401
    assert two.get("/v1/patients").status_code == 200


# ---- Nobody learns who there is


def test_all_who_may_not_log_in_get_the_same_answer(
    client: TestClient, clinic: Clinic, therapist: str, owner: Owner
) -> None:
    colleague, analyst = (user_name_of(name, clinic.organisation_id) for name in ("Colleague", "Analyst"))
    owner.run("update users set deactivated_at = now() where user_name = %s", colleague)
    owner.run(
        "update logins set password_hash = null where user_id = (select id from users where user_name = %s)", analyst
    )
    answers = [
        log_in_as(client, therapist, WRONG),
        log_in_as(client, f"nobody-{uuid4()}", WRONG),
        log_in_as(client, f"nobody-{uuid4()}"),
        log_in_as(client, colleague),
        log_in_as(client, analyst),
    ]
    for _ in range(4):
        answers.append(log_in_as(client, therapist, WRONG))
    answers.append(log_in_as(client, therapist))  # right, but locked by now
    assert {answer.status_code for answer in answers} == {401}
    first, *others = [without_request_id(answer) for answer in answers]
    assert all(each == first for each in others)
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}


class Counting(Passwords):
    """Counts what is worked out, and on which hash."""

    def __init__(self) -> None:
        super().__init__()
        self.worked_out: list[str] = []
        argon2 = self._argon2

        class Told:
            def verify(_, password: str, password_hash: str) -> bool:  # noqa: N805
                self.worked_out.append(password_hash)
                return argon2.verify(password, password_hash)

        self._argon2 = Told()  # type: ignore[assignment]


def test_every_refusal_costs_one_hash_and_one_write(
    database: Database, clinic: Clinic, therapist: str, owner: Owner
) -> None:
    def position() -> int:
        [row] = owner.rows("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint as at")
        at: int = row["at"]
        return at

    for user_name in (therapist, f"nobody-{uuid4()}"):
        made, before = Counting(), position()
        with pytest.raises(Unauthenticated):
            log_in.log_in(database, made, user_name, WRONG, Access("test", uuid7()))
        assert len(made.worked_out) == 1
        assert position() > before, "a commit that writes nothing is quicker"


def test_the_log_names_nobody(client: TestClient, therapist: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    log_in_as(client, therapist, WRONG)
    created(log_in_as(client, therapist))
    client.post("/v1/sessions", json={"user_name": therapist, "password": WRONG, "more": PASSWORD})
    said = " ".join(f"{record.getMessage()} {record.__dict__.get('fields')}" for record in caplog.records)
    assert "/v1/sessions" in said
    for secret in (therapist, WRONG, PASSWORD):
        assert secret not in said


@pytest.mark.parametrize(
    "body",
    [
        {"user_name": "kari"},
        {"user_name": "kari", "password": 7},
        {"user_name": "ka\0ri", "password": PASSWORD},
        {"user_name": "kari", "password": PASSWORD, "more": 1},
        {"user_name": "kari", "password": "x" * 201},
        {"user_name": "\ud800", "password": PASSWORD},
        {"user_name": "kari", "password": "\ud800" * 12},
    ],
)
def test_a_body_that_is_none_is_refused_without_repeating_it(client: TestClient, body: dict[str, Any]) -> None:
    answer = client.post("/v1/sessions", content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert PASSWORD not in answer.text


# ---- Lock-out


class Plain(Passwords):
    """Knows the one password that is right: the clock is what is tried here, not the hash."""

    def fits(self, password: str, password_hash: str | None) -> bool:
        return password_hash is not None and password == PASSWORD


def succeeds(database: Database, user_name: str, at: datetime, *, password: str = WRONG) -> bool:
    """Try to log in at a time; tell whether it succeeds."""
    try:
        log_in.log_in(database, Plain(), user_name, password, Access("test", uuid7()), now=at)
    except Unauthenticated:
        return False
    return True


def test_five_failures_lock_for_a_minute_and_each_further_one_twice_as_long(database: Database, therapist: str) -> None:
    now = NOW
    for _ in range(5):
        assert not succeeds(database, therapist, now)
    for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
        # Neither a right password nor a wrong one counts while it is locked; then one wrong one locks again.
        almost = now + timedelta(minutes=minutes, seconds=-1)
        assert not succeeds(database, therapist, almost, password=PASSWORD)
        now += timedelta(minutes=minutes)
        assert not succeeds(database, therapist, now)
    now += timedelta(minutes=60)
    assert succeeds(database, therapist, now, password=PASSWORD)
    # It has begun anew.
    for _ in range(4):
        assert not succeeds(database, therapist, now)
    assert succeeds(database, therapist, now, password=PASSWORD)


def test_many_guesses_at_once_are_each_counted(database: Database, therapist: str) -> None:
    class Patient(Passwords):
        def fits(self, _: str, password_hash: str | None) -> bool:
            looked_at.append(password_hash is not None)
            return False

    looked_at: list[bool] = []

    def guess(_: int) -> None:
        with pytest.raises(Unauthenticated):
            log_in.log_in(database, Patient(), therapist, WRONG, Access("test", uuid7()), now=NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(guess, range(40)))
    assert (len(looked_at), sum(looked_at)) == (40, 5)


def test_one_address_may_try_so_often_in_a_minute(database: Database) -> None:
    app = create_app(Settings(), database)
    app.state.login_limit = Limit(3)

    class Quick(Passwords):
        def fits(self, *_: object) -> bool:
            return False

    app.state.passwords = Quick()
    client = TestClient(app)
    answers = [log_in_as(client, f"nobody-{number}") for number in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    invited = {"invitation": "spor_x", "password": PASSWORD}
    assert client.post("/v1/invitations", json=invited).status_code == 429


def test_too_many_at_once_are_told_to_come_again(client: TestClient, therapist: str) -> None:
    class Full(Passwords):
        def fits(self, *_: object) -> bool:
            raise TooManyRequests("too many log in at this moment; try again", retry_after=1)

    app: Any = client.app
    before, app.state.passwords = app.state.passwords, Full()
    try:
        answer = log_in_as(client, therapist)
    finally:
        app.state.passwords = before
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")


# ---- Invitations


def invite(clinic: Clinic, user_id: str) -> str:
    token: str = created(clinic.administrator.post(f"/v1/users/{user_id}/invitation", None))["token"]
    return token


def redeem(client: TestClient, invitation: str, password: str = PASSWORD) -> Response:
    return client.post("/v1/invitations", json={"invitation": invitation, "password": password})


def test_an_invitation_sets_a_password_once(client: TestClient, clinic: Clinic) -> None:
    person = make_user(clinic)
    assert log_in_as(client, person["user_name"]).status_code == 401
    invitation = invite(clinic, person["id"])
    assert Caller(client, invitation).get("/v1/programmes").status_code == 401  # it is no credential
    session = created(redeem(client, invitation))
    assert Caller(client, session["token"]).get("/v1/programmes").status_code == 200
    assert redeem(client, invitation).status_code == 401
    assert created(log_in_as(client, person["user_name"]))["user"]["id"] == person["id"]


def test_only_the_newest_invitation_holds_and_for_three_days(
    client: TestClient, clinic: Clinic, database: Database
) -> None:
    person = make_user(clinic)
    first, second = invite(clinic, person["id"]), invite(clinic, person["id"])
    unknown = redeem(client, "spor_unknown")
    assert without_request_id(redeem(client, first)) == without_request_id(unknown)
    for hours, holds in ((73, False), (71, True)):
        at = datetime.now(UTC) + timedelta(hours=hours)
        try:
            log_in.redeem_invitation(database, Passwords(), second, PASSWORD, Access("test", uuid7()), now=at)
        except Unauthenticated:
            assert not holds
        else:
            assert holds


@pytest.mark.parametrize("password", ["too short", "passord12345", "user name"])
def test_a_password_that_would_be_guessed_leaves_the_invitation_as_it_was(
    client: TestClient, clinic: Clinic, password: str
) -> None:
    person = make_user(clinic)
    invitation = invite(clinic, person["id"])
    answer = redeem(client, invitation, person["user_name"] if password == "user name" else password)
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/password")
    created(redeem(client, invitation))


def test_to_be_invited_anew_ends_all_that_was_before(client: TestClient, clinic: Clinic) -> None:
    person = make_user(clinic)
    old = Caller(client, created(redeem(client, invite(clinic, person["id"])))["token"])
    assert old.get("/v1/programmes").status_code == 200
    created(redeem(client, invite(clinic, person["id"]), "another long password"))
    assert old.get("/v1/programmes").status_code == 401
    assert log_in_as(client, person["user_name"]).status_code == 401
    created(log_in_as(client, person["user_name"], "another long password"))


# ---- The own password


def change(caller: Caller, present: str, password: str) -> Response:
    return caller.put("/v1/users/me/password", {"present": present, "password": password})


def test_a_changed_password_ends_all_other_sessions(
    client: TestClient, clinic: Clinic, therapist: str, owner: Owner
) -> None:
    one, two = (Caller(client, created(log_in_as(client, therapist))["token"]) for _ in range(2))
    assert change(one, PASSWORD, "another long password").status_code == 204
    assert one.get("/v1/patients").status_code == 200
    assert {caller.get("/v1/patients").status_code for caller in (two, clinic.therapist)} == {401}
    assert log_in_as(client, therapist).status_code == 401
    created(log_in_as(client, therapist, "another long password"))
    [event] = [each for each in owner.audit(clinic.organisation_id) if each["action"] == "change_password"]
    assert event["actor_id"] == clinic.therapist_id


def test_a_password_can_t_be_guessed_through_a_session_that_was_left_open(
    client: TestClient, clinic: Clinic, therapist: str
) -> None:
    for _ in range(5):
        answer = change(clinic.therapist, WRONG, "another long password")
        assert (answer.status_code, answer.json()["pointer"]) == (409, "/present")
    assert without_request_id(change(clinic.therapist, PASSWORD, "another long password")) == without_request_id(answer)
    assert log_in_as(client, therapist).status_code == 401
    assert change(clinic.colleague, PASSWORD, "passord12345").status_code == 422


def test_a_user_name_is_one_person_s_on_the_whole_server(client: TestClient, clinic: Clinic, owner: Owner) -> None:
    person = make_user(clinic)
    body = {"display_name": "X", "role": "analyst", "service_id": str(clinic.service_id)}
    again = clinic.administrator.post("/v1/users", body | {"user_name": person["user_name"]})
    assert (again.status_code, again.json()["type"]) == (409, "/v1/problems/state-conflict")
    assert UUID(person["id"]) in {row["id"] for row in owner.rows("select id from users")}
