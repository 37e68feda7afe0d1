"""What the plain mixed model says of new scores: the model that services had before this one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.errors import InvalidSeries
from app.trajectories.episodes import Episodes
from app.trajectories.mixed_model import MixedModelFit, fit_mixed_model
from app.trajectories.prediction import FloatArray


@dataclass(frozen=True, slots=True)
class PlainMixedModel:
    """A line on ln(1 + dose) for each patient with noise that has no memory, on the scale of the scores.

    Parameters
    ----------
    fit : MixedModelFit
        Its figures.
    """

    fit: MixedModelFit

    @classmethod
    def learn(cls, training: Episodes) -> PlainMixedModel:
        """Fit it to episodes, by REML.

        Parameters
        ----------
        training : Episodes
            As much as there is of each.

        Returns
        -------
        PlainMixedModel

        Raises
        ------
        InvalidSeries
            As for :func:`app.trajectories.mixed_model.fit_mixed_model`.
        """
        return cls(fit_mixed_model(training, np.log1p(training.doses)))

    def expect(self, known: Episodes, doses: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Give the mean and the spread of new scores.

        Parameters
        ----------
        known : Episodes
            The scores that may be used.
        doses : array_like, shape (n, m) or (m,)
            Doses of the new scores, for each episode or for all alike.

        Returns
        -------
        means, sds : ndarray, shape (n, m)
            Points, not cut to the scale.

        Raises
        ------
        InvalidSeries
            If the doses are not of one of these shapes, or one is negative or not finite.

        Notes
        -----
        With Z = [1, ln(1 + dose)] of the known scores, e their deviations from the mean line, D the covariance of
        persons and s^2 the variance of the noise, a person's deviations are normal with covariance
        M = (I + D Z'Z / s^2)^-1 D and mean M Z'e / s^2 (Laird & Ware 1982): the conditional normal distribution of the
        scores, a score at an end of the scale taken at its word.

        References
        ----------
        Laird & Ware (1982), Biometrics 38:963, doi:10.2307/2529876.
        """
        fixed = np.array([effect.estimate for effect in self.fit.fixed_effects])
        sds = np.array([self.fit.sd_intercept, self.fit.sd_slope])
        correlation = self.fit.correlation or 0.0
        persons = np.outer(sds, sds) * np.array([[1.0, correlation], [correlation, 1.0]])
        noise = self.fit.sd_residual**2
        rows, starts = _line(known.doses), known.starts[:-1]
        products = np.add.reduceat(rows[:, :, None] * rows[:, None, :], starts) / noise
        deviations = np.add.reduceat(rows * (known.scores - rows @ fixed)[:, None], starts) / noise
        covariance = np.linalg.solve(np.eye(2) + persons @ products, persons)
        own = fixed + (covariance @ deviations[:, :, None])[..., 0]
        asked = _line(_doses_of(known, doses))
        variances = np.einsum("nmi,nij,nmj->nm", asked, covariance, asked)
        return (asked @ own[:, :, None])[..., 0], np.sqrt(np.maximum(variances, 0.0) + noise)


def _line(doses: FloatArray) -> FloatArray:
    """Give the weights of level and slope at doses, shape (..., 2)."""
    return np.stack([np.ones(doses.shape), np.log1p(doses)], axis=-1)


def _doses_of(known: Episodes, doses: npt.ArrayLike) -> FloatArray:
    """Read doses as a table with a row for each episode."""
    asked = np.asarray(doses, dtype=np.float64)
    if asked.ndim not in {1, 2} or (asked.ndim == 2 and len(asked) != known.count):
        raise InvalidSeries("doses must be a list, or a list for each episode", pointer="/doses")
    if not ((asked >= 0) & (asked < np.inf)).all():
        raise InvalidSeries("each dose must be a finite number, 0 or more", pointer="/doses")
    return np.broadcast_to(asked, (known.count, asked.shape[-1]))
