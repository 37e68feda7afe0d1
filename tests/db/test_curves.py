"""Curves in the database: one is live at a time, by a person's act, and none of them ever changes."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from psycopg import errors, sql

from app.db.session import Database
from tests.db.conftest import Connection
from tests.factories import START, Clinic, keep_curve, make_clinic, make_programme


def live(clinic: Clinic, **columns: Any) -> dict[str, Any]:
    return {"state": "live", "activated_by": clinic.therapist_id, "activated_at": START} | columns


def second(**columns: Any) -> dict[str, Any]:
    return {"key": "local-2", "revision": 2} | columns


def test_a_second_live_curve_of_the_same_line_is_refused(as_owner: Connection, clinic: Clinic) -> None:
    """A curve without a programme is for the whole organisation: there is only one of those, too."""
    keep_curve(as_owner, clinic, **live(clinic))
    with pytest.raises(errors.UniqueViolation, match="curves_live_key"):
        keep_curve(as_owner, clinic, **live(clinic), **second())


def test_each_instrument_form_programme_and_organisation_has_its_own(
    as_owner: Connection, database: Database, clinic: Clinic
) -> None:
    programme = make_programme(clinic, "individual")["id"]
    lines: list[dict[str, Any]] = [
        {},
        {"instrument": "gad-7"},
        {"form_family": "parent"},
        {"programme_id": programme},
    ]
    for number, line in enumerate(lines, 1):
        keep_curve(as_owner, clinic, **live(clinic, key=f"local-{number}", **line))
    other = make_clinic(database, clinic.lead.client)
    keep_curve(as_owner, other, **live(other))
    with pytest.raises(errors.UniqueViolation, match="curves_live_key"):
        keep_curve(as_owner, clinic, **live(clinic, key="local-9", programme_id=programme, revision=2))


def test_a_revision_is_given_once(as_owner: Connection, clinic: Clinic) -> None:
    keep_curve(as_owner, clinic)
    with pytest.raises(errors.UniqueViolation, match="curves_revision_key"):
        keep_curve(as_owner, clinic, key="local-2")


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"activated_by": None}, "activated_by_a_person"),
        ({"evaluation": None}, "passed_every_gate"),
        ({"evaluation": {}}, "passed_every_gate"),
        ({"evaluation": {"passed": False}}, "passed_every_gate"),
        ({"evaluation": {"passed": "true"}}, "passed_every_gate"),
        ({"state": "retired"}, "retired_by_a_person"),
        ({"state": "retired", "retired_at": START}, "retired_by_a_person"),
        ({"retired_at": START}, "retired_by_a_person"),
        ({"state": "on"}, "state"),
        ({"link": "probit"}, "link"),
        ({"local_information": 1.1}, "local_information"),
        ({"local_information": float("nan")}, "local_information"),
    ],
)
def test_a_curve_that_breaks_a_rule_is_refused(
    as_owner: Connection, clinic: Clinic, columns: dict[str, Any], rule: str
) -> None:
    with pytest.raises(errors.CheckViolation, match=f"curves_{rule}_check"):
        keep_curve(as_owner, clinic, **live(clinic, **columns))


@pytest.mark.parametrize("column", ["activated_by", "retired_by", "programme_id", "successor_id"])
def test_whoever_did_it_is_somebody_of_the_organisation(as_owner: Connection, clinic: Clinic, column: str) -> None:
    of_retirement = {"state": "retired", "retired_at": START, "retired_by": clinic.therapist_id}
    with pytest.raises(errors.ForeignKeyViolation, match=f"curves_organisation_id_{column}_fkey"):
        keep_curve(as_owner, clinic, **live(clinic, **of_retirement | {column: uuid4()}))


def test_a_tablet_is_no_person(as_owner: Connection, clinic: Clinic) -> None:
    [device] = as_owner.execute(
        "select id from devices where organisation_id = %s limit 1", [clinic.organisation_id]
    ).fetchall()
    with pytest.raises(errors.ForeignKeyViolation, match="activated_by"):
        keep_curve(as_owner, clinic, **live(clinic, activated_by=device["id"]))


LEARNT = (
    *("organisation_id", "id", "key", "instrument", "form_family", "programme_id", "revision", "link"),
    *("parameters", "parameters_hash", "provenance", "evaluation", "data_from", "data_to"),
    *("n_episodes", "n_observations", "local_information", "made_at", "created_at"),
)


@pytest.mark.parametrize("column", LEARNT)
def test_what_was_learnt_can_t_be_changed(
    as_owner: Connection, as_app: Connection, clinic: Clinic, column: str
) -> None:
    curve_id = keep_curve(as_owner, clinic)["id"]
    change = sql.SQL("update curves set {0} = {0} where id = {1}").format(sql.Identifier(column), curve_id)
    with as_app.transaction(force_rollback=True):
        as_app.execute("select set_config('spor.organisation', %s, true)", [str(clinic.organisation_id)])
        assert as_app.execute("select from curves where id = %s", [curve_id]).fetchone() is not None
        with pytest.raises(errors.InsufficientPrivilege, match="permission denied"):
            as_app.execute(change)
