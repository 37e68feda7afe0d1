"""What was made of administrations, read back: scores, alerts, versions, and the verdicts as they were issued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import and_, select

from app.db.instruments import find_instrument
from app.db.models import Administration, Episode, Patient, Progress, RiskAlert, Score, Series
from app.db.pipeline import statement
from app.db.scope import may_reach_episode
from app.db.session import Query, Work, uuids
from app.errors import NotFound
from app.scales.instrument import Instrument

_VERDICT = tuple(column.name for column in Progress.__table__.columns)

_LAST_VERDICTS = statement(
    f"""
    select distinct on (administration_id) {", ".join(_VERDICT)}
      from progress
     where organisation_id = %(organisation_id)s and administration_id = any(%(ids)s::uuid[])
     order by administration_id, issue desc
    """  # noqa: S608 - the names of our own columns
)


def last_verdicts(work: Work, administration_ids: Sequence[UUID]) -> dict[UUID, Mapping[str, Any]]:
    """Read the verdict last issued for each of the administrations that has one."""
    if not administration_ids:
        return {}
    parameters = {"organisation_id": work.scope.organisation_id, "ids": uuids(administration_ids)}
    return work.ask(Query(_LAST_VERDICTS, parameters, _by_administration))


def _by_administration(rows: Sequence[Sequence[Any]]) -> dict[UUID, Mapping[str, Any]]:
    verdicts = (dict(zip(_VERDICT, row, strict=True)) for row in rows)
    return {verdict["administration_id"]: verdict for verdict in verdicts}


_AT_EPISODE = and_(Episode.organisation_id == Administration.organisation_id, Episode.id == Administration.episode_id)


def get_administration(work: Work, administration_id: UUID) -> Administration:
    """Load the current version of an administration.

    Raises
    ------
    NotFound
        If there is none, or the caller may not reach its episode.
    """
    found = work.db.execute(
        select(Administration, Episode.patient_id)
        .join(Episode, _AT_EPISODE)
        .where(Administration.id == administration_id, Administration.superseded_at.is_(None), may_reach_episode(work))
    ).one_or_none()
    if found is None:
        raise NotFound("there is no such administration", pointer="/id")
    administration, patient_id = found
    work.saw([patient_id])
    return administration


@dataclass(frozen=True, slots=True)
class KeptResult:
    """An administration's current version with all that was made of it."""

    administration: Administration
    instrument: Instrument
    birth_month: date
    sex: str | None
    informant_id: UUID | None
    scores: list[Score]
    alerts: list[RiskAlert]
    verdict: Mapping[str, Any] | None


def get_results(work: Work, ids: Sequence[UUID]) -> dict[UUID, KeptResult]:
    """Load administrations that the caller may reach, with scores, alerts and the verdict last issued."""
    reached = work.db.execute(
        select(Administration, Episode.patient_id, Patient.birth_month, Patient.sex, Series.informant_id)
        .join(Episode, _AT_EPISODE)
        .join(Patient, and_(Patient.organisation_id == Episode.organisation_id, Patient.id == Episode.patient_id))
        .outerjoin(
            Series,
            and_(Series.organisation_id == Administration.organisation_id, Series.id == Administration.series_id),
        )
        .where(Administration.id.in_(ids), Administration.superseded_at.is_(None), may_reach_episode(work))
    ).all()
    work.saw(row.patient_id for row in reached)
    found = [row.Administration.id for row in reached]
    verdicts = last_verdicts(work, found)
    scores = _grouped(work, Score, found)
    alerts = _grouped(work, RiskAlert, found)
    results = {}
    for administration, _, birth_month, sex, informant_id in reached:
        present = [
            score
            for score in scores.get(administration.id, [])
            if score.administration_version == administration.version
        ]
        results[administration.id] = KeptResult(
            administration,
            find_instrument(work, administration.instrument, administration.instrument_version),
            birth_month,
            sex,
            informant_id,
            present,
            alerts.get(administration.id, []),
            verdicts.get(administration.id),
        )
    return results


OfAdministration = TypeVar("OfAdministration", Score, RiskAlert)


def _grouped(work: Work, table: type[OfAdministration], ids: Sequence[UUID]) -> dict[UUID, list[OfAdministration]]:
    grouped: dict[UUID, list[OfAdministration]] = {}
    for row in work.db.scalars(
        select(table).where(table.organisation_id == work.scope.organisation_id, table.administration_id.in_(ids))
    ):
        grouped.setdefault(row.administration_id, []).append(row)
    return grouped


def scores_of(work: Work, administration_ids: Sequence[UUID]) -> dict[tuple[UUID, int], dict[str, float]]:
    """Read all scores of administrations that were reached, by administration and version; those that there are."""
    found: dict[tuple[UUID, int], dict[str, float]] = {}
    for scores in _grouped(work, Score, list(administration_ids)).values():
        for score in scores:
            if score.value is not None:
                key = score.administration_id, score.administration_version
                found.setdefault(key, {})[score.subscale] = score.value
    return found


def versions_of(work: Work, administration: Administration) -> list[Administration]:
    """List all versions of an administration that was reached, oldest first."""
    return list(
        work.db.scalars(
            select(Administration)
            .where(Administration.organisation_id == work.scope.organisation_id, Administration.id == administration.id)
            .order_by(Administration.version)
        )
    )


def verdicts_of(work: Work, administration: Administration) -> list[Progress]:
    """List all verdicts issued on an administration that was reached, in the order of their issue."""
    return list(
        work.db.scalars(
            select(Progress)
            .where(
                Progress.organisation_id == work.scope.organisation_id,
                Progress.administration_id == administration.id,
            )
            .order_by(Progress.issue)
        )
    )
