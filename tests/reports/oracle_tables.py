"""The tables that R made of the reports' statistics: `tests/reference/reports/oracles.R` says how."""

from __future__ import annotations

import csv
from math import nan
from pathlib import Path

import numpy as np

from app.trajectories.prediction import FloatArray

REFERENCE = Path(__file__).parents[1] / "reference"
TABLES = REFERENCE / "reports"

TEN_DIGITS = 1e-10


def table(name: str, folder: Path = TABLES) -> dict[str, FloatArray]:
    """Read the columns of numbers; NaN where R had none."""
    rows = rows_of(name, folder)
    return {key: np.array([float(row[key] or nan) for row in rows]) for key in rows[0] if _is_number(rows[0][key])}


def rows_of(name: str, folder: Path = TABLES) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _is_number(text: str) -> bool:
    try:
        float(text or "nan")
    except ValueError:
        return False
    return True
