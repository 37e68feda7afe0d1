"""The summary of an episode for the patient record: the facts of it, and the document."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.db import record as rows
from app.db.access_log import organisation_name
from app.db.codes import AdministrationState
from app.db.episode_records import EpisodeRecord, KeptSeries, read_episodes
from app.db.models import Goal, Review
from app.db.present_programme import present_programme
from app.db.scope import get_episode
from app.db.session import Work
from app.reports.record_note import (
    AlertFacts,
    Dated,
    MainFacts,
    MeasureFacts,
    NoteFacts,
    ReviewFacts,
    Sentence,
    VerdictFacts,
    composed,
)
from app.scales.change import ChangeCategory
from app.services.few_scores import form_of
from app.services.placing import place
from app.services.printing import print_pdf
from app.services.settings import current_settings
from app.services.trajectories import Trajectory, read_trajectory
from app.texts.catalogue import is_known, say
from app.texts.record_note import in_words
from app.trajectories.few_occasions import Usability
from app.trajectories.few_verdicts import FEW_OCCASIONS, is_of_few_occasions
from app.trajectories.series import Observation, Series


@dataclass(frozen=True, slots=True)
class RecordNote:
    """A note, read and not yet put into words."""

    organisation: str
    reference: str
    written_on: date
    sentences: list[Sentence]

    def texts(self, language: str) -> list[str]:
        """Give its sentences in a language."""
        return [in_words(each, language) for each in self.sentences]

    def paragraph(self, language: str) -> str:
        """Give it in one piece, to be pasted."""
        return " ".join(self.texts(language))


def read_record_note(work: Work, episode_id: UUID) -> RecordNote:
    """Gather what the note of an episode says.

    Raises
    ------
    NotFound
        If the caller reaches no such episode.
    """
    episode = get_episode(work, episode_id)
    record = read_episodes(work, [episode.id])[episode.id]
    zone = current_settings(work).time_zone
    main = None if record.main_series_id is None else read_trajectory(work, episode.id, None, None, None)
    programme = present_programme(work, episode.id)
    goals = rows.of_episode(work, Goal, episode)
    facts = NoteFacts(
        held=len(record.sessions),
        planned=record.planned_dose,
        programme=None if programme is None else programme.name,
        main=None if main is None else _main(main, zone),
        others=tuple(_others(record, zone)),
        verdict=None if main is None else _verdict(main, zone),
        paused_since=_day(record.crisis_pause_since, zone),
        alerts=_alerts(record, zone),
        review=_review(rows.of_episode(work, Review, episode), zone),
        goals_set=len(goals),
        goals_reached=sum(each.reached is True for each in goals),
        review_due=record.review_due_on,
        planned_end=episode.planned_end,
        closed_on=_day(record.closed_at, zone),
        set_aside=sum(each.state == AdministrationState.NEEDS_CLARIFICATION for each in record.administrations),
    )
    today = work.now.astimezone(zone).date()
    return RecordNote(organisation_name(work), record.patient_reference, today, composed(facts))


def printed(note: RecordNote, language: str) -> bytes:
    """Lay out the document; no transaction needs to be open for it."""

    def words(name: str) -> str:
        return say(f"record_note.{name}", language)

    data: dict[str, Any] = {
        "title": words("title"),
        "organisation": note.organisation,
        "day": note.written_on,
        "sections": [
            {"heading": words("patient"), "facts": [[words("reference"), note.reference]]},
            {"heading": words("episode"), "paragraphs": [note.paragraph(language)]},
        ],
    }
    return print_pdf("document", data, language)


def _main(trajectory: Trajectory, zone: ZoneInfo) -> MainFacts | None:
    scores = _measure(trajectory.record, trajectory.kept, trajectory.series, zone)
    if scores is None:
        return None
    form = form_of(trajectory.instrument, trajectory.kept)
    scale = form.subscale(trajectory.instrument.main_subscale)
    criteria, newest = scale.criteria, scores.newest or scores.first
    cutoff = None if criteria is None else criteria.cutoff
    first = _first(trajectory.series)
    few = trajectory.few
    caution = few is not None and few.known.usability is Usability.WITH_CAUTION and few.known.judged_by
    return MainFacts(
        scores=scores,
        first_band=scale.band(scores.first.score),
        newest_band=scale.band(newest.score),
        change=_change(trajectory, scores),
        coefficient=float(caution.coefficient) if caution else None,
        cutoff=cutoff,
        was_case=criteria is not None and cutoff is not None and criteria.is_case(scores.first.score),
        is_case=criteria is not None and cutoff is not None and criteria.is_case(newest.score),
        late_baseline=first.dose if trajectory.series.late_baseline else None,
    )


def _change(trajectory: Trajectory, scores: MeasureFacts) -> ChangeCategory | None:
    """Tell what the change is: by the published reliable change, or by what is known of a series without a curve."""
    if scores.newest is None:
        return None
    if trajectory.few is not None:
        return trajectory.few.later[-1][1].change
    form = form_of(trajectory.instrument, trajectory.kept)
    criteria = form.subscale(trajectory.instrument.main_subscale).criteria
    if criteria is None or criteria.reliable_change is None:
        return None
    return criteria.category(scores.first.score, scores.newest.score)


def _others(record: EpisodeRecord, zone: ZoneInfo) -> Iterable[MeasureFacts]:
    for kept in record.series:
        measure = _measure(record, kept, place(record, kept.id), zone)
        if kept.id != record.main_series_id and measure is not None:
            yield measure


def _measure(record: EpisodeRecord, kept: KeptSeries, series: Series, zone: ZoneInfo) -> MeasureFacts | None:
    """Give first and newest score of a series; None where it has none."""
    if not series.observations:
        return None
    first, newest = _first(series), series.observations[-1]
    return MeasureFacts(
        measure=kept.instrument.upper(),
        informant=record.informants[kept.informant_id],
        first=_dated(first, zone),
        newest=None if newest is first else _dated(newest, zone),
    )


def _first(series: Series) -> Observation:
    return series.observations[series.baseline_index or 0]


def _dated(observation: Observation, zone: ZoneInfo) -> Dated:
    return Dated(float(observation.score), observation.completed_at.astimezone(zone).date())


def _verdict(trajectory: Trajectory, zone: ZoneInfo) -> VerdictFacts | None:
    """Give the standing verdict; there is none in the mode `record`."""
    verdict = trajectory.verdict
    if verdict is None:
        return None
    subject = FEW_OCCASIONS if is_of_few_occasions(verdict["curve"]) else ""
    key = f"verdict_word.{verdict['signal_reason']}"
    own = f"{subject}.{key}"
    judged = trajectory.series.treated()[-1]
    return VerdictFacts(own if is_known(own) else key, _dated(judged, zone).day, trajectory.stale)


def _alerts(record: EpisodeRecord, zone: ZoneInfo) -> AlertFacts | None:
    """Give those that nobody has assessed, or else the one that was assessed last."""
    waiting = [each.answered_at for each in record.alerts if each.acknowledged_at is None]
    if waiting:
        return AlertFacts(len(waiting), max(waiting).astimezone(zone).date())
    assessed = [(each.acknowledged_at, each.answered_at) for each in record.alerts if each.acknowledged_at is not None]
    if not assessed:
        return None
    assessed_at, answered_at = max(assessed)
    return AlertFacts(0, answered_at.astimezone(zone).date(), assessed_at.astimezone(zone).date())


def _review(reviews: list[Review], zone: ZoneInfo) -> ReviewFacts | None:
    if not reviews:
        return None
    last = max(reviews, key=lambda each: (each.reviewed_at, each.id))
    return ReviewFacts(last.reviewed_at.astimezone(zone).date(), last.action, last.with_patient)


def _day(moment: datetime | None, zone: ZoneInfo) -> date | None:
    return None if moment is None else moment.astimezone(zone).date()
