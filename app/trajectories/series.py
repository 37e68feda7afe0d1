"""From events to a series: who answered when, how much treatment lay before it, and where it started.

A patient's scores are placed on two axes. `dose` counts the attended, counted treatment sessions that lie before
an administration; `weeks` counts calendar time since the baseline measure. Fortnightly care collects weeks faster
than dose, so neither can stand in for the other.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from app.errors import InvalidSeries

BASELINE_WINDOW = timedelta(days=28)
"""How old a score may be at the first counted session and still be its baseline (design, section 3)."""

LATEST_PROPER_BASELINE_DOSE = 1
"""A first score after more treatment than this is a *late baseline* (design, section 3)."""

_WEEK = timedelta(weeks=1)


class Timing(StrEnum):
    """Where an administration lies in relation to the session that it is linked to."""

    BEFORE = "before"
    AFTER = "after"
    BETWEEN = "between"


class Phase(StrEnum):
    """Which part of the episode an administration belongs to."""

    WAITING = "waiting"
    TREATMENT = "treatment"
    FOLLOW_UP = "follow_up"


@dataclass(frozen=True, slots=True)
class CountedSession:
    """A treatment session that counts: attended, and of a contact type that the programme counts.

    Parameters
    ----------
    session_id : Hashable
        Identity of the session, as measurements refer to it.
    starts_at : datetime
        Start of the session, aware.

    Raises
    ------
    InvalidSeries
        If the time is naive.
    """

    session_id: Hashable
    starts_at: datetime

    def __post_init__(self) -> None:
        _require_aware(self.starts_at, "starts_at")


@dataclass(frozen=True, slots=True)
class Measurement:
    """A valid score as the record holds it, not yet placed on a trajectory.

    Parameters
    ----------
    administration_id : Hashable
        Identity of the administration.
    completed_at : datetime
        When the form was completed, aware.
    score : float
        The valid score, points.
    session_id : Hashable or None
        The session that the administration is linked to, attended or not.
    timing : Timing or None
        Where it lies in relation to that session; None is read as `between`.
    session_starts_at : datetime or None
        Start of the linked session, aware. Places the score when the session was not attended or does not count.

    Raises
    ------
    InvalidSeries
        If a time is naive or the score is not a finite number.
    """

    administration_id: Hashable
    completed_at: datetime
    score: float
    session_id: Hashable | None = None
    timing: Timing | None = None
    session_starts_at: datetime | None = None

    def __post_init__(self) -> None:
        _require_aware(self.completed_at, "completed_at")
        if self.session_starts_at is not None:
            _require_aware(self.session_starts_at, "session_starts_at")
        if not math.isfinite(self.score):
            raise InvalidSeries("a score must be a finite number", pointer="/score")


@dataclass(frozen=True, slots=True)
class Observation:
    """One score on its two axes.

    Parameters
    ----------
    administration_id : Hashable
        Identity of the administration.
    completed_at : datetime
        When the form was completed, aware.
    score : float
        Points.
    dose : int
        Counted sessions attended before the administration.
    weeks : float
        Weeks since the baseline measure, negative before it.
    phase : Phase
        Waiting, treatment or follow-up.
    session : int or None
        The counted session that it was given with, the first being 1: the linked one, else the nearer one of those
        around it, the coming one if they are as near. None where no session counts, or sessions are not known.
    """

    administration_id: Hashable
    completed_at: datetime
    score: float
    dose: int
    weeks: float
    phase: Phase
    session: int | None = None


def dose_at(measurement: Measurement, sessions: Iterable[CountedSession]) -> int:
    """Count the sessions that lie before a measurement.

    Parameters
    ----------
    measurement : Measurement
        The score to place.
    sessions : iterable of CountedSession
        The counted sessions of the episode, in any order.

    Returns
    -------
    int
        The dose. A measurement before session n has dose n - 1.

    Notes
    -----
    A link says more than a clock: a form that was filled in before the session counts as before it, although the
    tablet sent it an hour later. A score that is linked `before` has the sessions that started earlier than the
    linked one; `after` has the linked one too, if it counts. A linked session that does not count (not attended,
    say) still gives the moment, from `session_starts_at`. Everything else is placed by `completed_at`.

    Examples
    --------
    >>> from datetime import UTC
    >>> weekly = [CountedSession(n, datetime(2024, 1, 1 + 7 * n, 10, tzinfo=UTC)) for n in range(3)]
    >>> at_noon = datetime(2024, 1, 8, 12, tzinfo=UTC)
    >>> dose_at(Measurement("by the clock", at_noon, 14), weekly)
    2
    >>> dose_at(Measurement("by the link", at_noon, 14, session_id=1, timing=Timing.BEFORE), weekly)
    1
    """
    return _dose(measurement, *_starts(sessions))


@dataclass(frozen=True, slots=True)
class Series:
    """The scores of one instrument, form family and informant in one episode, in time order.

    Use :meth:`build` to make one from the record.

    Parameters
    ----------
    observations : tuple of Observation
        In order of `completed_at`.
    baseline_index : int or None
        Position of the baseline among the observations; None only where it is not known (yet).
    late_baseline : bool
        Whether treatment was well under way at the baseline, so that no early response can be told.
    sessions_counted : int
        Counted sessions of the episode as now known.

    Raises
    ------
    InvalidSeries
        If the observations are not in time order or the baseline is not among them.

    Notes
    -----
    Order follows the calendar and dose follows the links, so that a dose can be lower than the one before it where
    the two disagree. The model takes each score at the dose and the week that it has, and needs no order of doses.
    """

    observations: tuple[Observation, ...]
    baseline_index: int | None
    late_baseline: bool
    sessions_counted: int

    def __post_init__(self) -> None:
        times = [observation.completed_at for observation in self.observations]
        if times != sorted(times):
            raise InvalidSeries("the observations of a series must be in time order")
        if self.baseline_index is not None and not 0 <= self.baseline_index < len(self.observations):
            raise InvalidSeries("the baseline must be one of the observations")

    @classmethod
    def build(
        cls,
        measurements: Iterable[Measurement],
        sessions: Iterable[CountedSession],
        treatment_ended_at: datetime | None = None,
    ) -> Series:
        """Place measurements among the sessions and find where the treatment started.

        Parameters
        ----------
        measurements : iterable of Measurement
            The valid scores of one series, in any order.
        sessions : iterable of CountedSession
            The counted sessions of the episode, in any order.
        treatment_ended_at : datetime, optional
            End of the treatment, aware. Later scores are follow-up.

        Returns
        -------
        Series

        Raises
        ------
        InvalidSeries
            If a time is naive, or an administration or a session comes twice.

        Notes
        -----
        The baseline is the last score at dose 0 within 28 days before the first counted session; else the first at
        dose 0 or 1; else the first there is, marked late. Scores at dose 0 other than the baseline are waiting
        time, and so is everything until a first session counts.
        """
        sessions = sorted(sessions, key=lambda session: session.starts_at)
        ordered = _in_time_order(measurements)
        _require_distinct([session.session_id for session in sessions], "session")
        _require_distinct([measurement.administration_id for measurement in ordered], "administration")
        if treatment_ended_at is not None:
            _require_aware(treatment_ended_at, "treatment_ended_at")
        starts = _starts(sessions)
        doses = [_dose(measurement, *starts) for measurement in ordered]
        baseline_index, late = _find_baseline(ordered, doses, sessions)

        def observation(index: int, measurement: Measurement, dose: int) -> Observation:
            assert baseline_index is not None, "a series with a measurement has a baseline"
            if not sessions or index < baseline_index or (dose == 0 and index != baseline_index):
                phase = Phase.WAITING
            elif treatment_ended_at is not None and measurement.completed_at > treatment_ended_at:
                phase = Phase.FOLLOW_UP
            else:
                phase = Phase.TREATMENT
            weeks = (measurement.completed_at - ordered[baseline_index].completed_at) / _WEEK
            return Observation(
                measurement.administration_id,
                measurement.completed_at,
                measurement.score,
                dose,
                weeks,
                phase,
                _session(measurement, *starts),
            )

        placed = tuple(observation(index, *pair) for index, pair in enumerate(zip(ordered, doses, strict=True)))
        return cls(placed, baseline_index, late, len(sessions))

    def treated(self) -> tuple[Observation, ...]:
        """Give the observations that tracking uses: the baseline, and what follows until the treatment ended.

        Returns
        -------
        tuple of Observation
            The baseline first. Empty without a baseline, or before any session counts. Waiting-time and follow-up
            scores are shown, never fitted.
        """
        if self.baseline_index is None:
            return ()
        return tuple(each for each in self.observations[self.baseline_index :] if each.phase is Phase.TREATMENT)

    def until(self, index: int) -> Series:
        """Give the series as it stood at one of its observations, with the baseline that is known now.

        Parameters
        ----------
        index : int
            Position of the last observation to keep, 0 or more.

        Returns
        -------
        Series
            The rows up to and including that one; without a baseline when that comes later.

        Raises
        ------
        InvalidSeries
            If there is no such observation.
        """
        if not 0 <= index < len(self.observations):
            raise InvalidSeries("there is no observation at that position")
        known = self.baseline_index is not None and self.baseline_index <= index
        return replace(
            self,
            observations=self.observations[: index + 1],
            baseline_index=self.baseline_index if known else None,
            late_baseline=self.late_baseline and known,
        )


def _in_time_order(measurements: Iterable[Measurement]) -> list[Measurement]:
    """Order measurements by time, and those of one moment by identity."""
    # Only then, since writing out identities takes a fifth of the time of placing all.
    ordered = sorted(measurements, key=lambda each: each.completed_at)
    if any(one.completed_at == other.completed_at for one, other in pairwise(ordered)):
        ordered.sort(key=lambda each: (each.completed_at, str(each.administration_id)))
    return ordered


def _find_baseline(
    measurements: Sequence[Measurement], doses: Sequence[int], sessions: Sequence[CountedSession]
) -> tuple[int | None, bool]:
    """Find the baseline among time-ordered measurements, and whether it is a late one."""
    if not measurements:
        return None, False
    if sessions:
        earliest = sessions[0].starts_at - BASELINE_WINDOW
        for index in reversed(range(len(measurements))):
            if doses[index] == 0 and measurements[index].completed_at >= earliest:
                return index, False
    for index, dose in enumerate(doses):
        if dose <= LATEST_PROPER_BASELINE_DOSE:
            return index, False
    return 0, True


def _starts(sessions: Iterable[CountedSession]) -> tuple[list[datetime], dict[Hashable, datetime]]:
    """Give when the sessions start, in order and by session."""
    by_session = {session.session_id: session.starts_at for session in sessions}
    return sorted(by_session.values()), by_session


def _dose(measurement: Measurement, starts: list[datetime], by_session: Mapping[Hashable, datetime]) -> int:
    if measurement.session_id is None or measurement.timing in (None, Timing.BETWEEN):
        return bisect_left(starts, measurement.completed_at)
    linked = by_session.get(measurement.session_id)
    if linked is not None:
        return bisect_left(starts, linked) + (measurement.timing is Timing.AFTER)
    return bisect_left(starts, measurement.session_starts_at or measurement.completed_at)


def _session(measurement: Measurement, starts: list[datetime], by_session: Mapping[Hashable, datetime]) -> int | None:
    linked = by_session.get(measurement.session_id)
    if linked is not None:
        return bisect_left(starts, linked) + 1
    before, moment = bisect_left(starts, measurement.completed_at), measurement.completed_at
    if not 0 < before < len(starts):
        return min(before + 1, len(starts)) or None
    return before if moment - starts[before - 1] < starts[before] - moment else before + 1


def _require_aware(moment: datetime, name: str) -> None:
    if moment.utcoffset() is None:
        raise InvalidSeries(f"{name} must carry a time zone", pointer=f"/{name}", allowed="an aware time")


def _require_distinct(identities: Sequence[Hashable], noun: str) -> None:
    if len(set(identities)) != len(identities):
        raise InvalidSeries(f"each {noun} may come only once in a series")
