"""Deletion by documented decision, legal holds, and the run that deletes what has been kept long enough."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.db.administrations import NewRows, write
from app.db.codes import DeletionGround, IssueCause, Role
from app.db.deletion import (
    Decision,
    administration_at,
    delete_administration,
    delete_patient,
    get_legal_hold,
    legal_holds,
    patient_version,
)
from app.db.editing import add, edit
from app.db.episode_records import lock_known_episodes
from app.db.ids import uuid7
from app.db.models import Deletion, LegalHold
from app.db.retention import Aged, aged, takes_turn
from app.db.session import Access, Database, Scope, Work
from app.errors import MalformedBody, PreconditionFailed, StateConflict
from app.services.episodes import EVERYTHING
from app.services.placing import PlacedEpisode
from app.services.settings import ServiceSettings, current_settings
from app.services.summaries import measures_of
from app.services.verdicts import verdicts_issued_anew

NOBODY = UUID(int=0)
"""Who acts where the command line does."""


def delete_record(work: Work, patient_id: UUID, version: int, decision: Decision) -> Deletion:
    """Delete everything that is kept of a patient, by a decision; the tombstone stays.

    Raises
    ------
    PreconditionFailed
        If what is known of the patient has been changed since the version that was decided on.
    StateConflict
        If a legal hold is in force.
    MalformedBody
        If the decision lies ahead.
    """
    if patient_version(work, patient_id) != version:
        raise PreconditionFailed("it has been changed since; read it again")
    _require_made(work, decision)
    return delete_patient(work, work.entry, patient_id, decision)


def delete_one_administration(work: Work, administration_id: UUID, version: int, decision: Decision) -> Deletion:
    """Delete one administration in all its versions, by a decision, and issue anew the verdicts that change with it.

    Raises
    ------
    PreconditionFailed
        If a version has been added since the one that was decided on.
    StateConflict
        If a legal hold is in force.
    MalformedBody
        If the decision lies ahead.
    """
    episode_id, _, _ = administration_at(work, administration_id)
    lock_known_episodes(work, [episode_id])
    if administration_at(work, administration_id)[2] != version:
        raise PreconditionFailed("it has been changed since; read it again")
    _require_made(work, decision)
    tombstone = delete_administration(work, work.entry, administration_id, decision)
    records = lock_known_episodes(work, [episode_id])
    settings = current_settings(work)
    rows = NewRows()
    placed = [PlacedEpisode.of(each) for each in records.values()]
    rows.progress += verdicts_issued_anew(work, placed, settings, IssueCause.CORRECTION, since=EVERYTHING)
    rows.measures += measures_of(work, placed)
    write(work, work.entry, rows)
    return tombstone


def _require_made(work: Work, decision: Decision) -> None:
    if decision.decided_at > work.now:
        raise MalformedBody("the decision lies ahead", pointer="/decided_at", allowed="a time that has passed")


def place_legal_hold(work: Work, patient_id: UUID, reason: str) -> LegalHold:
    """Keep a patient's record from being deleted, until somebody lifts the hold."""
    patient_version(work, patient_id)
    placed = {"reason": reason, "placed_by": work.scope.actor_id, "placed_at": work.now}
    return add(work, work.entry, LegalHold, {"patient_id": patient_id, **placed})


def list_legal_holds(work: Work, patient_id: UUID) -> list[LegalHold]:
    """List the holds on a patient's record."""
    patient_version(work, patient_id)
    return legal_holds(work, patient_id)


def lift_legal_hold(work: Work, hold_id: UUID, version: int, reason: str) -> LegalHold:
    """Lift a hold.

    Raises
    ------
    StateConflict
        If it was lifted before.
    """
    hold = get_legal_hold(work, hold_id)
    if hold.lifted_at is not None and hold.version == version:
        raise StateConflict("the hold was lifted before")
    lifted = {"lifted_by": work.scope.actor_id, "lifted_at": work.now, "lifting_reason": reason}
    return edit(work, work.entry, hold, version, lifted)


@dataclass(frozen=True, slots=True)
class Due:
    """What a run finds in an organisation: the setting, and the records that are old enough."""

    organisation_id: UUID
    settings: ServiceSettings
    found: list[Aged]

    @property
    def patient_ids(self) -> list[UUID]:
        """Give the patients whose records may be deleted."""
        return [each.patient_id for each in self.found if not each.held]


def find_due(database: Database, organisation_id: UUID, *, now: datetime | None = None) -> Due:
    """Look for the records that have been kept long enough; nothing is changed."""
    with database.work(_scope(organisation_id), Access("find_retention_due", uuid7()), now=now) as work:
        settings = current_settings(work)
        return Due(organisation_id, settings, _aged(work, settings))


def delete_due(
    database: Database, due: Due, reference: str, *, now: datetime | None = None
) -> Generator[tuple[UUID, Deletion]]:
    """Delete the records that were found due, each in a transaction of its own, and give each tombstone.

    Whatever has changed since is looked at again: a run that was cut short is run again. Each leaves an audit event.

    Raises
    ------
    StateConflict
        If another run is at work.
    """
    for patient_id in due.patient_ids:
        with database.work(_scope(due.organisation_id), Access("run_retention", uuid7()), now=now) as work:
            if not takes_turn(work):
                raise StateConflict("another run is deleting records of this organisation")
            settings = current_settings(work)
            if not [each for each in _aged(work, settings, patient_id) if not each.held]:
                continue
            patient_version(work, patient_id)
            setting = f"retention setting, version {settings.version}"
            decision = Decision(DeletionGround.RETENTION_EXPIRED, reference, work.now, setting)
            tombstone = delete_patient(work, work.entry, patient_id, decision)
        yield patient_id, tombstone


def _aged(work: Work, settings: ServiceSettings, patient_id: UUID | None = None) -> list[Aged]:
    """List whose record is old enough; nobody's where the organisation has not said how old that is."""
    if settings.retention_years is None:
        return []
    return aged(work, settings.retention_years, settings.retention_until_age, patient_id)


def _scope(organisation_id: UUID) -> Scope:
    return Scope(organisation_id, actor_id=NOBODY, role=Role.ADMINISTRATOR, service_id=NOBODY)
