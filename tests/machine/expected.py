"""What the interface has to answer, worked out from the model: every field that rests on the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.machine.questionnaires import CRITICAL_ITEM, QUESTIONNAIRES, critical_answer
from tests.machine.record_model import Administration, Alert, Episode, Place, RecordModel, SeriesKey, Verdict, Version

OSLO = ZoneInfo("Europe/Oslo")


def receipt(kept: Administration) -> dict[str, Any]:
    first = kept.versions[0]
    return {"id": kept.id, "state": first.state, "received_at": first.made}


def verdict(issued: Verdict | None) -> dict[str, Any] | None:
    if issued is None:
        return None
    return {
        **issued.says,
        "weeks": round(issued.says["weeks"], 2),
        "issue": issued.issue,
        "cause": issued.cause,
        "settings_version": issued.settings_version,
        "issued_at": issued.issued,
    }


def alert(raised: Alert) -> dict[str, Any]:
    # A duty of the same day is to be met before the next midnight in Oslo.
    midnight = datetime.combine(raised.raised.at.astimezone(OSLO).date() + timedelta(days=1), time(), OSLO)
    return {
        "id": raised.id,
        "version": raised.version,
        "patient_id": raised.episode.patient.id,
        "episode_id": raised.episode.id,
        "administration_id": raised.administration.id,
        "instrument": "phq-9",
        "item": "9",
        "kind": "suicidal_thoughts",
        "code": raised.code,
        "duty": raised.duty,
        "answered_at": raised.answered_at,
        "raised_at": raised.raised,
        "due_at": midnight.astimezone(UTC) if raised.duty == "same_day" else None,
        "acknowledged_at": raised.acknowledged,
    }


def result(kept: Administration, *, deciding: bool) -> dict[str, Any]:
    """What a clinician is shown of an administration; no verdict in record mode, or while it needs clarification."""
    now = kept.now
    shown = kept.verdicts[-1] if deciding and now.used and kept.verdicts else None
    return {
        "version": now.number,
        "state": now.state,
        "clarifications": now.clarifications,
        "scores": _scores(now),
        "critical": _critical(kept),
        "asks_about_suicide": now.content.instrument in CRITICAL_ITEM,
        "risk_alerts": [alert(each) for each in kept.alerts],
        "verdict": verdict(shown),
    }


def _scores(now: Version) -> dict[str, Any]:
    total = now.total
    if total is None:
        return {}
    return {
        "total": {
            "value": total.value,
            "prorated": total.value is not None and total.missing > 0,
            "missing": total.missing,
            "band": total.band,
            "is_case": total.is_case,
            "reason": "too_many_missing" if total.value is None else None,
        }
    }


def _critical(kept: Administration) -> list[dict[str, Any]]:
    content = kept.now.content
    if content.instrument not in CRITICAL_ITEM:
        return []
    number = CRITICAL_ITEM[content.instrument]
    given = kept.body["answers"] if content.codes is None else {number: content.critical_code()}
    status, code = critical_answer(content.instrument, given)
    return [{"item": number, "kind": "suicidal_thoughts", "status": status, "code": code}]


def administration(kept: Administration, *, deciding: bool) -> dict[str, Any]:
    now = kept.now
    content, numbers = now.content, QUESTIONNAIRES[now.content.instrument].numbers
    return {
        "id": kept.id,
        "episode_id": content.episode.id,
        "informant_id": now.series.informant if now.series else None,
        "instrument": content.instrument,
        "form": "self",
        "completed_at": content.completed_at,
        "received_at": now.made,
        "treatment_session_id": now.session.id if now.session else None,
        "timing": content.timing,
        "mode": content.mode,
        "answers": dict(zip(numbers, content.codes, strict=True)) if content.codes is not None else None,
        "item_states": dict(zip(numbers, content.states, strict=True)) if content.states is not None else None,
        "result": result(kept, deciding=deciding),
        "versions": [
            {
                "version": each.number,
                "state": each.state,
                "received_at": each.made,
                "completed_at": each.content.completed_at,
                "author_id": each.author,
                "reason": each.reason,
                "clarifications": each.clarifications or None,
                "accepted": each.accepted or None,
            }
            for each in kept.versions
        ],
        "verdicts": [verdict(each) for each in kept.verdicts] if deciding else [],
    }


# ---- Where a patient stands


def _observation(place: Place) -> dict[str, Any]:
    return {
        "administration_id": place.administration.id,
        "completed_at": place.completed_at,
        "score": place.score,
        "dose": place.dose,
        "weeks": round(place.weeks, 2),
        "phase": place.phase,
        "is_baseline": place.is_baseline,
    }


def _next_due(model: RecordModel, episode: Episode, key: SeriesKey) -> datetime | None:
    places = model.places(episode, key)
    if not places or episode.treatment_ended_at() is not None:
        return None
    return places[-1].completed_at + timedelta(days=episode.plan().interval_days)


def is_stale(model: RecordModel, episode: Episode, key: SeriesKey, now: datetime) -> bool:
    """Two planned intervals and a week after the last score, while the treatment lasts (methods, G3)."""
    places = model.places(episode, key)
    if not places or episode.treatment_ended_at() is not None:
        return False
    return now - places[-1].completed_at > timedelta(days=2 * episode.plan().interval_days + 7)


def _no_verdict(model: RecordModel, episode: Episode, key: SeriesKey, set_aside: Sequence[object]) -> str | None:
    places = model.places(episode, key)
    if model.mode == "record":
        return "record_mode"
    if model.standing(episode, key) is not None:
        return None
    if not places:
        return "needs_clarification" if set_aside else "no_score"
    if not model.counted_sessions(episode):
        return "no_counted_session"
    return "not_issued_yet" if any(each.phase == "treatment" for each in places) else "follow_up"


def _disagreements(model: RecordModel, episode: Episode, key: SeriesKey) -> list[tuple[str, str]]:
    """Name the series that changed reliably the other way, or are red while this one is not; codes with labels."""
    own = model.standing(episode, key)
    found = []
    for other in episode.series:
        standing = model.standing(episode, other)
        if own is None or standing is None or other == key:
            continue
        changes = {own.says["change"], standing.says["change"]}
        opposite = changes == {"reliable_improvement", "reliable_deterioration"}
        if opposite or (standing.says["signal"] == "red" and own.says["signal"] != "red"):
            code = "informants_disagree" if other.instrument == key.instrument else "measures_disagree"
            found.append((code, f"{other.instrument} {other.informant}"))
    return sorted(found)


def trajectory(model: RecordModel, episode: Episode, key: SeriesKey, now: datetime) -> dict[str, Any]:
    """What is shown of one series; `needs_clarification` and `disagreements` sorted, as nothing is said of an order."""
    places, deciding = model.places(episode, key), model.deciding
    set_aside = sorted(
        each.id
        for each in model.of_episode(episode)
        if each.now.series == key and each.now.state == "needs_clarification"
    )
    treated = [each.score for each in places if each.phase == "treatment"]
    criteria = QUESTIONNAIRES[key.instrument].criteria
    no_verdict = _no_verdict(model, episode, key, set_aside)
    return {
        "episode_id": episode.id,
        "mode": model.mode,
        "series": {
            "id": episode.series[key],
            "instrument": key.instrument,
            "informant_id": key.informant,
            "is_main_measure": key == episode.main,
        },
        "observations": [_observation(each) for each in places],
        "needs_clarification": set_aside,
        "late_baseline": model.late_baseline(places),
        "counted_sessions": len(model.counted_sessions(episode)),
        "change": str(criteria.category(treated[0], treated[-1])) if len(treated) > 1 else None,
        "verdict": verdict(model.standing(episode, key)) if deciding else None,
        "no_verdict": {"code": no_verdict} if no_verdict else None,
        "disagreements": _disagreements(model, episode, key) if deciding else [],
        "stale": is_stale(model, episode, key, now),
        "next_measure_due_at": _next_due(model, episode, key),
    }


def in_caseload(model: RecordModel) -> list[Episode]:
    """The open episodes, and those closed ones in which nobody has assessed a critical answer."""
    return [
        each
        for each in model.episodes
        if each.closed_at is None or any(not alert.acknowledged for alert in model.alerts(each))
    ]


def caseload_entry(model: RecordModel, episode: Episode, now: datetime) -> dict[str, Any]:
    """Where an episode stands; `open_alerts` and `overdue` sorted."""
    key, deciding = episode.main, model.deciding
    places = model.places(episode, key) if key else []
    baseline = next((each.score for each in places if each.is_baseline), None)
    last = places[-1] if places else None
    return {
        "episode_id": episode.id,
        "patient_id": episode.patient.id,
        "patient_reference": episode.patient.reference,
        "closed_at": episode.closed_at,
        "instrument": key.instrument if key else None,
        "series_id": episode.series[key] if key else None,
        "verdict": verdict(model.standing(episode, key)) if key and deciding else None,
        "disagreements": _disagreements(model, episode, key) if key and deciding else [],
        "stale": is_stale(model, episode, key, now) if key else False,
        "baseline": baseline,
        "last_score": last.score if last else None,
        "last_completed_at": last.completed_at if last else None,
        "last_dose": last.dose if last else None,
        "change": baseline - last.score if last and baseline is not None else None,  # lower is better in both
        "sparkline": [
            {"weeks": round(each.weeks, 2), "dose": each.dose, "score": each.score, "phase": each.phase}
            for each in places
        ],
        "open_alerts": sorted(str(each.id.value) for each in model.alerts(episode) if not each.acknowledged),
        "overdue": _overdue(model, episode, now),
    }


def _overdue(model: RecordModel, episode: Episode, now: datetime) -> list[str]:
    kinds = ["clarification" for each in model.of_episode(episode) if each.now.state == "needs_clarification"]
    due_at = _next_due(model, episode, episode.main) if episode.main else None
    if due_at is not None and due_at <= now:
        kinds.append("measure")
    due_on = [each for _, each in episode.reviews if each is not None]
    if due_on and min(due_on) <= now.astimezone(OSLO).date().isoformat():
        kinds.append("review")
    return sorted(kinds)


def urgency(entry: Mapping[str, Any]) -> int:
    """How far up an episode has to stand, as far as the design fixes the order: sections 1, 4.3 and 4.5."""
    signal = entry["verdict"]["signal"] if entry["verdict"] else None
    if entry["open_alerts"]:
        return 0
    if signal in ("red", "yellow"):
        return 1 if signal == "red" else 2
    waits = entry["stale"] or set(entry["overdue"]) - {"measure"}
    return 4 if signal == "green" and not waits else 3
