"""A slow and obvious model of one organisation's record, written from the design (sections 3 to 6), not from the code.

It keeps plain lists of what has happened, and works everything out anew whenever something happens: which series an
administration belongs to, what lies before it, what is said of it. Only the verdict on one look is the core's, from
the scores up to that look and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.trajectories.growth import default_curve
from app.trajectories.policy import Flagging, Plan, Policy
from app.trajectories.progress import Progress
from app.trajectories.series import Observation, Phase, Series
from app.trajectories.tracking import assess
from tests.machine.questionnaires import CRITICAL_ITEM, PRORATED_AT_MOST, QUESTIONNAIRES, Total
from tests.machine.told import Moment, Told

WEEK = timedelta(weeks=1)
BASELINE_WINDOW = timedelta(days=28)
COUNTED_WITHOUT_PROGRAMME = {"individual", "group", "parents"}


@dataclass(eq=False, repr=False)
class Patient:
    id: str
    reference: str
    birth_month: datetime
    informants: dict[str, str]  # id to role

    def himself(self) -> str:
        return next(each for each, role in self.informants.items() if role == "self")


@dataclass(eq=False, repr=False)
class Programme:
    id: str
    counted: set[str]
    planned_dose: int | None
    interval_days: int
    main_instrument: str | None


@dataclass(eq=False, repr=False)
class ProgrammeOfEpisode:
    id: str
    programme: Programme
    started_at: datetime
    ended_at: datetime | None = None
    version: int = 1


@dataclass(eq=False)
class Session:
    id: str
    starts_at: datetime = field(repr=False)
    contact_type: str = field(repr=False)
    version: int = field(default=1, repr=False)


@dataclass(eq=False)
class Attendance:
    session: Session
    episode: Episode
    informant: str = field(repr=False)
    outcome: str = field(repr=False)
    id: str | None = field(default=None, repr=False)  # told when it is asked for
    version: int = field(default=1, repr=False)


@dataclass(frozen=True)
class SeriesKey:
    """What is compared with each other: one instrument, answered by one person."""

    instrument: str
    informant: str


@dataclass(eq=False, repr=False)
class Episode:
    id: str
    patient: Patient
    opened_at: datetime
    version: int
    pathway: int | None = None
    planned_dose: int | None = None
    interval_days: int | None = None
    crisis_pause_since: datetime | None = None
    closed_at: datetime | None = None
    programmes: list[ProgrammeOfEpisode] = field(default_factory=list)
    reviews: list[tuple[int, str | None]] = field(default_factory=list)  # dose, due on
    series: dict[SeriesKey, Told] = field(default_factory=dict)  # in the order in which they were begun
    main: SeriesKey | None = None

    def __repr__(self) -> str:
        return f"<episode {self.id[-4:]}>"

    def plan(self) -> Plan:
        latest = self.programmes[-1].programme if self.programmes else None
        interval = self.interval_days or (latest.interval_days if latest else 7)
        dose = self.planned_dose or (latest.planned_dose if latest else None)
        return Plan(dose, interval, self.pathway, crisis_pause=self.crisis_pause_since is not None)

    def treatment_ended_at(self) -> datetime | None:
        """The closing, or the end of the last programme where all have ended, whichever is earlier."""
        ends = [each.ended_at for each in self.programmes]
        known = [each for each in ends if each is not None]
        ended = [max(known)] if known and len(known) == len(ends) else []
        return min([*ended, *([self.closed_at] if self.closed_at else [])], default=None)


@dataclass(frozen=True)
class Content:
    """What one version of an administration says, as far as it can be read."""

    episode: Episode
    instrument: str
    informant: str | None = None  # as it was named, known or not; None is the patient
    session: str | None = None  # as it was named, known or not
    timing: str | None = None
    mode: str | None = None
    completed_at: datetime | None = None
    codes: tuple[int | None, ...] | None = None  # None where it can't be read
    states: tuple[str, ...] | None = None

    def critical_code(self) -> int | None:
        number = CRITICAL_ITEM.get(self.instrument)
        return self.codes[int(number) - 1] if self.codes is not None and number is not None else None


@dataclass
class Version:
    number: int
    state: str
    content: Content
    clarifications: list[str]
    accepted: list[str]
    made: Moment
    author: Told
    reason: str | None = None
    series: SeriesKey | None = None
    session: Session | None = None
    total: Total | None = None

    @property
    def used(self) -> bool:
        return self.state in ("final", "amended")


@dataclass(frozen=True)
class Verdict:
    """A verdict as it was issued: what it says, and about the issue itself."""

    says: Mapping[str, Any]
    issue: int
    cause: str
    settings_version: int
    issued: Moment


@dataclass(eq=False)
class Alert:
    episode: Episode = field(repr=False)
    administration: Administration = field(repr=False)
    code: int
    duty: str
    answered_at: datetime | Moment = field(repr=False)
    raised: Moment = field(repr=False)
    id: Told = field(default_factory=Told, repr=False)
    version: int = 1
    acknowledged: Moment | None = None


@dataclass(eq=False)
class Administration:
    id: str
    body: Mapping[str, Any] = field(repr=False)
    versions: list[Version] = field(default_factory=list, repr=False)
    verdicts: list[Verdict] = field(default_factory=list, repr=False)
    alerts: list[Alert] = field(default_factory=list, repr=False)
    receipt: bytes | None = field(default=None, repr=False)  # as the tablet got it first

    @property
    def now(self) -> Version:
        return self.versions[-1]


@dataclass(frozen=True)
class Place:
    """A score on its two axes."""

    administration: Administration
    completed_at: datetime
    score: int
    dose: int
    weeks: float
    phase: str
    is_baseline: bool


class RecordModel:
    """One organisation's record; `settings` holds what the service lead has decided."""

    def __init__(self) -> None:
        self.patients: list[Patient] = []
        self.episodes: list[Episode] = []
        self.sessions: list[Session] = []
        self.attendances: list[Attendance] = []
        self.administrations: list[Administration] = []
        self.mode = "decision_support"
        self.flagging = "pending"
        self.max_missing: dict[str, int] = {}
        self.settings_version = 1

    @property
    def deciding(self) -> bool:
        """Whether verdicts are shown."""
        return self.mode == "decision_support"

    # ---- What is there

    def administration(self, administration_id: str) -> Administration | None:
        return next((each for each in self.administrations if each.id == administration_id), None)

    def session(self, session_id: str | None) -> Session | None:
        return next((each for each in self.sessions if each.id == session_id), None)

    def of_episode(self, episode: Episode) -> list[Administration]:
        """The administrations that now belong to an episode, but for what was entered in error."""
        return [
            each
            for each in self.administrations
            if each.now.content.episode is episode and each.now.state != "entered_in_error"
        ]

    def alerts(self, episode: Episode) -> list[Alert]:
        return [alert for each in self.administrations for alert in each.alerts if alert.episode is episode]

    def at_most_missing(self, instrument: str) -> int:
        return self.max_missing.get(instrument, PRORATED_AT_MOST)

    # ---- Where the scores of a series lie

    def counted_sessions(self, episode: Episode) -> list[Session]:
        """The sessions that somebody of the episode attended, and that its programme of that time counts."""
        attended = [each.session for each in self.attendances if each.episode is episode and each.outcome == "attended"]
        return [each for each in self.sessions if each in attended and each.contact_type in _counted(episode, each)]

    def dose(self, administration: Administration, sessions: Sequence[Session]) -> int:
        """Sessions that lie before an administration: by its link if it has one that says so, else by the clock."""
        version = administration.now
        moment, one_more = version.content.completed_at, 0
        linked = version.session
        if linked is not None and version.content.timing in ("before", "after"):
            moment = linked.starts_at
            one_more = int(version.content.timing == "after" and linked in sessions)
        assert moment is not None
        return sum(each.starts_at < moment for each in sessions) + one_more

    def places(self, episode: Episode, key: SeriesKey) -> list[Place]:
        """Place the scores of a series, in the order of answering."""
        used = [
            (each.now.content.completed_at, each.id, each, each.now.total.value)
            for each in self.of_episode(episode)
            if each.now.series == key and each.now.used and each.now.total is not None
            if each.now.total.value is not None and each.now.content.completed_at is not None
        ]
        used.sort(key=lambda row: row[:2])
        sessions = self.counted_sessions(episode)
        rows = [(at, each, score, self.dose(each, sessions)) for at, _, each, score in used]
        baseline = _baseline([(at, dose) for at, _, _, dose in rows], sessions)
        ended_at = episode.treatment_ended_at()
        places = []
        for index, (at, each, score, dose) in enumerate(rows):
            if not sessions or index < baseline or (dose == 0 and index != baseline):
                phase = "waiting"
            elif ended_at is not None and at > ended_at:
                phase = "follow_up"
            else:
                phase = "treatment"
            places.append(Place(each, at, score, dose, (at - rows[baseline][0]) / WEEK, phase, index == baseline))
        return places

    def late_baseline(self, places: Sequence[Place]) -> bool:
        """Whether treatment was well under way at the baseline: more than one session before it."""
        return any(each.is_baseline and each.dose > 1 for each in places)

    # ---- What is said of them

    def look(self, episode: Episode, key: SeriesKey, places: Sequence[Place], index: int) -> Mapping[str, Any] | None:
        """Say how the patient stood at one administration, from the treated scores up to it and from nothing later."""
        curve = default_curve(key.instrument)
        if places[index].phase != "treatment" or curve is None:
            return None
        known = tuple(
            Observation(each.administration.id, each.completed_at, each.score, each.dose, each.weeks, Phase.TREATMENT)
            for each in places[: index + 1]
            if each.phase == "treatment"
        )
        progress = assess(
            Series(known, 0, self.late_baseline(places), len(self.counted_sessions(episode))),
            QUESTIONNAIRES[key.instrument].criteria,
            curve,
            Policy(flagging=Flagging(self.flagging)),
            episode.plan(),
            reviewed_doses=[dose for dose, _ in episode.reviews],
        )
        assert progress is not None
        return _said(progress)

    def standing(self, episode: Episode, key: SeriesKey) -> Verdict | None:
        """The verdict that was issued last on the newest score in treatment."""
        treated = [each for each in self.places(episode, key) if each.phase == "treatment"]
        return treated[-1].administration.verdicts[-1] if treated and treated[-1].administration.verdicts else None

    # ---- What is issued when something happens

    def issue_for_answers(self, new: Sequence[Administration], issued: Moment) -> None:
        """New answers get their verdicts; later ones of their series are issued anew if they now say something else."""
        for episode in self.episodes:
            for key in episode.series:
                places = self.places(episode, key)
                are_new = [each.administration in new for each in places]
                first = are_new.index(True) if any(are_new) else len(places)
                for index in range(first, len(places)):
                    cause = "answer" if are_new[index] else "late_answer"
                    self._issue(episode, key, places, index, cause, issued)

    def issue_for_episodes(self, episodes: Iterable[Episode], cause: str, issued: Moment) -> None:
        """Issue anew whatever has been said of any series of the episodes and would now be different."""
        for episode in episodes:
            for key in episode.series:
                places = self.places(episode, key)
                for index in range(len(places)):
                    self._issue(episode, key, places, index, cause, issued)

    def issue_newest(self, episode: Episode, cause: str, issued: Moment) -> None:
        """Issue anew what was said last of each series: a plan or a review changes how things stand, not the past."""
        for key in episode.series:
            places = self.places(episode, key)
            treated = [index for index, each in enumerate(places) if each.phase == "treatment"]
            if treated:
                self._issue(episode, key, places, treated[-1], cause, issued)

    def _issue(
        self, episode: Episode, key: SeriesKey, places: Sequence[Place], index: int, cause: str, issued: Moment
    ) -> None:
        if self.mode != "decision_support":
            return
        says, verdicts = self.look(episode, key, places, index), places[index].administration.verdicts
        if says is not None and (not verdicts or verdicts[-1].says != says):
            verdicts.append(Verdict(says, len(verdicts) + 1, cause, self.settings_version, issued))


def _counted(episode: Episode, session: Session) -> set[str]:
    present = [each for each in episode.programmes if each.started_at <= session.starts_at]
    return present[-1].programme.counted if present else COUNTED_WITHOUT_PROGRAMME


def _baseline(rows: Sequence[tuple[datetime, int]], sessions: Sequence[Session]) -> int:
    """Find the baseline among times and doses; a late one is the first there is."""
    if sessions:
        first = min(each.starts_at for each in sessions)
        recent = [index for index, (at, dose) in enumerate(rows) if dose == 0 and at >= first - BASELINE_WINDOW]
        if recent:
            return recent[-1]
    return next((index for index, (_, dose) in enumerate(rows) if dose <= 1), 0)


def _said(progress: Progress) -> Mapping[str, Any]:
    lower, upper = progress.band or (None, None)
    return {
        "signal": str(progress.signal),
        "signal_reason": str(progress.signal_reason),
        "responder_state": str(progress.responder_state),
        "change": str(progress.change),
        "dose": progress.dose,
        "weeks": progress.weeks,
        "score": progress.score,
        "baseline": progress.baseline,
        "expected": progress.expected,
        "lower": lower,
        "upper": upper,
        "end_dose": progress.end_dose,
        "goal_probability": progress.probabilities.goal_by_end,
        "deterioration_probability": progress.probabilities.deterioration_by_end,
        "change_probability": progress.probabilities.established_change,
        "reasons": [{"code": str(each.code), "evidence": dict(each.evidence)} for each in progress.reasons],
        "curve": progress.curve_version,
    }
