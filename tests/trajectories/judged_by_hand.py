"""Figures of evaluations, by hand, as tests of what is made of them need them."""

from __future__ import annotations

from app.trajectories.band_check import BandCheck
from app.trajectories.calibration import Calibration, Group
from app.trajectories.late_responders import EverFlagged, LateFlags, LateStates
from app.trajectories.limits import AHEAD_OF
from app.trajectories.progress import ResponderState
from app.trajectories.risk_check import GROWTH_MODEL, FlagCheck, RiskCheck
from app.trajectories.scenarios import Scenario
from app.trajectories.targets import Measured
from app.trajectories.trial import Belief, ScenarioCheck
from tests.trajectories.held_out import about


def a_band(
    coverage: float = 0.8,
    *,
    above: float = 0.1,
    look: float | None = 0.0,
    dose: float | None = 4.0,
    third: int | None = None,
) -> BandCheck:
    below = about(1 - coverage - above)
    return BandCheck(look, dose, third, 100, about(coverage), about(above), below, 0.85, 12.0, about(-2.7))


def a_risk(
    name: str = GROWTH_MODEL,
    *,
    slope: float | None = 1.0,
    ppv: float = 0.78,
    behind: float | None = None,
    patients: int = 30_000,
    look: float = 4.0,
    third: int | None = None,
) -> RiskCheck:
    return RiskCheck(
        predictor=name,
        look_dose=look,
        end_dose=8.0,
        third=third,
        patients=patients,
        base_rate=0.35,
        auc=about(0.84),
        brier=None if slope is None else about(0.16),
        calibration=None if slope is None else Calibration(about(0.0), about(slope)),
        flags=FlagCheck(0.2, about(0.44), about(0.93), about(ppv), about(0.75)),
        flags_behind=None if behind is None else about(behind),
    )


def some_risks(look: float = 4.0, **ahead: float) -> list[RiskCheck]:
    """Give the growth model and its rivals at one look, each as far behind as is just enough, or as told."""
    rivals = [a_risk(name, slope=None, behind=ahead.get(name, by), look=look) for name, by in AHEAD_OF.items()]
    rivals.append(a_risk("nearest_neighbours", slope=1.06, behind=0.019, look=look))
    return [a_risk(look=look), *rivals, a_risk(look=look, third=1, slope=5.0, ppv=0.1)]


def ever_flagged(late: float, worsening: float = 0.5) -> EverFlagged:
    return EverFlagged(about(late), about(worsening), about(0.3))


def some_flags(*, ranked: float = 0.85, pending: float = 0.25, worsening: float = 0.45) -> LateFlags:
    """Give flags that are just as they are asked for, or as told."""
    return LateFlags(
        ranked=ever_flagged(0.5),
        ranked_response=ever_flagged(0.6),
        pending=ever_flagged(0.1, worsening),
        beyond_limit=ever_flagged(0.7),
        ranked_ratio=about(ranked),
        pending_ratio=about(pending),
    )


def some_states(*, always_open: float = 0.95, none: float = 0.0) -> LateStates:
    ever = {state: about(0.0) for state in ResponderState}
    verdicts = dict.fromkeys(ResponderState, 0.0)
    return LateStates(
        31_000,
        about(always_open),
        ever | {ResponderState.EARLY: about(1 - always_open), ResponderState.NONE: about(none)},
        verdicts | {ResponderState.PENDING: 0.96, ResponderState.EARLY: 0.04},
    )


def a_scenario(scenario: Scenario, belief: Belief, *slopes: float) -> ScenarioCheck:
    """Give a service with the slopes at looks 3, 4 and 7."""
    risks = tuple(a_risk(slope=slope, look=look) for slope, look in zip(slopes, (3.0, 4.0, 7.0), strict=True))
    bands = tuple(a_band(look=look, dose=None, third=third) for look in (0.0, 4.0) for third in (None, 1, 2, 3))
    return ScenarioCheck(scenario, belief, bands, risks, gain=None if belief is Belief.PUBLISHED else about(0.02))


def measured_by_hand() -> Measured:
    """Give measurements in which every target is met, some of them just so."""
    looks = (0.0, 4.0, None)
    bands = tuple(
        a_band(look=look, dose=dose, third=third)
        for look in looks
        for dose in (None, 1.0, 4.0, 8.0, 12.0, 20.0)
        for third in (None, 1, 2, 3)
    )
    risks = tuple(each for look in (3.0, 4.0, 7.0) for each in some_risks(look))
    tenths = tuple(Group(place / 10, about(place / 10), 100) for place in (1, 5, 9))
    return Measured(
        patients=40_000,
        learnt_from=5_000,
        bands=dict.fromkeys(Belief, bands),
        risks=dict.fromkeys(Belief, risks),
        groups={look: {GROWTH_MODEL: tenths, "updated_mixed_model": tenths} for look in (3.0, 4.0, 7.0)},
        flags=some_flags(),
        auc={look: about(0.47 + look / 30) for look in range(3, 13)},
        states=some_states(),
    )
