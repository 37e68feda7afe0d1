"""Everything that is kept of one patient, as far as the caller reaches it: read table by table."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select, tuple_

from app.db.models import (
    Administration,
    Assignment,
    Attendance,
    Block,
    BreakGlass,
    Consent,
    EarlierValues,
    Episode,
    EpisodeProgramme,
    Goal,
    Informant,
    LegalHold,
    Organisation,
    Patient,
    Programme,
    Progress,
    Review,
    RiskAlert,
    Score,
    Series,
    Service,
    TreatmentRelation,
    TreatmentSession,
    User,
)
from app.db.models.base import OfEpisode, Tenant
from app.db.scope import get_patient, reachable_episodes
from app.db.session import Work

Row = TypeVar("Row", bound=Tenant)


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """The rows of one patient; those that hang on an episode are of the episodes that the caller reaches."""

    organisation: str
    patient: Patient
    informants: list[Informant]
    consents: list[Consent]
    holds: list[LegalHold]
    blocks: list[Block]
    openings: list[BreakGlass]
    earlier: list[EarlierValues]
    episodes: list[Episode]
    relations: list[TreatmentRelation]
    programmes: list[EpisodeProgramme]
    sessions: list[TreatmentSession]
    attendances: list[Attendance]
    assignments: list[Assignment]
    goals: list[Goal]
    reviews: list[Review]
    series: list[Series]
    administrations: list[Administration]
    """Every version, oldest first, of those that now stand in one of the episodes."""
    scores: list[Score]
    alerts: list[RiskAlert]
    verdicts: list[Progress]
    staff: list[User]
    """Who is named by an id in any of it."""
    services: dict[UUID, str]
    offers: dict[UUID, str]
    """The names of the programmes."""


def kept_of_patient(work: Work, patient_id: UUID) -> KeptRecord:
    """Read a patient's record.

    Raises
    ------
    NotFound
        If there is no such patient, or the caller may not reach them.
    """
    patient = get_patient(work, patient_id)
    organisation = work.db.get(Organisation, work.scope.organisation_id)
    assert organisation is not None, "whoever has a credential has an organisation"
    of_patient = reachable_episodes(work).where(Episode.patient_id == patient_id)
    episodes = list(work.db.scalars(of_patient.order_by(Episode.opened_at, Episode.id)))
    ids = [each.id for each in episodes]
    attendances = _rows(work, Attendance, Attendance.episode_id, ids)
    administrations = _administrations(work, ids)
    relations = _rows(work, TreatmentRelation, TreatmentRelation.episode_id, ids)
    reviews = _rows(work, Review, Review.episode_id, ids)
    sessions = _rows(work, TreatmentSession, TreatmentSession.id, {each.treatment_session_id for each in attendances})
    programmes = _rows(work, EpisodeProgramme, EpisodeProgramme.episode_id, ids)
    alerts = _of_versions(work, RiskAlert, administrations)
    assignments = _rows(work, Assignment, Assignment.episode_id, ids)
    goals = _rows(work, Goal, Goal.episode_id, ids)
    hanging: list[OfEpisode] = [*attendances, *programmes, *reviews, *alerts, *assignments, *goals]
    informants = _rows(work, Informant, Informant.patient_id, [patient_id])
    consents = _rows(work, Consent, Consent.patient_id, [patient_id])
    holds = _rows(work, LegalHold, LegalHold.patient_id, [patient_id])
    in_reach = {patient_id, *ids, *(each.id for each in informants), *(each.id for each in hanging)}
    earlier = _rows(work, EarlierValues, EarlierValues.patient_id, [patient_id])
    record = KeptRecord(
        organisation=organisation.name,
        patient=patient,
        informants=informants,
        consents=sorted(consents, key=lambda each: (each.stated_at, each.recorded_at, each.id)),
        holds=holds,
        blocks=_rows(work, Block, Block.patient_id, [patient_id]),
        openings=_rows(work, BreakGlass, BreakGlass.patient_id, [patient_id]),
        earlier=sorted(
            (each for each in earlier if each.row_id in in_reach), key=lambda each: (each.row_id, each.version)
        ),
        episodes=episodes,
        relations=relations,
        programmes=programmes,
        sessions=sorted(sessions, key=lambda each: (each.starts_at, each.id)),
        attendances=attendances,
        assignments=assignments,
        goals=goals,
        reviews=reviews,
        series=_rows(work, Series, Series.episode_id, ids),
        administrations=administrations,
        scores=_of_versions(work, Score, administrations),
        alerts=alerts,
        verdicts=sorted(_of_versions(work, Progress, administrations), key=lambda each: each.issue),
        staff=[],
        services=_names(
            work, Service, {*(each.service_id for each in episodes), *(each.service_id for each in sessions)}
        ),
        offers=_names(work, Programme, _offered(programmes, sessions)),
    )
    return replace(record, staff=_rows(work, User, User.id, named_staff(record)))


def _offered(programmes: list[EpisodeProgramme], sessions: list[TreatmentSession]) -> set[UUID]:
    return {each.programme_id for each in programmes} | {each.programme_id for each in sessions if each.programme_id}


def named_staff(record: KeptRecord) -> set[UUID]:
    """Give the ids that a record has of whoever worked with it; some are those of tablets."""
    found: set[UUID | None] = {record.patient.registered_by}
    found.update(each.user_id for each in record.relations)
    found.update(each.therapist_id for each in record.sessions)
    found.update(each.author_id for each in record.administrations)
    found.update(each.author_id for each in record.reviews)
    found.update(each.acknowledged_by for each in record.alerts)
    found.update(each.recorded_by for each in record.consents)
    found.update(each.placed_by for each in record.holds)
    found.update(each.lifted_by for each in record.holds)
    found.update(each.replaced_by for each in record.earlier)
    for block in record.blocks:
        found.update((block.user_id, block.recorded_by, block.lifted_by))
    for opening in record.openings:
        found.update((opening.user_id, opening.reviewed_by))
    return {each for each in found if each is not None}


def _rows(work: Work, table: type[Row], column: Any, values: Collection[UUID]) -> list[Row]:
    """List the organisation's rows of a table in which a column has one of the values."""
    own = select(table).where(table.organisation_id == work.scope.organisation_id, column.in_(values))
    return list(work.db.scalars(own.order_by(*table.__table__.primary_key))) if values else []  # type: ignore[attr-defined]  # every tenant's row is of a mapped table


def _names(work: Work, table: type[Service] | type[Programme], ids: Collection[UUID]) -> dict[UUID, str]:
    return {row.id: row.name for row in _rows(work, table, table.id, ids)}


def _administrations(work: Work, episode_ids: Collection[UUID]) -> list[Administration]:
    """List all versions of the administrations whose newest one stands in the episodes.

    What was put on the patient by mistake, and moved, is somebody else's and is not among them.
    """
    if not episode_ids:
        return []
    organisation_id = work.scope.organisation_id
    present = select(Administration.id).where(
        Administration.organisation_id == organisation_id,
        Administration.episode_id.in_(episode_ids),
        Administration.superseded_at.is_(None),
    )
    all_versions = select(Administration).where(
        Administration.organisation_id == organisation_id, Administration.id.in_(present)
    )
    return list(work.db.scalars(all_versions.order_by(Administration.received_at, Administration.version)))


OfVersion = TypeVar("OfVersion", Score, RiskAlert, Progress)
_AT_ONCE = 1000


def _of_versions(work: Work, table: type[OfVersion], versions: list[Administration]) -> list[OfVersion]:
    """List what hangs on versions of administrations."""
    keys = [(each.id, each.version) for each in versions]
    found: list[OfVersion] = []
    for start in range(0, len(keys), _AT_ONCE):
        some = tuple_(table.administration_id, table.administration_version).in_(keys[start : start + _AT_ONCE])
        own = select(table).where(table.organisation_id == work.scope.organisation_id, some)
        found += work.db.scalars(own.order_by(*table.__table__.primary_key))
    return found
