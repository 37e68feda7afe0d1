"""Patients, informants, episodes, programmes, sessions, attendances, assignments, reviews."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, StrictBool

from app.api.schemas.decision_rules import DecisionRuleBody
from app.api.schemas.fields import (
    Answer,
    Body,
    Change,
    Date,
    Days,
    Dose,
    DoseSoFar,
    EvidenceLevel,
    Label,
    Minutes,
    Month,
    Pathway,
    Text,
    Time,
)
from app.api.schemas.schedules import ScheduleRuleBody
from app.db.codes import (
    AssignmentState,
    AttendanceOutcome,
    ClosingReason,
    ContactMode,
    ContactType,
    InformantRole,
    Language,
    ProgrammeFormat,
    ReferralSource,
    ReferredTo,
    ReviewAction,
    ReviewCause,
    Sex,
    Visibility,
)

Schedule = Annotated[list[ScheduleRuleBody], Field(max_length=20)]
ProblemAreas = Annotated[list[Label], Field(max_length=20)]


class Versioned(Answer):
    """A row that can be edited; `version` is its ETag."""

    id: UUID
    version: int


class PatientCreate(Body):
    """A patient under the reference of the record system; no name."""

    reference: Label = Field(examples=["P-1042"])
    birth_month: Month = Field(examples=["1988-04-01"])
    sex: Sex | None = None
    language: Language = Language.BOKMAL


class PatientChange(Change):
    """What is changed of a patient."""

    reference: Label = ""
    birth_month: Month = date(1900, 1, 1)
    sex: Sex | None = None
    language: Language = Language.BOKMAL


class PatientRead(Versioned):
    """A patient."""

    reference: str
    birth_month: date
    sex: Sex | None
    language: Language


class InformantCreate(Body):
    """A person who answers about a patient."""

    role: InformantRole
    label: Label = Field(examples=["mother"])
    visibility: Visibility = Visibility.RESTRICTED


class InformantChange(Change):
    """What is changed of an informant."""

    label: Label = ""
    visibility: Visibility = Visibility.RESTRICTED


class InformantRead(Versioned):
    """A person who answers about a patient."""

    patient_id: UUID
    role: InformantRole
    label: str
    visibility: Visibility


class EpisodeCreate(Body):
    """A new episode in the caller's service."""

    patient_id: UUID
    opened_at: Time
    pathway: Pathway | None = None
    problem_areas: ProblemAreas = Field(default_factory=list)
    planned_dose: Dose | None = Field(default=None, description="Counted sessions; the programme's, if not given.")
    planned_interval_days: Days | None = Field(default=None, description="The programme's, if not given; else 7.")
    planned_end: Date | None = None
    programme_id: UUID | None = None
    referral_source: ReferralSource | None = Field(default=None, description="Unknown is null.")


class EpisodeChange(Change):
    """What is changed of an episode. `closed_at` with `closing_reason` closes it; both null reopen it."""

    pathway: Pathway | None = None
    problem_areas: ProblemAreas = Field(default_factory=list)
    planned_dose: Dose | None = None
    planned_interval_days: Days | None = None
    planned_end: Date | None = None
    crisis_pause_since: Time | None = None
    main_series_id: UUID | None = None
    closed_at: Time | None = None
    closing_reason: ClosingReason | None = None
    referral_source: ReferralSource | None = None
    referred_to: ReferredTo | None = None


class EpisodeRead(Versioned):
    """First contact to closing in one service."""

    patient_id: UUID
    service_id: UUID
    opened_at: datetime
    closed_at: datetime | None
    closing_reason: ClosingReason | None
    pathway: int | None
    problem_areas: list[str]
    planned_dose: int | None
    planned_interval_days: int | None
    planned_end: date | None
    crisis_pause_since: datetime | None
    main_series_id: UUID | None
    referral_source: ReferralSource | None = Field(description="Who brought the patient to the service.")
    referred_to: ReferredTo | None = Field(description="Where the patient was referred on to.")


class ProgrammeCreate(Body):
    """A treatment offer."""

    name: Label = Field(examples=["Guided self-help, depression"])
    format: ProgrammeFormat
    counted_contact_types: Annotated[list[ContactType], Field(min_length=1)]
    planned_dose: Dose | None = None
    planned_interval_days: Days = 7
    main_instrument: Label | None = Field(default=None, examples=["phq-9"])
    schedule: Schedule | None = None
    decision_rule: DecisionRuleBody | None = None
    evidence_level: EvidenceLevel | None = Field(default=None, description="Unknown is null, not 0.")
    evidence_source: Text | None = None
    evidence_date: Date | None = None


class ProgrammeChange(Change):
    """What is changed of a programme."""

    name: Label = ""
    format: ProgrammeFormat = ProgrammeFormat.INDIVIDUAL
    counted_contact_types: Annotated[list[ContactType], Field(min_length=1)] = Field(default_factory=list)
    planned_dose: Dose | None = None
    planned_interval_days: Days = 7
    main_instrument: Label | None = None
    schedule: Schedule | None = None
    decision_rule: DecisionRuleBody | None = None
    evidence_level: EvidenceLevel | None = None
    evidence_source: Text | None = None
    evidence_date: Date | None = None


class ProgrammeRead(Versioned):
    """A treatment offer."""

    name: str
    format: ProgrammeFormat
    counted_contact_types: list[ContactType]
    planned_dose: int | None
    planned_interval_days: int
    main_instrument: str | None
    schedule: list[dict[str, Any]] | dict[str, Any] | None = Field(
        description="As it was written. A document from before schedules had a form is kept and shown, and not applied."
    )
    decision_rule: dict[str, Any] | None = Field(
        description="As it was written. A document from before rules had a form is kept and shown, and not applied."
    )
    evidence_level: int | None
    evidence_source: str | None
    evidence_date: date | None


class EpisodeProgrammeCreate(Body):
    """The next programme of an episode."""

    programme_id: UUID
    started_at: Time
    ended_at: Time | None = None


class EpisodeProgrammeChange(Change):
    """When a programme of an episode started or ended."""

    started_at: Time = datetime(1900, 1, 1)  # noqa: DTZ001 - never used: only named fields are changed
    ended_at: Time | None = None


class EpisodeProgrammeRead(Versioned):
    """One programme of an episode's sequence."""

    episode_id: UUID
    programme_id: UUID
    position: int
    started_at: datetime
    ended_at: datetime | None


class AttendanceCreate(Body):
    """Whether a participant came; the patient, if nobody is named."""

    episode_id: UUID
    informant_id: UUID | None = None
    outcome: AttendanceOutcome
    reason: Text | None = None
    mode: ContactMode | None = None
    minutes: Minutes | None = None


class AttendanceChange(Change):
    """What is corrected of an attendance."""

    outcome: AttendanceOutcome = AttendanceOutcome.ATTENDED
    reason: Text | None = None
    mode: ContactMode | None = None
    minutes: Minutes | None = None


class AttendanceRead(Versioned):
    """Whether a participant came."""

    treatment_session_id: UUID
    episode_id: UUID
    informant_id: UUID
    outcome: AttendanceOutcome
    reason: str | None
    mode: ContactMode | None
    minutes: int | None


class TreatmentSessionCreate(Body):
    """A treatment session with those who came or did not."""

    starts_at: Time
    contact_type: ContactType
    mode: ContactMode = ContactMode.IN_PERSON
    minutes: Minutes | None = None
    module: Label | None = None
    programme_id: UUID | None = None
    therapist_id: UUID | None = None
    attendances: Annotated[list[AttendanceCreate], Field(max_length=100)] = Field(default_factory=list)


class TreatmentSessionChange(Change):
    """What is changed of a treatment session."""

    starts_at: Time = datetime(1900, 1, 1)  # noqa: DTZ001 - never used: only named fields are changed
    contact_type: ContactType = ContactType.INDIVIDUAL
    mode: ContactMode = ContactMode.IN_PERSON
    minutes: Minutes | None = None
    module: Label | None = None
    programme_id: UUID | None = None
    therapist_id: UUID | None = None


class TreatmentSessionRead(Versioned):
    """A treatment session of the service."""

    service_id: UUID
    programme_id: UUID | None
    therapist_id: UUID | None
    starts_at: datetime
    contact_type: ContactType
    mode: ContactMode
    minutes: int | None
    module: str | None


class AssignmentCreate(Body):
    """A form that is due."""

    instrument: Label
    form: Label | None = None
    informant_id: UUID | None = None
    treatment_session_id: UUID | None = None
    opens_at: Time
    closes_at: Time | None = None


class AssignmentChange(Change):
    """What became of a form that was due."""

    state: AssignmentState = AssignmentState.OFFERED
    reason: Text | None = None
    opens_at: Time = datetime(1900, 1, 1)  # noqa: DTZ001 - never used: only named fields are changed
    closes_at: Time | None = None


class AssignmentRead(Versioned):
    """A form that is due, and what became of it."""

    episode_id: UUID
    informant_id: UUID
    treatment_session_id: UUID | None
    instrument: str
    form: str
    opens_at: datetime
    closes_at: datetime | None
    state: AssignmentState
    reason: str | None = Field(description="As a therapist wrote it, or the code that a tablet sent.")
    completed_at: datetime | None
    administration_id: UUID | None = Field(description="What was put for it.")
    schedule_key: str | None = Field(description="Which rule of a programme's schedule made it; null if a person did.")


class ReviewCreate(Body):
    """A conversation about how the help works, what was found and what was decided."""

    dose: DoseSoFar = Field(description="Counted sessions at the time of the review.")
    with_patient: StrictBool
    causes: Annotated[list[ReviewCause], Field(min_length=1)]
    action: ReviewAction
    note: Text | None = None
    due_on: Date | None = None
    snoozed_until: Date | None = None


class ReviewChange(Change):
    """What is changed of a review."""

    action: ReviewAction = ReviewAction.CONTINUE
    note: Text | None = None
    due_on: Date | None = None
    done_at: Time | None = None
    snoozed_until: Date | None = None


class ReviewRead(Versioned):
    """A review."""

    episode_id: UUID
    author_id: UUID
    dose: int
    reviewed_at: datetime
    with_patient: bool
    causes: list[ReviewCause]
    action: ReviewAction
    note: str | None
    due_on: date | None
    done_at: datetime | None
    snoozed_until: date | None


class Acknowledgement(Body):
    """What was found when a critical answer was assessed."""

    assessment: Text


class Page(BaseModel):
    """Where the next page begins; null on the last."""

    next_after: UUID | None


class PatientPage(Page):
    """A page of patients."""

    patients: list[PatientRead]


class EpisodePage(Page):
    """A page of episodes."""

    episodes: list[EpisodeRead]
