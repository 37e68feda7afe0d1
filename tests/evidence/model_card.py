"""`make model-card`: measure the engine, write the tables of docs/model-card.md anew, and draw its pictures.

    python -m tests.evidence.model_card [--patients N] [--learnt-from N] [--in-a-scenario N] [--seed N]

The words of the card are written by hand; what stands between two marks is written here. Every job has a seed of its
own, so that the figures don't depend on how many run at once.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from typing import Any, Final

import numpy as np

from app.charts.canvas import Spec
from app.charts.evaluation import coverage_by_dose, reliability_diagram
from app.services.drawing import draw
from app.trajectories.composite import default_joint_curve
from app.trajectories.composite_check import check_composite
from app.trajectories.growth import GrowthCurve, default_curve
from app.trajectories.limits import COVERAGE, LEVEL
from app.trajectories.link import LinkKind
from app.trajectories.scenarios import Scenario
from app.trajectories.targets import Measured, measure_targets
from app.trajectories.trial import Belief, check_scenario
from tests.evidence import reasons
from tests.evidence.card_tables import INSTRUMENTS, PREDICTORS, SCENARIOS, Findings, criteria_of, tables
from tests.evidence.real_data import FOLDS, SETS, WHITE_NOISE, judge
from tests.programs import ROOT

CARD: Final = ROOT / "docs" / "model-card.md"
PICTURES: Final = ROOT / "docs" / "pictures"
SEED: Final = 20_261_130
LOOKS: Final[Mapping[float | None, str]] = {
    0: "From the first score",
    4: "From the scores to dose 4",
    None: "One step ahead",
}

BEGIN, END = "<!-- written by make model-card: {name} -->", "<!-- end -->"
_MARKED = re.compile(r"(<!-- written by make model-card: ([a-z0-9-]+) -->\n).*?(\n<!-- end -->)", re.DOTALL)


@dataclass(frozen=True)
class Sizes:
    """How much is simulated."""

    patients: int = 40_000
    learnt_from: int = 5_000
    in_a_scenario: int = 20_000
    repeats: int = 200
    folds: int = FOLDS
    kinds: tuple[LinkKind, ...] = tuple(LinkKind)


Job = Callable[[np.random.Generator], Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write card and pictures."""
    parser = argparse.ArgumentParser(prog="model_card", description=__doc__)
    standard = Sizes()
    parser.add_argument("--patients", type=int, default=standard.patients, help=f"who judge ({standard.patients})")
    parser.add_argument("--learnt-from", type=int, default=standard.learnt_from, help=f"({standard.learnt_from})")
    parser.add_argument("--in-a-scenario", type=int, default=standard.in_a_scenario, help=f"({standard.in_a_scenario})")
    parser.add_argument("--seed", type=int, default=SEED, help=f"({SEED})")
    given = parser.parse_args(arguments)
    sizes = Sizes(given.patients, given.learnt_from, given.in_a_scenario)
    found = measure(sizes, given.seed, workers=os.cpu_count() or 1)
    CARD.write_text(with_tables(CARD.read_text(encoding="utf-8"), tables(found)), encoding="utf-8")
    for name, spec in pictures(found).items():
        (PICTURES / name).write_bytes(draw("svg", spec))
    return 0


def measure(sizes: Sizes, seed: int, *, workers: int = 1) -> Findings:
    """Run all jobs, some at once where there are workers for it."""
    began = time.monotonic()
    found = run(jobs(sizes, seed), seed, workers)
    minutes = (time.monotonic() - began) / 60
    of_reasons = (found["reason auc"], found["reason flags"], *found["reason early"])
    return Findings(
        measured={key: found[f"targets {key}"] for key in INSTRUMENTS},
        scenarios={
            key: [check for each in scenarios for check in found[f"{key} in {each}"]]
            for key, scenarios in SCENARIOS.items()
        },
        composite=found["composite"],
        real=[found[f"real {each.name}"] for each in SETS],
        reasons=reasons.Reasons(*of_reasons),
        run=sentence(sizes, seed, minutes),
    )


def jobs(sizes: Sizes, seed: int) -> dict[str, Job]:
    """Give all that is to be measured, what takes longest first."""
    phq_9, gad_7 = INSTRUMENTS
    of_trials = {"learnt_from": sizes.learnt_from, "repeats": sizes.repeats}
    found: dict[str, Job] = {
        f"targets {key}": partial(of_targets, key=key, known_count=sizes.patients, **of_trials) for key in INSTRUMENTS
    }
    for key, scenarios in SCENARIOS.items():
        for each in sorted(scenarios, key=lambda scenario: scenario is not Scenario.WHITE_NOISE):
            found[f"{key} in {each}"] = partial(
                in_scenario, key=key, scenario=each, count=sizes.in_a_scenario, **of_trials
            )
    for public in SETS:
        found[f"real {public.name}"] = partial(judge, public, folds=sizes.folds, kinds=sizes.kinds)
    of_reasons = {"count": sizes.patients, **of_trials}
    found["reason auc"] = partial(with_curve, key=phq_9, reason=reasons.without_natural_course, **of_reasons)
    found["reason flags"] = partial(with_curve, key=gad_7, reason=reasons.with_a_larger_change, **of_reasons)
    found["reason early"] = partial(of_called_early, key=phq_9, seed=seed, count=sizes.patients)
    found["composite"] = partial(of_composite, count=sizes.patients)
    return found


def of_targets(rng: np.random.Generator, /, key: str, **sizes: int) -> Measured:
    return measure_targets(curve_of(key), criteria_of(key), rng, **sizes)


def in_scenario(rng: np.random.Generator, /, key: str, scenario: Scenario, **sizes: int) -> Any:
    return check_scenario(scenario, curve_of(key), criteria_of(key), rng, **sizes)


def with_curve(rng: np.random.Generator, /, key: str, reason: Callable[..., Any], **sizes: int) -> Any:
    return reason(curve_of(key), criteria_of(key), rng, **sizes)


def of_called_early(_: np.random.Generator, /, key: str, seed: int, count: int) -> Any:
    return reasons.called_early(curve_of(key), criteria_of(key), seed, count)


def of_composite(rng: np.random.Generator, /, count: int) -> Any:
    phq_9, gad_7 = map(criteria_of, INSTRUMENTS)
    return check_composite(default_joint_curve(), (phq_9, gad_7), rng, count=count)


def curve_of(key: str) -> GrowthCurve:
    curve = default_curve(key)
    assert curve is not None, "the instrument has a published curve"
    return curve


def run(wanted: Mapping[str, Job], seed: int, workers: int) -> dict[str, Any]:
    """Run jobs, each with a seed that goes by its place among them, and say which are done."""
    began = time.monotonic()

    def done(name: str) -> None:
        minutes = (time.monotonic() - began) / 60
        sys.stderr.write(f"{minutes:5.1f} min  {name}\n")

    found = {}
    if workers == 1:
        for place, (name, job) in enumerate(wanted.items()):
            found[name] = job(np.random.default_rng([seed, place]))
            done(name)
        return found
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting: dict[Future[Any], str] = {
            pool.submit(job, np.random.default_rng([seed, place])): name
            for place, (name, job) in enumerate(wanted.items())
        }
        for each in as_completed(waiting):
            found[waiting[each]] = each.result()
            done(waiting[each])
    return found


def sentence(sizes: Sizes, seed: int, minutes: float) -> str:
    """Say what was run, for how long, and with what."""
    return (
        f"Measured on {datetime.now(UTC).date()} with seed {seed}: {sizes.patients:,} patients of each instrument"
        f" judge, {sizes.in_a_scenario:,} in each service that is otherwise; curves and rivals are learnt from"
        f" {sizes.learnt_from:,} others. numpy {version('numpy')}, scipy {version('scipy')}, {os.cpu_count()} cores,"
        f" {minutes:.0f} min. Figures in brackets are 95 % intervals."
    )


def with_tables(text: str, written: Mapping[str, str]) -> str:
    """Put each table between its marks, in place of what was there."""
    marked = [name for _, name, _ in _MARKED.findall(text)]
    assert sorted(marked) == sorted(written), sorted(set(marked) ^ set(written))
    return _MARKED.sub(lambda each: f"{each[1]}\n{written[each[2]]}\n{each[3]}", text)


def pictures(found: Findings) -> dict[str, Spec]:
    """Give the charts of the card by the names of their files."""
    drawn = {}
    for key, measured in found.measured.items():
        cases = next(each.patients for each in measured.risks[Belief.PUBLISHED])
        drawn[f"reliability-{key}.svg"] = reliability_diagram(
            measured.groups,
            names={name: PREDICTORS[name] for name in (next(iter(PREDICTORS)), WHITE_NOISE)},
            title=f"{key.upper()}: predicted reliable improvement at dose 8, and how often it happened",
            subtitle=[
                f"{cases:,} simulated cases who are as the published curve says, in tenths. Bars: 95 % intervals."
            ],
        )
        drawn[f"coverage-{key}.svg"] = coverage_by_dose(
            {
                "parameters known": measured.bands[Belief.PUBLISHED],
                f"parameters learnt from {measured.learnt_from:,} episodes": measured.bands[Belief.LEARNT],
            },
            LOOKS,
            level=LEVEL,
            aimed=COVERAGE,
            title=f"{key.upper()}: share of later scores within the 80 % band",
            subtitle=[
                f"{measured.patients:,} simulated patients who are as the published curve says."
                " Bars reach from the lowest to the highest third of first scores."
            ],
        )
    return drawn


if __name__ == "__main__":
    raise SystemExit(main())
