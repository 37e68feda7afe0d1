"""Who may do what: the table read as a clinic would read it."""

from __future__ import annotations

import pytest

from app.db.codes import Role
from app.errors import Forbidden
from app.identity.policy import ALLOWED, Action, check

CHANGES_THE_ORGANISATION = {
    Action.ADD_PROGRAMME,
    Action.CHANGE_PROGRAMME,
    Action.CHANGE_SETTINGS,
    Action.ADD_INSTRUMENT,
    Action.LOAD_WORDING,
    Action.ACTIVATE_CURVE,
    Action.STEP_BACK_CURVE,
}
READS_THE_ORGANISATION = {
    Action.LIST_PROGRAMMES,
    Action.READ_PROGRAMME,
    Action.READ_SETTINGS,
    Action.LIST_CURVES,
    Action.READ_CURVE,
}
KEEPS_TABLETS = {
    Action.LIST_DEVICES,
    Action.ADD_DEVICE,
    Action.CHANGE_DEVICE,
    Action.PAIR_DEVICE_ANEW,
    Action.REVOKE_DEVICE,
}
ANSWERS_WHAT_IT_WAS_ASKED = {Action.LIST_OPEN_ASSIGNMENTS, Action.DECLINE_ASSIGNMENT}
ANSWERS = {Action.OPEN_ASSIGNMENT, *ANSWERS_WHAT_IT_WAS_ASKED}
READS_DESCRIPTIONS = {Action.READ_OPENAPI, Action.READ_PROBLEM, Action.LIST_INSTRUMENTS, Action.READ_INSTRUMENT}
OF_THE_ORGANISATION = CHANGES_THE_ORGANISATION | READS_THE_ORGANISATION | KEEPS_TABLETS
OF_PERSONS = set(Action) - OF_THE_ORGANISATION - READS_DESCRIPTIONS - ANSWERS
"""Everything else shows or changes data of a patient."""


def test_a_tablet_puts_answers_and_gets_no_record() -> None:
    puts = {Action.PUT_ADMINISTRATION, Action.PUT_ADMINISTRATIONS}
    assert ALLOWED[Role.DEVICE] == READS_DESCRIPTIONS | ANSWERS | puts


def test_the_holder_of_a_link_answers_one_form() -> None:
    answers = ANSWERS_WHAT_IT_WAS_ASKED | {Action.PUT_ADMINISTRATION}
    assert ALLOWED[Role.RESPONDENT] == READS_DESCRIPTIONS | answers


def test_a_therapist_does_everything_with_persons_and_changes_nothing_of_the_organisation() -> None:
    assert ALLOWED[Role.THERAPIST] == OF_PERSONS | READS_THE_ORGANISATION | READS_DESCRIPTIONS


def test_a_lead_plans_and_sees_no_person() -> None:
    lead = ALLOWED[Role.SERVICE_LEAD]
    assert lead == OF_THE_ORGANISATION | READS_DESCRIPTIONS
    assert not lead & OF_PERSONS


def test_a_supervisor_reads_and_reviews_and_writes_nothing_else_of_the_record() -> None:
    reads = {action for action in OF_PERSONS if action.startswith(("read_", "list_"))}
    reviews = {Action.RECORD_REVIEW, Action.CHANGE_REVIEW, Action.ACKNOWLEDGE_RISK_ALERT}
    of_persons = ALLOWED[Role.SUPERVISOR] - READS_THE_ORGANISATION - READS_DESCRIPTIONS
    assert reviews <= of_persons <= reads | reviews


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.ANALYST, Role.OPERATOR])
def test_who_does_not_treat_sees_no_person(role: Role) -> None:
    assert not ALLOWED[role] & OF_PERSONS


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_what_is_not_in_the_table_is_refused(role: Role, action: Action) -> None:
    if action in ALLOWED[role]:
        check(role, action)
    else:
        with pytest.raises(Forbidden):
            check(role, action)


def test_a_refusal_says_who_may_not_do_what() -> None:
    with pytest.raises(Forbidden) as refused:
        check(Role.SERVICE_LEAD, Action.READ_PATIENT)
    assert refused.value.detail == "a service lead may not read patient"
