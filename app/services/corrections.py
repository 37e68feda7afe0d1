"""Corrections: new versions with author and reason; entered in error; resolving what needs clarification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.db.administrations import NewRows, as_bytea, session_starts, write
from app.db.codes import AdministrationState, Clarification, IssueCause
from app.db.episode_records import EpisodeRecord, lock_episodes
from app.db.instruments import find_instrument
from app.db.models import Administration
from app.db.results import get_administration, get_results
from app.db.session import Work
from app.errors import MalformedBody, NotFound, PreconditionFailed, StateConflict
from app.scales.answers import ItemState, states_of_letters
from app.scales.instrument import InformantRole, Instrument
from app.services.administrations import NewVersion, keep
from app.services.admission import Submission, admit, faults, refusal
from app.services.bodies import read_body
from app.services.placing import PlacedEpisode
from app.services.settings import ServiceSettings, current_settings
from app.services.summaries import measures_of
from app.services.verdicts import verdicts_issued_anew


@dataclass(frozen=True, slots=True)
class Correction:
    """What is corrected, why, and which clarifications are resolved as right."""

    reason: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    accepted: tuple[Clarification, ...] = ()


def correct_administration(
    work: Work, administration_id: UUID, version: int, correction: Correction, *, clock_tolerance: timedelta
) -> None:
    """Add a version of an administration, and issue anew the verdicts that it changes.

    Raises
    ------
    PreconditionFailed
        If somebody else has added a version since.
    StateConflict
        If it was entered in error.
    InvalidInput
        If the corrected administration still can't be read.
    """
    episode_ids = {get_administration(work, administration_id).episode_id}
    if target := correction.changes.get("episode_id"):
        episode_ids.add(target)
    present, records = _lock(work, administration_id, version, episode_ids)
    submission = _corrected(work, present, correction)
    record = records.get(submission.episode_id) if submission.episode_id else None
    if record is None:
        raise NotFound("there is no such episode", pointer="/episode_id")
    if "informant_id" not in correction.changes and _is_self_report(submission, records[present.episode_id]):
        submission = replace(submission, informant_id=None)  # also in another patient's episode, if it is moved there
    settings = current_settings(work)
    wanted = submission.treatment_session_id
    starts = work.ask(session_starts(work, [wanted] if wanted else []))
    accepted = tuple(dict.fromkeys([*map(Clarification, present.accepted or ()), *correction.accepted]))
    instruments = {present.instrument: find_instrument(work, present.instrument, present.instrument_version)}
    admission = admit(
        submission,
        record,
        settings,
        instruments,
        now=work.now,
        clock_tolerance=clock_tolerance,
        session_known=wanted is None or wanted in starts,
        not_assigned=_is_still_not_assigned(present, correction),
        accepted=accepted,
    )
    if admission.answers is None:
        raise refusal(faults(submission, instruments))
    rows = NewRows()
    new = NewVersion(admission, record, version + 1, work.scope.actor_id, correction.reason, accepted)
    keep(work, rows, new, starts, settings)
    _forget(records[present.episode_id], present)
    _finish(work, rows, records, settings)


def enter_in_error(work: Work, administration_id: UUID, version: int, reason: str) -> None:
    """Mark an administration as entered in error: kept, never shown as a result, counted nowhere.

    Raises
    ------
    PreconditionFailed
        If somebody else has added a version since.
    StateConflict
        If it already is.
    """
    present = get_administration(work, administration_id)
    present, records = _lock(work, administration_id, version, {present.episode_id})
    row = {column.name: getattr(present, column.name) for column in Administration.__table__.columns}
    row |= {
        "version": version + 1,
        "state": AdministrationState.ENTERED_IN_ERROR,
        "reason": reason,
        "received_at": work.now,
        "author_id": work.scope.actor_id,
        "body_hash": as_bytea(present.body_hash),
    }
    _forget(records[present.episode_id], present)
    _finish(work, NewRows(administrations=[row]), records, current_settings(work))


def _lock(
    work: Work, administration_id: UUID, version: int, episode_ids: set[UUID]
) -> tuple[Administration, dict[UUID, EpisodeRecord]]:
    """Lock the episodes, then look at the version again: it can't change any more."""
    records = lock_episodes(work, episode_ids)
    present = get_administration(work, administration_id)
    work.db.refresh(present)
    if present.superseded_at is not None or present.version != version:
        raise PreconditionFailed("it has been changed since; read it again")
    if present.state == AdministrationState.ENTERED_IN_ERROR:
        raise StateConflict("it was entered in error and can't be corrected")
    return present, records


def _corrected(work: Work, present: Administration, correction: Correction) -> Submission:
    """Give the administration as it would have been put, with the corrections."""
    result = get_results(work, [present.id])[present.id]
    submission = Submission(
        id=present.id,
        episode_id=present.episode_id,
        instrument=present.instrument,
        body=read_body(present.body) if present.body else None,
        form=present.form,
        informant_id=result.informant_id or _named_in_body(present, "informant_id", Clarification.UNKNOWN_INFORMANT),
        completed_at=present.completed_at,
        treatment_session_id=present.treatment_session_id
        or _named_in_body(present, "treatment_session_id", Clarification.UNKNOWN_SESSION),
        timing=present.timing,
        occasion=present.occasion,
        mode=present.mode,
        helped_by=present.helped_by,
        **_answers(present, result.instrument),
    )
    changes = dict(correction.changes)
    if isinstance(changes.get("answers"), Mapping) and "item_states" not in changes:
        # What is answered now is no longer blank or declined.
        states = submission.item_states if isinstance(submission.item_states, Mapping) else {}
        changes["item_states"] = {item: state for item, state in states.items() if item not in changes["answers"]}
    submission = replace(submission, **changes)
    submission = replace(submission, body=_with_named_ids(submission))
    if submission.completed_at is None:
        raise MalformedBody("it is not known when the form was filled in", pointer="/completed_at")
    return submission


def _is_still_not_assigned(present: Administration, correction: Correction) -> bool:
    """Tell whether what was not assigned when it was put is still the same: which form, from whom, about whom."""
    said = {*(present.clarifications or ()), *(present.accepted or ())}
    return Clarification.NOT_ASSIGNED in said and not {"form", "informant_id", "episode_id"} & set(correction.changes)


def _with_named_ids(submission: Submission) -> dict[str, Any]:
    """Give the body with the ids that a correction may have named: if they are not known, only the body holds them."""
    body = dict(submission.body) if isinstance(submission.body, Mapping) else {}
    named = {name: getattr(submission, name) for name in ("informant_id", "treatment_session_id")}
    return body | {name: str(value) for name, value in named.items() if value is not None}


def _is_self_report(submission: Submission, record: EpisodeRecord) -> bool:
    return submission.informant_id is not None and record.informants.get(submission.informant_id) == InformantRole.SELF


_NOBODY = UUID(int=0)
"""An id that nothing has."""


def _named_in_body(present: Administration, name: str, reason: Clarification) -> UUID | None:
    """Give an id that the columns could not take: without it somebody else's answers would become the patient's."""
    said = [*(present.clarifications or ()), *(present.accepted or ())]
    if present.body is None or {reason, Clarification.UNREADABLE}.isdisjoint(said):
        return None
    body = read_body(present.body)
    assert isinstance(body, Mapping), "what is kept names its episode"
    try:
        return UUID(str(body[name])) if body.get(name) is not None else None
    except ValueError:
        return _NOBODY


def _answers(present: Administration, instrument: Instrument) -> dict[str, Any]:
    if present.answers is None or present.item_states is None:
        return {"answers": None, "item_states": None}
    answers = instrument.form(present.form).answers(present.answers)
    states = zip(answers, states_of_letters(present.item_states), strict=True)
    return {
        "answers": {number: answer for number, answer in answers.items() if answer is not None},
        "item_states": {number: state.value for number, state in states if state is not ItemState.ANSWERED},
    }


def _forget(record: EpisodeRecord, superseded: Administration) -> None:
    record.administrations = [
        kept for kept in record.administrations if not (kept.id == superseded.id and kept.version == superseded.version)
    ]


def _finish(work: Work, rows: NewRows, records: Mapping[UUID, EpisodeRecord], settings: ServiceSettings) -> None:
    """Write, with every verdict that comes out differently: also earlier ones, where the baseline is another now."""
    since = datetime.min.replace(tzinfo=UTC)
    placed = [PlacedEpisode.of(each) for each in records.values()]
    rows.progress += verdicts_issued_anew(work, placed, settings, IssueCause.CORRECTION, since=since)
    rows.measures += measures_of(work, placed)
    write(work, work.entry, rows)
    work.db.expire_all()
