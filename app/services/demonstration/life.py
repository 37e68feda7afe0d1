"""One cohort's life in the record: what its therapist and its tablet did, moment by moment.

The use cases are called in the order of events, each with the caller and the time of its moment, so that every verdict
is issued as it would have been then. Treatment sessions alone are entered beforehand, as an appointment book has them;
no verdict looks ahead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final
from uuid import UUID, uuid5

import numpy as np

from app.db import record
from app.db.assignments import open_on_device
from app.db.codes import ClosingReason, InformantRole, Language, ReferredTo, ReviewAction, ReviewCause, Visibility
from app.db.editing import add_all, add_all_of_organisation
from app.db.ids import uuid7
from app.db.models import Attendance, Episode, Programme, Review, TreatmentSession
from app.db.results import last_verdicts
from app.db.session import Scope, Work
from app.services.administrations import PutStatus, put_administrations
from app.services.admission import Submission
from app.services.assignments import add_assignment
from app.services.demonstration.courses import Cohort, Form, Member
from app.services.episodes import change_episode, open_episode
from app.services.patients import add_informant, register_patient
from app.services.reviews import change_review, record_review
from app.services.risks import acknowledge_alert
from app.trajectories.progress import Signal
from app.trajectories.series import Timing

_CLOCK_TOLERANCE: Final = timedelta(minutes=5)

_CAUSES: Final = (
    ReviewCause.MOTIVATION_AND_GOALS,
    ReviewCause.LIFE_EVENTS,
    ReviewCause.METHOD_FIT,
    ReviewCause.ALLIANCE,
)
_ACTIONS: Final = (ReviewAction.CHANGE_FOCUS, ReviewAction.CONTINUE, ReviewAction.SUPERVISION)

_REVIEWED, _DONE, _ASSESSED_LAST = 0.7, 0.8, 0.3
"""How often a signal is reviewed, a due review is done, and a critical answer at the last contact is assessed."""


@dataclass(slots=True)
class _Case:
    """One member's rows, and the reviews that are not done yet."""

    member: Member
    episode: Episode
    self_id: UUID
    parent_ids: Mapping[str, UUID]
    assignments: dict[str, UUID]
    """What was asked for and is not filled in yet, by instrument."""
    reviews: list[Review] = field(default_factory=list)


class Life:
    """The life of one cohort, in its therapist's transaction."""

    def __init__(
        self, work: Work, tablet: Scope, programme: Programme, cohort: Cohort, rng: np.random.Generator
    ) -> None:
        self.work = work
        self.tablet = tablet
        self.programme = programme
        self.cohort = cohort
        self.rng = rng
        self.cases: list[_Case] = []
        self.session_ids: list[UUID] = []

    def live(self) -> None:
        """Open, meet, answer, look, close."""
        self.cases = [self._open(member) for member in self.cohort.members]
        self._enter_sessions()
        forms = [(case, form) for case in self.cases for form in case.member.forms]
        forms.sort(key=lambda pair: pair[1].received_at)
        for received_at, together in groupby(forms, key=lambda pair: pair[1].received_at):
            arrived = list(together)
            self._put(received_at, arrived)
            self._look(received_at, arrived)
        for case in self.cases:
            self._finish(case)

    def _then(self, moment: datetime, scope: Scope | None = None) -> Work:
        """Give the transaction as it was at a moment of the past: the therapist's, unless told."""
        return replace(self.work, now=moment, scope=scope or self.work.scope)

    def _open(self, member: Member) -> _Case:
        then, offer = self._then(member.opened_at), self.cohort.offer
        patient = register_patient(
            then,
            {
                "reference": member.reference,
                "birth_month": member.birth_month,
                "sex": member.sex,
                "language": Language.BOKMAL,
            },
        )
        [self_informant] = record.informants(then, patient.id)
        role = {"role": InformantRole.PARENT, "visibility": Visibility.RESTRICTED}
        parents = {label: add_informant(then, patient.id, {**role, "label": label}) for label in member.parents}
        episode = open_episode(
            then,
            {
                "patient_id": patient.id,
                "opened_at": member.opened_at,
                "pathway": offer.pathway,
                "problem_areas": list(member.problem_areas),
                "referral_source": member.referral_source,
                "planned_interval_days": offer.interval_days,
                "programme_id": self.programme.id,
            },
        )
        parent_ids = {label: parent.id for label, parent in parents.items()}
        return _Case(member, episode, self_informant.id, parent_ids, self._assign(then, member, episode))

    def _assign(self, then: Work, member: Member, episode: Episode) -> dict[str, UUID]:
        """Ask for the first form, and open it on the tablet in the waiting room."""
        if not member.forms:
            return {}
        instrument = member.forms[0].instrument
        asked = {"instrument": instrument, "form": None, "informant_id": None, "opens_at": episode.opened_at}
        assignment = add_assignment(then, episode.id, asked)
        open_on_device(then, then.entry, assignment.id, episode.id, self.tablet.actor_id)
        return {instrument: assignment.id}

    def _enter_sessions(self) -> None:
        """Enter the treatment sessions: the rows that `record_session` makes, all at once."""
        contacts = self.cohort.contacts
        self.session_ids = [uuid7() for _ in contacts]
        sessions = [
            {
                "id": session_id,
                "service_id": self.work.scope.service_id,
                "programme_id": self.programme.id,
                "therapist_id": self.work.scope.actor_id,
                "starts_at": contact.starts_at,
                "contact_type": contact.contact_type,
                "mode": contact.mode,
                "minutes": contact.minutes,
                "module": contact.module,
            }
            for session_id, contact in zip(self.session_ids, contacts, strict=True)
        ]
        attendances = [
            {
                "treatment_session_id": session_id,
                "episode_id": self.cases[presence.member].episode.id,
                "informant_id": self._informant_id(presence.member, presence.parent),
                "outcome": presence.outcome,
            }
            for session_id, contact in zip(self.session_ids, contacts, strict=True)
            for presence in contact.presences
        ]
        add_all_of_organisation(self.work, TreatmentSession, sessions)
        add_all(self.work, self.work.entry, Attendance, attendances)

    def _informant_id(self, member: int, parent: str | None) -> UUID:
        case = self.cases[member]
        return case.self_id if parent is None else case.parent_ids[parent]

    def _put(self, received_at: datetime, arrived: Sequence[tuple[_Case, Form]]) -> None:
        """Let the tablet send what has been filled in."""
        submissions = [self._submission(case, form) for case, form in arrived]
        then = self._then(received_at, self.tablet)
        outcomes = put_administrations(then, submissions, clock_tolerance=_CLOCK_TOLERANCE)
        assert all(outcome.status is PutStatus.STORED for outcome in outcomes), "a simulated form is readable and new"

    def _submission(self, case: _Case, form: Form) -> Submission:
        return Submission(
            id=self._id(case, form),
            episode_id=case.episode.id,
            instrument=form.instrument,
            body=None,
            answers=form.answers,
            completed_at=form.completed_at,
            treatment_session_id=self.session_ids[form.contact],
            timing=Timing.BEFORE,
            occasion=form.occasion,
            mode=form.mode,
            assignment_id=case.assignments.pop(form.instrument, None),
        )

    def _id(self, case: _Case, form: Form) -> UUID:
        """Give a form the id that its tablet would have made."""
        return uuid5(self.session_ids[form.contact], f"{case.member.reference} {form.instrument}")

    def _look(self, received_at: datetime, arrived: Sequence[tuple[_Case, Form]]) -> None:
        """Let the therapist, after the session, assess critical answers and review what asks for it."""
        contact = self.cohort.contacts[arrived[0][1].contact]
        then = self._then(max(received_at, contact.ends_at))
        critical = any(form.answers.get("9") for _, form in arrived if form.instrument == "phq-9")
        if critical and (contact is not self.cohort.contacts[-1] or self.rng.random() < _ASSESSED_LAST):
            self._assess_risk(then)
        for case, form in arrived:
            if form.instrument == self.programme.main_instrument:
                self._finish_reviews(then, case)
                self._review(then, case, self._id(case, form))

    def _assess_risk(self, then: Work) -> None:
        own = {case.episode.id for case in self.cases}
        for alert in record.open_alerts(then):
            if alert.episode_id in own:
                acknowledge_alert(
                    then, alert.id, alert.version, "Samtale om selvmordstanker; plan for oppfølging avtalt."
                )

    def _finish_reviews(self, then: Work, case: _Case) -> None:
        for review in [each for each in case.reviews if each.due_on is not None and each.due_on <= then.now.date()]:
            if self.rng.random() < _DONE:
                change_review(then, review.id, review.version, {"done_at": then.now})
                case.reviews.remove(review)

    def _review(self, then: Work, case: _Case, administration_id: UUID) -> None:
        """Record a review, mostly, if the verdict asks for one."""
        verdict = last_verdicts(then, [administration_id]).get(administration_id)
        if verdict is None or verdict["signal"] not in (Signal.RED, Signal.YELLOW) or self.rng.random() > _REVIEWED:
            return
        review = {
            "dose": verdict["dose"],
            "with_patient": bool(self.rng.random() < 0.8),
            "causes": [_CAUSES[self.rng.integers(len(_CAUSES))]],
            "action": _ACTIONS[self.rng.integers(len(_ACTIONS))],
            "note": None,
            "due_on": then.now.date() + timedelta(days=2 * self.cohort.offer.interval_days),
            "snoozed_until": None,
        }
        case.reviews.append(record_review(then, case.episode.id, review))

    def _finish(self, case: _Case) -> None:
        """Close the episode, or pause its signals, where that is what happened."""
        member = case.member
        if member.closed_at is not None:
            referred_on = member.closing_reason is ClosingReason.REFERRED_ON
            changes = {
                "closed_at": member.closed_at,
                "closing_reason": member.closing_reason,
                "referred_to": ReferredTo.SPECIALIST_CARE if referred_on else None,
            }
            change_episode(self._then(member.closed_at), case.episode.id, case.episode.version, changes)
        elif member.crisis_pause_since is not None:
            changes = {"crisis_pause_since": member.crisis_pause_since}
            change_episode(self._then(member.crisis_pause_since), case.episode.id, case.episode.version, changes)
