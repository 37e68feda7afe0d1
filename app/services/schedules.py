"""Schedules of programmes: which forms are asked for when, by sessions or by the calendar."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.db.episode_records import EpisodeRecord
from app.db.instruments import Instruments, find_instrument, find_instruments
from app.db.schedules import DueForm, ScheduledProgramme, add_due_forms, scheduled_programmes
from app.db.session import Work
from app.errors import InvalidInput, MalformedBody, UnknownInstrument
from app.scales.form import Form
from app.scales.instrument import InformantRole, Instrument
from app.services.admission import fits_age


@dataclass(frozen=True, slots=True)
class ScheduleRule:
    """One line of a schedule: a form for everybody of a role, at every n-th counted session or after some months.

    Sessions are counted from the start of the programme; the window reaches from `days_before` the session, or the
    day on which so many months have passed, to `window_days` after it.
    """

    instrument: str
    informant_role: InformantRole
    days_before: int
    window_days: int
    form: str | None = None
    every_sessions: int | None = None
    months: Sequence[int] | None = None

    def form_for(self, instrument: Instrument, record: EpisodeRecord, at: datetime) -> Form | None:
        """Give the form that is named, else the first that fits role and age; None where there is none."""
        fitting = [form for form in _forms(self, instrument) if fits_age(form, record.birth_month, at)]
        return fitting[0] if fitting else None


def _forms(rule: ScheduleRule, instrument: Instrument) -> list[Form]:
    return [
        form
        for form in instrument.forms
        if rule.form in (None, form.key) and InformantRole(rule.informant_role) in form.respondents
    ]


def check_schedule(work: Work, documents: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a schedule that can't be applied.

    Raises
    ------
    UnknownInstrument, MalformedBody
        If an instrument is not there or has no such form for such an informant, or a line says both or neither of
        how often and when.
    """
    for place, document in enumerate(documents):
        pointer = f"/schedule/{place}"
        rule = ScheduleRule(**document)
        if (rule.every_sessions is None) is (rule.months is None):
            raise MalformedBody("one of every_sessions and months must be given", pointer=pointer)
        try:
            instrument = find_instrument(work, rule.instrument, pointer=f"{pointer}/instrument")
            if rule.form is not None:
                instrument.form(rule.form)
        except UnknownInstrument as error:
            raise _pointing(error, pointer) from None
        if not _forms(rule, instrument):
            roles = sorted({role for form in instrument.forms for role in form.respondents})
            raise MalformedBody(
                "the form is not for such an informant", pointer=f"{pointer}/informant_role", allowed=", ".join(roles)
            )


def _pointing(error: InvalidInput, pointer: str) -> InvalidInput:
    if not (error.pointer or "").startswith(pointer):
        error.pointer = f"{pointer}/form"
    return error


def assign_due_forms(work: Work, records: Mapping[UUID, EpisodeRecord]) -> None:
    """Make the assignments that the schedules of locked episodes ask for by now, and none of them twice.

    What comes by the calendar is made as soon as the programme is known, with its window in the future, so that no
    timer is needed; what lies wholly in the past is not made.
    """
    if not records:
        return
    programmes = scheduled_programmes(work, list(records))
    rules = {episode_id: [ScheduleRule(**each) for each in found.schedule] for episode_id, found in programmes.items()}
    instruments = find_instruments(work, {rule.instrument for each in rules.values() for rule in each})
    due = [
        form
        for episode_id, programme in programmes.items()
        for rule in rules[episode_id]
        for form in _due(rule, programme, records[episode_id], instruments)
        if form.closes_at > work.now
    ]
    if due:
        add_due_forms(work, work.entry, due)


def _due(
    rule: ScheduleRule, programme: ScheduledProgramme, record: EpisodeRecord, instruments: Instruments
) -> Iterator[DueForm]:
    instrument = instruments.get(rule.instrument)
    if instrument is None:  # an organisation's own that is not there any more
        return
    informants = [each for each, role in record.informants.items() if role == rule.informant_role]
    for occasion, session_id, at in _occasions(rule, programme, record):
        form = rule.form_for(instrument, record, at)
        for informant_id in informants if form else ():
            assert form is not None, "only a form that fits is asked for"
            yield DueForm(
                key=f"{programme.id} {rule.instrument} {rule.form or '-'} {occasion} {informant_id}",
                episode_id=record.id,
                informant_id=informant_id,
                treatment_session_id=session_id,
                instrument=rule.instrument,
                form=form.key,
                opens_at=at - timedelta(days=rule.days_before),
                closes_at=at + timedelta(days=rule.window_days),
            )


def _occasions(
    rule: ScheduleRule, programme: ScheduledProgramme, record: EpisodeRecord
) -> Iterator[tuple[str, UUID | None, datetime]]:
    """Give each occasion with its name, its session if it has one, and its time."""
    for months in rule.months or ():
        yield f"month {months}", None, after_months(programme.started_at, months)
    counted = [(session_id, at) for session_id, at in record.sessions if at >= programme.started_at]
    every = rule.every_sessions
    for session_id, at in counted[every - 1 :: every] if every else ():
        yield f"session {session_id}", UUID(session_id), at


def after_months(start: datetime, months: int) -> datetime:
    """Give the same day of a later month, or that month's last where it is shorter.

    Examples
    --------
    >>> str(after_months(datetime(2026, 8, 31, 9, tzinfo=UTC), 6))
    '2027-02-28 09:00:00+00:00'
    """
    years, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month + 1
    return start.astimezone(UTC).replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))
