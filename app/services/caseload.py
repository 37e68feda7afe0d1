"""A therapist's open episodes, worst first, with what is overdue; a closed one stays while an alert is open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.db.codes import AdministrationState, OrganisationMode, RiskDuty
from app.db.episode_records import EpisodeRecord, KeptAlert, KeptSeries, episodes_of_caseload
from app.db.session import Work
from app.db.settings import settings_in_force
from app.services.few_scores import criteria_of
from app.services.placing import PlacedEpisode
from app.services.settings import ServiceSettings, read_settings
from app.services.trajectories import disagreements, next_due_at, stale
from app.services.verdicts import standing_verdicts
from app.trajectories.progress import Signal, SignalReason
from app.trajectories.series import Observation, Series


class OverdueKind(StrEnum):
    """What is overdue in an episode."""

    RISK_ALERT = "risk_alert"
    MEASURE = "measure"
    REVIEW = "review"
    CLARIFICATION = "clarification"


@dataclass(frozen=True, slots=True)
class Overdue:
    """One thing that is overdue, and since when."""

    kind: OverdueKind
    due_at: datetime | date
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class CaseloadEntry:
    """One open episode: where it stands and what it waits for."""

    record: EpisodeRecord
    main: KeptSeries | None
    observations: tuple[Observation, ...]
    baseline: Observation | None
    improvement: float | None
    verdict: Mapping[str, Any] | None
    disagreements: list[dict[str, Any]]
    stale: bool
    open_alerts: list[KeptAlert]
    overdue: list[Overdue]

    @property
    def rank(self) -> tuple[int, float]:
        """Place in the list: open alerts above all, then the signals, stale above green; longest waiting first."""
        return _rank(self), min((_timestamp(each.due_at) for each in self.overdue), default=float("inf"))


def read_caseload(work: Work) -> list[CaseloadEntry]:
    """Give the caller's open episodes, and closed ones with an open alert, worst first."""
    kept_settings, records = work.ask_all(settings_in_force(work), episodes_of_caseload(work))
    settings = read_settings(kept_settings)
    shown = settings.mode is OrganisationMode.DECISION_SUPPORT
    episodes = [PlacedEpisode.of(record) for record in records.values()]
    verdicts = standing_verdicts(work, episodes) if shown else {}
    entries = [_entry(episode, verdicts, settings, work.now) for episode in episodes]
    return sorted(entries, key=lambda entry: (entry.rank, entry.record.patient_reference))


def _entry(
    episode: PlacedEpisode, verdicts: Mapping[UUID, Mapping[str, Any]], settings: ServiceSettings, now: datetime
) -> CaseloadEntry:
    record = episode.record
    main = next((series for series in record.series if series.id == record.main_series_id), None)
    alerts = [alert for alert in record.alerts if alert.acknowledged_at is None]
    own = {kept.id: verdicts[kept.id] for kept in record.series if kept.id in verdicts}
    series = episode.series[main.id] if main else Series((), None, late_baseline=False, sessions_counted=0)
    baseline = series.observations[series.baseline_index] if series.baseline_index is not None else None
    return CaseloadEntry(
        record=record,
        main=main,
        observations=series.observations,
        baseline=baseline,
        improvement=_improvement(main, baseline, series.observations[-1]) if main and baseline else None,
        verdict=own.get(main.id) if main else None,
        disagreements=disagreements(record, main.id, own) if main else [],
        stale=stale(record, main.id, settings, now) if main else False,
        open_alerts=alerts,
        overdue=_overdue(record, main, alerts, now.astimezone(settings.time_zone)),
    )


def _improvement(main: KeptSeries, baseline: Observation, newest: Observation) -> float | None:
    criteria = criteria_of(main)
    return criteria.improvement(baseline.score, newest.score) if criteria else None


def _overdue(record: EpisodeRecord, main: KeptSeries | None, alerts: list[KeptAlert], now: datetime) -> list[Overdue]:
    """List what is overdue at a time on the service's own clock, whose day a review is due on."""
    found = [
        Overdue(OverdueKind.RISK_ALERT, alert.due_at, alert.id)
        for alert in alerts
        if alert.due_at is not None and alert.due_at <= now
    ]
    found += [
        Overdue(OverdueKind.CLARIFICATION, kept.received_at, kept.id)
        for kept in record.administrations
        if kept.state == AdministrationState.NEEDS_CLARIFICATION
    ]
    measure_due = next_due_at(record, main.id) if main else None
    if measure_due is not None and measure_due <= now:
        found.append(Overdue(OverdueKind.MEASURE, measure_due))
    if record.review_due_on is not None and record.review_due_on <= now.date():
        found.append(Overdue(OverdueKind.REVIEW, record.review_due_on))
    return found


def _rank(entry: CaseloadEntry) -> int:
    """Give the first rung that the episode stands on, worst first."""
    signal = entry.verdict["signal"] if entry.verdict else None
    signal_reason = entry.verdict["signal_reason"] if entry.verdict else None
    rungs = (
        any(alert.duty == RiskDuty.SAME_DAY for alert in entry.open_alerts),
        bool(entry.open_alerts),
        signal == Signal.RED,
        signal == Signal.YELLOW,
        entry.stale,
        signal_reason == SignalReason.NO_CHANGE_YET,
        any(each.kind is not OverdueKind.MEASURE for each in entry.overdue),
        signal != Signal.GREEN,
        signal_reason != SignalReason.GOOD_ENOUGH,
        True,
    )
    return rungs.index(True)


def _timestamp(moment: datetime | date) -> float:
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    return moment.timestamp()
