"""Who may do what: one table from role to actions; what a role reaches is `app.db.scope`'s matter."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from app.db.codes import Role
from app.errors import Forbidden


class Action(StrEnum):
    """What can be asked of the service; the operation ids of the API, and the words of the audit."""

    PUT_ADMINISTRATION = "put_administration"
    PUT_ADMINISTRATIONS = "put_administrations"
    READ_ADMINISTRATION = "read_administration"
    CORRECT_ADMINISTRATION = "correct_administration"
    ENTER_ADMINISTRATION_IN_ERROR = "enter_administration_in_error"
    READ_TRAJECTORY = "read_trajectory"
    READ_SPARKLINE = "read_sparkline"
    READ_CASELOAD = "read_caseload"
    LIST_PATIENTS = "list_patients"
    REGISTER_PATIENT = "register_patient"
    READ_PATIENT = "read_patient"
    CHANGE_PATIENT = "change_patient"
    LIST_INFORMANTS = "list_informants"
    ADD_INFORMANT = "add_informant"
    CHANGE_INFORMANT = "change_informant"
    LIST_EPISODES = "list_episodes"
    OPEN_EPISODE = "open_episode"
    READ_EPISODE = "read_episode"
    CHANGE_EPISODE = "change_episode"
    LIST_EPISODE_PROGRAMMES = "list_episode_programmes"
    START_EPISODE_PROGRAMME = "start_episode_programme"
    CHANGE_EPISODE_PROGRAMME = "change_episode_programme"
    LIST_EPISODE_SESSIONS = "list_episode_sessions"
    RECORD_SESSION = "record_session"
    READ_SESSION = "read_session"
    CHANGE_SESSION = "change_session"
    LIST_ATTENDANCES = "list_attendances"
    ADD_ATTENDANCE = "add_attendance"
    CHANGE_ATTENDANCE = "change_attendance"
    LIST_ASSIGNMENTS = "list_assignments"
    ADD_ASSIGNMENT = "add_assignment"
    CHANGE_ASSIGNMENT = "change_assignment"
    MAKE_CODE = "make_code"
    MAKE_LINK = "make_link"
    OPEN_ASSIGNMENT = "open_assignment"
    LIST_OPEN_ASSIGNMENTS = "list_open_assignments"
    DECLINE_ASSIGNMENT = "decline_assignment"
    LIST_DEVICES = "list_devices"
    ADD_DEVICE = "add_device"
    CHANGE_DEVICE = "change_device"
    PAIR_DEVICE_ANEW = "pair_device_anew"
    REVOKE_DEVICE = "revoke_device"
    LIST_GOALS = "list_goals"
    ADD_GOAL = "add_goal"
    CHANGE_GOAL = "change_goal"
    LIST_REVIEWS = "list_reviews"
    RECORD_REVIEW = "record_review"
    CHANGE_REVIEW = "change_review"
    LIST_RISK_ALERTS = "list_risk_alerts"
    ACKNOWLEDGE_RISK_ALERT = "acknowledge_risk_alert"
    LIST_PROGRAMMES = "list_programmes"
    ADD_PROGRAMME = "add_programme"
    READ_PROGRAMME = "read_programme"
    CHANGE_PROGRAMME = "change_programme"
    LIST_INSTRUMENTS = "list_instruments"
    READ_INSTRUMENT = "read_instrument"
    ADD_INSTRUMENT = "add_instrument"
    LOAD_WORDING = "load_wording"
    READ_SETTINGS = "read_settings"
    CHANGE_SETTINGS = "change_settings"
    LIST_CURVES = "list_curves"
    READ_CURVE = "read_curve"
    ACTIVATE_CURVE = "activate_curve"
    STEP_BACK_CURVE = "step_back_curve"
    READ_OPENAPI = "read_openapi"
    READ_PROBLEM = "read_problem"


_DESCRIPTIONS = {Action.READ_OPENAPI, Action.READ_PROBLEM, Action.LIST_INSTRUMENTS, Action.READ_INSTRUMENT}
_LEADING = {
    Action.ADD_PROGRAMME,
    Action.CHANGE_PROGRAMME,
    Action.CHANGE_SETTINGS,
    Action.ADD_INSTRUMENT,
    Action.LOAD_WORDING,
    Action.ACTIVATE_CURVE,
    Action.STEP_BACK_CURVE,
}
_TABLETS = {
    Action.LIST_DEVICES,
    Action.ADD_DEVICE,
    Action.CHANGE_DEVICE,
    Action.PAIR_DEVICE_ANEW,
    Action.REVOKE_DEVICE,
}
_PLANNING = {
    Action.LIST_PROGRAMMES,
    Action.READ_PROGRAMME,
    Action.READ_SETTINGS,
    Action.LIST_CURVES,
    Action.READ_CURVE,
}
_PUTTING = {Action.PUT_ADMINISTRATION, Action.PUT_ADMINISTRATIONS}
_ASKED = {Action.LIST_OPEN_ASSIGNMENTS, Action.DECLINE_ASSIGNMENT}
_ANSWERING = {Action.OPEN_ASSIGNMENT, *_ASKED}
"""What is for whoever fills in a form, and for nobody who works there."""

_SUPERVISING = {
    Action.READ_ADMINISTRATION,
    Action.READ_TRAJECTORY,
    Action.READ_SPARKLINE,
    Action.READ_CASELOAD,
    Action.LIST_PATIENTS,
    Action.READ_PATIENT,
    Action.LIST_INFORMANTS,
    Action.LIST_EPISODES,
    Action.READ_EPISODE,
    Action.LIST_EPISODE_PROGRAMMES,
    Action.LIST_EPISODE_SESSIONS,
    Action.LIST_ASSIGNMENTS,
    Action.LIST_GOALS,
    Action.LIST_REVIEWS,
    Action.RECORD_REVIEW,
    Action.CHANGE_REVIEW,
    Action.LIST_RISK_ALERTS,
    Action.ACKNOWLEDGE_RISK_ALERT,
}

ALLOWED: Mapping[Role, frozenset[Action]] = {
    Role.DEVICE: frozenset(_PUTTING | _ANSWERING | _DESCRIPTIONS),
    Role.RESPONDENT: frozenset({Action.PUT_ADMINISTRATION} | _ASKED | _DESCRIPTIONS),
    Role.THERAPIST: frozenset(set(Action) - _LEADING - _TABLETS - _ANSWERING),
    Role.SUPERVISOR: frozenset(_SUPERVISING | _PLANNING | _DESCRIPTIONS),
    Role.SERVICE_LEAD: frozenset(_LEADING | _TABLETS | _PLANNING | _DESCRIPTIONS),
    Role.ADMINISTRATOR: frozenset(_LEADING | _TABLETS | _PLANNING | _DESCRIPTIONS),
    Role.ANALYST: frozenset(_PLANNING | _DESCRIPTIONS),
    Role.OPERATOR: frozenset({Action.READ_SETTINGS} | _DESCRIPTIONS),
}


def check(role: Role, action: Action) -> None:
    """Refuse what a role may not do.

    Raises
    ------
    Forbidden
        If the role's row does not hold the action.
    """
    if action not in ALLOWED[role]:
        raise Forbidden(f"a {role.replace('_', ' ')} may not {action.replace('_', ' ')}")
