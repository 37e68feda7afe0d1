"""Tiny trials go through whole, and all that is measured of an instrument is judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.errors import InvalidSeries
from app.trajectories.risk_check import GROWTH_MODEL
from app.trajectories.shapes import ResponseShape
from app.trajectories.targets import measure_targets
from tests.trajectories.factories import PHQ_9, a_curve
from tests.trajectories.judged_by_hand import measured_by_hand


class TestMeasured:
    def test_targets_of_an_instrument(self) -> None:
        targets = measured_by_hand().targets
        assert [each.met for each in targets] == [True] * 13
        numbers = [each.name.split()[0] for each in targets]
        assert numbers == ["1"] * 4 + ["2"] * 2 + ["3"] * 2 + ["4a", "4b", "4c", "4c", "responder"]
        assert len({each.name for each in targets}) == 13

    def test_a_tiny_trial(self) -> None:
        rng = np.random.default_rng(2)
        found = measure_targets(a_curve(), PHQ_9, rng, known_count=500, learnt_from=300, repeats=2)
        assert (found.patients, found.learnt_from, len(found.targets)) == (500, 300, 13)
        for bands in found.bands.values():
            assert {each.look_dose for each in bands} == {0, 1, 2, 3, 4, None}
            assert {each.dose for each in bands if each.look_dose == 0} == {None, *range(1, 21)}
        for risks in found.risks.values():
            assert {each.look_dose for each in risks} == {3, 4, 7}
            assert len({each.predictor for each in risks}) == 6
        assert set(found.groups) == {3, 4, 7}
        assert set(found.groups[3]) == {GROWTH_MODEL, "updated_mixed_model"}
        assert set(found.auc) == set(range(3, 13))

    def test_the_same_seed_gives_the_same_figures(self) -> None:
        one, other = (
            measure_targets(a_curve(), PHQ_9, np.random.default_rng(2), known_count=300, learnt_from=200, repeats=2)
            for _ in range(2)
        )
        assert one.targets == other.targets

    def test_a_curve_without_late_responders_is_refused(self) -> None:
        early = replace(a_curve(), shares={ResponseShape.EARLY: 0.9, ResponseShape.WORSENING: 0.1})
        with pytest.raises(InvalidSeries, match="late and worsening"):
            measure_targets(early, PHQ_9, np.random.default_rng(1))
