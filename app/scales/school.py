"""School years: which year a child is in, and which grade of the norms that stands for."""

from __future__ import annotations

from datetime import date

FIRST_MONTH = 8
"""School years begin in August."""

BEGINS_IN_THE_YEAR_OF_AGE = 6
"""Children begin school in the calendar year in which they turn six (opplæringslova section 2-1)."""

LAST_YEAR = 13
"""The last year of upper secondary school."""


def school_year(birth_year: int, on: date) -> int | None:
    """Give the Norwegian school year (trinn) of a child who goes to school with those born in the same year.

    Parameters
    ----------
    birth_year : int
        Calendar year.
    on : date
        The day that is asked about.

    Returns
    -------
    int or None
        1 to 13; None before school and after it.

    Examples
    --------
    >>> school_year(2016, date(2026, 9, 1))
    5
    >>> school_year(2016, date(2026, 6, 1))
    4
    """
    begun = on.year if on.month >= FIRST_MONTH else on.year - 1
    year = begun - (birth_year + BEGINS_IN_THE_YEAR_OF_AGE) + 1
    return year if 1 <= year <= LAST_YEAR else None


def us_grade(year: int | None) -> int | None:
    """Give the grade of American norms that a Norwegian school year stands for: the year before.

    Norwegian children begin a year earlier (they turn six in the year, not before it begins), so that trinn 4 is grade
    3. This is an assumption, derived from the ages and UNVERIFIED; whoever shows a T-score by it says so.

    Examples
    --------
    >>> us_grade(4)
    3
    >>> us_grade(None)
    """
    return None if year is None else year - 1
