"""Results: what was made of an administration, as a clinician sees it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.api.schemas.care import Versioned
from app.api.schemas.fields import Answer, Hundredths
from app.db.codes import AdministrationState, Clarification, RiskDuty
from app.db.models import Score
from app.db.results import KeptResult
from app.scales.answers import Answers, states_of_letters
from app.scales.instrument import Instrument
from app.scales.norms import NoTReason, Sex
from app.scales.reading import ReadFor, read_score
from app.scales.school import school_year, us_grade
from app.scales.scoring import CriticalAnswer, CriticalStatus, NoScoreReason, read_critical, screen
from app.services.bodies import read_body
from app.trajectories.progress import ResponderState, Signal, SignalReason


class NormGroupRead(Answer):
    """Whose scores a norm was made of."""

    sex: Sex
    first_grade: int
    last_grade: int


class TScoreRead(Answer):
    """Where a score lies among the norms; null with the reason where that can't be told."""

    exact: float | None = Field(description="Neither rounded nor cut: what a change is computed from.")
    shown: str | None = Field(description='Rounded half up, or ">80" above 80.')
    band: str | None = Field(description="The band of the exact T-score.")
    group: NormGroupRead | None
    reason: NoTReason | None


class ScoreRead(Answer):
    """One score; null with the reason where there is none."""

    value: float | None
    prorated: bool
    missing: int
    band: str | None
    is_case: bool | None
    reason: NoScoreReason | None
    further_bands: dict[str, str | None] = Field(description="Other ways of dividing the range, by name.")
    cutoffs: dict[str, bool | None] = Field(
        description="Each published cut-off: reached or not, or null where that depends on a sex that is not known."
    )
    t: TScoreRead | None = Field(description="Null where the instrument has no norms.")
    not_found: list[str] = Field(description="What was looked for and is not published.")
    unverified: list[str] = Field(description="What rests on a figure that could not be confirmed.")


class NormsRead(Answer):
    """By which norms T-scores were found."""

    population: str
    school_year: int | None = Field(description="The Norwegian one (trinn), by the year of birth.")
    grade: int | None = Field(description="The grade of the norms: the school year less one.")
    grade_is: Literal["assumed"] = Field(
        default="assumed", description="That trinn and grade differ by one is derived."
    )


class CriticalRead(Answer):
    """What one critical item says."""

    item: str
    kind: str
    status: CriticalStatus
    code: int | None
    duties: list[str] = Field(description="Legal duties to be reminded of, where the answer is positive.")


class RiskAlertRead(Versioned):
    """A critical answer that asks for action."""

    patient_id: UUID
    episode_id: UUID
    administration_id: UUID
    instrument: str
    item: str
    kind: str
    code: int
    duty: RiskDuty
    answered_at: datetime
    raised_at: datetime
    due_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: UUID | None
    assessment: str | None
    duties: list[str] = Field(description="Legal duties that the item reminded of.")


class ReasonRead(Answer):
    """One coded reason with the figures that it rests on."""

    code: str
    evidence: dict[str, Any]


class VerdictRead(Answer):
    """A verdict as it was issued: advice that asks for a conversation."""

    signal: Signal
    signal_reason: SignalReason
    responder_state: ResponderState
    change: str
    dose: int
    weeks: Hundredths
    score: float
    baseline: float
    expected: float | None
    lower: int | None
    upper: int | None
    end_dose: int | None
    goal_probability: float | None
    deterioration_probability: float | None
    change_probability: float | None
    reasons: list[ReasonRead]
    curve: str | None
    settings_version: int
    issue: int
    issued_at: datetime
    cause: str


class ResultRead(Answer):
    """What a clinician gets beside the receipt."""

    version: int
    state: AdministrationState
    clarifications: list[Clarification]
    scores: dict[str, ScoreRead]
    critical: list[CriticalRead]
    asks_about_suicide: bool
    screens: dict[str, str] = Field(description="What each published rule that counts symptoms comes to: a hint.")
    unverified_screens: list[str] = Field(description="Those whose rule could not be confirmed.")
    norms: NormsRead | None
    validated: bool = Field(description="False for a form of somebody's own, of which no study is known.")
    risk_alerts: list[RiskAlertRead]
    verdict: VerdictRead | None


def result_read(kept: KeptResult) -> ResultRead:
    """Show what was made of an administration; nothing is shown as a result while it needs clarification."""
    administration, instrument = kept.administration, kept.instrument
    shown = administration.state in (AdministrationState.FINAL, AdministrationState.AMENDED)
    form, year = instrument.form(administration.form), school_year(kept.birth_month.year, _answered_on(kept))
    patient = ReadFor(None if kept.sex is None else Sex(kept.sex), us_grade(year))
    answers: object = named_answers(kept)
    if answers is None and administration.body is not None:
        body = read_body(administration.body)
        answers = body.get("answers") if isinstance(body, Mapping) else None
    return ResultRead(
        version=administration.version,
        state=AdministrationState(administration.state),
        clarifications=[Clarification(each) for each in administration.clarifications or ()],
        scores={score.subscale: _score_read(kept, score, patient) for score in kept.scores},
        critical=[_critical_read(instrument, each) for each in read_critical(instrument, answers)],
        asks_about_suicide=instrument.asks_about_suicide,
        screens=_screened(kept) if shown else {},
        unverified_screens=form.unverified_screens,
        norms=_norms_read(instrument, year),
        validated=instrument.validated,
        risk_alerts=[RiskAlertRead.model_validate(alert) for alert in kept.alerts],
        verdict=VerdictRead.model_validate(kept.verdict) if shown and kept.verdict else None,
    )


def named_answers(kept: KeptResult) -> dict[str, float | None] | None:
    """Give the answers by item number, as they were sent; null where an item was not answered."""
    administration = kept.administration
    if administration.answers is None:
        return None
    return kept.instrument.form(administration.form).answers(administration.answers)


def _critical_read(instrument: Instrument, answer: CriticalAnswer) -> CriticalRead:
    duties = instrument.critical_item(answer.item).duties if answer.status is CriticalStatus.POSITIVE else ()
    return CriticalRead(item=answer.item, kind=answer.kind, status=answer.status, code=answer.code, duties=list(duties))


def _answered_on(kept: KeptResult) -> date:
    return (kept.administration.completed_at or kept.administration.received_at).date()


def _norms_read(instrument: Instrument, year: int | None) -> NormsRead | None:
    if instrument.norms is None:
        return None
    return NormsRead(population=instrument.norms.population, school_year=year, grade=us_grade(year))


def _score_read(kept: KeptResult, score: Score, patient: ReadFor) -> ScoreRead:
    form = kept.instrument.form(kept.administration.form)
    reading = read_score(
        kept.instrument, form, form.subscale(score.subscale), score.value, patient, prorated=score.prorated
    )
    return ScoreRead(
        **{name: getattr(score, name) for name in ("value", "prorated", "missing", "band", "is_case", "reason")},
        further_bands=dict(reading.further_bands),
        cutoffs=dict(reading.cutoffs),
        t=None if reading.t is None else TScoreRead.model_validate(reading.t),
        not_found=list(reading.not_found),
        unverified=list(reading.unverified),
    )


def _screened(kept: KeptResult) -> dict[str, str]:
    """Give what the form's screens come to."""
    administration = kept.administration
    form = kept.instrument.form(administration.form)
    if not form.screens or administration.answers is None or administration.item_states is None:
        return {}
    states = states_of_letters(administration.item_states)
    return screen(form, Answers(tuple(administration.answers), states))
