"""The rivals of the growth model: what a service could do without it.

Each tells, from the scores up to a look, who is at risk of no reliable improvement at the end. Risks are only compared
with each other, so that any number will do that is higher where the outlook is worse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from app.errors import InvalidSeries
from app.scales.change import Better
from app.trajectories.episodes import Episodes
from app.trajectories.link import Link, LinkKind
from app.trajectories.plain_model import PlainMixedModel
from app.trajectories.prediction import FloatArray, Prediction
from app.trajectories.question import Question

_ONE_SIDED_LIMIT = float(ndtri(0.8))
_SAME_DOSE = 1e-9  # squares of ln(1 + dose) around their mean that are rounding

_CELLS_AT_ONCE = 2_000_000
"""So many distances are held at a time (16 MB an array), however many neighbours there may be."""


class Rival(Protocol):
    """Whatever tells who is at risk."""

    def risk(self, known: Episodes) -> FloatArray:
        """Give a number for each episode, of which only scores up to the look are there; higher is worse."""
        ...


@dataclass(frozen=True, slots=True)
class TwentyFivePercentRule:
    """The share of the first score by which a patient improved so far; a quarter is the usual mark.

    Parameters
    ----------
    question : Question
        What is asked.
    """

    question: Question

    def risk(self, known: Episodes) -> FloatArray:
        """Give the share of the way from the first score to the good end that is lost so far.

        Parameters
        ----------
        known : Episodes
            Scores up to the look.

        Returns
        -------
        ndarray, shape (n,)
            -1 at the good end, 0 without a change. Who started at the good end is taken to have one point to gain.

        Examples
        --------
        >>> from app.scales.change import ChangeCriteria
        >>> question = Question(ChangeCriteria(0, 27, reliable_change=6), look_dose=4, end_dose=8)
        >>> two = Episodes.of([1, 1, 2, 2], doses=[0, 4, 0, 4], weeks=[0, 4, 0, 4], scores=[16, 12, 10, 11])
        >>> TwentyFivePercentRule(question).risk(two).tolist()
        [-0.25, 0.1]
        """
        criteria = self.question.criteria
        good_end = criteria.minimum if criteria.better is Better.LOWER else criteria.maximum
        room = np.maximum(np.abs(known.first - good_end), 1.0)
        return -self.question.improved_by(known.first, known.last) / room


@dataclass(frozen=True, slots=True)
class ReliableChangeRule:
    """The points by which a patient improved so far; the reliable change is the usual mark.

    Parameters
    ----------
    question : Question
        What is asked.
    """

    question: Question

    def risk(self, known: Episodes) -> FloatArray:
        """Give the points lost since the first score, shape (n,), negative when they were gained."""
        return -self.question.improved_by(known.first, known.last)


@dataclass(frozen=True, slots=True)
class ClassicalExpectedResponse:
    """The expected treatment response: the newest score against what the first one alone let expect.

    Parameters
    ----------
    question : Question
        What is asked.
    model : PlainMixedModel
        The course of earlier patients.

    References
    ----------
    Finch, Lambert & Schaalje (2001), Clinical Psychology and Psychotherapy 8:231.
    """

    question: Question
    model: PlainMixedModel

    def risk(self, known: Episodes) -> FloatArray:
        """Give how many sds the newest score lies on the bad side of what was expected.

        Parameters
        ----------
        known : Episodes
            Scores up to the look.

        Returns
        -------
        ndarray, shape (n,)
            Standard normal if the model is right; 0 where the first score is all there is.
        """
        newest = known.starts[1:] - 1
        means, sds = self.model.expect(_firsts(known), known.doses[newest][:, None])
        worse = -self.question.improved_by(means[:, 0], known.last) / sds[:, 0]
        return np.where(known.lengths > 1, worse, 0.0)

    def beyond_limit(self, known: Episodes) -> npt.NDArray[np.bool_]:
        """Tell whose newest score lies beyond the one-sided 80 % limit, the mean and 0.8416 sds, on the bad side.

        It is the limit as services use it; "80 %" of a two-sided interval would be 1.2816 sds.
        """
        return self.risk(known) > _ONE_SIDED_LIMIT


@dataclass(frozen=True, slots=True)
class UpdatedMixedModel:
    """The plain mixed model, updated with each score: the honest rival.

    Parameters
    ----------
    question : Question
        What is asked.
    model : PlainMixedModel
        The course of earlier patients.
    """

    question: Question
    model: PlainMixedModel

    def risk(self, known: Episodes) -> FloatArray:
        """Give the probability of no reliable improvement at the end dose.

        Parameters
        ----------
        known : Episodes
            Scores up to the look.

        Returns
        -------
        ndarray, shape (n,)
            1 where the first score leaves no room for a reliable improvement.
        """
        at_end = self.distribution(known, [self.question.end_dose])
        return self.question.risk(known.first[:, None], at_end)[:, 0]

    def distribution(self, known: Episodes, doses: npt.ArrayLike) -> Prediction:
        """Predict new scores; calendar time makes no difference to this model.

        Parameters
        ----------
        known, doses
            As for :meth:`app.trajectories.plain_model.PlainMixedModel.expect`.

        Returns
        -------
        Prediction
            Of shape (n, m): whole points, of which the ends of the scale have the tails.

        Raises
        ------
        InvalidSeries
            As for :meth:`app.trajectories.plain_model.PlainMixedModel.expect`.
        """
        criteria = self.question.criteria
        middle = (criteria.minimum + criteria.maximum) / 2
        link = Link(LinkKind.IDENTITY, criteria.minimum, criteria.maximum, middle)
        means, sds = self.model.expect(known, doses)
        return Prediction(link, np.ones((1, *means.shape)), means[None], sds[None])

    def cells(self, known: Episodes, later: Episodes) -> tuple[FloatArray, FloatArray]:
        """Give how far into its distribution each later score fell: what coverage and log scores take.

        Parameters
        ----------
        known, later : Episodes
            The same episodes in the same order, as :meth:`Episodes.split_at` gives them.

        Returns
        -------
        below, at : ndarray, shape (rows of later,)
            P(Y < y) and P(Y <= y).

        Raises
        ------
        InvalidSeries
            If they are not equally many episodes.
        """
        if known.count != later.count:
            raise InvalidSeries("what comes later must be of the same episodes")
        doses, scores = (later.by_occasion(column, absent=0.0).T for column in (later.doses, later.scores))
        predicted = self.distribution(known, doses)
        rows = later.episode, later.position
        return predicted.at_most(scores - 1.0)[rows], predicted.at_most(scores)[rows]


@dataclass(frozen=True, slots=True)
class NearestNeighbours:
    """What became of the most similar earlier patients; made by :meth:`learn`.

    Parameters
    ----------
    question : Question
        What is asked.
    count : int
        How many patients are the most similar ones.
    centres, scales : ndarray, shape (3,)
        Means and sds of the earlier patients' first score, newest score at the look and slope so far.
    earlier : ndarray, shape (3, training)
        The three of each earlier patient, centred and scaled.
    unimproved : ndarray of bool, shape (training,)
        Who of them did not improve reliably.

    References
    ----------
    Lutz et al. (2005), J Consult Clin Psychol 73:904, doi:10.1037/0022-006X.73.5.904.
    """

    question: Question
    count: int
    centres: FloatArray
    scales: FloatArray
    earlier: FloatArray
    unimproved: npt.NDArray[np.bool_]

    @classmethod
    def learn(cls, training: Episodes, question: Question, count: int = 100) -> NearestNeighbours:
        """Lay out the earlier patients who have a score at the look and one at the end.

        Parameters
        ----------
        training : Episodes
            Earlier patients.
        question : Question
            What is asked.
        count : int
            How many are the most similar ones, 1 or more.

        Returns
        -------
        NearestNeighbours

        Raises
        ------
        InvalidSeries
            If there are fewer such patients than that.
        """
        both = _has_score_at(training, question.look_dose) & _has_score_at(training, question.end_dose)
        if not 1 <= count <= both.sum():
            sentence = "there must be as many earlier patients with a score at the look and one at the end"
            raise InvalidSeries(sentence, pointer="/count", allowed=f"1 to {both.sum()}")
        some = training.chosen(both)
        known, _ = some.split_at(question.look_dose)
        ends = np.empty(some.count)
        at_end = some.doses == question.end_dose
        ends[some.episode[at_end]] = some.scores[at_end]
        traits = _traits(known)
        centres, spreads = traits.mean(axis=1), traits.std(axis=1)
        scales = np.where(spreads > 0, spreads, 1.0)
        earlier = (traits - centres[:, None]) / scales[:, None]
        return cls(question, count, centres, scales, earlier, question.unimproved(known.first, ends))

    def risk(self, known: Episodes) -> FloatArray:
        """Give the share without reliable improvement of the most similar earlier patients.

        Parameters
        ----------
        known : Episodes
            Scores up to the look.

        Returns
        -------
        ndarray, shape (n,)
            Probabilities.

        Notes
        -----
        The distance is the Euclidean one of first score, newest score and slope on ln(1 + dose), each in units of its
        sd among the earlier patients. Of those equally far away, the first ones count.
        """
        traits = (_traits(known) - self.centres[:, None]) / self.scales[:, None]
        at_once = max(1, _CELLS_AT_ONCE // len(self.unimproved))
        blocks = np.split(traits, range(at_once, known.count, at_once), axis=1)
        found = [(self._nearest(block) & self.unimproved).sum(axis=1) for block in blocks]
        return np.asarray(np.concatenate(found) / self.count)

    def _nearest(self, traits: FloatArray) -> npt.NDArray[np.bool_]:
        """Mark the nearest earlier patients of each, shape (n, training)."""
        apart = ((traits[:, :, None] - self.earlier[:, None]) ** 2).sum(axis=0)
        furthest = np.partition(apart, self.count - 1, axis=1)[:, [self.count - 1]]
        nearer, equal = apart < furthest, apart == furthest
        places_left = self.count - nearer.sum(axis=1, keepdims=True)
        return np.asarray(nearer | (equal & (equal.cumsum(axis=1) <= places_left)))


def learn_rivals(training: Episodes, question: Question, neighbours: int = 100) -> dict[str, Rival]:
    """Learn all rivals from the same episodes.

    Parameters
    ----------
    training : Episodes
        Earlier patients.
    question : Question
        What is asked.
    neighbours : int
        How many earlier patients are the most similar ones.

    Returns
    -------
    dict of str to Rival
        By name.

    Raises
    ------
    InvalidSeries
        If one of them can't be learnt.
    """
    model = PlainMixedModel.learn(training)
    return {
        "twenty_five_percent_rule": TwentyFivePercentRule(question),
        "reliable_change_rule": ReliableChangeRule(question),
        "classical_expected_response": ClassicalExpectedResponse(question, model),
        "updated_mixed_model": UpdatedMixedModel(question, model),
        "nearest_neighbours": NearestNeighbours.learn(training, question, neighbours),
    }


def _firsts(episodes: Episodes) -> Episodes:
    """Give the episodes with their first scores only."""
    rows = episodes.starts[:-1]
    return Episodes(np.arange(episodes.count + 1), episodes.doses[rows], episodes.weeks[rows], episodes.scores[rows])


def _has_score_at(episodes: Episodes, dose: float) -> npt.NDArray[np.bool_]:
    return np.bincount(episodes.episode[episodes.doses == dose], minlength=episodes.count) > 0


def _traits(known: Episodes) -> FloatArray:
    """Give first score, newest score and least-squares slope on ln(1 + dose), 0 where none can be drawn."""
    times, scores = np.log1p(known.doses), known.scores
    starts, lengths = known.starts[:-1], known.lengths
    inside = times - (np.add.reduceat(times, starts) / lengths)[known.episode]
    squares = np.add.reduceat(inside**2, starts)
    drawn = squares > _SAME_DOSE
    slopes = np.where(drawn, np.add.reduceat(inside * scores, starts) / np.where(drawn, squares, 1.0), 0.0)
    return np.stack([known.first, known.last, slopes])
