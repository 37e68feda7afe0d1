"""One series of one episode against what was to be expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.db.codes import AdministrationState, OrganisationMode
from app.db.episode_records import EpisodeRecord, KeptAdministration, KeptSeries, read_episodes
from app.db.instruments import find_instrument
from app.db.scope import get_episode
from app.db.session import Work
from app.errors import NotFound, StateConflict
from app.scales.catalogue import catalogue
from app.scales.change import ChangeCategory
from app.scales.instrument import Instrument
from app.services.composites import Composite, composite_of
from app.services.few_scores import FewOccasions, read_few_occasions
from app.services.instruments import require_for_change
from app.services.placing import PlacedEpisode, used_scores
from app.services.settings import ServiceSettings, current_settings
from app.services.verdicts import Comparison, comparison_for, plan_of, standing_verdicts
from app.trajectories.course import Course
from app.trajectories.few_verdicts import EVALUATION_WEEKS
from app.trajectories.outlook import ExpectedCurve, ReviewPoint, expected_curve, review_points
from app.trajectories.policy import Plan, Policy, due_at, is_stale
from app.trajectories.progress import Reason, ReasonCode, Signal, Standing
from app.trajectories.prospects import Prospects, prospects
from app.trajectories.series import Series
from app.trajectories.tracking import disagreement


class NoVerdict(StrEnum):
    """Why a series has no verdict."""

    RECORD_MODE = "record_mode"
    NO_CURVE = "no_curve"
    NEEDS_CLARIFICATION = "needs_clarification"
    NO_SCORE = "no_score"
    NO_COUNTED_SESSION = "no_counted_session"
    FOLLOW_UP = "follow_up"
    NOT_ISSUED_YET = "not_issued_yet"


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A series with its curves, its verdict and what lies ahead."""

    record: EpisodeRecord
    kept: KeptSeries
    instrument: Instrument
    settings: ServiceSettings
    series: Series
    set_aside: list[KeptAdministration]
    comparison: Comparison | None
    few: FewOccasions | None
    curve: ExpectedCurve | None
    reviews: tuple[ReviewPoint, ...]
    verdict: Mapping[str, Any] | None
    disagreements: list[dict[str, Any]]
    stale: bool
    due_at: datetime | None

    @property
    def prospects(self) -> Prospects | None:
        """What lies ahead, worked out when it is asked for; None in the mode `record`, and where nothing is judged."""
        if self.comparison is None:
            return None
        held_against = self.comparison.criteria, self.comparison.curve, self.settings.policy, plan_of(self.record)
        course = Course(self.series, *held_against, tuple(self.record.reviewed_doses))
        return prospects(course, ended=self.record.treatment_ended_at is not None)

    @property
    def composite(self) -> Composite | None:
        """What the end may bring on PHQ-9 and GAD-7 together, worked out likewise; None where there is no such pair."""
        return None if self.comparison is None else composite_of(self.record, self.kept, self.settings)

    @property
    def no_verdict(self) -> NoVerdict | None:
        """Why there is no verdict; None where there is one."""
        if self.verdict is not None:
            return None
        if self.settings.mode is OrganisationMode.RECORD:
            return NoVerdict.RECORD_MODE
        if not self.series.observations:
            return NoVerdict.NEEDS_CLARIFICATION if self.set_aside else NoVerdict.NO_SCORE
        if self.comparison is None and not _is_judged(self.few, self.instrument):
            return NoVerdict.NO_CURVE
        if self.series.sessions_counted == 0:
            return NoVerdict.NO_COUNTED_SESSION
        return NoVerdict.NOT_ISSUED_YET if self.series.treated() else NoVerdict.FOLLOW_UP


def read_trajectory(
    work: Work, episode_id: UUID, instrument: str | None, form: str | None, informant_id: UUID | None
) -> Trajectory:
    """Give the trajectory of a series: the one asked for, or the episode's main measure.

    Raises
    ------
    NotFound
        If the episode has no such series.
    StateConflict
        If several series fit what was asked for.
    InstrumentNotForChange
        If the instrument is not followed over time.
    """
    get_episode(work, episode_id)
    record = read_episodes(work, [episode_id])[episode_id]
    chosen = None if instrument is None else find_instrument(work, instrument)
    kept = _series(record, chosen, form, informant_id)
    settings = current_settings(work)
    placed = PlacedEpisode.of(record)
    series = placed.series[kept.id]
    verdicts = standing_verdicts(work, [placed])
    decides = settings.mode is OrganisationMode.DECISION_SUPPORT
    held_against = comparison_for(record, kept, settings)
    comparison = held_against if decides else None
    plan, policy = plan_of(record), settings.policy
    instrument_of_series = find_instrument(work, kept.instrument, kept.instrument_version)
    few = None if held_against else read_few_occasions(work, record, kept, instrument_of_series, series, policy)
    judged = comparison is not None or (decides and _is_judged(few, instrument_of_series))
    return Trajectory(
        record=record,
        kept=kept,
        instrument=instrument_of_series,
        settings=settings,
        series=series,
        set_aside=[
            each
            for each in record.administrations
            if each.series_id == kept.id and each.state == AdministrationState.NEEDS_CLARIFICATION
        ],
        comparison=comparison,
        few=few,
        curve=expected_curve(series, comparison.curve, policy, plan) if comparison else None,
        reviews=review_points(series, comparison.criteria, comparison.curve, policy, plan) if comparison else (),
        verdict=verdicts.get(kept.id) if judged else None,
        disagreements=disagreements(record, kept.id, verdicts) if judged else [],
        stale=stale(record, kept.id, settings, work.now),
        due_at=next_due_at(record, kept.id),
    )


def _is_judged(few: FewOccasions | None, instrument: Instrument) -> bool:
    """Tell whether verdicts are issued on a series without a curve: on the shipped instruments that tell a change."""
    return few is not None and few.known.tells_change and instrument.key in catalogue()


def _series(
    record: EpisodeRecord, instrument: Instrument | None, form: str | None, informant_id: UUID | None
) -> KeptSeries:
    if instrument is not None:
        require_for_change(instrument, "/instrument")
        family = instrument.form(form).family if form is not None else None
    elif form is None and informant_id is None:
        found = [kept for kept in record.series if kept.id == record.main_series_id]
        return _only(found)
    else:
        family = form
    found = [
        kept
        for kept in record.series
        if (instrument is None or kept.instrument == instrument.key)
        and (family is None or kept.form_family == family)
        and (informant_id is None or kept.informant_id == informant_id)
    ]
    newest_version = max((kept.instrument_version for kept in found), default=None)
    return _only([kept for kept in found if kept.instrument_version == newest_version])


def _only(found: list[KeptSeries]) -> KeptSeries:
    if not found:
        raise NotFound("the episode has no such series yet", pointer="/instrument")
    if len(found) > 1:
        raise StateConflict("several series fit; name the form and the informant too")
    return found[0]


def next_due_at(record: EpisodeRecord, series_id: UUID) -> datetime | None:
    """Tell when the next measure of a series is due: one interval after the last; never in a closed episode."""
    last = _last_completed_at(record, series_id)
    return None if last is None else due_at(last, _rhythm(record, series_id, Policy())[0])


def stale(record: EpisodeRecord, series_id: UUID, settings: ServiceSettings, now: datetime) -> bool:
    """Tell whether a due measure has been missing for so long that the signal may be outdated."""
    last = _last_completed_at(record, series_id)
    return last is not None and is_stale(last, now, *_rhythm(record, series_id, settings.policy))


def _last_completed_at(record: EpisodeRecord, series_id: UUID) -> datetime | None:
    """Give when the newest score was given; None in a closed episode, where no other is due."""
    if record.treatment_ended_at is not None:
        return None
    times = [each.completed_at for each in used_scores(record, series_id) if each.completed_at is not None]
    return max(times, default=None)


def _rhythm(record: EpisodeRecord, series_id: UUID, policy: Policy) -> tuple[Plan, Policy]:
    """Give plan and policy with the interval at which a series is filled in: its sessions', or half a year."""
    kept = next(kept for kept in record.series if kept.id == series_id)
    shipped, plan = catalogue().get(kept.instrument), plan_of(record)
    if shipped is None or not shipped.by_calendar:
        return plan, policy
    return replace(plan, interval_days=int(EVALUATION_WEEKS * 7)), replace(policy, stale_intervals=1)


def disagreements(
    record: EpisodeRecord, main_series_id: UUID, verdicts: Mapping[UUID, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Name the other series of the episode that say the opposite of this one; they are never averaged."""
    standings = {
        kept: Standing(ChangeCategory(verdicts[kept.id]["change"]), Signal(verdicts[kept.id]["signal"]))
        for kept in record.series
        if kept.id in verdicts
    }
    main = next((kept for kept in standings if kept.id == main_series_id), None)
    if main is None:
        return []
    found: list[Reason] = []
    for kept, standing in standings.items():
        if kept is not main:
            other_informant = kept.instrument == main.instrument and kept.informant_id != main.informant_id
            code = ReasonCode.INFORMANTS_DISAGREE if other_informant else ReasonCode.MEASURES_DISAGREE
            found += disagreement(standings[main], {f"{kept.instrument} {kept.informant_id}": standing}, code)
    return [{"code": reason.code, "evidence": dict(reason.evidence)} for reason in found]
