"""Administrations: put, corrected, entered in error. A put is idempotent; nothing is ever overwritten."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.db.administrations import (
    FirstVersion,
    NewRows,
    as_bytea,
    first_versions,
    session_starts,
    write_at_last,
    write_if_all_are_new,
)
from app.db.assignments import KeptAssignment, assignments_named
from app.db.codes import AdministrationState, Clarification, Role
from app.db.devices import seen
from app.db.episode_records import EpisodeRecord, KeptAdministration, KeptAlert, KeptSeries, lock_and_read
from app.db.ids import uuid7
from app.db.instruments import Instruments, find_instruments
from app.db.session import Query, Work
from app.db.settings import settings_in_force
from app.db.summaries import refresh_episodes
from app.errors import AdministrationConflict, InvalidReference, NotFound, SporError
from app.scales.answers import letters_of_states
from app.scales.scoring import CriticalStatus
from app.services.admission import Admission, Submission, admit, faults, refusal
from app.services.bodies import write_body
from app.services.placing import PlacedEpisode
from app.services.risks import alert_rows
from app.services.settings import ServiceSettings, read_settings
from app.services.summaries import measures_of
from app.services.verdicts import verdicts_for_answers

BATCH_LIMIT = 500


class PutStatus(StrEnum):
    """What became of one put."""

    STORED = "stored"
    REPEATED = "repeated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What whoever put an administration may know: that it is kept. The same however often it is put."""

    id: UUID
    state: AdministrationState
    received_at: datetime


@dataclass(frozen=True, slots=True)
class PutOutcome:
    """What became of one put: the receipt, or the error."""

    id: UUID
    status: PutStatus
    receipt: Receipt | None = None
    error: SporError | None = None


def put_at_last(work: Work, submission: Submission, *, clock_tolerance: timedelta) -> PutOutcome:
    """Store one administration as the last thing in its transaction, with what follows from it."""
    put = _Put(work, [submission], clock_tolerance, noted=seen(work))
    outcome = put.one(submission)
    if put.admitted and not write_at_last(work, work.entry, put.rows(), *put.last()):
        return PutOutcome(submission.id, PutStatus.REFUSED, error=_conflict())
    return outcome


def put_administrations(
    work: Work, submissions: Sequence[Submission], *, clock_tolerance: timedelta
) -> list[PutOutcome]:
    """Store what can be read, once each, with the verdicts that follow; report what can't."""
    taken_elsewhere: set[UUID] = set()
    while True:
        put = _Put(work, submissions, clock_tolerance, taken_elsewhere)
        outcomes = [put.one(submission) for submission in submissions]
        found = write_if_all_are_new(work, work.entry, put.rows()) if put.admitted else set()
        if not found:
            if put.admitted:
                work.ask_all(*put.last())
            return outcomes
        taken_elsewhere |= found


def _conflict() -> AdministrationConflict:
    return AdministrationConflict("another administration has this id", pointer="/id", allowed="a new UUID")


class _Put:
    """One put of some administrations: what is locked and known, and what has been admitted so far."""

    def __init__(
        self,
        work: Work,
        submissions: Sequence[Submission],
        clock_tolerance: timedelta,
        taken_elsewhere: Collection[UUID] = (),
        noted: Sequence[Query[Any]] = (),
    ) -> None:
        self.work = work
        self.taken_elsewhere = taken_elsewhere
        self.clock_tolerance = clock_tolerance
        linked = {each.treatment_session_id for each in submissions if each.treatment_session_id}
        named = {named for each in submissions if (named := self._assignment_of(each))}
        _, self.records, self.known, kept_settings, *others = work.ask_all(
            *lock_and_read(work, {each.episode_id for each in submissions if each.episode_id}),
            first_versions(work, [each.id for each in submissions]),
            settings_in_force(work),
            *([session_starts(work, linked)] if linked else []),
            *([assignments_named(work, named)] if named else []),
            *noted,
        )
        self.session_starts: dict[UUID, datetime] = others[0] if linked else {}
        self.assignments: dict[UUID, KeptAssignment] = others[bool(linked)] if named else {}
        self.settings = read_settings(kept_settings)
        self.instruments = find_instruments(work, {each.instrument for each in submissions})
        self.new = NewRows()
        self.admitted: dict[UUID, list[UUID]] = {}

    def one(self, submission: Submission) -> PutOutcome:
        """Admit one submission, tell a repetition, or refuse it."""
        record = self.records.get(submission.episode_id) if submission.episode_id else None
        try:
            known = self.known.get(submission.id)
            if submission.id in self.taken_elsewhere:
                raise _conflict()
            if record is None:
                raise _conflict() if known else _no_episode(submission, self.instruments)
            named = self._assignment_of(submission)
            assignment = self.assignments.get(named) if named else None
            unknown = named is not None and assignment is None
            admission = admit(
                submission if assignment is None else _as_asked(submission, assignment),
                record,
                self.settings,
                self.instruments,
                now=self.work.now,
                clock_tolerance=self.clock_tolerance,
                session_known=_session_known(submission, self.session_starts),
                assignment=assignment,
                not_assigned=unknown,
            )
            if known is None:
                if unknown and not _is_critical(admission):
                    raise InvalidReference("there is no such assignment", pointer="/assignment_id")
                return self._store(admission, record, assignment)
            if admission.body_hash != known.body_hash:
                raise _conflict()
        except SporError as error:
            return PutOutcome(submission.id, PutStatus.REFUSED, error=error)
        receipt = Receipt(known.id, AdministrationState(known.state), known.received_at)
        return PutOutcome(submission.id, PutStatus.REPEATED, receipt)

    def _assignment_of(self, submission: Submission) -> UUID | None:
        """Give the assignment that something is put for; a respondent's is the only one that it has."""
        if submission.assignment_id is None and self.work.scope.role is Role.RESPONDENT:
            return self.work.scope.actor_id
        return submission.assignment_id

    def _store(self, admission: Admission, record: EpisodeRecord, assignment: KeptAssignment | None) -> PutOutcome:
        submission = admission.submission
        version = NewVersion(admission, record, version=1, author_id=self.work.scope.actor_id)
        keep(self.work, self.new, version, self.session_starts, self.settings)
        self.known[submission.id] = FirstVersion(submission.id, admission.body_hash, version.state, self.work.now)
        self.admitted.setdefault(record.id, [])
        if version.state is AdministrationState.FINAL:
            self.admitted[record.id].append(submission.id)
            if assignment is not None and assignment.administration_id is None:
                self._complete(assignment, submission)
        return PutOutcome(submission.id, PutStatus.STORED, Receipt(submission.id, version.state, self.work.now))

    def _complete(self, assignment: KeptAssignment, submission: Submission) -> None:
        assignment.administration_id = submission.id
        self.new.assignments.append(
            {
                "organisation_id": self.work.scope.organisation_id,
                "id": assignment.id,
                "administration_id": submission.id,
                "completed_at": submission.completed_at,
            }
        )

    def last(self) -> list[Query[Any]]:
        """Give what is left once the rows are written: the episodes' counts of forms follow from those completed."""
        completed = {assignment.episode_id for assignment in self.assignments.values() if assignment.administration_id}
        return [refresh_episodes(self.work, self.work.entry, completed)] if self.new.assignments else []

    def rows(self) -> NewRows:
        """Give all rows to be written, with the verdicts of every series that has a new score."""
        placed = {episode_id: PlacedEpisode.of(self.records[episode_id]) for episode_id in self.admitted}
        answered = [
            (placed[episode_id], series_id, ids)
            for episode_id, new_ids in self.admitted.items()
            for series_id, ids in _by_series(self.records[episode_id], new_ids).items()
        ]
        self.new.progress += verdicts_for_answers(self.work, answered, self.settings)
        self.new.measures += measures_of(self.work, placed.values())
        return self.new


def _no_episode(submission: Submission, instruments: Instruments) -> SporError:
    if submission.episode_id is None:
        return refusal(faults(submission, instruments))
    return NotFound("there is no such episode", pointer="/episode_id")


def _as_asked(submission: Submission, assignment: KeptAssignment) -> Submission:
    """Take from the assignment who answers and which form it is, where that is not said."""
    form = submission.form
    if form is None and submission.instrument == assignment.instrument:
        form = assignment.form
    return replace(submission, form=form, informant_id=submission.informant_id or assignment.informant_id)


def _is_critical(admission: Admission) -> bool:
    """Tell whether a critical answer must be noticed, whatever else is wrong."""
    return any(answer.status is CriticalStatus.POSITIVE for answer in admission.critical)


def _session_known(submission: Submission, starts: Mapping[UUID, datetime]) -> bool:
    return submission.treatment_session_id is None or submission.treatment_session_id in starts


def _by_series(record: EpisodeRecord, ids: Sequence[UUID]) -> dict[UUID, set[UUID]]:
    wanted, grouped = set(ids), dict[UUID, set[UUID]]()
    for kept in record.administrations:
        if kept.id in wanted and kept.series_id is not None and kept.score is not None:
            grouped.setdefault(kept.series_id, set()).add(kept.id)
    return grouped


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version of an administration that is about to be kept."""

    admission: Admission
    record: EpisodeRecord
    version: int
    author_id: UUID
    reason: str | None = None
    accepted: tuple[Clarification, ...] = ()

    @property
    def state(self) -> AdministrationState:
        """Final at first, amended later; set aside while anything needs clarification."""
        if self.admission.clarifications:
            return AdministrationState.NEEDS_CLARIFICATION
        return AdministrationState.FINAL if self.version == 1 else AdministrationState.AMENDED


def keep(
    work: Work,
    rows: NewRows,
    new: NewVersion,
    starts: Mapping[UUID, datetime],
    settings: ServiceSettings,
) -> None:
    """Add the rows of a version, and place it in the episode's record for what is read after it."""
    record = new.record
    series_id = _series_of(work, rows, new)
    rows.administrations.append(_administration_row(work, new, series_id, starts))
    if new.state is not AdministrationState.NEEDS_CLARIFICATION:
        rows.scores += _score_rows(work, new)
    alerts = alert_rows(work, new.admission, record, new.version, settings.time_zone)
    rows.risk_alerts += alerts
    record.alerts += [
        KeptAlert(
            each["id"],
            each["administration_id"],
            each["instrument"],
            each["item"],
            each["code"],
            each["duty"],
            each["answered_at"],
            each["due_at"],
            None,
        )
        for each in alerts
    ]
    record.administrations.append(_kept(work, new, series_id, starts))


def _series_of(work: Work, rows: NewRows, new: NewVersion) -> UUID | None:
    """Find or begin the series of a version; what is set aside for an unknown informant has none."""
    admission, record = new.admission, new.record
    if admission.informant_id is None or admission.answers is None:
        return None
    key = (admission.instrument.key, admission.instrument.version, admission.form.family, admission.informant_id)
    for kept in record.series:
        if (kept.instrument, kept.instrument_version, kept.form_family, kept.informant_id) == key:
            return kept.id
    begun = KeptSeries(uuid7(), *key)
    record.series.append(begun)
    organisation_id = work.scope.organisation_id
    rows.series.append(
        {
            "organisation_id": organisation_id,
            "id": begun.id,
            "episode_id": record.id,
            "instrument": begun.instrument,
            "instrument_version": begun.instrument_version,
            "form_family": begun.form_family,
            "informant_id": begun.informant_id,
        }
    )
    fits = record.main_instrument in (None, begun.instrument) and admission.instrument.for_change
    if record.main_series_id is None and fits:
        record.main_series_id = begun.id
        rows.main_series.append({"organisation_id": organisation_id, "id": record.id, "main_series_id": begun.id})
    return begun.id


def _administration_row(
    work: Work, new: NewVersion, series_id: UUID | None, starts: Mapping[UUID, datetime]
) -> dict[str, Any]:
    admission = new.admission
    submission, answers = admission.submission, admission.answers
    return {
        "organisation_id": work.scope.organisation_id,
        "id": submission.id,
        "version": new.version,
        "episode_id": new.record.id,
        "series_id": series_id,
        "treatment_session_id": submission.treatment_session_id if submission.treatment_session_id in starts else None,
        "completed_at": submission.completed_at,
        "received_at": work.now,
        "author_id": new.author_id,
        "instrument": admission.instrument.key,
        "instrument_version": admission.instrument.version,
        "form": admission.form.key,
        "state": new.state,
        "timing": submission.timing,
        "occasion": submission.occasion,
        "mode": submission.mode,
        "helped_by": submission.helped_by,
        "reason": new.reason,
        "item_states": letters_of_states(answers.states) if answers else None,
        "answers": answers.codes if answers else None,
        "clarifications": admission.clarifications or None,
        "accepted": new.accepted or None,
        "body_hash": as_bytea(admission.body_hash),
        "body": write_body(submission.body) if admission.keeps_body else None,
    }


def _score_rows(work: Work, new: NewVersion) -> list[dict[str, Any]]:
    assert new.admission.scores is not None, "what needs no clarification has been scored"
    return [
        {
            "organisation_id": work.scope.organisation_id,
            "administration_id": new.admission.submission.id,
            "administration_version": new.version,
            "subscale": key,
            "value": score.value,
            "missing": score.missing,
            "prorated": score.prorated,
            "is_case": score.is_case,
            "band": score.band,
            "reason": score.reason,
        }
        for key, score in new.admission.scores.subscales.items()
    ]


def _kept(work: Work, new: NewVersion, series_id: UUID | None, starts: Mapping[UUID, datetime]) -> KeptAdministration:
    admission, submission = new.admission, new.admission.submission
    scores = admission.scores
    return KeptAdministration(
        id=submission.id,
        version=new.version,
        series_id=series_id,
        instrument=admission.instrument.key,
        form=admission.form.key,
        state=new.state,
        completed_at=submission.completed_at,
        received_at=work.now,
        answers=list(admission.answers.codes) if admission.answers else None,
        timing=submission.timing,
        treatment_session_id=submission.treatment_session_id,
        session_starts_at=starts.get(submission.treatment_session_id) if submission.treatment_session_id else None,
        score=scores.subscales[admission.instrument.main_subscale].value if scores else None,
    )
