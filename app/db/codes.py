"""The coded words of the record: what a column may hold, in one place for tables, services and schemas."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.scales.instrument import InformantRole
from app.scales.risk import RiskDuty

__all__ = ["InformantRole", "RiskDuty"]


class Role(StrEnum):
    """Who a credential stands for."""

    DEVICE = "device"
    RESPONDENT = "respondent"
    THERAPIST = "therapist"
    SUPERVISOR = "supervisor"
    SERVICE_LEAD = "service_lead"
    ADMINISTRATOR = "administrator"
    ANALYST = "analyst"
    OPERATOR = "operator"


STAFF: Final = tuple(role for role in Role if role not in (Role.DEVICE, Role.RESPONDENT))
"""The roles of people who work in the organisation."""


class OrganisationMode(StrEnum):
    """What the organisation has switched on: scores and arithmetic, or curves and signals as well."""

    RECORD = "record"
    DECISION_SUPPORT = "decision_support"


class CurveState(StrEnum):
    """Where a curve stands that was learnt from the organisation's own episodes."""

    CANDIDATE = "candidate"
    LIVE = "live"
    RETIRED = "retired"


class Sex(StrEnum):
    """Sex, as the norms of some instruments need it."""

    FEMALE = "female"
    MALE = "male"


class Language(StrEnum):
    """Languages of the texts."""

    BOKMAL = "nb"
    NYNORSK = "nn"
    ENGLISH = "en"


class Visibility(StrEnum):
    """Whether the other informants may be shown what this one answered."""

    RESTRICTED = "restricted"
    OPEN = "open"


class ClosingReason(StrEnum):
    """Why an episode was closed."""

    COMPLETED = "completed"
    AGREED_EARLY_END = "agreed_early_end"
    DROPPED_OUT = "dropped_out"
    REFERRED_ON = "referred_on"
    SINGLE_SESSION = "single_session"
    NOT_STARTED = "not_started"
    MOVED = "moved"
    DIED = "died"
    OTHER = "other"


class ReferralSource(StrEnum):
    """Who brought the patient to the service."""

    SELF = "self"
    PARENT_OR_GUARDIAN = "parent_or_guardian"
    GENERAL_PRACTITIONER = "general_practitioner"
    SCHOOL_HEALTH_SERVICE = "school_health_service"
    SCHOOL_OR_KINDERGARTEN = "school_or_kindergarten"
    CHILD_WELFARE = "child_welfare"
    SPECIALIST_CARE = "specialist_care"
    OTHER_MUNICIPAL_SERVICE = "other_municipal_service"
    OTHER = "other"


class ReferredTo(StrEnum):
    """Where the patient was referred on to."""

    GENERAL_PRACTITIONER = "general_practitioner"
    SCHOOL_HEALTH_SERVICE = "school_health_service"
    SCHOOL_OR_KINDERGARTEN = "school_or_kindergarten"
    CHILD_WELFARE = "child_welfare"
    SPECIALIST_CARE = "specialist_care"
    OTHER_MUNICIPAL_SERVICE = "other_municipal_service"
    OTHER = "other"


class ProgrammeFormat(StrEnum):
    """How a programme is given."""

    INDIVIDUAL = "individual"
    GROUP = "group"
    PARENTS = "parents"
    GUIDED_SELF_HELP = "guided_self_help"


class ContactType(StrEnum):
    """What kind of contact a treatment session was; a programme says which of them count as dose."""

    ASSESSMENT = "assessment"
    INDIVIDUAL = "individual"
    GROUP = "group"
    PARENTS = "parents"
    MODULE = "module"
    SUPPORT_CALL = "support_call"
    NETWORK_MEETING = "network_meeting"
    FOLLOW_UP = "follow_up"


class ContactMode(StrEnum):
    """Where and through what a treatment session took place."""

    IN_PERSON = "in_person"
    VIDEO = "video"
    PHONE = "phone"
    TEXT = "text"
    DIGITAL = "digital"


class AttendanceOutcome(StrEnum):
    """Whether a participant came."""

    ATTENDED = "attended"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


class AssignmentState(StrEnum):
    """What became of a form that was due."""

    OFFERED = "offered"
    COMPLETED = "completed"
    DECLINED = "declined"
    UNABLE = "unable"


class DecliningReason(StrEnum):
    """Why a form was not answered, as a tablet or a respondent may say it: codes only, no words of the patient's."""

    NO_TIME = "no_time"
    NOT_NOW = "not_now"
    DOES_NOT_WANT = "does_not_want"
    TOO_UNWELL = "too_unwell"
    DOES_NOT_UNDERSTAND = "does_not_understand"
    NEEDS_HELP = "needs_help"
    NEEDS_ANOTHER_LANGUAGE = "needs_another_language"
    WRONG_FORM = "wrong_form"
    TECHNICAL_TROUBLE = "technical_trouble"
    OTHER = "other"


class AnsweringMode(StrEnum):
    """How a form was filled in."""

    TABLET = "tablet"
    HOME = "home"
    PAPER = "paper"
    READ_ALOUD = "read_aloud"
    INTERPRETER = "interpreter"
    PHONE = "phone"


class Occasion(StrEnum):
    """What a form was filled in for."""

    INTAKE = "intake"
    SESSION = "session"
    PERIOD_EVALUATION = "period_evaluation"
    CLOSING = "closing"
    FOLLOW_UP = "follow_up"


class AdministrationState(StrEnum):
    """Standing of one version of an administration."""

    FINAL = "final"
    AMENDED = "amended"
    NEEDS_CLARIFICATION = "needs_clarification"
    ENTERED_IN_ERROR = "entered_in_error"


class Clarification(StrEnum):
    """Why an administration is not used until somebody has looked at it."""

    UNREADABLE = "unreadable"
    CLOCK_AHEAD = "clock_ahead"
    EPISODE_CLOSED = "episode_closed"
    WRONG_FORM_FOR_AGE = "wrong_form_for_age"
    WRONG_INFORMANT = "wrong_informant"
    UNKNOWN_INFORMANT = "unknown_informant"
    UNKNOWN_SESSION = "unknown_session"
    TOO_MANY_MISSING = "too_many_missing"
    NOT_ASSIGNED = "not_assigned"


class IssueCause(StrEnum):
    """Why a verdict was issued."""

    ANSWER = "answer"
    LATE_ANSWER = "late_answer"
    CORRECTION = "correction"
    ATTENDANCE = "attendance"
    PLAN = "plan"
    REVIEW = "review"


class ReviewAction(StrEnum):
    """What was decided in a review."""

    CONTINUE = "continue"
    CHANGE_FOCUS = "change_focus"
    CHANGE_PROGRAMME = "change_programme"
    CHANGE_FREQUENCY = "change_frequency"
    INVOLVE_NETWORK = "involve_network"
    SUPERVISION = "supervision"
    STEP_UP = "step_up"
    PREPARE_ENDING = "prepare_ending"
    SNOOZE = "snooze"


class ReviewCause(StrEnum):
    """What a review found to lie behind a course that is not as expected (the cause check)."""

    ALLIANCE = "alliance"
    MOTIVATION_AND_GOALS = "motivation_and_goals"
    SOCIAL_SUPPORT = "social_support"
    LIFE_EVENTS = "life_events"
    RISK = "risk"
    MEDICATION_OR_HEALTH = "medication_or_health"
    METHOD_FIT = "method_fit"
    MEASURE_FIT = "measure_fit"
    NONE_FOUND = "none_found"


class ConsentUse(StrEnum):
    """A use of the record beyond care, for which a person is asked."""

    RESEARCH = "research"
    QUALITY_REGISTER = "quality_register"
    TEACHING = "teaching"


class ConsentDecision(StrEnum):
    """What a person said to a use."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"


class ConsentMedium(StrEnum):
    """How it was said."""

    PAPER = "paper"
    VERBAL = "verbal"
    DIGITAL = "digital"


class DeletionGround(StrEnum):
    """On what ground a record was decided to be deleted."""

    PATIENT_DEMAND = "patient_demand"
    WRONG_PERSON = "wrong_person"
    RETENTION_EXPIRED = "retention_expired"
    AUTHORITY_DECISION = "authority_decision"
    COURT_DECISION = "court_decision"


class Purpose(StrEnum):
    """Why patient data were read or written; the last three are what a colleague's record may be opened for."""

    TREATMENT = "treatment"
    ANSWERING = "answering"
    ADMINISTRATION = "administration"
    SUPERVISION = "supervision"
    ANALYSIS = "analysis"
    OPERATION = "operation"
    PATIENT_RIGHTS = "patient_rights"
    EMERGENCY = "emergency"
    COVERING_FOR_COLLEAGUE = "covering_for_colleague"
    ASKED_BY_PATIENT = "asked_by_patient"


BREAK_GLASS: Final = (Purpose.EMERGENCY, Purpose.COVERING_FOR_COLLEAGUE, Purpose.ASKED_BY_PATIENT)
"""What the record of a patient whom a colleague treats may be opened for."""


class ReviewFinding(StrEnum):
    """What a review of an opened record found."""

    JUSTIFIED = "justified"
    NOT_JUSTIFIED = "not_justified"


class ReportFileFormat(StrEnum):
    """As what file a report is given."""

    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"


class JobState(StrEnum):
    """How far a report is that is made while its reader does something else."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"
    """It was done, and its file has been kept for a day."""
