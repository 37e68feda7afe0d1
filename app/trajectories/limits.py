"""What the engine is to reach in simulation, and whether figures do: the targets (engine, section 6).

A target is met by its figures alone, as they come, and a figure that can't be told meets none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.trajectories.band_check import BandCheck
from app.trajectories.composite_check import CompositeRates
from app.trajectories.late_responders import LateFlags, LateStates
from app.trajectories.progress import ResponderState
from app.trajectories.risk_check import GROWTH_MODEL, RiskCheck
from app.trajectories.sampling_error import Interval
from app.trajectories.scenarios import Scenario
from app.trajectories.trial import Belief, ScenarioCheck

LEVEL, COVERAGE, ABOVE = 0.8, (0.78, 0.82), (0.08, 0.12)
SLOPE, SLOPE_ELSEWHERE = (0.9, 1.1), (0.85, 1.2)
FLAG_LOOK, FLAGGED_CASES, PREDICTIVE = 4, 20_000, 0.74
AHEAD_OF = {
    "classical_expected_response": 0.05,
    "twenty_five_percent_rule": 0.015,
    "reliable_change_rule": 0.015,
    "updated_mixed_model": -0.01,
}
"""By how much the growth model's positive predictive value is to lie above that of each rival."""

RANKED_RATIO, PENDING_RATIO, WORSENING_FLAGGED = 0.85, 0.25, 0.45
LATE_AUC = {7: 0.70, 12: 0.80}
OPEN_STATES = 0.95
COMPOSITE_DETERIORATION, ALONE_DETERIORATION = (0.05, 0.08), (0.02, 0.04)

_THIRDS = {None: "everybody", 1: "the lowest third", 2: "the middle third", 3: "the highest third"}
_WORDS = {Belief.PUBLISHED: "parameters known", Belief.LEARNT: "parameters learnt"}


@dataclass(frozen=True, slots=True)
class Target:
    """A target with what was found.

    Parameters
    ----------
    name : str
        Its number (engine, section 6) and what it is about.
    asked : str
        What is asked.
    found : str
        The figures with their 95 % intervals.
    met : bool
        Whether the figures are as asked; the intervals play no part.
    """

    name: str
    asked: str
    found: str
    met: bool


def band_targets(belief: Belief, bands: Iterable[BandCheck]) -> tuple[Target, Target]:
    """Judge coverage and upper exceedance in every cell: at each look and later dose, of everybody and of each third.

    Parameters
    ----------
    belief : Belief
        Whose bands they are.
    bands : iterable of BandCheck
        Some with a dose among them.

    Returns
    -------
    tuple of Target
    """
    cells = [each for each in bands if each.dose is not None]
    covered, above = ([(getattr(each, name), each) for each in cells] for name in ("coverage", "above"))
    return (
        _worst_cell(f"1 coverage of the 80 % band, {_WORDS[belief]}", COVERAGE, LEVEL, covered),
        _worst_cell(f"1 scores above the band, {_WORDS[belief]}", ABOVE, (1 - LEVEL) / 2, above),
    )


def slope_target(belief: Belief, risks: Iterable[RiskCheck]) -> Target:
    """Judge the calibration slopes of the growth model at all looks."""
    slopes = [(each.calibration.slope, each) for each in risks if _is_whole(each) and each.calibration]
    return Target(
        f"2 calibration slope of reliable improvement, {_WORDS[belief]}",
        f"{_between(SLOPE)} at looks {_listed(f'{each.look_dose:g}' for _, each in slopes)}, cases",
        "; ".join(f"look {each.look_dose:g}: {told(slope, 2)}" for slope, each in slopes),
        _all_within(SLOPE, (slope for slope, _ in slopes)),
    )


def flag_target(belief: Belief, risks: Iterable[RiskCheck]) -> Target:
    """Judge the flags at the one look that the target is about."""
    found = {each.predictor: each for each in risks if each.look_dose == FLAG_LOOK and each.third is None}
    ours = found[GROWTH_MODEL]
    behind = {name: found[name].flags_behind for name in AHEAD_OF}
    ahead = {name: each for name, each in behind.items() if each is not None}
    value = ours.flags.positive_predictive_value
    by_how_much = _listed(f"{by:g} ({_spoken(name)})" for name, by in AHEAD_OF.items())
    return Target(
        f"3 flags, {_WORDS[belief]}",
        f"{100 * ours.flags.budget:g} % flagged at look {FLAG_LOOK} of at least {FLAGGED_CASES:,} cases: PPV at least"
        f" {PREDICTIVE:g}; above the rivals' by at least {by_how_much}",
        f"PPV {told(value)} of {ours.patients:,} cases, base rate {ours.base_rate:.3f}, sensitivity"
        f" {ours.flags.sensitivity.estimate:.3f}; above by "
        + "; ".join(f"{told(each)} ({_spoken(name)})" for name, each in ahead.items()),
        ours.patients >= FLAGGED_CASES
        and value.estimate >= PREDICTIVE
        and all(name in ahead and ahead[name].estimate >= by for name, by in AHEAD_OF.items()),
    )


def late_targets(flags: LateFlags) -> tuple[Target, Target]:
    """Judge who is flagged before the late window."""
    ours, theirs = flags.ranked, flags.ranked_response
    pending, limit = flags.pending, flags.beyond_limit
    return (
        Target(
            "4a late responders, policy early",
            f"20 % flagged at each of looks 3 to 6: late responders ever flagged at most {RANKED_RATIO:g} of what the"
            " classical expected response flags",
            f"ratio {told(flags.ranked_ratio, 2)}: {told(ours.late)} and {told(theirs.late)}; of all cases"
            f" {ours.everybody.estimate:.3f} and {theirs.everybody.estimate:.3f}",
            flags.ranked_ratio.estimate <= RANKED_RATIO,
        ),
        Target(
            "4b late responders, policy pending",
            f"only likely deterioration flags at looks 3 to 6: late responders ever flagged at most {PENDING_RATIO:g}"
            f" of those beyond the classical 80 % limit, and at least {WORSENING_FLAGGED:g} of the worsening shape",
            f"ratio {told(flags.pending_ratio, 2)}: {told(pending.late)} and {told(limit.late)}; of the worsening"
            f" shape {told(pending.worsening)}; of all cases {pending.everybody.estimate:.3f} and"
            f" {limit.everybody.estimate:.3f}",
            flags.pending_ratio.estimate <= PENDING_RATIO and pending.worsening.estimate >= WORSENING_FLAGGED,
        ),
    )


def auc_targets(found: Mapping[int, Interval]) -> tuple[Target, ...]:
    """Judge when scores tell late responders from lasting non-responders."""
    return tuple(
        Target(
            f"4c late responders told from lasting non-responders, look {look}",
            f"AUC at least {least:.2f}",
            told(found[look]),
            found[look].estimate >= least,
        )
        for look, least in LATE_AUC.items()
    )


def state_target(states: LateStates) -> Target:
    """Judge what late responders are called before the late window."""
    early, none = (states.ever[state] for state in (ResponderState.EARLY, ResponderState.NONE))
    return Target(
        "responder state of late responders",
        f"pending or late at every look from 3 to 6 in at least {100 * OPEN_STATES:g} %, and never none",
        f"{told(states.always_open)} of {states.patients:,} cases; by verdict"
        f" {states.verdicts[ResponderState.PENDING] + states.verdicts[ResponderState.LATE]:.3f}; ever called early"
        f" {told(early)}, ever none {told(none)}",
        states.always_open.estimate >= OPEN_STATES and none.estimate == 0,
    )


def scenario_targets(checks: Sequence[ScenarioCheck]) -> tuple[Target, ...]:
    """Judge the calibration slopes where the service is not as the published curve says, for each belief.

    Parameters
    ----------
    checks : sequence of ScenarioCheck
        Of several services; the well-specified one does not count.

    Returns
    -------
    tuple of Target
        Missed where a single slope lies outside: such services are there to show where the engine fails.
    """
    targets = []
    for belief in Belief:
        slopes = [
            (each.calibration.slope, f"{_spoken(check.scenario)} at look {each.look_dose:g}")
            for check in checks
            if check.belief is belief and check.scenario is not Scenario.WELL_SPECIFIED
            for each in check.risks
            if each.calibration
        ]
        inside = sum(_within(SLOPE_ELSEWHERE, slope) for slope, _ in slopes)
        low, high = (pick(slopes, key=lambda each: each[0].estimate) for pick in (min, max))
        targets.append(
            Target(
                f"2 calibration slope in services that are otherwise, {belief} curve",
                f"{_between(SLOPE_ELSEWHERE)} expected, reported as it is",
                f"{inside} of {len(slopes)} within; lowest {told(low[0], 2)}, {low[1]}; highest {told(high[0], 2)},"
                f" {high[1]}",
                inside == len(slopes),
            )
        )
    return tuple(targets)


def composite_targets(rates: CompositeRates) -> tuple[Target, Target]:
    """Judge how many get worse in the default simulation of PHQ-9 and GAD-7."""
    together, alone = rates.deterioration, rates.deterioration_alone
    return (
        Target(
            "9 deterioration on the composite at session 8",
            f"{_between(COMPOSITE_DETERIORATION)} of cases",
            f"{told(together)} of {rates.cases:,} cases; of all {told(rates.deterioration_of_all)}",
            _within(COMPOSITE_DETERIORATION, together),
        ),
        Target(
            "9 deterioration on the PHQ-9 alone",
            f"{_between(ALONE_DETERIORATION)} of its cases",
            told(alone),
            _within(ALONE_DETERIORATION, alone),
        ),
    )


def told(figure: Interval, decimals: int = 3) -> str:
    """Write a figure with its interval.

    Parameters
    ----------
    figure : Interval
        The figure.
    decimals : int
        How many of each number are told.

    Returns
    -------
    str

    Examples
    --------
    >>> told(Interval(-0.0002, 0.001, -0.0022, 0.0018))
    '0.000 (-0.002 to 0.002)'
    """
    # Adding 0 takes the sign off a zero.
    parts = [f"{round(each, decimals) + 0.0:.{decimals}f}" for each in (figure.estimate, figure.lower, figure.upper)]
    return f"{parts[0]} ({parts[1]} to {parts[2]})"


def _worst_cell(
    name: str, limits: tuple[float, float], right: float, cells: Sequence[tuple[Interval, BandCheck]]
) -> Target:
    figures = [figure for figure, _ in cells]
    worst, at = max(cells, key=lambda each: abs(each[0].estimate - right))
    low, high = (pick(each.estimate for each in figures) for pick in (min, max))
    look = "one step ahead" if at.look_dose is None else f"from look {at.look_dose:g}"
    return Target(
        name,
        f"{_between(limits)} at each later dose, of everybody and of each third",
        f"{low:.3f} to {high:.3f} in {len(cells)} cells; worst {told(worst)} {look} to dose {at.dose:g},"
        f" {_THIRDS[at.third]}",
        _all_within(limits, figures),
    )


def _is_whole(check: RiskCheck) -> bool:
    """Tell whether it is the growth model of everybody."""
    return check.predictor == GROWTH_MODEL and check.third is None


def _within(limits: tuple[float, float], figure: Interval) -> bool:
    return limits[0] <= figure.estimate <= limits[1]


def _all_within(limits: tuple[float, float], figures: Iterable[Interval]) -> bool:
    return all(_within(limits, each) for each in figures)


def _between(limits: tuple[float, float]) -> str:
    return f"{limits[0]:.2f} to {limits[1]:.2f}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _spoken(name: str) -> str:
    return name.replace("_", " ")
