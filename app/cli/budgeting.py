"""`spor thresholds`: which probabilities flag so many episodes as a team can take up; without server or database."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import numpy as np
import typer

from app.cli.curve_options import CurveFile, curve_of
from app.cli.jsonlines import print_json
from app.cli.options import Seed
from app.cli.scales import (
    BetterEnd,
    Cutoff,
    Form,
    Instrument,
    Maximum,
    Minimum,
    ReliableChange,
    ScaleOptions,
)
from app.trajectories.flag_budget import thresholds_for_budget
from app.trajectories.policy import Plan, Policy


def thresholds(
    instrument: Instrument = None,
    form: Form = None,
    minimum: Minimum = None,
    maximum: Maximum = None,
    better: BetterEnd = None,
    reliable_change: ReliableChange = None,
    cutoff: Cutoff = None,
    curve_file: CurveFile = None,
    budget: Annotated[float, typer.Option(min=0.01, max=0.99, help="Share of episodes, for each of the two.")] = 0.2,
    planned_dose: Annotated[int | None, typer.Option(min=1, help="Sessions planned for everybody.")] = None,
    interval_days: Annotated[int, typer.Option(min=1, help="Planned days between sessions.")] = 7,
    patients: Annotated[int, typer.Option(min=1, help="How many referrals are simulated.")] = 4000,
    seed: Seed = 1,
) -> None:
    """Find the policy's thresholds for a flag budget, and print them as JSON with the shares that they flag.

    One is the probability of reliable deterioration from which on an episode is flagged before the late window, the
    other that of reaching the goal below which it is from there on: settings of the organisation's policy.
    """
    options = ScaleOptions(instrument, form, minimum, maximum, better, reliable_change, cutoff)
    scale = options.required()
    plan = Plan(planned_dose, interval_days)
    held_against = curve_of(scale, curve_file), scale.criteria, Policy(), plan
    found = thresholds_for_budget(*held_against, budget, np.random.default_rng(seed), patients)
    policy = found.applied_to(Policy())
    settings = ("deterioration_probability", "goal_probability", "clear_probability")
    print_json({**asdict(found), "policy": {name: getattr(policy, name) for name in settings}})
