"""Settings, past the interface: whoever calls the service is held to the same rules."""

from __future__ import annotations

from uuid import uuid4

import pytest

from app.db.session import Access, Database
from app.errors import MalformedBody
from app.services.organisations import founding_scope
from app.services.settings import change_settings, current_settings
from tests.factories import Clinic


def test_a_policy_holds_only_what_a_policy_has(database: Database, clinic: Clinic) -> None:
    scope = founding_scope(clinic.organisation_id)
    with (
        pytest.raises(MalformedBody, match="patience is not a setting of the policy") as refused,
        database.work(scope, Access("test", uuid4())) as work,
    ):
        change_settings(work, 1, {"policy": {"flagging": "early", "patience": 3}}, "trial")
    assert refused.value.pointer == "/policy/patience"
    with database.work(scope, Access("test", uuid4())) as work:
        assert current_settings(work).version == 1
