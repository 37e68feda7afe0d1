"""Treatment sessions and who came; the dose, and with it the verdicts, follow from the attendances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from app.db.codes import IssueCause
from app.db.editing import add, add_of_organisation, edit, edit_of_organisation
from app.db.episode_records import EpisodeRecord, lock_episodes, lock_episodes_of_session, read_episodes
from app.db.models import Attendance, Episode, TreatmentSession
from app.db.record import get_session, informant_for
from app.db.schedules import move_windows_of_session
from app.db.scope import get_episode, get_of_episode
from app.db.session import Work
from app.errors import InvalidReference
from app.services.episodes import EVERYTHING, issue_anew
from app.services.schedules import assign_due_forms
from app.services.summaries import follow


def record_session(work: Work, values: Mapping[str, Any], attendances: Sequence[Mapping[str, Any]]) -> TreatmentSession:
    """Record a treatment session of the caller's service, with those who came or did not."""
    lock = sorted(each["episode_id"] for each in attendances)
    episodes = {episode_id: get_episode(work, episode_id, lock=True) for episode_id in lock}
    session = add_of_organisation(work, TreatmentSession, {**values, "service_id": work.scope.service_id})
    for index, attendance in enumerate(attendances):
        try:
            _add_attendance(work, session, episodes[attendance["episode_id"]], attendance)
        except InvalidReference as error:
            error.pointer = f"/attendances/{index}{error.pointer}"
            raise
    _follow(work, lock_episodes(work, lock))
    return session


def change_session(work: Work, session_id: UUID, version: int, changes: Mapping[str, Any]) -> TreatmentSession:
    """Change when and how a session took place."""
    session = get_session(work, session_id)
    records = lock_episodes_of_session(work, session)
    before = session.starts_at
    edit_of_organisation(work, session, version, changes)
    if records:
        move_windows_of_session(work, work.entry, session.id, session.starts_at - before)
    _follow(work, read_episodes(work, list(records)))
    return session


def add_attendance(work: Work, session_id: UUID, values: Mapping[str, Any]) -> Attendance:
    """Add a participant to a session."""
    session = get_session(work, session_id)
    episode = get_episode(work, values["episode_id"], lock=True)
    attendance = _add_attendance(work, session, episode, values)
    _follow(work, lock_episodes(work, [episode.id]))
    return attendance


def change_attendance(work: Work, attendance_id: UUID, version: int, changes: Mapping[str, Any]) -> Attendance:
    """Correct whether a participant came."""
    attendance = get_of_episode(work, Attendance, attendance_id)
    get_episode(work, attendance.episode_id, lock=True)
    edit(work, work.entry, attendance, version, changes)
    _follow(work, lock_episodes(work, [attendance.episode_id]))
    return attendance


def _follow(work: Work, records: Mapping[UUID, EpisodeRecord]) -> None:
    """Let verdicts, schedules and summaries of locked episodes follow from another dose."""
    issue_anew(work, records, IssueCause.ATTENDANCE, since=EVERYTHING)
    assign_due_forms(work, records)
    follow(work, records)


def _add_attendance(work: Work, session: TreatmentSession, episode: Episode, values: Mapping[str, Any]) -> Attendance:
    informant = informant_for(work, episode, values.get("informant_id"))
    return add(
        work, work.entry, Attendance, {**values, "informant_id": informant.id, "treatment_session_id": session.id}
    )
