"""What the grant report is put together from: counts, and what the service has written; nobody's record.

Three populations, each named where its counts stand: episodes that were **opened** in the year (who came), episodes
that **ended** in the year (what became of it), and what was **done** in the year (sessions, forms, reviews).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

NOT_RECORDED = "not_recorded"
"""The code that counts where nobody said which."""


@dataclass(frozen=True, slots=True)
class Events:
    """How often something was done, and in how many episodes: a number rests on so many persons, not on so many times.

    Parameters
    ----------
    count : int
        Times, 0 or more.
    episodes : int
        Episodes in which it was done at least once, at most `count`.

    Raises
    ------
    AssertionError
        If the episodes are negative or more than the times: a mistake of ours.

    Examples
    --------
    >>> Events(12, 4)
    Events(count=12, episodes=4)
    """

    count: int = 0
    episodes: int = 0

    def __post_init__(self) -> None:
        assert 0 <= self.episodes <= self.count, "nothing is done in more episodes than times"


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well a programme is documented for one target group.

    Parameters
    ----------
    target_group : str
        In own words.
    level : int or None
        0 to 5; None is unknown, which is never 0.
    source, assessed_on : str or None
        By whom and when (ISO 8601) it was assessed.
    """

    target_group: str
    level: int | None = None
    source: str | None = None
    assessed_on: str | None = None


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """How a programme is evaluated; what nobody has written is None."""

    question: str | None = None
    measure: str | None = None
    time: str | None = None
    comparator: str | None = None
    missing_data: str | None = None
    drop_out_follow_up: str | None = None
    responsible: str | None = None


@dataclass(frozen=True, slots=True)
class ProgrammeFacts:
    """A programme that was begun in the year.

    Parameters
    ----------
    id, name : str
        Its key and its own name.
    format : str
        How it is given: a code of the record.
    episodes : int
        Episodes in which it was begun in the year.
    evidence : tuple of Evidence
        By target group; empty where nothing is known.
    plan : EvaluationPlan or None
        None where nobody has written one.
    """

    id: str
    name: str
    format: str
    episodes: int
    evidence: tuple[Evidence, ...] = ()
    plan: EvaluationPlan | None = None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How many ended, were measured at the start and later by their main measure, and had changed reliably.

    Parameters
    ----------
    ended, paired, improved, deteriorated : int
        Episodes; each of the last two is part of the paired ones, those part of the ended ones.

    Raises
    ------
    AssertionError
        If a part is larger than its whole: a mistake of ours.

    Examples
    --------
    >>> Outcomes(ended=40, paired=32, improved=16, deteriorated=2).paired
    32
    """

    ended: int = 0
    paired: int = 0
    improved: int = 0
    deteriorated: int = 0

    def __post_init__(self) -> None:
        assert 0 <= self.improved + self.deteriorated <= self.paired <= self.ended, "a part is within its whole"


@dataclass(frozen=True, slots=True)
class Statements:
    """What the service says of itself for the year; what nobody has written is None."""

    target_group: str | None = None
    goals: str | None = None
    leadership: str | None = None
    budget: str | None = None
    plan: str | None = None
    involvement_individual: str | None = None
    involvement_service: str | None = None
    involvement_system: str | None = None


@dataclass(frozen=True, slots=True)
class GrantFacts:
    """Everything that the grant report says of a service, or of all services, in one calendar year.

    Parameters
    ----------
    received : mapping of str to int
        Episodes opened in the year, by who referred (codes of the record, and :data:`NOT_RECORDED`).
    without_referral : int
        Those of them in which the patient, or parents, came by themselves.
    first_session_days : mapping of int to int
        Of those opened in the year that have begun: episodes by whole days from first contact to first counted session.
    endings : mapping of str to int
        Episodes ended in the year, by closing reason.
    referred_on : mapping of str to int
        Those of them that were referred on, by where to (codes of the record, and :data:`NOT_RECORDED`).
    helped : int
        Those of them with at least one counted session: the denominator of the next four.
    measured_twice, discussed, with_goals, with_next_of_kin : int
        With a form that was filled in at least twice; reviewed at least once together with the patient; with a goal of
        the patient's own; in which somebody beside the patient answered a form or took part in a session.
    goals_set, goals_ended, goals_judged, goals_reached : Events
        The goals of episodes that ended in the year.
    sessions, sessions_measured : Events
        Counted sessions held in the year, once for each episode; those with a form of the same day or for the session.
    sessions_by_mode, forms_by_mode : mapping of str to Events
        All sessions held, and all forms filled in, in the year, by how.
    reviews, reviews_with_patient : Events
        Of the year.
    programmes : tuple of ProgrammeFacts
        Those begun in the year.
    outcomes : Outcomes
        Of all episodes that ended in the year.
    outcomes_by_area : mapping of str to Outcomes
        Of those with a problem area; an episode with several counts in each.
    statements : Statements
        Own words.
    """

    received: Mapping[str, int] = field(default_factory=dict)
    without_referral: int = 0
    first_session_days: Mapping[int, int] = field(default_factory=dict)
    endings: Mapping[str, int] = field(default_factory=dict)
    referred_on: Mapping[str, int] = field(default_factory=dict)
    helped: int = 0
    measured_twice: int = 0
    discussed: int = 0
    with_goals: int = 0
    with_next_of_kin: int = 0
    goals_set: Events = Events()
    goals_ended: Events = Events()
    goals_judged: Events = Events()
    goals_reached: Events = Events()
    sessions: Events = Events()
    sessions_measured: Events = Events()
    sessions_by_mode: Mapping[str, Events] = field(default_factory=dict)
    forms_by_mode: Mapping[str, Events] = field(default_factory=dict)
    reviews: Events = Events()
    reviews_with_patient: Events = Events()
    programmes: tuple[ProgrammeFacts, ...] = ()
    outcomes: Outcomes = Outcomes()
    outcomes_by_area: Mapping[str, Outcomes] = field(default_factory=dict)
    statements: Statements = Statements()

    @property
    def referred(self) -> int:
        """Episodes opened in the year."""
        return sum(self.received.values())

    @property
    def started(self) -> int:
        """Episodes opened in the year that have had a counted session."""
        return sum(self.first_session_days.values())

    @property
    def ended(self) -> int:
        """Episodes ended in the year."""
        return sum(self.endings.values())
