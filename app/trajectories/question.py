"""What the growth model and its rivals are asked, so that their answers compare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.errors import InvalidSeries
from app.scales.change import Better, ChangeCriteria, improvement
from app.trajectories.prediction import FloatArray, Prediction


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: who, seen at a look, will not have improved reliably by the end.

    Parameters
    ----------
    criteria : ChangeCriteria
        The scale, with its reliable change.
    look_dose : float
        Scores up to this dose are known.
    end_dose : float
        Dose of the score that decides; after the look.

    Raises
    ------
    InvalidSeries
        If no reliable change is published, or the end is not after the look.
    """

    criteria: ChangeCriteria
    look_dose: float
    end_dose: float

    def __post_init__(self) -> None:
        if self.criteria.reliable_change is None:
            raise InvalidSeries("without a reliable change nobody improves reliably")
        if not 0 <= self.look_dose < self.end_dose < np.inf:
            raise InvalidSeries("the end must be a dose after the look", pointer="/end_dose")

    def is_about(self, first: FloatArray) -> npt.NDArray[np.bool_]:
        """Tell who is asked about by the first score: a case, where a cut-off is published, who can improve so much."""
        criteria = self.criteria
        good_end = criteria.minimum if criteria.better is Better.LOWER else criteria.maximum
        room = self.improved_by(first, np.full(len(first), float(good_end))) >= self._reliable_change
        cases = [criteria.cutoff is None or criteria.is_case(score) for score in first.tolist()]
        return np.asarray(room & np.array(cases, dtype=np.bool_))

    def improved_by(self, first: FloatArray, score: FloatArray) -> FloatArray:
        """Give the improvement from the first score, points; positive when the patient is better."""
        return improvement(first, score, self.criteria.better)

    def unimproved(self, first: FloatArray, end: FloatArray) -> npt.NDArray[np.bool_]:
        """Tell who did not improve reliably from the first score to that at the end."""
        return self.improved_by(first, end) < self._reliable_change

    def risk(self, first: FloatArray, at_end: Prediction) -> FloatArray:
        """Give the probability of no reliable improvement, by what is expected at the end."""
        if self.criteria.better is Better.LOWER:
            return 1.0 - at_end.at_most(first - self._reliable_change)
        return 1.0 - at_end.at_least(first + self._reliable_change)

    @property
    def _reliable_change(self) -> int:
        assert self.criteria.reliable_change is not None, "refused at the start"
        return self.criteria.reliable_change
