"""The tables, by theme; tables only, no behaviour and no relationships across tenant keys."""

from app.db.models.access import Block, BreakGlass
from app.db.models.base import Base
from app.db.models.care import (
    Assignment,
    AssignmentOpening,
    Attendance,
    Episode,
    EpisodeProgramme,
    Goal,
    Informant,
    Patient,
    TreatmentRelation,
    TreatmentSession,
)
from app.db.models.curves import Curve
from app.db.models.grant import EvaluationPlan, ProgrammeEvidence, ServiceStatements
from app.db.models.instruments import OwnInstrument, Wording
from app.db.models.measures import Administration, Progress, Score, Series
from app.db.models.organisation import (
    Credential,
    Device,
    Login,
    Organisation,
    OrganisationSettings,
    Programme,
    Service,
    User,
)
from app.db.models.oversight import AuditEvent, AuditSeal, Review, RiskAlert
from app.db.models.report_jobs import ReportJob
from app.db.models.rights import Consent, DeletedAdministration, Deletion, EarlierValues, LegalHold
from app.db.models.summaries import CountedCells, EpisodeSummary, MeasureSummary, SummaryYear

__all__ = [
    "Administration",
    "Assignment",
    "AssignmentOpening",
    "Attendance",
    "AuditEvent",
    "AuditSeal",
    "Base",
    "Block",
    "BreakGlass",
    "Consent",
    "CountedCells",
    "Credential",
    "Curve",
    "DeletedAdministration",
    "Deletion",
    "Device",
    "EarlierValues",
    "Episode",
    "EpisodeProgramme",
    "EpisodeSummary",
    "EvaluationPlan",
    "Goal",
    "Informant",
    "LegalHold",
    "Login",
    "MeasureSummary",
    "Organisation",
    "OrganisationSettings",
    "OwnInstrument",
    "Patient",
    "Programme",
    "ProgrammeEvidence",
    "Progress",
    "ReportJob",
    "Review",
    "RiskAlert",
    "Score",
    "Series",
    "Service",
    "ServiceStatements",
    "SummaryYear",
    "TreatmentRelation",
    "TreatmentSession",
    "User",
    "Wording",
]
