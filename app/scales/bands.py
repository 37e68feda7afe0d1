"""How a score is read: bands with names of their own, and cut-offs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.scales.norms import Sex
from app.scales.sources import Source, require, require_key, require_unique


@dataclass(frozen=True, slots=True)
class Band:
    """A range of scores with a name of its own.

    Parameters
    ----------
    code : str
        Code of the name; texts turn it into words.
    low, high : int
        First and last score of the band, points, both included.
    source : Source
        Where the limits were seen.

    Raises
    ------
    InstrumentDataError
        If the band is empty.
    """

    code: str
    low: int
    high: int
    source: Source

    def __post_init__(self) -> None:
        require_key(self.code)
        require(self.low <= self.high, "a band must not end before it begins")


@dataclass(frozen=True, slots=True)
class Cutoff:
    """A published cut-off beside the one that caseness is judged by.

    Parameters
    ----------
    key : str
        What it is for, e.g. ``screening``.
    score : int
        The first score on the clinical side, points; where higher is better, the first that is not.
    source : Source
        Where it was seen.
    sex : Sex or None
        For whom it holds; None for everybody.
    """

    key: str
    score: int
    source: Source
    sex: Sex | None = None

    def __post_init__(self) -> None:
        require_key(self.key)


def require_bands(bands: Sequence[Band], minimum: int, maximum: int) -> None:
    """Require that bands rise and cover a range without gap or overlap."""
    require_unique((band.code for band in bands), "band of a subscale")
    starts, ends = [band.low for band in bands], [band.high for band in bands]
    require(
        [*starts, maximum + 1] == [minimum, *(end + 1 for end in ends)],
        "the bands must rise and cover the range of the score without gap or overlap",
    )


def band_of(bands: Sequence[Band], score: float) -> str | None:
    """Give the code of the band that a score lies in; None where there are none.

    A score between two whole points has not reached the upper band: 69.5 is below 70.
    """
    return next((band.code for band in reversed(bands) if band.low <= score), None)
