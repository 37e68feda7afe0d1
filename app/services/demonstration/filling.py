"""Founds the demonstration organisation, lets its cohorts live, and keeps the tokens to try it with.

Each cohort is one transaction. What is there is left alone, so that a fill that was cut short goes on with the cohorts
that are missing, and a complete one is never touched again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Final
from uuid import UUID

import numpy as np

from app.db import record
from app.db.assignments import open_on_device
from app.db.codes import AssignmentState, Language, OrganisationMode, Role
from app.db.editing import all_of_organisation
from app.db.founding import add_organisation
from app.db.ids import uuid7
from app.db.models import Assignment, Device, Programme, Service, User
from app.db.scope import get_episode
from app.db.session import Access, Database, Scope, Work
from app.errors import Unauthenticated
from app.identity.credentials import token_hash
from app.services.assignments import add_assignment
from app.services.caseload import CaseloadEntry, read_caseload
from app.services.demonstration.courses import Cohort, simulate_cohorts
from app.services.demonstration.life import Life
from app.services.demonstration.practice import NAME, OFFERS, PRACTICES, TIME_ZONE
from app.services.organisations import (
    add_device,
    add_service,
    add_user,
    first_settings,
    founding_scope,
    issue_credential,
)
from app.services.programmes import add_programme

_ORGANISATION_ID: Final = UUID("1a00e681-d769-5e94-a0ff-7db0295371b8")

_WAITING_ROOM: Final = "Nettbrett på venterommet"
_TABLET_TO_TRY: Final = "Nettbrett til utprøving"
"""Registered last: where it is, the fill is complete."""

_THREADS: Final = 3
"""While one waits for the database, another computes."""

_WARMING_UP: Final = (10, 50)
"""Cohorts after which connections are begun anew: their statements were planned for almost empty tables."""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """Which demonstration it is: the same parameters give the same courses."""

    today: date
    episodes: int = 400
    seed: int = 2033
    organisation_id: UUID = _ORGANISATION_ID


@dataclass(frozen=True, slots=True)
class Credentials:
    """The tokens to try the service with."""

    tablet: str
    therapist: str
    service_lead: str


def is_complete(database: Database, demonstration: Demonstration) -> bool:
    """Tell whether a fill has come to its end."""
    with database.work(founding_scope(demonstration.organisation_id), _access("found_demonstration")) as work:
        return _staff(work).tablet_to_try is not None


def fill(database: Database, demonstration: Demonstration, advanced: Callable[[int], object] = lambda _: None) -> None:
    """Found the organisation and let its cohorts live, as far as that has not been done.

    `advanced` is told how many more episodes are there.
    """
    scope = founding_scope(demonstration.organisation_id)
    with database.work(scope, _access("found_demonstration")) as work:
        if not all_of_organisation(work, Service):
            _found(work)
        staff = _staff(work)
    if staff.tablet_to_try is not None:
        return
    present = _references(database, staff)
    missing: list[Cohort] = []
    for cohort in simulate_cohorts(demonstration.episodes, demonstration.today, demonstration.seed):
        if cohort.members[0].reference in present:
            advanced(len(cohort.members))
        else:
            missing.append(cohort)
    for first, end in zip((0, *_WARMING_UP), (*_WARMING_UP, len(missing)), strict=True):
        _live(database, staff, missing[first:end], demonstration.seed, advanced)
        database.close()
    therapist = _therapist_to_show(database, staff, staff.services.values())
    with database.work(scope, _access("found_demonstration")) as work:
        add_device(work, staff.service(therapist.service_id), _TABLET_TO_TRY)


def issue_credentials(database: Database, demonstration: Demonstration) -> Credentials:
    """Issue tokens for a tablet, and for a therapist and the lead of its service."""
    scope = founding_scope(demonstration.organisation_id)
    with database.work(scope, _access("issue_credentials")) as work:
        staff = _staff(work)
    tablet = staff.tablet_to_try
    assert tablet is not None, "only a complete demonstration has credentials"
    service = staff.service(tablet.service_id)
    therapist = _therapist_to_show(database, staff, [service])
    [lead] = staff.of(service, Role.SERVICE_LEAD)
    with database.work(scope, _access("issue_credentials")) as work:
        return Credentials(*(issue_credential(work, holder) for holder in (tablet, therapist, lead)))


def keep_credentials(database: Database, demonstration: Demonstration, file: Path) -> Credentials:
    """Give the credentials that a file keeps, if this database knows them; else issue new ones and keep those."""
    credentials = _kept_credentials(file)
    if credentials is None or not _are_known(database, credentials):
        credentials = issue_credentials(database, demonstration)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as kept:
            json.dump(asdict(credentials), kept, indent=2)
    return credentials


def _kept_credentials(file: Path) -> Credentials | None:
    try:
        return Credentials(**json.loads(file.read_text()))
    except (FileNotFoundError, ValueError, TypeError):  # lost, or cut short
        return None


def _are_known(database: Database, credentials: Credentials) -> bool:
    try:
        for token in asdict(credentials).values():
            with database.work_for_token(token_hash(token), _access("check_credentials")):
                pass
    except Unauthenticated:
        return False
    return True


def episode_to_show(database: Database, credentials: Credentials) -> UUID:
    """Choose the open episode of the therapist that has most to show, and let the tablet put another form to it."""
    with database.work_for_token(token_hash(credentials.tablet), _access("check_credentials")) as work:
        device_id = work.scope.actor_id
    with database.work_for_token(token_hash(credentials.therapist), _access("read_caseload")) as work:
        shown = max(read_caseload(work), key=_has_to_show).record.id
        _open_on_tablet(work, shown, device_id)
    return shown


def _open_on_tablet(work: Work, episode_id: UUID, device_id: UUID) -> None:
    """Ask for a PHQ-9, if that has not been done before, and open it on a tablet."""
    asked = [
        each
        for each in record.of_episode(work, Assignment, get_episode(work, episode_id))
        if each.instrument == "phq-9" and each.state == AssignmentState.OFFERED and each.closes_at is None
    ]
    wanted = {"instrument": "phq-9", "form": None, "informant_id": None, "opens_at": work.now}
    assignment = asked[0] if asked else add_assignment(work, episode_id, wanted)
    open_on_device(work, work.entry, assignment.id, episode_id, device_id)


def _has_to_show(entry: CaseloadEntry) -> tuple[bool, bool, bool, int]:
    """Rank episodes to show: before all else, another form can be put to it."""
    return _can_go_on(entry), not entry.open_alerts, not entry.stale, len(entry.observations)


def _can_go_on(entry: CaseloadEntry) -> bool:
    return entry.record.closed_at is None and bool(entry.observations)


def _access(action: str) -> Access:
    return Access(action, uuid7())


@dataclass(frozen=True, slots=True)
class _Staff:
    """Who works where, and what is offered; by name."""

    organisation_id: UUID
    services: Mapping[str, Service]
    users: Mapping[str, User]
    tablets: Mapping[UUID, Device]
    programmes: Mapping[str, Programme]
    tablet_to_try: Device | None

    def service(self, service_id: UUID) -> Service:
        """Give a service by its id."""
        return next(service for service in self.services.values() if service.id == service_id)

    def of(self, service: Service, role: Role) -> list[User]:
        """List who has a role in a service."""
        return [user for user in self.users.values() if user.service_id == service.id and user.role == role]

    def scope_of(self, therapist: User) -> Scope:
        """Give what a therapist may reach."""
        return Scope(self.organisation_id, therapist.id, Role.THERAPIST, therapist.service_id)

    def scope_of_tablet(self, service: Service) -> Scope:
        """Give what the tablet in the waiting room of a service may reach."""
        return Scope(self.organisation_id, self.tablets[service.id].id, Role.DEVICE, service.id)


def _found(work: Work) -> None:
    """Found the organisation with its services, people, tablets and programmes."""
    add_organisation(work, NAME, first_settings(OrganisationMode.DECISION_SUPPORT, Language.BOKMAL, TIME_ZONE.key))
    for practice in PRACTICES:
        service = add_service(work, practice.name)
        add_device(work, service, _WAITING_ROOM)
        add_user(work, service, Role.SERVICE_LEAD, practice.lead)
        for name in practice.therapists:
            add_user(work, service, Role.THERAPIST, name)
    for offer in OFFERS:
        add_programme(
            work,
            {
                "name": offer.name,
                "format": offer.format,
                "counted_contact_types": [offer.contact_type],
                "planned_dose": offer.planned_dose,
                "planned_interval_days": offer.interval_days,
                "main_instrument": offer.main_instrument,
            },
        )


def _staff(work: Work) -> _Staff:
    devices = all_of_organisation(work, Device)
    return _Staff(
        organisation_id=work.scope.organisation_id,
        services={service.name: service for service in all_of_organisation(work, Service)},
        users={user.display_name: user for user in all_of_organisation(work, User)},
        tablets={device.service_id: device for device in devices if device.label == _WAITING_ROOM},
        programmes={programme.name: programme for programme in all_of_organisation(work, Programme)},
        tablet_to_try=next((device for device in devices if device.label == _TABLET_TO_TRY), None),
    )


def _therapist_to_show(database: Database, staff: _Staff, services: Iterable[Service]) -> User:
    """Find the therapist whose caseload has the most to tell."""

    def variety(therapist: User) -> tuple[bool, int, str]:
        with database.work(staff.scope_of(therapist), _access("read_caseload")) as work:
            entries = read_caseload(work)
        verdicts = {entry.verdict["signal_reason"] for entry in entries if entry.verdict is not None}
        # The name decides where the rest is equal, so that it is the same one each time.
        return any(map(_can_go_on, entries)), len(verdicts), therapist.display_name

    return max((user for service in services for user in staff.of(service, Role.THERAPIST)), key=variety)


def _references(database: Database, staff: _Staff) -> set[str]:
    """Find which patients are there already."""
    found: set[str] = set()
    for service in staff.services.values():
        for therapist in staff.of(service, Role.THERAPIST):
            with database.work(staff.scope_of(therapist), _access("fill_demonstration")) as work:
                found |= {patient.reference for patient in record.patients(work, None, 100_000)}
    return found


def _live(
    database: Database, staff: _Staff, cohorts: Sequence[Cohort], seed: int, advanced: Callable[[int], object]
) -> None:
    """Let cohorts live, some at once."""

    def live(cohort: Cohort) -> int:
        service = staff.services[cohort.practice.name]
        scope = staff.scope_of(staff.users[cohort.therapist])
        rng = np.random.default_rng([seed, cohort.number, 1])
        with database.work(scope, _access("fill_demonstration")) as work:
            Life(work, staff.scope_of_tablet(service), staff.programmes[cohort.offer.name], cohort, rng).live()
        return len(cohort.members)

    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            for lived in as_completed([pool.submit(live, cohort) for cohort in cohorts]):
                advanced(lived.result())
        finally:
            pool.shutdown(cancel_futures=True)
