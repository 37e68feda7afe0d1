"""The tables, by theme; tables only, no behaviour and no relationships across tenant keys."""

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
from app.db.models.instruments import OwnInstrument, Wording
from app.db.models.measures import Administration, Progress, Score, Series
from app.db.models.organisation import (
    Credential,
    Device,
    Organisation,
    OrganisationSettings,
    Programme,
    Service,
    User,
)
from app.db.models.oversight import AuditEvent, AuditSeal, Review, RiskAlert

__all__ = [
    "Administration",
    "Assignment",
    "AssignmentOpening",
    "Attendance",
    "AuditEvent",
    "AuditSeal",
    "Base",
    "Credential",
    "Curve",
    "Device",
    "Episode",
    "EpisodeProgramme",
    "Goal",
    "Informant",
    "Organisation",
    "OrganisationSettings",
    "OwnInstrument",
    "Patient",
    "Programme",
    "Progress",
    "Review",
    "RiskAlert",
    "Score",
    "Series",
    "Service",
    "TreatmentRelation",
    "TreatmentSession",
    "User",
    "Wording",
]
