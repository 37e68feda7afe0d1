"""What happens to the model's record when forms come in: put, corrected, entered in error (design, 4.1 and 6)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.machine.questionnaires import (
    CRITICAL_ITEM,
    QUESTIONNAIRES,
    critical_answer,
    readable_code,
    too_young,
    total_of,
)
from tests.machine.record_model import (
    Administration,
    Alert,
    Content,
    Episode,
    RecordModel,
    SeriesKey,
    Version,
)
from tests.machine.told import Moment, Told

CLOCK_TOLERANCE = timedelta(seconds=300)
"""How far ahead a tablet's clock may be: README, settings of the process."""

FIELDS = {
    "episode_id",
    "instrument",
    "form",
    "informant_id",
    "answers",
    "item_states",
    "completed_at",
    "treatment_session_id",
    "timing",
    "occasion",
    "mode",
    "helped_by",
}

STORED, REPEATED, CONFLICT, UNREADABLE, NO_EPISODE = "stored", "repeated", "conflict", "unreadable", "no_episode"


# ---- Reading a body


def time_of(body: Mapping[str, Any]) -> datetime | None:
    try:
        moment = datetime.fromisoformat(body["completed_at"])
    except (KeyError, TypeError, ValueError):
        return None
    return moment if moment.utcoffset() is not None else None


def is_readable(body: Mapping[str, Any]) -> bool:
    """Tell whether a body can be read as the form that it claims to be."""
    numbers = QUESTIONNAIRES[body["instrument"]].numbers
    given, states = body.get("answers"), body.get("item_states") or {}
    return (
        set(body) <= FIELDS
        and body.get("form") in (None, "self")
        and time_of(body) is not None
        and isinstance(given, Mapping)
        and all(number in numbers and readable_code(code) for number, code in given.items())
        and all(number in numbers and number not in given for number in states)
    )


def content_of(body: Mapping[str, Any], episode: Episode) -> Content:
    """Say what a body says, as far as it can be read."""
    codes = states = None
    if is_readable(body):
        codes, states = _read(body["instrument"], body["answers"], body.get("item_states") or {})
    return Content(
        episode=episode,
        instrument=body["instrument"],
        informant=body.get("informant_id"),
        session=body.get("treatment_session_id"),
        timing=body.get("timing"),
        mode=body.get("mode"),
        completed_at=time_of(body),
        codes=codes,
        states=states,
    )


def _read(
    instrument: str, given: Mapping[str, Any], marked: Mapping[str, str]
) -> tuple[tuple[int | None, ...], tuple[str, ...]]:
    numbers = QUESTIONNAIRES[instrument].numbers
    codes = tuple(int(given[number]) if number in given else None for number in numbers)
    states = tuple("answered" if number in given else marked.get(number, "blank") for number in numbers)
    return codes, states


def meaning(body: Mapping[str, Any], episode: Episode) -> object:
    """Say what makes a body the same as another, however it is spelt; what can't be read is as it was written."""
    if not is_readable(body):
        return body
    named = ("treatment_session_id", "timing", "occasion", "mode", "helped_by", "instrument", "episode_id")
    read = _read(body["instrument"], body["answers"], body.get("item_states") or {})
    informant = body.get("informant_id") or episode.patient.himself()
    return (*(body.get(name) for name in named), informant, time_of(body), *read)


# ---- Putting


def put(
    model: RecordModel,
    entries: Sequence[tuple[str, Mapping[str, Any]]],
    put_at: Moment,
    author: Told,
    taken_elsewhere: Collection[str] = (),
) -> list[tuple[str, Administration | None]]:
    """Store what can be read, each once, then judge what is new: all that came in one request is known by then."""
    outcomes = [_put_one(model, *entry, put_at, author, taken_elsewhere) for entry in entries]
    new = [kept for status, kept in outcomes if status == STORED and kept is not None and kept.now.state == "final"]
    model.issue_for_answers(new, put_at)
    return outcomes


def _put_one(
    model: RecordModel,
    administration_id: str,
    body: Mapping[str, Any],
    put_at: Moment,
    author: Told,
    taken_elsewhere: Collection[str],
) -> tuple[str, Administration | None]:
    known = model.administration(administration_id)
    episode = next((each for each in model.episodes if each.id == body.get("episode_id")), None)
    if episode is None:
        return (CONFLICT if known else NO_EPISODE), None
    positive = critical_answer(body["instrument"], body["answers"])[0] == "positive" if _asks(body) else False
    if not is_readable(body) and not positive:
        return UNREADABLE, None
    if known is not None:
        the_same = meaning(body, episode) == meaning(known.body, known.versions[0].content.episode)
        return (REPEATED, known) if the_same else (CONFLICT, None)
    if administration_id in taken_elsewhere:
        return CONFLICT, None
    kept = Administration(administration_id, dict(body))
    version = _admitted(model, content_of(body, episode), put_at, author, 1)
    _note_risk(model, kept, version, body)
    kept.versions.append(version)
    model.administrations.append(kept)
    return STORED, kept


def _asks(body: Mapping[str, Any]) -> bool:
    return body["instrument"] in CRITICAL_ITEM and isinstance(body.get("answers"), Mapping)


def _admitted(
    model: RecordModel, content: Content, made: Moment, author: Told, number: int, accepted: Sequence[str] = ()
) -> Version:
    """Set a version aside for every reason that nobody has accepted; score and place it otherwise."""
    episode = content.episode
    informant = content.informant or episode.patient.himself()
    role = episode.patient.informants.get(informant)
    session = model.session(content.session)
    version = Version(number, "final", content, [], list(accepted), made, author, session=session)
    if content.codes is None or content.completed_at is None:
        version.state, version.clarifications = "needs_clarification", ["unreadable"]
        return version
    total = total_of(content.instrument, content.codes, model.at_most_missing(content.instrument))
    closed_at = episode.closed_at
    reasons = {
        "clock_ahead": content.completed_at > made.at + CLOCK_TOLERANCE,
        "episode_closed": closed_at is not None and content.completed_at > closed_at,
        "wrong_form_for_age": too_young(episode.patient.birth_month, content.completed_at),
        "unknown_informant": role is None,
        "wrong_informant": role not in (None, "self"),
        "unknown_session": content.session is not None and session is None,
        "too_many_missing": total.value is None,
    }
    version.clarifications = [reason for reason, holds in reasons.items() if holds and reason not in accepted]
    if role is not None:
        version.series = SeriesKey(content.instrument, informant)
        if version.series not in episode.series:
            episode.series[version.series] = Told()
            wanted = episode.programmes[-1].programme.main_instrument if episode.programmes else None
            if episode.main is None and wanted in (None, content.instrument):
                episode.main = version.series
    if version.clarifications:
        version.state = "needs_clarification"
    else:
        version.state, version.total = ("final" if number == 1 else "amended"), total
    return version


# ---- Risk


def _note_risk(model: RecordModel, kept: Administration, version: Version, body: Mapping[str, Any] | None) -> None:
    """Raise an alert for a positive answer to item 9, whatever else is the matter with the form."""
    content = version.content
    code = content.critical_code()
    if content.codes is None and body is not None and _asks(body):
        code = critical_answer(content.instrument, body["answers"])[1]
    if not code:
        return
    answered_at = content.completed_at
    if answered_at is None or answered_at > version.made.at:
        answered_at = None  # a fast clock is not believed
    earlier = _earlier_code(kept, content.episode)
    if earlier == code:
        return
    if earlier is None:
        earlier = _last_code(model, content.episode, answered_at or version.made.at)
    assessed = any(alert.acknowledged for alert in model.alerts(content.episode))  # always within 14 days here
    duty = "shown" if earlier is not None and code <= earlier and assessed else "same_day"
    kept.alerts.append(Alert(content.episode, kept, code, duty, answered_at or version.made, version.made))


def _earlier_code(kept: Administration, episode: Episode) -> int | None:
    """What the version before this one answered; what could not be read is known by its alert."""
    if kept.versions and kept.now.content.codes is not None and kept.now.content.episode is episode:
        return kept.now.content.critical_code()
    raised = [alert.code for alert in kept.alerts if alert.episode is episode]
    return raised[-1] if raised else None


def _last_code(model: RecordModel, episode: Episode, until: datetime) -> int | None:
    """What was last answered to item 9, by the time of answering: in the forms, or in the alerts that were raised."""
    readings = [
        (min(each.now.content.completed_at or each.now.made.at, each.now.made.at), code)
        for each in model.of_episode(episode)
        if (code := each.now.content.critical_code()) is not None
    ]
    readings += [
        (alert.answered_at.at if isinstance(alert.answered_at, Moment) else alert.answered_at, alert.code)
        for alert in model.alerts(episode)
    ]
    before = [reading for reading in readings if reading[0] <= until]
    return max(before)[1] if before else None


# ---- Correcting


def correct(
    model: RecordModel,
    kept: Administration,
    corrected_at: Moment,
    changes: Mapping[str, Any],
    accept: Sequence[str],
    author: Told,
    reason: str,
) -> int:
    """Add a version, and issue anew what it changes; give the status."""
    present = kept.now
    if present.state == "entered_in_error":
        return 409
    content = _changed(model, present.content, changes)
    if content is None:
        return 404
    if content.codes is None or content.completed_at is None:
        return 422
    accepted = list(dict.fromkeys([*present.accepted, *accept]))
    version = _admitted(model, content, corrected_at, author, present.number + 1, accepted)
    version.reason = reason
    if "unknown_session" in accepted and version.session is None:
        version.content = replace(content, session=None)  # let go
    _note_risk(model, kept, version, None)
    kept.versions.append(version)
    episodes = [each for each in model.episodes if each in (present.content.episode, content.episode)]
    model.issue_for_episodes(episodes, "correction", corrected_at)
    return 201


def _changed(model: RecordModel, present: Content, changes: Mapping[str, Any]) -> Content | None:
    content = present
    if "episode_id" in changes:
        episode = next((each for each in model.episodes if each.id == changes["episode_id"]), None)
        if episode is None:
            return None
        if present.informant == present.episode.patient.himself():
            content = replace(content, informant=None)  # a self-report stays one, also of another patient
        content = replace(content, episode=episode)
    if "answers" in changes:
        body = {"instrument": content.instrument, "completed_at": "2026-01-01T00:00:00Z", "answers": changes["answers"]}
        codes = states = None
        if is_readable(body):
            numbers = QUESTIONNAIRES[content.instrument].numbers
            before = dict(zip(numbers, content.states or (), strict=False))
            marked = {number: state for number, state in before.items() if state != "answered"}
            codes, states = _read(content.instrument, changes["answers"], marked)
        content = replace(content, codes=codes, states=states)
    named = {
        "informant_id": "informant",
        "treatment_session_id": "session",
        "timing": "timing",
        "mode": "mode",
    }
    plain = {named[name]: value for name, value in changes.items() if name in named}
    if "completed_at" in changes:
        plain["completed_at"] = datetime.fromisoformat(changes["completed_at"])
    return replace(content, **plain)


def enter_in_error(model: RecordModel, kept: Administration, entered_at: Moment, author: Told, reason: str) -> int:
    """Keep it, and count it nowhere; give the status."""
    present = kept.now
    if present.state == "entered_in_error":
        return 409
    kept.versions.append(
        replace(
            present,
            number=present.number + 1,
            state="entered_in_error",
            made=entered_at,
            author=author,
            reason=reason,
            total=None,
        )
    )
    model.issue_for_episodes([present.content.episode], "correction", entered_at)
    return 201
