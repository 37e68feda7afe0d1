"""Learnt curves, as those who decide about them see them."""

from __future__ import annotations

from datetime import date, datetime
from math import isfinite
from typing import Any
from uuid import UUID

from pydantic import Field

from app.api.schemas.care import Versioned
from app.api.schemas.fields import Answer
from app.db.codes import CurveState
from app.db.models import Curve
from app.services.curves import gates_of
from app.texts.catalogue import say
from app.trajectories.curve_files import curve_from_document
from app.trajectories.gates import Gate, GateName, all_passed
from app.trajectories.link import LinkKind
from app.trajectories.shapes import ResponseShape


class LearntCurveListed(Versioned):
    """A curve learnt from the organisation's own episodes, in short."""

    key: str = Field(description="Its name: what verdicts that were made with it carry.")
    instrument: str
    form_family: str
    programme_id: UUID | None = Field(
        description="The programme that it is for; null: the whole organisation, as far as no programme has its own."
    )
    revision: int = Field(description="Its number among those of the same instrument, form and programme.")
    state: CurveState
    words: str = Field(description="The state in words.")
    passed: bool = Field(description="Whether every gate is passed.")
    data_from: date = Field(description="Day of the first baseline among the episodes it was learnt from.")
    data_to: date = Field(description="Day of the last one.")
    n_episodes: int
    n_observations: int
    local_information: float = Field(description="What the own episodes weigh beside the published curve, 0 to 1.")
    made_at: datetime
    activated_by: UUID | None
    activated_at: datetime | None
    retired_by: UUID | None
    retired_at: datetime | None
    successor_id: UUID | None = Field(description="The curve that has taken its place.")


class GateRead(Answer):
    """One thing that is asked of a curve before it may be put into force, and what was found."""

    name: GateName
    words: str
    passed: bool
    figure: float | None = Field(description="Null where it can't be told; such a gate is not passed.")
    at_least: float | None
    at_most: float | None


class IntervalRead(Answer):
    """A figure with its 95 % interval; null where it can't be told."""

    estimate: float | None
    standard_error: float | None
    lower: float | None
    upper: float | None


class HeldOutRead(Answer):
    """How the curve did on episodes that it was not learnt from."""

    episodes_learnt_with_three_scores: int
    episodes_judged: int
    coverage: IntervalRead = Field(description="Share of the later scores in the expected 80 % range.")
    calibration_slope: IntervalRead
    log_score_difference: IntervalRead = Field(
        description="Nats a score, beside the curve it was compared with; more is better."
    )


class CurveNamed(Answer):
    """A curve by its name and the SHA-256 of its figures."""

    key: str
    hash: str


class HeldBackRead(Answer):
    """The episodes that were held back: how many, and the days of the first and the last baseline."""

    episodes: int
    start: date
    end: date


class EvaluationRead(Answer):
    """How the curve was judged: by which episodes, and beside which curve."""

    held_back: HeldBackRead
    compared_with: CurveNamed
    held_out: HeldOutRead


class EstimateRead(Answer):
    """One parameter as it was fitted; a standard error is null where it was held fixed."""

    name: str
    estimate: float | None
    standard_error: float | None


class LearntFromRead(Answer):
    """How the curve was learnt: from which published curve, and what is to be known about the fit."""

    prior: CurveNamed
    warnings: list[str]
    estimates: list[EstimateRead]


class LinkRead(Answer):
    """The scale on which scores are taken to be normal."""

    kind: LinkKind
    minimum: int
    maximum: int
    middle: float


class ParametersRead(Answer):
    """The figures of the growth model, in units of its link."""

    link: LinkRead
    intercept: float
    session_slope: float
    natural_fall: float
    sd_intercept: float
    sd_slope: float
    correlation: float
    drift_variance: float
    drift_weeks: float
    noise_variance: float
    shares: dict[ResponseShape, float]
    worsening: float


class LearntCurveRead(LearntCurveListed):
    """A curve learnt from the organisation's own episodes, with all that it rests on."""

    gates: list[GateRead]
    evaluation: EvaluationRead
    learnt_from: LearntFromRead
    parameters: ParametersRead
    parameters_hash: str
    source: str


def learnt_curve_listed(curve: Curve, language: str) -> LearntCurveListed:
    """Show a curve in short."""
    return LearntCurveListed.model_validate(_in_short(curve, language))


def learnt_curve_read(curve: Curve, language: str) -> LearntCurveRead:
    """Show a curve with its gates, its evaluation and its figures."""
    model = curve_from_document(curve.parameters)
    return LearntCurveRead.model_validate(
        _in_short(curve, language)
        | {
            "gates": [_gate_read(gate, language) for gate in gates_of(curve)],
            "evaluation": curve.evaluation,
            "learnt_from": curve.provenance,
            "parameters": ParametersRead.model_validate(model),
            "parameters_hash": curve.parameters_hash.hex(),
            "source": model.provenance.source,
        }
    )


_MADE_HERE = {"words", "passed"}


def _in_short(curve: Curve, language: str) -> dict[str, Any]:
    of_row = LearntCurveListed.model_fields.keys() - _MADE_HERE
    made = {"words": say(f"curve_state.{curve.state}", language), "passed": all_passed(gates_of(curve))}
    return {name: getattr(curve, name) for name in of_row} | made


def _gate_read(gate: Gate, language: str) -> GateRead:
    limits = {"at_least": gate.at_least, "at_most": gate.at_most}
    return GateRead(
        name=gate.name,
        words=say(f"curve_gate.{gate.name}", language, limits),
        passed=gate.passed,
        figure=_known(gate.figure),
        at_least=_known(gate.at_least),
        at_most=_known(gate.at_most),
    )


def _known(figure: float) -> float | None:
    """Give a figure, or null where there is none or a limit is open."""
    return figure if isfinite(figure) else None
