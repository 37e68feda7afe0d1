"""The invented municipality: its services, who works there and what they offer. Nobody here is real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from app.db.codes import ContactType, ProgrammeFormat

NAME: Final = "Lyngvik kommune (demonstrasjon)"
TIME_ZONE: Final = ZoneInfo("Europe/Oslo")


@dataclass(frozen=True, slots=True)
class Offer:
    """A programme as this practice gives it. `contact_type` is what is scheduled, and what counts."""

    name: str
    format: ProgrammeFormat
    contact_type: ContactType
    planned_dose: int | None
    interval_days: int = 7
    main_instrument: str | None = "phq-9"
    pathway: int = 1


@dataclass(frozen=True, slots=True)
class Practice:
    """A service with those who work there, whom it is for, and how often it gives what."""

    name: str
    share: float
    lead: str
    therapists: tuple[str, ...]
    youngest: int
    oldest: int
    offers: tuple[tuple[Offer, float], ...]


_SELF_HELP_LOW_MOOD: Final = Offer(
    "Veiledet selvhjelp, nedstemthet", ProgrammeFormat.GUIDED_SELF_HELP, ContactType.SUPPORT_CALL, 6
)
_SELF_HELP_ANXIETY: Final = Offer(
    "Veiledet selvhjelp, angst",
    ProgrammeFormat.GUIDED_SELF_HELP,
    ContactType.SUPPORT_CALL,
    6,
    main_instrument="gad-7",
)
_COURSE: Final = Offer("Mestringskurs i gruppe", ProgrammeFormat.GROUP, ContactType.GROUP, 8)
_SHORT: Final = Offer("Korttidssamtaler", ProgrammeFormat.INDIVIDUAL, ContactType.INDIVIDUAL, 5, interval_days=14)
_CBT: Final = Offer("Kognitiv terapi", ProgrammeFormat.INDIVIDUAL, ContactType.INDIVIDUAL, 12, pathway=2)
_LONG: Final = Offer(
    "Langvarig oppfølging", ProgrammeFormat.INDIVIDUAL, ContactType.INDIVIDUAL, None, interval_days=14, pathway=3
)
_YOUTH: Final = Offer("Ungdomssamtaler", ProgrammeFormat.INDIVIDUAL, ContactType.INDIVIDUAL, 8)
_STEPPING_TOGETHER: Final = Offer(  # five meetings with the therapist (NCT05734547; methods, B8)
    "Trinnvis sammen", ProgrammeFormat.PARENTS, ContactType.PARENTS, 5, interval_days=14, main_instrument=None
)
_PARENTS: Final = Offer("Foreldrekurs", ProgrammeFormat.PARENTS, ContactType.PARENTS, 6, main_instrument=None)

PRACTICES: Final = (
    Practice(
        "Lavterskeltilbudet i Lyngvik",
        0.5,
        "Leder Fjell",
        ("Behandler Bjørk", "Behandler Gran", "Behandler Furu", "Behandler Rogn", "Behandler Selje"),
        18,
        74,
        ((_SELF_HELP_LOW_MOOD, 0.2), (_SELF_HELP_ANXIETY, 0.2), (_COURSE, 0.05), (_SHORT, 0.2), (_CBT, 0.35)),
    ),
    Practice(
        "Psykologteamet i Lyngvik",
        0.3,
        "Leder Fjord",
        ("Behandler Older", "Behandler Lønn", "Behandler Ask", "Behandler Eik"),
        18,
        80,
        ((_CBT, 0.75), (_LONG, 0.25)),
    ),
    Practice(
        "Helsestasjon for ungdom i Lyngvik",
        0.2,
        "Leder Hav",
        ("Behandler Lind", "Behandler Hassel", "Behandler Einer"),
        13,
        19,
        ((_YOUTH, 0.75), (_STEPPING_TOGETHER, 0.15), (_PARENTS, 0.1)),
    ),
)

OFFERS: Final = tuple(dict.fromkeys(offer for practice in PRACTICES for offer, _ in practice.offers))
