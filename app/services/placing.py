"""The scores of an episode placed on dose and calendar, which all that is said of them rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.db.codes import AdministrationState
from app.db.episode_records import EpisodeRecord, KeptAdministration
from app.trajectories.series import CountedSession, Measurement, Series, Timing

USED_STATES = (AdministrationState.FINAL, AdministrationState.AMENDED)


@dataclass(frozen=True, slots=True)
class PlacedEpisode:
    """An episode with its series placed: by id, as its record had them then."""

    record: EpisodeRecord
    series: Mapping[UUID, Series]

    @classmethod
    def of(cls, record: EpisodeRecord) -> PlacedEpisode:
        """Place all series of an episode."""
        return cls(record, {kept.id: place(record, kept.id) for kept in record.series})


def used_scores(record: EpisodeRecord, series_id: UUID) -> list[KeptAdministration]:
    """Give the administrations of a series that have a score and need no clarification."""
    return [
        kept
        for kept in record.administrations
        if kept.series_id == series_id and kept.state in USED_STATES and kept.score is not None
    ]


def place(record: EpisodeRecord, series_id: UUID) -> Series:
    """Place the scores of a series on dose and calendar."""
    measurements = [
        Measurement(
            administration_id=kept.id,
            completed_at=kept.completed_at,
            score=kept.score,
            session_id=str(kept.treatment_session_id) if kept.treatment_session_id else None,
            timing=Timing(kept.timing) if kept.timing else None,
            session_starts_at=kept.session_starts_at,
        )
        for kept in used_scores(record, series_id)
        if kept.completed_at is not None and kept.score is not None
    ]
    sessions = [CountedSession(session_id, starts_at) for session_id, starts_at in record.sessions]
    return Series.build(measurements, sessions, record.treatment_ended_at)
