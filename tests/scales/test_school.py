"""School years: children begin in August of the year in which they turn six (opplæringslova section 2-1)."""

from __future__ import annotations

from datetime import date

import pytest

from app.scales.school import school_year, us_grade


@pytest.mark.parametrize(
    ("born", "on", "year"),
    [
        (2016, date(2022, 7, 31), None),  # the day before school begins
        (2016, date(2022, 8, 1), 1),
        (2016, date(2023, 7, 31), 1),
        (2016, date(2023, 8, 1), 2),
        (2016, date(2023, 12, 31), 2),
        (2016, date(2024, 1, 1), 2),
        (2010, date(2026, 11, 27), 11),  # the first year of upper secondary school, at 15 or 16
        (2010, date(2029, 7, 31), 13),
        (2010, date(2029, 8, 1), None),
        (1980, date(2026, 11, 27), None),
    ],
)
def test_the_school_year(born: int, on: date, year: int | None) -> None:
    assert school_year(born, on) == year


def test_american_norms_count_one_year_less() -> None:
    """scales.md section 4: Norwegian trinn - 1, derived, UNVERIFIED. UCLA: grade = age - 6."""
    assert [us_grade(year) for year in (None, 1, 4, 13)] == [None, 0, 3, 12]
    # A child born in the middle of 2016 is 9 in the autumn of 2025, and 9 - 6 is grade 3.
    assert us_grade(school_year(2016, date(2025, 9, 1))) == 3
