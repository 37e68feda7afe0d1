"""Services wrong on purpose: each differs from what the engine believes in what it says, and in nothing else."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from app.scales.change import Better, ChangeCriteria
from app.trajectories.growth import GrowthCurve
from app.trajectories.link import LinkKind
from app.trajectories.scenarios import Scenario, World, world
from app.trajectories.shapes import ResponseShape
from tests.trajectories.factories import PHQ_9, a_curve, mirrored

DOSES = tuple(range(9))


def of(scenario: Scenario, criteria: ChangeCriteria = PHQ_9) -> World:
    return world(scenario, a_curve(), criteria)


def differing(truth: GrowthCurve, curve: GrowthCurve | None = None) -> set[str]:
    believed = curve or a_curve()
    return {
        field.name
        for field in fields(GrowthCurve)
        if field.compare and getattr(truth, field.name) != getattr(believed, field.name)
    }


@pytest.mark.parametrize(
    ("scenario", "differs"),
    [
        (Scenario.WELL_SPECIFIED, set()),
        (Scenario.TRUTH_IDENTITY, {"link"}),
        (Scenario.TRUTH_LOGIT, {"link"}),
        (Scenario.MANY_LATE, {"shares"}),
        (Scenario.WHITE_NOISE, {"drift_variance", "noise_variance"}),
        (Scenario.FLOOR, {"intercept"}),
        (Scenario.LEAVING_WHEN_WELL, set()),
        (Scenario.LEAVING_WHEN_WORSE, set()),
        (Scenario.FORTNIGHTLY, set()),
        (Scenario.WORSE_SERVICE, {"intercept", "session_slope"}),
    ],
)
def test_what_differs(scenario: Scenario, differs: set[str]) -> None:
    found = of(scenario)
    assert differing(found.truth) == differs
    assert (found.interval_weeks == 2) == (scenario is Scenario.FORTNIGHTLY)
    assert (found.leaving is not None) == (scenario in (Scenario.LEAVING_WHEN_WELL, Scenario.LEAVING_WHEN_WORSE))


def test_every_scenario_has_patients() -> None:
    for scenario in Scenario:
        cohort = of(scenario).cohort(np.random.default_rng(1), DOSES, 50)
        assert cohort.complete.shape == (50, 9)
        assert ((cohort.complete >= 0) & (cohort.complete <= 27)).all()


def test_links() -> None:
    assert of(Scenario.TRUTH_IDENTITY).truth.link.kind is LinkKind.IDENTITY
    assert of(Scenario.TRUTH_LOGIT).truth.link.kind is LinkKind.LOGIT


def test_a_quarter_responds_late_and_the_others_keep_their_proportions() -> None:
    shares = of(Scenario.MANY_LATE).truth.shares
    assert shares[ResponseShape.LATE] == 0.25
    assert sum(shares.values()) == pytest.approx(1)
    before = a_curve().shares
    ratio = shares[ResponseShape.EARLY] / shares[ResponseShape.LINEAR]
    assert ratio == pytest.approx(before[ResponseShape.EARLY] / before[ResponseShape.LINEAR])


def test_late_responders_where_the_engine_knows_none() -> None:
    curve = replace(a_curve(), shares={ResponseShape.EARLY: 1.0})
    assert world(Scenario.MANY_LATE, curve, PHQ_9).truth.shares == {
        ResponseShape.EARLY: 0.75,
        ResponseShape.LATE: 0.25,
    }


def test_noise_has_the_same_variance_without_memory() -> None:
    """13 + 8 of drift and noise."""
    assert of(Scenario.WHITE_NOISE).truth.noise_variance == 21.0


def test_who_leaves() -> None:
    """Half of those below 10, or of those who are 6 or more points up; nobody else."""
    scores = np.array([[15.0, 9.0], [15.0, 10.0], [15.0, 21.0], [15.0, 20.0]])
    well, worse = of(Scenario.LEAVING_WHEN_WELL).leaving, of(Scenario.LEAVING_WHEN_WORSE).leaving
    assert well is not None
    assert worse is not None
    assert well.probabilities(scores)[:, 1].tolist() == [0.5, 0, 0, 0]
    assert worse.probabilities(scores)[:, 1].tolist() == [0, 0, 0.5, 0]


def test_nobody_leaves_by_what_is_not_published() -> None:
    nothing = ChangeCriteria(0, 27)
    for scenario in (Scenario.LEAVING_WHEN_WELL, Scenario.LEAVING_WHEN_WORSE):
        assert of(scenario, nothing).leaving is None


def test_milder_and_worse_go_with_the_scale() -> None:
    assert of(Scenario.FLOOR).truth.intercept == pytest.approx(a_curve().intercept - 5)
    assert of(Scenario.WORSE_SERVICE).truth.intercept == pytest.approx(a_curve().intercept + 3)
    up = ChangeCriteria(0, 27, better=Better.HIGHER)
    other_way = mirrored(a_curve())
    assert world(Scenario.FLOOR, other_way, up).truth.intercept == pytest.approx(other_way.intercept + 5)
