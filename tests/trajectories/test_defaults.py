"""The default curves imply the margins that they were calibrated to."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from app.trajectories.simulation import Occasions, simulate
from tests.trajectories.factories import a_curve

TABLE = Path(__file__).parents[1] / "reference" / "arcsine-1.csv"


def margins() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8") as lines:
        return list(csv.DictReader(line for line in lines if not line.startswith("#")))


@pytest.mark.parametrize(
    "row", margins(), ids=lambda row: f"{row['instrument']} from {row['from']}, dose {row['dose']}"
)
def test_a_default_curve_gives_the_margins_of_its_source(row: dict[str, str]) -> None:
    """40,000 patients: the standard error of a mean is .03. The sources print one decimal and give ranges of .2."""
    scores = simulate(np.random.default_rng(3), a_curve(row["instrument"]), Occasions((0, 7)), 40_000).scores
    at_dose = scores[scores[:, 0] >= int(row["from"]), 0 if row["dose"] == "0" else 1]
    assert at_dose.mean() == pytest.approx(float(row["mean"]), abs=0.15)
    assert at_dose.std() == pytest.approx(float(row["sd"]), abs=0.2)


def test_both_instruments_have_margins_at_the_start_and_later() -> None:
    assert [(row["instrument"], row["dose"]) for row in margins()] == [
        (instrument, dose) for instrument in ("phq-9", "gad-7") for dose in ("0", "7")
    ]
