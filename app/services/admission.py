"""From a body to an administration: critical items first, then everything else that can be said about it.

A form that can be read is never refused: what keeps it from being used (a clock that is ahead, a closed episode,
the wrong form for the age, too many blanks) is noted as a clarification. What cannot be read as that form is an
error, unless a critical item in it is readably positive; then it is kept whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from app.db.assignments import KeptAssignment
from app.db.codes import Clarification
from app.db.episode_records import EpisodeRecord
from app.db.instruments import Instruments, known_instrument
from app.errors import InstrumentNotEnabled, InvalidInput, UnknownInstrument
from app.scales.instrument import Form, InformantRole, Instrument
from app.scales.scoring import (
    Answers,
    CriticalAnswer,
    CriticalStatus,
    Scores,
    problems,
    read_critical,
    score,
    without_problems,
)
from app.services.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Submission:
    """A body as it came in, with whatever of it has the right form, and what has not."""

    id: UUID
    episode_id: UUID | None
    instrument: str | None
    body: object
    problems: tuple[InvalidInput, ...] = ()
    form: str | None = None
    informant_id: UUID | None = None
    answers: object = None
    item_states: object = None
    completed_at: datetime | None = None
    treatment_session_id: UUID | None = None
    timing: str | None = None
    occasion: str | None = None
    mode: str | None = None
    helped_by: str | None = None
    assignment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """An administration that is kept: used if it has no clarifications, else set aside until somebody resolves them."""

    submission: Submission
    instrument: Instrument
    form: Form
    informant_id: UUID | None
    answers: Answers | None
    scores: Scores | None
    critical: tuple[CriticalAnswer, ...]
    clarifications: tuple[Clarification, ...]
    keeps_body: bool
    """Whether the columns can't hold all that came in, so that the body itself has to be kept; also once accepted."""

    @property
    def body_hash(self) -> bytes:
        """SHA-256 of the canonical body: of what was read, or of the whole where it could not be read."""
        if self.answers is None:
            return canonical_hash(self.submission.body)
        return canonical_hash(_canonical(self))


def canonical_hash(body: object) -> bytes:
    """Hash a JSON value, the same for every spelling of it (order of keys, white space)."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _canonical(admission: Admission) -> dict[str, Any]:
    """Give what was read, with what was left to the default filled in."""
    submission, answers = admission.submission, admission.answers
    assert answers is not None, "only what was read has a canonical form"
    assert submission.completed_at is not None, "what was read has a time"
    informant_id = admission.informant_id or submission.informant_id
    named = {"assignment_id": str(submission.assignment_id)} if submission.assignment_id else {}
    return named | {
        "episode_id": str(submission.episode_id),
        "informant_id": str(informant_id),
        "treatment_session_id": str(submission.treatment_session_id),
        **{name: getattr(submission, name) for name in ("timing", "occasion", "mode", "helped_by")},
        "instrument": submission.instrument,
        "form": admission.form.key,
        "completed_at": submission.completed_at.astimezone(UTC).isoformat(),
        "answers": answers.codes,
        "item_states": answers.states,
    }


def admit(
    submission: Submission,
    record: EpisodeRecord,
    settings: ServiceSettings,
    instruments: Instruments,
    *,
    now: datetime,
    clock_tolerance: timedelta,
    session_known: bool = True,
    assignment: KeptAssignment | None = None,
    not_assigned: bool = False,
    accepted: Sequence[Clarification] = (),
) -> Admission:
    """Read a submission to an episode; `accepted` are the clarifications that somebody has resolved as right.

    Of the organisation's instruments, `instruments` holds the one that is named, if there is one. What is put for an
    `assignment` has to be what that asks for; `not_assigned` says that it is known not to be.

    Raises
    ------
    InvalidInput
        If it can't be read as the form that it claims to be and holds no readable positive critical item.
    InstrumentNotEnabled
        If the instrument needs an agreement, and the organisation has no note of one.
    """
    found = faults(submission, instruments)
    instrument = instruments.get(submission.instrument or "")
    if instrument is None:
        raise refusal(found)
    if not settings.enables(instrument):
        raise InstrumentNotEnabled(
            f"{instrument.title} needs an agreement with {instrument.licence.holder}, of which this organisation has"
            " no note",
            pointer="/instrument",
            allowed="an instrument that is free, or whose agreement is noted in the settings",
        )
    form = next((form for form in instrument.forms if form.key == submission.form), instrument.forms[0])
    critical = read_critical(instrument, submission.answers)
    informant_id = _informant(submission, record)
    if found:
        if all(answer.status is not CriticalStatus.POSITIVE for answer in critical):
            raise refusal(found)
        return Admission(
            submission,
            instrument,
            form,
            informant_id,
            None,
            None,
            critical,
            (Clarification.UNREADABLE,),
            keeps_body=True,
        )
    answers = _read(submission, form)
    scores = score(form, answers, max_missing=settings.max_missing.get(instrument.key))
    reasons = _reasons(submission, record, form, informant_id, now + clock_tolerance) | {
        Clarification.UNKNOWN_SESSION: not session_known,
        Clarification.TOO_MANY_MISSING: scores.subscales[instrument.main_subscale].value is None,
        Clarification.NOT_ASSIGNED: not_assigned
        or (assignment is not None and not _is_asked_for(submission, assignment, form, informant_id)),
    }
    clarifications = tuple(reason for reason, holds in reasons.items() if holds and reason not in accepted)
    # The columns hold neither an informant or a session that is not there, nor the assignment that was named.
    lost = (Clarification.UNKNOWN_INFORMANT, Clarification.UNKNOWN_SESSION, Clarification.NOT_ASSIGNED)
    keeps_body = any(reasons[reason] for reason in lost)
    return Admission(submission, instrument, form, informant_id, answers, scores, critical, clarifications, keeps_body)


def _is_asked_for(submission: Submission, assignment: KeptAssignment, form: Form, informant_id: UUID | None) -> bool:
    """Tell whether an administration is what an assignment asks for, which no other has completed yet."""
    asked = (assignment.episode_id, assignment.instrument, assignment.form, assignment.informant_id)
    return asked == (submission.episode_id, submission.instrument, form.key, informant_id) and (
        assignment.administration_id in (None, submission.id)
    )


def _read(submission: Submission, form: Form) -> Answers:
    assert isinstance(submission.answers, Mapping), "a submission without problems has answers"
    states = submission.item_states if isinstance(submission.item_states, Mapping) else None
    return without_problems(form, submission.answers, states)


def _reasons(
    submission: Submission, record: EpisodeRecord, form: Form, informant_id: UUID | None, latest: datetime
) -> dict[Clarification, bool]:
    completed_at = submission.completed_at
    assert completed_at is not None, "a submission without problems has a time"
    role = record.informants.get(informant_id) if informant_id else None
    return {
        Clarification.CLOCK_AHEAD: completed_at > latest,
        Clarification.EPISODE_CLOSED: record.closed_at is not None and completed_at > record.closed_at,
        Clarification.WRONG_FORM_FOR_AGE: not fits_age(form, record.birth_month, completed_at),
        Clarification.UNKNOWN_INFORMANT: role is None,
        Clarification.WRONG_INFORMANT: role is not None and InformantRole(role) not in form.respondents,
    }


def refusal(found: Sequence[InvalidInput]) -> InvalidInput:
    """Give the first of some faults, with the others."""
    first, *others = found
    first.also = tuple(others)
    return first


def faults(submission: Submission, instruments: Instruments) -> list[InvalidInput]:
    """List everything that keeps a submission from being read as the form that it claims to be."""
    found = list(submission.problems)
    if submission.instrument is not None:
        try:
            form = known_instrument(instruments, submission.instrument).form(submission.form)
        except UnknownInstrument as error:
            return [*found, error]
        known = {each.pointer for each in found}
        found += [
            each for each in problems(form, submission.answers, submission.item_states) if each.pointer not in known
        ]
    return found


def _informant(submission: Submission, record: EpisodeRecord) -> UUID | None:
    """Give the informant if known; nobody named means the patient."""
    if submission.informant_id is not None:
        return submission.informant_id if submission.informant_id in record.informants else None
    return next((each for each, role in record.informants.items() if role == InformantRole.SELF), None)


def fits_age(form: Form, birth_month: date, completed_at: datetime) -> bool:
    """Tell whether the form fits the age; only the month of birth is known, so the month itself is given either way."""
    months = months_old(birth_month, completed_at)
    return form.fits_age(months / 12) or (months % 12 == 0 and form.fits_age((months - 1) / 12))


def months_old(birth_month: date, at: datetime) -> int:
    """Give the age in months, which may be one too many: only the month of birth is known."""
    return (at.year - birth_month.year) * 12 + at.month - birth_month.month
