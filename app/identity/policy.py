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
    READ_RECORD_NOTE = "read_record_note"
    READ_CASELOAD = "read_caseload"
    LIST_PATIENTS = "list_patients"
    REGISTER_PATIENT = "register_patient"
    READ_PATIENT = "read_patient"
    CHANGE_PATIENT = "change_patient"
    READ_ACCESS_LOG = "read_access_log"
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
    LIST_PROGRAMME_EVIDENCE = "list_programme_evidence"
    ADD_PROGRAMME_EVIDENCE = "add_programme_evidence"
    CHANGE_PROGRAMME_EVIDENCE = "change_programme_evidence"
    READ_EVALUATION_PLAN = "read_evaluation_plan"
    PUT_EVALUATION_PLAN = "put_evaluation_plan"
    READ_SERVICE_STATEMENTS = "read_service_statements"
    PUT_SERVICE_STATEMENTS = "put_service_statements"
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
    LIST_TREATMENT_RELATIONS = "list_treatment_relations"
    ADD_TREATMENT_RELATION = "add_treatment_relation"
    END_TREATMENT_RELATION = "end_treatment_relation"
    LIST_BLOCKS = "list_blocks"
    ADD_BLOCK = "add_block"
    LIFT_BLOCK = "lift_block"
    BREAK_GLASS = "break_glass"
    LIST_BREAK_GLASS = "list_break_glass"
    REVIEW_BREAK_GLASS = "review_break_glass"
    READ_PATIENT_COPY = "read_patient_copy"
    LIST_CONSENTS = "list_consents"
    RECORD_CONSENT = "record_consent"
    DELETE_PATIENT = "delete_patient"
    DELETE_ADMINISTRATION = "delete_administration"
    LIST_DELETIONS = "list_deletions"
    LIST_LEGAL_HOLDS = "list_legal_holds"
    PLACE_LEGAL_HOLD = "place_legal_hold"
    LIFT_LEGAL_HOLD = "lift_legal_hold"
    LIST_USERS = "list_users"
    ADD_USER = "add_user"
    READ_USER = "read_user"
    CHANGE_USER = "change_user"
    INVITE_USER = "invite_user"
    END_USER_CREDENTIALS = "end_user_credentials"
    LIST_SERVICES = "list_services"
    ADD_SERVICE = "add_service"
    CHANGE_SERVICE = "change_service"
    CHANGE_PASSWORD = "change_password"  # noqa: S105 - the name of an action
    END_SESSION = "end_session"
    READ_OUTCOMES_REPORT = "read_outcomes_report"
    READ_REPORT_CHART = "read_report_chart"
    READ_GRANT_REPORT = "read_grant_report"
    READ_OWN_REPORT = "read_own_report"
    START_REPORT_JOB = "start_report_job"
    READ_REPORT_JOB = "read_report_job"
    READ_REPORT_FILE = "read_report_file"
    READ_TOOL_REPORT = "read_tool_report"
    EXPORT_CASES = "export_cases"
    READ_OPENAPI = "read_openapi"
    READ_PROBLEM = "read_problem"


_DESCRIPTIONS = {Action.READ_OPENAPI, Action.READ_PROBLEM, Action.LIST_INSTRUMENTS, Action.READ_INSTRUMENT}
_LEADING = {
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
_TABLETS = {
    Action.LIST_DEVICES,
    Action.ADD_DEVICE,
    Action.CHANGE_DEVICE,
    Action.PAIR_DEVICE_ANEW,
    Action.REVOKE_DEVICE,
}
_ADMINISTERING = {
    Action.LIST_USERS,
    Action.ADD_USER,
    Action.READ_USER,
    Action.CHANGE_USER,
    Action.INVITE_USER,
    Action.END_USER_CREDENTIALS,
    Action.LIST_SERVICES,
    Action.ADD_SERVICE,
    Action.CHANGE_SERVICE,
}
_LISTING = {Action.LIST_USERS, Action.LIST_SERVICES}
"""Who works in the own service: by these a patient is handed over."""

_OWN = {Action.CHANGE_PASSWORD, Action.END_SESSION}
"""What anybody who works here may do with their own log-in."""

_PLANNING = {
    Action.LIST_PROGRAMMES,
    Action.READ_PROGRAMME,
    Action.LIST_PROGRAMME_EVIDENCE,
    Action.READ_EVALUATION_PLAN,
    Action.READ_SETTINGS,
    Action.LIST_CURVES,
    Action.READ_CURVE,
}
_REPORTS = {
    Action.READ_OUTCOMES_REPORT,
    Action.READ_REPORT_CHART,
    Action.READ_GRANT_REPORT,
    Action.READ_TOOL_REPORT,
    Action.START_REPORT_JOB,
    Action.READ_REPORT_JOB,
    Action.READ_REPORT_FILE,
}
_EXPORTING = {Action.EXPORT_CASES}
_DELETING = {
    Action.DELETE_PATIENT,
    Action.DELETE_ADMINISTRATION,
    Action.LIST_DELETIONS,
    Action.LIST_LEGAL_HOLDS,
    Action.PLACE_LEGAL_HOLD,
    Action.LIFT_LEGAL_HOLD,
}
_PUTTING = {Action.PUT_ADMINISTRATION, Action.PUT_ADMINISTRATIONS}
_ASKED = {Action.LIST_OPEN_ASSIGNMENTS, Action.DECLINE_ASSIGNMENT}
_ANSWERING = {Action.OPEN_ASSIGNMENT, *_ASKED}
"""What is for whoever fills in a form, and for nobody who works there."""

_ACCESS = {
    Action.LIST_TREATMENT_RELATIONS,
    Action.ADD_TREATMENT_RELATION,
    Action.END_TREATMENT_RELATION,
    Action.LIST_BLOCKS,
    Action.ADD_BLOCK,
    Action.LIFT_BLOCK,
}
_OVERSEEING = {Action.LIST_BREAK_GLASS, Action.REVIEW_BREAK_GLASS}
_SUPERVISING = {
    Action.READ_ADMINISTRATION,
    Action.READ_TRAJECTORY,
    Action.READ_SPARKLINE,
    Action.READ_RECORD_NOTE,
    Action.READ_CASELOAD,
    Action.LIST_PATIENTS,
    Action.READ_PATIENT,
    Action.READ_ACCESS_LOG,
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
    *_ACCESS,
    *_OVERSEEING,
}

_OF_OTHERS = (
    _REPORTS
    | _EXPORTING
    | _LEADING
    | _TABLETS
    | _ANSWERING
    | _DELETING
    | (_ADMINISTERING - _LISTING)
    | {Action.REVIEW_BREAK_GLASS}
)
"""What is not for who treats."""

ALLOWED: Mapping[Role, frozenset[Action]] = {
    Role.DEVICE: frozenset(_PUTTING | _ANSWERING | _DESCRIPTIONS),
    Role.RESPONDENT: frozenset({Action.PUT_ADMINISTRATION} | _ASKED | _DESCRIPTIONS),
    Role.THERAPIST: frozenset(set(Action) - _OF_OTHERS),
    Role.SUPERVISOR: frozenset(_SUPERVISING | _PLANNING | _LISTING | _OWN | _DESCRIPTIONS),
    Role.SERVICE_LEAD: frozenset(_REPORTS | _LEADING | _TABLETS | _PLANNING | _LISTING | _OWN | _DESCRIPTIONS),
    Role.ADMINISTRATOR: frozenset(
        _REPORTS | _LEADING | _TABLETS | _DELETING | _PLANNING | _OVERSEEING | _ADMINISTERING | _OWN | _DESCRIPTIONS
    ),
    Role.ANALYST: frozenset(_REPORTS | _EXPORTING | _PLANNING | _OWN | _DESCRIPTIONS),
    Role.OPERATOR: frozenset({Action.READ_SETTINGS} | _OWN | _DESCRIPTIONS),
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
