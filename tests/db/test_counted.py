"""What counted cells are kept under: all that a question depends on, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from app.db.reports import Asked, firsts, steps
from app.reports.cohort import Dimension, Period


def test_cells_by_third_are_kept_by_where_the_thirds_lie() -> None:
    by_third = Asked(Period(2025), "phq-9", by=Dimension.BASELINE_THIRD, cuts=(8.0, 14.0))
    for question in (steps, firsts):
        assert question(by_third).key == question(replace(by_third, period=Period(2024))).key
        assert question(by_third).key != question(replace(by_third, cuts=(8.0, 15.0))).key


def test_other_cells_are_kept_wherever_the_thirds_lie() -> None:
    by_sex = Asked(Period(2025), "phq-9", by=Dimension.SEX)
    assert steps(by_sex).key == steps(replace(by_sex, cuts=(8.0, 14.0))).key
