"""`spor simulate`: a cohort with known truth, as a long CSV; without server or database."""

from __future__ import annotations

import csv
import math
import sys
from dataclasses import asdict
from typing import Annotated

import numpy as np
import typer

from app.cli.curve_options import CurveFile, curve_of
from app.cli.files import require
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
from app.trajectories.scenarios import Scenario, world
from app.trajectories.targets import measure_targets

_FEWEST = 300
"""Patients from whom a curve and all rivals can be learnt."""

_COLUMNS = ("id", "dose", "weeks", "score", "shape")


def simulate(
    instrument: Instrument = None,
    form: Form = None,
    minimum: Minimum = None,
    maximum: Maximum = None,
    better: BetterEnd = None,
    reliable_change: ReliableChange = None,
    cutoff: Cutoff = None,
    curve_file: CurveFile = None,
    scenario: Annotated[Scenario, typer.Option(help="The service, as believed or wrong on purpose.")] = (
        Scenario.WELL_SPECIFIED
    ),
    patients: Annotated[int, typer.Option(min=1, help="How many.")] = 1000,
    sessions: Annotated[int, typer.Option(min=1, help="How many each has, with a score before every one.")] = 21,
    targets: Annotated[
        bool, typer.Option("--targets", help="Print what the engine is to reach on such patients, and what it does.")
    ] = False,
    seed: Seed = 1,
) -> None:
    """Draw a service's patients from a curve, and print id,dose,weeks,score and the shape that each really has.

    Who leaves has no more scores. Score n is the one before session n, at dose n - 1. With --targets no patient is
    printed but, as JSON, the engine's targets on patients who are as the curve says, with figures and intervals; the
    model card has them for 40,000.
    """
    options = ScaleOptions(instrument, form, minimum, maximum, better, reliable_change, cutoff)
    scale = options.required()
    if targets:
        require(scenario is Scenario.WELL_SPECIFIED, "--targets are those of a service that is as the curve says")
        held_against = curve_of(scale, curve_file), scale.criteria, np.random.default_rng(seed)
        found = measure_targets(*held_against, known_count=patients, learnt_from=max(patients // 8, _FEWEST))
        print_json({"patients": patients, "seed": seed, "targets": [asdict(each) for each in found.targets]})
        return
    of = world(scenario, curve_of(scale, curve_file), scale.criteria)
    cohort = of.cohort(np.random.default_rng(seed), tuple(range(sessions)), patients)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_COLUMNS)
    shapes = [str(of.truth.shapes[place]) for place in cohort.shapes.tolist()]
    for number, (scores, shape) in enumerate(zip(cohort.scores.tolist(), shapes, strict=True), start=1):
        for dose, week, score in zip(cohort.doses.tolist(), cohort.weeks.tolist(), scores, strict=True):
            if not math.isnan(score):  # as it is after a patient left
                writer.writerow((number, dose, f"{week:g}", f"{score:g}", shape))
