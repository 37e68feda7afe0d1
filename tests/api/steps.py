"""What tests of the interface do again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from httpx2 import Response

from tests.factories import START, Caller, Clinic, administration, created, make_episode, make_sessions, ok, phq_9, put

SECRET = "Qvz73910042"
"""A value that would be recognised wherever it turned up again."""

RECEIPT = {"id", "state", "received_at"}


def put_text(
    caller: Caller, text: str | bytes, administration_id: UUID | None = None, content_type: str = "application/json"
) -> Response:
    content = text.encode() if isinstance(text, str) else text
    path = f"/v1/administrations/{administration_id or uuid4()}"
    return caller.request("PUT", path, content=content, headers={"Content-Type": content_type})


def read(clinic: Clinic, administration_id: object) -> dict[str, Any]:
    return ok(clinic.therapist.get(f"/v1/administrations/{administration_id}"))


def correct(clinic: Clinic, administration_id: object, version: int = 1, **changes: Any) -> Response:
    body = {"reason": "read wrongly from the paper"} | changes
    headers = {"If-Match": f'"{version}"'}
    return clinic.therapist.post(f"/v1/administrations/{administration_id}/corrections", body, headers=headers)


def enter_in_error(clinic: Clinic, administration_id: object, version: int = 1) -> Response:
    headers = {"If-Match": f'"{version}"'}
    return clinic.therapist.post(
        f"/v1/administrations/{administration_id}/entered-in-error",
        {"reason": "another patient's form"},
        headers=headers,
    )


def an_episode(clinic: Clinic, sessions: int = 4, **fields: Any) -> dict[str, Any]:
    episode = make_episode(clinic, **fields)
    make_sessions(clinic, episode, sessions)
    return episode


def observations(clinic: Clinic, episode: Mapping[str, Any]) -> list[float]:
    return [each["score"] for each in trajectory_of(clinic, episode)["observations"]]


def close(clinic: Clinic, episode: Mapping[str, Any], weeks: float) -> dict[str, Any]:
    version = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}"))["version"]
    closing = {"closed_at": (START + timedelta(weeks=weeks)).isoformat(), "closing_reason": "completed"}
    return ok(clinic.therapist.patch(f"/v1/episodes/{episode['id']}", closing, version))


def trajectory_of(clinic: Clinic, episode: Mapping[str, Any], query: str = "", **headers: str) -> dict[str, Any]:
    return ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}/trajectory{query}", headers=headers))


def set_policy(clinic: Clinic, **policy: Any) -> None:
    settings = ok(clinic.lead.get("/v1/settings"))
    ok(clinic.lead.patch("/v1/settings", {"policy": policy, "reason": "agreed in the team"}, settings["version"]))


def course(clinic: Clinic, totals: Sequence[int], **plan: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Put weekly scores, each an hour before a session that is attended; give the episode and the verdicts."""
    episode = make_episode(clinic, **plan)
    make_sessions(clinic, episode, len(totals))
    receipts = [
        created(put(clinic.therapist, administration(episode, phq_9(total, item_9=max(0, total - 24)), week=week)))
        for week, total in enumerate(totals)
    ]
    return episode, [receipt["result"]["verdict"] for receipt in receipts]


def accept(clinic: Clinic, receipt: Mapping[str, Any], clarification: str) -> None:
    path = f"/v1/administrations/{receipt['id']}/corrections"
    body = {"reason": "it is right as it is", "accept": [clarification]}
    created(clinic.therapist.post(path, body, headers={"If-Match": '"1"'}))


NOTHING_MORE: dict[str, Any] = {"further_bands": {}, "t": None, "not_found": [], "unverified": []}
"""How a score is read that has one way of dividing the range, no norms, and every figure confirmed."""
