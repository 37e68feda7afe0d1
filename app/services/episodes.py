"""Episodes: opened, planned, paused, closed; their programmes in sequence and their main measure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.db.administrations import NewRows, write
from app.db.codes import IssueCause, Role
from app.db.editing import add, edit
from app.db.episode_records import EpisodeRecord, lock_episodes
from app.db.instruments import find_instrument
from app.db.models import Episode, EpisodeProgramme, Series, TreatmentRelation
from app.db.record import next_position, of_episode
from app.db.schedules import move_windows_of_programme
from app.db.scope import get_episode, get_of_episode, get_patient
from app.db.session import Work
from app.errors import InvalidReference, StateConflict
from app.services.instruments import require_for_change
from app.services.placing import PlacedEpisode
from app.services.schedules import assign_due_forms
from app.services.settings import current_settings
from app.services.summaries import follow, follow_what_is_around
from app.services.verdicts import verdicts_issued_anew

EVERYTHING = datetime.min.replace(tzinfo=UTC)
"""Since ever: an event that may change any verdict of the episode."""

_CHANGES_VERDICTS = {"planned_dose", "planned_interval_days", "pathway", "crisis_pause_since", "closed_at"}


def open_episode(work: Work, values: Mapping[str, Any]) -> Episode:
    """Open an episode in the caller's service; the therapist who opens it treats the patient."""
    patient = get_patient(work, values["patient_id"])
    given = {name: value for name, value in values.items() if name != "programme_id"}
    episode = add(work, work.entry, Episode, {**given, "patient_id": patient.id, "service_id": work.scope.service_id})
    if work.scope.role is Role.THERAPIST:
        add(
            work,
            work.entry,
            TreatmentRelation,
            {"episode_id": episode.id, "user_id": work.scope.actor_id, "started_at": episode.opened_at},
        )
    follow_what_is_around(work, [episode.id])
    if values.get("programme_id"):
        start_programme(work, episode.id, {"programme_id": values["programme_id"], "started_at": episode.opened_at})
    return episode


def change_episode(work: Work, episode_id: UUID, version: int, changes: Mapping[str, Any]) -> Episode:
    """Change plan, pathway, problem areas, main measure, pause or closing; reopen by taking the closing away."""
    episode = get_episode(work, episode_id)
    if main_series_id := changes.get("main_series_id"):
        _check_main_series(work, episode, main_series_id)
    edit(work, work.entry, episode, version, changes)
    records = lock_episodes(work, [episode_id])
    if _CHANGES_VERDICTS & set(changes):
        issue_anew(work, records, IssueCause.PLAN)
    follow(work, records)
    return episode


def _check_main_series(work: Work, episode: Episode, main_series_id: UUID) -> None:
    chosen = next((series for series in of_episode(work, Series, episode) if series.id == main_series_id), None)
    if chosen is None:
        raise InvalidReference("the main measure must be a series of the episode", pointer="/main_series_id")
    require_for_change(find_instrument(work, chosen.instrument, chosen.instrument_version), "/main_series_id")


def start_programme(work: Work, episode_id: UUID, values: Mapping[str, Any]) -> EpisodeProgramme:
    """Start the next programme of an episode."""
    episode = get_episode(work, episode_id, lock=True)
    if episode.closed_at is not None:
        raise StateConflict("the episode is closed")
    row = add(
        work,
        work.entry,
        EpisodeProgramme,
        {**values, "episode_id": episode.id, "position": next_position(work, episode)},
    )
    records = lock_episodes(work, [episode_id])
    issue_anew(work, records, IssueCause.PLAN, since=EVERYTHING)
    assign_due_forms(work, records)
    follow(work, records)
    return row


def change_programme_of_episode(work: Work, row_id: UUID, version: int, changes: Mapping[str, Any]) -> EpisodeProgramme:
    """Change when a programme of an episode started or ended."""
    row = get_of_episode(work, EpisodeProgramme, row_id)
    before = row.started_at
    edit(work, work.entry, row, version, changes)
    move_windows_of_programme(work, work.entry, row.episode_id, row.id, row.started_at - before)
    records = lock_episodes(work, [row.episode_id])
    issue_anew(work, records, IssueCause.PLAN, since=EVERYTHING)
    assign_due_forms(work, records)
    follow(work, records)
    return row


def issue_anew(
    work: Work, records: Mapping[UUID, EpisodeRecord], cause: IssueCause, *, since: datetime | None = None
) -> None:
    """Issue anew those verdicts of locked episodes that an event has changed."""
    placed = map(PlacedEpisode.of, records.values())
    progress = verdicts_issued_anew(work, placed, current_settings(work), cause, since=since)
    if progress:
        write(work, work.entry, NewRows(progress=progress))
