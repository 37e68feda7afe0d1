"""Days and times as a language writes them in figures."""

from __future__ import annotations

from datetime import date, datetime


def written_day(day: date, language: str) -> str:
    """Write a day.

    Examples
    --------
    >>> written_day(date(2026, 3, 5), "nn"), written_day(date(2026, 3, 5), "en")
    ('5.3.2026', '2026-03-05')
    """
    return day.isoformat()[:10] if language == "en" else f"{day.day}.{day.month}.{day.year}"


def written_time(moment: datetime, language: str) -> str:
    """Write a time of day to the minute; it has to be in the reader's time zone.

    Examples
    --------
    >>> written_time(datetime(2026, 3, 5, 9, 7), "nb"), written_time(datetime(2026, 3, 5, 9, 7), "en")
    ('kl. 09.07', '09:07')
    """
    return f"{moment:%H:%M}" if language == "en" else f"kl. {moment:%H.%M}"
