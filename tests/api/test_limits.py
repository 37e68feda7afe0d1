"""How often one may ask, and what becomes of those who guess."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi.testclient import TestClient

from app.api import limits
from app.api.limits import GUESSES_PER_MINUTE, CredentialLimits
from app.config import Settings
from app.db.session import Database
from app.errors import TooManyRequests
from app.main import create_app
from tests.factories import Caller, Clinic


@contextmanager
def limited(database: Database, per_minute: int, place: str = "192.0.2.1", proxies: str = "") -> Iterator[TestClient]:
    settings = Settings(requests_per_minute=per_minute, trusted_proxies=proxies)
    yield TestClient(create_app(settings, database), client=(place, 50_000), raise_server_exceptions=False)


def statuses(caller: Caller, times: int) -> list[int]:
    return [caller.get("/v1/settings").status_code for _ in range(times)]


def test_each_credential_has_room_of_its_own(database: Database, clinic: Clinic) -> None:
    with limited(database, 20) as client:
        # The first request is the one by which the credential is found to be good.
        assert statuses(Caller(client, clinic.therapist.token), 22) == [200] * 21 + [429]
        assert statuses(Caller(client, clinic.colleague.token), 1) == [200]
        refused = Caller(client, clinic.therapist.token).get("/v1/settings")
        assert refused.json()["type"] == "/v1/problems/too-many-requests"
        assert 1 <= int(refused.headers["retry-after"]) <= 60


def test_no_limit_if_so_set(database: Database, clinic: Clinic) -> None:
    with limited(database, 0) as client:
        assert set(statuses(Caller(client, clinic.therapist.token), 100)) == {200}
        assert set(statuses(Caller(client, "spor_nobody"), GUESSES_PER_MINUTE + 10)) == {401}


def guess(client: TestClient, times: int, **headers: str) -> list[int]:
    callers = [Caller(client, f"spor_{number}") for number in range(times)]
    return [each.get("/v1/settings", headers=headers).status_code for each in callers]


def test_guessing_is_slowed_and_locks_out_nobody_who_is_known(database: Database, clinic: Clinic) -> None:
    with limited(database, 1000) as client:
        therapist = Caller(client, clinic.therapist.token)
        assert statuses(therapist, 1) == [200]
        assert guess(client, GUESSES_PER_MINUTE + 5) == [401] * GUESSES_PER_MINUTE + [429] * 5
        assert statuses(therapist, 5) == [200] * 5


def test_another_place_is_not_slowed(database: Database, clinic: Clinic) -> None:
    with limited(database, 1000, "10.0.0.1", "10.0.0.1") as client:
        guess(client, GUESSES_PER_MINUTE, **{"X-Forwarded-For": "198.51.100.7"})
        assert guess(client, 1, **{"X-Forwarded-For": "198.51.100.7"}) == [429]
        new = Caller(client, clinic.colleague.token)
        assert new.get("/v1/settings", headers={"X-Forwarded-For": "198.51.100.8"}).status_code == 200


def test_a_stranger_cannot_change_places(database: Database) -> None:
    with limited(database, 1000) as client:
        answers = [
            Caller(client, "spor_x").get("/v1/settings", headers={"X-Forwarded-For": f"198.51.100.{number}"})
            for number in range(GUESSES_PER_MINUTE + 1)
        ]
        assert answers[-1].status_code == 429


def test_a_credential_that_was_good_is_limited_when_it_is_revoked() -> None:
    counted = CredentialLimits(5)
    key = counted.key_of(b"spor_once_good")
    counted.note(key, lambda: "a", good=True, refused=False)
    for _ in range(5):
        counted.admit(key, lambda: "a")
        counted.note(key, lambda: "a", good=False, refused=True)
    with pytest.raises(TooManyRequests):
        counted.admit(key, lambda: "a")


def come_with_garbage(counted: CredentialLimits, first: int, last: int) -> None:
    for number in range(first, last):
        key = counted.key_of(b"spor_%d" % number)
        try:
            counted.admit(key, lambda: "198.51.100.7")
        except TooManyRequests:
            continue
        counted.note(key, lambda: "198.51.100.7", good=False, refused=True)


def test_a_million_garbage_credentials_fill_no_memory() -> None:
    counted = CredentialLimits(1000)
    come_with_garbage(counted, 0, 100)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    come_with_garbage(counted, 100, 5_000)
    few = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    for number in range(1_000_000):  # those that are not refused for their number, such as from many places
        counted.note(counted.key_of(b"spor_%d" % number), lambda: "198.51.100.7", good=False, refused=False)
    assert few < 20_000
    assert len(counted._known) == 0


def test_the_known_are_remembered_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_KNOWN", 3)
    counted = CredentialLimits(1000)
    keys = [counted.key_of(b"%d" % number) for number in range(5)]
    for key in keys:
        counted.note(key, lambda: "a", good=True, refused=False)
    assert [*counted._known] == keys[2:]
