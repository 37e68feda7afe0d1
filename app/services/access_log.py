"""The access log of a patient: entries in words, and the document that is handed to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.db.access_log import AccessEntry, entries_about, organisation_name
from app.db.session import Work
from app.services.printing import print_pdf
from app.services.settings import current_settings
from app.texts.catalogue import is_known, say
from app.texts.dates import written_day, written_time

MOST_IN_A_DOCUMENT: Final = 10_000
"""Entries; a page has some forty."""


@dataclass(frozen=True, slots=True)
class AccessDocument:
    """What is printed of an access log, read and not yet laid out."""

    organisation: str
    reference: str
    time_zone: ZoneInfo
    now: datetime
    entries: list[AccessEntry]


def read_access_log(work: Work, patient_id: UUID, before: int | None, limit: int) -> list[AccessEntry]:
    """Give the newest entries about a patient: all, or those before one of them."""
    return entries_about(work, patient_id, before, limit)[1]


def read_access_document(work: Work, patient_id: UUID) -> AccessDocument:
    """Read what a document for the patient shows."""
    patient, entries = entries_about(work, patient_id, None, MOST_IN_A_DOCUMENT)
    return AccessDocument(
        organisation=organisation_name(work),
        reference=patient.reference,
        time_zone=current_settings(work).time_zone,
        now=work.now,
        entries=entries,
    )


def action_in_words(action: str, language: str) -> str:
    """Say what was done, without what was noted beside it; one that has no words any more is told in general."""
    key = f"audit_action.{action.partition(':')[0]}"
    return say(key if is_known(key) else "audit_action.other", language)


def who_in_words(entry: AccessEntry, language: str) -> str:
    """Say who did it, with their role."""
    role = say(f"role.{entry.role}", language)
    if entry.actor_id.int == 0:
        return say("access_log.system", language)
    return f"{entry.name}, {role[0].lower()}{role[1:]}" if entry.name else role


def printed(document: AccessDocument, language: str) -> bytes:
    """Lay out the document; no transaction needs to be open for it."""

    def words(name: str, **evidence: object) -> str:
        return say(f"access_log.{name}", language, evidence)

    organisation = document.organisation
    introduction = [words("about", organisation=organisation), words("grouped")]
    if len(document.entries) == MOST_IN_A_DOCUMENT:
        introduction.append(words("cut", shown=MOST_IN_A_DOCUMENT))
    table = {
        "columns": [words(name) for name in ("when", "who", "what", "why")],
        "widths": [3, 5, 5, 3],
        "rows": [_row(each, language) for each in _grouped(document.entries, document.time_zone)],
    }
    advice = [words("ask"), words("block"), words("complain", organisation=organisation)]
    patient = [[words("reference"), document.reference]]
    data: dict[str, Any] = {
        "title": words("title"),
        "organisation": organisation,
        "day": document.now.astimezone(document.time_zone).date(),
        "introduction": introduction,
        "sections": [
            {"heading": words("patient"), "facts": patient},
            {"heading": words("events"), "table": table},
            {"heading": words("wrong"), "paragraphs": advice},
        ],
    }
    return print_pdf("document", data, language)


@dataclass(slots=True)
class _Line:
    """The same person doing the same on one day: the newest of the entries, since when, and how often."""

    newest: AccessEntry
    day: date
    first: datetime
    last: datetime
    times: int = 1


def _grouped(entries: Iterable[AccessEntry], time_zone: ZoneInfo) -> list[_Line]:
    """Put together what is alike on a day, at the place of the newest of it."""
    lines: dict[tuple[object, ...], _Line] = {}
    for entry in entries:
        at = entry.occurred_at.astimezone(time_zone)
        alike = (at.date(), entry.actor_id, entry.role, entry.service, entry.action, entry.purpose)
        line = lines.get(alike)
        if line is None:
            lines[alike] = _Line(entry, at.date(), at, at)
        else:
            line.first, line.last, line.times = min(line.first, at), max(line.last, at), line.times + 1
    return list(lines.values())


def _row(line: _Line, language: str) -> list[str]:
    entry = line.newest
    times = [written_time(each, language) for each in (line.first, line.last)]
    when = f"{written_day(line.day, language)}, " + " \N{EN DASH} ".join(dict.fromkeys(times))
    what = action_in_words(entry.action, language)
    if line.times > 1:
        what = f"{what}\n{say('access_log.times', language, {'times': line.times})}"
    who = who_in_words(entry, language)
    return [
        when,
        f"{who}\n{entry.service}" if entry.service else who,
        what,
        say(f"purpose.{entry.purpose}", language),
    ]
