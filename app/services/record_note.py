"""The summary of an episode for the patient record: the facts of it, and the document."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.db import record as rows
from app.db.access_log import organisation_name
from app.db.codes import AdministrationState
from app.db.episode_records import EpisodeRecord, KeptSeries, read_episodes
from app.db.models import Episode, Goal, Review
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
from app.services.visibility import PATIENTS_VIEW, View, view_of_parents
from app.texts.catalogue import is_known, say
from app.texts.record_note import in_words
from app.trajectories.few_occasions import Usability
from app.trajectories.few_verdicts import FEW_OCCASIONS, is_of_few_occasions
from app.trajectories.progress import SignalReason
from app.trajectories.series import Observation, Series

_OF_AGE: Final = 18
"""Years: until then parents may read the record."""

_LIMITED: Final = frozenset({Usability.WITH_CAUTION, Usability.TOO_UNRELIABLE})


@dataclass(frozen=True, slots=True)
class RecordNote:
    """A note, read and not yet put into words."""

    organisation: str
    reference: str
    written_on: date
    left_out: bool
    """Whether what parents may not be shown is left out, be there any or not."""
    sentences: list[Sentence]

    def texts(self, language: str) -> list[str]:
        """Give its sentences in a language."""
        return [in_words(each, language) for each in self.sentences]

    def paragraph(self, language: str) -> str:
        """Give it in one piece, to be pasted."""
        return " ".join(self.texts(language))


def read_record_note(work: Work, episode_id: UUID, *, withheld_from_parents: bool = False) -> RecordNote:
    """Gather what the note of an episode says.

    Parameters
    ----------
    work : Work
        The caller's transaction.
    episode_id : UUID
        The episode.
    withheld_from_parents : bool
        Whether the note goes where no parent reads it. Of a patient under age it else leaves out what a parent may not
        be shown.

    Raises
    ------
    NotFound
        If the caller reaches no such episode.
    """
    episode = get_episode(work, episode_id)
    record = read_episodes(work, [episode.id])[episode.id]
    zone = current_settings(work).time_zone
    today = work.now.astimezone(zone).date()
    whole = withheld_from_parents or _is_of_age(record.birth_month, today)
    view = PATIENTS_VIEW if whole else view_of_parents(rows.informants(work, record.patient_id))
    facts = _facts(work, episode, _shown(record, view), view, zone)
    return RecordNote(organisation_name(work), record.patient_reference, today, not view.is_whole, composed(facts))


def _is_of_age(birth_month: date, day: date) -> bool:
    """Tell whether a patient is of age for certain: of the birthday nothing but the month is known."""
    return (day.year - birth_month.year, day.month) > (_OF_AGE, birth_month.month)


def _shown(record: EpisodeRecord, view: View) -> EpisodeRecord:
    """Give the record without what a reader may not be shown, and without what may rest on it."""
    if view.is_whole:
        return record
    series = [each for each in record.series if view.shows(each.informant_id)]
    shown = {each.id for each in series}
    administrations = [each for each in record.administrations if each.series_id in shown]
    known = {each.id for each in administrations}
    return replace(
        record,
        crisis_pause_since=None,
        main_series_id=record.main_series_id if record.main_series_id in shown else None,
        series=series,
        administrations=administrations,
        alerts=[each for each in record.alerts if each.administration_id in known],
    )


def _facts(work: Work, episode: Episode, record: EpisodeRecord, view: View, zone: ZoneInfo) -> NoteFacts:
    main = None if record.main_series_id is None else read_trajectory(work, episode.id, None, None, None)
    programme = present_programme(work, episode.id)
    goals = [] if view.hides_patient else rows.of_episode(work, Goal, episode)
    return NoteFacts(
        held=len(record.sessions),
        planned=record.planned_dose,
        programme=None if programme is None else programme.name,
        main=None if main is None else _main(main, zone),
        tells_no_score=view.is_whole,
        others=tuple(_others(record, zone)),
        verdict=None if main is None else _verdict(main, zone, pause_shown=view.is_whole),
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
    usability = Usability.ADEQUATE if trajectory.few is None else trajectory.few.known.usability
    reliability = trajectory.few.known.judged_by if trajectory.few and usability in _LIMITED else None
    return MainFacts(
        scores=scores,
        first_band=scale.band(scores.first.score),
        newest_band=scale.band(newest.score),
        change=_change(trajectory, scores),
        coefficient=None if reliability is None else reliability.coefficient,
        too_unreliable=usability is Usability.TOO_UNRELIABLE,
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


def _verdict(trajectory: Trajectory, zone: ZoneInfo, *, pause_shown: bool) -> VerdictFacts | None:
    """Give the standing verdict; there is none in the mode `record`, nor where it would tell of a hidden pause."""
    verdict = trajectory.verdict
    if verdict is None or (verdict["signal_reason"] == SignalReason.CRISIS_PAUSE and not pause_shown):
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
