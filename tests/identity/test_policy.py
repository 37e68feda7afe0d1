"""Who may do what: the table read as a clinic would read it."""

from __future__ import annotations

import pytest

from app.db.codes import STAFF, Role
from app.errors import Forbidden
from app.identity.policy import ALLOWED, Action, check

CHANGES_THE_ORGANISATION = {
    Action.ADD_PROGRAMME,
    Action.CHANGE_PROGRAMME,
    Action.ADD_PROGRAMME_EVIDENCE,
    Action.CHANGE_PROGRAMME_EVIDENCE,
    Action.PUT_EVALUATION_PLAN,
    Action.READ_SERVICE_STATEMENTS,
    Action.PUT_SERVICE_STATEMENTS,
    Action.CHANGE_SETTINGS,
    Action.ADD_INSTRUMENT,
    Action.LOAD_WORDING,
    Action.ACTIVATE_CURVE,
    Action.STEP_BACK_CURVE,
}
READS_THE_ORGANISATION = {
    Action.LIST_PROGRAMMES,
    Action.READ_PROGRAMME,
    Action.LIST_PROGRAMME_EVIDENCE,
    Action.READ_EVALUATION_PLAN,
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
OVERSEES = {Action.LIST_BREAK_GLASS, Action.REVIEW_BREAK_GLASS}
"""Who has opened which record, by their ids."""
DELETES_BY_DECISION = {
    Action.DELETE_PATIENT,
    Action.DELETE_ADMINISTRATION,
    Action.LIST_DELETIONS,
    Action.LIST_LEGAL_HOLDS,
    Action.PLACE_LEGAL_HOLD,
    Action.LIFT_LEGAL_HOLD,
}
"""By ids alone: nothing of what is kept is shown."""
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
EXPORTS = {Action.EXPORT_CASES}
READS_REPORTS = {
    Action.READ_OUTCOMES_REPORT,
    Action.READ_REPORT_CHART,
    Action.READ_GRANT_REPORT,
    Action.READ_TOOL_REPORT,
    Action.START_REPORT_JOB,
    Action.READ_REPORT_JOB,
    Action.READ_REPORT_FILE,
}
"""Of services and of the whole organisation: counts of patients, none of them small."""
READS_OWN_REPORT = {Action.READ_OWN_REPORT}
OF_THE_OWN_LOG_IN = {Action.CHANGE_PASSWORD, Action.END_SESSION}
OF_THE_ORGANISATION = CHANGES_THE_ORGANISATION | READS_THE_ORGANISATION | KEEPS_TABLETS
OF_PERSONS = (
    set(Action)
    - OF_THE_ORGANISATION
    - READS_DESCRIPTIONS
    - ANSWERS
    - DELETES_BY_DECISION
    - OF_COLLEAGUES
    - OF_THE_OWN_LOG_IN
    - EXPORTS
    - READS_REPORTS
    - READS_OWN_REPORT
)
"""Everything else shows or changes data of a patient."""


def test_a_tablet_puts_answers_and_gets_no_record() -> None:
    puts = {Action.PUT_ADMINISTRATION, Action.PUT_ADMINISTRATIONS}
    assert ALLOWED[Role.DEVICE] == READS_DESCRIPTIONS | ANSWERS | puts


def test_the_holder_of_a_link_answers_one_form() -> None:
    answers = ANSWERS_WHAT_IT_WAS_ASKED | {Action.PUT_ADMINISTRATION}
    assert ALLOWED[Role.RESPONDENT] == READS_DESCRIPTIONS | answers


def test_a_therapist_does_everything_with_persons_and_changes_nothing_of_the_organisation() -> None:
    beside = READS_THE_ORGANISATION | READS_DESCRIPTIONS | LISTS_COLLEAGUES | OF_THE_OWN_LOG_IN | READS_OWN_REPORT
    assert ALLOWED[Role.THERAPIST] == (OF_PERSONS - {Action.REVIEW_BREAK_GLASS}) | beside


def test_a_lead_plans_and_sees_no_person() -> None:
    lead = ALLOWED[Role.SERVICE_LEAD]
    assert lead == OF_THE_ORGANISATION | READS_DESCRIPTIONS | LISTS_COLLEAGUES | OF_THE_OWN_LOG_IN | READS_REPORTS
    assert not lead & OF_PERSONS


def test_a_supervisor_reads_and_reviews_and_writes_nothing_else_of_the_record() -> None:
    reads = {action for action in OF_PERSONS if action.startswith(("read_", "list_"))}
    reviews = {Action.RECORD_REVIEW, Action.CHANGE_REVIEW, Action.ACKNOWLEDGE_RISK_ALERT, Action.REVIEW_BREAK_GLASS}
    reviews |= {Action.ADD_TREATMENT_RELATION, Action.END_TREATMENT_RELATION, Action.ADD_BLOCK, Action.LIFT_BLOCK}
    beside = READS_THE_ORGANISATION | READS_DESCRIPTIONS | LISTS_COLLEAGUES | OF_THE_OWN_LOG_IN
    of_persons = ALLOWED[Role.SUPERVISOR] - beside
    assert reviews <= of_persons <= reads | reviews


@pytest.mark.parametrize("role", Role)
def test_an_administrator_alone_deletes_by_decision(role: Role) -> None:
    assert ALLOWED[role] & DELETES_BY_DECISION == (DELETES_BY_DECISION if role is Role.ADMINISTRATOR else set())


def test_analysts_alone_export_and_only_what_is_de_identified() -> None:
    assert {role for role in Role if ALLOWED[role] & EXPORTS} == {Role.ANALYST}


def test_reports_are_for_who_leads_and_a_therapist_has_the_own_one() -> None:
    for role in Role:
        leads = role in {Role.SERVICE_LEAD, Role.ADMINISTRATOR, Role.ANALYST}
        own = READS_OWN_REPORT if role is Role.THERAPIST else set()
        assert ALLOWED[role] & (READS_REPORTS | READS_OWN_REPORT) == (READS_REPORTS if leads else own)


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.ANALYST, Role.OPERATOR])
def test_who_does_not_treat_sees_no_person(role: Role) -> None:
    assert ALLOWED[role] & OF_PERSONS == (OVERSEES if role is Role.ADMINISTRATOR else set())


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
