"""The test's own test: with a bug planted on purpose, the machine finds a difference within its daily budget."""

from __future__ import annotations

from collections import Counter

import pytest
from fastapi.testclient import TestClient
from hypothesis.stateful import run_state_machine_as_test

from app.db.embedded import EmbeddedServer
from app.db.session import Database
from tests.machine import practice
from tests.machine.planted import BUGS
from tests.machine.record_machine import DAILY, machine


class Found(BaseException):
    """A difference that goes straight out: Hypothesis would try an ordinary exception again."""


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(
    bug: str, server: EmbeddedServer, database: Database, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(practice, "Difference", Found)
    planted, sign = BUGS[bug]
    with planted(server), pytest.raises(Found, match=sign):
        run_state_machine_as_test(machine(database, client, Counter()), settings=DAILY)
