"""By which names the service may be called."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.api.addresses import Callers
from app.config import Settings
from app.db.session import Database
from app.main import create_app
from tests.factories import Caller, Clinic


def asked(database: Database, clinic: Clinic, called: str, path: str = "/v1/patients", **settings: Any) -> int:
    client = TestClient(create_app(Settings(**settings), database))
    return Caller(client, clinic.therapist.token).get(path, headers={"Host": called}).status_code


OWN: dict[str, Any] = {"allowed_hosts": None}


@pytest.mark.parametrize(
    ("settings", "host", "status"),
    [
        (OWN, "localhost", 200),
        (OWN, "LOCALHOST:8000", 200),
        (OWN, "127.0.0.1:8000", 200),
        (OWN, "[::1]:8000", 200),
        (OWN, "spor.example", 421),
        (OWN, "localhost.spor.example", 421),
        (OWN, "localhost@spor.example", 421),
        (OWN, "", 421),
        (OWN | {"host": "0.0.0.0"}, "0.0.0.0:8000", 421),
        (OWN | {"host": "10.1.2.3"}, "10.1.2.3:8000", 200),
        (OWN | {"host": "fd00::7"}, "[fd00::7]:8000", 200),
        (OWN | {"public_url": "https://spor.example"}, "spor.example", 200),
        (OWN | {"public_url": "https://Spor.example:8443"}, "spor.example:8443", 200),
        ({"allowed_hosts": "a.example, b.example:8000"}, "b.example", 200),
        ({"allowed_hosts": "a.example, b.example:8000"}, "localhost", 421),
        ({"allowed_hosts": "*"}, "anything.example", 200),
    ],
)
def test_the_service_answers_to_its_names(
    database: Database, clinic: Clinic, settings: dict[str, Any], host: str, status: int
) -> None:
    assert asked(database, clinic, host, **settings) == status


def test_health_is_asked_by_any_address(database: Database, clinic: Clinic) -> None:
    assert asked(database, clinic, "10.0.0.9:8000", "/health/live", **OWN) == 200
    assert asked(database, clinic, "10.0.0.9:8000", "/health/ready", **OWN) == 200


def test_who_calls_by_another_name_learns_nothing_else(clinic: Clinic) -> None:
    known = clinic.therapist.get("/v1/patients", headers={"Host": "elsewhere.test"})
    unknown = Caller(clinic.therapist.client, "spor_nobody").get("/v1/patients", headers={"Host": "elsewhere.test"})
    told = [{name: value for name, value in each.json().items() if name != "request_id"} for each in (known, unknown)]
    assert told[0] == told[1]
    assert (told[0]["type"], told[0]["status"]) == ("/v1/problems/misdirected-request", 421)


@pytest.mark.parametrize(
    ("trusted", "connected", "forwarded", "place"),
    [
        ("", "192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.0/8", "192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.0/8", "10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1, fd00::/8", "fd00::1", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("10.0.0.0/8", "10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", "nonsense", "10.0.0.1"),
        ("", "2001:db8:1:2:ffff::4", "", "2001:db8:1:2::/64"),
        ("", "testclient", "", "nowhere"),
    ],
)
def test_a_proxy_is_believed_if_it_is_trusted(trusted: str, connected: str, forwarded: str, place: str) -> None:
    headers = {b"x-forwarded-for": forwarded.encode()}
    assert Callers(trusted).place({"type": "http", "client": (connected, 1)}, headers) == place
