"""Who may do what: the table read as a clinic would read it."""

from __future__ import annotations

import pytest

from app.db.codes import STAFF, Role
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
READS_DESCRIPTIONS = {Action.READ_OPENAPI, Action.READ_PROBLEM, Action.LIST_INSTRUMENTS, Action.READ_INSTRUMENT}
LISTS_COLLEAGUES = {Action.LIST_USERS, Action.LIST_SERVICES}
OF_COLLEAGUES = LISTS_COLLEAGUES | {
    Action.ADD_USER,
    Action.READ_USER,
    Action.CHANGE_USER,
    Action.INVITE_USER,
    Action.END_USER_CREDENTIALS,
    Action.ADD_SERVICE,
    Action.CHANGE_SERVICE,
}
OF_THE_OWN_LOG_IN = {Action.CHANGE_PASSWORD, Action.END_SESSION}
OF_PERSONS = (
    set(Action)
    - CHANGES_THE_ORGANISATION
    - READS_THE_ORGANISATION
    - READS_DESCRIPTIONS
    - OF_COLLEAGUES
    - OF_THE_OWN_LOG_IN
)
"""Everything else shows or changes data of a patient."""


def test_a_tablet_puts_answers_and_gets_no_record() -> None:
    assert ALLOWED[Role.DEVICE] == READS_DESCRIPTIONS | {Action.PUT_ADMINISTRATION, Action.PUT_ADMINISTRATIONS}


def test_a_therapist_does_everything_with_persons_and_changes_nothing_of_the_organisation() -> None:
    assert ALLOWED[Role.THERAPIST] == OF_PERSONS | READS_THE_ORGANISATION | OF_THE_OWN_LOG_IN | READS_DESCRIPTIONS


def test_a_lead_plans_and_sees_no_person() -> None:
    lead = ALLOWED[Role.SERVICE_LEAD]
    plans = CHANGES_THE_ORGANISATION | READS_THE_ORGANISATION | READS_DESCRIPTIONS
    assert lead == plans | LISTS_COLLEAGUES | OF_THE_OWN_LOG_IN
    assert not lead & OF_PERSONS


def test_a_supervisor_reads_and_reviews_and_writes_nothing_else_of_the_record() -> None:
    reads = {action for action in OF_PERSONS if action.startswith(("read_", "list_"))}
    reviews = {Action.RECORD_REVIEW, Action.CHANGE_REVIEW, Action.ACKNOWLEDGE_RISK_ALERT}
    of_persons = ALLOWED[Role.SUPERVISOR] - READS_THE_ORGANISATION - READS_DESCRIPTIONS - OF_THE_OWN_LOG_IN
    assert reviews <= of_persons <= reads | reviews


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.ANALYST, Role.OPERATOR])
def test_who_does_not_treat_sees_no_person(role: Role) -> None:
    assert not ALLOWED[role] & OF_PERSONS


def test_administrators_alone_look_after_people_and_everybody_after_their_own_log_in() -> None:
    assert {role for role in Role if ALLOWED[role] & (OF_COLLEAGUES - LISTS_COLLEAGUES)} == {Role.ADMINISTRATOR}
    assert ALLOWED[Role.ADMINISTRATOR] >= OF_COLLEAGUES
    assert {role for role in Role if ALLOWED[role] >= OF_THE_OWN_LOG_IN} == set(STAFF)
    assert {role for role in Role if ALLOWED[role] & OF_THE_OWN_LOG_IN} == set(STAFF)


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
