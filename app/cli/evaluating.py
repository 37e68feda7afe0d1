"""`spor evaluate`: how good a curve is on a file of scores, beside its rivals; without server or database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import numpy as np
import typer

from app.cli.curve_options import CurveFile, curve_of
from app.cli.files import number, require
from app.cli.jsonlines import print_json
from app.cli.long_files import (
    Columns,
    DoseColumn,
    DropNegative,
    File,
    IdColumn,
    ScoreColumn,
    TimeColumn,
    WeeksColumn,
    read_long,
)
from app.cli.options import Seed
from app.cli.progress import steps
from app.cli.scales import (
    BetterEnd,
    Cutoff,
    Form,
    Instrument,
    Maximum,
    Minimum,
    ReliableChange,
    Scale,
    ScaleOptions,
)
from app.trajectories.episodes import Episodes
from app.trajectories.evaluation import crossed
from app.trajectories.evaluation import evaluate as evaluate_parts
from app.trajectories.fitting import fit_growth_curve
from app.trajectories.growth import GrowthCurve
from app.trajectories.judged import Part
from app.trajectories.link import LinkKind
from app.trajectories.parameters import PriorSpread, default_spread
from app.trajectories.starting import starting_curve


class Learnt(StrEnum):
    """Which curve is judged."""

    GIVEN = "given"
    REFITTED = "refitted"


def evaluate(
    file: File,
    instrument: Instrument = None,
    form: Form = None,
    minimum: Minimum = None,
    maximum: Maximum = None,
    better: BetterEnd = None,
    reliable_change: ReliableChange = None,
    cutoff: Cutoff = None,
    curve_file: CurveFile = None,
    train: Annotated[str | None, typer.Option(help="Scores to learn from, in a file like FILE.")] = None,
    folds: Annotated[int, typer.Option(min=2, help="Without --train: parts that are judged in turn.")] = 5,
    learnt: Annotated[
        Learnt, typer.Option(help="The curve as given, or refitted to what is learnt from.")
    ] = Learnt.GIVEN,
    id_column: IdColumn = "id",
    time_column: TimeColumn = None,
    dose_column: DoseColumn = None,
    weeks_column: WeeksColumn = None,
    score_column: ScoreColumn = "score",
    drop_negative: DropNegative = False,
    looks: Annotated[str, typer.Option(help="Doses at which patients are looked at, with commas.")] = "3,4,7",
    end_dose: Annotated[float, typer.Option(help="Dose of the score that decides.")] = 8,
    budget: Annotated[float, typer.Option(min=0.01, max=0.99, help="Share of patients who may be flagged.")] = 0.2,
    repeats: Annotated[int, typer.Option(min=2, help="Of the bootstrap.")] = 200,
    seed: Seed = 1,
) -> None:
    """Judge a curve and its rivals by the scores of a long CSV, and print the figures with their intervals as JSON.

    Only scores up to a look predict, and only later ones judge. The rivals learn from --train, or from all parts of the
    file but the one that is judged; so does a refitted curve.
    """
    options = ScaleOptions(instrument, form, minimum, maximum, better, reliable_change, cutoff)
    scale = options.required()
    columns = Columns.named(id_column, time_column, dose_column, weeks_column, score_column)
    judged = read_long(file, columns, drop_negative=drop_negative).episodes
    training = None if train is None else read_long(train, columns, drop_negative=drop_negative).episodes
    doses = [number(each, "--looks must be doses, with commas") for each in looks.split(",")]
    require(all(0 <= dose < end_dose for dose in doses), "each of --looks must lie before --end-dose")
    rng = np.random.default_rng(seed)
    learn = _learner(scale, curve_file, learnt)
    with steps("evaluating", (folds if training is None else 1) + len(doses) + 1) as done:

        def told(episodes: Episodes) -> GrowthCurve:
            curve = learn(episodes)
            done()
            return curve

        parts = crossed(judged, folds, rng, told) if training is None else [Part(judged, told(training), training)]
        found = evaluate_parts(
            parts,
            scale.criteria,
            rng,
            look_doses=doses,
            end_dose=end_dose,
            budget=budget,
            repeats=repeats,
            done=done,
        )
    print_json({"curve": parts[0].curve.key, "learnt": learnt, "seed": seed, **asdict(found)})


def _learner(scale: Scale, curve_file: str | None, learnt: Learnt) -> Callable[[Episodes], GrowthCurve]:
    """Give what makes a curve of the episodes to learn from."""
    if learnt is Learnt.GIVEN:
        curve = curve_of(scale, curve_file)
        return lambda _: curve
    if curve_file is None and scale.curve is None:
        return lambda episodes: _fitted(episodes, starting_curve(episodes, scale.link(LinkKind.ARCSINE)))
    begin = curve_of(scale, curve_file)
    return lambda episodes: _fitted(episodes, begin, default_spread(begin.instrument))


def _fitted(episodes: Episodes, start: GrowthCurve, spread: PriorSpread | None = None) -> GrowthCurve:
    return fit_growth_curve(episodes, start, spread, robust=False).curve
