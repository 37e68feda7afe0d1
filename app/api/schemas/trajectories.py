"""Trajectory and caseload, as therapists get them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from app.api.schemas.composites import CompositeRead, composite_read
from app.api.schemas.decision_rules import DecisionRuleRead, decision_rule_read
from app.api.schemas.few_occasions import FewOccasionsRead, few_occasions_read
from app.api.schemas.fields import Answer, Hundredths
from app.api.schemas.prospects import ProspectsRead, prospects_read
from app.api.schemas.results import ReasonRead, VerdictRead
from app.db.codes import OrganisationMode, RiskDuty
from app.scales.change import ChangeCategory, ChangeCriteria
from app.services.caseload import CaseloadEntry, OverdueKind
from app.services.decision_rules import RuleOfEpisode
from app.services.trajectories import NoVerdict, Trajectory
from app.texts.catalogue import say, say_of
from app.trajectories.few_verdicts import FEW_OCCASIONS, is_of_few_occasions
from app.trajectories.natural import default_natural_course
from app.trajectories.outlook import ReviewKind
from app.trajectories.series import Observation, Phase


class ObservationRead(Answer):
    """One score on its two axes."""

    administration_id: UUID
    completed_at: datetime
    score: float
    dose: int
    weeks: Hundredths = Field(description="Weeks since the baseline measure; negative before it.")
    phase: Phase
    is_baseline: bool


class SetAsideRead(Answer):
    """An administration that needs clarification: there, but not shown as a result."""

    administration_id: UUID
    completed_at: datetime | None
    received_at: datetime


class CurvePointRead(Answer):
    """One point of an expected curve with its band."""

    dose: int
    weeks: Hundredths
    mean: float
    lower: int
    upper: int


class NaturalPointRead(Answer):
    """One point of the natural course."""

    weeks: Hundredths
    score: Hundredths


class NaturalCourseRead(Answer):
    """What similar people would probably have had without the service; null where it is unknown."""

    points: list[NaturalPointRead] | None
    source: str | None
    note: str


class CurveRead(Answer):
    """The expected curve: from the baseline alone, and updated by all scores."""

    version: str
    status: str
    source: str
    band_level: float
    from_baseline: list[CurvePointRead]
    updated: list[CurvePointRead]


class ReviewPointRead(Answer):
    """A dose at which to take stock, with the gain still to be expected beside what the calendar alone would bring."""

    kind: ReviewKind
    dose: int
    weeks: Hundredths
    expected: float | None
    further_gain: float | None
    natural_further_gain: float | None


class WordsRead(Answer):
    """The verdict in words."""

    language: str
    signal: str
    signal_reason: str
    responder_state: str
    reasons: list[str]


class NoVerdictRead(Answer):
    """Why a series has no verdict, as a code and in words."""

    code: NoVerdict
    words: str


class SeriesRead(Answer):
    """Which series it is, and what its scores are held against."""

    id: UUID
    instrument: str
    instrument_version: str
    form_family: str
    informant_id: UUID
    is_main_measure: bool
    minimum: int
    maximum: int
    better: str
    cutoff: int | None
    reliable_change: int | None


class TrajectoryRead(Answer):
    """A series with its curves, its verdict and what lies ahead."""

    episode_id: UUID
    mode: OrganisationMode
    series: SeriesRead
    observations: list[ObservationRead]
    needs_clarification: list[SetAsideRead]
    late_baseline: bool
    counted_sessions: int
    change: ChangeCategory | None = Field(description="The newest treated score against the baseline.")
    curve: CurveRead | None
    few_occasions: FewOccasionsRead | None = Field(
        description="Where no growth curve is known: the scores against the first one, if nothing had truly changed."
    )
    natural_course: NaturalCourseRead | None
    review_points: list[ReviewPointRead]
    prospects: ProspectsRead | None = Field(
        description="Null in the mode `record`, without an expected curve and before treatment."
    )
    composite: CompositeRead | None = Field(
        description="Null in the mode `record`, and where the same person has not filled in both PHQ-9 and GAD-7 in "
        "treatment, no end lies ahead, or the two curves in force don't go together."
    )
    decision_rule: DecisionRuleRead | None = Field(
        description="The decision rule of the episode's present programme, whatever series is shown; null where it has "
        "none, and in the mode `record`."
    )
    verdict: VerdictRead | None
    no_verdict: NoVerdictRead | None
    disagreements: list[ReasonRead]
    words: WordsRead | None
    stale: bool
    next_measure_due_at: datetime | None


class SparkPointRead(Answer):
    """One score of a sparkline."""

    weeks: Hundredths
    dose: int
    score: float
    phase: Phase


class OverdueRead(Answer):
    """One thing that is overdue, and since when."""

    kind: OverdueKind
    due_at: datetime | date
    id: UUID | None


class OpenAlertRead(Answer):
    """A critical answer that nobody has assessed yet."""

    id: UUID
    instrument: str
    item: str
    duty: RiskDuty
    answered_at: datetime
    due_at: datetime | None


class CaseloadEntryRead(Answer):
    """One open episode: where it stands and what it waits for."""

    episode_id: UUID
    patient_id: UUID
    patient_reference: str
    closed_at: datetime | None = Field(description="A closed episode is listed while a risk alert on it is open.")
    instrument: str | None
    series_id: UUID | None
    verdict: VerdictRead | None
    words: WordsRead | None
    disagreements: list[ReasonRead]
    stale: bool
    baseline: float | None
    last_score: float | None
    last_completed_at: datetime | None
    last_dose: int | None
    change: float | None = Field(description="Points from the baseline, positive when better.")
    sparkline: list[SparkPointRead]
    open_alerts: list[OpenAlertRead]
    overdue: list[OverdueRead]


class CaseloadRead(Answer):
    """A therapist's open episodes, worst first."""

    episodes: list[CaseloadEntryRead]


def trajectory_read(trajectory: Trajectory, rule: RuleOfEpisode | None, language: str) -> TrajectoryRead:
    """Show a trajectory."""
    series, kept = trajectory.series, trajectory.kept
    form = next(form for form in trajectory.instrument.forms if form.family == kept.form_family)
    subscale = form.subscale(trajectory.instrument.main_subscale)
    criteria = subscale.criteria
    return TrajectoryRead(
        episode_id=trajectory.record.id,
        mode=trajectory.settings.mode,
        series=SeriesRead(
            id=kept.id,
            instrument=kept.instrument,
            instrument_version=kept.instrument_version,
            form_family=kept.form_family,
            informant_id=kept.informant_id,
            is_main_measure=kept.id == trajectory.record.main_series_id,
            minimum=subscale.minimum,
            maximum=subscale.maximum,
            better=criteria.better if criteria else "",
            cutoff=criteria.cutoff if criteria else None,
            reliable_change=criteria.reliable_change if criteria else None,
        ),
        observations=[
            _observation_read(each, index == series.baseline_index) for index, each in enumerate(series.observations)
        ],
        needs_clarification=[
            SetAsideRead(administration_id=each.id, completed_at=each.completed_at, received_at=each.received_at)
            for each in trajectory.set_aside
        ],
        late_baseline=series.late_baseline,
        counted_sessions=series.sessions_counted,
        change=_change(trajectory, criteria),
        curve=_curve_read(trajectory),
        few_occasions=few_occasions_read(trajectory.few, language) if trajectory.few else None,
        natural_course=_natural_course_read(trajectory, language),
        review_points=[ReviewPointRead.model_validate(point) for point in trajectory.reviews],
        prospects=prospects_read(trajectory, language),
        composite=composite_read(composite, language) if (composite := trajectory.composite) else None,
        decision_rule=decision_rule_read(rule, language) if rule else None,
        verdict=VerdictRead.model_validate(trajectory.verdict) if trajectory.verdict else None,
        no_verdict=NoVerdictRead(code=trajectory.no_verdict, words=say(f"no_verdict.{trajectory.no_verdict}", language))
        if trajectory.no_verdict
        else None,
        disagreements=[ReasonRead(**each) for each in trajectory.disagreements],
        words=words_read(trajectory.verdict, trajectory.disagreements, language) if trajectory.verdict else None,
        stale=trajectory.stale,
        next_measure_due_at=trajectory.due_at,
    )


def _change(trajectory: Trajectory, criteria: ChangeCriteria | None) -> ChangeCategory | None:
    """Classify the newest treated score; None where there is no second one, and where a change can't be told."""
    first, *later = trajectory.series.treated() or (None,)
    if criteria is None or first is None or not later:
        return None
    if trajectory.few is not None:
        return next(held.change for observation, held in trajectory.few.later if observation is later[-1])
    return criteria.category(first.score, later[-1].score)


def _observation_read(observation: Observation, is_baseline: bool) -> ObservationRead:
    assert isinstance(observation.administration_id, UUID)
    return ObservationRead(
        administration_id=observation.administration_id,
        completed_at=observation.completed_at,
        score=observation.score,
        dose=observation.dose,
        weeks=observation.weeks,
        phase=observation.phase,
        is_baseline=is_baseline,
    )


def _curve_read(trajectory: Trajectory) -> CurveRead | None:
    drawn, held_against = trajectory.curve, trajectory.comparison
    if drawn is None or held_against is None:
        return None
    model = held_against.curve
    return CurveRead(
        version=model.key,
        status=model.provenance.status,
        source=model.provenance.source,
        band_level=trajectory.settings.policy.band_level,
        from_baseline=[CurvePointRead.model_validate(point) for point in drawn.from_baseline],
        updated=[CurvePointRead.model_validate(point) for point in drawn.updated],
    )


def _natural_course_read(trajectory: Trajectory, language: str) -> NaturalCourseRead | None:
    if trajectory.curve is None:
        return None
    known = default_natural_course(trajectory.kept.instrument)
    points = trajectory.curve.natural
    return NaturalCourseRead(
        points=[NaturalPointRead.model_validate(point) for point in points] if points is not None else None,
        source=known.source if known else None,
        note=say("natural_course.note" if known else "natural_course.unknown", language),
    )


def words_read(verdict: Any, disagreements: list[dict[str, Any]], language: str) -> WordsRead:
    """Put a verdict into words."""
    subject = FEW_OCCASIONS if is_of_few_occasions(verdict["curve"]) else ""
    return WordsRead(
        language=language,
        signal=say_of(subject, f"signal.{verdict['signal']}", language),
        signal_reason=say_of(subject, f"signal_reason.{verdict['signal_reason']}", language),
        responder_state=say_of(subject, f"responder_state.{verdict['responder_state']}", language),
        reasons=[
            say_of(subject, f"reason.{reason['code']}", language, reason["evidence"])
            for reason in [*verdict["reasons"], *disagreements]
        ],
    )


def caseload_entry_read(entry: CaseloadEntry, language: str) -> CaseloadEntryRead:
    """Show one open episode."""
    last = entry.observations[-1] if entry.observations else None
    verdict = entry.verdict
    return CaseloadEntryRead(
        episode_id=entry.record.id,
        patient_id=entry.record.patient_id,
        patient_reference=entry.record.patient_reference,
        closed_at=entry.record.closed_at,
        instrument=entry.main.instrument if entry.main else None,
        series_id=entry.main.id if entry.main else None,
        verdict=VerdictRead.model_validate(verdict) if verdict else None,
        words=words_read(verdict, entry.disagreements, language) if verdict else None,
        disagreements=[ReasonRead(**each) for each in entry.disagreements],
        stale=entry.stale,
        baseline=entry.baseline.score if entry.baseline else None,
        last_score=last.score if last else None,
        last_completed_at=last.completed_at if last else None,
        last_dose=last.dose if last else None,
        change=entry.improvement,
        sparkline=[SparkPointRead.model_validate(each) for each in entry.observations],
        open_alerts=[OpenAlertRead.model_validate(alert) for alert in entry.open_alerts],
        overdue=[OverdueRead.model_validate(each) for each in entry.overdue],
    )
